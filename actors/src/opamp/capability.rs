//! Capability bits (opamp-spec, `AgentCapabilities` and `ServerCapabilities`).

/// What this server can do: accepts status, offers remote config, accepts effective config, offers connection settings.
/// Only what is implemented may be advertised.
pub const SERVER_CAPABILITIES: u64 = 0x1 | 0x2 | 0x4 | 0x20;

/// What an agent can do. Agents may change it at any time, so it is read when something is about to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AgentCapabilities(pub u64);

impl AgentCapabilities {
    /// Takes a config from the server.
    pub const ACCEPTS_REMOTE_CONFIG: u64 = 0x2;
    /// Says what it runs.
    pub const REPORTS_EFFECTIVE_CONFIG: u64 = 0x4;
    /// Sends its own metrics where the server says.
    pub const REPORTS_OWN_METRICS: u64 = 0x40;
    /// Takes OpAMP connection settings.
    pub const ACCEPTS_OPAMP_SETTINGS: u64 = 0x100;
    /// Takes a restart command.
    pub const ACCEPTS_RESTART: u64 = 0x400;
    /// Says how it is.
    pub const REPORTS_HEALTH: u64 = 0x800;
    /// Says what became of a config.
    pub const REPORTS_REMOTE_CONFIG: u64 = 0x1000;
    /// Says which components are built in.
    pub const REPORTS_COMPONENTS: u64 = 0x4000;

    /// Whether all these bits are set.
    #[must_use]
    pub const fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }
}
