//! Logs, on standard error: lower case, ids as fields, an error once, where it is handled.
//!
//! Tokens, passwords and config bodies never reach a log line; whoever logs a request logs its route, not its query.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.filter` does not parse.
    #[error("configuration key `log.filter`: {text:?} is not a filter")]
    BadFilter {
        /// The filter.
        text: String,
        /// Where it breaks.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
}

/// Starts logging for this process. A second call in one process, as in tests, changes nothing.
///
/// # Errors
/// A filter that does not parse.
pub fn start(config: &LogConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|source| TelemetryError::BadFilter { text: config.filter.clone(), source })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    drop(started);
    Ok(())
}
