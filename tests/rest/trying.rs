//! What is tried and read without being stored: dry runs and imports.

use serde_json::{Value, json};

use super::harness::Api;

fn pipeline() -> Value {
    json!({
        "id": "web", "name": "web", "signals": ["logs"], "match": [],
        "sources": [{"id": "in", "kind": "otlp", "settings": {"http": {"endpoint": "0.0.0.0:4318"}}}],
        "filters": [{"id": "loud", "kind": "severity", "settings": {"minimum": "warn"}}],
        "processors": [{"id": "mask", "kind": "mask", "settings": {"patterns": ["email"]}}],
        "destinations": ["central", {"id": "errors", "when": "severity_number >= SEVERITY_NUMBER_ERROR"}],
    })
}

async fn with_destinations() -> Api {
    let api = Api::start().await;
    for id in ["central", "errors"] {
        let settings = json!({"endpoint": format!("https://{id}.example.com"), "headers": {"X-Token": "${env:TOKEN}"}});
        api.post("/destinations", json!({"id": id, "name": id, "kind": "otlp_http", "settings": settings}))
            .await
            .expect(201);
    }
    api
}

#[actix_web::test]
async fn records_are_tried_step_by_step_and_nothing_is_stored() {
    let api = with_destinations().await;
    let records = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":5},{"severityNumber":13,"body":{"stringValue":"a@b.example"}}]}]}]}
{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":17}]}]}]}"#;
    let tried = api.post("/pipelines/dry-run", json!({"pipeline": pipeline(), "records": records})).await.expect(200);
    assert_eq!(tried["errors"], json!([]), "{tried:#}");
    let counts = |list: &str, keys: [&str; 2]| -> Vec<(u64, u64)> {
        let items = tried[list].as_array().unwrap().iter();
        items.map(|item| (item[keys[0]].as_u64().unwrap_or_default(), item[keys[1]].as_u64().unwrap())).collect()
    };
    assert_eq!(counts("steps", ["in", "out"]), [(3, 2), (2, 2)]);
    assert_eq!(counts("destinations", ["none", "out"]), [(0, 2), (0, 1)]);
    assert!(tried["destinations"][0].to_string().contains("****"), "{tried:#}");
    assert_eq!(api.get("/pipelines").await.expect(200)["total"], 0);
}

#[actix_web::test]
async fn records_that_cannot_be_read_are_told_with_their_place() {
    let api = with_destinations().await;
    for (records, field) in [
        (
            json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"severityNumber": "x"}]}]}]}),
            "records.resourceLogs[0].scopeLogs[0].logRecords[0].severityNumber",
        ),
        (json!("{\"resourceLogs\":["), "records"),
        (json!("{\"resourceLogs\":[{\"scopeLogs\":["), "records.resourceLogs[0].scopeLogs"),
        (json!({}), "records"),
        (json!({"resourceLogs": [], "resourceSpans": []}), "records"),
        (json!({"resourceMetrics": []}), "records"),
        (json!("x".repeat(2 << 20)), "records"),
    ] {
        let answer = api.post("/pipelines/dry-run", json!({"pipeline": pipeline(), "records": records})).await;
        // What is larger than a body may be is refused as a whole.
        if answer.status == 413 {
            continue;
        }
        let tried = answer.expect(200);
        let error = &tried["errors"][0];
        assert!(error["field"].as_str().unwrap().starts_with(field), "{field}: {tried:#}");
        // The place is named once.
        assert!(!error["message"].as_str().unwrap().contains("resourceLogs["), "{field}: {tried:#}");
    }
    let deep = format!(
        "{}{}",
        "{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":".repeat(200),
        "{}".to_owned() + &"}]}}".repeat(200)
    );
    let records = format!("{{\"resourceLogs\":[{{\"scopeLogs\":[{{\"logRecords\":[{{\"body\":{deep}}}]}}]}}]}}");
    let tried = api.post("/pipelines/dry-run", json!({"pipeline": pipeline(), "records": records})).await.expect(200);
    assert_eq!(tried["errors"].as_array().unwrap().len(), 1, "{tried:#}");
    api.post("/pipelines/dry-run", json!({"pipeline": pipeline()})).await.expect(422);
}

#[actix_web::test]
async fn what_was_rendered_comes_back_by_an_import() {
    let api = with_destinations().await;
    let preview = api.post("/pipelines/preview", pipeline()).await.expect(200);
    for runtime in ["otelcol", "alloy"] {
        let imported =
            api.post("/pipelines/import", json!({"runtime": runtime, "text": preview[runtime]})).await.expect(200);
        assert_eq!(imported["errors"], json!([]), "{runtime}: {imported:#}");
        let back = &imported["pipelines"][0];
        for key in ["id", "signals", "sources", "filters", "processors", "destinations"] {
            let mut expected = pipeline()[key].clone();
            if key == "sources" {
                // The name of a shared source is that of its address.
                expected[0]["id"] = back[key][0]["id"].clone();
            }
            assert_eq!(back[key], expected, "{runtime} {key}: {imported:#}");
        }
        let destinations: Vec<&Value> =
            imported["destinations"].as_array().unwrap().iter().map(|d| &d["settings"]["headers"]).collect();
        assert_eq!(destinations, [&json!({"X-Token": "${env:TOKEN}"}); 2], "{runtime}");
    }
    for (runtime, text) in [
        ("otelcol", "receivers: ["),
        ("otelcol", "a: &x 1\nb: *x\n"),
        ("alloy", "otelcol.receiver.otlp \"x\" {"),
        ("alloy", ""),
    ] {
        let imported = api.post("/pipelines/import", json!({"runtime": runtime, "text": text})).await.expect(200);
        assert_ne!(imported["errors"], json!([]), "{text:?}: {imported:#}");
    }
    api.post("/pipelines/import", json!({"runtime": "vector", "text": ""})).await.expect(422);
}

#[actix_web::test]
async fn an_import_tells_what_a_collector_would_refuse_by_its_place() {
    let api = with_destinations().await;
    let components = "receivers: {otlp: {protocols: {grpc: }}}\nexporters: {debug: }\n";
    for (runtime, text, field, code) in [
        (
            "otelcol",
            format!(
                "{components}service: {{pipelines: {{logs: {{receivers: [otlp], exporters: [debug], fanout: 1}}}}}}"
            ),
            "service.pipelines.logs.fanout",
            "unknown_field",
        ),
        (
            "otelcol",
            format!(
                "{components}service: {{extensions: [pprof], pipelines: {{logs: {{receivers: [otlp], exporters: [debug]}}}}}}"
            ),
            "service.extensions[0]",
            "unknown_component",
        ),
        (
            "alloy",
            "otelcol.exporter.debug \"a\" { }\notelcol.exporter.debug \"a\" { }".to_owned(),
            "otelcol.exporter.debug.a",
            "duplicate",
        ),
    ] {
        let imported = api.post("/pipelines/import", json!({"runtime": runtime, "text": text})).await.expect(200);
        let errors: Vec<(&str, &str)> = imported["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        assert_eq!(errors, [(field, code)], "{imported:#}");
        assert_eq!((&imported["pipelines"], &imported["left_over"]), (&json!([]), &json!([])));
    }
}
