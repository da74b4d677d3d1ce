//! Checks of single values: durations, sizes, addresses, URLs, file patterns, OTTL. Schemas name them by `x-check`.

use linkmesh_ottl::{
    Problem,
    regex::{Pattern, PatternErrorKind, Shape},
    syntax,
};

use crate::domain::secret::gives_away;

pub mod files;
mod glob;
pub mod name;
pub mod places;
pub mod target;

/// Reads a duration as Go writes it: `300ms`, `10s`, `1h30m`. In nanoseconds.
///
/// # Errors
/// What is wrong, for a person.
pub fn duration_ns(text: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let wrong = || "must be a duration such as 300ms, 10s or 1h30m".to_owned();
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let length = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at_checked(length).ok_or_else(wrong)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let part = number.checked_mul(*factor).ok_or("is too long")?;
        total = total.checked_add(part).ok_or("is too long")?;
        rest = after;
    }
    // Go's durations are signed 64-bit nanoseconds.
    if text.is_empty() || i64::try_from(total).is_err() { Err(wrong()) } else { Ok(total) }
}

/// Reads a size: `20MiB`, `512KiB`, `1GiB`, `100B`. In bytes.
///
/// # Errors
/// What is wrong, for a person.
pub fn size_bytes(text: &str) -> Result<u64, String> {
    let wrong = || "must be a size such as 512KiB or 20MiB".to_owned();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes <= 1 << 50).ok_or_else(|| "is too large".to_owned())
}

/// Takes an address to listen on apart: `0.0.0.0:4317`, `[::1]:4317`, `localhost:4317`, `:4317`.
///
/// # Errors
/// What is wrong, for a person.
pub fn listen_address(text: &str) -> Result<(&str, u16), String> {
    let wrong = || "must be an address and a port such as 0.0.0.0:4317".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = match host.strip_prefix('[') {
        Some(inner) => {
            let inner = inner.strip_suffix(']').ok_or_else(wrong)?;
            inner.parse::<std::net::Ipv6Addr>().map_err(|_| "the address in brackets must be IPv6".to_owned())?;
            inner
        }
        None if host.contains(':') => return Err("an IPv6 address must stand in brackets".to_owned()),
        None => host,
    };
    let host_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
    if !host_name || host.len() > 253 {
        return Err(wrong());
    }
    if port.is_empty() || port.len() > 5 || port.starts_with('0') || !port.bytes().all(|b| b.is_ascii_digit()) {
        return Err("the port must be a number from 1 to 65535".to_owned());
    }
    let port = port.parse().map_err(|_| "the port must be a number from 1 to 65535".to_owned())?;
    Ok((host, port))
}

/// Checks a URL to send to.
///
/// # Errors
/// What is wrong, for a person.
pub fn http_url(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let rest = rest.ok_or("must begin with http:// or https://")?;
    if text.chars().any(|c| {
        c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
    }) {
        return Err("holds a character that no URL has".to_owned());
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if tail.contains('#') {
        return Err("must not have a fragment".to_owned());
    }
    // A host that is no name of ASCII may be written in escapes, and a query may hold anything.
    let path = tail.split('?').next().unwrap_or_default();
    if !are_escapes(path, 0) || !are_escapes(authority, 0x80) {
        return Err("holds a `%` that two hexadecimal digits must follow; of itself it is `%25`".to_owned());
    }
    if authority.contains('@') {
        return Err("must not hold a user or password; use a header".to_owned());
    }
    if let Some(what) = gives_away(text) {
        return Err(format!("must not hold {what}, which everybody could read; use a header"));
    }
    let bracketed = authority.starts_with('[');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !bracketed || host.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() || (!bracketed && host.contains([':', '[', ']'])) {
        return Err("needs a host".to_owned());
    }
    if bracketed {
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or_default();
        inner.parse::<std::net::Ipv6Addr>().map_err(|_| "the address in brackets must be IPv6".to_owned())?;
    }
    match port {
        Some(port)
            if !port.bytes().all(|b| b.is_ascii_digit()) || port.parse::<u16>().map_or(true, |port| port == 0) =>
        {
            Err("the port must be a number from 1 to 65535".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether each `%` begins an escape, of at least this octet (Go: `net/url`, `unescape`).
fn are_escapes(text: &str, least: u8) -> bool {
    text.split('%').skip(1).all(|after| {
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).is_some_and(|octet| octet >= least)
    })
}

/// Checks a pattern of file names.
///
/// # Errors
/// What is wrong, for a person.
pub fn file_pattern(text: &str) -> Result<(), String> {
    let drive = text.as_bytes().get(1..3).is_some_and(|rest| rest == b":\\" || rest == b":/");
    if !text.starts_with('/') && !drive {
        return Err("must be an absolute path".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("holds an invisible character".to_owned());
    }
    if drive && text.ends_with('\\') {
        return Err("ends in a backslash".to_owned());
    }
    let mut alternatives = 0_usize;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if !drive => {
                chars.next().ok_or("ends in a backslash")?;
            }
            '[' => {
                chars.next_if(|c| matches!(c, '^' | '!'));
                let mut empty = true;
                loop {
                    match chars.next() {
                        Some(']') if empty => return Err("`[]` holds no character".to_owned()),
                        Some(']') => break,
                        Some('\\') if !drive => {
                            chars.next();
                        }
                        Some(_) => {}
                        None => return Err("a `]` is missing".to_owned()),
                    }
                    empty = false;
                }
            }
            '{' => alternatives += 1,
            '}' => alternatives = alternatives.checked_sub(1).ok_or("a `}` closes nothing")?,
            _ => {}
        }
    }
    if alternatives > 0 { Err("a `}` is missing".to_owned()) } else { Ok(()) }
}

/// Checks a regular expression as both runtimes do: Go's dialect, RE2. It is not compiled, which would take a core for a
/// second where a kilobyte of it means a megabyte. `None` is one that is only too large to be looked into here: a
/// collector may well take it.
///
/// # Errors
/// What is wrong, in Go's words, and where.
pub fn regex(text: &str) -> Result<Option<Shape>, String> {
    match Pattern::check(text) {
        Ok(shape) => Ok(Some(shape)),
        Err(error) if error.kind == PatternErrorKind::TooLarge => Ok(None),
        Err(error) => {
            let column = text.get(..error.offset).map_or(0, |before| before.chars().count()) + 1;
            Err(format!("is not a regular expression (RE2) at character {column}: {error}"))
        }
    }
}

/// Reads a condition in OTTL by its grammar; what its names stand for depends on what it is asked of.
///
/// # Errors
/// What is wrong, and where.
pub fn ottl(text: &str) -> Result<(), String> {
    readable(text, syntax::condition)
}

/// Reads a statement in OTTL as [`ottl`] does a condition.
///
/// # Errors
/// What is wrong, and where.
pub fn ottl_statement(text: &str) -> Result<(), String> {
    readable(text, syntax::statement)
}

fn readable<T>(text: &str, read: impl Fn(&str) -> Result<T, Vec<Problem>>) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    read(text).map(|_| ()).map_err(|problems| in_words(&problems))
}

/// Problems of a text, each with its line and character.
#[must_use]
pub fn in_words(problems: &[Problem]) -> String {
    problems.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        assert_eq!(duration_ns("10s"), Ok(10_000_000_000));
        assert_eq!(duration_ns("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(duration_ns("0s"), Ok(0));
        for bad in ["", "10", "s", "1d", "-1s", "1 s", "1.5s", "ä", "9999999999999h", "5s5"] {
            assert!(duration_ns(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(size_bytes("20MiB"), Ok(20 << 20));
        assert_eq!(size_bytes("100B"), Ok(100));
        for bad in ["", "20", "20MB", "MiB", "1.5MiB", "99999999999999999999GiB", "-1B"] {
            assert!(size_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_have_a_port() {
        assert_eq!(listen_address("0.0.0.0:4317"), Ok(("0.0.0.0", 4317)));
        assert_eq!(listen_address("[::1]:1"), Ok(("::1", 1)));
        assert_eq!(listen_address(":4317"), Ok(("", 4317)));
        assert_eq!(listen_address("localhost:65535"), Ok(("localhost", 65535)));
        for bad in [
            "",
            "4317",
            "0.0.0.0",
            "::1:4317",
            "[::1",
            "[x]:1",
            "h:0",
            "h:65536",
            "h:01",
            "h:+1",
            "a b:1",
            "${env:X}:1",
        ] {
            assert!(listen_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_have_a_host_and_no_credentials() {
        for good in [
            "https://otlp.example.com",
            "http://127.0.0.1:4318",
            "https://h/otlp?x=1",
            "http://[::1]:4318/v1",
            "https://h/a%20b%C3%a4?q=100%",
            "https://b%C3%BCcher.example/",
        ] {
            assert_eq!(http_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "otlp.example.com:4317",
            "ftp://h",
            "https://",
            "https:///x",
            "https://u:p@h",
            "http://h:0",
            "http://h:99999",
            "http://h x",
            "http://a:b:c",
            "http://h/#f",
            "https://${env:H}",
            "http://[x]/",
            "https://h/100%",
            "https://h/%4",
            "https://h/%zz/a",
            "https://h%41/",
            "http://h:+80",
        ] {
            assert!(http_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn file_patterns_are_absolute_and_closed() {
        for good in ["/var/log/*.log", "/var/log/**/[a-z]?.{log,txt}", r"C:\logs\*.log", "/a/\\[x", "/a]", "/[a\\]]"] {
            assert_eq!(file_pattern(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "var/log",
            "*.log",
            "/var/[a",
            "/var/{a,b",
            "/a\nb",
            "/a\\",
            r"C:\logs\",
            "/a}",
            "/{a}}",
            "/[]a]",
            "/[^]",
        ] {
            assert!(file_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn regexes_are_gos() {
        let groups = |pattern: &str| regex(pattern).unwrap().unwrap().names.join(" ");
        assert_eq!(groups(r"^(?P<a>\S+) (?:(b)|(?P<c>x)*)$"), " a  c");
        assert!(regex(r"\p{Greek}\Q(\E").unwrap().is_some());
        assert!(regex(&"a".repeat(17 << 10)).unwrap().is_none());
        // Compiled, this takes more memory than a pattern may have here.
        assert!(Pattern::new(r"\pL{900}").is_err() && regex(r"\pL{900}").unwrap().is_some());
        for (bad, said) in [
            ("(", "1: missing closing )"),
            ("a(?=x)", "2: invalid or unsupported Perl syntax"),
            (r"(x)\1", "4: invalid escape"),
        ] {
            let error = regex(bad).unwrap_err();
            assert!(error.contains(&format!("at character {said}")), "{error}");
        }
    }

    #[test]
    fn ottl_is_read_by_its_grammar() {
        for good in [
            r#"IsMatch(body, "a\"b") and body == "\")""#,
            r#"IsMatch(Concat([a, b], "("), "\\d+(x|y)")"#,
            r#"IsMatch(body, "\\QA(")"#,
            "severity_number < 9",
            r#"attributes["x"] == nil and not (1 == 2)"#,
        ] {
            assert_eq!(ottl(good), Ok(()), "{good}");
        }
        for bad in
            ["", " ", "a)", "a) or (b", "(a", r#"body == "x"#, "body == 'x'", r#"attributes["x""#, "set(a, 1) where b"]
        {
            assert!(ottl(bad).is_err(), "{bad}");
        }
    }
}
