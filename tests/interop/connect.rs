//! Somebody else's Connect client plays an Alloy.

use std::{collections::BTreeSet, process::Command};

use serde_json::{Value, json};

use super::{alloy::demand, programs::node};
use crate::{alloy_syntax::Level, support::server::Server};

/// A pipeline that an Alloy of the default stability level can load, for every collector.
pub(super) fn pipeline(port: u16) -> Value {
    json!({
        "id": "shop", "version": 1, "name": "Shop", "enabled": true, "signals": ["logs", "metrics"],
        "match": ["collector.id=~\".+\""],
        "sources": [
            {"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": format!("127.0.0.1:{port}")}}},
            {"id": "host", "kind": "host_metrics", "settings": {"collection_interval": "10s", "scrapers": ["memory"]}},
        ],
        "filters": [{"id": "no-debug", "kind": "severity", "settings": {"minimum": "info"}}],
        "processors": [
            {"id": "mark", "kind": "attributes",
             "settings": {"actions": [{"action": "set", "key": "mark", "value": "a \"quoted\" $value"}]}},
            {"id": "pack", "kind": "batch", "settings": {"timeout": "1s"}},
        ],
        "destinations": ["central"],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_connect_client_gets_the_pipeline_in_alloys_language_and_hears_when_nothing_changed() {
    let Some(scripts) = node() else { return };
    let server = Server::start().await;
    let central = json!({"id": "central", "name": "Central", "kind": "otlp_http",
        "settings": {"endpoint": "http://127.0.0.1:9", "headers": {"X-Tenant": "${env:TENANT}"}}});
    server.post("/destinations", &central).await;
    server.post("/pipelines", &pipeline(4318)).await;
    let added = server.add_collector("alloy-1", "alloy", "1.18.0").await;
    let id = added["collector"]["id"].as_str().expect("an id").to_owned();
    let token = added["token"].as_str().expect("a token").to_owned();

    let url = server.url("http", "");
    let output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new("node");
        command
            .arg("alloy.mjs")
            .args([url, token, "host-7".to_owned()])
            .current_dir(scripts)
            .output()
            .expect("node runs")
    })
    .await
    .expect("the client");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");

    let plays = seen["plays"].as_array().expect("plays");
    assert_eq!(plays.len(), 5);
    let desired = server.get(&format!("/collectors/{id}/config")).await["desired"].clone();
    let mut texts = BTreeSet::new();
    for play in plays {
        let how = format!("{} {}", play["format"], play["method"]);
        assert_eq!(play["hash"], desired["hash"], "{how}");
        assert_eq!(play["notModified"], true, "{how}");
        assert_eq!(play["contentWhenUnchanged"], "", "{how}");
        texts.insert(play["content"].as_str().expect("a text").to_owned());
    }
    assert_eq!(texts.len(), 1, "one text in every form: {texts:#?}");
    let text = texts.pop_first().expect("a text");
    assert_eq!(desired["body"], text.as_str(), "what the page shows is what the Alloy was served");
    demand(&text, Level::GenerallyAvailable);
    for part in ["declare \"pl_shop\"", "pl_shop \"default\"", "otelcol.receiver.otlp", "sys.env(\"TENANT\")", "$value"]
    {
        assert!(text.contains(part), "no {part} in\n{text}");
    }

    for who in ["stranger", "strangersRegister"] {
        assert_eq!(seen["refusals"][who]["code"], "Unauthenticated", "{seen:#}");
    }
    assert_eq!(seen["refusals"]["noId"]["code"], "InvalidArgument", "{seen:#}");
    let collector = server.collector_when(&id, "failure", |collector| collector["config_state"] == "failed").await;
    assert_eq!(collector["error"], "26:4: unrecognized attribute name \"nope\"");
    assert_eq!(collector["version"], "1.18.0", "{collector:#}");
    assert_eq!(collector["attributes"]["env"], "test");
}
