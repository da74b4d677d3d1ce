//! Collectors: adding, finding, labelling, ending.

use linkmesh_actors::domain::access::Role;
use serde_json::{Value, json};

use super::{
    documents::{destination, pipeline},
    harness::Api,
};

async fn create(api: &Api, body: Value) -> (String, String, Value) {
    let answer = api.post("/collectors", body).await;
    let created = answer.expect(201);
    (created["collector"]["id"].as_str().unwrap().to_owned(), answer.header("etag").to_owned(), created)
}

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn new_collector_comes_with_what_its_host_needs() {
    let api = Api::start().await;
    let body = json!({"name": "web 1", "runtime": "otelcol", "version": "0.149.0", "labels": {"env": "prod"}});
    let (id, etag, created) = create(&api, body).await;
    let token = created["token"].as_str().unwrap();
    assert!(token.starts_with("lmct_"), "{token}");
    assert_eq!(created["collector"]["status"], "pending");
    assert_eq!(created["collector"]["config_state"], "none");
    assert_eq!(created["collector"]["attributes"]["collector.name"], "web 1");
    let files = created["bootstrap"]["files"].as_array().unwrap();
    let yaml = files.iter().find(|file| file["path"].as_str().unwrap().ends_with("supervisor.yaml")).unwrap();
    let endpoint = format!("endpoint: \"{}/v1/opamp\"", api.url.replacen("http", "ws", 1));
    let yaml = yaml["content"].as_str().unwrap();
    assert!(yaml.contains(&endpoint) && !yaml.contains("automatic_config_rollback"), "{yaml}");

    let read = api.get(&format!("/collectors/{id}")).await;
    assert_eq!(read.header("etag"), etag);
    assert_eq!(read.expect(200), created["collector"]);
    assert!(!read.text.contains(token), "shown once");
    let labels = api.get(&format!("/revisions?path=collectors%2F{id}.yaml")).await.expect(200);
    assert_eq!(labels["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn collectors_are_found_by_matcher_text_runtime_and_status() {
    let api = Api::start().await;
    for (name, runtime, env) in [("a1", "alloy", "prod"), ("Zulu", "otelcol", "prod"), ("c3", "alloy", "test")] {
        create(&api, json!({"name": name, "runtime": runtime, "labels": {"env": env}})).await;
    }
    for (query, expected) in [
        ("", vec!["a1", "c3", "Zulu"]),
        ("match=env%3D%22prod%22", vec!["a1", "Zulu"]),
        ("match=env%3D%22prod%22&match=collector.runtime%3D%22alloy%22", vec!["a1"]),
        ("q=zUL", vec!["Zulu"]),
        ("runtime=alloy", vec!["a1", "c3"]),
        ("status=pending&sort=-name", vec!["Zulu", "c3", "a1"]),
        ("status=connected", vec![]),
        ("status=deregistered", vec![]),
    ] {
        let page = api.get(&format!("/collectors?{query}")).await.expect(200);
        assert_eq!(names(&page), expected, "{query}");
        assert_eq!(page["total"], expected.len(), "{query}");
    }
    let first = api.get("/collectors?limit=2").await.expect(200);
    let next = format!("/collectors?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let second = api.get(&next).await.expect(200);
    assert_eq!((names(&first), names(&second)), (vec!["a1", "c3"], vec!["Zulu"]));
    assert_eq!(second["next_cursor"], Value::Null);
    api.get(&format!("{next}&sort=-name")).await.problem(400, "invalid_query");

    let summary = api.get("/fleet/summary").await.expect(200);
    assert_eq!((&summary["total"], &summary["status"]["pending"]), (&json!(3), &json!(3)));
    assert_eq!(summary["runtime"], json!({"alloy": 2, "otelcol": 1}));
}

#[actix_web::test]
async fn labels_are_changed_by_version() {
    let api = Api::start().await;
    let (id, etag, _) = create(&api, json!({"name": "web 1", "runtime": "alloy", "labels": {"env": "test"}})).await;
    let path = format!("/collectors/{id}");
    let changed = api.patch(&path, &etag, json!({"labels": {"env": "prod"}})).await;
    let collector = changed.expect(200);
    assert_eq!((&collector["name"], &collector["labels"]), (&json!("web 1"), &json!({"env": "prod"})));
    assert_eq!(collector["operator_labels"], collector["labels"]);
    assert_ne!(changed.header("etag"), etag);

    let problem = api.patch(&path, &etag, json!({"name": "late"})).await.problem(412, "stale_revision");
    assert_eq!(problem["current"]["labels"]["env"], "prod");
    assert_eq!(problem["current_etag"], changed.header("etag"));
    api.send(api.request(reqwest::Method::PATCH, &path).json(&json!({}))).await.problem(428, "precondition_required");
    let reserved = api.patch(&path, changed.header("etag"), json!({"labels": {"collector.id": "x"}})).await;
    reserved.problem(422, "invalid_document");
}

#[actix_web::test]
async fn change_of_labels_says_which_pipelines_come_and_go_before_it_is_made() {
    let api = Api::start().await;
    api.post("/destinations", destination()).await.expect(201);
    for (id, matcher, enabled, port) in [
        ("prod", "env=\"prod\"", true, 4317),
        ("test", "env=\"test\"", true, 4318),
        ("off", "env=\"test\"", false, 4319),
        ("named", "collector.name=~\"web.*\"", true, 4320),
    ] {
        let mut document = pipeline();
        (document["id"], document["name"]) = (id.into(), format!("The {id}").into());
        (document["match"], document["enabled"]) = (json!([matcher]), enabled.into());
        document["sources"] =
            json!([{"id": "in", "kind": "otlp", "settings": {"grpc": {"endpoint": format!("0.0.0.0:{port}")}}}]);
        api.post("/pipelines", document).await.expect(201);
    }
    let (id, etag, _) = create(&api, json!({"name": "web 1", "runtime": "otelcol", "labels": {"env": "prod"}})).await;
    let path = format!("/collectors/{id}");
    let preview = format!("{path}/preview");
    api.eventually(&path, |collector| collector["pipelines"] == json!(["named", "prod"])).await;
    let change = json!({"labels": {"env": "test"}});
    let told = api.post(&preview, change.clone()).await.expect(200);
    assert_eq!(told["gains"], json!([{"id": "test", "name": "The test"}]));
    assert_eq!(told["loses"], json!([{"id": "prod", "name": "The prod"}]));
    let nothing = api.post(&preview, json!({"name": "web 2"})).await.expect(200);
    assert_eq!(nothing, json!({"gains": [], "loses": []}));
    let named = api.post(&preview, json!({"name": "db 1"})).await.expect(200);
    assert_eq!((&named["gains"], &named["loses"][0]["id"]), (&json!([]), &json!("named")));
    api.post(&preview, json!({"labels": {"collector.id": "x"}})).await.problem(422, "invalid_document");
    assert_eq!(api.get(&path).await.header("etag"), etag, "nothing was stored");
    api.patch(&path, &etag, change).await.expect(200);
    api.eventually(&path, |collector| collector["pipelines"] == json!(["named", "test"])).await;
    assert_eq!(names(&api.get("/collectors?pipeline=test").await.expect(200)), ["web 1"]);
    assert_eq!(api.get("/collectors?pipeline=prod").await.expect(200)["total"], 0);
    assert_eq!(api.get("/fleet/summary?pipeline=test").await.expect(200)["delivery"]["away"], 1);
    api.get("/collectors?pipeline=Not%20one").await.problem(400, "invalid_query");
}

#[actix_web::test]
async fn collector_that_cannot_be_given_its_config_is_told_apart_before_and_after() {
    let api = Api::start().await;
    api.post("/destinations", destination()).await.expect(201);
    // Both want one address and differ in the rest: who is selected by both cannot run them.
    for (id, ports) in [("shop", json!({"grpc": 4317})), ("clash", json!({"grpc": 4317, "http": 4318}))] {
        let mut document = pipeline();
        (document["id"], document["match"]) = (id.into(), json!([format!("{id}=\"yes\"")]));
        let settings: serde_json::Map<_, _> = ports
            .as_object()
            .unwrap()
            .iter()
            .map(|(protocol, port)| (protocol.clone(), json!({"endpoint": format!("0.0.0.0:{port}")})))
            .collect();
        document["sources"] = json!([{"id": "in", "kind": "otlp", "settings": settings}]);
        api.post("/pipelines", document).await.expect(201);
    }
    let (id, etag, created) =
        create(&api, json!({"name": "web 1", "runtime": "otelcol", "labels": {"shop": "yes"}})).await;
    assert_eq!(created["collector"]["withheld"], false);
    create(&api, json!({"name": "web 2", "runtime": "otelcol"})).await;
    let path = format!("/collectors/{id}");
    api.eventually(&path, |collector| collector["desired_hash"] != Value::Null).await;
    let change = json!({"labels": {"shop": "yes", "clash": "yes"}});
    let told = api.post(&format!("{path}/preview"), change.clone()).await.expect(200);
    let why = told["withheld"].as_str().unwrap();
    assert!(why.contains("shop") && why.contains("clash"), "{why}");
    api.patch(&path, &etag, change).await.expect(200);
    let row = api.eventually(&path, |collector| collector["withheld"] == true).await;
    assert_eq!(row["error"], why);
    assert_ne!(row["desired_hash"], Value::Null, "what it had");
    assert_eq!(names(&api.get("/collectors?withheld=true").await.expect(200)), ["web 1"]);
    assert_eq!(names(&api.get("/collectors?withheld=false").await.expect(200)), ["web 2"]);
    assert_eq!(api.get("/fleet/summary").await.expect(200)["delivery"]["withheld"], 1);
    api.get("/collectors?withheld=perhaps").await.problem(400, "invalid_query");
}

#[actix_web::test]
async fn deregistered_collector_is_out_of_lists_and_its_token_is_dead() {
    let api = Api::start().await;
    let (id, _, created) = create(&api, json!({"name": "web 1", "runtime": "alloy"})).await;
    let path = format!("/collectors/{id}");
    api.delete(&path).await.expect(204);
    assert_eq!(api.get(&path).await.expect(200)["status"], "deregistered");
    assert_eq!(api.get("/collectors").await.expect(200)["total"], 0);
    assert_eq!(names(&api.get("/collectors?status=deregistered").await.expect(200)), ["web 1"]);
    api.delete(&path).await.problem(409, "conflict");
    api.post(&format!("{path}/token"), json!({})).await.problem(409, "conflict");
    let kept = api.get("/fleet/summary").await.expect(200);
    assert_eq!((&kept["total"], &kept["status"]["deregistered"]), (&json!(0), &json!(1)));
    assert!(created["token"].is_string());
}

#[actix_web::test]
async fn collector_that_was_never_seen_can_be_asked_about_but_not_told() {
    let api = Api::start().await;
    let (id, _, _) = create(&api, json!({"name": "web 1", "runtime": "otelcol"})).await;
    let path = format!("/collectors/{id}");
    let config = api.get(&format!("{path}/config")).await.expect(200);
    assert_eq!(config["effective"], Value::Null);
    assert_eq!(config["drift"]["state"], "unknown");
    assert_eq!(api.get(&format!("{path}/health")).await.expect(200)["root"], Value::Null);
    // Events are written with the next flush.
    let events = api.eventually(&format!("{path}/events"), |events| events["items"] != json!([])).await;
    assert_eq!(events["items"].as_array().unwrap().last().unwrap()["kind"], "created");
    api.get(&format!("{path}/events?cursor=zzz")).await.problem(400, "invalid_query");
    assert_eq!(api.get(&format!("{path}/throughput?window=15m")).await.expect(200)["age_s"], Value::Null);
    api.get(&format!("{path}/throughput?window=2d")).await.problem(400, "invalid_query");
    api.post(&format!("{path}/restart"), json!({})).await.problem(409, "conflict");
    api.post(&format!("{path}/retry"), json!({})).await.problem(409, "conflict");
    let missing = "/collectors/00000000-0000-0000-0000-000000000000";
    for detail in ["config", "health", "events", "throughput"] {
        api.get(&format!("{missing}/{detail}")).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn token_is_rotated_and_the_one_before_ended() {
    let api = Api::start().await;
    let (id, _, created) = create(&api, json!({"name": "web 1", "runtime": "alloy"})).await;
    let rotated = api.post(&format!("/collectors/{id}/token"), json!({})).await.expect(201);
    assert!(rotated["token"].as_str().unwrap().starts_with("lmct_"));
    assert_ne!(rotated["token"], created["token"]);
    api.delete(&format!("/collectors/{id}/token/previous")).await.expect(204);
    let viewer = api.as_role(Role::Viewer).await;
    viewer.post(&format!("/collectors/{id}/token"), json!({})).await.problem(403, "forbidden");
    let records = api.store.audit(None, 3).await.unwrap();
    let actions: Vec<_> = records.iter().map(|record| record.entry.action.as_str()).collect();
    assert_eq!(actions, ["collectors:end-token", "collectors:rotate-token", "collectors:create"]);
}
