//! History of the config repository: who changed what, and bringing it back.

use linkmesh_actors::domain::access::Role;
use serde_json::json;

use super::{documents::destination, harness::Api};

#[actix_web::test]
async fn history_differences_and_restore() {
    let api = Api::start().await;
    let created = api.post("/destinations", destination()).await;
    let first = created.expect(201)["revision"].as_str().unwrap().to_owned();
    let mut changed = destination();
    changed["name"] = json!("Changed");
    let saved = api.put("/destinations/central", ("if-match", created.header("etag")), changed).await;
    let second = saved.expect(200)["revision"].as_str().unwrap().to_owned();

    let page = api.get("/revisions?limit=1").await.expect(200);
    assert_eq!(page["items"][0]["sha"], second.as_str());
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = api.get(&format!("/revisions?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!(page["items"][0]["sha"], first.as_str());
    let of_file = api.get("/revisions?path=destinations%2Fcentral.yaml").await.expect(200);
    assert_eq!(of_file["items"].as_array().unwrap().len(), 2);

    let one = api.get(&format!("/revisions/{second}")).await.expect(200);
    assert_eq!(one["message"], "destinations: update central");
    assert_eq!(one["author"], "Ada Lovelace");
    assert_eq!(one["parent"], first.as_str());
    assert_eq!(one["request_id"], saved.header("x-request-id"));
    assert_eq!(one["paths"], json!(["destinations/central.yaml"]));
    assert_eq!(one["names"], json!({"destinations/central.yaml": "Changed"}), "as it is called now");
    assert_eq!(of_file["items"][1]["names"], one["names"]);

    let diff = api.get(&format!("/revisions/{second}/diff")).await.expect(200);
    assert_eq!(diff["base"], first.as_str());
    let patch = diff["files"][0]["patch"].as_str().unwrap();
    assert!(patch.contains("-name: Central") && patch.contains("+name: Changed"), "{patch}");
    let same = api.get(&format!("/revisions/{second}/diff?base={second}")).await.expect(200);
    assert_eq!(same["files"], json!([]));

    api.as_role(Role::Operator)
        .await
        .post(&format!("/revisions/{first}/restore"), json!({}))
        .await
        .problem(403, "forbidden");
    let restored = api.post(&format!("/revisions/{first}/restore"), json!({})).await.expect(200);
    assert_eq!(restored["paths"], json!(["destinations/central.yaml"]));
    assert_eq!(api.get("/destinations/central").await.expect(200)["name"], "Central");
    let paths = ["pipelines/web.yaml", "../x", "/etc/passwd"];
    let refused = api.post(&format!("/revisions/{first}/restore"), json!({ "paths": paths })).await.expect(422);
    assert_eq!(refused["errors"][0]["field"], "paths[1]");
    let again = api.post(&format!("/revisions/{first}/restore"), json!({"paths": []})).await.expect(200);
    assert_eq!(again["revision"], restored["revision"]);
}

#[actix_web::test]
async fn restore_takes_pipelines_and_destinations_and_needs_the_permission_of_every_file() {
    let api = Api::start().await;
    let first = api.post("/destinations", destination()).await.expect(201)["revision"].as_str().unwrap().to_owned();
    let body = json!({"name": "web-1", "runtime": "otelcol", "labels": {"env": "prod"}});
    let collector = api.post("/collectors", body).await.expect(201);
    let file = format!("collectors/{}.yaml", collector["collector"]["id"].as_str().unwrap());
    assert!(api.repository.text(&file).is_some(), "its labels are in the repository");
    api.repository.commit_by_hand("groups/web.yaml", Some("version: 1\nname: Web\nmatch: ['env=\"prod\"']\n"));
    api.repository.commit_by_hand("linkmesh.yaml", Some("version: 1\n"));
    let mut changed = destination();
    changed["name"] = json!("Changed");
    let etag = api.get("/destinations/central").await.header("etag").to_owned();
    let head = api.put("/destinations/central", ("if-match", &etag), changed).await.expect(200)["revision"].clone();

    let path = format!("/revisions/{first}/restore");
    let engineer = api.as_role(Role::PipelineEngineer).await;
    for (file, permission) in
        [(file.as_str(), "collectors:write"), ("groups/web.yaml", "groups:write"), ("linkmesh.yaml", "server:write")]
    {
        let paths = json!({"paths": [file, "destinations/central.yaml"]});
        let detail = engineer.post(&path, paths).await.problem(403, "forbidden")["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(file) && detail.contains(permission), "{detail}");
    }
    assert_eq!(api.get("/revisions?limit=1").await.json()["items"][0]["sha"], head, "nothing was stored");

    let restored = engineer.post(&path, json!({})).await.expect(200);
    assert_eq!(restored["paths"], json!(["destinations/central.yaml"]));
    for kept in [file.as_str(), "groups/web.yaml", "linkmesh.yaml"] {
        assert!(api.repository.text(kept).is_some(), "{kept} came later and stays");
    }
    let named = api.post(&path, json!({"paths": [file]})).await.expect(200);
    assert_eq!(named["paths"], json!([file]));
    assert_eq!(api.repository.text(&file), None);
}

#[actix_web::test]
async fn cursor_and_base_that_are_none_are_refused() {
    let api = Api::start().await;
    api.post("/destinations", destination()).await.expect(201);
    api.get("/revisions?cursor=zzz").await.problem(400, "invalid_query");
    let head = api.get("/revisions").await.json()["items"][0]["sha"].as_str().unwrap().to_owned();
    api.get(&format!("/revisions/{head}/diff?base=main")).await.problem(400, "invalid_query");
    api.get(&format!("/revisions/{head}/diff?base={}", "1".repeat(40))).await.problem(404, "not_found");
}
