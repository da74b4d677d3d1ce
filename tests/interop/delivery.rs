//! A save, followed to its effect in a real collector.

use serde_json::{Value, json};

use super::{
    programs::{CURRENT, Pair, pair},
    records::{DEBUG, ERROR, INFO, free_port, send},
    sink::Sink,
    supervisor::Supervisor,
};
use crate::support::{server::Server, wait_for};

/// A server with a sink as destination, and one real collector that is connected.
pub(super) struct Scene {
    // Ends before the server, whose folder holds its files.
    pub(super) supervisor: Supervisor,
    pub(super) server: Server,
    pub(super) sink: Sink,
    /// The collector's id.
    pub(super) id: String,
    /// Where the pipeline's receiver listens.
    pub(super) port: u16,
}

impl Scene {
    pub(super) async fn set(pair: &Pair) -> Self {
        Self::set_by(pair, Supervisor::start).await
    }

    /// The same with what the page prints, as it prints it; only for a test that is alone in its network.
    pub(super) async fn set_as_printed(pair: &Pair) -> Self {
        Self::set_by(pair, |pair, server, name, bootstrap| {
            let mut supervisor = Supervisor::install(pair, server, name, bootstrap);
            supervisor.run();
            supervisor
        })
        .await
    }

    /// The same with a supervisor that speaks OpAMP by plain HTTP.
    pub(super) async fn set_over_http(pair: &Pair) -> Self {
        Self::set_by(pair, |pair, server, name, bootstrap| {
            let mut supervisor = Supervisor::install(pair, server, name, bootstrap);
            supervisor.make_room();
            supervisor.configure(|text| text.replace("endpoint: \"ws://", "endpoint: \"http://"));
            supervisor.run();
            supervisor
        })
        .await
    }

    async fn set_by(pair: &Pair, start: impl FnOnce(&Pair, &Server, &str, &Value) -> Supervisor) -> Self {
        let server = Server::start().await;
        let sink = Sink::start();
        let added = server.add_collector("host-1", "otelcol", pair.version).await;
        let id = added["collector"]["id"].as_str().expect("an id").to_owned();
        let supervisor = start(pair, &server, "host-1", &added["bootstrap"]);
        server.collector_when(&id, "connection", |collector| collector["status"] == "connected").await;
        let central = json!({"id": "central", "name": "Central", "kind": "otlp_http",
            "settings": {"endpoint": sink.endpoint(), "headers": {"X-Tenant": "${env:LINKMESH_TOKEN}"}}});
        server.post("/destinations", &central).await;
        server
            .post("/destinations", &json!({"id": "console", "name": "Console", "kind": "debug", "settings": {}}))
            .await;
        Self { supervisor, server, sink, id, port: free_port() }
    }

    /// The pipeline of these tests; `mark` is an attribute that every record gets.
    pub(super) fn pipeline(&self, port: u16, mark: &str) -> Value {
        json!({
            "version": 1,
            "name": "Shop",
            "enabled": true,
            "signals": ["logs", "metrics"],
            "match": ["host=\"host-1\""],
            "sources": [
                {"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": format!("127.0.0.1:{port}")}}},
                {"id": "host", "kind": "host_metrics", "settings": {"collection_interval": "5s", "scrapers": ["memory"]}},
            ],
            "filters": [{"id": "no-debug", "kind": "severity", "settings": {"minimum": "info"}}],
            "processors": [{"id": "mark", "kind": "attributes",
                "settings": {"actions": [{"action": "set", "key": "mark", "value": mark}]}}],
            "destinations": ["central", "console"],
        })
    }

    /// Creates the pipeline and waits until the collector runs it.
    pub(super) async fn apply(&self, mark: &str) -> Value {
        let mut document = self.pipeline(self.port, mark);
        document["id"] = json!("shop");
        self.server.post("/pipelines", &document).await;
        self.server.wait_until_applied(&self.id).await
    }

    pub(super) async fn save(&self, port: u16, mark: &str) -> Value {
        self.server.put("/pipelines/shop", &self.pipeline(port, mark)).await
    }

    /// Saves, and follows the save to a record at the sink: what else was pushed before it has been counted by then.
    pub(super) async fn save_and_follow(&self, mark: &str) {
        self.save(self.port, mark).await;
        self.server.wait_until_applied(&self.id).await;
        send(self.port, &[(ERROR, mark)]).await;
        assert_eq!(self.sink.wait_for_record(mark).await.attribute("mark"), Some(mark));
    }

    /// Configs that this process of the server has pushed.
    pub(super) async fn offers(&self) -> f64 {
        self.server.counted("config_pushes_total", "result=\"offered\"").await
    }

    pub(super) async fn config(&self) -> Value {
        self.server.get(&format!("/collectors/{}/config", self.id)).await
    }

    /// Waits until this process of the server has heard from the collector what it runs.
    pub(super) async fn wait_until_reported(&self) -> Value {
        self.server
            .collector_when(&self.id, "return", |collector| {
                collector["status"] != "offline" && collector["status"] != "pending" && !collector["address"].is_null()
            })
            .await;
        wait_for("messages of the collector", || async {
            let messages = self.server.counted("opamp_messages_total", "direction=\"received\"").await;
            if messages >= 2.0 { Ok(()) } else { Err(format!("{messages} messages")) }
        })
        .await;
        self.config().await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_pipeline_runs_in_a_real_collector_and_its_records_arrive_changed() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    let collector = scene.server.get(&format!("/collectors/{}", scene.id)).await;
    assert_eq!(collector["config_state"], "none", "nothing matches it yet: {collector:#}");
    assert_eq!(collector["version"], CURRENT);

    let applied = scene.apply("first").await;
    assert_eq!(applied["pipelines"], json!(["shop"]));
    assert_eq!(applied["status"], "connected");
    let config = scene.config().await;
    assert!(config["effective"]["body"].as_str().expect("an effective config").contains("attributes/shop.mark"));
    assert_eq!(config["drift"]["differences"], json!([]));
    assert_eq!(config["desired"]["hash"], config["status"]["hash"]);

    send(scene.port, &[(DEBUG, "noise"), (INFO, "kept"), (ERROR, "loud")]).await;
    for body in ["kept", "loud"] {
        assert_eq!(scene.sink.wait_for_record(body).await.attribute("mark"), Some("first"), "{body}");
    }
    assert!(scene.sink.records().iter().all(|record| record.body() != "noise"), "the filter dropped nothing");
    let tenants = scene.sink.tenants();
    let is_hosts_own = !tenants.is_empty() && tenants.iter().all(|tenant| tenant.starts_with("lmct_"));
    assert!(is_hosts_own, "no header from the host's own environment: {} of them", tenants.len());
    scene.sink.wait_for_metrics().await;
    let health = scene.server.get(&format!("/collectors/{}/health", scene.id)).await;
    assert!(
        health["root"]["components"].as_object().is_some_and(|tree| tree.contains_key("pipeline:logs/shop")),
        "{health:#}"
    );

    // A second save is pushed to the running collector.
    scene.save(scene.port, "second").await;
    scene.server.wait_until_applied(&scene.id).await;
    send(scene.port, &[(ERROR, "again")]).await;
    assert_eq!(scene.sink.wait_for_record("again").await.attribute("mark"), Some("second"));
    scene.supervisor.stop().await;
    scene.server.collector_when(&scene.id, "absence", |collector| collector["status"] == "offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_the_collector_refuses_is_failed_in_its_own_words_and_not_sent_again() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    scene.apply("good").await;
    // Nothing that the server can see is wrong with this one: somebody else on the host has the port.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    scene.save(taken.local_addr().expect("its address").port(), "bad").await;
    let failed = scene
        .server
        .collector_when(&scene.id, "failure", |collector| {
            collector["config_state"] == "failed" && collector["error"].is_string()
        })
        .await;
    let error = failed["error"].as_str().expect("an error").to_owned();
    assert!(error.contains("address already in use"), "not in the collector's words: {error}");
    let config = scene.config().await;
    assert_eq!(config["status"]["state"], "failed");
    assert_eq!(config["status"]["hash"], config["desired"]["hash"]);
    let refused = config["desired"]["hash"].clone();

    // Over a crash of the server too, it stays failed and is not pushed: the new process has sent nothing.
    scene.server.kill().await;
    scene.server.serve().await;
    let config = scene.wait_until_reported().await;
    assert_eq!(config["status"]["state"], "failed", "{config:#}");
    assert_eq!(config["desired"]["hash"], refused);

    // Another text is another chance, and the only push.
    scene.save_and_follow("mended").await;
    assert_eq!(scene.offers().await, 1.0, "it was sent again");
    scene.supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_applies_the_config_that_failed_when_its_cause_is_gone_from_the_host() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    scene.apply("good").await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    scene.save(port, "second").await;
    let failed = scene.server.collector_when(&scene.id, "failure", |c| c["config_state"] == "failed").await;
    let refused = failed["desired_hash"].as_str().expect("a hash");
    let offers = scene.offers().await;

    drop(taken);
    scene.server.post(&format!("/collectors/{}/retry", scene.id), &json!({})).await;
    let applied = scene.server.wait_until_applied(&scene.id).await;
    assert_eq!(applied["desired_hash"], refused);
    assert_eq!(applied["error"], Value::Null);
    assert_eq!(scene.offers().await, offers + 1.0, "a retry is one push");
    send(port, &[(ERROR, "at last")]).await;
    assert_eq!(scene.sink.wait_for_record("at last").await.attribute("mark"), Some("second"));
    scene.supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_was_away_during_a_save_gets_it_on_return() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    let before = scene.apply("before").await["desired_hash"].clone();
    scene.supervisor.stop().await;
    scene.server.collector_when(&scene.id, "absence", |collector| collector["status"] == "offline").await;
    scene.save(scene.port, "meanwhile").await;
    let waiting = scene.server.get(&format!("/collectors/{}", scene.id)).await;
    assert_eq!(waiting["config_state"], "pending", "{waiting:#}");
    assert_ne!(waiting["desired_hash"], before);
    scene.supervisor.run();
    scene.server.wait_until_applied(&scene.id).await;
    send(scene.port, &[(ERROR, "back")]).await;
    assert_eq!(scene.sink.wait_for_record("back").await.attribute("mark"), Some("meanwhile"));
    scene.supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_shows_when_a_collector_runs_something_else() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    scene.apply("committed").await;
    scene.supervisor.stop().await;
    // A local file that wins over the remote config, as a hand on the host would leave it.
    let local = scene.supervisor.file("local.yaml");
    let text = "processors: {attributes/shop.mark: {actions: [{key: mark, value: by-hand, action: upsert}]}}\n";
    std::fs::write(&local, text).expect("a local file");
    scene.supervisor.configure(|text| {
        let files = format!(
            "\nagent:\n  config_files: [$OWN_TELEMETRY_CONFIG, $OPAMP_EXTENSION_CONFIG, $REMOTE_CONFIG, \"{}\"]\n",
            local.display()
        );
        text.replace("\nagent:\n", &files)
    });
    scene.supervisor.run();
    let drifted = scene.server.collector_when(&scene.id, "drift", |collector| collector["drift"] == "drifted").await;
    assert_ne!(drifted["status"], "offline");
    let config = scene.config().await;
    let differences = config["drift"]["differences"].as_array().expect("differences");
    let found = differences
        .iter()
        .find(|difference| difference["path"].as_str().is_some_and(|path| path.contains("attributes/shop.mark")));
    let found = found.unwrap_or_else(|| panic!("no difference names the place: {config:#}"));
    assert!(found["desired"].as_str().is_some_and(|text| text.contains("committed")), "{found:#}");
    assert!(found["effective"].as_str().is_some_and(|text| text.contains("by-hand")), "{found:#}");
    scene.supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_is_asked_for_starts_another_process_with_the_same_config() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    let applied = scene.apply("kept").await;
    assert_eq!(applied["can_restart"], true);
    let before = scene.supervisor.collector().expect("a collector");
    scene.server.post(&format!("/collectors/{}/restart", scene.id), &json!({})).await;
    wait_for("another process", || std::future::ready(scene.supervisor.collector().filter(|now| *now != before))).await;
    send(scene.port, &[(ERROR, "after the restart")]).await;
    assert_eq!(scene.sink.wait_for_record("after the restart").await.attribute("mark"), Some("kept"));
    let after = scene.server.wait_until_applied(&scene.id).await;
    assert_eq!(after["desired_hash"], applied["desired_hash"]);
    scene.supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_that_polls_by_plain_http_gets_and_applies_a_config() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set_over_http(&pair).await;
    scene.apply("polled").await;
    send(scene.port, &[(DEBUG, "noise"), (ERROR, "loud")]).await;
    assert_eq!(scene.sink.wait_for_record("loud").await.attribute("mark"), Some("polled"));
    assert_eq!(scene.server.counted("connections", "kind=\"opamp\"").await, 0.0, "there is no socket");
    scene.supervisor.stop().await;
    scene.server.collector_when(&scene.id, "absence", |collector| collector["status"] == "offline").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_config_that_the_real_build_lacks_a_component_for_is_told_before_and_withheld() {
    let Some(pair) = pair(CURRENT) else { return };
    let mut scene = Scene::set(&pair).await;
    let applied = scene.apply("runs").await;
    let raw = json!({"id": "odd", "name": "Odd", "kind": "raw",
        "settings": {"otelcol": "nosuchthing: {}", "alloy": "otelcol.exporter.nosuchthing { }", "signals": ["logs"]}});
    scene.server.post("/destinations", &raw).await;
    let mut other = scene.pipeline(free_port(), "odd");
    (other["id"], other["name"], other["match"]) = (json!("odd"), json!("Odd"), json!(["odd=\"yes\""]));
    (other["signals"], other["destinations"]) = (json!(["logs"]), json!(["odd"]));
    other["sources"].as_array_mut().expect("sources").truncate(1);
    scene.server.post("/pipelines", &other).await;
    let change = json!({"labels": {"host": "host-1", "odd": "yes"}});
    let path = format!("/collectors/{}", scene.id);
    // Its build is known when one of its kind was asked for the tree.
    let why = wait_for("what the build lacks", || async {
        let told = scene.server.post(&format!("{path}/preview"), &change).await;
        told["withheld"].as_str().map(str::to_owned)
    })
    .await;
    assert!(why.contains("lacks exporters/nosuchthing"), "{why}");
    scene.supervisor.stop().await;
    assert_eq!(scene.server.get(&path).await["desired_hash"], applied["desired_hash"]);
}
