//! Versions of the two runtimes, as far as configs depend on them: the first two numbers.

use std::fmt;

/// A version of otelcol or of Alloy.
///
/// Later parts are left out: what a config may hold changes with the second number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The first number.
    pub major: u16,
    /// The second one.
    pub minor: u16,
}

impl Version {
    /// The version `major.minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads what a collector reports: `0.158.0`, `v1.8.3`, `1.19.0-rc.0`. `None` when it begins otherwise: then
    /// nothing is known of it.
    #[must_use]
    pub fn read(reported: &str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let (major, rest) = reported.strip_prefix('v').unwrap_or(reported).split_once('.')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        Some(Self { major: digits(major)?, minor: digits(rest.get(..end)?)? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_are_read_and_everything_else_is_unknown() {
        for (text, read) in [
            ("0.158.0", Some((0, 158))),
            ("v1.8.3", Some((1, 8))),
            ("1.19.0-rc.0", Some((1, 19))),
            ("0.149", Some((0, 149))),
            ("1.2-dev", Some((1, 2))),
            ("", None),
            ("v", None),
            ("latest", None),
            ("1", None),
            ("1.", None),
            (".5", None),
            ("+1.2", None),
            ("1.+2", None),
            ("0.70000", None),
            ("vv1.2", None),
        ] {
            assert_eq!(Version::read(text), read.map(|(major, minor)| Version::new(major, minor)), "{text}");
        }
    }

    #[test]
    fn versions_are_ordered_by_number() {
        assert!(Version::new(0, 99) < Version::new(0, 149));
        assert!(Version::new(0, 149) < Version::new(1, 0));
        assert_eq!(Version::new(0, 149).to_string(), "0.149");
    }
}
