//! The same texts for people: without what stands at those places.

use serde_json::{Map, Value};

use super::{Body, Within, alloy_fields, comments, expression, has_value, yaml, yaml_fields};
use crate::{
    domain::document::strict,
    render::{
        alloy::{self, Block, Expr, Statement, parse},
        yaml::Yaml,
    },
};

/// What stands in the place of a secret that was found in a text.
pub(crate) const HIDDEN: &str = "[hidden]";

/// What stands in the place of a text that cannot be read: neither language's rules say where its secrets are. Neither
/// language takes it for a component, so that it is not saved in the place of the text.
pub(crate) const UNREADABLE: &str =
    "[hidden: this text cannot be read, so that nobody can tell what of it is secret]\n";

/// The text of an otelcol component for people: as it is when nothing is hidden in it, else written anew; when it cannot
/// be read, [`UNREADABLE`].
pub(crate) fn hidden_otelcol_text(text: &str) -> String {
    match strict::yaml(text) {
        Ok(Value::Object(map)) => {
            let of_type = |(name, settings): (&String, &Value)| (name.clone(), hidden_yaml(settings));
            let hidden: Map<String, Value> = map.iter().map(of_type).collect();
            if hidden == map {
                comments::hidden_in_yaml(text)
            } else {
                Yaml::verbatim(&Value::Object(hidden)).write(false)
            }
        }
        Ok(Value::Null) => comments::hidden_in_yaml(text),
        Ok(_) | Err(_) => UNREADABLE.to_owned(),
    }
}

/// The text of an Alloy component for people; see [`hidden_otelcol_text`].
pub(crate) fn hidden_alloy_text(text: &str) -> String {
    match parse::body(text) {
        Ok(body) => {
            let hidden = hidden_alloy(&body);
            if hidden == body { comments::hidden_in_alloy(text) } else { alloy::write(&hidden, false) }
        }
        Err(_) => UNREADABLE.to_owned(),
    }
}

/// Settings of an otelcol component without the secrets in them.
pub(crate) fn hidden_yaml(settings: &Value) -> Value {
    hide("", settings, Within::Settings)
}

fn hide(name: &str, value: &Value, within: Within) -> Value {
    match value {
        Value::Object(map) => {
            let field = |field: super::Field<'_, Value>| {
                let item =
                    if field.is_name { field.item.clone() } else { hide(&field.called, field.item, field.within) };
                (field.key.to_owned(), item)
            };
            Value::Object(yaml_fields(name, within, map).into_iter().map(field).collect())
        }
        Value::Array(items) => {
            let item = |item: &Value| match item {
                Value::String(_) => {
                    let alone = Value::Array(vec![item.clone()]);
                    if yaml("", name, &alone, within).is_err() { HIDDEN.into() } else { item.clone() }
                }
                item => hide(name, item, within.below(name, item.is_object(), false)),
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
    let known = Body::new(parent, within, body);
    let hidden = |statement: &Statement| match statement {
        Statement::Block(block) => {
            let within = within.below(&block.name, true, has_value(&block.body));
            Statement::Block(Block { body: hide_body(&block.name, &block.body, within), ..block.clone() })
        }
        Statement::Attribute(name, _) if known.is_name(name) => statement.clone(),
        Statement::Attribute(name, value) => {
            let hidden = hide_expression(&known.called(name), value, known.within(name, value));
            Statement::Attribute(name.clone(), hidden)
        }
    };
    body.iter().map(hidden).collect()
}

fn hide_expression(name: &str, value: &Expr, within: Within) -> Expr {
    match value {
        Expr::Object(object) => {
            let fields = alloy_fields(name, within, object).into_iter().zip(object);
            let hidden = fields.map(|(field, (key, item))| {
                let item =
                    if field.is_name { item.clone() } else { hide_expression(&field.called, item, field.within) };
                (key.clone(), item)
            });
            Expr::Object(hidden.collect())
        }
        Expr::Array(items) => {
            let item =
                |item: &Expr| hide_expression(name, item, within.below(name, matches!(item, Expr::Object(_)), false));
            Expr::Array(items.iter().map(item).collect())
        }
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
