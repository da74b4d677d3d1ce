//! `logdedup`: of log records that are the same one goes on, with their number.
//!
//! Source: `processor/logdedupprocessor`. Alloy has none.

use std::collections::HashMap;

use jiff::Timestamp;
use linkmesh_ottl::record::{Attributes, LogRecord, Resource, Resourced, Scope, Scoped, Telemetry, Value};

use super::{Stage, Trial, values};
use crate::render::{alloy::Statement, yaml::Yaml};

/// Gathers records for a time and sends one for all that are the same.
#[derive(Debug, Clone)]
pub struct LogDedup {
    /// How long records are gathered: a duration of Go.
    pub interval: String,
    /// By what records are the same.
    pub compare: Compare,
}

/// By what records are the same.
#[derive(Debug, Clone)]
pub enum Compare {
    /// By everything but these; they are taken out of what goes on.
    AllBut(Vec<Field>),
    /// By these alone, where a record has one of them.
    Only(Vec<Field>),
}

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// A key of a body that is a mapping; of the attributes otherwise.
    pub is_of_body: bool,
    /// The key.
    pub key: String,
}

impl Field {
    /// As upstream writes it: points in keys have a backslash in front.
    fn path(&self) -> String {
        format!("{}.{}", if self.is_of_body { "body" } else { "attributes" }, self.key.replace('.', "\\."))
    }

    fn map<'a>(&self, record: &'a LogRecord) -> Option<&'a Attributes> {
        match (&record.body, self.is_of_body) {
            (_, false) => Some(&record.attributes),
            (Value::Map(body), true) => Some(body),
            (_, true) => None,
        }
    }

    fn remove(&self, record: &mut LogRecord) {
        match (&mut record.body, self.is_of_body) {
            (_, false) => {
                record.attributes.remove(&self.key);
            }
            (Value::Map(body), true) => {
                body.remove(&self.key);
            }
            (_, true) => {}
        }
    }
}

/// The attribute that says how many a record stands for.
const COUNT: &str = "log_count";

impl LogDedup {
    /// The work of comparing all records.
    fn cost(&self, groups: &[Resourced<LogRecord>]) -> usize {
        let (Compare::AllBut(fields) | Compare::Only(fields)) = &self.compare;
        let body = |record: &LogRecord| if let Value::Map(body) = &record.body { body.len() } else { 0 };
        let record = |record: &LogRecord| {
            let looking = fields.len().saturating_mul(record.attributes.len() + body(record) + 1);
            record.attributes.size().saturating_add(record.body.size()).saturating_add(looking).saturating_add(256)
        };
        let records = groups.iter().flat_map(|group| &group.scopes).flat_map(|scope| &scope.records);
        let resources = groups.iter().map(|group| group.resource.size());
        resources.chain(records.map(record)).fold(0, usize::saturating_add)
    }

    fn key(&self, record: &LogRecord) -> Vec<u8> {
        let mut key = Vec::new();
        if let Compare::Only(fields) = &self.compare {
            for value in fields.iter().filter_map(|field| field.map(record)?.get(&field.key)) {
                values::identity_of_text(&mut key, &values::text_of(value));
            }
            if !key.is_empty() {
                return key;
            }
        }
        key.push(b'a');
        values::identity_of_map(&mut key, &record.attributes);
        values::identity(&mut key, &record.body);
        // Numbers without a name are the same to upstream.
        let severity = if (0..=24).contains(&record.severity_number) { record.severity_number } else { -1 };
        key.extend(severity.to_le_bytes());
        values::identity_of_text(&mut key, &record.severity_text);
        key
    }
}

fn resource_key(resource: &Resource) -> Vec<u8> {
    let mut key = Vec::new();
    values::identity_of_map(&mut key, &resource.attributes);
    key
}

fn scope_key(scope: &Scope) -> Vec<u8> {
    let mut key = Vec::new();
    values::identity_of_map(&mut key, &scope.attributes);
    values::identity_of_text(&mut key, &scope.name);
    values::identity_of_text(&mut key, &scope.version);
    key
}

/// The place of a key in a list; a new one is at its end.
fn place(places: &mut HashMap<Vec<u8>, usize>, key: Vec<u8>) -> usize {
    let next = places.len();
    *places.entry(key).or_insert(next)
}

impl Stage for LogDedup {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let (name, fields) = match &self.compare {
            Compare::AllBut(fields) => ("exclude_fields", fields),
            Compare::Only(fields) => ("include_fields", fields),
        };
        let mut config = vec![
            ("interval".to_owned(), Yaml::text(self.interval.as_str())),
            ("log_count_attribute".to_owned(), Yaml::text(COUNT)),
            ("timezone".to_owned(), Yaml::text("UTC")),
        ];
        if !fields.is_empty() {
            let fields = fields.iter().map(|field| Yaml::text(field.path()));
            config.push((name.to_owned(), Yaml::Seq(fields.collect())));
        }
        ("logdedup", Yaml::Map(config))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        ("otelcol.processor.logdedup", Vec::new())
    }

    fn alloy_lacks(&self) -> Option<&'static str> {
        Some("Alloy has no component that puts the same log records together")
    }

    fn run(&self, telemetry: &mut Telemetry, trial: &mut Trial) {
        if !trial.weigh(telemetry) {
            return;
        }
        let Telemetry::Logs(groups) = telemetry else { return };
        if !trial.spend(self.cost(groups)) {
            return;
        }
        let mut out: Vec<Resourced<LogRecord>> = Vec::new();
        let mut counts: HashMap<(usize, usize, usize), i64> = HashMap::new();
        let mut resources = HashMap::new();
        let mut scopes: HashMap<usize, HashMap<Vec<u8>, usize>> = HashMap::new();
        let mut records: HashMap<(usize, usize), HashMap<Vec<u8>, usize>> = HashMap::new();
        for group in std::mem::take(groups) {
            // Those of a resource and a scope may be long: they are made once.
            let mut of_resource = None;
            for scope in group.scopes {
                let mut of_scope = None;
                for mut record in scope.records {
                    if let Compare::AllBut(fields) = &self.compare {
                        fields.iter().for_each(|field| field.remove(&mut record));
                    }
                    let resource_at =
                        *of_resource.get_or_insert_with(|| place(&mut resources, resource_key(&group.resource)));
                    if out.len() == resource_at {
                        out.push(Resourced { resource: group.resource.clone(), ..Resourced::default() });
                    }
                    let Some(to) = out.get_mut(resource_at) else { continue };
                    let known = scopes.entry(resource_at).or_default();
                    let scope_at = *of_scope.get_or_insert_with(|| place(known, scope_key(&scope.scope)));
                    if to.scopes.len() == scope_at {
                        to.scopes.push(Scoped { scope: scope.scope.clone(), ..Scoped::default() });
                    }
                    let Some(to) = to.scopes.get_mut(scope_at) else { continue };
                    let record_at = place(records.entry((resource_at, scope_at)).or_default(), self.key(&record));
                    *counts.entry((resource_at, scope_at, record_at)).or_default() += 1;
                    if to.records.len() == record_at {
                        to.records.push(record);
                    }
                }
            }
        }
        let seen = seconds_text(trial.now_unix_nano);
        for (resource_at, group) in out.iter_mut().enumerate() {
            for (scope_at, scope) in group.scopes.iter_mut().enumerate() {
                for (record_at, record) in scope.records.iter_mut().enumerate() {
                    let count = counts.get(&(resource_at, scope_at, record_at)).copied().unwrap_or_default();
                    record.time_unix_nano = trial.now_unix_nano;
                    record.observed_time_unix_nano = trial.now_unix_nano;
                    record.attributes.insert(COUNT, Value::Int(count));
                    record.attributes.insert("first_observed_timestamp", Value::Str(seen.clone()));
                    record.attributes.insert("last_observed_timestamp", Value::Str(seen.clone()));
                }
            }
        }
        trial.note("all records count as of one interval; times are those of this dry run");
        *groups = out;
    }
}

/// A time to the second, as RFC 3339 writes it.
fn seconds_text(unix_nano: u64) -> String {
    let seconds = i64::try_from(unix_nano / 1_000_000_000).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(body: &str, attributes: &[(&str, i64)]) -> LogRecord {
        LogRecord {
            body: Value::Str(body.to_owned()),
            attributes: attributes.iter().map(|(key, value)| ((*key).to_owned(), Value::Int(*value))).collect(),
            ..LogRecord::default()
        }
    }

    fn of(service: &str, records: Vec<LogRecord>) -> Resourced<LogRecord> {
        let scopes = vec![Scoped { records, ..Scoped::default() }];
        let mut group = Resourced { scopes, ..Resourced::default() };
        group.resource.attributes.insert("service.name", Value::Str(service.to_owned()));
        group
    }

    /// Body, count and number of attributes of each record.
    fn after(compare: Compare, groups: Vec<Resourced<LogRecord>>) -> Vec<(String, i64, usize)> {
        let mut telemetry = Telemetry::Logs(groups);
        let mut trial = Trial { now_unix_nano: 1_700_000_000_900_000_000, ..Trial::default() };
        LogDedup { interval: "10s".to_owned(), compare }.run(&mut telemetry, &mut trial);
        assert_eq!(trial.notes.len(), 1);
        let Telemetry::Logs(groups) = telemetry else { unreachable!("logs stay logs") };
        let scopes = groups.into_iter().flat_map(|group| group.scopes);
        let summary = |record: LogRecord| {
            let Some(Value::Int(count)) = record.attributes.get(COUNT) else { panic!("{record:?}") };
            let seen = record.attributes.get("last_observed_timestamp");
            assert_eq!(seen, Some(&Value::Str("2023-11-14T22:13:20Z".to_owned())));
            assert_eq!(record.time_unix_nano, 1_700_000_000_900_000_000);
            (values::text_of(&record.body), *count, record.attributes.len())
        };
        scopes.flat_map(|scope| scope.records).map(summary).collect()
    }

    fn field(key: &str) -> Field {
        Field { is_of_body: false, key: key.to_owned() }
    }

    #[test]
    fn records_that_are_the_same_become_one_of_each_resource() {
        let groups = || {
            vec![
                of("a", vec![record("x", &[("n.o", 1)]), record("x", &[("n.o", 2)]), record("y", &[])]),
                of("b", vec![record("x", &[("n.o", 1)])]),
                of("a", vec![record("x", &[("n.o", 1)])]),
            ]
        };
        let summary = |found: Vec<(String, i64, usize)>| {
            found.into_iter().map(|(body, count, attributes)| format!("{body}{count}{attributes}")).collect::<Vec<_>>()
        };
        assert_eq!(summary(after(Compare::AllBut(vec![]), groups())), ["x24", "x14", "y13", "x14"]);
        assert_eq!(summary(after(Compare::AllBut(vec![field("n.o")]), groups())), ["x33", "y13", "x13"]);
        // One that has none of the fields is compared as a whole.
        assert_eq!(summary(after(Compare::Only(vec![field("n.o")]), groups())), ["x24", "x14", "y13", "x14"]);
    }

    #[test]
    fn bodies_that_are_mappings_have_fields_too() {
        let body = |time: i64| LogRecord {
            body: Value::Map(
                [("msg".to_owned(), Value::Str("m".into())), ("time".to_owned(), Value::Int(time))]
                    .into_iter()
                    .collect(),
            ),
            ..LogRecord::default()
        };
        let time = Field { is_of_body: true, key: "time".to_owned() };
        let found = after(Compare::AllBut(vec![time.clone()]), vec![of("a", vec![body(1), body(2)])]);
        assert_eq!(found, [(r#"{"msg":"m"}"#.to_owned(), 2, 3)]);
        assert_eq!(after(Compare::Only(vec![time]), vec![of("a", vec![body(1), body(2), body(1)])]).len(), 2);
    }
}
