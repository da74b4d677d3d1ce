//! Values of Alloy that are made of tokens: literals, references, what is read from the environment.

use serde_json::Number;

use super::Tree;
use crate::{
    component::raw::secrets::{as_otelcol, flatten},
    domain::secret::{Reference, reference},
    render::alloy::{Expr, literal::literal},
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
