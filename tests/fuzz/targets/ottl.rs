//! Statements and conditions in OTTL: what can be read can be run, on all kinds of records, and written again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use linkmesh_ottl::{
    Condition, Context, Dialect, Statement,
    record::{
        Telemetry,
        json::{Limits as Read, read},
    },
    run::{Limits, Run, Statements, Surroundings, filter, transform},
    syntax,
};

/// One request of each kind.
static RECORDS: LazyLock<Vec<Telemetry>> = LazyLock::new(|| {
    let texts = [
        r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[
            {"severityNumber":9,"body":{"stringValue":"{\"a\":[1,2.5,null]} k=v 10.0.0.1"},"attributes":[{"key":"a","value":{"intValue":"3"}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"x","value":{"stringValue":"y"}}]}}}]},
            {"body":{"bytesValue":"aGk="}},{}]}]}]}"#,
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","unit":"s","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"asInt":"3","timeUnixNano":"5","attributes":[{"key":"h","value":{"stringValue":"a"}}]}]}},
            {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"count":"2","sum":3,"bucketCounts":["1","1"],"explicitBounds":[1]}]}}]}]}]}"#,
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET","kind":2,"startTimeUnixNano":"1","endTimeUnixNano":"9","traceState":"a=b","status":{"code":2},
            "events":[{"name":"e","attributes":[{"key":"k","value":{"doubleValue":1.5}}]}]}]}]}]}"#,
    ];
    texts.into_iter().map(|text| read(text.as_bytes(), &Read::default()).expect("OTLP JSON")).collect()
});

fuzz_target!(|text: &str| {
    if let Ok(tree) = syntax::statement(text) {
        let written = tree.to_string();
        let again =
            syntax::statement(&written).unwrap_or_else(|problems| panic!("{text:?}: {written:?}: {problems:?}"));
        assert_eq!(again.to_string(), written, "{text:?}");
    }
    for context in Context::ALL {
        let mut run = Run::new(Surroundings::default(), Limits { work: 1 << 20, errors: 5, ..Limits::default() });
        if let Ok(condition) = Condition::parse(text, Dialect::filter(context)) {
            for records in &*RECORDS {
                filter(&mut records.clone(), std::slice::from_ref(&condition), &mut run);
            }
        }
        if let Ok(statement) = Statement::parse(text, Dialect::transform(context)) {
            let group = Statements { context, conditions: Vec::new(), statements: vec![statement] };
            for records in &*RECORDS {
                transform(&mut records.clone(), std::slice::from_ref(&group), &mut run);
            }
        }
    }
});
