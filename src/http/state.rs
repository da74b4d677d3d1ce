//! What every handler of the server shares.

use std::{net::IpAddr, sync::Arc, time::Duration};

use linkmesh_actors::{
    Handles,
    ports::{Clock, Entropy, StateStore},
};

use super::{
    budget::{Budget, DEFAULT_MAX_UNFINISHED},
    health::Readiness,
    metrics::{Connections, HttpMetrics},
    routes::{Context, DEFAULT_MAX_BODY, Idempotency},
    turns::Turns,
    unsent::DEFAULT_MAX_UNSENT,
};
use crate::{
    auth::{
        Auth,
        throttle::{FAILED_TOKENS, Throttle, network},
    },
    error::{Error, ErrorCode},
};

/// How the server is reached, as far as handlers must know.
#[derive(Debug, Clone)]
pub struct Edge {
    /// The address that operators and collectors use: scheme, host and port. Known once the listener is up, for it may
    /// be the listen address.
    pub public_url: String,
    /// The authority that collectors verify the server by, as PEM; `None` when they know it anyway.
    pub authority_pem: Option<String>,
    /// Whether browsers reach the server over TLS, so that cookies are `Secure`.
    pub cookies_secure: bool,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The largest body of a REST request.
    pub max_body: usize,
    /// How long the body of a REST request may take to arrive.
    pub body_timeout: Duration,
    /// What messages and bodies that are not whole may hold of memory, all together.
    pub max_unfinished: usize,
    /// What large answers that are not read yet may hold of memory, all together.
    pub max_unsent: usize,
    /// How long a write may take before its client is told that what became of it is not known.
    pub answer_within: Duration,
    /// How often a silent event stream says that it lives.
    pub feed_heartbeat: Duration,
    /// How often the credentials of an event stream are checked again (decision 25).
    pub feed_recheck: Duration,
}

impl Edge {
    /// For a server that is reached directly at this address.
    #[must_use]
    pub fn at(public_url: impl Into<String>) -> Self {
        let public_url = public_url.into();
        Self {
            cookies_secure: public_url.starts_with("https://"),
            public_url,
            authority_pem: None,
            trusted_proxies: Vec::new(),
            max_body: DEFAULT_MAX_BODY,
            body_timeout: Duration::from_secs(30),
            max_unfinished: DEFAULT_MAX_UNFINISHED,
            max_unsent: DEFAULT_MAX_UNSENT,
            answer_within: Duration::from_secs(30),
            feed_heartbeat: Duration::from_secs(15),
            feed_recheck: Duration::from_secs(30),
        }
    }
}

/// Which part of what unfinished bodies, and answers on their way, may hold is for those of strangers: of 256 MiB of bodies,
/// five hundred of the largest that they may send. Who signs in sends a few hundred bytes, which come whole as a rule and
/// are not counted then.
const STRANGERS_PART: usize = 16;

/// What every handler shares, as `web::Data<AppState>`.
pub struct AppState {
    /// How the server is reached.
    pub edge: Edge,
    /// The state store.
    pub store: Arc<dyn StateStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The actors.
    pub handles: Handles,
    /// Who is asking.
    pub auth: Auth,
    /// Counts of requests.
    pub http_metrics: HttpMetrics,
    /// Connections that last.
    pub connections: Connections,
    /// Who sent tokens that open nothing, by address.
    pub failed_tokens: Arc<Throttle>,
    /// What unfinished messages and bodies may hold, of those who showed a credential.
    pub budget: Arc<Budget>,
    /// The same of strangers, apart: however many they are, they keep nobody out but strangers.
    pub strangers_budget: Arc<Budget>,
    /// What answers may hold that are not read yet, of those who showed a credential.
    pub unsent: Arc<Budget>,
    /// The same of strangers.
    pub strangers_unsent: Arc<Budget>,
    /// Answers given before.
    pub idempotency: Idempotency,
    /// Whose turn it is to try a pipeline on sample records, or to have a config imported.
    pub trials: Turns,
    /// Whose turn it is to have a document checked that is not to be stored.
    pub checks: Turns,
    /// Whose turn it is to have one read and made ready to be stored: apart, so that who may only look keeps no save out.
    pub saves: Turns,
    /// Whose turn it is to have texts compared.
    pub comparisons: Turns,
    /// Whether the server can do its work.
    pub readiness: Readiness,
}

impl AppState {
    /// Puts together what handlers share.
    #[must_use]
    pub fn new(
        edge: Edge,
        store: Arc<dyn StateStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        handles: Handles,
        auth: Auth,
    ) -> Self {
        let strangers = edge.max_unfinished / STRANGERS_PART;
        let (budget, strangers_budget) = (Budget::new(edge.max_unfinished - strangers), Budget::new(strangers));
        let unsent = edge.max_unsent;
        Self {
            unsent: Budget::new(unsent - unsent / STRANGERS_PART),
            strangers_unsent: Budget::new(unsent / STRANGERS_PART),
            edge,
            store,
            clock,
            entropy,
            handles,
            auth,
            http_metrics: HttpMetrics::default(),
            connections: Connections::default(),
            failed_tokens: Arc::new(Throttle::new(FAILED_TOKENS)),
            budget,
            strangers_budget,
            idempotency: Idempotency::default(),
            trials: Turns::new(16, "Too many pipelines are being tried or imported; try again soon."),
            checks: Turns::new(64, "Too many documents are being checked; try again soon."),
            // As many as the repository's actor has waiting.
            saves: Turns::new(256, "Too many documents are being saved. Nothing was stored; try again soon."),
            comparisons: Turns::new(64, "Too many texts are being compared; try again soon."),
            readiness: Readiness::default(),
        }
    }

    /// The refusal of somebody whose token opens nothing; "wait" when such came from there too often.
    pub(super) fn turn_away(&self, context: &Context, refusal: Error) -> Error {
        match self.failed_tokens.take(&network(context.origin()), self.clock.monotonic()) {
            Ok(()) => refusal,
            Err(wait) => Error::new(ErrorCode::TooManyRequests, "Too many failed attempts from this address. Wait.")
                .with_retry_after(wait),
        }
    }
}
