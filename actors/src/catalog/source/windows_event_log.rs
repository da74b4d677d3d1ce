//! `windows_event_log`: events of the event log of Windows.
//!
//! **The record.** One for each event.
//! * *Body*: the message. An event that has none has an empty one.
//! * *Attributes*: `channel`, `computer`, `provider`, `event_id` and `record_id` (numbers), `task`, `opcode`, `user_id`,
//!   `process_id` and `thread_id` (numbers), `event_data`, `user_data`; what an event has not is absent.
//! * *Severity*: the text is the level as Windows writes it (`Error`), the number is critical 21, error 17, warning 13,
//!   information 9, else unset. *Time*: when the event was created.
//!
//! `task` and `opcode` are names where Windows has one, else numbers as texts.
//!
//! What cannot be equal: `event_data` and `user_data` are maps on otelcol and the inner XML on Alloy; the message of the
//! log Security is its first sentence on otelcol, with the rest in the attribute `details`; on a Windows that does not
//! speak English otelcol knows no level by its name.
//! Alloy begins with what is written from now on. All channels are asked for by one query in both.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge, form, read,
};
use crate::render::{
    alloy::{Block, Expr, attribute},
    names,
    yaml::Yaml,
};

pub(super) const COMPONENT: &dyn Component = &EventLog;

struct EventLog;

#[derive(Deserialize)]
struct Settings {
    channels: Vec<String>,
    start_at: String,
}

/// The query for all events of some channels; their names hold no character of XML.
fn query(channels: &[String]) -> String {
    let selects: String = channels.iter().map(|name| format!("<Select Path=\"{name}\">*</Select>")).collect();
    format!("<QueryList><Query Id=\"0\">{selects}</Query></QueryList>")
}

/// An attribute, where it stands in the map of the event, and whether it is a number.
type Field = (&'static str, &'static str, bool);

const OTELCOL: [Field; 13] = [
    ("channel", r#"cache["channel"]"#, false),
    ("computer", r#"cache["computer"]"#, false),
    ("provider", r#"cache["provider"]["name"]"#, false),
    ("event_id", r#"cache["event_id"]["id"]"#, true),
    ("record_id", r#"cache["record_id"]"#, true),
    ("task", r#"cache["task"]"#, false),
    ("opcode", r#"cache["opcode"]"#, false),
    ("user_id", r#"cache["security"]["user_id"]"#, false),
    ("process_id", r#"cache["execution"]["process_id"]"#, true),
    ("thread_id", r#"cache["execution"]["thread_id"]"#, true),
    ("event_data", r#"cache["event_data"]"#, false),
    ("user_data", r#"cache["user_data"]"#, false),
    ("details", r#"cache["details"]"#, false),
];

const ALLOY: [Field; 12] = [
    ("channel", r#"cache["channel"]"#, false),
    ("computer", r#"cache["computer"]"#, false),
    ("provider", r#"cache["source"]"#, false),
    ("event_id", r#"cache["event_id"]"#, true),
    ("record_id", r#"cache["eventRecordID"]"#, true),
    ("task", r#"String(cache["task"])"#, false),
    ("opcode", r#"String(cache["opCode"])"#, false),
    ("user_id", r#"cache["security"]["userId"]"#, false),
    ("process_id", r#"cache["execution"]["processId"]"#, true),
    ("thread_id", r#"cache["execution"]["threadId"]"#, true),
    ("event_data", r#"cache["event_data"]"#, false),
    ("user_data", r#"cache["user_data"]"#, false),
];

fn statements(first: &[&str], fields: &[Field], level: &str) -> Vec<String> {
    let mut statements: Vec<String> = first.iter().map(|statement| (*statement).to_owned()).collect();
    // What is absent is no value, and to set no value does nothing.
    statements.extend(fields.iter().map(|(attribute, place, is_number)| {
        let value = if *is_number { format!("Int({place})") } else { (*place).to_owned() };
        format!(r#"set(attributes["{attribute}"], {value})"#)
    }));
    statements.extend([
        format!(r#"set(severity_text, {level}) where {level} != nil and {level} != """#),
        r#"set(body, "")"#.to_owned(),
        r#"set(body, cache["message"]) where cache["message"] != nil"#.to_owned(),
    ]);
    statements
}

impl Component for EventLog {
    fn title(&self) -> &'static str {
        "Windows event log"
    }

    fn description(&self) -> &'static str {
        "Reads events of Windows from the logs that are named, and goes on where it stopped."
    }

    fn least(&self) -> Least {
        // otelcol: a query (0.126), and `event_data` as a map (0.148). Alloy: `String` of OTTL.
        Least::since(148, 1)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn schema(&self) -> Value {
        form::form([
            (
                "channels",
                form::list("Logs", form::text("").most(255).check("channel"))
                    .default(json!(["Application", "System"]))
                    .at_least(1)
                    .at_most(22)
                    .with("uniqueItems", true)
                    .help("As the event viewer calls them: Application, System, Security, Microsoft-Windows-Sysmon/Operational."),
            ),
            (
                "start_at",
                form::choice("Begin at", &["end", "beginning"])
                    .default("end")
                    .help("Where to begin in logs that were never read. Alloy knows only `end`."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Programs and system", json!({ "channels": ["Application", "System"] })),
            ("Logons", json!({ "channels": ["Security"] })),
        ]
    }

    fn differs(&self) -> Option<&'static str> {
        Some(
            "event_data and user_data are maps on otelcol and XML on Alloy, and the message of Security is taken apart on \
             otelcol",
        )
    }

    fn alloy_not_on(&self) -> &'static [&'static str] {
        &["linux", "darwin", "freebsd"]
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let config = Yaml::map([
            ("query", Yaml::text(query(&settings.channels))),
            ("start_at", Yaml::text(settings.start_at)),
            ("storage", Yaml::word(names::STORAGE)),
        ]);
        let first = [r#"merge_maps(cache, body, "upsert") where IsMap(body)"#];
        let statements = statements(&first, &OTELCOL, r#"cache["level"]"#);
        let mut part = OtelcolPart::new("windowseventlog", config).then(&bridge::on_logs(statements));
        part.storage = true;
        Ok(part)
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        if settings.start_at == "beginning" {
            let reason = "Alloy reads events that are written from now on, and none that are there already";
            return Err(Unsupported::new("start_at", reason));
        }
        let first = [r#"merge_maps(cache, ParseJSON(body), "upsert")"#, "keep_keys(attributes, [])"];
        let mut statements = statements(&first, &ALLOY, r#"cache["levelText"]"#);
        statements.extend([("task", "taskText"), ("opcode", "opCodeText")].map(|(attribute, name)| {
            format!(r#"set(attributes["{attribute}"], cache["{name}"]) where cache["{name}"] != nil"#)
        }));
        let levels = [(1, "FATAL"), (2, "ERROR"), (3, "WARN"), (4, "INFO")];
        statements.extend(levels.map(|(number, level)| {
            format!(r#"set(severity_number, SEVERITY_NUMBER_{level}) where cache["level"] == {number}"#)
        }));
        let behind = bridge::of_loki(&bridge::on_logs(statements), site);
        let forward = behind.first().map(|block| Expr::token(block.reference("receiver")));
        let body = vec![
            attribute("xpath_query", Expr::text(query(&settings.channels))),
            attribute("use_incoming_timestamp", Expr::token(true)),
            attribute("forward_to", Expr::Array(forward.into_iter().collect())),
        ];
        let mut blocks = vec![Block::labelled("loki.source.windowsevent", site.label, body)];
        blocks.extend(behind);
        Ok(AlloyPart::source(blocks))
    }
}
