use crate::{
    Context, Dialect, Statement,
    record::{Attributes, LogRecord, Resource, Resourced, Scope, Scoped, Telemetry, Value},
    run::{Limits, Run, Statements, Surroundings, transform},
};

mod conditions;
mod converters;
mod editors;

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

fn map(entries: &[(&str, Value)]) -> Value {
    Value::Map(attributes(entries))
}

fn attributes(entries: &[(&str, Value)]) -> Attributes {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn request(log: LogRecord) -> Telemetry {
    let scope = Scope { name: "sc".to_owned(), ..Scope::default() };
    Telemetry::Logs(vec![Resourced {
        resource: Resource {
            attributes: attributes(&[("host", text("h1")), ("r", text("res"))]),
            ..Resource::default()
        },
        schema_url: String::new(),
        scopes: vec![Scoped { scope, schema_url: String::new(), records: vec![log] }],
    }])
}

/// A log record with an attribute of each kind.
fn rich() -> LogRecord {
    let list = |items: &[Value]| Value::Array(items.to_vec());
    let named = |name: &str, value: i64| map(&[("name", text(name)), ("value", Value::Int(value))]);
    let nested = map(&[("test", text("pass"))]);
    LogRecord {
        time_unix_nano: 1_581_452_772_000_000_321,
        observed_time_unix_nano: 1_581_452_773_000_000_789,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: text("operationA took 35ms id=abc-123"),
        trace_id: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        span_id: [1, 2, 3, 4, 5, 6, 7, 8],
        attributes: attributes(&[
            ("http.method", text("get")),
            ("flags", text("A|B|C")),
            ("total.string", text("123456789")),
            ("A|B|C", text("something")),
            ("foo", map(&[("bar", text("pass")), ("slice", list(&[text("val")])), ("nested", nested)])),
            ("things", list(&[named("foo", 2), named("bar", 5)])),
            ("list", list(&[Value::Int(3), Value::Int(1), Value::Double(2.5)])),
            ("strs", list(&[text("b"), text("a"), text("c")])),
            ("nestedlist", list(&[list(&[Value::Int(1), list(&[text("deep")])]), text("x")])),
            ("n", Value::Int(42)),
            ("big", Value::Int(i64::MAX)),
            ("d", Value::Double(3.25)),
            ("tiny", Value::Double(1e-7)),
            ("huge", Value::Double(1e21)),
            ("whole", Value::Double(5.0)),
            ("b", Value::Bool(true)),
            ("bytes", Value::Bytes(vec![1, 2, 255])),
            ("empty", Value::Empty),
            ("es", text("")),
            ("json", text(r#"{"a":1,"b":[true,null,"x"],"c":{"d":1.5},"e":"<&>"}"#)),
            ("jsonlist", text(r#"[1,"a",{"k":2}]"#)),
            ("kvs", text(r#"a=1 b="x y" c='z' d = 3 e=f=g"#)),
            ("date", text("2024-02-29 13:04:05.123 +0200")),
            ("uni", text("héllo wörld ß İ")),
            ("esc", text("q\"uote\\ <b> \u{2028} \n tab\t")),
            ("dur", text("1h30m0.5s")),
            ("b64", text("aGVsbG8gd29ybGQ=")),
            ("card", text("4111 1111 1111 1111")),
            ("url", text("https://user:pw@example.com:8080/a/b.txt?q=1&r=2#frag")),
        ]),
        ..LogRecord::default()
    }
}

/// A log record to be changed.
fn plain() -> LogRecord {
    let inner = map(&[("z", Value::Array(vec![Value::Int(1), text("two")]))]);
    LogRecord {
        body: map(&[("k", text("v"))]),
        attributes: attributes(&[
            ("a", text("alpha")),
            ("b", text("beta")),
            ("n", Value::Int(7)),
            ("m", map(&[("x", text("1")), ("y", inner)])),
            ("l", Value::Array(vec![Value::Int(3), text("c")])),
            ("s", text("id=abc-123 ü")),
        ]),
        ..LogRecord::default()
    }
}

/// A value as the tables write it; keys of maps within are in order when `sorted`.
fn shown(value: &Value, sorted: bool) -> String {
    match value {
        Value::Empty => "nil".to_owned(),
        Value::Str(text) => serde_json::to_string(text).unwrap(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) if number.is_infinite() => "Infinity".to_owned(),
        Value::Double(number) => format!("{number:?}"),
        Value::Bytes(octets) => format!("0x{}", hex::encode(octets)),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| shown(item, sorted)).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => shown_map(map, sorted),
    }
}

fn shown_map(map: &Attributes, sorted: bool) -> String {
    let mut entries: Vec<_> = map.iter().collect();
    if sorted {
        entries.sort_by_key(|(key, _)| *key);
    }
    let entry =
        |(key, value): (&str, &Value)| format!("{}: {}", serde_json::to_string(key).unwrap(), shown(value, sorted));
    format!("{{{}}}", entries.into_iter().map(entry).collect::<Vec<_>>().join(", "))
}

/// The attributes of a log record after a statement; or `refused` or `error`.
fn after(statement: &str, log: LogRecord) -> Result<Attributes, &'static str> {
    let Ok(statement) = Statement::parse(statement, Dialect::transform(Context::Log)) else { return Err("refused") };
    let groups = [Statements { context: Context::Log, conditions: vec![], statements: vec![statement] }];
    let mut run = Run::new(Surroundings::default(), Limits::default());
    let mut telemetry = request(log);
    transform(&mut telemetry, &groups, &mut run);
    let Telemetry::Logs(mut all) = telemetry else { unreachable!() };
    if run.ignored() > 0 { Err("error") } else { Ok(std::mem::take(&mut all[0].scopes[0].records[0].attributes)) }
}

#[track_caller]
fn each(table: &[(&str, &str)], result: impl Fn(&str) -> String) {
    let wrong: Vec<_> = table
        .iter()
        .filter_map(|(text, expected)| {
            let found = result(text);
            (found != *expected).then(|| format!("{text}\n  expected {expected}\n  found    {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}

fn value_of(expression: &str) -> String {
    match after(&format!("set(attributes[\"x\"], {expression})"), rich()) {
        Ok(attributes) => attributes.get("x").map_or_else(|| "absent".to_owned(), |value| shown(value, true)),
        Err(outcome) => outcome.to_owned(),
    }
}

#[test]
fn values_and_arithmetic_are_those_of_upstream() {
    each(converters::VALUES, value_of);
}

#[test]
fn converters_of_texts_give_what_upstream_gives() {
    each(converters::TEXTS, value_of);
}

#[test]
fn converters_of_kinds_give_what_upstream_gives() {
    each(converters::KINDS, value_of);
}

#[test]
fn readers_of_texts_give_what_upstream_gives() {
    each(converters::PARSED, value_of);
}

#[test]
fn times_are_those_of_upstream() {
    each(converters::TIMES, value_of);
}

#[test]
fn conditions_hold_where_they_hold_upstream() {
    each(conditions::CONDITIONS, |condition| {
        match after(&format!("set(attributes[\"x\"], 1) where {condition}"), rich()) {
            Ok(attributes) => attributes.get("x").is_some().to_string(),
            Err(outcome) => outcome.to_owned(),
        }
    });
}

#[test]
fn editors_change_what_upstream_changes() {
    let before = shown_map(&plain().attributes, false);
    each(editors::EDITORS, |statement| match after(statement, plain()) {
        Ok(attributes) => {
            Some(shown_map(&attributes, false)).filter(|after| *after != before).unwrap_or("same".to_owned())
        }
        Err(outcome) => outcome.to_owned(),
    });
}
