//! Why there is no configuration, in the operator's words.

use std::path::{Path, PathBuf};

/// Why there is no configuration. The program ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named cannot be read.
    #[error("the configuration file {path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A key that does not exist.
    #[error("unknown configuration key `{key}` ({place}); known here: {known}")]
    UnknownKey {
        /// The whole key, with dots.
        key: String,
        /// The file or variable that holds it.
        place: String,
        /// The keys that exist at that place.
        known: String,
    },
    /// A value that its key does not take.
    #[error("configuration key `{key}` ({place}): {reason}")]
    BadValue {
        /// The whole key, with dots.
        key: String,
        /// The file or variable that holds it.
        place: String,
        /// What is wrong with the value.
        reason: String,
    },
}

impl ConfigError {
    pub(super) fn bad(key: &str, reason: impl Into<String>) -> Self {
        Self::BadValue { key: key.to_owned(), place: "effective value".to_owned(), reason: reason.into() }
    }
}

/// Turns figment's error into one that names the key as the operator wrote it.
pub(super) fn explain(error: &figment::Error, file: Option<&Path>) -> ConfigError {
    // A chain of errors comes when several keys are wrong; the first is told, like a compiler that stops early.
    let place = match error.metadata.as_ref().map(|metadata| metadata.name.as_ref()) {
        Some(name) if name.contains("environment") => "environment".to_owned(),
        Some(name) if name.contains("TOML") => {
            file.map_or_else(|| "configuration file".to_owned(), |path| path.display().to_string())
        }
        _ => "command line".to_owned(),
    };
    let key_of = |last: Option<&str>| {
        let mut parts = error.path.clone();
        if let Some(last) = last
            && parts.last().map(String::as_str) != Some(last)
        {
            parts.push(last.to_owned());
        }
        parts.join(".")
    };
    match &error.kind {
        figment::error::Kind::UnknownField(name, known) => {
            ConfigError::UnknownKey { key: key_of(Some(name)), place, known: known.join(", ") }
        }
        figment::error::Kind::MissingField(name) => {
            ConfigError::BadValue { key: key_of(Some(name)), place, reason: "is missing".to_owned() }
        }
        kind => ConfigError::BadValue { key: key_of(None), place, reason: kind.to_string() },
    }
}
