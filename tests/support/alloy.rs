//! An Alloy, as far as its server sees it.

use linkmesh_proto::wire::collector::{GetConfigRequest, GetConfigResponse, RemoteConfigStatus, RemoteConfigStatuses};
use prost::Message as _;
use reqwest::{
    Response,
    header::{self, HeaderMap},
};

use super::{server::Server, wait_for};

/// One collector that polls.
pub(crate) struct Alloy {
    pub(crate) token: String,
    pub(crate) hash: String,
    /// What a proxy adds.
    pub(crate) headers: HeaderMap,
}

impl Alloy {
    pub(crate) fn new(token: &str) -> Self {
        Self { token: token.to_owned(), hash: String::new(), headers: HeaderMap::new() }
    }

    /// What a poll says besides what changed.
    pub(crate) fn request(&self) -> GetConfigRequest {
        GetConfigRequest {
            id: "alloy-1".to_owned(),
            hash: self.hash.clone(),
            local_attributes: [
                ("collector.os".to_owned(), "linux".to_owned()),
                ("collector.version".to_owned(), "v1.18.0".to_owned()),
            ]
            .into(),
            ..GetConfigRequest::default()
        }
    }

    /// Sends a call as Alloy does.
    pub(crate) async fn call(&self, server: &Server, prefix: &str, method: &str, body: Vec<u8>) -> Response {
        server
            .http
            .post(server.url("http", &format!("{prefix}/collector.v1.CollectorService/{method}")))
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, "application/proto")
            .header("connect-protocol-version", "1")
            .header(header::USER_AGENT, "Alloy/v1.18.0 (linux; binary)")
            .headers(self.headers.clone())
            .body(body)
            .send()
            .await
            .expect("an answer")
    }

    /// Polls, keeps the hash that came, and checks what Alloy's client insists on.
    pub(crate) async fn poll(&mut self, server: &Server, request: GetConfigRequest) -> GetConfigResponse {
        let answer = self.ask(server, request).await;
        if !answer.hash.is_empty() {
            self.hash.clone_from(&answer.hash);
        }
        answer
    }

    /// Polls until there is another text, and keeps its hash.
    pub(crate) async fn next_text(&mut self, server: &Server) -> String {
        let served = wait_for("another text", || async {
            let answer = self.ask(server, self.request()).await;
            (!answer.content.is_empty()).then_some(answer)
        })
        .await;
        self.hash = served.hash;
        served.content
    }

    /// Says what became of a text, as after each load. What is answered is not looked at.
    pub(crate) async fn report(&self, server: &Server, status: RemoteConfigStatuses, error: &str, runs: Option<&str>) {
        self.ask(server, self.loaded(status.into(), error, runs)).await;
    }

    async fn ask(&self, server: &Server, request: GetConfigRequest) -> GetConfigResponse {
        let response = self.call(server, "/api/v1/remotecfg", "GetConfig", request.encode_to_vec()).await;
        assert_eq!(response.status().as_u16(), 200, "{}", server.log());
        assert_eq!(response.headers().get(header::CONTENT_TYPE).expect("a content type"), "application/proto");
        GetConfigResponse::decode(response.bytes().await.expect("a body")).expect("a message")
    }

    /// The poll after a load: its status and what runs.
    pub(crate) fn loaded(&self, status: i32, error: &str, text: Option<&str>) -> GetConfigRequest {
        use linkmesh_proto::wire::collector::{AgentConfigFile, AgentConfigMap, EffectiveConfig};
        let effective_config = text.map(|text| {
            let file = AgentConfigFile { body: text.as_bytes().to_vec().into(), content_type: "text/plain".to_owned() };
            EffectiveConfig { config_map: Some(AgentConfigMap { config_map: [(String::new(), file)].into() }) }
        });
        let remote_config_status = Some(RemoteConfigStatus { status, error_message: error.to_owned() });
        GetConfigRequest { remote_config_status, effective_config, ..self.request() }
    }
}
