//! Where the receiver of a `raw` text listens: by its settings, by its defaults where they say nothing, and where that
//! cannot be known because the host's environment says it.

use serde_json::Value;

use super::secrets::{as_otelcol, flatten, literal};
use crate::{
    component::scalar,
    render::alloy::{Block, Expr, Statement},
};

/// Receivers that listen; of others it is not known.
const LISTENERS: &[&str] = &[
    "otlp",
    "syslog",
    "tcplog",
    "tcp_log",
    "udplog",
    "udp_log",
    "zipkin",
    "jaeger",
    "fluentforward",
    "fluent_forward",
    "splunk_hec",
    "splunkhec",
    "statsd",
    "webhookevent",
    "loki",
    "influxdb",
    "carbon",
    "datadog",
    "prometheusremotewrite",
    "prometheus_remote_write",
    "opencensus",
    "collectd",
    "awsfirehose",
    "netflow",
    "signalfx",
    "skywalking",
    "faro",
];

/// Names of settings that hold an address to listen on.
const ADDRESSES: &[&str] = &["endpoint", "listen_address"];

/// A receiver, the part of its settings that turns the listener on, and where it listens when that part does not say.
type Default = (&'static str, &'static [&'static str], &'static str);

/// Of otelcol: `createDefaultConfig` of otlpreceiver 0.149 and 0.158 and of the receivers of contrib 0.158. What is not
/// listed has no default there, or none that was looked up.
const OTELCOL: &[Default] = &[
    ("otlp", &["protocols", "grpc"], "localhost:4317"),
    ("otlp", &["protocols", "http"], "localhost:4318"),
    ("jaeger", &["protocols", "grpc"], "localhost:14250"),
    ("jaeger", &["protocols", "thrift_http"], "localhost:14268"),
    ("jaeger", &["protocols", "thrift_compact"], "localhost:6831"),
    ("jaeger", &["protocols", "thrift_binary"], "localhost:6832"),
    ("skywalking", &["protocols", "grpc"], "localhost:11800"),
    ("skywalking", &["protocols", "http"], "localhost:12800"),
    ("zipkin", &[], "localhost:9411"),
    ("splunk_hec", &[], "localhost:8088"),
    ("influxdb", &[], "localhost:8086"),
    ("datadog", &[], "localhost:8126"),
    ("faro", &[], "localhost:8080"),
    ("statsd", &[], "localhost:8125"),
];

/// Of Alloy: `SetToDefault` of `internal/component/otelcol/receiver`, which differs from upstream's.
const ALLOY: &[Default] = &[
    ("otlp", &["grpc"], "0.0.0.0:4317"),
    ("otlp", &["http"], "0.0.0.0:4318"),
    ("jaeger", &["protocols", "grpc"], "0.0.0.0:14250"),
    ("jaeger", &["protocols", "thrift_http"], "0.0.0.0:14268"),
    ("jaeger", &["protocols", "thrift_compact"], "0.0.0.0:6831"),
    ("jaeger", &["protocols", "thrift_binary"], "0.0.0.0:6832"),
    ("zipkin", &[], "0.0.0.0:9411"),
    ("splunkhec", &[], "localhost:8088"),
    ("influxdb", &[], "localhost:8086"),
    ("datadog", &[], "localhost:8126"),
    ("faro", &[], "localhost:8080"),
];

/// Where a receiver listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// There. The host is empty when the host's environment says it: then it may be any.
    Known(String, u16),
    /// Only the host that runs it knows; by the place in the settings.
    Unknown(String),
}

/// Where an otelcol receiver listens: what its settings say first, so that names made of it stay.
pub(super) fn of_otelcol(kind: &str, settings: &Value) -> Vec<Address> {
    let mut found = Vec::new();
    if !LISTENERS.contains(&kind) {
        return found;
    }
    stated("", settings, &mut found);
    for (_, path, address) in OTELCOL.iter().filter(|(of, ..)| *of == kind) {
        let part = path.iter().try_fold(settings, |part, name| match part {
            Value::Object(map) => map.get(*name),
            // A whole part from the environment: whatever is below is there too.
            Value::String(_) => Some(part),
            _ => None,
        });
        match part {
            Some(Value::Object(map))
                if map.iter().any(|(name, value)| ADDRESSES.contains(&name.as_str()) && !value.is_null()) => {}
            // A protocol that is named without settings listens.
            Some(Value::Object(_) | Value::Null) => found.extend(read("", address)),
            Some(Value::String(text)) if text.contains("${") => found.push(Address::Unknown(path.join("."))),
            _ => {}
        }
    }
    found
}

fn stated(place: &str, value: &Value, found: &mut Vec<Address>) {
    match value {
        Value::Object(map) => {
            for (name, item) in map {
                match item.as_str() {
                    Some(text) if ADDRESSES.contains(&name.as_str()) => found.extend(read(&below(place, name), text)),
                    _ => stated(&below(place, name), item, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| stated(place, item, found)),
        _ => {}
    }
}

/// Where an Alloy receiver listens.
pub(super) fn of_alloy(block: &Block) -> Vec<Address> {
    let mut found = Vec::new();
    let Some(kind) = block.name.rsplit('.').next().filter(|kind| LISTENERS.contains(kind)) else { return found };
    stated_in_alloy("", &block.body, &mut found);
    let says = |body: &[Statement]| {
        body.iter().any(|part| matches!(part, Statement::Attribute(name, _) if ADDRESSES.contains(&name.as_str())))
    };
    for (_, path, address) in ALLOY.iter().filter(|(of, ..)| *of == kind) {
        for _ in parts(&block.body, path).into_iter().filter(|body| !says(body)) {
            found.extend(read("", address));
        }
    }
    found
}

/// The bodies of the blocks at a path.
fn parts<'a>(body: &'a [Statement], path: &[&str]) -> Vec<&'a [Statement]> {
    let [name, rest @ ..] = path else { return vec![body] };
    let named = body.iter().filter_map(|statement| match statement {
        Statement::Block(block) if block.name == *name => Some(block),
        _ => None,
    });
    named.flat_map(|block| parts(&block.body, rest)).collect()
}

fn stated_in_alloy(place: &str, body: &[Statement], found: &mut Vec<Address>) {
    for statement in body {
        match statement {
            Statement::Block(block) => stated_in_alloy(&below(place, &block.name), &block.body, found),
            Statement::Attribute(name, value) if ADDRESSES.contains(&name.as_str()) => {
                found.extend(read_alloy(&below(place, name), value));
            }
            Statement::Attribute(..) => {}
        }
    }
}

fn read_alloy(place: &str, value: &Expr) -> Option<Address> {
    let mut tokens = Vec::new();
    let is_flat = flatten(value, &mut tokens);
    let text = match tokens[..] {
        [token] => literal(token).map(str::to_owned),
        [_, .., " + ", last] => as_otelcol(&tokens).or_else(|| Some(format!("${{}}{}", literal(last)?))),
        _ => as_otelcol(&tokens),
    };
    match text.filter(|_| is_flat) {
        Some(text) => read(place, &text),
        None => Some(Address::Unknown(place.to_owned())),
    }
}

/// Reads an address. `None` when it is none, such as the path of a socket.
fn read(place: &str, text: &str) -> Option<Address> {
    if let Ok((host, port)) = scalar::listen_address(text) {
        return Some(Address::Known(host.to_owned(), port));
    }
    if !text.contains("${") {
        return None;
    }
    let port = text.rsplit_once(':').and_then(|(_, port)| {
        let address = format!(":{port}");
        scalar::listen_address(&address).ok().map(|(_, port)| port)
    });
    Some(port.map_or_else(|| Address::Unknown(place.to_owned()), |port| Address::Known(String::new(), port)))
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::document::strict, render::alloy::parse};

    /// `host:port`, or `?` and the place.
    fn shown(found: Vec<Address>) -> Vec<String> {
        let show = |address| match address {
            Address::Known(host, port) => format!("{host}:{port}"),
            Address::Unknown(place) => format!("?{place}"),
        };
        found.into_iter().map(show).collect()
    }

    #[test]
    fn otelcol_receivers_listen_where_they_say_or_by_default() {
        for (kind, settings, expected) in [
            ("otlp", "{protocols: {grpc: {}}}", &["localhost:4317"][..]),
            ("otlp", "{protocols: {grpc: , http: {cors: {}}}}", &["localhost:4317", "localhost:4318"]),
            ("otlp", "{protocols: {grpc: {endpoint: }}}", &["localhost:4317"]),
            // What is said comes first: the name of the receiver is made of it.
            ("otlp", "{protocols: {grpc: {}, http: {endpoint: '[::1]:1'}}}", &["::1:1", "localhost:4317"]),
            ("otlp", "{protocols: {}}", &[]),
            ("otlp", "{protocols: {grpc: {endpoint: /run/otlp, transport: unix}}}", &[]),
            ("zipkin", "{}", &["localhost:9411"]),
            ("zipkin", "{endpoint: ':9'}", &[":9"]),
            ("jaeger", "{protocols: {thrift_compact: {}}}", &["localhost:6831"]),
            ("syslog", "{tcp: {listen_address: '0.0.0.0:54526'}}", &["0.0.0.0:54526"]),
            ("filelog", "{endpoint: '0.0.0.0:1'}", &[]),
            // Of the environment only a host can be left open.
            ("otlp", "{protocols: {grpc: {endpoint: '${env:IP}:4317'}}}", &[":4317"]),
            ("otlp", "{protocols: {grpc: {endpoint: '${env:IP:-127.0.0.1}:4317'}}}", &[":4317"]),
            ("otlp", "{protocols: {grpc: {endpoint: '${env:IP}'}}}", &["?protocols.grpc.endpoint"]),
            ("otlp", "{protocols: {grpc: {endpoint: '0.0.0.0:${env:P:-4317}'}}}", &["?protocols.grpc.endpoint"]),
            ("otlp", "{protocols: {grpc: {endpoint: '${env:A:-0.0.0.0:4317}'}}}", &["?protocols.grpc.endpoint"]),
            ("otlp", "{protocols: {grpc: '${env:GRPC}'}}", &["?protocols.grpc"]),
            ("otlp", "{protocols: '${env:ALL}'}", &["?protocols.grpc", "?protocols.http"]),
        ] {
            let value = strict::yaml(settings).unwrap();
            assert_eq!(shown(of_otelcol(kind, &value)), expected, "{kind}: {settings}");
        }
    }

    #[test]
    fn alloy_receivers_listen_where_they_say_or_by_default() {
        for (kind, body, expected) in [
            ("otlp", "grpc {}", &["0.0.0.0:4317"][..]),
            ("otlp", "grpc {}\nhttp {\nendpoint = \"127.0.0.1:1\"\n}", &["127.0.0.1:1", "0.0.0.0:4317"]),
            ("otlp", "", &[]),
            ("jaeger", "protocols {\nthrift_http {}\n}", &["0.0.0.0:14268"]),
            ("zipkin", "", &["0.0.0.0:9411"]),
            ("splunkhec", "", &["localhost:8088"]),
            ("kafka", "endpoint = \"0.0.0.0:1\"", &[]),
            ("zipkin", "endpoint = `:9`", &[":9"]),
            ("zipkin", "endpoint = sys.env(\"IP\") + \":9\"", &[":9"]),
            ("zipkin", "endpoint = string.format(\"%s:9\", sys.env(\"IP\"))", &[":9"]),
            ("zipkin", "endpoint = sys.env(\"ADDRESS\")", &["?endpoint"]),
            ("zipkin", "endpoint = \"0.0.0.0:\" + sys.env(\"PORT\")", &["?endpoint"]),
            ("zipkin", "endpoint = sys.env(\"ADDRESS\") + \"1\"", &["?endpoint"]),
            ("otlp", "grpc {\nendpoint = \"0.0.0.0:\\x34317\"\n}", &["?grpc.endpoint"]),
        ] {
            let parsed = parse::body(body).unwrap();
            let block = Block::labelled(&format!("otelcol.receiver.{kind}"), "x", parsed);
            assert_eq!(shown(of_alloy(&block)), expected, "{kind}: {body}");
        }
    }
}
