//! A parser of Alloy's configuration language for the texts of `raw` components.
//!
//! It accepts exactly the language's grammar (reference: `syntax` v0.1.1) and keeps literals as they stand, so that the
//! text is written back in canonical form and can never reach beyond its own block. Comments are dropped.

use std::{fmt, ops::Range};

use super::{Block, Expr, Statement};

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 64;

/// Longer names are refused, in octets: there are none, and a text is written for every place that names them. Alloy itself
/// has no limit.
const MAX_NAME: usize = 256;
const TOO_LONG: &str = "a name of more than 256 octets";

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {reason}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, for a person.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Ident,
    Text,
    Number,
    Symbol(&'static str),
    /// A newline or the end, after a token that can end a statement.
    Terminator,
    End,
}

#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    text: String,
    line: usize,
    column: usize,
}

/// Longer ones first.
const SYMBOLS: &[&str] = &[
    "||", "&&", "==", "!=", "<=", ">=", "!", "<", ">", "+", "-", "*", "/", "%", "^", "=", "{", "}", "(", ")", "[", "]",
    ",", ".",
];

struct Lexer<'a> {
    /// Of the whole text, in bytes.
    length: usize,
    rest: &'a str,
    line: usize,
    column: usize,
    tokens: Vec<Token>,
    comments: Vec<Range<usize>>,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str) -> Self {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { length: text.len(), rest, line: 1, column: 1, tokens: Vec::new(), comments: Vec::new() }
    }

    fn error(&self, reason: impl Into<String>) -> ParseError {
        ParseError { line: self.line, column: self.column, reason: reason.into() }
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        for c in taken.chars() {
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    fn push(&mut self, kind: Kind, bytes: usize) {
        let (line, column) = (self.line, self.column);
        let text = self.advance(bytes).to_owned();
        self.tokens.push(Token { kind, text, line, column });
    }

    fn comment(&mut self, bytes: usize) -> &'a str {
        let from = self.length - self.rest.len();
        self.comments.push(from..from + bytes);
        self.advance(bytes)
    }

    fn terminate(&mut self) {
        let ends = self.tokens.last().is_some_and(|token| match &token.kind {
            Kind::Ident | Kind::Text | Kind::Number => true,
            Kind::Symbol(symbol) => matches!(*symbol, ")" | "]" | "}"),
            Kind::Terminator | Kind::End => false,
        });
        if ends {
            self.push(Kind::Terminator, 0);
        }
    }

    fn run(mut self) -> Result<Self, ParseError> {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\n' => {
                    self.terminate();
                    self.advance(1);
                }
                ' ' | '\t' | '\r' => {
                    self.advance(1);
                }
                '/' if self.rest.starts_with("//") => {
                    let length = self.rest.find('\n').unwrap_or(self.rest.len());
                    self.comment(length);
                }
                '/' if self.rest.starts_with("/*") => {
                    // `/*/` begins one and does not end it.
                    let inner = self.rest.get(2..).and_then(|rest| rest.find("*/"));
                    let length = inner.ok_or_else(|| self.error("the comment does not end"))? + 4;
                    if self.comment(length).contains('\n') {
                        self.terminate();
                    }
                }
                '"' => self.text()?,
                '`' => {
                    let length = self.rest.get(1..).and_then(|rest| rest.find('`'));
                    let length = length.ok_or_else(|| self.error("the raw string does not end"))? + 2;
                    if self.rest.get(..length).is_some_and(|t| t.contains(['\0', '\u{feff}', '\r'])) {
                        return Err(self.error("a character that may not stand in a raw string"));
                    }
                    self.push(Kind::Text, length);
                }
                c if c.is_ascii_digit() => self.number()?,
                '.' if self.rest.get(1..).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit())) => {
                    self.number()?;
                }
                c if c.is_alphabetic() || c == '_' => {
                    let word = |c: char| c.is_alphabetic() || c == '_' || c.is_ascii_digit();
                    let length = self.rest.find(|c| !word(c)).unwrap_or(self.rest.len());
                    if length > MAX_NAME {
                        return Err(self.error(TOO_LONG));
                    }
                    self.push(Kind::Ident, length);
                }
                _ => match SYMBOLS.iter().find(|symbol| self.rest.starts_with(**symbol)) {
                    Some(symbol) => self.push(Kind::Symbol(symbol), symbol.len()),
                    None => return Err(self.error(format!("unexpected character {c:?}"))),
                },
            }
        }
        self.terminate();
        self.push(Kind::End, 0);
        Ok(self)
    }

    fn text(&mut self) -> Result<(), ParseError> {
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.push(Kind::Text, at + 1);
                    return Ok(());
                }
                '\\' => {
                    let digits = match chars.next().map(|(_, c)| c) {
                        Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '"') => (0, 16),
                        Some('0'..='3') => (2, 8),
                        Some('x') => (2, 16),
                        Some('u') => (4, 16),
                        Some('U') => (8, 16),
                        _ => return Err(self.error("an escape that is not known")),
                    };
                    let mut code = 0_u32;
                    for _ in 0..digits.0 {
                        let digit = chars.next().and_then(|(_, c)| c.to_digit(digits.1));
                        let digit = digit.ok_or_else(|| self.error("an escape that is not complete"))?;
                        code = code.saturating_mul(digits.1).saturating_add(digit);
                    }
                    if digits.0 >= 4 && char::from_u32(code).is_none() {
                        return Err(self.error("an escape that is no character"));
                    }
                }
                '\n' => break,
                '\0' | '\u{feff}' => return Err(self.error("a character that may not stand in a string")),
                _ => {}
            }
        }
        Err(self.error("the string does not end"))
    }

    fn number(&mut self) -> Result<(), ParseError> {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
        let mut length = digits(0);
        let whole = length;
        if bytes.get(length) == Some(&b'.') {
            length += 1 + digits(length + 1);
        }
        if matches!(bytes.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
            let exponent = digits(length + 1 + sign);
            if exponent == 0 {
                return Err(self.error("the exponent has no digits"));
            }
            length += 1 + sign + exponent;
        }
        // Alloy reads `010` as 8: what was meant cannot be known.
        if length == whole && whole > 1 && bytes.first() == Some(&b'0') {
            return Err(self.error("a number must not begin with 0"));
        }
        self.push(Kind::Number, length);
        Ok(())
    }
}

/// Where something stands in a text: line and column, both from 1, the column in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Place {
    line: usize,
    column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Reads the statements of a file.
///
/// # Errors
/// The first place that the grammar does not allow.
pub fn body(text: &str) -> Result<Vec<Statement>, ParseError> {
    body_with_places(text).map(|(body, _)| body)
}

/// Reads the statements of a file, and where each begins, in the order in which they do.
///
/// # Errors
/// The first place that the grammar does not allow.
pub(crate) fn body_with_places(text: &str) -> Result<(Vec<Statement>, Vec<Place>), ParseError> {
    let tokens = Lexer::new(text).run()?.tokens;
    let mut parser = Parser { places: Vec::new(), tokens: tokens.into_iter().peekable(), depth: 0 };
    let body = parser.body()?;
    parser.expect_end()?;
    Ok((body, parser.places))
}

/// Where the comments of a text stand, in bytes, with what begins and ends them.
///
/// # Errors
/// The first place at which no token stands.
pub(crate) fn comments(text: &str) -> Result<Vec<Range<usize>>, ParseError> {
    Lexer::new(text).run().map(|lexer| lexer.comments)
}

struct Parser {
    places: Vec<Place>,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn kind(&mut self) -> Kind {
        self.tokens.peek().map_or(Kind::End, |token| token.kind.clone())
    }

    fn error<T>(&mut self, expected: &str) -> Result<T, ParseError> {
        let (line, column, found) = self.tokens.peek().map_or((1, 1, "the end".to_owned()), |token| {
            let found = match token.kind {
                Kind::End => "the end".to_owned(),
                Kind::Terminator => "the end of the line".to_owned(),
                _ => format!("`{}`", token.text.chars().take(40).collect::<String>()),
            };
            (token.line, token.column, found)
        });
        Err(ParseError { line, column, reason: format!("expected {expected}, found {found}") })
    }

    fn take(&mut self) -> String {
        self.tokens.next().map(|token| token.text).unwrap_or_default()
    }

    fn symbol(&mut self, wanted: &str) -> bool {
        let found = matches!(self.kind(), Kind::Symbol(symbol) if symbol == wanted);
        if found {
            self.tokens.next();
        }
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), ParseError> {
        if self.symbol(wanted) { Ok(()) } else { self.error(&format!("`{wanted}`")) }
    }

    fn expect_end(&mut self) -> Result<(), ParseError> {
        if self.kind() == Kind::End { Ok(()) } else { self.error("the end") }
    }

    fn ident(&mut self) -> Result<String, ParseError> {
        let keyword = self.tokens.peek().is_some_and(|t| matches!(t.text.as_str(), "true" | "false" | "null"));
        if self.kind() == Kind::Ident && !keyword { Ok(self.take()) } else { self.error("a name") }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ParseError>) -> Result<T, ParseError> {
        if self.depth >= MAX_DEPTH {
            return self.error("less nesting");
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn body(&mut self) -> Result<Vec<Statement>, ParseError> {
        let mut statements = Vec::new();
        loop {
            while self.kind() == Kind::Terminator {
                self.tokens.next();
            }
            if matches!(self.kind(), Kind::End | Kind::Symbol("}")) {
                return Ok(statements);
            }
            statements.push(self.deeper(Self::statement)?);
            if !matches!(self.kind(), Kind::Terminator | Kind::End | Kind::Symbol("}")) {
                return self.error("a new line");
            }
        }
    }

    fn statement(&mut self) -> Result<Statement, ParseError> {
        let place =
            self.tokens.peek().map_or(Place::default(), |token| Place { line: token.line, column: token.column });
        self.places.push(place);
        let mut name = self.ident()?;
        if self.symbol("=") {
            return Ok(Statement::Attribute(name, self.expression()?));
        }
        while self.symbol(".") {
            name.push('.');
            name.push_str(&self.ident()?);
            if name.len() > MAX_NAME {
                let Place { line, column } = place;
                return Err(ParseError { line, column, reason: TOO_LONG.to_owned() });
            }
        }
        let label = if self.kind() == Kind::Text { Some(self.label()?) } else { None };
        self.expect("{")?;
        let body = self.body()?;
        self.expect("}")?;
        Ok(Statement::Block(Block { name, label: label.filter(|l| !l.is_empty()), body }))
    }

    fn label(&mut self) -> Result<String, ParseError> {
        let valid = |text: &str| {
            let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'))?;
            let mut chars = inner.chars();
            let first = chars.next().is_none_or(|c| c.is_alphabetic() || c == '_');
            let rest = chars.all(|c| c.is_alphabetic() || c == '_' || c.is_ascii_digit());
            let keyword = matches!(inner, "true" | "false" | "null");
            let short = inner.len() <= MAX_NAME;
            (first && rest && !keyword && short).then(|| inner.to_owned())
        };
        match self.tokens.peek().and_then(|token| valid(&token.text)) {
            Some(label) => {
                self.tokens.next();
                Ok(label)
            }
            None => self.error("a label that is an identifier of at most 256 octets in double quotes"),
        }
    }

    fn expression(&mut self) -> Result<Expr, ParseError> {
        self.deeper(|parser| parser.binary(0))
    }

    fn binary(&mut self, level: usize) -> Result<Expr, ParseError> {
        const LEVELS: &[&[&str]] =
            &[&["||"], &["&&"], &["==", "!=", "<", "<=", ">", ">="], &["+", "-"], &["*", "/", "%"], &["^"]];
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let first = self.binary(level + 1)?;
        let mut parts = vec![first];
        while let Kind::Symbol(symbol) = self.kind()
            && operators.contains(&symbol)
        {
            self.tokens.next();
            parts.push(Expr::Token(format!(" {symbol} ")));
            parts.push(self.deeper(|parser| parser.binary(level + 1))?);
        }
        Ok(single(parts))
    }

    fn unary(&mut self) -> Result<Expr, ParseError> {
        for operator in ["!", "-"] {
            if self.symbol(operator) {
                let operand = self.deeper(Self::unary)?;
                return Ok(Expr::Parts(vec![Expr::token(operator), operand]));
            }
        }
        self.operand()
    }

    fn operand(&mut self) -> Result<Expr, ParseError> {
        let is_number = self.kind() == Kind::Number;
        let mut parts = vec![self.primary()?];
        // A number has neither fields nor items, and its dot is its own when it is written.
        if is_number {
            return Ok(single(parts));
        }
        loop {
            if self.symbol(".") {
                let name = self.ident()?;
                parts.push(Expr::Token(format!(".{name}")));
            } else if self.symbol("[") {
                let index = self.expression()?;
                self.expect("]")?;
                parts.extend([Expr::token("["), index, Expr::token("]")]);
            } else if self.symbol("(") {
                parts.push(Expr::token("("));
                for (index, argument) in self.list(")")?.into_iter().enumerate() {
                    if index > 0 {
                        parts.push(Expr::token(", "));
                    }
                    parts.push(argument);
                }
                parts.push(Expr::token(")"));
            } else {
                return Ok(single(parts));
            }
        }
    }

    fn list(&mut self, closer: &str) -> Result<Vec<Expr>, ParseError> {
        let mut items = Vec::new();
        while !self.symbol(closer) {
            items.push(self.expression()?);
            if !self.symbol(",") {
                self.expect(closer)?;
                break;
            }
        }
        Ok(items)
    }

    fn primary(&mut self) -> Result<Expr, ParseError> {
        match self.kind() {
            Kind::Ident | Kind::Text | Kind::Number => Ok(Expr::Token(self.take())),
            Kind::Symbol("(") => {
                self.tokens.next();
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(Expr::Parts(vec![Expr::token("("), inner, Expr::token(")")]))
            }
            Kind::Symbol("[") => {
                self.tokens.next();
                self.list("]").map(Expr::Array)
            }
            Kind::Symbol("{") => {
                self.tokens.next();
                self.object()
            }
            _ => self.error("a value"),
        }
    }

    fn object(&mut self) -> Result<Expr, ParseError> {
        let mut fields = Vec::new();
        while !self.symbol("}") {
            let key = match self.kind() {
                Kind::Text
                    if self.tokens.peek().is_some_and(|t| !t.text.starts_with('`') && !t.text.contains('\\')) =>
                {
                    self.take()
                }
                Kind::Ident => self.ident()?,
                _ => return self.error("a key without escapes"),
            };
            self.expect("=")?;
            fields.push((key, self.expression()?));
            if !self.symbol(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Expr::Object(fields))
    }
}

fn single(mut parts: Vec<Expr>) -> Expr {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            Expr::Parts(parts)
        }
        None => Expr::Parts(parts),
    }
}
