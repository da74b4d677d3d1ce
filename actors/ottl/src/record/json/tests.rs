use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::record::{Attributes, MetricData, Number, Signal, Value, strategies};

/// Written by the collector's own marshaler: `tests/go/otlp`.
const FILES: [(Signal, usize, &str); 3] = [
    (Signal::Logs, 4, include_str!("../../../tests/fixtures/otlp/logs.jsonl")),
    (Signal::Metrics, 28, include_str!("../../../tests/fixtures/otlp/metrics.jsonl")),
    (Signal::Traces, 3, include_str!("../../../tests/fixtures/otlp/traces.jsonl")),
];

fn read_str(text: &str) -> Result<Telemetry, ReadError> {
    read(text.as_bytes(), &Limits::default())
}

/// Reads a document with one log record of these fields.
fn log(fields: &Json) -> Result<LogRecord, ReadError> {
    let document = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [fields]}]}]});
    let Telemetry::Logs(logs) = read_str(&document.to_string())? else { panic!("not logs") };
    let parsed = read_value(&document, &Limits::default());
    // Not compared as they are: NaN is not itself.
    assert_eq!(format!("{parsed:?}"), format!("{:?}", Ok::<_, ReadError>(Telemetry::Logs(logs.clone()))));
    Ok(logs[0].scopes[0].records[0].clone())
}

fn refusal(text: &str) -> String {
    read_str(text).unwrap_err().to_string()
}

#[test]
fn what_the_collector_writes_is_the_same_after_reading_and_writing() {
    for (signal, count, file) in FILES {
        for line in file.lines() {
            let telemetry = read_str(line).unwrap();
            let (before, after): (Json, Json) =
                (serde_json::from_str(line).unwrap(), serde_json::from_str(&write(&telemetry)).unwrap());
            assert_eq!(before, after);
            // The same order, too.
            assert_eq!(before.to_string(), after.to_string());
        }
        let all = read_str(file).unwrap();
        assert_eq!((all.signal(), all.count()), (signal, count));
    }
}

#[test]
fn numbers_are_read_from_numbers_and_from_texts() {
    let record =
        log(&json!({"timeUnixNano": "18446744073709551615", "observedTimeUnixNano": 5, "flags": "7"})).unwrap();
    assert_eq!((record.time_unix_nano, record.observed_time_unix_nano, record.flags), (u64::MAX, 5, 7));
    let record = log(&json!({"time_unix_nano": 1e3, "severity_number": 9.0})).unwrap();
    assert_eq!((record.time_unix_nano, record.severity_number), (1_000, 9));

    for (wrong, message) in [
        (json!({"timeUnixNano": -1}), "timeUnixNano: must be a whole number from 0 to 18446744073709551615"),
        (json!({"timeUnixNano": "18446744073709551616"}), "from 0 to"),
        (json!({"timeUnixNano": 1.5}), "from 0 to"),
        (json!({"timeUnixNano": true}), "from 0 to"),
        (json!({"flags": 4_294_967_296_u64}), "from 0 to 4294967295"),
        (json!({"timeUnixNano": []}), "must be a single value, not a list"),
    ] {
        let error = log(&wrong).unwrap_err().to_string();
        assert!(error.starts_with("resourceLogs[0].scopeLogs[0].logRecords[0].") && error.contains(message), "{error}");
    }
}

#[test]
fn doubles_have_words_for_what_json_cannot_say() {
    let double = |text: Json| log(&json!({"body": {"doubleValue": text}})).map(|record| record.body);
    assert_eq!(double(json!("-Infinity")), Ok(Value::Double(f64::NEG_INFINITY)));
    assert_eq!(double(json!("1e3")), Ok(Value::Double(1_000.0)));
    assert_eq!(double(json!(u64::MAX)), Ok(Value::Double(18_446_744_073_709_551_615.0)));
    assert!(matches!(double(json!("NaN")), Ok(Value::Double(nan)) if nan.is_nan()));
    for wrong in [json!("inf"), json!("nan"), json!("1e400"), json!(""), json!(false)] {
        assert!(double(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn enumerations_are_read_from_numbers_and_names() {
    let severity = |value: Json| log(&json!({"severityNumber": value})).map(|record| record.severity_number);
    assert_eq!(severity(json!("SEVERITY_NUMBER_UNSPECIFIED")), Ok(0));
    assert_eq!(severity(json!("SEVERITY_NUMBER_TRACE")), Ok(1));
    assert_eq!(severity(json!("SEVERITY_NUMBER_WARN3")), Ok(15));
    assert_eq!(severity(json!("SEVERITY_NUMBER_FATAL4")), Ok(24));
    assert_eq!(severity(json!(99)), Ok(99));
    for wrong in
        ["SEVERITY_NUMBER_WARN1", "SEVERITY_NUMBER_WARN5", "SEVERITY_NUMBER_", "WARN", "9", "SEVERITY_NUMBER_2"]
    {
        assert!(severity(json!(wrong)).is_err(), "{wrong}");
    }
    let spans = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"kind": "SPAN_KIND_CONSUMER", "status": {"code": "STATUS_CODE_ERROR"}}]}]}]});
    let Ok(Telemetry::Traces(spans)) = read_str(&spans.to_string()) else { panic!("not spans") };
    let span = &spans[0].scopes[0].records[0];
    assert_eq!((span.kind, span.status.code), (5, 2));
    let metrics = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"sum": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA"}}]}]}]});
    let Ok(Telemetry::Metrics(metrics)) = read_str(&metrics.to_string()) else { panic!("not metrics") };
    let sum = MetricData::Sum { points: Vec::new(), temporality: 1, is_monotonic: false };
    assert_eq!(metrics[0].scopes[0].records[0].data, sum);
}

#[test]
fn ids_are_hexadecimal_and_octets_base64() {
    let record = log(&json!({"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": ""})).unwrap();
    assert_eq!((record.trace_id[0], record.trace_id[15], record.span_id), (0x5b, 0x0c, [0; 8]));
    for wrong in [json!("5b"), json!("zz8efff798038103d269b633813fc60c"), json!(1)] {
        let error = log(&json!({"traceId": wrong})).unwrap_err();
        assert_eq!(error.message, "must be 32 hexadecimal digits");
    }
    for octets in ["+/8=", "-_8=", "-_8"] {
        let record = log(&json!({"body": {"bytesValue": octets}})).unwrap();
        assert_eq!(record.body, Value::Bytes(vec![0xfb, 0xff]));
    }
    assert!(log(&json!({"body": {"bytesValue": "!"}})).is_err());
}

#[test]
fn null_and_unknown_fields_are_as_if_not_there() {
    let record = log(&json!({
        "timeUnixNano": null, "severityText": null, "attributes": null, "body": {"stringValue": null, "kvlistValue": null},
        "traceId": null, "later": [{"a": [1, {}]}], "x_y": "z"
    }));
    assert_eq!(record, Ok(LogRecord::default()));
    let metrics = read_str(r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":null}]}],"resource":null}]}"#);
    let Ok(Telemetry::Metrics(metrics)) = metrics else { panic!("not metrics") };
    assert_eq!(metrics[0].scopes[0].records[0].data, MetricData::Empty);
}

#[test]
fn zeros_that_stand_for_something_are_kept() {
    let point = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"gauge": {"dataPoints": [{"asInt": "0"}, {"asDouble": 0}, {}]}}]}]}]});
    let Ok(Telemetry::Metrics(metrics)) = read_str(&point.to_string()) else { panic!("not metrics") };
    let MetricData::Gauge(points) = &metrics[0].scopes[0].records[0].data else { panic!("not a gauge") };
    let values: Vec<_> = points.iter().map(|point| point.value).collect();
    assert_eq!(values, [Some(Number::Int(0)), Some(Number::Double(0.0)), None]);
}

#[test]
fn a_text_holds_one_kind_of_records() {
    assert_eq!(refusal(""), "the text is empty");
    assert_eq!(refusal("{}"), "needs one of resourceLogs, resourceMetrics and resourceSpans");
    assert_eq!(refusal(r#"{"resourceLogs":null}"#), "needs one of resourceLogs, resourceMetrics and resourceSpans");
    assert_eq!(
        refusal(r#"{"resourceProfiles":[]}"#),
        "profiles are not supported; needs one of resourceLogs, resourceMetrics and resourceSpans"
    );
    let both = refusal(r#"{"resourceLogs":[],"resourceSpans":[]}"#);
    assert!(both.starts_with("resourceSpans: the text began with logs; one kind at a time"), "{both}");
    let both = refusal("{\"resourceLogs\":[]}\n{\"resourceMetrics\":[]}");
    assert!(both.starts_with("resourceMetrics: the text began with logs"), "{both}");
    // The second document says nothing.
    assert!(read_str("{\"resourceLogs\":[]}\n{}").is_err());
    for wrong in ["[]", "1", "\"resourceLogs\"", r#"{"resourceLogs":{}}"#, r#"{"resourceLogs":[1]}"#] {
        assert!(read_str(wrong).is_err(), "{wrong}");
    }
    assert_eq!(read_str(r#" {"resourceSpans":[]} "#), Ok(Telemetry::empty(Signal::Traces)));
}

#[test]
fn errors_name_the_field_and_its_place_in_the_text() {
    let text = "{\"resourceLogs\":[{},\n {\"scopeLogs\":[{\"logRecords\":[{},{\"attributes\":[{},{\"value\":{\"arrayValue\":\n{\"values\":[{\"intValue\":\"x\"}]}}}]}]}]}]}";
    let error = read_str(text).unwrap_err();
    let path = "resourceLogs[1].scopeLogs[0].logRecords[1].attributes[1].value.arrayValue.values[0].intValue";
    assert_eq!((error.path.as_str(), error.position.map(|(line, _)| line)), (path, Some(3)));
    // JSON that breaks off does so somewhere.
    let error = read_str("{\"resourceLogs\":[{\"resource\":{").unwrap_err();
    assert_eq!(error.path, "resourceLogs[0].resource");
    assert_eq!(error.message, "EOF while parsing an object");
    assert!(read(b"{\"resourceLogs\":[{\"schemaUrl\":\"\xff\"}]}", &Limits::default()).is_err());
}

#[test]
fn a_key_that_comes_twice_is_an_error() {
    let error = log(&json!({"attributes": [{"key": "a"}, {"key": "b"}, {"key": "a"}]})).unwrap_err();
    assert_eq!(error.path, "resourceLogs[0].scopeLogs[0].logRecords[0].attributes[2].key");
    let error = log(&json!({"body": {"kvlistValue": {"values": [{}, {"value": {}}]}}})).unwrap_err();
    assert!(error.path.ends_with("body.kvlistValue.values[1].key"), "{}", error.path);
}

/// A body that is nested so deep.
fn nested(depth: usize, map: bool) -> String {
    let (open, close) = if map {
        ("{\"kvlistValue\":{\"values\":[{\"value\":", "}]}}")
    } else {
        ("{\"arrayValue\":{\"values\":[", "]}}")
    };
    let body = format!("{}{{}}{}", open.repeat(depth - 1), close.repeat(depth - 1));
    format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{body}}}]}}]}}]}}")
}

#[test]
fn each_limit_is_reached_and_not_passed() {
    let limits = Limits { bytes: 400, records: 3, depth: 4 };
    let read = |text: &str| read(text.as_bytes(), &limits).map_err(|error| error.message);
    assert!(read(&(r#"{"resourceLogs":[]}"#.to_owned() + &" ".repeat(381))).is_ok());
    assert_eq!(read(&" ".repeat(401)), Err("the text is longer than 400 bytes".to_owned()));

    let logs = |n| format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, vec!["{}"; n].join(","));
    assert!(read(&logs(3)).is_ok());
    assert_eq!(read(&logs(4)), Err("there are more than 3 records".to_owned()));
    // Over all documents.
    assert_eq!(read(&[logs(2), logs(2)].concat()), Err("there are more than 3 records".to_owned()));
    let resources = |n| format!(r#"{{"resourceSpans":[{}]}}"#, vec!["{}"; n].join(","));
    assert!(read(&resources(3)).is_ok());
    assert_eq!(read(&resources(4)), Err("there are more than 3 resources".to_owned()));
    let metrics = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{},{},{},{}]}]}]}"#;
    assert_eq!(read(metrics), Err("there are more than 3 metrics".to_owned()));
    assert_eq!(
        read(r#"{"resourceLogs":[{"scopeLogs":[{},{},{},{}]}]}"#),
        Err("there are more than 3 scopes".to_owned())
    );

    let point = |name: &str, parts: &str| {
        format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"{name}":{{"dataPoints":[{{{parts}}}]}}}}]}}]}}]}}"#
        )
    };
    let span = |parts: &str| format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{parts}}}]}}]}}]}}"#);
    for (of, name, words) in [
        (&span as &dyn Fn(&str) -> String, "events", "events"),
        (&span, "links", "links"),
        (&|parts| point("gauge", parts), "exemplars", "exemplars"),
        (&|parts| point("summary", parts), "quantileValues", "quantiles"),
        (&|parts| format!(r#"{{"resourceLogs":[{{"resource":{{{parts}}}}}]}}"#), "entityRefs", "entity references"),
    ] {
        let parts = |n| of(&format!(r#""{name}":[{}]"#, vec!["{}"; n].join(",")));
        assert_eq!(read(&parts(12)).map(|_| ()), Ok(()), "{name}");
        assert_eq!(read(&parts(13)), Err(format!("there are more than 12 {words}")), "{name}");
    }

    for map in [false, true] {
        assert!(read(&nested(4, map)).is_ok());
        assert_eq!(read(&nested(5, map)), Err("values are nested more than 4 deep".to_owned()));
        let deepest = Limits { depth: usize::MAX, ..Limits::default() };
        assert!(super::read(nested(MAX_DEPTH, map).as_bytes(), &deepest).is_ok());
        let error = super::read(nested(10_000, map).as_bytes(), &deepest).unwrap_err();
        assert_eq!(error.message, "values are nested more than 128 deep");
    }
}

#[test]
fn hostile_texts_take_neither_the_stack_nor_the_time() {
    // Unknown fields are skipped without recursion.
    let deep = format!(r#"{{"unknown":{}{},"resourceLogs":[]}}"#, "[".repeat(200_000), "]".repeat(200_000));
    assert!(read_str(&deep).is_ok());
    assert!(read_str(&"[".repeat(500_000)).is_err());
    assert!(read_str(&"{\"a\":".repeat(100_000)).is_err());
    // As many attributes as fit: in the square of their number this would take minutes.
    let attributes: Vec<_> = (0..60_000).map(|n| format!(r#"{{"key":"{n}"}}"#)).collect();
    let text = format!(r#"{{"resourceLogs":[{{"resource":{{"attributes":[{}]}}}}]}}"#, attributes.join(","));
    let Ok(Telemetry::Logs(logs)) = read_str(&text) else { panic!("not logs") };
    assert_eq!(logs[0].resource.attributes.len(), 60_000);
}

#[test]
fn attributes_from_entries_keep_the_first_place_and_the_last_value() {
    let entries = [("a", 1), ("b", 2), ("a", 3)].map(|(key, value)| (key.to_owned(), Value::Int(value)));
    let attributes: Attributes = entries.into_iter().collect();
    let entries: Vec<_> = attributes.iter().map(|(key, value)| (key, value.clone())).collect();
    assert_eq!(entries, [("a", Value::Int(3)), ("b", Value::Int(2))]);
}

/// A summary's sum and quantiles lose the sign of zero, as in the collector: they are left out when they are 0.
fn same(telemetry: &Telemetry, read: &Telemetry) -> bool {
    telemetry == read && write(telemetry) == write(read)
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same(telemetry in strategies::telemetry()) {
        let text = write(&telemetry);
        let limits = Limits { bytes: usize::MAX, ..Limits::default() };
        let again = read(text.as_bytes(), &limits).unwrap();
        prop_assert!(same(&telemetry, &again), "{text}\n{}", write(&again));
        let value = serde_json::to_value(&telemetry).unwrap();
        prop_assert!(same(&telemetry, &read_value(&value, &limits).unwrap()));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*", place in 0_usize..4_000) {
        let _ = read(text.as_bytes(), &Limits::default());
        // What a collector wrote, cut off and with something else behind.
        for (_, _, file) in FILES {
            let mut broken = file.as_bytes()[..place.min(file.len())].to_vec();
            broken.extend_from_slice(text.as_bytes());
            let _ = read(&broken, &Limits::default());
        }
    }
}
