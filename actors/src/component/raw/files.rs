//! Files that a `raw` text reads as logs or writes: the same are refused as in the catalogue's own components.

use serde_json::Value;

use super::secrets::{flatten, literal};
use crate::{
    component::scalar::places::{may_be_read, may_be_written},
    render::alloy::{Block, Expr, Statement},
};

/// Receivers that read what `include` names.
const READERS: &[&str] = &["filelog", "file_log", "otlpjsonfile", "otlp_json_file"];
/// Exporters that write to `path`.
const WRITERS: &[&str] = &["file"];

/// What a component does with the files that it names.
struct Use<'k> {
    /// `include` names files for certain.
    reads: bool,
    writes: bool,
    kind: &'k str,
}

impl<'k> Use<'k> {
    fn of(kind: &'k str) -> Self {
        Self { reads: READERS.contains(&kind), writes: WRITERS.contains(&kind), kind }
    }

    fn check(&self, name: &str, text: &str) -> Result<(), String> {
        // Which file it is must be seen: of a variable that is not set nothing is left.
        let checked = |may: fn(&str) -> Result<(), String>| match text.contains("${") {
            true => Err("must name files without `${env:NAME}`".to_owned()),
            false => may(text),
        };
        let outcome = match name {
            // Within a receiver that makes others, too; elsewhere `include` may name what is no file.
            "include" if self.reads || text.starts_with('/') => checked(may_be_read),
            "path" if self.writes => checked(may_be_written),
            _ => Ok(()),
        };
        outcome.map_err(|reason| format!("`{name}` of `{}`: {text}: {reason}", self.kind))
    }
}

/// Looks over the files that an otelcol component names.
pub(super) fn check_yaml(kind: &str, settings: &Value) -> Result<(), String> {
    yaml(&Use::of(kind), "", settings)
}

fn yaml(with: &Use<'_>, name: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            // The templates of a receiver that makes others name their kind.
            let kind = key.split_once('/').map_or(key.as_str(), |(kind, _)| kind);
            if READERS.contains(&kind) { yaml(&Use::of(kind), key, item) } else { yaml(with, key, item) }
        }),
        Value::Array(items) => items.iter().try_for_each(|item| yaml(with, name, item)),
        Value::String(text) => with.check(name, text),
        _ => Ok(()),
    }
}

/// Looks over the files that an Alloy component names.
pub(super) fn check_alloy(block: &Block) -> Result<(), String> {
    let kind = block.name.rsplit('.').next().unwrap_or_default();
    body(&Use::of(kind), &block.body)
}

fn body(with: &Use<'_>, statements: &[Statement]) -> Result<(), String> {
    statements.iter().try_for_each(|statement| match statement {
        Statement::Block(block) => body(with, &block.body),
        Statement::Attribute(name, value) => expression(with, name, value),
    })
}

fn expression(with: &Use<'_>, name: &str, value: &Expr) -> Result<(), String> {
    if let Expr::Array(items) = value {
        return items.iter().try_for_each(|item| expression(with, name, item));
    }
    let mut tokens = Vec::new();
    let text = match (flatten(value, &mut tokens), &tokens[..]) {
        (true, [token]) => literal(token),
        _ => None,
    };
    match text {
        Some(text) => with.check(name, text),
        None if with.reads && name == "include" || with.writes && name == "path" => {
            Err(format!("`{name}` of `{}`: must name files in texts without escapes", with.kind))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::document::strict, render::alloy::parse};

    #[test]
    fn files_with_secrets_are_refused_and_logs_pass() {
        let of_yaml = |kind: &str, text: &str| check_yaml(kind, &strict::yaml(text).unwrap());
        for (kind, text) in [
            ("filelog", "{include: [/var/log/x, /etc/./shadow]}"),
            ("filelog", "{include: ['${env:NONE}/etc/shadow']}"),
            ("filelog", "{include: [etc/shadow]}"),
            ("otlpjsonfile", "{include: [/proc/self/environ]}"),
            ("other", "{include: [/proc/self/environ]}"),
            ("receiver_creator", "{receivers: {filelog/a: {config: {include: ['etc/*']}}}}"),
            ("file", "{path: /etc/cron.d/x}"),
        ] {
            assert!(of_yaml(kind, text).is_err(), "{kind} {text}");
        }
        for (kind, text) in [
            ("filelog", "{include: [/var/log/**/*.log], exclude: [/etc/x]}"),
            ("other", "{include: [pod], path: /etc/x}"),
            ("file", "{path: /var/lib/telemetry/out.json}"),
        ] {
            assert_eq!(of_yaml(kind, text), Ok(()), "{kind} {text}");
        }
        let of_alloy = |text: &str| match parse::body(text).unwrap().pop() {
            Some(Statement::Block(block)) => check_alloy(&block),
            _ => panic!("{text}"),
        };
        for text in [
            "otelcol.receiver.filelog {\n\tinclude = [\"/etc//shadow\"]\n}",
            "otelcol.receiver.filelog {\n\tinclude = [\"/etc/\" + \"shadow\"]\n}",
            "otelcol.receiver.filelog {\n\tinclude = [\"/\\x65tc/shadow\"]\n}",
            "otelcol.exporter.file {\n\tpath = \"/etc/x\"\n}",
        ] {
            assert!(of_alloy(text).is_err(), "{text}");
        }
        assert_eq!(of_alloy("otelcol.receiver.filelog {\n\tinclude = [\"/var/log/*.log\"]\n}"), Ok(()));
    }
}
