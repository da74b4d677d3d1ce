//! Secrets of destinations: sealed before they enter Git, never shown again.

use std::path::Path;

use serde_json::{Value, json};

use super::harness::Api;

const SECRET: &str = "hunter2-very-secret";

fn destination() -> Value {
    json!({
        "name": "Central",
        "kind": "otlp_http",
        "settings": {
            "endpoint": "https://otlp.example.com",
            "headers": {"Authorization": SECRET, "X-Tenant": "${env:TENANT}"},
        },
    })
}

/// Everything that the server wrote, as one text.
fn written(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { written(&path) } else { std::fs::read(&path).unwrap_or_default() });
    }
    all
}

#[actix_web::test]
async fn secret_is_sealed_hidden_and_kept() {
    let api = Api::start().await;
    let answer = api.post("/destinations", destination()).await;
    answer.expect(201);
    let etag = answer.header("etag").to_owned();
    let read = api.get("/destinations/central").await;
    let headers = &read.json()["settings"]["headers"];
    assert_eq!(headers, &json!({"Authorization": {"sealed": true}, "X-Tenant": "${env:TENANT}"}));

    let mut shown = read.json();
    shown["description"] = json!("the same secret");
    let saved = api.put("/destinations/central", ("if-match", &etag), shown).await;
    assert_eq!(saved.expect(200)["destination"]["settings"]["headers"], *headers);

    let list = api.get("/destinations").await.text;
    let problem = api.put("/destinations/central", ("if-match", &etag), destination()).await.text;
    let revisions = api.get("/revisions").await.expect(200);
    let mut shown = vec![answer.text, read.text, saved.text, list, problem];
    for revision in revisions["items"].as_array().unwrap() {
        shown.push(api.get(&format!("/revisions/{}/diff", revision["sha"].as_str().unwrap())).await.text);
    }
    for text in shown {
        assert!(!text.contains(SECRET) && !text.contains("lms1."), "{text}");
    }
    let stored = api.repository.text("destinations/central.yaml").unwrap();
    assert!(stored.contains("lms1.") && !stored.contains(SECRET), "{stored}");
    let disk = written(&api.directory);
    assert!(!disk.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "the secret is on the disk");
}

#[actix_web::test]
async fn preview_hides_the_secret() {
    let api = Api::start().await;
    api.post("/destinations", destination()).await.expect(201);
    let preview = api.post("/pipelines/preview", super::documents::pipeline()).await;
    assert!(preview.expect(200)["otelcol"].as_str().unwrap().contains("Authorization"), "{}", preview.text);
    assert!(!preview.text.contains(SECRET), "{}", preview.text);
}

#[actix_web::test]
async fn sealed_value_that_is_not_stored_is_refused() {
    let api = Api::start().await;
    let mut forged = destination();
    forged["settings"]["headers"]["Authorization"] = json!({"sealed": true});
    let places = api.post("/destinations", forged).await.places(422, "invalid_document");
    assert_eq!(places[0].0, "settings.headers.Authorization", "{places:?}");
}
