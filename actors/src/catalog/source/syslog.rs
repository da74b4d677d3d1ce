//! `syslog`: messages that devices and programs send by syslog.
//!
//! **The record.** One for each message: a line of TCP (an empty one too), or what its length says; a packet of UDP.
//! * *Body*: the text of the message. A message without one keeps its whole line, and so does a line that is no message of
//!   the format: it has no attributes then, no severity and no time.
//! * *Attributes*: `hostname`, `appname`, `proc_id`, `msg_id`, `facility` and `priority` (numbers), `facility_text`, and
//!   of RFC 5424 `version` and `structured_data` (a map of maps); what a message leaves out is absent.
//! * *Severity*: 0 to 7 is `emerg` 21, `alert` 19, `crit` 18, `err` 17, `warning` 13, `notice` 10, `info` 9, `debug` 5.
//! * *Time*: the message's; RFC 3164 has neither year nor zone, so that it is the current year and UTC. A message without
//!   time has none but the observed one.
//!
//! **Why so.** Alloy has a listener of its own for Loki as well, which drops what it cannot read and closes the
//! connection. Both runtimes listen by the same receiver here, for which Alloy has to run at the level `public-preview`.
//! Its parser fails quietly: a flood of bad lines is no flood in the collector's own log. A packet of UDP is one message,
//! which is written, since Alloy would take each line in it for one.

use linkmesh_proto::api::{collector::Stability, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Bind, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge,
    form,
    listener::{self, ServerTls},
    read,
};
use crate::render::{
    alloy::{Expr, attribute, block},
    yaml::Yaml,
};
use crate::stage::Stage;

pub(super) const COMPONENT: &dyn Component = &Syslog;

struct Syslog;

#[derive(Deserialize)]
struct Settings {
    listen_address: String,
    transport: Transport,
    format: String,
    octet_counting: bool,
    tls: Option<ServerTls>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Transport {
    Tcp,
    Udp,
}

impl Transport {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Statements behind the receiver.
fn stages() -> Vec<Box<dyn Stage>> {
    let mut statements = vec![
        r#"set(body, attributes["message"]) where attributes["message"] != nil"#.to_owned(),
        r#"delete_key(attributes, "message")"#.to_owned(),
    ];
    // The receiver stops at a message without time and leaves these undone.
    statements.extend(bridge::syslog_severity(|number| format!(r#"attributes["severity"] == {number}"#)));
    statements.push(r#"delete_key(attributes, "severity")"#.to_owned());
    bridge::on_logs(statements)
}

impl Component for Syslog {
    fn title(&self) -> &'static str {
        "Syslog"
    }

    fn description(&self) -> &'static str {
        "Receives messages of syslog over TCP, TLS or UDP, in the format of RFC 5424 or RFC 3164."
    }

    fn least(&self) -> Least {
        // `on_error`: otelcol 0.120, Alloy 1.8.
        Least::since(120, 8)
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        let is = |name: &str, value: Value| settings.get(name) == Some(&value);
        // Lengths before messages of RFC 3164: otelcol 0.156.
        if is("octet_counting", Value::Bool(true)) && is("format", "rfc3164".into()) {
            return Least::since(156, 19);
        }
        self.least()
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn alloy_stability(&self) -> Stability {
        Stability::PublicPreview
    }

    fn schema(&self) -> Value {
        form::form([
            ("listen_address", listener::address("0.0.0.0:514").required()),
            ("transport", form::choice("Transport", &["tcp", "udp"]).default("tcp")),
            (
                "format",
                form::choice("Format", &["rfc5424", "rfc3164"]).default("rfc5424").help(
                    "rfc5424 begins with <34>1 and a full date, rfc3164 with <34> and a date such as Oct 11 22:14:15.",
                ),
            ),
            (
                "octet_counting",
                form::flag("Messages begin with their length").default(false).help(
                    "How rsyslog and syslog-ng send over TCP when they are told to; else each line is a message.",
                ),
            ),
            ("tls", listener::tls()),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Servers, over TCP", json!({ "listen_address": "0.0.0.0:6514" })),
            (
                "Network devices, over UDP",
                json!({ "listen_address": "0.0.0.0:514", "transport": "udp", "format": "rfc3164" }),
            ),
            (
                "Servers that send the length of each message",
                json!({ "listen_address": "10.0.0.5:6514", "octet_counting": true }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        if settings.transport == Transport::Udp {
            let path = findings.path().clone();
            if settings.octet_counting {
                findings.errors.add(path.key("octet_counting"), "not_allowed", "over UDP each packet is a message");
            }
            if settings.tls.is_some() {
                findings.errors.add(path.key("tls"), "not_allowed", "is for TCP");
            }
        }
    }

    fn binds(&self, settings: &SettingsMap) -> Vec<Bind> {
        let text = |name: &str| settings.get(name).and_then(Value::as_str);
        let protocol = if text("transport") == Some("udp") { "udp" } else { "tcp" };
        text("listen_address").and_then(|at| listener::bind("listen_address", protocol, at)).into_iter().collect()
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut listener = vec![("listen_address".to_owned(), Yaml::text(settings.listen_address))];
        if settings.transport == Transport::Udp {
            listener.push(("one_log_per_packet".to_owned(), Yaml::Bool(true)));
        }
        listener.extend(settings.tls.as_ref().map(ServerTls::otelcol));
        let mut config = vec![
            ("protocol".to_owned(), Yaml::text(settings.format)),
            (settings.transport.as_str().to_owned(), Yaml::Map(listener)),
        ];
        if settings.octet_counting {
            config.push(("enable_octet_counting".to_owned(), Yaml::Bool(true)));
        }
        config.push(("on_error".to_owned(), Yaml::word("send_quiet")));
        Ok(OtelcolPart::new("syslog", Yaml::Map(config)).then(&stages()))
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut body = vec![attribute("protocol", Expr::text(settings.format))];
        if settings.octet_counting {
            body.push(attribute("enable_octet_counting", Expr::token(true)));
        }
        body.push(attribute("on_error", Expr::text("send_quiet")));
        let mut listener = vec![attribute("listen_address", Expr::text(settings.listen_address))];
        if settings.transport == Transport::Udp {
            listener.push(attribute("one_log_per_packet", Expr::token(true)));
        }
        listener.extend(settings.tls.as_ref().map(ServerTls::alloy));
        body.push(block(settings.transport.as_str(), listener));
        Ok(bridge::source("otelcol.receiver.syslog", site, &stages(), body))
    }
}
