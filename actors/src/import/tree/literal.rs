//! Values of Alloy that are made of tokens: literals, references, what is read from the environment.

use serde_json::Number;

use super::Tree;
use crate::{
    component::raw::secrets::{as_otelcol, flatten},
    domain::secret::{Reference, reference},
    render::alloy::Expr,
};

/// An expression that is neither a list nor an object.
pub(super) fn of_tokens(value: &Expr) -> Tree {
    let mut tokens = Vec::new();
    if !flatten(value, &mut tokens) {
        return Tree::Opaque(written(value));
    }
    tree(&tokens).unwrap_or_else(|| Tree::Opaque(tokens.concat()))
}

/// An expression as it is written.
pub(in crate::import) fn written(value: &Expr) -> String {
    let mut out = String::new();
    value.write(&mut out, false);
    out
}

fn tree(tokens: &[&str]) -> Option<Tree> {
    match tokens {
        ["true"] => Some(Tree::Bool(true)),
        ["false"] => Some(Tree::Bool(false)),
        ["null"] => Some(Tree::Null),
        ["(", inner @ .., ")"] if is_closed(inner) => tree(inner),
        ["-", number] => number_of(&format!("-{number}")),
        ["sys", ".env", "(", ..] | ["string", ".format", "(", ..] | ["convert", ".nonsensitive", "(", ..] => {
            environment(tokens)
        }
        [only] => literal(only)
            .map(Tree::Text)
            .or_else(|| number_of(only))
            // A rendered reference is one token.
            .or_else(|| is_path(only).then(|| Tree::Reference((*only).to_owned()))),
        [first, rest @ ..] if is_name(first) && rest.iter().all(|token| is_field(token)) => {
            Some(Tree::Reference(tokens.concat()))
        }
        [word, " + ", ..] if literal(word).is_some() => environment(tokens),
        _ => None,
    }
}

/// Whether no bracket of the outside is closed inside.
fn is_closed(tokens: &[&str]) -> bool {
    let mut open = 0_i32;
    tokens.iter().all(|token| {
        open += i32::from(*token == "(") - i32::from(*token == ")");
        open >= 0
    })
}

/// What is read from the environment, alone or behind a word and a space.
fn environment(tokens: &[&str]) -> Option<Tree> {
    let text = as_otelcol(tokens)?;
    match reference(&text) {
        Reference::Env { prefix, name } => Some(Tree::Env { prefix, name }),
        Reference::None | Reference::Malformed => None,
    }
}

fn number_of(token: &str) -> Option<Tree> {
    token.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')).then_some(())?;
    if let Ok(whole) = token.parse::<i64>() {
        return Some(Tree::Number(whole.into()));
    }
    token.parse().ok().and_then(Number::from_f64).map(Tree::Number)
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') && token.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn is_field(token: &str) -> bool {
    token.strip_prefix('.').is_some_and(is_name)
}

fn is_path(token: &str) -> bool {
    token.split('.').all(is_name)
}

/// What a literal between quotes or backticks says. The parser has looked at its escapes.
pub(super) fn literal(token: &str) -> Option<String> {
    if let Some(raw) = token.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
        return Some(raw.to_owned());
    }
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, escaped)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let kind = escaped.chars().next()?;
        // Octal and hexadecimal escapes are octets, which make up a character only together.
        let (length, octet) = match kind {
            '0'..='7' => (3, u8::from_str_radix(escaped.get(..3)?, 8).ok()?),
            'x' => (3, u8::from_str_radix(escaped.get(1..3)?, 16).ok()?),
            'u' | 'U' => {
                let length = if kind == 'u' { 5 } else { 9 };
                let code = u32::from_str_radix(escaped.get(1..length)?, 16).ok()?;
                out.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
                rest = escaped.get(length..)?;
                continue;
            }
            'a' => (1, 7),
            'b' => (1, 8),
            'f' => (1, 12),
            'n' => (1, b'\n'),
            'r' => (1, b'\r'),
            't' => (1, b'\t'),
            'v' => (1, 11),
            c => (1, u8::try_from(c).ok()?),
        };
        out.push(octet);
        rest = escaped.get(length..)?;
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).ok()
}
