//! Checks of single values: durations, sizes, addresses, URLs, file patterns, OTTL. Schemas name them by `x-check`.

use linkmesh_ottl::regex::{Pattern, PatternErrorKind};

use crate::domain::secret::gives_away;

pub mod name;
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
        Some(port) if port.parse::<u16>().map_or(true, |port| port == 0) => {
            Err("the port must be a number from 1 to 65535".to_owned())
        }
        _ => Ok(()),
    }
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

/// Checks a regular expression as both runtimes read it: Go's dialect, RE2. One that is only too large to be tried in a
/// dry run is a good one.
///
/// # Errors
/// What is wrong, in Go's words, and where.
pub fn regex(text: &str) -> Result<(), String> {
    match Pattern::new(text) {
        Err(error) if error.kind == PatternErrorKind::Syntax => {
            let column = text.get(..error.offset).map_or(0, |before| before.chars().count()) + 1;
            Err(format!("is not a regular expression (RE2) at character {column}: {error}"))
        }
        _ => Ok(()),
    }
}

/// Looks an OTTL condition over: not empty, strings and brackets closed. The collector's own parser has the last word.
///
/// # Errors
/// What is wrong, for a person.
pub fn ottl(text: &str) -> Result<(), String> {
    ottl_statement(text)?;
    if text.contains(" where ") { Err("a condition has no `where`".to_owned()) } else { Ok(()) }
}

/// Looks an OTTL statement over as [`ottl`] does a condition.
///
/// # Errors
/// What is wrong, for a person.
pub fn ottl_statement(text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("must not be empty".to_owned());
    }
    if text.contains('\0') {
        return Err("holds an invisible character".to_owned());
    }
    let mut closers = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => loop {
                match chars.next() {
                    Some('"') => break,
                    Some('\\') => {
                        chars.next();
                    }
                    Some(_) => {}
                    None => return Err("a text in double quotes does not end".to_owned()),
                }
            },
            '\'' => return Err("texts stand in double quotes".to_owned()),
            '(' => closers.push(')'),
            '[' => closers.push(']'),
            '{' => closers.push('}'),
            ')' | ']' | '}' if closers.pop() != Some(c) => return Err(format!("a `{c}` closes nothing")),
            _ => {}
        }
    }
    match closers.pop() {
        Some(closer) => Err(format!("a `{closer}` is missing")),
        None => patterns(text).iter().try_for_each(|pattern| {
            regex(pattern).map(|_| ()).map_err(|_| format!("`{pattern}` is not a regular expression of RE2"))
        }),
    }
}

/// Reads a regular expression of RE2; `None` is one that RE2 may know and our parser does not, where the collector's own
/// has the last word.
///
/// # Errors
/// What is wrong, for a person.
pub fn regex(pattern: &str) -> Result<Option<regex_syntax::hir::Hir>, String> {
    if ["\\Q", "\\C", "\\p", "\\P"].iter().any(|escape| pattern.contains(escape)) {
        return Ok(None);
    }
    regex_syntax::Parser::new().parse(pattern).map(Some).map_err(|_| "is not a regular expression of RE2".to_owned())
}

/// The named groups of a regular expression that our parser knows.
#[must_use]
pub fn named_groups(pattern: &regex_syntax::hir::Hir) -> Vec<&str> {
    use regex_syntax::hir::HirKind;

    let mut names = Vec::new();
    // The parser limits the depth.
    let below: &[regex_syntax::hir::Hir] = match pattern.kind() {
        HirKind::Capture(capture) => {
            names.extend(capture.name.as_deref());
            std::slice::from_ref(&capture.sub)
        }
        HirKind::Repetition(repetition) => std::slice::from_ref(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts,
        _ => &[],
    };
    names.extend(below.iter().flat_map(named_groups));
    names
}

/// The literal patterns of `IsMatch(..., "pattern")` in a condition whose texts and brackets are closed.
fn patterns(text: &str) -> Vec<String> {
    let mut patterns = Vec::new();
    for (at, name) in text.match_indices("IsMatch(") {
        let mut depth = 1;
        let mut last = None;
        let mut chars = text.get(at + name.len()..).unwrap_or_default().chars();
        while let Some(c) = chars.next().filter(|_| depth > 0) {
            match c {
                '"' => {
                    let mut literal = String::new();
                    while let Some(c) = chars.next().filter(|c| *c != '"') {
                        match c {
                            '\\' => literal.extend(chars.next().map(|c| if c == 'n' { '\n' } else { c })),
                            c => literal.push(c),
                        }
                    }
                    last = Some(literal);
                }
                '(' => depth += 1,
                ')' => depth -= 1,
                c if c.is_whitespace() => {}
                // Whatever else follows a text makes it a part of something and no pattern.
                _ => last = None,
            }
        }
        patterns.extend(last);
    }
    patterns
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
        for good in ["https://otlp.example.com", "http://127.0.0.1:4318", "https://h/otlp?x=1", "http://[::1]:4318/v1"]
        {
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
        ] {
            assert!(http_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn file_patterns_are_absolute_and_closed() {
        for good in ["/var/log/*.log", "/var/log/**/[a-z]?.{log,txt}", r"C:\logs\*.log", "/a/\\[x", "/a]", "/[a\\]]"] {
            assert_eq!(file_pattern(good), Ok(()), "{good}");
        }
        for bad in ["", "var/log", "*.log", "/var/[a", "/var/{a,b", "/a\nb", "/a\\", "/a}", "/{a}}", "/[]a]", "/[^]"] {
            assert!(file_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn regexes_are_read() {
        let groups = |pattern| named_groups(&regex(pattern).unwrap().unwrap()).join(" ");
        assert_eq!(groups(r"^(?P<a>\S+) (?:(b)|(?P<c>x)*)$"), "a c");
        assert_eq!(groups(r"\(?P<a>"), "");
        assert_eq!(regex(r"\p{Greek}\Q(\E"), Ok(None));
        for bad in ["(", "a**b(", "(?=x)", "(?P<a>x)(?P<a>y)", r"(x)\1"] {
            assert!(regex(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ottl_is_balanced() {
        for good in [
            r#"IsMatch(body, "a\"b") and body == "\")""#,
            r#"IsMatch(Concat([a, b], "("), "\\d+(x|y)")"#,
            r#"IsMatch(body, "\\QA(")"#,
            "severity_number < 9",
            r#"attributes["x"] == nil and not (1 == 2)"#,
        ] {
            assert_eq!(ottl(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            " ",
            "a)",
            "a) or (b",
            "(a",
            r#"body == "x"#,
            "body == 'x'",
            r#"attributes["x""#,
            "set(a, 1) where b",
            r#"IsMatch(body, "a(")"#,
            r#"IsMatch(body, "(?=x)")"#,
        ] {
            assert!(ottl(bad).is_err(), "{bad}");
        }
    }
}
