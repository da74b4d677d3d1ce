//! What stands between a source of Alloy and the pipeline: stages behind it, and the way from logs of Loki and metrics of
//! Prometheus to records of OpenTelemetry.

use linkmesh_proto::api::pipeline::Signal;

use super::{AlloyPart, AlloySite, Outputs};
use crate::{
    render::alloy::{Block, Statement},
    stage::{
        Stage,
        transform::{Context, Group, Transform},
    },
};

/// Stages behind a source on Alloy: where it sends to, and their blocks.
#[must_use]
pub fn behind(stages: &[Box<dyn Stage>], site: &AlloySite<'_>) -> (Outputs, Vec<Block>) {
    let part = AlloyPart::of_stages(stages, site);
    let outputs = part.input.as_deref().map_or_else(|| site.outputs.clone(), |input| site.outputs.all_to(input));
    (outputs, part.blocks)
}

/// A source of Alloy that is one block: `body` is given the outputs, and stages stand behind it.
#[must_use]
pub fn source(name: &str, site: &AlloySite<'_>, stages: &[Box<dyn Stage>], mut body: Vec<Statement>) -> AlloyPart {
    let (outputs, behind) = behind(stages, site);
    body.push(outputs.block());
    let mut blocks = vec![Block::labelled(name, site.label, body)];
    blocks.extend(behind);
    AlloyPart::source(blocks)
}

/// Takes log entries of Loki over into records: the block, to whose `receiver` they are sent, and the stages behind it.
///
/// Its labels become attributes; [`NO_LABELS`] takes away what only says so.
#[must_use]
pub fn of_loki(stages: &[Box<dyn Stage>], site: &AlloySite<'_>) -> Vec<Block> {
    let (outputs, behind) = behind(stages, site);
    let mut blocks = vec![Block::labelled("otelcol.receiver.loki", site.label, vec![outputs.block()])];
    blocks.extend(behind);
    blocks
}

/// The statement that takes away what names the labels of an entry of Loki.
pub const NO_LABELS: &str = r#"delete_key(attributes, "loki.attribute.labels")"#;

/// What the severities 0 to 7 of syslog are, as a text and as a number of OpenTelemetry.
pub const SYSLOG_SEVERITIES: [(&str, &str); 8] = [
    ("emerg", "FATAL"),
    ("alert", "ERROR3"),
    ("crit", "ERROR2"),
    ("err", "ERROR"),
    ("warning", "WARN"),
    ("notice", "INFO2"),
    ("info", "INFO"),
    ("debug", "DEBUG"),
];

/// Statements that set the severity of syslog where `is` says that it is this number.
pub fn syslog_severity(is: impl Fn(usize) -> String) -> impl Iterator<Item = String> {
    SYSLOG_SEVERITIES.iter().enumerate().flat_map(move |(number, (text, level))| {
        let holds = is(number);
        [
            format!("set(severity_number, SEVERITY_NUMBER_{level}) where {holds}"),
            format!("set(severity_text, \"{text}\") where {holds}"),
        ]
    })
}

/// Statements on each log record.
#[must_use]
pub fn on_logs(statements: Vec<String>) -> Vec<Box<dyn Stage>> {
    if statements.is_empty() {
        return Vec::new();
    }
    vec![Box::new(Transform::new(vec![Group { signal: Signal::Logs, context: Context::Log, statements }]))]
}
