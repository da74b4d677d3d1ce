//! Configuration: defaults < TOML file < environment < flags.
//!
//! One typed value is made at start and never changes. A key that nobody knows stops the start with the key's name: a
//! misspelt limit that is silently ignored is found only when it is needed.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};

mod error;
mod units;

pub use error::ConfigError;
use error::explain;
pub use units::{ParseUnitError, Size, Span};

/// Environment variables with the prefix that are no configuration keys: the path of the file itself, and what the
/// project's own tests and tools are told.
const NOT_KEYS: [&str; 6] = ["config", "alloy", "cache", "loadtest_token", "skipped", "test_crash_dir"];

/// Everything that an operator may set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where everything that must last is kept.
    pub data_dir: PathBuf,
    /// How the server is reached from outside.
    pub server: ServerConfig,
    /// The HTTP listener.
    pub http: HttpConfig,
    /// The gRPC listener.
    pub grpc: GrpcConfig,
    /// OpAMP agents.
    pub opamp: OpampConfig,
    /// Alloy's polls.
    pub remotecfg: RemotecfgConfig,
    /// The collectors' own metrics.
    pub otlp: OtlpConfig,
    /// The state store.
    pub storage: StorageConfig,
    /// Logs.
    pub log: LogConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("linkmesh-data"),
            server: ServerConfig::default(),
            http: HttpConfig::default(),
            grpc: GrpcConfig::default(),
            opamp: OpampConfig::default(),
            remotecfg: RemotecfgConfig::default(),
            otlp: OtlpConfig::default(),
            storage: StorageConfig::default(),
            log: LogConfig::default(),
        }
    }
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// The address that operators and collectors use, without a path: `https://linkmesh.example.org`. Used in the setup
    /// link, in bootstrap files and in connection-settings offers. Defaults to the listen address on loopback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The longest that stopping may wait for sessions and requests.
    pub shutdown_timeout: Span,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { public_url: None, shutdown_timeout: Span::seconds(10) }
    }
}

/// `[http]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// Lets the server listen without TLS on an address that is not loopback: for a trusted network or behind a proxy.
    pub allow_plain: bool,
    /// Proxies whose `X-Forwarded-For` is believed, of operators and of collectors. Empty: nobody's.
    pub trusted_proxies: Vec<IpAddr>,
    /// Certificate and key, when the server speaks TLS itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// Threads that serve requests; 0 takes one for each core.
    pub workers: usize,
    /// The largest body of a REST request.
    pub max_body: Size,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Span,
    /// What messages and bodies that have not come to their end may hold of memory, all together; a quarter is for small
    /// ones alone. Twice the largest of them at least: a compressed one is held beside what it unpacks to.
    pub max_unfinished: Size,
    /// What large answers that their clients have not read yet may hold of memory, all together. 16 MiB or more.
    pub max_unsent: Size,
    /// How many HTTP connections one thread keeps open at most; OpAMP sockets are counted apart.
    pub max_connections: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            allow_plain: false,
            trusted_proxies: Vec::new(),
            tls: None,
            workers: 0,
            max_body: Size::mebibytes(2),
            body_timeout: Span::seconds(30),
            max_unfinished: Size::mebibytes(256),
            max_unsent: Size::mebibytes(256),
            max_connections: 20_000,
        }
    }
}

/// `[http.tls]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate and its chain.
    pub certificate: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
    /// PEM file with the authority that collectors verify the server by; sent in connection-settings offers, without
    /// which a supervisor would stop verifying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
}

/// `[grpc]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GrpcConfig {
    /// Where to listen. This version does not yet.
    pub listen: SocketAddr,
}

impl Default for GrpcConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 50_051) }
    }
}

/// `[opamp]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OpampConfig {
    /// The largest message in either direction, after decompression.
    pub max_message: Size,
    /// How many sockets may be open; the next is told to come back later.
    pub max_connections: usize,
    /// How many of them may have come with one enrolment token and not be known yet; the next is told to come back later.
    pub max_enrolling: usize,
    /// How often a silent peer is pinged.
    pub ping_interval: Span,
    /// How long a peer may be silent, pongs included, before it counts as gone. When it is not set: three heartbeats, and
    /// 90 s at least. An agent by plain HTTP, which cannot be pinged, is given that long in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silence: Option<Span>,
    /// How long a peer may leave what was written to it unread before it is cut.
    pub write_timeout: Span,
    /// The heartbeat that connection-settings offers ask of agents. Another one than before makes each of them dial again,
    /// once.
    pub heartbeat: Span,
}

impl Default for OpampConfig {
    fn default() -> Self {
        Self {
            max_message: Size::mebibytes(64),
            max_connections: 50_000,
            max_enrolling: 1_000,
            ping_interval: Span::seconds(25),
            silence: None,
            write_timeout: Span::seconds(30),
            heartbeat: Span::seconds(30),
        }
    }
}

impl OpampConfig {
    /// How long a peer may be silent before it counts as gone (opamp.md 2.4).
    #[must_use]
    pub fn silence(&self) -> Span {
        self.silence.unwrap_or_else(|| Span((self.heartbeat.0 * 3).max(Duration::from_secs(90))))
    }
}

/// `[remotecfg]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RemotecfgConfig {
    /// The largest request; an Alloy sends back the whole document that it runs, uncompressed.
    pub max_body: Size,
}

impl Default for RemotecfgConfig {
    fn default() -> Self {
        Self { max_body: Size::mebibytes(16) }
    }
}

/// `[otlp]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OtlpConfig {
    /// The largest push, after decompression.
    pub max_body: Size,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self { max_body: Size::mebibytes(8) }
    }
}

/// `[storage]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// How much memory the state file's page cache may take.
    pub cache: Size,
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { cache: Size::mebibytes(16) }
    }
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// What to log, in the syntax of `tracing`'s filters: `info`, or `info,linkmesh::http=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the command line says; each value wins over file and environment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Overrides {
    /// `--data-dir`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
    /// `--http`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<ListenOverride>,
    /// `--grpc`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc: Option<ListenOverride>,
}

/// A listen address from the command line.
#[derive(Debug, Clone, Serialize)]
pub struct ListenOverride {
    /// The address.
    pub listen: SocketAddr,
}

impl From<SocketAddr> for ListenOverride {
    fn from(listen: SocketAddr) -> Self {
        Self { listen }
    }
}

impl Config {
    /// Puts the layers together and checks the result.
    ///
    /// # Errors
    /// A named file that cannot be read, a key that does not exist, a value that its key does not take.
    pub fn load(file: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
            // Read by hand and not by figment, which takes a missing file for an empty one.
            figment = figment.merge(Toml::string(&text));
        }
        let mut config: Self = figment
            .merge(Env::prefixed("LINKMESH_").ignore(&NOT_KEYS).split("__"))
            .merge(Serialized::defaults(overrides))
            .extract()
            .map_err(|error| explain(&error, file))?;
        config.check()?;
        // The effective value is what `check-config` shows.
        config.opamp.silence = Some(config.opamp.silence());
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.http.tls.is_none() && !self.http.listen.ip().is_loopback() && !self.http.allow_plain {
            return Err(ConfigError::bad(
                "http.listen",
                format!(
                    "{} is not loopback and no certificate is configured: set http.tls.certificate and http.tls.key, or \
                     http.allow_plain = true on a trusted network or behind a proxy",
                    self.http.listen
                ),
            ));
        }
        if let Some(url) = &self.server.public_url {
            check_public_url(url)?;
        }
        if self.opamp.silence() <= self.opamp.ping_interval {
            return Err(ConfigError::bad("opamp.silence", "must be longer than opamp.ping_interval"));
        }
        if self.opamp.heartbeat.0.as_secs() == 0 {
            return Err(ConfigError::bad("opamp.heartbeat", "must be a second or more: agents take 0 for never"));
        }
        for (key, span) in [
            ("http.body_timeout", self.http.body_timeout),
            ("opamp.ping_interval", self.opamp.ping_interval),
            ("opamp.write_timeout", self.opamp.write_timeout),
        ] {
            if span.0.is_zero() {
                return Err(ConfigError::bad(key, "must be more than nothing"));
            }
        }
        for (key, size) in [
            ("http.max_body", self.http.max_body),
            ("opamp.max_message", self.opamp.max_message),
            ("remotecfg.max_body", self.remotecfg.max_body),
            ("otlp.max_body", self.otlp.max_body),
        ] {
            if size.0 < 1024 {
                return Err(ConfigError::bad(key, "must be 1KiB or more"));
            }
            let unfinished = self.http.max_unfinished;
            if unfinished.0 / 2 < size.0 {
                return Err(ConfigError::bad(
                    "http.max_unfinished",
                    format!(
                        "{unfinished} is less than twice `{key}`, which is {size}: a message of that size could not be taken"
                    ),
                ));
            }
        }
        if self.http.max_unsent < Size::mebibytes(16) {
            return Err(ConfigError::bad("http.max_unsent", "must be 16MiB or more: a page of a list may have 4 MiB"));
        }
        if self.opamp.max_enrolling == 0 {
            return Err(ConfigError::bad("opamp.max_enrolling", "must be 1 or more"));
        }
        Ok(())
    }

    /// The effective values as a TOML file, for `linkmesh check-config`.
    ///
    /// No key of today holds a secret: keys and certificates are named by their files.
    ///
    /// # Errors
    /// Never for a value that was loaded; the serializer's error otherwise.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

fn check_public_url(url: &str) -> Result<(), ConfigError> {
    let bad = |reason: &str| Err(ConfigError::bad("server.public_url", format!("{url:?} {reason}")));
    let Some(authority) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return bad("must start with https:// or http://");
    };
    if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
        return bad("must be scheme, host and port only, with no path, no user and no slash at the end");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
