//! What Kubernetes knows of a pod, on the records that come from it: a real Alloy asks the API of a cluster.

use serde_json::json;

use super::{
    super::{
        programs::{alloy, alone},
        records::{ERROR, free_port, send},
        sink::Sink,
    },
    host::Host,
    running::Running,
};
use crate::support::{server::Server, wait_for};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alloy_tells_the_pod_that_records_come_from() {
    let Some(program) = alloy() else { return };
    if !alone("interop::alloy::pods::a_real_alloy_tells_the_pod_that_records_come_from") {
        return;
    }
    let server = Server::start().await;
    let (host, sink, port) = (Host::set_up(server.folder()), Sink::start(), free_port());
    let settings = json!({"endpoint": sink.endpoint()});
    let central = json!({"id": "central", "name": "Central", "kind": "otlp_http", "settings": settings});
    server.post("/destinations", &central).await;
    let known = json!({
        "metadata": ["k8s.namespace.name", "k8s.pod.name", "k8s.node.name"],
        "labels": [{"key": "app.kubernetes.io/name", "attribute": "app"}],
        "annotations": [{"key": "example.com/owner", "attribute": "owner"}],
    });
    let told = "set(attributes[\"told\"], Concat([resource.attributes[\"k8s.namespace.name\"], \
                resource.attributes[\"k8s.pod.name\"], resource.attributes[\"k8s.node.name\"], \
                resource.attributes[\"app\"], resource.attributes[\"owner\"]], \"/\"))";
    let document = json!({
        "name": "pods", "signals": ["logs"], "match": [], "destinations": ["central"],
        "sources": [{"id": "in", "kind": "otlp", "settings": {"http": {"endpoint": format!("127.0.0.1:{port}")}}}],
        "processors": [
            {"id": "pod", "kind": "kubernetes", "settings": known},
            {"id": "told", "kind": "ottl", "settings": {"statements": [told]}},
        ],
    });
    let preview = server.post("/pipelines/preview", &document).await;
    assert_eq!(preview["errors"], json!([]), "{preview:#}");
    let text = preview["alloy"].as_str().expect("a text");
    let running = Running::start(host.command(&program), server.folder(), text, []).await;
    // It answers what comes before it has read the cluster, too.
    wait_for("a record with its pod", || async {
        send(port, &[(ERROR, "hello")]).await;
        let told: Vec<String> = sink.records().iter().filter_map(|r| r.attribute("told").map(str::to_owned)).collect();
        if told.iter().any(|told| told == "web/shop-1/node-1/shop/team a") { Ok(()) } else { Err(format!("{told:?}")) }
    })
    .await;
    drop(running);
}
