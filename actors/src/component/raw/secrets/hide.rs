//! The same texts for people: without what stands at those places.

use serde_json::Value;

use super::{Within, called, expression, is_headers, yaml};
use crate::render::alloy::{Block, Expr, Statement};

/// What stands in the place of a secret that was found in a text.
const HIDDEN: &str = "[hidden]";

/// Settings of an otelcol component without the secrets in them.
pub(crate) fn hidden_yaml(settings: &Value) -> Value {
    hide("", settings, Within::Settings)
}

fn hide(name: &str, value: &Value, within: Within) -> Value {
    match value {
        Value::Object(map) => {
            let field = |(key, item): (&String, &Value)| {
                let within = if is_headers(key) { Within::Headers } else { within };
                let is_name =
                    within == Within::Headers && matches!(key.as_str(), "name" | "key") && map.contains_key("value");
                (key.clone(), if is_name { item.clone() } else { hide(&called(name, key), item, within) })
            };
            Value::Object(map.iter().map(field).collect())
        }
        Value::Array(items) => {
            let item = |item: &Value| match item {
                Value::String(_) => {
                    let alone = Value::Array(vec![item.clone()]);
                    if yaml("", name, &alone, within).is_err() { HIDDEN.into() } else { item.clone() }
                }
                item => hide(name, item, within),
            };
            items.iter().map(item).collect()
        }
        leaf if yaml("", name, leaf, within).is_err() => HIDDEN.into(),
        leaf => leaf.clone(),
    }
}

/// The body of an Alloy block without the secrets in it.
pub(crate) fn hidden_alloy(body: &[Statement]) -> Vec<Statement> {
    hide_body("", body, Within::Settings)
}

fn hide_body(parent: &str, body: &[Statement], within: Within) -> Vec<Statement> {
    let hidden = |statement: &Statement| match statement {
        Statement::Block(block) => {
            let within = if is_headers(&block.name) { Within::Headers } else { within };
            Statement::Block(Block { body: hide_body(&block.name, &block.body, within), ..block.clone() })
        }
        Statement::Attribute(name, value) => {
            let within = if is_headers(name) { Within::Headers } else { within };
            Statement::Attribute(name.clone(), hide_expression(&called(parent, name), value, within))
        }
    };
    body.iter().map(hidden).collect()
}

fn hide_expression(name: &str, value: &Expr, within: Within) -> Expr {
    match value {
        Expr::Object(fields) => {
            let field = |(key, item): &(String, Expr)| {
                let bare = key.trim_matches('"');
                let within = if is_headers(bare) { Within::Headers } else { within };
                (key.clone(), hide_expression(&called(name, bare), item, within))
            };
            Expr::Object(fields.iter().map(field).collect())
        }
        Expr::Array(items) => Expr::Array(items.iter().map(|item| hide_expression(name, item, within)).collect()),
        leaf if expression("", name, leaf, within).is_err() => Expr::text(HIDDEN),
        leaf => leaf.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::document::strict,
        render::alloy::{self, parse},
    };

    #[test]
    fn what_would_be_refused_is_hidden_and_nothing_else() {
        let value = strict::yaml(
            "{password: hunter2, headers: {x: hunter2, y: '${env:Y}'}, list: [{headers: [{name: n, value: hunter2}]}],
              extra_headers: ['authorization: hunter2', x-seen], endpoint: 'https://u:hunter2@h', timeout: 5s, pwd: 7}",
        );
        let expected = strict::yaml(
            "{password: '[hidden]', headers: {x: '[hidden]', y: '${env:Y}'}, list: [{headers: [{name: n, value: '[hidden]'}]}],
              extra_headers: ['[hidden]', x-seen], endpoint: '[hidden]', timeout: 5s, pwd: '[hidden]'}",
        );
        assert_eq!(hidden_yaml(&value.unwrap()), expected.unwrap());
        let body = parse::body(
            "token = \"hunter2\"\nclient {\n\theaders = {\"x\" = \"hunter2\", y = sys.env(\"Y\")}\n\turl = \"https://u:hunter2@h\"\n}\nn = [1]",
        );
        assert_eq!(
            alloy::write(&hidden_alloy(&body.unwrap()), false),
            "token = \"[hidden]\"\n\nclient {\n\theaders = {\"x\" = \"[hidden]\", y = sys.env(\"Y\")}\n\turl     = \"[hidden]\"\n}\nn = [1]\n"
        );
    }
}
