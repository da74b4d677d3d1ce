//! `file_log`: lines of log files as records.
//!
//! **The record.** One for each line, or for each group of lines that `multiline` puts together; space at both ends is
//! taken off, what is empty then is no record (in UTF-16 an empty one), and what is longer than 1 MiB is several.
//! * *Body*: the line, decoded by `encoding` (what cannot be decoded is U+FFFD). With `container` it is what the program
//!   wrote, partial lines joined, without the newline at its end.
//! * *Attributes*: `log.file.name`, `log.file.path`, and what `format` finds in the line, by its own names: `json` the
//!   members of an object (numbers are doubles, objects and lists stay what they are, or with `flatten` become attributes
//!   of their own, as `parse` has it), `regex` the named groups as texts
//!   (one that took no part is empty), `logfmt` the pairs as texts (a line with a word that is no pair has none);
//!   `container` gives `log.iostream` and, of CRI logs, `logtag`. A line that is not of the format keeps its body and has
//!   none of them (a broken one of Docker's may keep its members).
//! * *Resource*: the attributes of `resource`.
//! * *Time*: of `timestamp`, of the container's own line, else unset; the observed time is when the line was read.
//! * *Severity*: text is the attribute of `severity`, number is the level that lists it, upper and lower case alike; else
//!   unset.
//!
//! **Why so.** Both runtimes read by the filelog receiver: the same code, so that files, rotation, multiline and encodings
//! cannot differ. What is parsed is parsed in OTTL behind it, since an operator of the receiver that fails on a record
//! with an attribute `level` or `time` ends an Alloy. Container logs need the operator, as it joins partial lines: it is
//! the first one, its records have no such attribute, and it fails quietly. In UTF-16 the receiver would take off single
//! bytes of space, and so half of a letter: there it is told not to, and the statements do it.

use std::collections::BTreeMap;

use linkmesh_proto::api::{collector::Stability, pipeline::Signal};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::component::{
    AlloyPart, AlloySite, Component, Findings, Least, OtelcolPart, OtelcolSite, SettingsMap, Unsupported, bridge,
    form::{self, Field},
    read,
    scalar::files::Files,
};
use crate::{
    render::{
        alloy::{Block, Expr, attribute, block},
        names,
        yaml::Yaml,
    },
    stage::Stage,
};

#[path = "file_log/parse.rs"]
mod parse;
#[cfg(test)]
#[path = "file_log/tests.rs"]
mod tests;

pub(super) const COMPONENT: &dyn Component = &FileLog;

struct FileLog;

/// How the bytes of files are read; both runtimes look them up in one table.
const ENCODINGS: &[&str] =
    &["utf-8", "utf-16le", "utf-16be", "iso-8859-1", "windows-1252", "gbk", "big5", "shift_jis", "euc-jp", "euc-kr"];

#[derive(Deserialize)]
struct Settings {
    include: Vec<String>,
    exclude: Vec<String>,
    start_at: String,
    encoding: String,
    multiline: Option<Multiline>,
    format: Format,
    pattern: Option<String>,
    flatten: bool,
    timestamp: Option<Timestamp>,
    severity: Option<Severity>,
    resource: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    None,
    Json,
    Regex,
    Logfmt,
    Container,
}

#[derive(Deserialize)]
struct Multiline {
    line_start_pattern: Option<String>,
    line_end_pattern: Option<String>,
}

impl Multiline {
    fn pattern(&self) -> Option<(&'static str, &str)> {
        let start = self.line_start_pattern.as_deref().map(|pattern| ("line_start_pattern", pattern));
        start.or_else(|| Some(("line_end_pattern", self.line_end_pattern.as_deref()?)))
    }
}

#[derive(Deserialize)]
struct Timestamp {
    attribute: String,
    layout: String,
}

#[derive(Deserialize)]
struct Severity {
    attribute: String,
    words: Words,
}

/// The words that stand for each level.
#[derive(Deserialize)]
struct Words {
    trace: Vec<String>,
    debug: Vec<String>,
    info: Vec<String>,
    warn: Vec<String>,
    error: Vec<String>,
    fatal: Vec<String>,
}

impl Words {
    fn levels(&self) -> [(&'static str, &[String]); 6] {
        [
            ("trace", &self.trace),
            ("debug", &self.debug),
            ("info", &self.info),
            ("warn", &self.warn),
            ("error", &self.error),
            ("fatal", &self.fatal),
        ]
    }
}

impl Settings {
    /// Two bytes for a letter: what the receiver does to bytes does not fit.
    fn is_utf16(&self) -> bool {
        self.encoding.starts_with("utf-16")
    }
}

/// What keeps the receiver from taking space off.
const PRESERVE: [&str; 2] = ["preserve_leading_whitespaces", "preserve_trailing_whitespaces"];

/// The operator of the receiver for container logs. It fails quietly: what an Alloy logs of a record can end it.
const CONTAINER: &str = "container";

fn words(title: &str, default: &[&str]) -> Field {
    form::list(title, form::text("").most(64)).at_most(50).default(json!(default))
}

impl Component for FileLog {
    fn title(&self) -> &'static str {
        "Log files"
    }

    fn description(&self) -> &'static str {
        "Reads lines that are appended to files, follows rotation, and goes on where it stopped after a restart. Finds \
         attributes, time and severity in them."
    }

    fn least(&self) -> Least {
        // The position on disk: otelcol 0.110, Alloy 1.9.
        Least::since(110, 9)
    }

    fn signals(&self) -> &'static [Signal] {
        &[Signal::Logs]
    }

    fn alloy_stability(&self) -> Stability {
        Stability::PublicPreview
    }

    fn schema(&self) -> Value {
        let pattern = |check: &str| form::text("").check(check);
        let patterns = |title: &str, check: &str| form::list(title, pattern(check)).at_most(100);
        form::form([
            (
                "include",
                patterns("Files", "log_files")
                    .required()
                    .at_least(1)
                    .example(json!(["/var/log/nginx/*.log"]))
                    .help("Absolute paths; * stands for part of a name, ** for any folders."),
            ),
            (
                "exclude",
                patterns("Except", "file_pattern")
                    .default(json!([]))
                    .example(json!(["/var/log/nginx/*.gz"]))
                    .help("Files to leave out although they match above."),
            ),
            (
                "start_at",
                form::choice("Begin at", &["end", "beginning"]).default("end").help(
                    "Where to begin in files that are there when the collector first sees them: `end` reads only what \
                     is added later.",
                ),
            ),
            ("encoding", form::choice("Encoding", ENCODINGS).default("utf-8")),
            (
                "multiline",
                form::group(
                    "Records of several lines",
                    [
                        (
                            "line_start_pattern",
                            form::regex("A record begins with").example(r"^\d{4}-\d{2}-\d{2}").help("One of the two."),
                        ),
                        ("line_end_pattern", form::regex("A record ends with").example("^---$")),
                    ],
                )
                .help("Leave out when every line is a record."),
            ),
            (
                "format",
                form::choice("Format", &["none", "json", "regex", "logfmt", "container"]).default("none").help(
                    "What to find in a line: json its members, regex the named groups of the pattern, logfmt pairs of \
                     key=value; container takes the frame off that Docker, containerd and CRI-O put around lines.",
                ),
            ),
            (
                "pattern",
                form::regex("Pattern")
                    .example(r"^(?P<time>\S+) (?P<level>\w+) (?P<message>.*)$")
                    .help("For the format regex: each named group becomes an attribute."),
            ),
            (
                "flatten",
                form::flag("Flatten")
                    .default(false)
                    .help("For json: nested members become attributes of their own: `user.email`, `mails.0`."),
            ),
            (
                "timestamp",
                form::group(
                    "Time of the record",
                    [
                        ("attribute", form::attribute_key("Attribute").required().example("time")),
                        (
                            "layout",
                            form::text("Layout")
                                .most(128)
                                .required()
                                .check("time_layout")
                                .example("%Y-%m-%dT%H:%M:%S.%L%z")
                                .help(
                                    "Parts of a time as strptime has them (%L milliseconds, %f microseconds, %s \
                                     nanoseconds, %z offset), or epoch_s, epoch_ms, epoch_us, epoch_ns for a number. \
                                     Without an offset it is the host's time.",
                                ),
                        ),
                    ],
                )
                .help("Leave out to keep only the time at which the line was read."),
            ),
            (
                "severity",
                form::group(
                    "Severity of the record",
                    [
                        ("attribute", form::attribute_key("Attribute").required().example("level")),
                        (
                            "words",
                            form::group(
                                "Words",
                                [
                                    ("trace", words("Trace", &["trace"])),
                                    ("debug", words("Debug", &["debug"])),
                                    ("info", words("Info", &["info", "information", "notice"])),
                                    ("warn", words("Warn", &["warn", "warning"])),
                                    ("error", words("Error", &["error", "err"])),
                                    (
                                        "fatal",
                                        words("Fatal", &["fatal", "critical", "crit", "alert", "emerg", "panic"]),
                                    ),
                                ],
                            )
                            .default(json!({}))
                            .help("What stands for each level, upper and lower case alike."),
                        ),
                    ],
                ),
            ),
            (
                "resource",
                form::map("Resource", form::attribute_key(""), form::text("").most(1024))
                    .default(json!({}))
                    .example(json!({ "service.name": "nginx" }))
                    .help("Attributes of what wrote the lines, the same for every record."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("One file", json!({ "include": ["/var/log/nginx/access.log"] })),
            (
                "All logs of a folder, with what is in them already",
                json!({ "include": ["/var/log/app/*.log"], "exclude": ["/var/log/app/*.gz"], "start_at": "beginning" }),
            ),
            (
                "JSON with time and level",
                json!({
                    "include": ["/var/log/shop/*.json"],
                    "format": "json",
                    "timestamp": { "attribute": "time", "layout": "%Y-%m-%dT%H:%M:%S.%L%z" },
                    "severity": { "attribute": "level" },
                    "resource": { "service.name": "shop" },
                }),
            ),
            (
                "Stack traces: a record begins with a date",
                json!({
                    "include": ["/var/log/tomcat/catalina.out"],
                    "multiline": { "line_start_pattern": r"^\d{4}-\d{2}-\d{2} " },
                    "format": "regex",
                    "pattern": r"^(?P<time>\S+ \S+) (?P<level>[A-Z]+) (?P<logger>\S+)",
                    "timestamp": { "attribute": "time", "layout": "%Y-%m-%d %H:%M:%S,%L" },
                    "severity": { "attribute": "level", "words": { "fatal": ["SEVERE"], "debug": ["FINE", "FINER"] } },
                }),
            ),
            (
                "Pairs of key=value, times in milliseconds",
                json!({
                    "include": ["/var/log/proxy/*.log"],
                    "format": "logfmt",
                    "timestamp": { "attribute": "ts", "layout": "epoch_ms" },
                    "severity": { "attribute": "level" },
                }),
            ),
            (
                "Containers of Docker",
                json!({ "include": ["/var/lib/docker/containers/*/*-json.log"], "format": "container" }),
            ),
            (
                "Windows: UTF-16",
                json!({ "include": ["C:\\logs\\*.log"], "exclude": ["C:\\logs\\old*.log"], "encoding": "utf-16le" }),
            ),
        ]
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        if let Ok(settings) = read(settings) {
            parse::check(&settings, findings);
        }
    }

    fn reads(&self, settings: &SettingsMap) -> Option<Files> {
        let texts = |name: &str| -> Vec<String> {
            let list = settings.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Some(Files::new(&texts("include"), &texts("exclude")))
    }

    fn nests(&self, settings: &SettingsMap) -> bool {
        read::<Settings>(settings).is_ok_and(|settings| settings.format == Format::Json && !settings.flatten)
    }

    /// What is parsed behind the receiver.
    fn stages(&self, settings: &SettingsMap, _: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        Ok(parse::stages(&read(settings)?))
    }

    fn otelcol(&self, settings: &SettingsMap, _: &OtelcolSite<'_>) -> Result<OtelcolPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let mut config = vec![("include".to_owned(), Yaml::texts(&settings.include))];
        if !settings.exclude.is_empty() {
            config.push(("exclude".to_owned(), Yaml::texts(&settings.exclude)));
        }
        config.push(("start_at".to_owned(), Yaml::text(settings.start_at.as_str())));
        config.push(("include_file_path".to_owned(), Yaml::Bool(true)));
        if settings.encoding != "utf-8" {
            config.push(("encoding".to_owned(), Yaml::text(settings.encoding.as_str())));
        }
        if settings.is_utf16() {
            config.extend(PRESERVE.map(|name| (name.to_owned(), Yaml::Bool(true))));
        }
        if let Some((field, pattern)) = settings.multiline.as_ref().and_then(Multiline::pattern) {
            config.push(("multiline".to_owned(), Yaml::map([(field, Yaml::text(pattern))])));
        }
        if settings.format == Format::Container {
            let operator = Yaml::map([
                ("type", Yaml::word(CONTAINER)),
                ("add_metadata_from_filepath", Yaml::Bool(false)),
                ("on_error", Yaml::word("send_quiet")),
            ]);
            config.push(("operators".to_owned(), Yaml::Seq(vec![operator])));
        }
        config.push(("storage".to_owned(), Yaml::word(names::STORAGE)));
        let mut part = OtelcolPart::new("filelog", Yaml::Map(config)).then(&parse::stages(&settings));
        part.storage = true;
        Ok(part)
    }

    fn alloy(&self, settings: &SettingsMap, site: &AlloySite<'_>) -> Result<AlloyPart, Unsupported> {
        let settings: Settings = read(settings)?;
        let storage = Block::labelled("otelcol.storage.file", site.label, Vec::new());
        let mut body = vec![attribute("include", Expr::texts(&settings.include))];
        if !settings.exclude.is_empty() {
            body.push(attribute("exclude", Expr::texts(&settings.exclude)));
        }
        body.push(attribute("start_at", Expr::text(settings.start_at.as_str())));
        body.push(attribute("include_file_path", Expr::token(true)));
        if settings.encoding != "utf-8" {
            body.push(attribute("encoding", Expr::text(settings.encoding.as_str())));
        }
        if settings.is_utf16() {
            body.extend(PRESERVE.map(|name| attribute(name, Expr::token(true))));
        }
        if settings.format == Format::Container {
            let field = |name: &str, value| (name.to_owned(), value);
            let operator = Expr::Object(vec![
                field("type", Expr::text(CONTAINER)),
                field("add_metadata_from_filepath", Expr::token(false)),
                field("on_error", Expr::text("send_quiet")),
            ]);
            body.push(attribute("operators", Expr::Array(vec![operator])));
        }
        body.push(attribute("storage", Expr::token(storage.reference("handler"))));
        if let Some((field, pattern)) = settings.multiline.as_ref().and_then(Multiline::pattern) {
            body.push(block("multiline", vec![attribute(field, Expr::text(pattern))]));
        }
        let mut part = bridge::source("otelcol.receiver.filelog", site, &parse::stages(&settings), body);
        part.blocks.insert(0, storage);
        Ok(part)
    }
}
