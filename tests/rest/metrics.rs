//! What monitoring reads.

use serde_json::json;

use super::harness::Api;

#[actix_web::test]
async fn metrics_have_their_names_and_only_bounded_labels() {
    let api = Api::start().await;
    let created = api.post("/collectors", json!({"name": "a", "runtime": "alloy"})).await.expect(201);
    let id = created["collector"]["id"].as_str().unwrap();
    api.get(&format!("/collectors/{id}")).await.expect(200);
    api.get("/some/where").await.problem(404, "not_found");

    let answer = api.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = &answer.text;
    for name in [
        "build_info",
        "collectors",
        "connections",
        "opamp_messages_total",
        "opamp_sockets_total",
        "bodies_late_total",
        "unfinished_bytes",
        "unfinished_refused_total",
        "remotecfg_polls_total",
        "config_pushes_total",
        "push_latency_seconds",
        "commit_latency_seconds",
        "store_write_latency_seconds",
        "mailbox_full_total",
        "actor_restarts_total",
        "http_requests_total",
        "http_request_duration_seconds",
        "process_resident_memory_bytes",
    ] {
        assert!(text.contains(&format!("# TYPE linkmesh_server_{name} ")), "{name} is missing in\n{text}");
    }
    assert!(text.contains("linkmesh_server_collectors{runtime=\"alloy\",status=\"pending\"} 1\n"), "{text}");
    assert!(text.contains("http_requests_total{route=\"/collectors/{id}\",status=\"200\"} 1\n"), "{text}");
    assert!(text.contains("http_requests_total{route=\"other\",status=\"404\"} 1\n"), "{text}");
    assert!(!text.contains(id), "a collector's id is no label");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let value = line.rsplit(' ').next().unwrap();
        assert!(line.starts_with("linkmesh_server_") && value.parse::<f64>().is_ok(), "{line}");
    }
}
