//! Pipelines and destinations: saving, conflicts, checks, previews.

use linkmesh_actors::domain::access::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Api, Stores};
use crate::support::wait_for;

pub(super) fn destination() -> Value {
    json!({"name": "Central", "kind": "otlp_http", "settings": {"endpoint": "https://otlp.example.com"}})
}

pub(super) fn pipeline() -> Value {
    json!({
        "name": "Web logs",
        "description": "access logs of the shop",
        "signals": ["logs"],
        "match": ["env=\"prod\""],
        "sources": [{"id": "app", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:4318"}}}],
        "filters": [{"id": "no-debug", "kind": "severity", "settings": {"minimum": "info"}}],
        "destinations": ["central"],
    })
}

async fn with_both() -> (Api, Value, String) {
    let api = Api::start().await;
    api.post("/destinations", destination()).await.expect(201);
    let answer = api.post("/pipelines", pipeline()).await;
    let (saved, etag) = (answer.expect(201), answer.header("etag").to_owned());
    (api, saved, etag)
}

#[actix_web::test]
async fn saved_document_is_read_back_with_its_commit() {
    let (api, saved, etag) = with_both().await;
    let read = api.get("/pipelines/web-logs").await;
    assert_eq!(read.header("etag"), etag);
    let shown = read.expect(200);
    assert_eq!(shown, saved["pipeline"]);
    assert_eq!(shown["id"], "web-logs");
    assert_eq!(shown["revision"], saved["revision"]);
    assert_eq!(shown["updated_by"], "Ada Lovelace");
    assert_eq!(shown["filters"], pipeline()["filters"]);
    assert_eq!((&saved["rollout_id"], &saved["affected"]), (&Value::Null, &json!(0)));
    assert_eq!(api.get("/destinations/central").await.expect(200)["used_by"], json!(["web-logs"]));

    let known = api.request(Method::GET, "/pipelines/web-logs").header("if-none-match", &etag);
    assert_eq!(api.send(known).await.status, 304);
}

#[actix_web::test]
async fn id_is_given_or_made_of_the_name_and_taken_once() {
    let (api, _, _) = with_both().await;
    api.post("/pipelines", pipeline()).await.problem(409, "already_exists");
    let mut other = pipeline();
    other["id"] = json!("other");
    let answer = api.post("/pipelines", other.clone()).await;
    assert_eq!(answer.expect(201)["pipeline"]["id"], "other");
    assert_eq!(answer.header("location"), "/api/v1/pipelines/other");
    other["id"] = json!("No Slug");
    assert_eq!(api.post("/pipelines", other.clone()).await.places(422, "invalid_document")[0].0, "id");
    other["id"] = Value::Null;
    other["name"] = json!("—");
    assert_eq!(api.post("/pipelines", other).await.places(422, "invalid_document")[0].0, "id");
}

#[actix_web::test]
async fn write_without_a_version_is_refused_before_it_is_read() {
    let (api, _, etag) = with_both().await;
    let put = api.request(Method::PUT, "/pipelines/web-logs").json(&pipeline());
    api.send(put).await.problem(428, "precondition_required");
    api.put("/pipelines/web-logs", ("if-match", "*"), pipeline()).await.problem(428, "precondition_required");
    api.delete("/pipelines/web-logs").await.problem(428, "precondition_required");
    assert_eq!(api.get("/pipelines/web-logs").await.header("etag"), etag);
}

#[actix_web::test]
async fn stale_save_gets_the_current_document_and_loses_nothing() {
    let (api, _, first) = with_both().await;
    let mut changed = pipeline();
    changed["description"] = json!("changed by one");
    let saved = api.put("/pipelines/web-logs", ("if-match", &first), changed.clone()).await;
    saved.expect(200);
    let second = saved.header("etag").to_owned();
    assert_ne!(first, second);

    for stale in [first.as_str(), "\"0000000000000000000000000000000000000001\"", "\"mine\""] {
        let problem =
            api.put("/pipelines/web-logs", ("if-match", stale), pipeline()).await.problem(412, "stale_revision");
        assert_eq!(problem["current"]["description"], "changed by one");
        assert_eq!(problem["current_etag"], second);
        api.delete_version("/pipelines/web-logs", stale).await.problem(412, "stale_revision");
    }
    let problem =
        api.put("/pipelines/web-logs", ("if-none-match", "*"), pipeline()).await.problem(412, "stale_revision");
    assert_eq!(problem["current_etag"], second);

    // A tag that is none makes no document either.
    for none in ["\"v1\"", "", "\"e1\", \"e2\""] {
        api.put("/pipelines/other", ("if-match", none), pipeline()).await.problem(412, "stale_revision");
    }
    let weak = format!("W/{second}");
    api.put("/pipelines/web-logs", ("if-match", &weak), pipeline()).await.expect(200);
}

#[actix_web::test]
async fn saves_of_different_files_do_not_collide() {
    let (api, _, etag) = with_both().await;
    let mut other = destination();
    other["id"] = json!("other");
    api.post("/destinations", other).await.expect(201);
    let mut changed = pipeline();
    changed["enabled"] = json!(false);
    api.put("/pipelines/web-logs", ("if-match", &etag), changed).await.expect(200);
}

#[actix_web::test]
async fn what_was_read_can_be_changed_and_written_back_whole() {
    let (api, _, etag) = with_both().await;
    let mut shown = api.get("/pipelines/web-logs").await.json();
    shown["description"] = json!("by a script");
    let saved = api.put("/pipelines/web-logs", ("if-match", &etag), shown.clone()).await.expect(200);
    assert_eq!(saved["pipeline"]["description"], "by a script");
    shown["id"] = json!("other");
    let places = api.put("/pipelines/web-logs", ("if-match", &etag), shown).await.places(422, "invalid_document");
    assert_eq!(places[0].0, "id");
}

#[actix_web::test]
async fn put_creates_what_is_not_there() {
    let api = Api::start().await;
    let answer = api.put("/destinations/central", ("if-none-match", "*"), destination()).await;
    assert_eq!(answer.expect(201)["destination"]["id"], "central");
    let etag = answer.header("etag").to_owned();
    let none = api.put("/destinations/none", ("if-match", &etag), destination()).await;
    assert!([404, 412].contains(&none.status), "{}", none.text);
}

#[actix_web::test]
async fn wrong_documents_name_every_place_and_store_nothing() {
    let (api, _, _) = with_both().await;
    let history = api.get("/revisions").await.expect(200)["items"].as_array().unwrap().len();
    let mut wrong = pipeline();
    wrong["id"] = json!("wrong");
    wrong["match"] = json!(["env=\"prod\"", "env=~\"(\""]);
    wrong["filters"] = json!([{"id": "a", "kind": "severitty", "settings": {}}]);
    wrong["sources"][0]["settings"]["gprc"] = json!({});
    wrong["destinations"] = json!(["nowhere"]);
    let fields = |places: Vec<(String, String)>| places.into_iter().map(|(field, _)| field).collect::<Vec<_>>();
    let found = fields(api.post("/pipelines", wrong.clone()).await.places(422, "invalid_document"));
    for field in ["match[1]", "filters[0].kind", "sources[0].settings.gprc", "destinations[0]"] {
        assert!(found.iter().any(|place| place == field), "{field} is missing in {found:?}");
    }
    let validation = api.post("/pipelines/validate", wrong.clone()).await.expect(200);
    assert_eq!(validation["errors"].as_array().unwrap().len(), found.len());

    wrong["filters"][0]["settigns"] = json!({});
    let shape = fields(api.post("/pipelines", wrong.clone()).await.places(422, "invalid_document"));
    assert!(shape.contains(&"filters[0].settigns".to_owned()), "{shape:?}");
    let validation = api.post("/pipelines/validate", wrong).await.expect(200);
    assert_eq!(validation["errors"][0]["code"], "unknown_field");

    api.get("/pipelines/wrong").await.problem(404, "not_found");
    assert_eq!(api.get("/revisions").await.expect(200)["items"].as_array().unwrap().len(), history);
}

#[actix_web::test]
async fn draft_is_checked_and_previewed_without_being_stored() {
    let api = Api::start().await;
    api.post("/destinations", destination()).await.expect(201);
    let ok = api.post("/pipelines/validate", pipeline()).await.expect(200);
    assert_eq!(ok, json!({"errors": [], "warnings": []}));
    let preview = api.post("/pipelines/preview", pipeline()).await.expect(200);
    assert!(preview["otelcol"].as_str().unwrap().contains("filter/web-logs.no-debug"), "{preview}");
    assert!(preview["alloy"].as_str().unwrap().contains("declare \"pl_web_logs\""), "{preview}");
    assert_eq!(preview["collectors"]["matched"], 0);
    assert_eq!(api.get("/pipelines").await.expect(200)["total"], 0);
    // Somebody is still typing: what is there is looked at, and what is missing is no refusal.
    let mut unfinished = pipeline();
    unfinished["name"] = json!("");
    unfinished["match"] = json!(["env=\"prod"]);
    let fields = |errors: &Value| {
        let errors = errors.as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for path in ["/pipelines/validate", "/pipelines/preview"] {
        let answer = api.post(path, unfinished.clone()).await.expect(200);
        assert_eq!(fields(&answer["errors"]), ["name", "match[0]"], "{path}");
    }
    unfinished["match"] = pipeline()["match"].clone();
    let preview = api.post("/pipelines/preview", unfinished.clone()).await.expect(200);
    assert!(preview["otelcol"].as_str().unwrap().contains("filter/draft.no-debug"), "{preview}");
    unfinished["sources"] = json!("none");
    let preview = api.post("/pipelines/preview", unfinished).await.expect(200);
    assert_eq!((&preview["otelcol"], &preview["alloy"]), (&Value::Null, &Value::Null));
    assert_eq!(fields(&preview["errors"]), ["name", "sources"]);
    assert_eq!(api.get("/pipelines").await.expect(200)["total"], 0);
    let ok = api.post("/destinations/validate", destination()).await.expect(200);
    assert_eq!(ok["errors"], json!([]));
    let wrong = json!({"name": "x", "kind": "otlp_http", "settings": {}});
    let wrong = api.post("/destinations/validate", wrong).await.expect(200);
    assert_eq!(wrong["errors"][0]["field"], "settings.endpoint");
    // What nobody stored cannot be kept: a check says so as a save would.
    let mut sealed = destination();
    sealed["id"] = json!("other");
    sealed["settings"]["headers"] = json!({"Authorization": {"sealed": true}});
    let checked = api.post("/destinations/validate", sealed.clone()).await.expect(200);
    let saved = api.post("/destinations", sealed).await.problem(422, "invalid_document");
    assert_eq!(checked["errors"], saved["errors"]);
    assert_eq!(checked["errors"][0]["code"], "no_sealed_value");
}

#[actix_web::test]
async fn used_destination_stays_and_names_its_users() {
    let (api, _, pipeline_etag) = with_both().await;
    let etag = api.get("/destinations/central").await.header("etag").to_owned();
    let problem = api.delete_version("/destinations/central", &etag).await.problem(409, "in_use");
    assert!(problem["detail"].as_str().unwrap().contains("web-logs"), "{problem}");
    api.delete_version("/pipelines/web-logs", &pipeline_etag).await.expect(204);
    api.get("/pipelines/web-logs").await.problem(404, "not_found");
    api.delete_version("/destinations/central", &etag).await.expect(204);
    api.get("/destinations/central").await.problem(404, "not_found");
}

#[actix_web::test]
async fn lists_come_in_pages_and_are_searched() {
    let api = Api::start().await;
    for n in 0..5 {
        let mut destination = destination();
        destination["id"] = json!(format!("d{n}"));
        destination["name"] = json!(if n == 3 { "Needle" } else { "Hay" });
        api.post("/destinations", destination).await.expect(201);
    }
    let (mut ids, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = api.get(&format!("/destinations?{query}")).await.expect(200);
        assert_eq!(page["total"], 5);
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("limit=2&cursor={cursor}");
    }
    assert_eq!(ids, ["d0", "d1", "d2", "d3", "d4"]);
    let found = api.get("/destinations?q=nEEdle").await.expect(200);
    assert_eq!((&found["total"], &found["items"][0]["id"]), (&json!(1), &json!("d3")));
}

#[actix_web::test]
async fn saves_are_in_the_audit_log_with_their_commit() {
    let (api, saved, etag) = with_both().await;
    let engineer = api.as_role(Role::PipelineEngineer).await;
    engineer.delete_version("/pipelines/web-logs", &etag).await.expect(204);
    let records = wait_for("the row of the newest save, which is not waited for", async || {
        let records = api.store.audit(None, 10).await.unwrap();
        records.first().is_some_and(|newest| newest.entry.action == "pipelines:delete").then_some(records)
    })
    .await;
    let entries: Vec<_> = records.iter().map(|r| (r.entry.action.as_str(), r.entry.target.as_str())).collect();
    assert_eq!(
        entries[..3],
        [
            ("pipelines:delete", "pipelines/web-logs.yaml"),
            ("pipelines:create", "pipelines/web-logs.yaml"),
            ("destinations:create", "destinations/central.yaml"),
        ]
    );
    assert_eq!(records[1].entry.after.map(|revision| revision.to_string()).as_deref(), saved["revision"].as_str());
    assert_eq!(records[0].entry.before, records[1].entry.after);
    assert!(records[0].entry.actor.starts_with("robot"), "{}", records[0].entry.actor);
}

#[actix_web::test]
async fn raw_text_whose_aliases_mean_gigabytes_is_a_problem_of_its_document() {
    let api = Api::start().await;
    let viewer = api.as_role(Role::Viewer).await;
    let bomb = format!("zipkin:\n  a: &a [{}]\n  b: [{}]\n", "0,".repeat(12_000), "*a,".repeat(6_000));
    let mut document = pipeline();
    document["sources"] = json!([{"id": "app", "kind": "raw", "settings": {"otelcol": bomb}}]);
    for path in ["/pipelines/validate", "/pipelines/preview"] {
        let answer = viewer.post(path, document.clone()).await.expect(200);
        let error = &answer["errors"][0];
        assert_eq!(error["field"], "sources[0].settings.otelcol", "{path}: {answer}");
        assert!(error["message"].as_str().unwrap().contains("aliases"), "{path}: {answer}");
    }
}

#[actix_web::test]
async fn document_whose_file_would_not_be_read_is_refused_and_nothing_is_committed() {
    let api = Api::start_with(Stores::Redb, |edge| edge.max_body = 2 << 20).await;
    api.post("/destinations", destination()).await.expect(201);
    let etag = api.post("/pipelines", pipeline()).await.header("etag").to_owned();
    let before = api.get("/revisions").await.expect(200)["total"].clone();
    // Each part is allowed, and the body is smaller than any may be.
    let text = format!("filter/x:\n{}", "  # Nothing to see here.\n".repeat(2_400));
    let steps: Vec<Value> =
        (0..25).map(|n| json!({"id": format!("s{n}"), "kind": "raw", "settings": {"otelcol": text}})).collect();
    let mut large = pipeline();
    large["processors"] = json!(steps);
    for (path, version) in [("w15mb", ("if-none-match", "*")), ("web-logs", ("if-match", etag.as_str()))] {
        let problem = api.put(&format!("/pipelines/{path}"), version, large.clone()).await;
        let problem = problem.problem(422, "invalid_document");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!((errors.len(), &errors[0]["code"]), (1, &json!("too_large")), "{errors:?}");
        assert!(errors[0]["message"].as_str().unwrap().contains("1048576"), "{errors:?}");
    }
    for path in ["validate", "preview"] {
        let errors = api.post(&format!("/pipelines/{path}"), large.clone()).await.expect(200)["errors"].clone();
        assert!(errors.as_array().unwrap().iter().any(|e| e["code"] == "too_large"), "{path}: {errors}");
    }
    api.get("/pipelines/w15mb").await.problem(404, "not_found");
    assert_eq!(api.get("/pipelines/web-logs").await.header("etag"), etag);
    assert_eq!(api.get("/revisions").await.expect(200)["total"], before);
}
