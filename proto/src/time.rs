//! Points in time as they cross the wire.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::id::{ParseIdError, text_serde};

/// Milliseconds since 1970-01-01T00:00:00Z by the server's clock. RFC 3339 with milliseconds in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point this many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The point this much later.
    #[must_use]
    pub fn plus(self, duration: std::time::Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; zero when it is not after.
    #[must_use]
    pub fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl FromStr for Timestamp {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        rfc3339::parse(text).map(Self).ok_or_else(|| ParseIdError {
            kind: "time",
            text: text.chars().take(80).collect(),
            reason: "RFC 3339",
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match rfc3339::text(self.0) {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}", self.0),
        }
    }
}
text_serde!(Timestamp);

#[cfg(not(target_arch = "wasm32"))]
mod rfc3339 {
    pub(super) fn parse(text: &str) -> Option<i64> {
        text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
    }

    pub(super) fn text(millis: i64) -> Option<String> {
        jiff::Timestamp::from_millisecond(millis).ok().map(|time| format!("{time:.3}"))
    }
}

/// By what every browser brings: the library would be a twentieth of the page.
#[cfg(target_arch = "wasm32")]
mod rfc3339 {
    /// What a JavaScript date can hold, from the epoch; beyond it, writing one throws.
    const REACH_MS: f64 = 8.64e15;

    pub(super) fn parse(text: &str) -> Option<i64> {
        let millis = js_sys::Date::parse(text);
        millis.is_finite().then_some(millis as i64)
    }

    pub(super) fn text(millis: i64) -> Option<String> {
        let millis = millis as f64;
        (millis.abs() <= REACH_MS).then(|| js_sys::Date::new(&millis.into()).to_iso_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_with_milliseconds() {
        let time = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!("2023-11-14T22:13:20.000Z".parse(), Ok(time));
    }
}
