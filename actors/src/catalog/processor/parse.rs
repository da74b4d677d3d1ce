//! `parse`: a text of a record is taken apart, and its parts become attributes.
//!
//! The text is the body of a log record, or an attribute of a log record, data point or span. By `format`:
//! * `json`: a JSON object. Numbers become numbers with a fraction, `null` an attribute without a value, objects and lists
//!   mappings and lists. With `flatten` no part is one of those: what is in them becomes parts of its own, with the keys on
//!   the way in front (`user.email`, `mails.0`; of a list in a list `mails.00`), and empty ones are left out. So what looks at
//!   texts of the first level only, such as `mask`, reaches all of them.
//! * `regex`: the first match of the expression; each named group is a part, a text, empty where the group took no part in
//!   the match.
//! * `key_value`: pairs with `delimiter` between key and value and `pair_delimiter` between pairs; keys and values may
//!   stand in quotes. All values are texts.
//!
//! Each part is set as an attribute, its key led by `prefix`; one of that key that was there is replaced. With
//! `source: remove` the text is gone afterwards: an attribute is taken away, a body becomes an empty text (a part of the
//! same key as the attribute stays).
//!
//! A record stays exactly as it is when it has no such text, when the text is no text but a number or a mapping, or when
//! it cannot be read whole: not a JSON object, no match, a word without `delimiter`. None is dropped.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{attribute_key, choice, flag, form, regex, text},
        ottl_text::{at_key, quoted, replacement_of},
        read, scalar,
    },
    stage::{Stage, transform::Transform},
};

pub(super) const COMPONENT: &dyn Component = &Parse;

struct Parse;

#[derive(Deserialize)]
struct Settings {
    format: Format,
    from: From,
    attribute: Option<String>,
    pattern: Option<String>,
    delimiter: Option<String>,
    pair_delimiter: Option<String>,
    flatten: bool,
    prefix: Option<String>,
    source: Source,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    Regex,
    KeyValue,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum From {
    Body,
    Attribute,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Source {
    Keep,
    Remove,
}

/// Where the parts wait until all of them are there: a statement that fails leaves it empty, and then nothing is done.
const PARTS: &str = "cache[\"parts\"]";

impl Settings {
    fn delimiters(&self) -> (&str, &str) {
        (self.delimiter.as_deref().unwrap_or("="), self.pair_delimiter.as_deref().unwrap_or(" "))
    }

    fn statements(&self) -> Vec<String> {
        let key = self.attribute.as_deref().unwrap_or_default();
        let text = match self.from {
            From::Body => "body".to_owned(),
            From::Attribute => at_key("attributes", key),
        };
        let pattern = quoted(self.pattern.as_deref().unwrap_or_default());
        // A look before reading keeps errors of lines in another format out of the collector's own log.
        let read = match self.format {
            Format::Json => {
                format!("set({PARTS}, ParseJSON({text})) where IsString({text}) and IsMatch({text}, \"^\\\\s*\\\\{{\")")
            }
            Format::Regex => {
                format!(
                    "set({PARTS}, ExtractPatterns({text}, {pattern})) where IsString({text}) and IsMatch({text}, {pattern})"
                )
            }
            Format::KeyValue => {
                let (delimiter, pairs) = self.delimiters();
                let (delimiter, pairs) = (quoted(delimiter), quoted(pairs));
                format!(
                    "set({PARTS}, ParseKeyValue({text}, {delimiter}, {pairs})) where IsString({text}) and {text} != \"\""
                )
            }
        };
        let mut statements = vec![read];
        if self.flatten {
            statements.push(format!("flatten({PARTS}) where IsMap({PARTS})"));
        }
        if let Some(prefix) = &self.prefix {
            let prefix = quoted(&replacement_of(prefix));
            statements.push(format!("replace_all_patterns({PARTS}, \"key\", \"^\", {prefix}) where IsMap({PARTS})"));
        }
        // Before the parts are put in: one of them may have the key of the source.
        if self.source == Source::Remove {
            let removed = match self.from {
                From::Body => "set(body, \"\")".to_owned(),
                From::Attribute => format!("delete_key(attributes, {})", quoted(key)),
            };
            statements.push(format!("{removed} where IsMap({PARTS})"));
        }
        statements.push(format!("merge_maps(attributes, {PARTS}, \"upsert\") where IsMap({PARTS})"));
        statements
    }
}

impl Component for Parse {
    fn title(&self) -> &'static str {
        "Parse"
    }

    fn description(&self) -> &'static str {
        "Takes a text apart (JSON, an expression with named groups, keys and values) and sets its parts as attributes. \
         A record that cannot be read so stays as it is."
    }

    fn least(&self) -> Least {
        // `IsString` and `IsMap` of OTTL.
        Least::since(80, 0)
    }

    fn schema(&self) -> Value {
        form([
            ("format", choice("Format", &["json", "regex", "key_value"]).required().example("json")),
            ("from", choice("Text from", &["body", "attribute"]).default("body").help("The body is of log records.")),
            ("attribute", attribute_key("Attribute").help("The attribute that holds the text, for `attribute`.")),
            (
                "pattern",
                regex("Expression")
                    .example("^(?P<client>\\S+) (?P<status>\\d{3})")
                    .help("For regex. Each named group becomes an attribute; groups without a name are left out."),
            ),
            (
                "delimiter",
                text("Between key and value")
                    .most(16)
                    .with("x-controls", true)
                    .example("=")
                    .help("For key_value; = when not given."),
            ),
            (
                "pair_delimiter",
                text("Between pairs")
                    .most(16)
                    .with("x-controls", true)
                    .example(" ")
                    .help("For key_value; a space when not given."),
            ),
            (
                "flatten",
                flag("Flatten")
                    .default(false)
                    .help("For json: nested members become attributes of their own: `user.email`, `mails.0`."),
            ),
            (
                "prefix",
                text("Prefix")
                    .most(64)
                    .check("attribute_key")
                    .example("app.")
                    .help("What keys of attributes begin with."),
            ),
            (
                "source",
                choice("Afterwards", &["keep", "remove"])
                    .default("keep")
                    .help("Whether the text stays. A body that is removed becomes empty."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("JSON lines", json!({ "format": "json", "source": "remove" })),
            ("JSON with objects in it, to be masked", json!({ "format": "json", "flatten": true, "source": "remove" })),
            (
                "Access log",
                json!({
                    "format": "regex",
                    "pattern": r#"^(?P<client>\S+) \S+ \S+ \[[^\]]+\] "(?P<method>[A-Z]+) (?P<path>\S+)[^"]*" (?P<status>\d{3})"#,
                    "prefix": "http.",
                }),
            ),
            (
                "logfmt in an attribute",
                json!({
                    "format": "key_value", "from": "attribute", "attribute": "message",
                    "delimiter": "=", "pair_delimiter": " ", "source": "remove",
                }),
            ),
        ]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        match read::<Settings>(settings) {
            Ok(settings) if settings.from == From::Body => vec![Signal::Logs],
            _ => self.signals().to_vec(),
        }
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        let at = findings.path().clone();
        findings.needed_only_if(&at, "attribute", settings.from == From::Attribute, settings.attribute.is_some());
        findings.needed_only_if(&at, "pattern", settings.format == Format::Regex, settings.pattern.is_some());
        if let Some(Ok(Some(pattern))) = settings.pattern.as_deref().map(scalar::regex)
            && pattern.names.iter().all(String::is_empty)
        {
            findings.errors.add(at.key("pattern"), "invalid_value", "needs a named group: (?P<name>...)");
        }
        for (field, given) in [("delimiter", &settings.delimiter), ("pair_delimiter", &settings.pair_delimiter)] {
            if given.is_some() && settings.format != Format::KeyValue {
                findings.errors.add(at.key(field), "not_allowed", "has no meaning with these settings");
            }
        }
        if settings.flatten && settings.format != Format::Json {
            findings.errors.add(at.key("flatten"), "not_allowed", "only json has nested members");
        }
        let (delimiter, pairs) = settings.delimiters();
        if settings.format == Format::KeyValue && delimiter == pairs {
            findings.errors.add(
                at.key("pair_delimiter"),
                "invalid_value",
                "must not be what stands between key and value",
            );
        }
    }

    fn nests(&self, settings: &SettingsMap) -> bool {
        read::<Settings>(settings).is_ok_and(|settings| settings.format == Format::Json && !settings.flatten)
    }

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        Ok(vec![Box::new(Transform::records(signals, &settings.statements()))])
    }
}
