//! What the routes of collectors share: who is let in, what they speak to, what is counted.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use actix_http::header::HeaderMap;
use linkmesh_actors::{
    fleet::{AdmitError, FleetHandle},
    meter::MeterHandle,
    ports::{Clock, CloseReason},
    runtime::Observe,
};

use super::{
    AppState,
    body::{BodyError, BodyLimits},
    budget::Budget,
    client_address::client_address,
    metrics::{CollectorCounts, Open, OpenCount},
    opamp_socket::{SessionEnd, SocketLimits, outgoing::OutgoingQueue},
};
use crate::{
    auth::throttle::{Throttle, network},
    config::Config,
};

/// When a peer that could not be served should come back; opamp-spec recommends 30 s at least.
pub(super) const RETRY: Duration = Duration::from_secs(30);

/// Everything that the protocols of collectors share, as `web::Data<Agents>`.
pub struct Agents {
    /// The collectors.
    pub fleet: FleetHandle,
    /// Their throughput.
    pub meter: MeterHandle,
    /// The open OpAMP sockets.
    pub sockets: Sockets,
    /// Limits of one socket.
    pub socket_limits: SocketLimits,
    /// The largest body of a `remotecfg` call.
    pub remotecfg_max_body: usize,
    /// The largest push of own metrics.
    pub otlp_max_body: usize,
    /// What unfinished messages may hold.
    pub budget: Arc<Budget>,
    /// What is counted.
    pub observe: Arc<Observe>,
    /// What is counted of connections.
    pub counts: Arc<CollectorCounts>,
    body_timeout: Duration,
    trusted_proxies: Vec<IpAddr>,
    clock: Arc<dyn Clock>,
    failures: Arc<Throttle>,
}

impl Agents {
    /// For a server with this configuration.
    #[must_use]
    pub fn new(config: &Config, state: &AppState) -> Self {
        let (limits, handles, connections) = (&config.opamp, &state.handles, &state.connections);
        Self {
            fleet: handles.fleet.clone(),
            meter: handles.meter.clone(),
            sockets: Sockets::new(limits.max_connections, connections.opamp.clone()),
            socket_limits: SocketLimits {
                max_message: limits.max_message.as_usize(),
                ping_interval: limits.ping_interval.0,
                silence: limits.silence().0,
                write_timeout: limits.write_timeout.0,
                message_time: config.http.body_timeout.0,
            },
            budget: Arc::clone(&state.budget),
            remotecfg_max_body: config.remotecfg.max_body.as_usize(),
            otlp_max_body: config.otlp.max_body.as_usize(),
            observe: handles.observe.clone(),
            counts: connections.collectors.clone(),
            body_timeout: config.http.body_timeout.0,
            trusted_proxies: config.http.trusted_proxies.clone(),
            clock: Arc::clone(&state.clock),
            failures: Arc::clone(&state.failed_tokens),
        }
    }

    /// Where a collector's request comes from, also behind a proxy.
    #[must_use]
    pub fn client_address(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        client_address(peer, headers, &self.trusted_proxies)
    }

    /// What the body of a request may be.
    pub(super) fn body_limits(&self, bytes: usize) -> BodyLimits {
        BodyLimits { bytes, time: self.body_timeout }
    }

    /// Counts a body that was not taken.
    pub(super) fn note_body(&self, error: BodyError) {
        if error == BodyError::Late {
            self.counts.bodies_late.increment();
        }
    }

    /// How a peer that was not admitted is turned away.
    #[must_use]
    pub fn turn_away(&self, error: AdmitError, address: Option<IpAddr>) -> TurnedAway {
        if error == AdmitError::Busy {
            return TurnedAway { status: 503, retry_after: Some(RETRY), reason: error.to_string() };
        }
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        match self.failures.take(&network(&address), self.clock.monotonic()) {
            Ok(()) => {
                let status = match error {
                    AdmitError::Unknown | AdmitError::Busy => 401,
                    AdmitError::WrongKind => 403,
                    AdmitError::Spent => 410,
                };
                TurnedAway { status, retry_after: None, reason: error.to_string() }
            }
            Err(wait) => TurnedAway {
                status: 429,
                retry_after: Some(wait.max(RETRY)),
                reason: "too many failed attempts from this address".to_owned(),
            },
        }
    }
}

/// The answer to a peer that is not let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnedAway {
    /// HTTP status.
    pub status: u16,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// Why, in words for the collector's log.
    pub reason: String,
}

/// The open OpAMP sockets of this process: how many there may be, and all of them when the server stops.
pub struct Sockets {
    open: dashmap::DashMap<u64, Arc<OutgoingQueue>>,
    ids: std::sync::atomic::AtomicU64,
    permits: Arc<tokio::sync::Semaphore>,
    stopping: std::sync::atomic::AtomicBool,
    emptied: tokio::sync::Notify,
    count: OpenCount,
}

/// One socket's place. Given back when dropped.
pub struct Place {
    sockets: actix_web::web::Data<Agents>,
    id: u64,
    _permit: tokio::sync::OwnedSemaphorePermit,
    _open: Open,
}

impl Sockets {
    fn new(max: usize, count: OpenCount) -> Self {
        Self {
            open: dashmap::DashMap::new(),
            ids: std::sync::atomic::AtomicU64::new(0),
            permits: Arc::new(tokio::sync::Semaphore::new(max.min(tokio::sync::Semaphore::MAX_PERMITS))),
            stopping: std::sync::atomic::AtomicBool::new(false),
            emptied: tokio::sync::Notify::new(),
            count,
        }
    }

    /// How many sockets are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether no socket is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Tells every peer to go, takes no more of them, and waits until all are gone or `deadline` has passed. Answers how
    /// many were still there.
    pub async fn shut_down(&self, deadline: Duration) -> usize {
        use std::sync::atomic::Ordering;
        self.stopping.store(true, Ordering::SeqCst);
        for socket in &self.open {
            linkmesh_actors::ports::Transport::close(socket.value().as_ref(), CloseReason::GoingAway);
        }
        let gone = async {
            loop {
                let notified = self.emptied.notified();
                if self.open.is_empty() {
                    return;
                }
                notified.await;
            }
        };
        // A peer that is still there then is cut by the end of the process.
        drop(tokio::time::timeout(deadline, gone).await);
        self.open.len()
    }
}

impl Place {
    /// Takes a place; `None` when all are taken or the server stops.
    #[must_use]
    pub fn take(agents: &actix_web::web::Data<Agents>, queue: &Arc<OutgoingQueue>) -> Option<Self> {
        use std::sync::atomic::Ordering;
        let sockets = &agents.sockets;
        let permit = sockets.permits.clone().try_acquire_owned().ok()?;
        let id = sockets.ids.fetch_add(1, Ordering::Relaxed);
        sockets.open.insert(id, queue.clone());
        let place = Self { sockets: agents.clone(), id, _permit: permit, _open: sockets.count.open() };
        // After the insertion, so that a stop that begins now sees the socket or is seen here.
        (!sockets.stopping.load(Ordering::SeqCst)).then_some(place)
    }

    /// Gives the place back and counts how the session ended.
    pub fn leave(self, end: SessionEnd) {
        let counts = &self.sockets.counts;
        match end {
            SessionEnd::Server(CloseReason::Overloaded | CloseReason::Silent) => counts.sockets_cut.increment(),
            SessionEnd::TooLarge => counts.sockets_too_large.increment(),
            _ => {}
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let sockets = &self.sockets.sockets;
        sockets.open.remove(&self.id);
        if sockets.open.is_empty() {
            sockets.emptied.notify_waiters();
        }
    }
}

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agents").field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}
