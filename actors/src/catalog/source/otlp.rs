//! `otlp`: records that applications and other collectors send by OTLP.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Bind, Component, Findings, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, read, scalar,
};
use crate::render::{
    alloy::{Block, Expr, attribute, block},
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &Otlp;

struct Otlp;

#[derive(Deserialize)]
struct Settings {
    grpc: Option<Protocol>,
    http: Option<Protocol>,
}

#[derive(Deserialize)]
struct Protocol {
    endpoint: String,
}

impl Settings {
    fn protocols(&self) -> impl Iterator<Item = (&'static str, &'static str, &Protocol)> {
        [("grpc", "grpc.endpoint", &self.grpc), ("http", "http.endpoint", &self.http)]
            .into_iter()
            .filter_map(|(name, field, protocol)| Some((name, field, protocol.as_ref()?)))
    }
}

impl Component for Otlp {
    fn title(&self) -> &'static str {
        "OTLP"
    }

    fn description(&self) -> &'static str {
        "Receives logs, metrics and traces that applications and other collectors send by OTLP, over gRPC or HTTP."
    }

    fn schema(&self) -> Value {
        let protocol = |title: &str, help: &str, default: &str, order: u32| {
            json!({
                "type": "object", "title": title, "description": help, "x-order": order, "additionalProperties": false,
                "required": ["endpoint"],
                "properties": {
                    "endpoint": {
                        "type": "string", "title": "Listen on", "examples": [default], "x-check": "listen_address",
                        "minLength": 1, "maxLength": 260, "x-order": 1,
                        "description": "Address and port on the collector's host. 0.0.0.0 is every address.",
                    },
                },
            })
        };
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object", "additionalProperties": false, "minProperties": 1,
            "properties": {
                "grpc": protocol("OTLP over gRPC", "Leave out to not listen for gRPC.", "0.0.0.0:4317", 1),
                "http": protocol("OTLP over HTTP", "Leave out to not listen for HTTP.", "0.0.0.0:4318", 2),
            },
        })
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "Both protocols, from everywhere",
                json!({ "grpc": { "endpoint": "0.0.0.0:4317" }, "http": { "endpoint": "0.0.0.0:4318" } }),
            ),
            ("From this host only", json!({ "grpc": { "endpoint": "127.0.0.1:4317" } })),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let binds = self.binds(settings);
        if let [first, second] = &binds[..]
            && first.port == second.port
        {
            let path = findings.path().key("http").key("endpoint");
            findings.errors.add(path, "port_conflict", format!("gRPC listens on port {} already", first.port));
        }
    }

    fn binds(&self, settings: &SettingsMap) -> Vec<Bind> {
        let Ok(settings) = read::<Settings>(settings) else { return Vec::new() };
        settings
            .protocols()
            .filter_map(|(_, field, protocol)| {
                let (host, port) = scalar::listen_address(&protocol.endpoint).ok()?;
                Some(Bind { field, protocol: "tcp", host: host.to_owned(), port })
            })
            .collect()
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let protocols = settings.protocols().map(|(name, _, protocol)| {
            (name.to_owned(), Yaml::map([("endpoint", Yaml::text(protocol.endpoint.as_str()))]))
        });
        Ok(OtelcolPart::new("otlp", Yaml::map([("protocols", Yaml::Map(protocols.collect()))])))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut body: Vec<_> = settings
            .protocols()
            .map(|(name, _, protocol)| block(name, vec![attribute("endpoint", Expr::text(protocol.endpoint.as_str()))]))
            .collect();
        body.push(site.outputs.block());
        Ok(AlloyPart::source(vec![Block::labelled("otelcol.receiver.otlp", site.label, body)]))
    }
}
