//! Everything that runs, started in one place.

use std::{sync::Arc, time::Duration};

use crate::{
    domain::secret::Sealer,
    feed::FeedHandle,
    fleet::FleetHandle,
    meter::MeterHandle,
    ports::{Clock, ConfigRepository, Entropy, RepositoryError, StateStore, StoreError},
    repository::RepositoryHandle,
    runtime::{GiveUp, Observe},
};

/// Opens the config repository on its worker thread; called again after a panic there.
pub type OpenRepository = Box<dyn FnMut() -> Result<Box<dyn ConfigRepository>, RepositoryError> + Send>;

/// What the actors need of the binary.
pub struct Deps {
    /// The state store.
    pub store: Arc<dyn StateStore>,
    /// Opens the config repository.
    pub repository: OpenRepository,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Seals and opens secrets.
    pub sealer: Arc<dyn Sealer>,
    /// Counters; share it with what the binary counts itself.
    pub observe: Arc<Observe>,
    /// Limits and addresses.
    pub settings: Settings,
    /// Called when a singleton keeps dying: end the process.
    pub give_up: GiveUp,
}

/// Limits and addresses.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's address as collectors see it, without a slash at its end; `None` when none is known: then no
    /// connection settings are offered.
    pub public_url: Option<String>,
    /// The CA certificate (PEM) that collectors should trust the server by; offered beside its address.
    pub ca_pem: Option<String>,
    /// Threads for collector actors; the number of cores.
    pub threads: usize,
    /// How many agents are asked for their full state in a second.
    pub full_states_per_second: u32,
    /// How long a rotated token stays valid after a fresh process first used the newer one.
    pub previous_token_grace: Duration,
    /// How long a deregistered collector is kept.
    pub deregistered_retention: Duration,
    /// How often the branch is looked at for commits made by hand.
    pub repository_poll: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            public_url: None,
            ca_pem: None,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
            full_states_per_second: 100,
            previous_token_grace: DAY * 7,
            deregistered_retention: DAY * 30,
            repository_poll: Duration::from_secs(5),
        }
    }
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state store cannot be read.
    #[error("the state store cannot be read")]
    Store(#[from] StoreError),
    /// The config repository cannot be opened.
    #[error("the config repository cannot be opened")]
    Repository(#[from] RepositoryError),
    /// A thread cannot be started.
    #[error("a thread cannot be started")]
    Thread(#[from] std::io::Error),
}

/// The running actors, as the edge sees them. Cheap to clone.
#[derive(Clone)]
pub struct Handles {
    /// Collectors.
    pub fleet: FleetHandle,
    /// The config repository.
    pub repository: RepositoryHandle,
    /// The live feed.
    pub feed: FeedHandle,
    /// Throughput.
    pub meter: MeterHandle,
    /// Counters.
    pub observe: Arc<Observe>,
}
