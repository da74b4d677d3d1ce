//! Records as JSON: the OTLP/JSON encoding, read leniently and written as the collector writes it.
//!
//! Source: opentelemetry-proto, "JSON Protobuf Encoding": names in lowerCamelCase, 64-bit numbers as text, ids in
//! hexadecimal, octets in base64, enumerations as numbers, unknown fields passed over.
//!
//! Reading follows the collector's unmarshaler where senders differ: names in snake case, 64-bit numbers as numbers and
//! names of enumerations are taken as well, and so are several documents one after another, which is what the collector's
//! file exporter writes. Unlike there, `null` is what is not there, for every field, and an attribute that comes twice is
//! an error: [`Attributes`](super::Attributes) hold each key once, and to pick one would change the record.
//!
//! Writing follows the collector's marshaler to the field: what is zero is left out except for messages that are always
//! there (`resource`, `scope`, `body`, `value`, `status`, `positive`, `negative`), in the order of its fields. A text of
//! the file exporter is the same JSON value after reading and writing.

mod document;
mod field;
mod messages;
mod metrics;
mod read;
mod value;
mod write;
mod write_metrics;

use std::fmt;

use super::{LogRecord, Metric, Span, Telemetry};

/// How much is read.
///
/// Texts come from people and programs that nobody vouches for: each bound is checked while reading, before memory is
/// taken for what is beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest text, in octets.
    pub bytes: usize,
    /// The most log records, data points or spans; also the most resources, scopes and metrics, each by itself. Four
    /// times as many events, links, exemplars, quantiles and references to entities may stand in them.
    pub records: usize,
    /// How deep values may be nested; a text or a number is 1 deep. [`MAX_DEPTH`] is the most that is heeded.
    pub depth: usize,
}

/// The deepest nesting of values that [`Limits`] can ask for: beyond it reading could use up the stack.
pub const MAX_DEPTH: usize = 128;

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, records: 1_000, depth: 32 }
    }
}

/// Why a text is not OTLP/JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ReadError {
    /// The field, for example `resourceLogs[0].scopeLogs[1].logRecords[2].timeUnixNano`; empty for the whole text.
    pub path: String,
    /// What is wrong, for a person.
    pub message: String,
    /// Line and column of the text, from 1; `None` where there is no text.
    pub position: Option<(usize, usize)>,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.reason())
    }
}

impl ReadError {
    /// What is wrong and where in the text, without the field: for who names that beside it.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.position {
            Some((line, column)) => format!("{} (line {line}, column {column})", self.message),
            None => self.message.clone(),
        }
    }
}

/// Reads a text: one document, or several of one kind one after another.
///
/// # Errors
/// The text is not JSON, holds records of no kind or of two, has a field of the wrong type, or is beyond a limit.
pub fn read(text: &[u8], limits: &Limits) -> Result<Telemetry, ReadError> {
    document::read_text(text, limits)
}

/// Reads one document that has been parsed already. Of the limits `bytes` is not looked at.
///
/// # Errors
/// As for [`read`].
pub fn read_value(document: &serde_json::Value, limits: &Limits) -> Result<Telemetry, ReadError> {
    document::read_value(document, limits)
}

/// Writes one document, in one line.
///
/// [`Telemetry`] and its parts are `Serialize` in the same form, to be put into another document or compared part by part.
/// Without any resource there is an empty list, where the collector writes `{}`: the kind is not lost by that.
#[must_use]
pub fn write(telemetry: &Telemetry) -> String {
    // Fails for maps whose keys are not text and for writers that fail: neither is here.
    serde_json::to_string(telemetry).unwrap_or_default()
}

/// What the fields are called that hold records of a kind.
trait Record {
    /// In a document.
    const RESOURCES: &'static str;
    /// In a resource.
    const SCOPES: &'static str;
    /// In a scope.
    const RECORDS: &'static str;
}

impl Record for LogRecord {
    const RESOURCES: &'static str = "resourceLogs";
    const SCOPES: &'static str = "scopeLogs";
    const RECORDS: &'static str = "logRecords";
}

impl Record for Metric {
    const RESOURCES: &'static str = "resourceMetrics";
    const SCOPES: &'static str = "scopeMetrics";
    const RECORDS: &'static str = "metrics";
}

impl Record for Span {
    const RESOURCES: &'static str = "resourceSpans";
    const SCOPES: &'static str = "scopeSpans";
    const RECORDS: &'static str = "spans";
}

#[cfg(test)]
mod tests;
