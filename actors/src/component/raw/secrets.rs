//! Places of a `raw` text where a secret may stand. What is written there stays in Git for all to read, so that only a
//! reference to the host's environment is let through: `${env:NAME}` or `sys.env("NAME")`, alone or behind one word and
//! a space. A default for an unset variable would be the secret itself.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{
    domain::{
        document::strict,
        secret::{Reference, reference},
    },
    render::alloy::{Expr, Statement},
};

mod comments;
mod hide;
mod lines;
mod names;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use comments::hidden_in_yaml as hidden_comments;
pub(crate) use hide::{HIDDEN, hidden_alloy, hidden_alloy_text, hidden_otelcol_text, hidden_yaml};
pub(crate) use lines::hidden_lines;
use names::{called, is_beside_secret, is_header, is_headers, is_open_header, is_secret};
use values::holds;

/// Whether a text is the name of a header and nothing more.
fn is_header_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Settings,
    /// Any value may be the secret, but of the headers that are known to hold none.
    Headers,
    /// Below a name of a secret: any value may be a part of it, but what says what it is for.
    Secret,
}

impl Within {
    /// What stands below a name. A single header is one when it has a value.
    fn below(self, name: &str, is_group: bool, has_value: bool) -> Self {
        match self {
            _ if is_headers(name) || has_value && is_header(name) => Self::Headers,
            Self::Settings if is_group && is_secret(name) => Self::Secret,
            within => within,
        }
    }

    /// Whether what has a name here is a secret.
    fn is_secret(self, name: &str) -> bool {
        match self {
            Self::Settings => is_secret(name),
            Self::Headers => !is_open_header(name),
            Self::Secret => !is_beside_secret(name),
        }
    }

    /// Whether a number, which nobody takes for a password below one, is a secret.
    fn is_secret_number(self, name: &str) -> bool {
        self.is_secret(name) && (self == Self::Headers || is_secret(name))
    }
}

/// A field of a mapping.
struct Field<'v, T> {
    key: &'v str,
    item: &'v T,
    /// By what it is known.
    called: Cow<'v, str>,
    within: Within,
    /// It is the name of a header whose value stands beside it.
    is_name: bool,
}

/// The fields of a mapping that is called `name`. Of headers as a list, `[{name: ..., value: ...}]`, the names are no
/// secrets, and a value is known by its name.
fn fields<'v, T>(
    name: &str,
    within: Within,
    map: &[(&'v str, &'v T)],
    text: impl Fn(&'v T) -> Option<&'v str>,
    group: impl Fn(&'v T) -> Option<bool>,
) -> Vec<Field<'v, T>> {
    let is_pair = within == Within::Headers && map.iter().any(|(key, _)| *key == "value");
    let names_it = |key: &str| matches!(key, "name" | "key");
    let header = map.iter().filter(|(key, _)| is_pair && names_it(key)).find_map(|(_, item)| text(item));
    let field = |(key, item): &(&'v str, &'v T)| {
        let (key, item) = (*key, *item);
        let called = match header {
            Some(header) if key == "value" => Cow::Borrowed(header),
            _ => called(name, key),
        };
        let has_value = group(item);
        let within = within.below(key, has_value.is_some(), has_value.unwrap_or(false));
        Field { key, item, called, within, is_name: is_pair && names_it(key) }
    };
    map.iter().map(field).collect()
}

/// The fields of a mapping in YAML.
fn yaml_fields<'v>(name: &str, within: Within, map: &'v Map<String, Value>) -> Vec<Field<'v, Value>> {
    let map: Vec<(&str, &Value)> = map.iter().map(|(key, item)| (key.as_str(), item)).collect();
    fields(name, within, &map, Value::as_str, |item| item.is_object().then(|| item.get("value").is_some()))
}

/// The fields of an object in Alloy.
fn alloy_fields<'v>(name: &str, within: Within, object: &'v [(String, Expr)]) -> Vec<Field<'v, Expr>> {
    let map: Vec<(&str, &Expr)> = object.iter().map(|(key, item)| (key.trim_matches('"'), item)).collect();
    fields(name, within, &map, expr_text, |item| match item {
        Expr::Object(fields) => Some(fields.iter().any(|(key, _)| key.trim_matches('"') == "value")),
        _ => None,
    })
}

fn expr_text(value: &Expr) -> Option<&str> {
    match value {
        Expr::Token(token) => literal(token),
        Expr::Parts(parts) => match &parts[..] {
            [part] => expr_text(part),
            _ => None,
        },
        _ => None,
    }
}

/// What is known of the statements of a body: by what each attribute is known, and whether it is the name of a header.
struct Body<'b> {
    parent: &'b str,
    within: Within,
    is_pair: bool,
    header: Option<&'b str>,
}

impl<'b> Body<'b> {
    fn new(parent: &'b str, within: Within, body: &'b [Statement]) -> Self {
        let attribute = |statement: &'b Statement| match statement {
            Statement::Attribute(name, value) => Some((name.as_str(), value)),
            Statement::Block(_) => None,
        };
        let is_pair = within == Within::Headers && has_value(body);
        let mut names =
            body.iter().filter_map(attribute).filter(|(name, _)| is_pair && matches!(*name, "name" | "key"));
        let header = names.find_map(|(_, value)| expr_text(value));
        Self { parent, within, is_pair, header }
    }

    fn is_name(&self, name: &str) -> bool {
        self.is_pair && matches!(name, "name" | "key")
    }

    fn called<'n>(&self, name: &'n str) -> Cow<'n, str>
    where
        'b: 'n,
    {
        match self.header {
            Some(header) if name == "value" => Cow::Borrowed(header),
            _ => called(self.parent, name),
        }
    }

    /// Within what the value of an attribute stands.
    fn within(&self, name: &str, value: &Expr) -> Within {
        self.within.below(name, matches!(value, Expr::Object(_)), false)
    }
}

fn has_value(body: &[Statement]) -> bool {
    body.iter().any(|statement| matches!(statement, Statement::Attribute(name, _) if name == "value"))
}

/// Looks over the settings of an otelcol component.
pub(super) fn check_yaml(settings: &Value) -> Result<(), String> {
    yaml("", "", settings, Within::Settings)
}

fn yaml(place: &str, name: &str, value: &Value, within: Within) -> Result<(), String> {
    let below = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    match value {
        Value::Object(map) => yaml_fields(name, within, map).into_iter().try_for_each(|field| {
            if field.is_name { Ok(()) } else { yaml(&below(field.key), &field.called, field.item, field.within) }
        }),
        Value::Array(items) => items.iter().try_for_each(|item| match item {
            // A list of texts below `headers` names the headers that are meant.
            Value::String(text) if is_headers(name) && is_header_name(text) => Ok(()),
            item => yaml(place, name, item, within.below(name, item.is_object(), false)),
        }),
        Value::String(text)
            if within.is_secret(name) && !text.is_empty() && !matches!(reference(text), Reference::Env { .. }) =>
        {
            Err(format!("`{place}` would stand in the clear; use ${{env:NAME}} alone, or behind a word and a space"))
        }
        Value::Number(_) if within.is_secret_number(name) => {
            Err(format!("`{place}` would stand in the clear; use ${{env:NAME}}"))
        }
        Value::String(text) => match holds(text) {
            Some(what) => Err(format!("`{place}` holds {what} in the clear; use ${{env:NAME}} for it")),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Looks over the body of an Alloy block.
pub(super) fn check_alloy(body: &[Statement]) -> Result<(), String> {
    statements("", "", body, Within::Settings)
}

fn statements(place: &str, parent: &str, body: &[Statement], within: Within) -> Result<(), String> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    let known = Body::new(parent, within, body);
    body.iter().try_for_each(|statement| match statement {
        Statement::Block(block) => {
            let within = within.below(&block.name, true, has_value(&block.body));
            statements(&below(&block.name), &block.name, &block.body, within)
        }
        Statement::Attribute(name, _) if known.is_name(name) => Ok(()),
        Statement::Attribute(name, value) => {
            expression(&below(name), &known.called(name), value, known.within(name, value))
        }
    })
}

fn expression(place: &str, name: &str, value: &Expr, within: Within) -> Result<(), String> {
    match value {
        Expr::Object(object) => alloy_fields(name, within, object).into_iter().try_for_each(|field| {
            let place = format!("{place}.{}", field.key);
            if field.is_name { Ok(()) } else { expression(&place, &field.called, field.item, field.within) }
        }),
        Expr::Array(items) => items.iter().try_for_each(|item| {
            expression(place, name, item, within.below(name, matches!(item, Expr::Object(_)), false))
        }),
        Expr::Token(_) | Expr::Parts(_) | Expr::Text(_) => {
            let mut tokens = Vec::new();
            let is_flat = flatten(value, &mut tokens);
            let says_nothing = matches!(tokens[..], ["\"\"" | "``" | "null" | "true" | "false"]);
            if holds_in_literal(&tokens, name, within) {
                return Err(format!(
                    "`{place}` holds a secret in the clear in a literal; use sys.env(\"NAME\") for it"
                ));
            }
            let is_reference =
                || as_otelcol(&tokens).is_some_and(|text| matches!(reference(&text), Reference::Env { .. }));
            if !within.is_secret(name) || is_flat && (says_nothing || is_reference()) {
                return match tokens.iter().find_map(|token| holds(token)) {
                    Some(what) => Err(format!("`{place}` holds {what} in the clear; use sys.env(\"NAME\") for it")),
                    None => Ok(()),
                };
            }
            Err(format!(
                "`{place}` would stand in the clear; use sys.env(\"NAME\") alone, or \"Bearer \" + sys.env(\"NAME\")"
            ))
        }
    }
}

/// Whether what the tokens of an expression decode, `encoding.from_json("{...}")`, has a secret at one of its places.
fn holds_in_literal(tokens: &[&str], name: &str, within: Within) -> bool {
    tokens.windows(5).any(|call| {
        let ["encoding", ".from_json" | ".from_yaml", "(", argument, ")"] = *call else { return false };
        if !argument.starts_with(['"', '`']) {
            return false;
        }
        let text = literal(argument).map(str::to_owned).or_else(|| serde_json::from_str(argument).ok());
        // What cannot be read runs nowhere, and says nothing of its places.
        let Some(Ok(value)) = text.map(|text| strict::yaml(&text)) else { return true };
        let within = within.below(name, value.is_object(), value.get("value").is_some());
        yaml("", name, &value, within).is_err()
    })
}

/// The tokens of an expression; `false` when it holds more than tokens.
pub(crate) fn flatten<'a>(value: &'a Expr, tokens: &mut Vec<&'a str>) -> bool {
    match value {
        Expr::Token(token) => {
            tokens.push(token);
            true
        }
        Expr::Parts(parts) => parts.iter().all(|part| flatten(part, tokens)),
        Expr::Array(_) | Expr::Object(_) | Expr::Text(_) => false,
    }
}

/// A reference to the environment as otelcol would write it.
pub(crate) fn as_otelcol(tokens: &[&str]) -> Option<String> {
    match tokens {
        ["(", inner @ .., ")"] | ["convert", ".nonsensitive", "(", inner @ .., ")"] => as_otelcol(inner),
        ["sys", ".env", "(", name, ")"] => Some(format!("${{env:{}}}", literal(name)?)),
        ["string", ".format", "(", format, ", ", inner @ .., ")"] => {
            let (before, after) = literal(format)?.split_once("%s")?;
            Some(format!("{before}{}{after}", as_otelcol(inner)?))
        }
        [word, " + ", inner @ ..] => Some(format!("{}{}", literal(word)?, as_otelcol(inner)?)),
        _ => None,
    }
}

/// What stands between the quotes of a literal without escapes.
pub(super) fn literal(token: &str) -> Option<&str> {
    let inner = |quote| token.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('`')).filter(|text| !text.contains('\\'))
}
