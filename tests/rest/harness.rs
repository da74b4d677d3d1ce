//! A server of the REST interface alone: real stores in a directory of its own, real actors, a clock that the test moves.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, thread::JoinHandle, time::Duration};

use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use linkmesh::{
    auth::{Auth, accounts},
    http::{AppState, Edge, health, mounts, routes},
    secret_key::SecretKey,
    storage::redb::{RedbOptions, RedbStore},
};
use linkmesh_actors::{
    Deps, Handles, Settings,
    domain::access::Role,
    mint::Mint as _,
    ports::{Clock, Entropy, StateStore},
    runtime::Observe,
    testing::{CountingEntropy, ManualClock, MemoryRepository, MemoryStore},
};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use socket2::SockRef;

use crate::support::wait_for;

pub(super) const EMAIL: &str = "ada@example.com";
pub(super) const PASSWORD: &str = "correct horse battery";

/// A running server and a client of it.
pub(super) struct Api {
    pub(super) url: String,
    pub(super) clock: Arc<ManualClock>,
    pub(super) store: Arc<dyn StateStore>,
    pub(super) repository: MemoryRepository,
    pub(super) setup_token: String,
    pub(super) directory: PathBuf,
    pub(super) state: web::Data<AppState>,
    entropy: Arc<dyn Entropy>,
    client: reqwest::Client,
    csrf: Option<String>,
    bearer: Option<String>,
    _server: Arc<Running>,
}

/// Where the server keeps its state.
pub(super) enum Stores {
    /// In a file, as the real one does.
    Redb,
    /// In memory, so that the test can make it fail.
    Memory(Arc<MemoryStore>),
}

struct Running {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
    _directory: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        let thread = self.thread.take().unwrap();
        if thread.join().is_err() && !std::thread::panicking() {
            panic!("the server panicked");
        }
    }
}

struct Started {
    address: SocketAddr,
    handle: ServerHandle,
    store: Arc<dyn StateStore>,
    repository: MemoryRepository,
    state: web::Data<AppState>,
    entropy: Arc<dyn Entropy>,
    setup_token: String,
}

/// What an answer holds.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(super) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// The problem of an answer with this status and code.
    #[track_caller]
    pub(super) fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        problem
    }

    /// The fields and codes of a problem.
    #[track_caller]
    pub(super) fn places(&self, status: u16, code: &str) -> Vec<(String, String)> {
        let problem = self.problem(status, code);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        problem["errors"].as_array().unwrap().iter().map(|e| (text(&e["field"]), text(&e["code"]))).collect()
    }
}

impl Api {
    /// A server without an administrator.
    pub(super) async fn fresh() -> Self {
        Self::fresh_with(Stores::Redb, |_| {}).await
    }

    /// A server without an administrator, on these stores and reached in this way.
    pub(super) async fn fresh_with(stores: Stores, edge: fn(&mut Edge)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let clock = Arc::new(ManualClock::default());
        let path = directory.path().to_owned();
        let server_clock = Arc::clone(&clock);
        let thread = std::thread::spawn({
            let path = path.clone();
            move || {
                actix_web::rt::System::new().block_on(async move {
                    let (started, server, handles) = start(path, server_clock, stores, edge).await;
                    sender.send(started).ok().unwrap();
                    server.await.unwrap();
                    handles.stop().await;
                });
            }
        });
        let started = receiver.await.expect("the server starts");
        Self {
            url: format!("http://{}", started.address),
            clock,
            store: started.store,
            repository: started.repository,
            state: started.state,
            entropy: started.entropy,
            setup_token: started.setup_token,
            directory: path,
            client: client(),
            csrf: None,
            bearer: None,
            _server: Arc::new(Running { handle: started.handle, thread: Some(thread), _directory: directory }),
        }
    }

    /// A server with an administrator, who is signed in.
    pub(super) async fn start() -> Self {
        Self::start_with(Stores::Redb, |_| {}).await
    }

    /// A server with an administrator, who is signed in, on these stores and reached in this way.
    pub(super) async fn start_with(stores: Stores, edge: fn(&mut Edge)) -> Self {
        let mut api = Self::fresh_with(stores, edge).await;
        let session = api.set_up().await.expect(201);
        api.csrf = Some(session["csrf_token"].as_str().unwrap().to_owned());
        api
    }

    pub(super) async fn set_up(&self) -> Answer {
        let body =
            json!({"setup_token": self.setup_token, "email": EMAIL, "name": "Ada Lovelace", "password": PASSWORD});
        self.post("/setup", body).await
    }

    /// The same server for a client that nobody knows.
    pub(super) fn stranger(&self) -> Self {
        Self {
            url: self.url.clone(),
            clock: Arc::clone(&self.clock),
            store: Arc::clone(&self.store),
            repository: self.repository.clone(),
            state: self.state.clone(),
            entropy: Arc::clone(&self.entropy),
            setup_token: self.setup_token.clone(),
            directory: self.directory.clone(),
            client: client(),
            csrf: None,
            bearer: None,
            _server: Arc::clone(&self._server),
        }
    }

    /// The same server for a client with this bearer token.
    pub(super) fn with_bearer(&self, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..self.stranger() }
    }

    /// The same server for a service account with this role.
    pub(super) async fn as_role(&self, role: Role) -> Self {
        self.with_bearer(&self.service_token(role, None).await)
    }

    pub(super) async fn service_token(&self, role: Role, valid: Option<Duration>) -> String {
        let name = format!("robot {}", linkmesh_proto::RequestId::generate());
        let (store, clock) = (self.store.as_ref(), self.clock.as_ref());
        let token = accounts::create_service_account(store, clock, &self.entropy, &name, role, valid, "test").await;
        token.unwrap().reveal().to_owned()
    }

    /// Signs in and keeps the CSRF token.
    pub(super) async fn sign_in(&mut self, email: &str, password: &str) -> Answer {
        let answer = self.post("/session", json!({"email": email, "password": password})).await;
        if answer.status == 200 {
            self.csrf = Some(answer.json()["csrf_token"].as_str().unwrap().to_owned());
        }
        answer
    }

    /// A request under `/api/v1` with everything but a body.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(bearer) = &self.bearer {
            request = request.bearer_auth(bearer);
        }
        request
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap()).await
    }

    pub(super) async fn execute(&self, request: reqwest::Request) -> Answer {
        Answer::of(self.client.execute(request).await.unwrap()).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Asks again until the answer is as wanted.
    pub(super) async fn eventually(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(path, || async {
            let answer = self.get(path).await.expect(200);
            if wanted(&answer) { Ok(answer) } else { Err(format!("{answer:#}")) }
        })
        .await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    pub(super) async fn put(&self, path: &str, precondition: (&str, &str), body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).header(precondition.0, precondition.1).json(&body)).await
    }

    pub(super) async fn patch(&self, path: &str, etag: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).header("if-match", etag).json(&body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(super) async fn delete_version(&self, path: &str, etag: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).header("if-match", etag)).await
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().cookie_store(true).no_proxy().timeout(Duration::from_secs(60)).build().unwrap()
}

async fn start(
    directory: PathBuf,
    clock: Arc<ManualClock>,
    stores: Stores,
    change: fn(&mut Edge),
) -> (Started, actix_web::dev::Server, Handles) {
    let store: Arc<dyn StateStore> = match stores {
        Stores::Redb => Arc::new(RedbStore::open(&directory.join("state.redb"), &RedbOptions::default()).unwrap()),
        Stores::Memory(store) => store,
    };
    let clock: Arc<dyn Clock> = clock;
    let entropy: Arc<dyn Entropy> = Arc::new(CountingEntropy::default());
    let repository = MemoryRepository::default();
    let opened = repository.clone();
    let handles = linkmesh_actors::start(Deps {
        store: Arc::clone(&store),
        repository: Box::new(move || Ok(Box::new(opened.clone()))),
        clock: Arc::clone(&clock),
        entropy: Arc::clone(&entropy),
        sealer: Arc::new(SecretKey::generate().unwrap()),
        observe: Arc::new(Observe::default()),
        settings: Settings { threads: 1, repository_poll: Duration::from_millis(50), ..Settings::default() },
        give_up: Arc::new(|actor| panic!("{actor} gave up")),
    })
    .await
    .unwrap();
    let (auth, setup_token) = Auth::open(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy)).await.unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    // What is not read stays in the server, and not with the system.
    SockRef::from(&listener).set_send_buffer_size(64 << 10).unwrap();
    let address = listener.local_addr().unwrap();
    let mut edge = Edge { max_body: 64 << 10, ..Edge::at(format!("http://{address}")) };
    change(&mut edge);
    let state =
        web::Data::new(AppState::new(edge, Arc::clone(&store), clock, Arc::clone(&entropy), handles.clone(), auth));
    let served = state.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(served.clone())
            .wrap(from_fn(routes::finish))
            .configure(|config| mounts::configure(health::mounts(), config))
            .service(
                web::scope(routes::PREFIX).configure(routes::configure).default_service(web::to(routes::not_found)),
            )
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(1)
    .listen(listener)
    .unwrap()
    .run();
    let setup_token = setup_token.map(|token| token.to_string()).unwrap_or_default();
    (Started { address, handle: server.handle(), store, repository, state, entropy, setup_token }, server, handles)
}
