//! The little of the REST API that the harness needs.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use futures_util::{StreamExt, stream};
use reqwest::{Method, header};
use serde_json::{Value, json};

/// A client with a service account.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    http: reqwest::Client,
    base: Arc<str>,
    token: Arc<str>,
}

/// An answer that the harness may want to look at.
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) etag: Option<String>,
}

impl Rest {
    pub(crate) fn new(base: &str, token: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).tcp_nodelay(true).build()?;
        Ok(Self { http, base: format!("{base}/api/v1").into(), token: token.into() })
    }

    /// Sends a request and demands success.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        precondition: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(bearer.unwrap_or(&self.token));
        request = match precondition {
            Some("*") => request.header(header::IF_NONE_MATCH, "*"),
            Some(etag) => request.header(header::IF_MATCH, etag),
            None => request,
        };
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = response.status();
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let text = response.text().await?;
        if !status.is_success() {
            bail!("{method} {path}: {status} {text}");
        }
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
        Ok(Answer { body, etag })
    }

    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send(Method::GET, path, None, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, None, None, Some(body)).await
    }

    /// Saves a document whose current state was read from the same path before.
    pub(crate) async fn put(&self, path: &str, etag: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(Method::PUT, path, None, Some(etag), Some(body)).await
    }

    /// The `ETag` of a document.
    pub(crate) async fn etag(&self, path: &str) -> anyhow::Result<String> {
        self.get(path).await?.etag.with_context(|| format!("GET {path} without an ETag"))
    }

    /// Lets `count` hosts redeem one enrolment token, as an autoscaling group would, and returns their tokens in order.
    pub(crate) async fn enrol(&self, runtime: &str, fleet: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let made = self
            .post(
                "/enrollment-tokens",
                &json!({"ttl_s": 3600, "uses": count, "labels": {"fleet": fleet}, "runtime": runtime}),
            )
            .await?;
        let enrolment = made.body["token"].as_str().context("an enrolment token")?.to_owned();
        let mut tokens: Vec<(usize, String)> = stream::iter(0..count)
            .map(|index| {
                let body = json!({"runtime": runtime, "name": format!("{fleet}-{index}"), "attributes": {}});
                let enrolment = enrolment.as_str();
                async move {
                    let answer = self.send(Method::POST, "/enrol", Some(enrolment), None, Some(&body)).await?;
                    let token = answer.body["token"].as_str().context("a collector's token")?.to_owned();
                    anyhow::Ok((index, token))
                }
            })
            .buffer_unordered(64)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect::<anyhow::Result<_>>()?;
        tokens.sort_by_key(|(index, _)| *index);
        Ok(tokens.into_iter().map(|(_, token)| token).collect())
    }

    /// The shared destination, and a pipeline for the fleet of that name; nothing listens there.
    pub(crate) async fn first_pipeline(&self, fleet: &str, build: u64) -> anyhow::Result<()> {
        let sink = json!({"id": format!("{fleet}-sink"), "name": "Sink of the load test", "kind": "otlp_http",
            "settings": {"endpoint": "http://127.0.0.1:9"}});
        self.post("/destinations", &sink).await?;
        let mut document = pipeline(fleet, build);
        document["id"] = json!(fleet);
        self.post("/pipelines", &document).await?;
        Ok(())
    }
}

/// The pipeline of a fleet; `build` is the value that a save changes.
pub(crate) fn pipeline(fleet: &str, build: u64) -> Value {
    json!({
        "version": 1,
        "name": format!("Pipeline of {fleet}"),
        "enabled": true,
        "signals": ["logs"],
        "match": [format!("fleet=\"{fleet}\"")],
        "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:4318"}}}],
        "filters": [{"id": "no-debug", "kind": "severity", "settings": {"minimum": "info"}}],
        "processors": [
            {"id": "tag", "kind": "attributes",
             "settings": {"actions": [{"action": "set", "key": "build", "value": format!("b{build}")}]}},
            {"id": "pack", "kind": "batch", "settings": {"timeout": "1s"}},
        ],
        "destinations": [format!("{fleet}-sink")],
    })
}
