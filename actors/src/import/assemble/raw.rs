//! Components that the catalogue does not have, as raw texts.

use linkmesh_proto::api::{catalogue::Role, pipeline::Signal};
use serde_json::{Value, json};

use super::Assembly;
use crate::{
    catalog::catalogue,
    component::{Findings, SettingsMap},
    domain::{problem::Path, secret::is_variable},
    import::found::Written,
    render::{
        alloy::{self, Block, Statement},
        yaml::Yaml,
    },
};

impl Assembly {
    /// The settings of a raw component that is the same; for some signals only, if so said.
    ///
    /// # Errors
    /// Why none can be.
    pub(super) fn raw(&self, index: usize, role: Role, only: Option<&[Signal]>) -> Result<SettingsMap, String> {
        let found = self.config.found.get(index).ok_or("is not there")?;
        if let Some(other) = found.with.first().and_then(|index| self.config.found.get(*index)) {
            return Err(format!("belongs together with `{}`, which a raw text cannot bring along", other.id));
        }
        let (field, text) = match &found.written {
            Written::Otelcol(value) => {
                let settings =
                    if value.is_null() { Yaml::Map(Vec::new()) } else { Yaml::verbatim(&with_scheme(value)) };
                ("otelcol", Yaml::Map(vec![(found.kind.clone(), settings)]).write(false))
            }
            Written::Alloy(block) => {
                let is_output = |statement: &Statement| matches!(statement, Statement::Block(b) if b.name == "output");
                let body = block.body.iter().filter(|statement| !is_output(statement)).cloned().collect();
                let block = Block { name: block.name.clone(), label: None, body };
                ("alloy", alloy::write(&[Statement::Block(block)], false))
            }
        };
        let mut settings = SettingsMap::new();
        settings.insert(field.to_owned(), text.into());
        if let Some(signals) = only {
            settings.insert("signals".to_owned(), json!(signals));
        }
        let registered = catalogue().get(role, "raw").ok_or("there are no raw texts")?;
        let mut findings = Findings::new(Path::root());
        registered.check_before_save(&settings, &mut findings);
        match findings.errors.into_vec().into_iter().next() {
            None => Ok(settings),
            Some(problem) => Err(problem.message),
        }
    }
}

/// `${NAME}`, which otelcol reads as `${env:NAME}`, as that.
fn with_scheme(value: &Value) -> Value {
    match value {
        Value::String(text) => text_with_scheme(text).into(),
        Value::Array(items) => items.iter().map(with_scheme).collect(),
        Value::Object(map) => Value::Object(map.iter().map(|(key, item)| (key.clone(), with_scheme(item))).collect()),
        other => other.clone(),
    }
}

fn text_with_scheme(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        out.push('$');
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{')
            && let Some((name, _)) = inside.split_once('}')
            && is_variable(name.split_once(":-").map_or(name, |(name, _)| name))
        {
            out.push_str("{env:");
            rest = inside;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_given_its_scheme() {
        for (text, expected) in [
            ("${X}", "${env:X}"),
            ("a ${X:-d} ${env:Y} $${Z} $1 ${", "a ${env:X:-d} ${env:Y} $${Z} $1 ${"),
            ("${file:/x}", "${file:/x}"),
        ] {
            assert_eq!(text_with_scheme(text), expected);
        }
    }
}
