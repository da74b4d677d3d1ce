//! `journald`: the journal of systemd.
//!
//! **The record.** One for each entry of the journal.
//! * *Body*: `MESSAGE`, what is no UTF-8 in it as U+FFFD; empty where an entry has none.
//! * *Attributes*: every other field of the entry under its own name (`_SYSTEMD_UNIT`, `SYSLOG_IDENTIFIER`, `_PID`,
//!   `_HOSTNAME`), as a text; not `PRIORITY`, nor what begins with `__`, which is the journal's own.
//! * *Severity*: of `PRIORITY`, numbers and texts as of `syslog`; unset where an entry has none.
//! * *Time*: when the journal received the entry, to the microsecond.
//!
//! **Why so.** otelcol runs `journalctl` and has a map of the entry, Alloy reads the journal itself and has it as JSON:
//! the same statements make the same record of both. `all` and `convert_message_bytes` are what makes otelcol's map whole:
//! without them a message of more than 4 KiB is null, and a coloured one a list of numbers. Units are matched by
//! `_SYSTEMD_UNIT`, since `journalctl --unit` matches more, which Alloy cannot. Where it was never read, `end` is seven
//! hours back on Alloy: it knows an age only, and one that is short would lose what was written while it did not run.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported,
    bridge::{self, SYSLOG_SEVERITIES},
    form, read,
};
use crate::render::{
    alloy::{Block, Expr, attribute},
    names,
    yaml::Yaml,
};
use crate::stage::Stage;

pub(super) const COMPONENT: &dyn Component = &Journald;

struct Journald;

#[derive(Deserialize)]
struct Settings {
    units: Vec<String>,
    identifiers: Vec<String>,
    priority: String,
    directory: Option<String>,
    start_at: String,
}

/// A unit by its whole name: what has no suffix is a service.
fn unit(name: &str) -> String {
    const SUFFIXES: [&str; 11] = [
        ".service",
        ".socket",
        ".mount",
        ".automount",
        ".scope",
        ".slice",
        ".timer",
        ".target",
        ".path",
        ".device",
        ".swap",
    ];
    if SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) { name.to_owned() } else { format!("{name}.service") }
}

impl Settings {
    /// The fields and values of which an entry must have one of each field.
    fn matches(&self) -> Vec<(&'static str, String)> {
        let units = self.units.iter().map(|name| ("_SYSTEMD_UNIT", unit(name)));
        units.chain(self.identifiers.iter().map(|name| ("SYSLOG_IDENTIFIER", name.clone()))).collect()
    }

    /// The numbers of the priorities that are wanted; none when all are.
    fn priorities(&self) -> std::ops::RangeInclusive<usize> {
        let last = SYSLOG_SEVERITIES
            .iter()
            .position(|(name, _)| *name == self.priority)
            .unwrap_or(SYSLOG_SEVERITIES.len() - 1);
        0..=last
    }
}

/// Statements on a body that is the map of an entry.
fn statements() -> Vec<String> {
    let mut statements: Vec<String> =
        bridge::syslog_severity(|number| format!(r#"body["PRIORITY"] == "{number}""#)).collect();
    statements.extend(
        [
            r#"merge_maps(attributes, body, "upsert") where IsMap(body)"#,
            r#"delete_matching_keys(attributes, "^(__.*|MESSAGE|PRIORITY)$")"#,
            r#"set(body, body["MESSAGE"]) where IsMap(body) and body["MESSAGE"] != nil"#,
            r#"set(body, "") where IsMap(body)"#,
            "replace_pattern(body, \"\\\\x{FFFD}\", \"\u{FFFD}\")",
        ]
        .map(str::to_owned),
    );
    statements
}

fn stages(first: &[&str]) -> Vec<Box<dyn Stage>> {
    bridge::on_logs(first.iter().map(|statement| (*statement).to_owned()).chain(statements()).collect())
}

impl Component for Journald {
    fn title(&self) -> &'static str {
        "Journal of systemd"
    }

    fn description(&self) -> &'static str {
        "Reads what units and the kernel write to the journal of the host, and goes on where it stopped. otelcol needs \
         the program journalctl beside it, which its official images lack; Alloy needs a build with support for it, as \
         the official ones for Linux are."
    }

    fn least(&self) -> Least {
        // otelcol: `convert_message_bytes` (0.113).
        Least::since(113, 0)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn schema(&self) -> Value {
        let names: Vec<&str> = SYSLOG_SEVERITIES.iter().map(|(name, _)| *name).collect();
        form::form([
            (
                "units",
                form::list("Units", form::text("").most(256).check("unit_name"))
                    .default(json!([]))
                    .example(json!(["ssh.service"]))
                    .help("Only what these wrote; all when it is empty. A name without a suffix is a service."),
            ),
            (
                "identifiers",
                form::list("Programs", form::text("").most(256).check("word"))
                    .default(json!([]))
                    .example(json!(["sshd"]))
                    .help("Only what was logged under these names (SYSLOG_IDENTIFIER); all when it is empty."),
            ),
            ("priority", form::choice("At least as urgent as", &names).default("info").help("debug is everything.")),
            (
                "directory",
                form::file("Directory")
                    .example("/var/log/journal")
                    .help("Where the journal is; the host's when it is left out."),
            ),
            (
                "start_at",
                form::choice("Begin at", &["end", "beginning"])
                    .default("end")
                    .help("Where to begin in a journal that was never read. On Alloy `end` is seven hours back."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Everything of the host", json!({})),
            ("Warnings of two services", json!({ "units": ["ssh", "nginx.service"], "priority": "warning" })),
            (
                "One program, from the beginning",
                json!({ "identifiers": ["sudo"], "priority": "debug", "directory": "/var/log/journal", "start_at": "beginning" }),
            ),
        ]
    }

    fn differs(&self) -> Option<&'static str> {
        Some(
            "where the journal was never read, Alloy begins seven hours back and otelcol at its end; a field that an \
             entry has twice is a list on otelcol and the last one on Alloy",
        )
    }

    fn alloy_not_on(&self) -> &'static [&'static str] {
        &["windows", "darwin"]
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = Vec::new();
        if let Some(directory) = &settings.directory {
            config.push(("directory".to_owned(), Yaml::text(directory.as_str())));
        }
        // One map for each is one of them; identifiers stand apart and must match too.
        let units = settings.units.iter().map(|name| Yaml::map([("_SYSTEMD_UNIT", Yaml::text(unit(name)))]));
        if !settings.units.is_empty() {
            config.push(("matches".to_owned(), Yaml::Seq(units.collect())));
        }
        if !settings.identifiers.is_empty() {
            config.push(("identifiers".to_owned(), Yaml::texts(&settings.identifiers)));
        }
        config.push(("priority".to_owned(), Yaml::text(settings.priority)));
        config.push(("start_at".to_owned(), Yaml::text(settings.start_at)));
        config.push(("all".to_owned(), Yaml::Bool(true)));
        config.push(("convert_message_bytes".to_owned(), Yaml::Bool(true)));
        config.push(("storage".to_owned(), Yaml::word(names::STORAGE)));
        let mut part = OtelcolPart::new("journald", Yaml::Map(config)).then(&stages(&[]));
        part.storage = true;
        Ok(part)
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let behind = bridge::of_loki(
            &stages(&[bridge::NO_LABELS, r#"delete_key(attributes, "job")"#, "set(body, ParseJSON(body))"]),
            site,
        );
        let receiver = behind.first().map(|block| block.reference("receiver")).unwrap_or_default();
        let mut matches: Vec<String> =
            settings.matches().into_iter().map(|(field, value)| format!("{field}={value}")).collect();
        if settings.priorities().count() < SYSLOG_SEVERITIES.len() {
            matches.extend(settings.priorities().map(|number| format!("PRIORITY={number}")));
        }
        let age = if settings.start_at == "beginning" { "87600h" } else { "7h" };
        let mut body = vec![
            attribute("forward_to", Expr::Array(vec![Expr::token(receiver)])),
            attribute("format_as_json", Expr::token(true)),
            attribute("max_age", Expr::text(age)),
        ];
        if !matches.is_empty() {
            body.push(attribute("matches", Expr::text(matches.join(" "))));
        }
        if let Some(directory) = &settings.directory {
            body.push(attribute("path", Expr::text(directory.as_str())));
        }
        let mut blocks = vec![Block::labelled("loki.source.journal", site.label, body)];
        blocks.extend(behind);
        Ok(AlloyPart::source(blocks))
    }
}
