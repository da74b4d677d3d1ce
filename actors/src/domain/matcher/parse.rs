//! The parser of one matcher.
//!
//! ```text
//! matcher = [ "{" ] name op value [ "}" ]
//! name    = quoted | unquoted          unquoted: no white space and none of { } ! = ~ , \ " ' `
//! op      = "=" | "!=" | "=~" | "!~"
//! value   = quoted | unquoted | nothing (the empty string)
//! quoted  = '"' { character | \" | \\ | \n } '"'
//! ```
//! This is Alertmanager's UTF-8 grammar (`matcher/parse`), where a value may also stand without quotes.

use regex::{Regex, RegexBuilder};

use super::{Matcher, MatcherError, Test};

/// Longer texts are refused before anything else is looked at.
const MAX_CHARS: usize = 4096;
/// What a compiled regular expression may take, in bytes.
const MAX_COMPILED: usize = 256 << 10;

struct Input<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    /// Characters consumed.
    at: usize,
}

impl Input<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.next();
        self.at += usize::from(next.is_some());
        next
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.chars.peek() == Some(&wanted);
        if found {
            self.next();
        }
        found
    }

    fn skip_space(&mut self) {
        while self.chars.peek().is_some_and(|c| c.is_whitespace()) {
            self.next();
        }
    }

    fn error(&mut self, reason: impl Into<String>) -> MatcherError {
        MatcherError { position: self.at + 1, reason: reason.into() }
    }

    fn found(&mut self) -> String {
        self.chars.peek().map_or_else(|| "the end".to_owned(), |c| format!("{c:?}"))
    }
}

fn reserved(c: char) -> bool {
    c.is_whitespace() || matches!(c, '{' | '}' | '!' | '=' | '~' | ',' | '\\' | '"' | '\'' | '`')
}

pub(super) fn matcher(text: &str) -> Result<Matcher, MatcherError> {
    let mut input = Input { chars: text.chars().peekable(), at: 0 };
    if text.chars().count() > MAX_CHARS {
        return Err(input.error(format!("a matcher has at most {MAX_CHARS} characters")));
    }
    input.skip_space();
    let braces = input.eat('{');
    input.skip_space();
    let name = match word(&mut input)? {
        Some(name) if !name.is_empty() => name,
        _ => {
            let found = input.found();
            return Err(input.error(format!("an attribute's name is missing; found {found}")));
        }
    };
    input.skip_space();
    let operator = operator(&mut input)?;
    input.skip_space();
    let value_at = input.at;
    let value = word(&mut input)?.unwrap_or_default();
    input.skip_space();
    if braces && !input.eat('}') {
        let found = input.found();
        return Err(input.error(format!("expected }}, found {found}")));
    }
    input.skip_space();
    if input.chars.peek().is_some() {
        let found = input.found();
        return Err(input.error(format!("expected the end, found {found}; write each matcher on its own")));
    }
    let regex = |value: &str| anchored(value).map_err(|reason| MatcherError { position: value_at + 1, reason });
    let test = match operator {
        Operator::Equal => Test::Equal(value.into()),
        Operator::NotEqual => Test::NotEqual(value.into()),
        Operator::Matches => Test::Matches(Box::new(regex(&value)?)),
        Operator::NotMatches => Test::NotMatches(Box::new(regex(&value)?)),
    };
    Ok(Matcher { name: name.into(), test })
}

enum Operator {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
}

fn operator(input: &mut Input<'_>) -> Result<Operator, MatcherError> {
    if input.eat('=') {
        return Ok(if input.eat('~') { Operator::Matches } else { Operator::Equal });
    }
    if input.eat('!') {
        if input.eat('=') {
            return Ok(Operator::NotEqual);
        }
        if input.eat('~') {
            return Ok(Operator::NotMatches);
        }
    }
    let found = input.found();
    Err(input.error(format!("expected =, !=, =~ or !~, found {found}")))
}

/// A quoted or unquoted word; `None` when neither begins here.
fn word(input: &mut Input<'_>) -> Result<Option<String>, MatcherError> {
    let mut word = String::new();
    if input.eat('"') {
        loop {
            match input.next() {
                Some('"') => return Ok(Some(word)),
                Some('\\') => match input.next() {
                    Some('n') => word.push('\n'),
                    Some(c @ ('"' | '\\')) => word.push(c),
                    // As Alertmanager does: an unknown escape stays as it is, so that regular expressions need no
                    // second backslash.
                    Some(c) => word.extend(['\\', c]),
                    None => return Err(input.error("the closing quote is missing")),
                },
                Some(c) => word.push(c),
                None => return Err(input.error("the closing quote is missing")),
            }
        }
    }
    while let Some(c) = input.chars.peek().copied().filter(|c| !reserved(*c)) {
        word.push(c);
        input.next();
    }
    Ok((!word.is_empty()).then_some(word))
}

fn anchored(pattern: &str) -> Result<Regex, String> {
    // The pattern is checked alone first: `a)|(b` must not become valid by the brackets put around it.
    regex_syntax::Parser::new().parse(pattern).map_err(|e| format!("not a regular expression: {}", brief(&e)))?;
    RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|_| "the regular expression is too large".to_owned())
}

/// The last line of regex-syntax's error says what is wrong; those before draw the place.
fn brief(error: &regex_syntax::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
