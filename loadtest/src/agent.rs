//! One simulated supervisor: its socket, and what it answers.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use linkmesh_proto::wire::opamp::{
    AgentDisconnect, AgentToServer, RemoteConfigStatus, RemoteConfigStatuses, ServerToAgent,
};
use prost::Message as _;
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::{Notify, Semaphore, watch},
    time::{Instant as TokioInstant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, http::header, protocol::WebSocketConfig},
};

use crate::{
    args::Profile,
    profile::{Voice, status_of},
    report::LONGEST_US,
};

/// The server asks for everything again.
const REPORT_FULL_STATE: u64 = 1;

/// The server asks for the tree behind the components' hash.
const REPORT_AVAILABLE_COMPONENTS: u64 = 2;

/// Connections that one loopback address carries before the next is taken; a host has 28,000 ports for each.
const CONNECTIONS_AN_ADDRESS: usize = 20_000;

/// How long connecting and the first answer may take.
const CONNECT: Duration = Duration::from_secs(60);

/// What all agents are doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// What the profile says.
    Steady,
    /// Every agent sends its next heartbeat as soon as the last one is answered.
    Burst,
    /// Say goodbye and end.
    Stop,
}

/// What the agents together have seen.
pub(crate) struct Board {
    pub(crate) agents: usize,
    pub(crate) connected: AtomicUsize,
    pub(crate) failed: AtomicUsize,
    /// Agents that hold a config which they did not hold when [`Board::begin_push`] was called.
    pub(crate) held: AtomicUsize,
    pub(crate) answered_heartbeats: AtomicU64,
    last_held: Mutex<Option<Instant>>,
    pub(crate) connect_us: Mutex<Histogram<u64>>,
    pub(crate) first_errors: Mutex<Vec<String>>,
    changed: Notify,
}

impl Board {
    pub(crate) fn new(agents: usize) -> anyhow::Result<Self> {
        Ok(Self {
            agents,
            connected: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            answered_heartbeats: AtomicU64::new(0),
            last_held: Mutex::new(None),
            connect_us: Mutex::new(Histogram::new_with_bounds(1, LONGEST_US, 3)?),
            first_errors: Mutex::new(Vec::new()),
            changed: Notify::new(),
        })
    }

    /// Forgets who held the last push.
    pub(crate) fn begin_push(&self) {
        self.held.store(0, Ordering::SeqCst);
        *locked(&self.last_held) = None;
    }

    /// When the last agent got hold of the newest config.
    pub(crate) fn last_held(&self) -> Option<Instant> {
        *locked(&self.last_held)
    }

    /// Waits until something holds, and says whether it came to hold in time.
    pub(crate) async fn wait_for(&self, deadline: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let end = TokioInstant::now() + deadline;
        loop {
            let changed = self.changed.notified();
            if holds(self) {
                return true;
            }
            // Counters move too often to wake the waiter for each; it looks again after 50 ms at the latest.
            let next = end.min(TokioInstant::now() + Duration::from_millis(50));
            let _ = tokio::time::timeout_at(next, changed).await;
            if TokioInstant::now() >= end {
                return holds(self);
            }
        }
    }

    fn one_connected(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        locked(&self.connect_us).saturating_record(micros);
        self.connected.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    fn one_holds(&self) {
        let now = Instant::now();
        // Under the lock: who sees that all hold it sees since when, too.
        let mut last_held = locked(&self.last_held);
        if self.held.fetch_add(1, Ordering::SeqCst) + 1 == self.agents {
            *last_held = Some(now);
            drop(last_held);
            self.changed.notify_waiters();
        }
    }

    pub(crate) fn one_failed(&self, error: &anyhow::Error) {
        let mut errors = locked(&self.first_errors);
        if errors.len() < 5 {
            errors.push(format!("{error:#}"));
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }
}

/// A lock whose holder cannot have left it half-written: every critical section here is one assignment or record.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an agent is made of.
pub(crate) struct Agent {
    pub(crate) index: usize,
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    pub(crate) profile: Profile,
    /// From an offer to APPLIED.
    pub(crate) apply: Duration,
    pub(crate) board: Arc<Board>,
    pub(crate) orders: watch::Receiver<Order>,
    pub(crate) connecting: Arc<Semaphore>,
}

impl Agent {
    /// Lives until it is told to stop; counts a failure when it ends before.
    pub(crate) async fn live(self) {
        let board = Arc::clone(&self.board);
        if let Err(error) = self.run().await {
            board.one_failed(&error);
        }
    }

    async fn run(mut self) -> anyhow::Result<()> {
        let permit = Arc::clone(&self.connecting).acquire_owned().await?;
        let began = Instant::now();
        let mut session = timeout(CONNECT, Session::open(&self)).await.context("connecting took too long")??;
        self.board.one_connected(began.elapsed());
        drop(permit);
        let every = match self.profile {
            Profile::FirstReport => Duration::from_secs(30),
            Profile::Full => Duration::from_secs(5),
        };
        // Spread over the interval, by the agent's number.
        let slot = u32::try_from(self.index % 1_000).unwrap_or(0);
        let mut next = TokioInstant::now() + every * slot / 1_000;
        loop {
            let up = session.starting.as_ref().map(|starting| starting.until);
            tokio::select! {
                message = session.receive() => {
                    let message = message?;
                    session.answer(&message, &self.board).await?;
                    if *self.orders.borrow() == Order::Burst {
                        self.board.answered_heartbeats.fetch_add(1, Ordering::Relaxed);
                        session.heartbeat().await?;
                    }
                }
                changed = self.orders.changed() => {
                    changed?;
                    let order = *self.orders.borrow_and_update();
                    match order {
                        Order::Steady => {}
                        Order::Burst => session.heartbeat().await?,
                        Order::Stop => return session.close().await,
                    }
                }
                () = sleep_until(up.unwrap_or(next)), if up.is_some() => session.applied().await?,
                () = sleep_until(next) => {
                    match self.profile {
                        Profile::FirstReport => session.heartbeat().await?,
                        Profile::Full => session.health().await?,
                    }
                    next = TokioInstant::now() + every;
                }
            }
        }
    }
}

/// One connection of an agent.
struct Session {
    socket: WebSocketStream<TcpStream>,
    voice: Voice,
    next_sequence: u64,
    /// The hash that the agent last took, and what it runs.
    hash: Vec<u8>,
    config: Bytes,
    /// The config that the collector is starting with.
    starting: Option<Starting>,
    apply: Duration,
}

struct Starting {
    config: Bytes,
    until: TokioInstant,
}

impl Session {
    /// Connects, reports for the first time, waits for the answer, and reports that the collector is up.
    async fn open(agent: &Agent) -> anyhow::Result<Self> {
        let stream = dial(agent.address, agent.index).await?;
        let mut request = format!("ws://{}/v1/opamp", agent.address).into_client_request()?;
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {}", agent.token).parse()?);
        // Small buffers: the harness shares the machine with what it measures.
        let config = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(0);
        let (socket, _) = client_async_with_config(request, stream, Some(config)).await.context("upgrade")?;
        let voice = Voice::new(agent.index, agent.profile);
        let config = voice.first_config();
        let mut session =
            Self { socket, voice, next_sequence: 0, hash: Vec::new(), config, starting: None, apply: agent.apply };
        session.full_state().await?;
        let first = session.receive().await.context("first answer")?;
        session.answer(&first, &agent.board).await?;
        session.health().await?;
        Ok(session)
    }

    async fn send(&mut self, message: AgentToServer) -> anyhow::Result<()> {
        let mut frame = BytesMut::with_capacity(1 + message.encoded_len());
        frame.put_u8(0);
        message.encode(&mut frame)?;
        self.next_sequence += 1;
        self.socket.send(Message::Binary(frame.freeze())).await.context("send")
    }

    async fn receive(&mut self) -> anyhow::Result<ServerToAgent> {
        loop {
            match self.socket.next().await.context("the server hung up")?.context("receive")? {
                Message::Binary(frame) => {
                    let [0, body @ ..] = frame.as_ref() else { bail!("a frame without the header byte") };
                    return Ok(ServerToAgent::decode(body)?);
                }
                Message::Close(frame) => bail!("the server closed the session: {frame:?}"),
                _ => {}
            }
        }
    }

    async fn full_state(&mut self) -> anyhow::Result<()> {
        let status = match self.hash.as_slice() {
            [] => RemoteConfigStatus::default(),
            hash if self.starting.is_some() => status_of(hash, RemoteConfigStatuses::Applying),
            hash => status_of(hash, RemoteConfigStatuses::Applied),
        };
        self.send(self.voice.full_state(self.next_sequence, status, self.config.clone())).await
    }

    async fn heartbeat(&mut self) -> anyhow::Result<()> {
        self.send(self.voice.heartbeat(self.next_sequence)).await
    }

    async fn health(&mut self) -> anyhow::Result<()> {
        self.send(self.voice.health(self.next_sequence)).await
    }

    /// Does what the server asks for. A config is taken as a supervisor takes one: APPLYING with the old effective
    /// config in one message at once, APPLIED with the new one when the collector is up.
    async fn answer(&mut self, message: &ServerToAgent, board: &Board) -> anyhow::Result<()> {
        if let Some(error) = &message.error_response {
            bail!("the server refused a message: {}", error.error_message);
        }
        if message.flags & REPORT_FULL_STATE != 0 {
            self.full_state().await?;
        }
        if message.flags & REPORT_AVAILABLE_COMPONENTS != 0 {
            self.send(self.voice.components(self.next_sequence)).await?;
        }
        let Some(offer) = &message.remote_config else { return Ok(()) };
        if offer.config_hash == self.hash {
            return Ok(());
        }
        let offered =
            offer.config.as_ref().and_then(|map| map.config_map.get("")).context("an offer without a file")?;
        board.one_holds();
        self.hash.clone_from(&offer.config_hash);
        let config = self.voice.config_after(&offered.body);
        let old = Some(self.config.clone());
        let applying = self.voice.status(self.next_sequence, &self.hash, RemoteConfigStatuses::Applying, old);
        self.send(applying).await?;
        self.starting = Some(Starting { config, until: TokioInstant::now() + self.apply });
        if self.apply.is_zero() { self.applied().await } else { Ok(()) }
    }

    async fn applied(&mut self) -> anyhow::Result<()> {
        let Some(starting) = self.starting.take() else { return Ok(()) };
        self.config = starting.config;
        let new = Some(self.config.clone());
        let applied = self.voice.status(self.next_sequence, &self.hash, RemoteConfigStatuses::Applied, new);
        self.send(applied).await
    }

    async fn close(mut self) -> anyhow::Result<()> {
        let goodbye =
            AgentToServer { agent_disconnect: Some(AgentDisconnect {}), ..self.voice.heartbeat(self.next_sequence) };
        self.send(goodbye).await?;
        self.socket.close(None).await.context("close")
    }
}

/// Connects from the loopback address of the agent's number, so that ports do not run out.
async fn dial(address: SocketAddr, index: usize) -> anyhow::Result<TcpStream> {
    let stream = match address {
        SocketAddr::V4(_) => {
            let host = u8::try_from(1 + index / CONNECTIONS_AN_ADDRESS).context("too many agents for one host")?;
            let socket = TcpSocket::new_v4()?;
            if host > 1 {
                socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0)))?;
            }
            socket.connect(address).await
        }
        SocketAddr::V6(_) => TcpStream::connect(address).await,
    }
    .context("connect")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
