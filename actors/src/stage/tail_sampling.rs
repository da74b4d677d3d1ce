//! `tail_sampling`: a trace goes on when one of the policies takes it, decided when its spans have been waited for.
//!
//! Source: `processor/tailsamplingprocessor`.

use std::collections::{HashMap, HashSet};

use linkmesh_ottl::record::{Attributes, Resourced, Scoped, Span, Telemetry, TraceId, Value};

use super::{
    Stage, Trial,
    values::{self, Expressions},
};
use crate::render::{
    alloy::{Block, Expr, Statement, attribute, block},
    yaml::Yaml,
};

/// Keeps the traces that one of its policies takes.
#[derive(Debug, Clone)]
pub struct TailSampling {
    /// How long spans are waited for: a duration of Go.
    pub decision_wait: String,
    /// How many traces wait at the same time; the oldest gives way.
    pub num_traces: i64,
    /// The policies by their names, in order.
    pub policies: Vec<(String, Policy)>,
}

/// Which traces are taken.
#[derive(Debug, Clone)]
pub enum Policy {
    /// Those with a span whose status is an error.
    Errors,
    /// Those that take longer from the first start to the last end.
    SlowerThan {
        /// In milliseconds.
        threshold_ms: i64,
    },
    /// Those with a resource or span whose attribute is one of some texts.
    Attribute {
        /// The attribute.
        key: String,
        /// The texts, or expressions of which one is found in it.
        values: Vec<String>,
        /// Whether the texts are expressions.
        is_regex: bool,
        /// Those that have none of them, instead.
        is_inverted: bool,
    },
    /// A percentage, by the hash of the trace's id.
    Percentage(f64),
    /// As many as their spans do not exceed a rate: a bucket holds spans for two seconds of it, so that a trace of more never
    /// passes.
    SpansPerSecond(i64),
    /// Those that all of these take.
    And(Vec<(String, Policy)>),
}

impl Policy {
    /// Its type, which is also the name of its settings, and these.
    fn parts(&self) -> (&'static str, Vec<(&'static str, Yaml, Expr)>) {
        let text = |text: &String| (Yaml::text(text.as_str()), Expr::text(text.as_str()));
        match self {
            Self::Errors => {
                let error = "ERROR".to_owned();
                ("status_code", vec![("status_codes", Yaml::texts([&error]), Expr::texts([&error]))])
            }
            Self::SlowerThan { threshold_ms } => {
                ("latency", vec![("threshold_ms", Yaml::Int(*threshold_ms), Expr::token(threshold_ms))])
            }
            Self::Attribute { key, values, is_regex, is_inverted } => {
                let (yaml, alloy) = text(key);
                let mut parts = vec![("key", yaml, alloy), ("values", Yaml::texts(values), Expr::texts(values))];
                let flags = [("enabled_regex_matching", is_regex), ("invert_match", is_inverted)];
                let set = flags.into_iter().filter(|(_, is_set)| **is_set);
                parts.extend(set.map(|(name, _)| (name, Yaml::Bool(true), Expr::token(true))));
                ("string_attribute", parts)
            }
            Self::Percentage(percentage) => {
                let (yaml, alloy) = values::number(*percentage);
                ("probabilistic", vec![("sampling_percentage", yaml, alloy)])
            }
            Self::SpansPerSecond(rate) => {
                ("rate_limiting", vec![("spans_per_second", Yaml::Int(*rate), Expr::token(rate))])
            }
            Self::And(_) => ("and", Vec::new()),
        }
    }

    fn yaml(&self, name: &str) -> Yaml {
        let (kind, parts) = self.parts();
        let settings = match self {
            Self::And(policies) => {
                let policies = policies.iter().map(|(name, policy)| policy.yaml(name));
                vec![("and_sub_policy".to_owned(), Yaml::Seq(policies.collect()))]
            }
            _ => parts.into_iter().map(|(field, yaml, _)| (field.to_owned(), yaml)).collect(),
        };
        Yaml::Map(vec![
            ("name".to_owned(), Yaml::text(name)),
            ("type".to_owned(), Yaml::word(kind)),
            (kind.to_owned(), Yaml::Map(settings)),
        ])
    }

    fn alloy(&self, name: &str, block_name: &str) -> Statement {
        let (kind, parts) = self.parts();
        let settings = match self {
            Self::And(policies) => policies.iter().map(|(name, policy)| policy.alloy(name, "and_sub_policy")).collect(),
            _ => parts.into_iter().map(|(field, _, alloy)| attribute(field, alloy)).collect(),
        };
        let body = vec![
            attribute("name", Expr::text(name)),
            attribute("type", Expr::text(kind)),
            Statement::Block(Block::plain(kind, settings)),
        ];
        block(block_name, body)
    }
}

/// The spans of one trace that came with one resource.
type Part = Resourced<Span>;

/// A policy that is ready to be asked.
enum Ready<'a> {
    Errors,
    SlowerThan(i64),
    Attribute { key: &'a str, values: &'a [String], expressions: Option<Expressions>, is_inverted: bool },
    Share(u64),
    AtMost(i64),
    And(Vec<Ready<'a>>),
}

impl Policy {
    fn ready(&self, trial: &mut Trial) -> Ready<'_> {
        match self {
            Self::Errors => Ready::Errors,
            Self::SlowerThan { threshold_ms } => Ready::SlowerThan(*threshold_ms),
            Self::Attribute { key, values, is_regex, is_inverted } => {
                let expressions = is_regex.then(|| values::expressions(values, trial));
                Ready::Attribute { key, values, expressions, is_inverted: *is_inverted }
            }
            Self::Percentage(percentage) => Ready::Share(share(percentage / 100.0)),
            Self::SpansPerSecond(rate) => {
                trial.note(
                    "how many spans a second let through is not tried: here every trace passes that has no more spans than \
                     two seconds let through",
                );
                Ready::AtMost(rate.saturating_mul(2))
            }
            Self::And(policies) => Ready::And(policies.iter().map(|(_, policy)| policy.ready(trial)).collect()),
        }
    }
}

impl Ready<'_> {
    /// The work of looking at a trace.
    fn cost(&self, trace: &[Part]) -> usize {
        match self {
            Self::Errors | Self::SlowerThan(_) | Self::AtMost(_) => spans(trace).count() + 1,
            Self::Share(_) => 16,
            Self::And(policies) => policies.iter().map(|policy| policy.cost(trace)).sum(),
            Self::Attribute { key, values, expressions, .. } => {
                let of = |attributes: &Attributes| {
                    let octets = match attributes.get(key) {
                        Some(Value::Str(text)) => text.len(),
                        _ => 0,
                    };
                    let search = expressions.as_ref().map_or(values.len(), |expressions| expressions.cost(octets));
                    attributes.len() + search + 1
                };
                let resources = trace.iter().map(|part| of(&part.resource.attributes));
                resources.chain(spans(trace).map(|span| of(&span.attributes))).fold(0, usize::saturating_add)
            }
        }
    }

    fn takes(&self, id: &TraceId, trace: &[Part]) -> bool {
        match self {
            Self::Errors => spans(trace).any(|span| span.status.code == 2),
            Self::SlowerThan(threshold_ms) => slower_than(trace, *threshold_ms),
            Self::Attribute { key, values, expressions, is_inverted } => {
                let one_of = |text: &str| match expressions {
                    Some(expressions) => expressions.is_match(text),
                    None => !text.is_empty() && values.iter().any(|value| value == text),
                };
                let of_resource = |part: &Part| match part.resource.attributes.get(key) {
                    Some(Value::Str(text)) => one_of(text),
                    // What is no text is looked at as an empty one.
                    Some(_) => one_of(""),
                    None => false,
                };
                let of_span = |span: &Span| match span.attributes.get(key) {
                    Some(Value::Str(text)) => !text.is_empty() && one_of(text),
                    _ => false,
                };
                (trace.iter().any(of_resource) || spans(trace).any(of_span)) != *is_inverted
            }
            Self::Share(share) => fnv_1a_64(b"default-hash-seed", id) <= *share,
            Self::AtMost(most) => i64::try_from(spans(trace).count()).is_ok_and(|count| count <= *most),
            Self::And(policies) => policies.iter().all(|policy| policy.takes(id, trace)),
        }
    }
}

fn spans(trace: &[Part]) -> impl Iterator<Item = &Span> {
    trace.iter().flat_map(|part| &part.scopes).flat_map(|scope| &scope.records)
}

/// Whether the time from the first start to the last end is longer, looking at one span after the other.
fn slower_than(trace: &[Part], threshold_ms: i64) -> bool {
    let (mut first, mut last) = (0_u64, 0_u64);
    spans(trace).any(|span| {
        if first == 0 || span.start_time_unix_nano < first {
            first = span.start_time_unix_nano;
        }
        if last == 0 || span.end_time_unix_nano > last {
            last = span.end_time_unix_nano;
        }
        let nanoseconds = i128::from(last) - i128::from(first);
        nanoseconds / 1_000_000 > i128::from(threshold_ms)
    })
}

fn fnv_1a_64(salt: &[u8], octets: &[u8]) -> u64 {
    let step = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
    salt.iter().chain(octets).fold(0xcbf2_9ce4_8422_2325, step)
}

/// A share of 2^64 - 1, cut to a whole number; exact, as upstream's arithmetic is.
fn share(ratio: f64) -> u64 {
    if ratio >= 1.0 {
        return u64::MAX;
    }
    if ratio <= 0.0 {
        return 0;
    }
    // ratio = mantissa * 2^exponent, of 53 bits; the product fits in 117. Go keeps 64 bits of it, to nearest, even.
    let bits = ratio.to_bits();
    let exponent = i64::try_from(bits >> 52).unwrap_or_default() - 1075;
    let mantissa = u128::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let product = mantissa * u128::from(u64::MAX);
    let excess = 128_u32.saturating_sub(product.leading_zeros()).saturating_sub(64);
    let mut kept = product >> excess;
    let rest = product - (kept << excess);
    let half = if excess == 0 { 1 } else { 1_u128 << (excess - 1) };
    if rest > half || (rest == half && excess > 0 && kept & 1 == 1) {
        kept += 1;
    }
    let shift = exponent + i64::from(excess);
    let whole = match u32::try_from(-shift) {
        Ok(right) => kept.checked_shr(right).unwrap_or_default(),
        Err(_) => kept << u32::try_from(shift).unwrap_or_default().min(64),
    };
    u64::try_from(whole).unwrap_or(u64::MAX)
}

impl Stage for TailSampling {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let policies = self.policies.iter().map(|(name, policy)| policy.yaml(name));
        let config = Yaml::map([
            ("decision_wait", Yaml::text(self.decision_wait.as_str())),
            ("num_traces", Yaml::Int(self.num_traces)),
            ("policies", Yaml::Seq(policies.collect())),
        ]);
        ("tail_sampling", config)
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let mut body = vec![
            attribute("decision_wait", Expr::text(self.decision_wait.as_str())),
            attribute("num_traces", Expr::token(self.num_traces)),
        ];
        body.extend(self.policies.iter().map(|(name, policy)| policy.alloy(name, "policy")));
        ("otelcol.processor.tail_sampling", body)
    }

    fn run(&self, telemetry: &mut Telemetry, trial: &mut Trial) {
        if !trial.weigh(telemetry) {
            return;
        }
        let Telemetry::Traces(groups) = telemetry else { return };
        let policies: Vec<Ready<'_>> = self.policies.iter().map(|(_, policy)| policy.ready(trial)).collect();
        let copied = copied(groups);
        if !(trial.spend(copied) && trial.hold(copied)) {
            return;
        }
        for (id, trace) in by_trace(std::mem::take(groups)) {
            let taken = |policy: &Ready<'_>, trial: &mut Trial| {
                // What cannot be decided any more stays.
                !trial.spend(policy.cost(&trace)) || policy.takes(&id, &trace)
            };
            if policies.iter().any(|policy| taken(policy, trial)) {
                groups.extend(trace);
            }
        }
    }
}

/// What is copied at most when spans are put together by their trace, in octets: each trace has the resources and scopes
/// of its spans for itself.
fn copied(groups: &[Resourced<Span>]) -> usize {
    let mut copied = 0_usize;
    for group in groups {
        let resource = group.resource.size() + size_of::<Part>();
        let mut of_group = HashSet::new();
        for scope in &group.scopes {
            let of_scope: HashSet<TraceId> = scope.records.iter().map(|span| span.trace_id).collect();
            let one = scope.scope.size() + size_of::<Scoped<Span>>();
            copied = copied.saturating_add(one.saturating_mul(of_scope.len()));
            of_group.extend(of_scope);
        }
        copied = copied.saturating_add(resource.saturating_mul(of_group.len()));
    }
    copied
}

/// The spans by their trace, in the order in which traces are first seen; those without one are a trace too. Schemas are
/// lost on the way, as they are upstream.
fn by_trace(groups: Vec<Resourced<Span>>) -> Vec<(TraceId, Vec<Part>)> {
    let mut places: HashMap<TraceId, usize> = HashMap::new();
    let mut traces: Vec<(TraceId, Vec<Part>)> = Vec::new();
    for (group_number, group) in groups.into_iter().enumerate() {
        // Which group and scope the last part of a trace is of.
        let mut open: HashMap<TraceId, (usize, usize)> = HashMap::new();
        for (scope_number, scope) in group.scopes.into_iter().enumerate() {
            for span in scope.records {
                let id = span.trace_id;
                let place = *places.entry(id).or_insert_with(|| {
                    traces.push((id, Vec::new()));
                    traces.len() - 1
                });
                let Some((_, parts)) = traces.get_mut(place) else { continue };
                let before = open.insert(id, (group_number, scope_number));
                if before.is_none() {
                    parts.push(Resourced { resource: group.resource.clone(), ..Resourced::default() });
                }
                let Some(part) = parts.last_mut() else { continue };
                if before != Some((group_number, scope_number)) {
                    part.scopes.push(Scoped { scope: scope.scope.clone(), ..Scoped::default() });
                }
                if let Some(scope) = part.scopes.last_mut() {
                    scope.records.push(span);
                }
            }
        }
    }
    traces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> TraceId {
        let mut id = TraceId::default();
        id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        id[8..].copy_from_slice(&number.wrapping_mul(0xd1b5_4a32_d192_ed03).to_be_bytes());
        id
    }

    fn span(number: u64, name: &str, start_ms: u64, end_ms: u64) -> Span {
        let (start_time_unix_nano, end_time_unix_nano) = (start_ms * 1_000_000, end_ms * 1_000_000);
        Span {
            trace_id: id(number),
            name: name.to_owned(),
            start_time_unix_nano,
            end_time_unix_nano,
            ..Span::default()
        }
    }

    fn group(service: &str, records: Vec<Span>) -> Resourced<Span> {
        let scopes = vec![Scoped { records, ..Scoped::default() }];
        let mut group = Resourced { scopes, ..Resourced::default() };
        group.resource.attributes.insert("service.name", Value::Str(service.to_owned()));
        group
    }

    fn kept(policies: Vec<Policy>, groups: Vec<Resourced<Span>>, trial: &mut Trial) -> Vec<String> {
        let policies = policies.into_iter().map(|policy| ("p".to_owned(), policy)).collect();
        let stage = TailSampling { decision_wait: "10s".to_owned(), num_traces: 100, policies };
        let mut telemetry = Telemetry::Traces(groups);
        stage.run(&mut telemetry, trial);
        let Telemetry::Traces(groups) = telemetry else { unreachable!("traces stay traces") };
        spans(&groups).map(|span| span.name.clone()).collect()
    }

    fn has(key: &str, values: &[&str], is_regex: bool, is_inverted: bool) -> Policy {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Policy::Attribute { key: key.to_owned(), values, is_regex, is_inverted }
    }

    #[test]
    fn a_trace_goes_on_whole_over_all_its_resources() {
        let mut failed = span(1, "b1", 0, 1);
        failed.status.code = 2;
        let groups = || {
            vec![
                group("a", vec![span(1, "a1", 0, 1), span(2, "a2", 1_000, 1_400), span(3, "a3", 5, 6)]),
                group("b", vec![failed.clone(), span(2, "b2", 1_450, 1_501)]),
            ]
        };
        let trial = &mut Trial::default();
        assert_eq!(kept(vec![Policy::Errors], groups(), trial), ["a1", "b1"]);
        assert_eq!(kept(vec![Policy::SlowerThan { threshold_ms: 500 }], groups(), trial), ["a2", "b2"]);
        assert_eq!(kept(vec![Policy::SlowerThan { threshold_ms: 501 }], groups(), trial), [""; 0]);
        assert_eq!(kept(vec![has("service.name", &["b"], false, false)], groups(), trial), ["a1", "b1", "a2", "b2"]);
        assert_eq!(kept(vec![has("service.name", &["b"], false, true)], groups(), trial), ["a3"]);
        assert_eq!(
            kept(vec![has("service.name", &["^[x-z]", "("], true, false), Policy::Errors], groups(), trial),
            ["a1", "b1"]
        );
        assert_eq!(trial.notes.len(), 1, "an expression that cannot be read is said: {trial:?}");
        let trial = &mut Trial::default();
        let both = Policy::And(vec![
            ("v".to_owned(), has("service.name", &["b"], false, false)),
            ("r".to_owned(), Policy::SpansPerSecond(1)),
        ]);
        assert_eq!(kept(vec![both], groups(), trial).len(), 4);
        assert_eq!(trial.notes.len(), 1);
        let large =
            || vec![group("a", (1..=3).map(|_| span(1, "a", 0, 1)).collect()), group("b", vec![span(2, "b", 0, 1)])];
        assert_eq!(kept(vec![Policy::SpansPerSecond(1)], large(), trial), ["b"]);
        assert_eq!(kept(vec![Policy::SpansPerSecond(2)], large(), trial).len(), 4);
    }

    /// What a collector 0.158.0 kept of the traces 1 to 100 at 12.5 percent.
    const KEPT: [u64; 14] = [33, 34, 38, 40, 52, 70, 71, 72, 75, 78, 80, 95, 98, 100];

    #[test]
    fn a_percentage_is_chosen_as_the_collector_chooses_it() {
        let spans = (1..=100).map(|number| span(number, &number.to_string(), 0, 1)).collect();
        let found = kept(vec![Policy::Percentage(12.5)], vec![group("a", spans)], &mut Trial::default());
        assert_eq!(found, KEPT.map(|number| number.to_string()));
    }

    #[test]
    fn shares_are_exact() {
        for (ratio, expected) in [(0.5, u64::MAX / 2), (1.0, u64::MAX), (0.0, 0), (0.25, u64::MAX / 4), (2.0, u64::MAX)]
        {
            assert_eq!(share(ratio), expected, "{ratio}");
        }
        // math/big of Go gave these.
        assert_eq!(share(0.1), 1_844_674_407_370_955_263);
        assert_eq!(share(0.0001), 1_844_674_407_370_955);
        assert_eq!(share(0.3333), 6_148_299_799_767_393_279);
        assert_eq!(share(0.07), 1_291_272_085_159_668_735);
        assert_eq!(share(0.999_999), 18_446_725_626_965_477_375);
    }
}
