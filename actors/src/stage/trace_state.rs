//! `tracestate` and what samplers say in it: randomness and threshold.
//!
//! Source: W3C Trace Context 2, section 3.3; OpenTelemetry's page on probability sampling in `tracestate`; limits as `pkg/sampling`
//! has them.

/// One more than the greatest randomness: thresholds and randomness have 56 bits.
const ALL: u64 = 1 << 56;

/// How many of 2^56 are rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Threshold(pub(super) u64);

/// Nothing is rejected.
pub(super) const ALWAYS: Threshold = Threshold(0);
/// Everything is rejected.
pub(super) const NEVER: Threshold = Threshold(ALL);

/// What stands in for chance: below 2^56.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Randomness(pub(super) u64);

/// Passes every threshold but [`NEVER`].
pub(super) const LUCKIEST: Randomness = Randomness(ALL - 1);

impl Threshold {
    pub(super) const fn samples(self, randomness: Randomness) -> bool {
        self.0 <= randomness.0
    }

    /// `th`: hexadecimal without the zeros at the end; empty for [`NEVER`].
    pub(super) fn text(self) -> String {
        match self {
            ALWAYS => "0".to_owned(),
            Self(rejected) if rejected >= ALL => String::new(),
            Self(rejected) => format!("{rejected:014x}").trim_end_matches('0').to_owned(),
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = u32::try_from(text.len()).ok()?;
        Some(Self(hexadecimal(text)? << (4 * 14_u32.checked_sub(digits)?)))
    }
}

impl Randomness {
    /// `rv`: 14 hexadecimal digits.
    pub(super) fn text(self) -> String {
        format!("{:014x}", self.0)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        hexadecimal(text).filter(|_| text.len() == 14).map(Self)
    }
}

fn hexadecimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|digit| digit.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| plain)
}

/// A `tracestate` that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct TraceState {
    pub(super) randomness: Option<Randomness>,
    pub(super) threshold: Option<Threshold>,
    /// What else stands in OpenTelemetry's member.
    ours: Vec<(String, String)>,
    /// The other members.
    others: Vec<(String, String)>,
}

impl TraceState {
    /// Reads a `tracestate`; `None` when it is malformed or beyond a limit.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut state = Self::default();
        if text.is_empty() {
            return Some(state);
        }
        if text.len() > 1024 {
            return None;
        }
        for (index, member) in text.split(',').enumerate() {
            let member = member.trim_matches([' ', '\t']);
            // A comma at the end is no member more.
            let last = member.is_empty() && text.split(',').nth(index + 1).is_none();
            if index >= 31 && !last {
                return None;
            }
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) {
                return None;
            }
            if key == "ot" {
                state.read_ours(value)?;
            } else {
                state.others.push((key.to_owned(), value.to_owned()));
            }
        }
        Some(state)
    }

    fn read_ours(&mut self, text: &str) -> Option<()> {
        if text.len() > 256 {
            return None;
        }
        (self.randomness, self.threshold) = (None, None);
        self.ours.clear();
        for member in text.split(';') {
            let (key, value) = member.split_once(':')?;
            let mut letters = key.bytes();
            let is_key = letters.next().is_some_and(|first| first.is_ascii_lowercase())
                && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit());
            let is_value = value.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'));
            if !is_key || !is_value {
                return None;
            }
            match key {
                "rv" => self.randomness = Some(Randomness::parse(value)?),
                "th" => self.threshold = Some(Threshold::parse(value).filter(|_| !value.is_empty())?),
                _ => self.ours.push((key.to_owned(), value.to_owned())),
            }
        }
        Some(())
    }

    /// The text: OpenTelemetry's member first, the others in their order.
    pub(super) fn text(&self) -> String {
        let randomness = self.randomness.map(|randomness| ("rv".to_owned(), randomness.text()));
        let threshold = self.threshold.map(|threshold| ("th".to_owned(), threshold.text()));
        let threshold = threshold.filter(|(_, text)| !text.is_empty());
        let ours: Vec<String> = randomness
            .into_iter()
            .chain(threshold)
            .chain(self.ours.iter().cloned())
            .map(|(key, value)| format!("{key}:{value}"))
            .collect();
        let ours = (!ours.is_empty()).then(|| format!("ot={}", ours.join(";")));
        let others = self.others.iter().map(|(key, value)| format!("{key}={value}"));
        ours.into_iter().chain(others).collect::<Vec<_>>().join(",")
    }
}

fn is_key(key: &str) -> bool {
    let rest = |text: &str| text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-*/".contains(&c));
    let first = |text: &str| text.bytes().next().unwrap_or_default();
    if key.len() > 256 {
        return false;
    }
    match key.split_once('@') {
        Some((tenant, system)) => {
            (first(tenant).is_ascii_lowercase() || first(tenant).is_ascii_digit())
                && first(system).is_ascii_lowercase()
                && rest(tenant)
                && rest(system)
                && tenant.len() <= 241
                && system.len() <= 14
        }
        None => first(key).is_ascii_lowercase() && rest(key),
    }
}

fn is_value(value: &str) -> bool {
    let printable = value.bytes().all(|c| (0x20..=0x7e).contains(&c) && c != b',' && c != b'=');
    printable && !value.is_empty() && value.len() <= 256 && !value.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_and_written() {
        for (text, expected) in [
            ("", ""),
            ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
            ("a=b , ,ot=th:c;x:y;rv:0123456789abcd", "ot=rv:0123456789abcd;th:c;x:y,a=b"),
            ("t@sys=1,", "t@sys=1"),
        ] {
            assert_eq!(TraceState::parse(text).unwrap().text(), expected, "{text}");
        }
        for bad in [
            "a",
            "A=b",
            "a=",
            "a=b=c",
            "ot=th",
            "ot=th:",
            "ot=rv:1",
            "ot=a:b;",
            "ot=th:123456789012345",
            "ot=A:b",
            "@a=b",
            "a=b\u{7f}",
        ] {
            assert_eq!(TraceState::parse(bad), None, "{bad}");
        }
        let many = |count: usize| vec!["a=b"; count].join(",");
        assert!(TraceState::parse(&many(31)).is_some());
        assert_eq!(TraceState::parse(&many(32)), None);
        assert_eq!(TraceState::parse(&format!("a={}", "b".repeat(1023))), None);
    }

    #[test]
    fn thresholds_are_written_without_zeros_at_the_end() {
        assert_eq!(Threshold::parse("c").unwrap().0, 0xc << 52);
        assert_eq!(Threshold(0xe66 << 44).text(), "e66");
        assert_eq!((ALWAYS.text(), NEVER.text()), ("0".to_owned(), String::new()));
        assert!(ALWAYS.samples(Randomness(0)) && !NEVER.samples(LUCKIEST));
    }
}
