//! A supervisor that knows nothing but an enrolment token.

use serde_json::{Value, json};

use super::{
    programs::{CURRENT, Pair, pair},
    records::{ERROR, free_port, send},
    sink::Sink,
    supervisor::Supervisor,
};
use crate::support::{server::Server, tls::Authority, wait_for};

/// Sets a supervisor up that dials with an enrolment token. Its files are those of a collector that was added and is gone
/// again: only the token differs.
async fn install(pair: &Pair, server: &Server, name: &str, token: &str) -> Supervisor {
    let added = server.add_collector(name, "otelcol", pair.version).await;
    let id = added["collector"]["id"].as_str().expect("an id");
    server.ask(reqwest::Method::DELETE, &format!("/collectors/{id}"), None).await;
    let supervisor = Supervisor::install(pair, server, name, &added["bootstrap"]);
    supervisor.make_room();
    supervisor.set_token(token);
    supervisor
}

/// Makes a token for one use.
async fn token(server: &Server) -> String {
    let made = server.post("/enrollment-tokens", &json!({"labels": {"site": "fra"}, "runtime": "otelcol"})).await;
    made["token"].as_str().expect("a token").to_owned()
}

/// Waits for the collector that came of an enrolment.
async fn enrolled(server: &Server) -> Value {
    wait_for("a collector to enrol", || async {
        let list = server.get("/collectors").await;
        let first = list["items"][0].clone();
        if first["status"] == "connected" { Ok(first) } else { Err(format!("{list:#}")) }
    })
    .await
}

/// How often something happened to a collector.
async fn times(server: &Server, id: &str, kind: &str) -> usize {
    server.events(id).await.iter().filter(|known| *known == kind).count()
}

/// Waits until something happened to a collector so many times.
async fn wait_for_times(server: &Server, id: &str, kind: &str, wanted: usize) {
    wait_for(&format!("{wanted} times {kind}"), || async {
        let events = server.events(id).await;
        let times = events.iter().filter(|known| *known == kind).count();
        if times >= wanted { Ok(()) } else { Err(format!("{events:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supervisor_enrols_over_tls_and_dials_again_with_a_token_of_its_own() {
    let Some(pair) = pair(CURRENT) else { return };
    let server = Server::start_with_tls(Authority::new("authority of a test")).await;
    let sink = Sink::start();
    let token = token(&server).await;
    let mut supervisor = install(&pair, &server, "host-1", &token).await;
    supervisor.run();

    // Redeemed at the upgrade: a collector with the token's labels, and a token of its own that it dials again with.
    let collector = enrolled(&server).await;
    let id = collector["id"].as_str().expect("an id").to_owned();
    assert_eq!((&collector["labels"]["site"], &collector["operator_labels"]), (&json!("fra"), &json!({})));
    wait_for_times(&server, &id, "connected", 2).await;
    let events = server.events(&id).await;
    let offered = events.iter().position(|kind| kind == "token_offered").expect("an offer of a token");
    let left = events.iter().position(|kind| kind == "disconnected").expect("the end of the first session");
    assert!(offered < left, "{events:?}");
    assert_eq!(server.get("/enrollment-tokens").await["total"], 0, "the token is used up");

    // Its session is a collector's like any other.
    let port = free_port();
    let central =
        json!({"id": "central", "name": "Central", "kind": "otlp_http", "settings": {"endpoint": sink.endpoint()}});
    server.post("/destinations", &central).await;
    let pipeline = json!({
        "id": "shop", "name": "Shop", "signals": ["logs"], "match": ["site=\"fra\""],
        "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": format!("127.0.0.1:{port}")}}}],
        "destinations": ["central"],
    });
    server.post("/pipelines", &pipeline).await;
    server.wait_until_applied(&id).await;
    send(port, &[(ERROR, "enrolled")]).await;
    sink.wait_for_record("enrolled").await;

    // Released supervisors forget the offer when they restart: with the used token it is the collector that it was.
    supervisor.stop().await;
    server.collector_when(&id, "absence", |collector| collector["status"] == "offline").await;
    supervisor.run();
    wait_for_times(&server, &id, "token_offered", 2).await;
    server.wait_until_applied(&id).await;
    assert_eq!(server.get("/collectors").await["total"], 1);

    // For anybody else it is spent.
    let mut other = install(&pair, &server, "host-2", &token).await;
    other.run();
    wait_for("the second one to be turned away", || {
        let log = other.log();
        std::future::ready(if log.contains("the enrolment token was used already") { Ok(()) } else { Err(log) })
    })
    .await;
    assert_eq!(server.get("/collectors").await["total"], 1);
    supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_offered_where_others_could_read_it() {
    let Some(pair) = pair(CURRENT) else { return };
    // As behind a proxy that speaks plain HTTP to the world: what is offered goes by this address.
    let server = Server::start_with(&[("LINKMESH_SERVER__PUBLIC_URL", "http://linkmesh.example.org")]).await;
    let token = token(&server).await;
    let mut supervisor = install(&pair, &server, "host-1", &token).await;
    let address = server.url("ws", "");
    supervisor.configure(|text| text.replace("ws://linkmesh.example.org", &address));
    supervisor.run();
    let collector = enrolled(&server).await;
    let id = collector["id"].as_str().expect("an id").to_owned();
    // It is served all the same, on the connection that it has.
    server.post("/destinations", &json!({"id": "console", "name": "Console", "kind": "debug", "settings": {}})).await;
    let pipeline = json!({
        "id": "shop", "name": "Shop", "signals": ["logs"], "match": ["site=\"fra\""],
        "sources": [{"id": "otlp", "kind": "otlp",
            "settings": {"http": {"endpoint": format!("127.0.0.1:{}", free_port())}}}],
        "destinations": ["console"],
    });
    server.post("/pipelines", &pipeline).await;
    server.wait_until_applied(&id).await;
    let happened = (times(&server, &id, "connected").await, times(&server, &id, "token_offered").await);
    assert_eq!(happened, (1, 0), "{:?}", server.events(&id).await);
    supervisor.stop().await;
}
