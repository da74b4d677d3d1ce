//! Texts to tokens. The rules are tried in the order of `buildLexer` of `grammar.go`; the first that fits counts.

use crate::problem::Finding;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bytes,
    Float,
    Int,
    Text,
    Nil,
    Not,
    Or,
    And,
    Compare,
    Arrow,
    AddSub,
    MultDiv,
    Bool,
    Equal,
    LParen,
    RParen,
    LBrace,
    RBrace,
    Colon,
    Comma,
    Dot,
    LBracket,
    RBracket,
    /// `[A-Z][A-Z0-9_]*`: an enum, or the beginning of a converter's name.
    Upper,
    /// `[a-z][a-z0-9_]*`: a part of a path or of a name.
    Lower,
    Underscore,
    End,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What `\w` is in Go: ASCII alone.
fn is_word(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'_'
}

/// How many octets at the beginning fulfil a condition.
fn span(octets: &[u8], holds: impl Fn(u8) -> bool) -> usize {
    octets.iter().take_while(|octet| holds(**octet)).count()
}

/// The tokens of a text, the last of them [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Finding> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let space = span(rest.as_bytes(), |octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r' | 0x0c));
        if space > 0 {
            at += space;
            continue;
        }
        let (kind, length) = token(rest).ok_or_else(|| stray(rest, at))?;
        tokens.push(Token { kind, start: at, end: at + length });
        at += length;
    }
    tokens.push(Token { kind: Kind::End, start: text.len(), end: text.len() });
    Ok(tokens)
}

fn token(rest: &str) -> Option<(Kind, usize)> {
    let octets = rest.as_bytes();
    let (first, second) = (*octets.first()?, octets.get(1).copied().unwrap_or_default());
    let one = |kind| Some((kind, 1));
    match first {
        b'0'..=b'9' => Some(number(octets)),
        b'.' if second.is_ascii_digit() => Some(number(octets)),
        b'"' => text(octets).map(|length| (Kind::Text, length)),
        b'a'..=b'z' => Some(word(rest)),
        b'A'..=b'Z' => Some((
            Kind::Upper,
            span(octets, |octet| octet.is_ascii_uppercase() || octet.is_ascii_digit() || octet == b'_'),
        )),
        b'_' if !is_word(second) => one(Kind::Underscore),
        b'=' if second == b'=' => Some((Kind::Compare, 2)),
        b'!' if second == b'=' => Some((Kind::Compare, 2)),
        b'>' | b'<' if second == b'=' => Some((Kind::Compare, 2)),
        b'>' | b'<' => one(Kind::Compare),
        b'=' if second == b'>' => Some((Kind::Arrow, 2)),
        b'=' => one(Kind::Equal),
        b'+' | b'-' => one(Kind::AddSub),
        b'*' | b'/' => one(Kind::MultDiv),
        b'(' => one(Kind::LParen),
        b')' => one(Kind::RParen),
        b'{' => one(Kind::LBrace),
        b'}' => one(Kind::RBrace),
        b':' => one(Kind::Colon),
        b',' => one(Kind::Comma),
        b'.' => one(Kind::Dot),
        b'[' => one(Kind::LBracket),
        b']' => one(Kind::RBracket),
        _ => None,
    }
}

/// `0x[a-fA-F0-9]+`, then `(\d+\.\d*|\d*\.\d+)([eE][-+]?\d+)?`, then `\d+`.
fn number(octets: &[u8]) -> (Kind, usize) {
    let tail = |from: usize| octets.get(from..).unwrap_or_default();
    if octets.starts_with(b"0x") {
        let digits = span(tail(2), |octet| octet.is_ascii_hexdigit());
        if digits > 0 {
            return (Kind::Bytes, 2 + digits);
        }
    }
    let whole = span(octets, |octet| octet.is_ascii_digit());
    if tail(whole).first() != Some(&b'.') {
        return (Kind::Int, whole);
    }
    let mut length = whole + 1;
    length += span(tail(length), |octet| octet.is_ascii_digit());
    if matches!(tail(length).first(), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(tail(length + 1).first(), Some(b'-' | b'+')));
        let digits = span(tail(length + 1 + sign), |octet| octet.is_ascii_digit());
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    (Kind::Float, length)
}

/// `"(\\.|[^\\"])*"`: the length with both quotes, unless it does not end.
fn text(octets: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match octets.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' if octets.get(at + 1).is_none_or(|next| *next == b'\n') => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn word(rest: &str) -> (Kind, usize) {
    let octets = rest.as_bytes();
    let whole = span(octets, is_word);
    let kind = match rest.get(..whole).unwrap_or_default() {
        "nil" => Kind::Nil,
        "not" => Kind::Not,
        "or" => Kind::Or,
        "and" => Kind::And,
        "true" | "false" => Kind::Bool,
        _ => {
            let length = span(octets, |octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_');
            return (Kind::Lower, length);
        }
    };
    (kind, whole)
}

/// What is said of an octet that begins no token.
fn stray(rest: &str, at: usize) -> Finding {
    let found = rest.chars().next().unwrap_or_default();
    let problem = |message: &str| Finding::new(at, message);
    match found {
        '"' => problem("this text does not end: a closing `\"` is missing (a `\"` within it is written `\\\"`)"),
        '\'' | '`' | '“' | '”' | '‘' | '’' => {
            Finding::new(at, format!("`{found}` does not begin a text: texts stand in `\"`"))
        }
        '&' => problem("`&` is no operator: conditions are joined by `and`").suggest(Some("and")),
        '|' => problem("`|` is no operator: conditions are joined by `or`").suggest(Some("or")),
        '!' => problem("`!` alone is no operator: a condition is turned round by `not`").suggest(Some("not")),
        '~' => problem("`~` is no operator: a pattern is asked by `IsMatch(target, pattern)`").suggest(Some("IsMatch")),
        '%' => problem("`%` is no operator: there are `+`, `-`, `*` and `/`"),
        '$' => problem("`$` stands only in the text of a replacement"),
        ';' => problem("`;` does not end a statement: each statement is an entry of its own"),
        _ if found.is_control() => Finding::new(at, format!("the character {found:?} has no meaning here")),
        _ => Finding::new(at, format!("the character `{found}` has no meaning here")),
    }
}
