//! `otlp`: records that applications and other collectors send by OTLP.
//!
//! **The record** is the one that was sent, with nothing added or taken away: resource, scope, body, attributes, times,
//! severity, ids. Both runtimes run the same receiver. A request that is larger than the limit is refused (gRPC
//! `RESOURCE_EXHAUSTED`, HTTP 400), and so is what the memory limiter does not take (`UNAVAILABLE`, 503), which senders
//! try again. Limits that are not set are those of the receiver: 4 MiB for gRPC, 20 MiB for HTTP.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Bind, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
    form::{self, Field},
    listener::{self, ServerTls},
    read, scalar,
};
use crate::{
    render::{
        alloy::{Block, Expr, attribute, block},
        yaml::Yaml,
    },
    stage::Stage,
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
    max_message_size: Option<String>,
    tls: Option<ServerTls>,
}

impl Settings {
    fn protocols(&self) -> impl Iterator<Item = (&'static str, &'static str, &Protocol)> {
        [("grpc", "grpc.endpoint", &self.grpc), ("http", "http.endpoint", &self.http)]
            .into_iter()
            .filter_map(|(name, field, protocol)| Some((name, field, protocol.as_ref()?)))
    }
}

impl Protocol {
    fn max_bytes(&self) -> Option<u64> {
        scalar::size_bytes(self.max_message_size.as_deref()?).ok()
    }
}

const MIB: u64 = 1 << 20;

impl Component for Otlp {
    fn title(&self) -> &'static str {
        "OTLP"
    }

    fn description(&self) -> &'static str {
        "Receives logs, metrics and traces that applications and other collectors send by OTLP, over gRPC or HTTP."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn schema(&self) -> Value {
        let protocol = |title: &str, help: &str, endpoint: &str, size: Field| {
            form::group(
                title,
                [
                    ("endpoint", listener::address(endpoint).required()),
                    ("max_message_size", size),
                    ("tls", listener::tls()),
                ],
            )
            .help(help)
        };
        let grpc = form::size("Largest message").help("Whole MiB; 4MiB when it is left out.").example("16MiB");
        let http = form::size("Largest request").help("20MiB when it is left out.").example("50MiB");
        form::any_of([
            ("grpc", protocol("OTLP over gRPC", "Leave out to not listen for gRPC.", "0.0.0.0:4317", grpc)),
            ("http", protocol("OTLP over HTTP", "Leave out to not listen for HTTP.", "0.0.0.0:4318", http)),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            (
                "Both protocols, from everywhere",
                json!({ "grpc": { "endpoint": "0.0.0.0:4317" }, "http": { "endpoint": "0.0.0.0:4318" } }),
            ),
            ("From this host only", json!({ "grpc": { "endpoint": "127.0.0.1:4317" } })),
            (
                "Encrypted, from clients with a certificate, in large messages",
                json!({ "grpc": {
                    "endpoint": "0.0.0.0:4317",
                    "max_message_size": "16MiB",
                    "tls": {
                        "cert_file": "/etc/linkmesh/tls/collector.crt",
                        "key_file": "/etc/linkmesh/tls/collector.key",
                        "client_ca_file": "/etc/linkmesh/tls/clients.crt",
                    },
                } }),
            ),
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
        let Ok(settings) = read::<Settings>(settings) else { return };
        for (name, _, protocol) in settings.protocols() {
            let path = findings.path().key(name).key("max_message_size");
            match protocol.max_bytes() {
                Some(0) => findings.errors.add(path, "out_of_range", "must be more than 0"),
                Some(bytes) if name == "grpc" && bytes % MIB != 0 => {
                    findings.errors.add(path, "invalid_value", "must be whole MiB: otelcol counts in those");
                }
                // Both runtimes count in 32 bits there.
                Some(bytes) if name == "grpc" && bytes >= 2048 * MIB => {
                    findings.errors.add(path, "out_of_range", "must be less than 2GiB");
                }
                _ => {}
            }
        }
    }

    fn binds(&self, settings: &SettingsMap) -> Vec<Bind> {
        let Ok(settings) = read::<Settings>(settings) else { return Vec::new() };
        settings
            .protocols()
            .filter_map(|(_, field, protocol)| listener::bind(field, "tcp", &protocol.endpoint))
            .collect()
    }

    /// Nothing: records come as they were sent.
    fn stages(&self, _: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        Ok(Vec::new())
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let protocols = settings.protocols().map(|(name, _, protocol)| {
            let mut config = vec![("endpoint".to_owned(), Yaml::text(protocol.endpoint.as_str()))];
            config.extend(protocol.max_bytes().map(|bytes| {
                let (field, count) = match name {
                    "grpc" => ("max_recv_msg_size_mib", bytes / MIB),
                    _ => ("max_request_body_size", bytes),
                };
                (field.to_owned(), Yaml::Int(i64::try_from(count).unwrap_or(i64::MAX)))
            }));
            config.extend(protocol.tls.as_ref().map(ServerTls::otelcol));
            (name.to_owned(), Yaml::Map(config))
        });
        Ok(OtelcolPart::new("otlp", Yaml::map([("protocols", Yaml::Map(protocols.collect()))])))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut body: Vec<_> = settings
            .protocols()
            .map(|(name, _, protocol)| {
                let mut body = vec![attribute("endpoint", Expr::text(protocol.endpoint.as_str()))];
                let field = if name == "grpc" { "max_recv_msg_size" } else { "max_request_body_size" };
                body.extend(protocol.max_message_size.as_deref().map(|size| attribute(field, Expr::text(size))));
                body.extend(protocol.tls.as_ref().map(ServerTls::alloy));
                block(name, body)
            })
            .collect();
        body.push(site.outputs.block());
        Ok(AlloyPart::source(vec![Block::labelled("otelcol.receiver.otlp", site.label, body)]))
    }
}
