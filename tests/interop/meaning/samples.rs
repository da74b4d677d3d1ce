//! Records that filters and processors are tried on: of every shape that they may meet.

use serde_json::{Value, json};

fn attributes(pairs: &[(&str, Value)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn text(text: &str) -> Value {
    json!({ "stringValue": text })
}

fn whole(number: i64) -> Value {
    json!({"intValue": number.to_string()})
}

const TIME: &str = "1763251200000000000";

fn log(severity: u32, body: &Value, more: &[(&str, Value)]) -> Value {
    json!({
        "timeUnixNano": TIME, "observedTimeUnixNano": "1763251200500000000", "severityNumber": severity,
        "body": body, "attributes": attributes(more),
    })
}

/// Log records of two services.
pub(super) fn logs() -> Value {
    let mut traced = log(
        17,
        &text("payment of 4111 1111 1111 1111 by ada@example.com from 10.0.0.7 failed"),
        &[("user.id", whole(7)), ("http.status", whole(500)), ("http.route", text("/pay")), ("env", text("prod"))],
    );
    traced["traceId"] = json!("5b8efff798038103d269b633813fc60c");
    traced["spanId"] = json!("eee19b7ec3c1b174");
    traced["severityText"] = json!("ERROR");
    traced["flags"] = json!(1);
    let mut named = log(0, &text("no number"), &[]);
    named["severityText"] = json!("WARN");
    let map = json!({"kvlistValue": {"values": attributes(&[
        ("text", text("call +49 170 1234567 or bob@example.org")),
        ("n", whole(3)),
        ("deep", json!({"kvlistValue": {"values": attributes(&[("card", text("5500-0000-0000-0004"))])}})),
    ])}});
    let list = json!({"arrayValue": {"values": [text("a"), whole(1), {"boolValue": true}]}});
    json!({"resourceLogs": [
        {
            "resource": {"attributes": attributes(&[("service.name", text("shop")), ("host.name", text("web-1")), ("deployment.environment", text("prod"))])},
            "scopeLogs": [{
                "scope": {"name": "app", "version": "1.2", "attributes": attributes(&[("lib", text("x"))])},
                "logRecords": [
                    log(9, &text("GET /healthz 200"), &[("http.route", text("/healthz")), ("env", text("dev"))]),
                    traced,
                    log(13, &text("{\"level\":\"warn\",\"msg\":\"slow\",\"took\":1.5,\"n\":3,\"tags\":[\"a\",\"b\"],\"user\":{\"name\":\"ada\"}}"), &[]),
                    log(9, &map, &[("level", text("info")), ("time", whole(12))]),
                    log(5, &text("level=error user=\"bob smith\" took=12ms"), &[("password", text("hunter2")), ("ratio", json!({"doubleValue": 0.5}))]),
                    log(9, &text("GET /healthz 200"), &[("http.route", text("/healthz")), ("env", text("dev"))]),
                ],
            }],
        },
        {
            "resource": {"attributes": attributes(&[("service.name", text("cart"))])},
            "scopeLogs": [{
                "scope": {},
                "logRecords": [
                    json!({"observedTimeUnixNano": TIME}),
                    named,
                    log(1, &text("first line\n\tsecond $1 line\\n of 2001:db8::1 and 192.168.0.1"), &[("ok", json!({"boolValue": true}))]),
                    log(21, &list, &[("list", json!({"arrayValue": {"values": [text("x")]}})), ("nested", json!({"kvlistValue": {"values": attributes(&[("a", whole(1))])}}))]),
                    log(9, &whole(42), &[("empty", text("")), ("nothing", json!({}))]),
                    log(9, &json!({"bytesValue": "aGVsbG8="}), &[("bytes", json!({"bytesValue": "AQID"}))]),
                ],
            }],
        },
    ]})
}

/// Log records of JSON with e-mail addresses on every level.
pub(super) fn nested() -> Value {
    let bodies = [
        r#"{"mail":"ada@example.com","user":{"email":"bob@example.org","home":{"phone":"+49 170 1234567"}},"n":1}"#,
        r#"{"mails":["ada@example.com",{"to":"bob@example.org"},["eve@example.net",2]],"none":{},"no":[],"in":null}"#,
        r#"{"user.email":"ada@example.com","user":{"email":"bob@example.org"}}"#,
        r#"{"user":{"email":"ada@example.com""#,
        "ada@example.com",
    ];
    let records: Vec<Value> = bodies.iter().map(|body| log(9, &text(body), &[("kept", text("x"))])).collect();
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
}

fn point(at: u64, value: &Value, more: &[(&str, Value)]) -> Value {
    let mut point = json!({
        "startTimeUnixNano": TIME, "timeUnixNano": (1_763_251_200_000_000_000 + at * 1_000_000_000).to_string(),
        "attributes": attributes(more),
    });
    for (key, value) in value.as_object().expect("a value") {
        point[key] = value.clone();
    }
    point
}

/// Metrics of every type.
pub(super) fn metrics() -> Value {
    let host = |name: &str| [("host", text(name)), ("state", text("used"))];
    let counter = |values: &[i64]| -> Vec<Value> {
        (10..).zip(values).map(|(at, value)| point(at, &json!({"asInt": value.to_string()}), &host("a"))).collect()
    };
    json!({"resourceMetrics": [{
        "resource": {"attributes": attributes(&[("service.name", text("shop")), ("host.name", text("web-1"))])},
        "scopeMetrics": [{
            "scope": {"name": "meter"},
            "metrics": [
                {"name": "system.memory.usage", "unit": "By", "description": "memory", "gauge": {"dataPoints": [
                    point(10, &json!({"asInt": "1024"}), &host("a")), point(10, &json!({"asDouble": 0.25}), &host("b")),
                ]}},
                {"name": "http.server.requests", "unit": "1", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": counter(&[5, 9, 9, 2, 7])}},
                {"name": "queue.size", "sum": {"aggregationTemporality": 2, "isMonotonic": false, "dataPoints": counter(&[3, 1])}},
                {"name": "http.server.duration", "unit": "ms", "histogram": {"aggregationTemporality": 2, "dataPoints": [
                    point(10, &json!({"count": "3", "sum": 42.0, "bucketCounts": ["1", "2", "0"], "explicitBounds": [10.0, 50.0], "min": 1.0, "max": 30.0}), &host("a")),
                    point(20, &json!({"count": "5", "sum": 50.0, "bucketCounts": ["2", "3", "0"], "explicitBounds": [10.0, 50.0], "min": 1.0, "max": 30.0}), &host("a")),
                ]}},
                {"name": "rpc.size", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [
                    point(10, &json!({"count": "4", "sum": 10.5, "scale": 2, "zeroCount": "1", "positive": {"offset": 1, "bucketCounts": ["1", "2"]}, "negative": {}}), &host("a")),
                ]}},
                {"name": "gc.pause", "summary": {"dataPoints": [
                    point(10, &json!({"count": "2", "sum": 3.0, "quantileValues": [{"quantile": 0.5, "value": 1.0}, {"quantile": 1.0, "value": 2.0}]}), &host("a")),
                ]}},
            ],
        }],
    }]})
}

fn span(trace: &str, id: &str, parent: &str, name: &str, took_ms: u64, more: &[(&str, Value)]) -> Value {
    let start: u64 = 1_763_251_200_000_000_000;
    json!({
        "traceId": trace, "spanId": id, "parentSpanId": parent, "name": name, "kind": 2,
        "startTimeUnixNano": start.to_string(), "endTimeUnixNano": (start + took_ms * 1_000_000).to_string(),
        "attributes": attributes(more), "status": {},
    })
}

/// Four traces: fine, failed, slow, and of another service.
pub(super) fn traces() -> Value {
    let trace = |number: u8| format!("{number:02x}8efff798038103d269b633813fc60c");
    let mut failed = span(
        &trace(2),
        "0000000000000021",
        "",
        "POST /pay",
        20,
        &[("http.route", text("/pay")), ("user.email", text("ada@example.com")), ("http.status", whole(500))],
    );
    failed["status"] = json!({"code": 2, "message": "card 4111111111111111 refused"});
    failed["events"] = json!([
        {"timeUnixNano": TIME, "name": "exception", "attributes": attributes(&[("exception.message", text("no"))])},
        {"timeUnixNano": TIME, "name": "noise", "attributes": []},
    ]);
    failed["links"] = json!([{"traceId": trace(1), "spanId": "0000000000000011", "attributes": attributes(&[("why", text("retry"))])}]);
    let mut stated = span(&trace(4), "0000000000000041", "", "SELECT", 3, &[("db.system", text("postgresql"))]);
    stated["traceState"] = json!("a=1");
    stated["flags"] = json!(257);
    stated["kind"] = json!(3);
    json!({"resourceSpans": [
        {
            "resource": {"attributes": attributes(&[("service.name", text("shop")), ("deployment.environment", text("prod"))])},
            "scopeSpans": [{"scope": {"name": "tracer"}, "spans": [
                span(&trace(1), "0000000000000011", "", "GET /health", 2, &[("http.route", text("/health"))]),
                span(&trace(1), "0000000000000012", "0000000000000011", "render", 1, &[]),
                failed,
                span(&trace(3), "0000000000000031", "", "GET /report", 4_000, &[("http.route", text("/report")), ("tenant", text("gold"))]),
            ]}],
        },
        {"resource": {"attributes": attributes(&[("service.name", text("cart"))])}, "scopeSpans": [{"scope": {}, "spans": [stated]}]},
    ]})
}

/// Traces of services with a limit of their own, each within it or larger than its bucket, which holds spans for two seconds;
/// one alone of each limit, since which of several comes first is a matter of chance.
pub(super) fn limited() -> Value {
    let trace = |number: u8, spans: u8| -> Vec<Value> {
        let id = format!("{number:02x}8efff798038103d269b633813fc60c");
        (1..=spans).map(|of| span(&id, &format!("00000000000000{number}{of}"), "", "work", 5, &[])).collect()
    };
    let of = |service: &str, spans: Vec<Value>| {
        json!({
            "resource": {"attributes": attributes(&[("service.name", text(service))])},
            "scopeSpans": [{"scope": {"name": "tracer"}, "spans": spans}],
        })
    };
    json!({"resourceSpans": [
        of("shop", trace(1, 4)),
        of("cart", trace(2, 3)),
        of("both", trace(3, 9)),
        of("other", trace(4, 2)),
    ]})
}
