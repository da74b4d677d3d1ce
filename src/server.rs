//! Composition: everything is started here, in the one order that is safe.
//!
//! Data directory (its lock) -> server secret -> state store -> config repository and actors -> listener -> ready file.
//! A repository that is not there yet is made before the state store.
//! The listener's address is reserved early, because the setup link and the offers to collectors name it, but nothing
//! is accepted before the fleet knows what each collector should run. Stopping goes the other way, in the phases of
//! [`crate::shutdown`].

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use actix_server::ServerHandle;
use actix_web::web;
use linkmesh_actors::{
    Deps, Handles, Settings, StartError,
    opamp::Timing,
    ports::{Clock, ConfigRepository, Entropy, RepositoryError, StateStore, StoreError},
    runtime::Observe,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::watch;

use crate::{
    auth::Auth,
    config::Config,
    data_dir::{DataDir, DataDirError},
    http::{AppState, Edge, agents::Agents, mounts, remotecfg},
    repository::GitRepository,
    secret_key::{SecretKey, SecretKeyError},
    shutdown,
    storage::redb::{OpenError, RedbOptions, RedbStore},
};

pub mod listen;
mod own_address;
mod reach;
pub mod ready;
pub mod system;

use listen::{Listen, ListenError};
use reach::Reach;
use ready::Ready;
use system::{SystemClock, SystemEntropy};

/// How long actors and stores may take to write what only memory holds.
const FLUSH: Duration = Duration::from_secs(60);

/// How long a client may take to read any of what was sent to it.
#[cfg(target_os = "linux")]
const STALLED: Duration = Duration::from_secs(60);

/// Why the server did not start, or ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The server secret cannot be used.
    #[error(transparent)]
    SecretKey(#[from] SecretKeyError),
    /// The config repository cannot be made.
    #[error("the config repository cannot be made")]
    Repository(#[from] RepositoryError),
    /// The state store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The state store cannot be read.
    #[error(transparent)]
    StoreRead(#[from] StoreError),
    /// The actors cannot be started.
    #[error(transparent)]
    Actors(#[from] StartError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The listener cannot be set up.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The ready file cannot be written.
    #[error("the ready file {path} cannot be written")]
    ReadyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Signals cannot be listened for.
    #[error("signals cannot be listened for")]
    Signals(#[source] io::Error),
    /// A part of the server kept dying.
    #[error("{0} kept dying and was given up")]
    GaveUp(&'static str),
    /// The listener ended by itself.
    #[error("the HTTP listener ended")]
    ListenerEnded,
}

/// Runs until the process is told to stop.
///
/// # Errors
/// Whatever keeps the server from starting, or from going on.
pub fn run(config: Config, ready_file: Option<PathBuf>) -> Result<(), ServerError> {
    // Fails only when a provider is installed already, which is this one.
    drop(rustls::crypto::ring::default_provider().install_default());
    actix_rt::System::new().block_on(async move {
        if let Some(path) = &ready_file {
            ready::remove_stale(path).map_err(|source| ServerError::ReadyFile { path: path.clone(), source })?;
        }
        let server = Server::start(&config).await?;
        // Before the ready file: who waits for that finds the line printed.
        server.announce();
        if let Some(path) = &ready_file {
            server.ready().write(path).map_err(|source| ServerError::ReadyFile { path: path.clone(), source })?;
        }
        let outcome = server.until_told().await;
        server.stop(config.server.shutdown_timeout.0).await;
        outcome
    })
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    setup_url: Option<String>,
    listener: ServerHandle,
    listener_ended: watch::Receiver<bool>,
    gave_up: watch::Receiver<Option<&'static str>>,
    state: web::Data<AppState>,
    agents: web::Data<Agents>,
    handles: Handles,
    store: RedbStore,
    // Last: the directory is given back when everything else is gone.
    _data_dir: DataDir,
}

impl Server {
    /// Starts everything. Must be called within an actix system.
    ///
    /// # Errors
    /// Whatever keeps the server from starting; nothing is left running then.
    pub async fn start(config: &Config) -> Result<Self, ServerError> {
        let data_dir = DataDir::open(&config.data_dir)?;
        let sealer = Arc::new(found(&data_dir)?);
        let observe = Arc::new(Observe::default());
        let options = RedbOptions {
            cache_bytes: config.storage.cache.as_usize(),
            observe: observe.clone(),
            ..RedbOptions::default()
        };
        let store = RedbStore::open(&data_dir.state_redb(), &options)?;
        let socket = reserve(config.http.listen)?;
        let address = local_address(&socket, config.http.listen)?;
        let reach = Reach::of(config, address);
        if let Some(warning) = reach.warning() {
            tracing::warn!("{warning}");
        }
        let authority_pem = match config.http.tls.as_ref().and_then(|tls| tls.authority.as_deref()) {
            Some(path) => Some(listen::authority(path)?),
            None => None,
        };

        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let state_store: Arc<dyn StateStore> = Arc::new(store.clone());
        let (give_up, gave_up) = watch::channel(None);
        let repository_path = data_dir.config_git();
        let handles = linkmesh_actors::start(Deps {
            store: state_store.clone(),
            repository: Box::new(move || {
                GitRepository::open(&repository_path)
                    .map(|repository| Box::new(repository) as Box<dyn ConfigRepository>)
            }),
            clock: clock.clone(),
            entropy: entropy.clone(),
            sealer,
            observe: observe.clone(),
            settings: Settings {
                public_url: reach.known().map(str::to_owned),
                public_url_needs_proof: config.server.public_url.is_some(),
                ca_pem: authority_pem.clone(),
                max_enrolling: config.opamp.max_enrolling,
                timing: Timing { heartbeat: config.opamp.heartbeat.0, silence: config.opamp.silence().0 },
                ..Settings::default()
            },
            give_up: Arc::new(move |name| {
                tracing::error!(actor = name, "a part of the server kept dying; the server ends");
                give_up.send_replace(Some(name));
            }),
        })
        .await?;

        let (auth, setup_token) = Auth::open(state_store.clone(), clock.clone(), entropy.clone()).await?;
        let edge = Edge {
            authority_pem,
            trusted_proxies: config.http.trusted_proxies.clone(),
            max_body: config.http.max_body.as_usize(),
            body_timeout: config.http.body_timeout.0,
            max_unfinished: config.http.max_unfinished.as_usize(),
            max_unsent: config.http.max_unsent.as_usize(),
            ..Edge::at(reach.url())
        };
        let setup_url = setup_token.map(|token| format!("{}/setup?token={}", edge.public_url, token.as_str()));
        let state = web::Data::new(AppState::new(edge, state_store, clock, entropy, handles.clone(), auth));
        let agents = web::Data::new(Agents::new(config, &state));
        let listen = Listen {
            agents: agents.clone(),
            workers: workers(config.http.workers),
            max_connections: config.http.max_connections,
            shutdown_timeout: config.server.shutdown_timeout.0,
        };
        let listener = begin_listening(socket, config.http.listen)?;
        let running = listen.start(listener, config.http.tls.as_ref(), mount(&state, &agents))?;
        let handle = running.handle();
        let (ended, listener_ended) = watch::channel(false);
        actix_rt::spawn(async move {
            if let Err(error) = running.await {
                tracing::error!(%error, "the HTTP listener failed");
            }
            ended.send_replace(true);
        });
        tracing::info!(%address, "listening");
        if config.server.public_url.is_some() {
            actix_rt::spawn(own_address::prove(handles.fleet.clone()));
        }
        Ok(Self {
            address,
            setup_url,
            listener: handle,
            listener_ended,
            gave_up,
            state,
            agents,
            handles,
            store,
            _data_dir: data_dir,
        })
    }

    /// What whoever started the server may know.
    #[must_use]
    pub fn ready(&self) -> Ready {
        Ready { http: self.address, grpc: None, setup_url: self.setup_url.clone(), pid: std::process::id() }
    }

    /// Prints the setup link, one line.
    fn announce(&self) {
        use std::io::Write as _;
        if let Some(url) = &self.setup_url {
            // A closed standard output is no reason not to serve; the ready file has the link too.
            drop(writeln!(io::stdout(), "LinkMesh has no administrator yet. Open within an hour: {url}"));
        }
    }

    /// Waits for a signal, or for the end of something without which the server cannot go on.
    async fn until_told(&self) -> Result<(), ServerError> {
        let (mut gave_up, mut listener_ended) = (self.gave_up.clone(), self.listener_ended.clone());
        tokio::select! {
            signal = shutdown::signalled() => {
                tracing::info!(signal = signal.map_err(ServerError::Signals)?, "stopping");
                Ok(())
            }
            Ok(name) = gave_up.wait_for(Option::is_some) => Err(ServerError::GaveUp(name.unwrap_or_default())),
            _ = listener_ended.wait_for(|ended| *ended) => Err(ServerError::ListenerEnded),
        }
    }

    /// Stops in phases, each with a bound.
    pub async fn stop(self, bound: Duration) {
        self.state.readiness.stop();
        shutdown::phase("listener", bound, self.listener.pause()).await;
        self.handles.turn_away();
        let left = self.agents.sockets.shut_down(bound).await;
        if left > 0 {
            tracing::warn!(sockets = left, "agents did not answer the close; they are cut");
        }
        shutdown::phase("requests", bound + Duration::from_secs(2), self.listener.stop(true)).await;
        shutdown::phase("actors", FLUSH, async {
            if !self.handles.stop().await {
                tracing::warn!("the state store did not take everything; collectors tell it again");
            }
        })
        .await;
        shutdown::phase("store", FLUSH, async {
            if let Err(error) = self.store.close().await {
                tracing::error!(%error, "the state store was not closed cleanly");
            }
        })
        .await;
        tracing::info!("stopped");
    }
}

/// Every route of the server.
fn mount(
    state: &web::Data<AppState>,
    agents: &web::Data<Agents>,
) -> impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static {
    let (state, agents) = (state.clone(), agents.clone());
    let compressed = web::Data::new(remotecfg::Compressed::default());
    move |config| {
        config.app_data(state.clone()).app_data(agents.clone()).app_data(compressed.clone()).configure(mounts::mount);
    }
}

fn workers(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(2, usize::from),
        some => some,
    }
}

/// Reserves the address without accepting anything on it.
fn reserve(address: SocketAddr) -> Result<Socket, ServerError> {
    let bind = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A server that was killed leaves connections behind that would keep the next one from its address.
        socket.set_reuse_address(true)?;
        socket.set_cloexec(true)?;
        end_what_stalls(&socket)?;
        socket.bind(&address.into())?;
        Ok(socket)
    };
    bind().map_err(|source| ServerError::Bind { address, source })
}

/// Ends connections whose clients take nothing of what was sent to them for a while.
///
/// The HTTP service waits for ever for a client that reads nothing: it looks at no clock while it writes.
#[cfg(target_os = "linux")]
fn end_what_stalls(socket: &Socket) -> io::Result<()> {
    // Connections have it of the listener.
    socket.set_tcp_user_timeout(Some(STALLED))
}

#[cfg(not(target_os = "linux"))]
const fn end_what_stalls(_: &Socket) -> io::Result<()> {
    Ok(())
}

fn local_address(socket: &Socket, address: SocketAddr) -> Result<SocketAddr, ServerError> {
    let local = socket.local_addr().map_err(|source| ServerError::Bind { address, source })?;
    Ok(local.as_socket().unwrap_or(address))
}

fn begin_listening(socket: Socket, address: SocketAddr) -> Result<TcpListener, ServerError> {
    // A fleet that comes back at once after a restart queues here.
    const BACKLOG: i32 = 8192;
    socket.listen(BACKLOG).map_err(|source| ServerError::Bind { address, source })?;
    Ok(socket.into())
}

/// Makes of a data directory what is not there yet, but the state, which is made last: by it a later start can tell what
/// got lost. Answers the server secret.
fn found(data_dir: &DataDir) -> Result<SecretKey, ServerError> {
    data_dir.check_whole()?;
    let secret = SecretKey::load_or_create(&data_dir.secret_key())?;
    GitRepository::make(&data_dir.config_git())?;
    Ok(secret)
}

/// Opens a data directory for work that is done while no server runs.
///
/// # Errors
/// When it cannot be used, or a part of it is gone.
pub fn open_offline(data_dir: DataDir) -> Result<(DataDir, RedbStore), ServerError> {
    found(&data_dir)?;
    let store = RedbStore::open(&data_dir.state_redb(), &RedbOptions::default())?;
    Ok((data_dir, store))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpStream;

    use socket2::SockRef;

    use super::*;

    #[test]
    fn connections_end_whose_clients_read_nothing() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let socket = reserve(address).unwrap();
        let listener = begin_listening(socket, address).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(SockRef::from(&accepted).tcp_user_timeout().unwrap(), Some(STALLED));
    }
}
