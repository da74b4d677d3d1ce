//! `raw`: one component in the runtime's own language, for what the catalogue does not have.
//!
//! For otelcol a YAML mapping of one type to its settings, for Alloy one `otelcol.*` block without its `output`. Both
//! are parsed and written anew, so that the text cannot reach beyond its component; LinkMesh gives the name and the
//! connections. What is left out runs nowhere on that runtime.

use linkmesh_proto::api::{catalogue::Role, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AlloyPart, AlloySite, Bind, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read,
};
use crate::{
    domain::{
        document::{numbers, strict},
        secret::is_variable,
    },
    render::{
        alloy::{Block, Expr, Statement, parse},
        yaml::Yaml,
    },
};

mod doubled;
mod files;
mod given;
mod listeners;
mod ottl;
pub(crate) mod secrets;

use listeners::Address;
pub(crate) use secrets::{
    HIDDEN, hidden_alloy, hidden_alloy_text, hidden_comments, hidden_lines, hidden_otelcol_text, hidden_yaml,
};

/// A raw component of a role.
#[derive(Debug)]
pub struct Raw(pub Role);

#[derive(Deserialize)]
struct Settings {
    otelcol: Option<String>,
    alloy: Option<String>,
    #[serde(default)]
    signals: Vec<Signal>,
}

impl Raw {
    const fn alloy_prefix(&self) -> &'static str {
        match self.0 {
            Role::Source => "otelcol.receiver.",
            Role::Filter | Role::Processor => "otelcol.processor.",
            Role::Destination => "otelcol.exporter.",
        }
    }

    fn examples_of(&self) -> (&'static str, Value) {
        match self.0 {
            Role::Source => (
                "OTLP from browsers",
                json!({ "otelcol": "otlp:\n  protocols:\n    http:\n      endpoint: 0.0.0.0:4319\n      cors:\n        allowed_origins: [https://shop.example.com]\n",
                        "alloy": "otelcol.receiver.otlp {\n\thttp {\n\t\tendpoint = \"0.0.0.0:4319\"\n\n\t\tcors {\n\t\t\tallowed_origins = [\"https://shop.example.com\"]\n\t\t}\n\t}\n}\n",
                        "signals": ["traces"] }),
            ),
            Role::Filter => (
                "A tenth of the traces",
                json!({ "otelcol": "probabilistic_sampler:\n  sampling_percentage: 10\n  hash_seed: 22\n  mode: hash_seed\n",
                        "alloy": "otelcol.processor.probabilistic_sampler {\n\tsampling_percentage = 10\n\thash_seed           = 22\n\tmode                = \"hash_seed\"\n}\n",
                        "signals": ["traces"] }),
            ),
            Role::Processor => (
                "A resource attribute",
                json!({ "otelcol": "transform:\n  error_mode: ignore\n  log_statements:\n    - context: resource\n      statements: ['set(attributes[\"team\"], \"shop\")']\n",
                        "alloy": "otelcol.processor.transform {\n\terror_mode = \"ignore\"\n\n\tlog_statements {\n\t\tcontext    = \"resource\"\n\t\tstatements = [`set(attributes[\"team\"], \"shop\")`]\n\t}\n}\n",
                        "signals": ["logs"] }),
            ),
            Role::Destination => (
                "OTLP over gRPC",
                json!({ "otelcol": "otlp:\n  endpoint: otlp.example.com:4317\n",
                        "alloy": "otelcol.exporter.otlp {\n\tclient {\n\t\tendpoint = \"otlp.example.com:4317\"\n\t}\n}\n" }),
            ),
        }
    }

    /// The type and the settings of an otelcol text.
    fn otelcol_component(&self, text: &str) -> Result<(String, Value), String> {
        let value = numbers::as_go_reads(strict::merged(strict::yaml(text)?)?, text)?;
        let shape = "must be a mapping of one component type to its settings, such as `zipkin: {endpoint: ...}`";
        let map = value.as_object().filter(|map| map.len() == 1).ok_or(shape)?;
        let (name, settings) = map.iter().next().ok_or(shape)?;
        let kind = name.split_once('/').map_or(name.as_str(), |(kind, _)| kind);
        let valid = kind.starts_with(|c: char| c.is_ascii_alphabetic())
            && kind.len() <= 63
            && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !valid {
            return Err(format!("{kind:?} is not a component type"));
        }
        if kind == "memory_limiter" {
            return Err("LinkMesh puts a memory limiter in front of every pipeline; see linkmesh.yaml".to_owned());
        }
        match settings {
            Value::Null => Ok((kind.to_owned(), Value::Object(Map::new()))),
            Value::Object(_) => Ok((kind.to_owned(), settings.clone())),
            _ => Err(format!("the settings of `{kind}` must be a mapping")),
        }
    }

    /// Where a source listens, by the field whose text says so.
    fn addresses(&self, settings: &Settings) -> Vec<(&'static str, Address)> {
        if self.0 != Role::Source {
            return Vec::new();
        }
        let otelcol = settings.otelcol.as_ref().and_then(|text| self.otelcol_component(text).ok());
        let alloy = settings.alloy.as_ref().and_then(|text| self.alloy_block(text).ok());
        let of_otelcol = otelcol.into_iter().flat_map(|(kind, value)| listeners::of_otelcol(&kind, &value));
        let of_alloy = alloy.into_iter().flat_map(|block| listeners::of_alloy(&block));
        of_otelcol.map(|found| ("otelcol", found)).chain(of_alloy.map(|found| ("alloy", found))).collect()
    }

    /// The block of an Alloy text, without a label.
    fn alloy_block(&self, text: &str) -> Result<Block, String> {
        let (mut body, places) = parse::body_with_places(text).map_err(|error| error.to_string())?;
        let prefix = self.alloy_prefix();
        let shape = || format!("must be one block whose name begins with `{prefix}`");
        let (Some(Statement::Block(mut block)), true) = (body.pop(), body.is_empty()) else { return Err(shape()) };
        if !block.name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && !rest.contains('.')) {
            return Err(shape());
        }
        if block.name == "otelcol.processor.memory_limiter" {
            return Err("LinkMesh puts a memory limiter in front of every pipeline; see linkmesh.yaml".to_owned());
        }
        if self.0 != Role::Destination
            && block.body.iter().any(|s| matches!(s, Statement::Block(inner) if inner.name == "output"))
        {
            return Err("leave out `output`: LinkMesh connects the component".to_owned());
        }
        check_references(&block.body)?;
        // The first place is that of the block itself.
        doubled::check(&block.body, &mut places.into_iter().skip(1))?;
        block.label = None;
        Ok(block)
    }
}

/// `${env:NAME}` is let through; anything else that otelcol would expand is not: it reads files and URLs of the host.
fn check_expansion(text: &str) -> Result<(), String> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let after = rest.get(at + 1..).unwrap_or_default();
        if let Some(next) = after.strip_prefix('$') {
            rest = next;
            continue;
        }
        if let Some(inside) = after.strip_prefix('{') {
            let reference = inside.split_once('}').and_then(|(inside, _)| inside.strip_prefix("env:"));
            let name = reference.map(|r| r.split_once(":-").map_or(r, |(name, _)| name));
            if !name.is_some_and(is_variable) {
                return Err("of `${...}` only `${env:NAME}` is allowed; write `$$` for a dollar sign".to_owned());
            }
        }
        rest = after;
    }
    Ok(())
}

/// Looks over what otelcol would expand in every text of a component.
fn check_expansions(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => check_expansion(text),
        Value::Array(items) => items.iter().try_for_each(check_expansions),
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            check_expansion(key)?;
            check_expansions(item)
        }),
        _ => Ok(()),
    }
}

/// Functions and values that need no other component.
const STDLIB: &[&str] = &[
    "true",
    "false",
    "null",
    "sys",
    "constants",
    "string",
    "array",
    "encoding",
    "convert",
    "coalesce",
    "json_path",
    "file",
];

/// No reference leads out of the component.
fn check_references(body: &[Statement]) -> Result<(), String> {
    body.iter().try_for_each(|statement| match statement {
        Statement::Block(block) => check_references(&block.body),
        Statement::Attribute(_, value) => check_reference(value),
    })
}

fn check_reference(value: &Expr) -> Result<(), String> {
    match value {
        Expr::Token(token) => {
            // Tokens of names begin with a letter or `_`; `.field` and operators do not.
            let word = token.starts_with(|c: char| c.is_alphabetic() || c == '_');
            if word && !STDLIB.contains(&token.as_str()) {
                return Err(format!("`{token}` refers to something outside of this component"));
            }
            Ok(())
        }
        Expr::Array(items) | Expr::Parts(items) => items.iter().try_for_each(check_reference),
        Expr::Object(fields) => fields.iter().try_for_each(|(_, item)| check_reference(item)),
        Expr::Text(_) => Ok(()),
    }
}

impl Component for Raw {
    fn title(&self) -> &'static str {
        match self.0 {
            Role::Source => "Other source",
            Role::Filter => "Other filter",
            Role::Processor => "Other processor",
            Role::Destination => "Other destination",
        }
    }

    fn description(&self) -> &'static str {
        "One component in the runtime's own language, for what the catalogue does not have. Give both texts to run it on \
         both runtimes."
    }

    fn least(&self) -> Least {
        Least::UNKNOWN
    }

    fn schema(&self) -> Value {
        let prefix = self.alloy_prefix();
        let output = if self.0 == Role::Destination { "" } else { " Leave out its `output`." };
        let order = |n: u32, title: &str, help: String| {
            json!({
                "type": "string", "title": title, "description": help, "maxLength": 65536, "minLength": 1,
                "x-order": n, "x-widget": "code", "x-verbatim": true,
            })
        };
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false,
            "properties": {
                "otelcol": order(1, "otelcol (YAML)", "A component type with its settings. Secrets as ${env:NAME}.".to_owned()),
                "alloy": order(2, "Alloy", format!("One `{prefix}...` block.{output} Secrets as sys.env(\"NAME\").")),
                "signals": {
                    "type": "array", "title": "Only for", "uniqueItems": true, "default": [], "x-order": 3, "x-widget": "list",
                    "description": "Kinds of telemetry that it handles; all when empty.",
                    "items": { "type": "string", "enum": ["logs", "metrics", "traces"] },
                },
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![self.examples_of()]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        match read::<Settings>(settings) {
            Ok(settings) if !settings.signals.is_empty() => settings.signals,
            _ => self.signals().to_vec(),
        }
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        if settings.otelcol.is_none() && settings.alloy.is_none() {
            findings.errors.add(findings.path().clone(), "missing", "needs one of otelcol, alloy");
        }
        if let Some(text) = &settings.otelcol {
            let checked = self.otelcol_component(text).and_then(|(_, value)| check_expansions(&value));
            if let Err(reason) = checked {
                findings.errors.add(findings.path().key("otelcol"), "invalid_value", reason);
            }
        }
        if let Some(text) = &settings.alloy
            && let Err(reason) = self.alloy_block(text)
        {
            findings.errors.add(findings.path().key("alloy"), "invalid_value", reason);
        }
    }

    fn check_before_save(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let otelcol = settings.otelcol.as_ref().and_then(|text| self.otelcol_component(text).ok());
        let alloy = settings.alloy.as_ref().and_then(|text| self.alloy_block(text).ok());
        let checked = [
            ("otelcol", "literal_secret", otelcol.as_ref().map(|(_, value)| secrets::check_yaml(value))),
            ("otelcol", "invalid_value", otelcol.as_ref().map(|(kind, value)| files::check_yaml(kind, value))),
            ("alloy", "literal_secret", alloy.as_ref().map(|block| secrets::check_alloy(&block.body))),
            ("alloy", "invalid_value", alloy.as_ref().map(files::check_alloy)),
        ];
        for (field, code, outcome) in checked {
            if let Some(Err(reason)) = outcome {
                findings.errors.add(findings.path().key(field), code, reason);
            }
        }
        let wrong = [
            ("otelcol", otelcol.as_ref().map(|(kind, value)| ottl::check_yaml(kind, value))),
            ("alloy", alloy.as_ref().map(ottl::check_alloy)),
        ];
        for (field, reason) in
            wrong.into_iter().flat_map(|(field, reasons)| reasons.into_iter().flatten().map(move |r| (field, r)))
        {
            findings.errors.add(findings.path().key(field), "invalid_value", reason);
        }
        for (field, address) in self.addresses(&settings) {
            let Address::Unknown(place) = address else { continue };
            let reason = format!(
                "`{place}` must say its port: two pipelines that listen on one are found before they are delivered, and \
                 what is in the host's environment is not known here"
            );
            findings.errors.add(findings.path().key(field), "invalid_value", reason);
        }
    }

    fn binds(&self, settings: &SettingsMap) -> Vec<Bind> {
        let Ok(settings) = read::<Settings>(settings) else { return Vec::new() };
        let mut binds: Vec<Bind> = Vec::new();
        for (field, address) in self.addresses(&settings) {
            let Address::Known(host, port) = address else { continue };
            if !binds.iter().any(|b| b.port == port && b.host == host) {
                // Of a text in another language the protocol is not known; TCP is the safe guess.
                binds.push(Bind { field, protocol: "tcp", host, port });
            }
        }
        binds
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let text = settings.otelcol.ok_or_else(|| Unsupported::new("otelcol", "has no text for otelcol"))?;
        let (kind, value) = self.otelcol_component(&text).map_err(|reason| Unsupported::new("otelcol", reason))?;
        Ok(OtelcolPart::new(&kind, Yaml::verbatim(&value)))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let text = settings.alloy.ok_or_else(|| Unsupported::new("alloy", "has no text for Alloy"))?;
        let mut block = self.alloy_block(&text).map_err(|reason| Unsupported::new("alloy", reason))?;
        block.label = Some(site.label.to_owned());
        if self.0 != Role::Destination {
            block.body.push(site.outputs.block());
        }
        Ok(if self.0 == Role::Source { AlloyPart::source(vec![block]) } else { AlloyPart::consumer(block) })
    }
}
