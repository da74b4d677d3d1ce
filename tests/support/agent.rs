//! An OpAMP agent: just enough of one to show a server what real ones do.

use futures_util::{SinkExt, StreamExt};
use linkmesh_proto::wire::opamp::{
    AgentConfigFile, AgentConfigMap, AgentDescription, AgentToServer, AnyValue, ComponentHealth, EffectiveConfig,
    KeyValue, RemoteConfigStatus, RemoteConfigStatuses, ServerToAgent, any_value,
};
use prost::Message as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderMap, StatusCode},
    },
};

use super::{server::Server, soon};

/// What a supervisor with everything turned on reports (0x7DE7, opamp.md 3.3).
pub(crate) const CAPABILITIES: u64 = 0x7DE7;

/// A TCP connection, with or without TLS.
trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// One connection of an agent.
pub(crate) struct Agent {
    socket: WebSocketStream<Box<dyn Connection>>,
    pub(crate) uid: [u8; 16],
    pub(crate) sequence: u64,
}

/// Why an upgrade was refused.
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Agent {
    /// Dials, without saying anything yet.
    pub(crate) async fn dial(server: &Server, path: &str, token: &str) -> Result<Self, Refused> {
        Self::dial_from(server, path, token, None).await
    }

    /// Dials through a proxy that says for whom.
    pub(crate) async fn dial_from(
        server: &Server,
        path: &str,
        token: &str,
        forwarded_for: Option<&str>,
    ) -> Result<Self, Refused> {
        let mut request = server.url("ws", path).into_client_request().expect("a request");
        if !token.is_empty() {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
        }
        if let Some(client) = forwarded_for {
            request.headers_mut().insert("x-forwarded-for", client.parse().expect("a header"));
        }
        let connection: Box<dyn Connection> = match &server.authority {
            None => Box::new(TcpStream::connect(&server.address).await.expect("a connection")),
            Some(authority) => {
                Box::new(authority.connect(&server.address, &[b"http/1.1"]).await.expect("a TLS connection"))
            }
        };
        match soon("the upgrade", tokio_tungstenite::client_async(request, connection)).await {
            Ok((socket, _)) => Ok(Self { socket, uid: *uuid::Uuid::now_v7().as_bytes(), sequence: 0 }),
            Err(tungstenite::Error::Http(response)) => {
                let (head, body) = response.into_parts();
                let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
                Err(Refused { status: head.status, headers: head.headers, body })
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Dials and says what the first message of a supervisor says.
    pub(crate) async fn connect(server: &Server, token: &str) -> Self {
        let Ok(mut agent) = Self::dial(server, "/v1/opamp", token).await else { panic!("the upgrade was refused") };
        agent.tell(agent.first_message()).await;
        agent
    }

    /// The first message of a process.
    pub(crate) fn first_message(&self) -> AgentToServer {
        let attribute = |key: &str, value: &str| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) }),
        };
        AgentToServer {
            capabilities: CAPABILITIES,
            agent_description: Some(AgentDescription {
                identifying_attributes: vec![
                    attribute("service.name", "otelcol"),
                    attribute("service.version", "0.158.0"),
                ],
                non_identifying_attributes: vec![attribute("host.name", "test-host"), attribute("os.type", "linux")],
            }),
            health: Some(ComponentHealth::default()),
            remote_config_status: Some(RemoteConfigStatus::default()),
            ..AgentToServer::default()
        }
    }

    /// The collector is up: health with a tree.
    pub(crate) fn healthy(&self) -> AgentToServer {
        let pipeline = ComponentHealth { healthy: true, status: "StatusOK".to_owned(), ..Default::default() };
        AgentToServer {
            health: Some(ComponentHealth {
                healthy: true,
                status: "StatusOK".to_owned(),
                component_health_map: [("pipeline:logs".to_owned(), pipeline)].into(),
                ..Default::default()
            }),
            ..AgentToServer::default()
        }
    }

    /// What becomes of an offer.
    pub(crate) fn status(hash: &[u8], status: RemoteConfigStatuses, error: &str) -> AgentToServer {
        AgentToServer {
            remote_config_status: Some(RemoteConfigStatus {
                last_remote_config_hash: hash.to_vec(),
                status: status.into(),
                error_message: error.to_owned(),
            }),
            ..AgentToServer::default()
        }
    }

    /// The config that runs.
    pub(crate) fn effective(body: &[u8]) -> AgentToServer {
        let file = AgentConfigFile { body: body.to_vec().into(), content_type: String::new() };
        let config_map = Some(AgentConfigMap { config_map: [(String::new(), file)].into() });
        AgentToServer { effective_config: Some(EffectiveConfig { config_map }), ..AgentToServer::default() }
    }

    /// Fills in uid, capabilities and the next sequence number.
    pub(crate) fn stamped(&mut self, mut message: AgentToServer) -> AgentToServer {
        message.instance_uid = self.uid.to_vec();
        message.capabilities = CAPABILITIES;
        message.sequence_num = self.sequence;
        self.sequence += 1;
        message
    }

    /// Sends a message and takes what comes first after it.
    pub(crate) async fn tell(&mut self, message: AgentToServer) -> ServerToAgent {
        self.send(message).await;
        self.hear().await
    }

    /// Sends a message with everything filled in.
    pub(crate) async fn send(&mut self, message: AgentToServer) {
        let message = self.stamped(message);
        self.send_raw(frame(&message)).await;
    }

    /// Sends a binary message as it is.
    pub(crate) async fn send_raw(&mut self, bytes: Vec<u8>) {
        self.send_frame(Message::Binary(bytes.into())).await;
    }

    /// Sends any frame.
    pub(crate) async fn send_frame(&mut self, frame: Message) {
        soon("room in the socket", self.socket.send(frame)).await.expect("the socket takes it");
    }

    /// The next message of the server.
    pub(crate) async fn hear(&mut self) -> ServerToAgent {
        loop {
            match soon("a message", self.socket.next()).await {
                Some(Ok(Message::Binary(bytes))) => {
                    assert_eq!(bytes.first(), Some(&0), "each message begins with the header");
                    return ServerToAgent::decode(&bytes[1..]).expect("a message");
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next frame, whatever it is; `None` at the end.
    pub(crate) async fn frame(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        soon("a frame", self.socket.next()).await
    }

    /// Reads on until the server closes; answers the close code, if there was a close frame.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.frame().await {
                Some(Ok(Message::Close(close))) => return close.map(|close| close.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// Reads on until an offer comes; answers its hash and text.
    pub(crate) async fn offered(&mut self) -> (Vec<u8>, String) {
        loop {
            if let Some(config) = self.hear().await.remote_config {
                let map = config.config.expect("a config").config_map;
                let file = map.get("").expect("one file without a name");
                return (config.config_hash, String::from_utf8(file.body.to_vec()).expect("UTF-8"));
            }
        }
    }

    /// Does with an offer what a supervisor does with a good one.
    pub(crate) async fn apply(&mut self, hash: &[u8], text: &str) {
        self.send(Self::status(hash, RemoteConfigStatuses::Applying, "")).await;
        self.send(Self::effective(text.as_bytes())).await;
        self.send(self.healthy()).await;
        self.send(Self::status(hash, RemoteConfigStatuses::Applied, "")).await;
    }
}

/// The binary form of a message: header and protobuf.
pub(crate) fn frame(message: &AgentToServer) -> Vec<u8> {
    let mut bytes = vec![0];
    message.encode(&mut bytes).expect("a vector has room");
    bytes
}
