//! Components that the catalogue does not have, as raw texts.

use linkmesh_proto::api::{catalogue::Role, pipeline::Signal};
use serde_json::{Value, json};

use super::Assembly;
use crate::{
    catalog::catalogue,
    component::{Findings, SettingsMap},
    domain::{components::ComponentClass, problem::Path, secret::is_variable},
    import::found::{Found, Written},
    render::{
        alloy::{self, Block, Statement},
        yaml::Yaml,
    },
};

impl Assembly<'_> {
    /// The settings of a raw component that is the same, for some signals only if so said; and what it is without.
    ///
    /// # Errors
    /// Why none can be.
    pub(super) fn raw(
        &self,
        index: usize,
        role: Role,
        only: Option<&[Signal]>,
    ) -> Result<(SettingsMap, String), String> {
        let found = self.config.found.get(index).ok_or("is not there")?;
        let with: Vec<&Found> = found.with.iter().filter_map(|index| self.config.found.get(*index)).collect();
        let (storage, others): (Vec<&Found>, Vec<&Found>) = with
            .into_iter()
            .partition(|other| other.class == ComponentClass::Extensions && other.kind == "file_storage");
        if let Some(other) = others.first() {
            return Err(format!("belongs together with `{}`, which a raw text cannot bring along", other.id));
        }
        let but = match storage.first() {
            Some(_) => " without its `storage`, so that places and queues are forgotten at a restart",
            None => "",
        };
        let (field, text) = match &found.written {
            Written::Otelcol(value) => {
                let value = without_storage(value, &storage);
                let settings =
                    if value.is_null() { Yaml::Map(Vec::new()) } else { Yaml::verbatim(&with_scheme(&value)) };
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
            None => Ok((settings, but.to_owned())),
            Some(problem) => Err(problem.message),
        }
    }
}

/// The settings without the storage that they name.
fn without_storage(value: &Value, storage: &[&Found]) -> Value {
    let names = |value: &Value| value.as_str().is_some_and(|text| storage.iter().any(|found| found.id == text));
    match value {
        Value::Object(map) => {
            let left = map.iter().filter(|(key, value)| key.as_str() != "storage" || !names(value));
            Value::Object(left.map(|(key, value)| (key.clone(), without_storage(value, storage))).collect())
        }
        Value::Array(items) => items.iter().map(|item| without_storage(item, storage)).collect(),
        other => other.clone(),
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
