//! What is found in a line: the statements behind the receiver, and what they can find.

use std::collections::BTreeSet;

use linkmesh_proto::api::pipeline::Signal;

use super::{Format, Settings, Severity, Timestamp};
use crate::{
    component::{
        Findings,
        ottl_text::{at_key, quoted, regex_of},
        scalar::name::{EPOCHS, groups},
    },
    stage::{
        Stage,
        transform::{Context, Group, Transform},
    },
};

/// The stages behind the receiver; none when nothing is to be found.
pub(super) fn stages(settings: &Settings) -> Vec<Box<dyn Stage>> {
    let group = |context, statements: Vec<String>| Group { signal: Signal::Logs, context, statements };
    let resource = settings.resource.iter();
    let resource = resource.map(|(key, value)| format!("set({}, {})", at_key("attributes", key), quoted(value)));
    let mut log = parse(settings);
    log.extend(settings.timestamp.as_ref().map(time));
    log.extend(settings.severity.as_ref().map(severity).unwrap_or_default());
    let groups = [group(Context::Resource, resource.collect()), group(Context::Log, log)];
    let groups: Vec<Group> = groups.into_iter().filter(|group| !group.statements.is_empty()).collect();
    if groups.is_empty() { Vec::new() } else { vec![Box::new(Transform::new(groups))] }
}

fn parse(settings: &Settings) -> Vec<String> {
    let mut statements = Vec::new();
    if settings.is_utf16() {
        statements.push(r#"replace_pattern(body, "^[\\s\\x{FEFF}]+|\\s+$", "")"#.to_owned());
    }
    statements.extend(found(settings));
    statements
}

fn found(settings: &Settings) -> Vec<String> {
    let merge = |parsed: &str| format!("merge_maps(attributes, {parsed}, \"upsert\")");
    vec![match settings.format {
        Format::None => return Vec::new(),
        Format::Json if settings.flatten => {
            // A line that cannot be read leaves nothing here, and then nothing is merged.
            return vec![
                r#"set(cache["parts"], ParseJSON(body)) where IsMatch(body, "^\\s*\\{")"#.to_owned(),
                r#"flatten(cache["parts"]) where IsMap(cache["parts"])"#.to_owned(),
                merge(r#"cache["parts"]"#) + r#" where IsMap(cache["parts"])"#,
            ];
        }
        Format::Json => merge("ParseJSON(body)") + r#" where IsMatch(body, "^\\s*\\{")"#,
        Format::Logfmt => merge("ParseKeyValue(body)") + r#" where IsMatch(body, "=")"#,
        // Nothing is found, and nothing merged, in a line that the pattern does not match.
        Format::Regex => {
            merge(&format!("ExtractPatterns(body, {})", quoted(settings.pattern.as_deref().unwrap_or_default())))
        }
        // Docker keeps the newline, the others do not.
        Format::Container => r#"replace_pattern(body, "\\n$", "")"#.to_owned(),
    }]
}

fn time(timestamp: &Timestamp) -> String {
    let attribute = at_key("attributes", &timestamp.attribute);
    let epoch = EPOCHS.iter().find(|(word, _)| *word == timestamp.layout);
    match epoch.map(|(_, power)| *power) {
        None => format!("set(time, Time({attribute}, {})) where IsString({attribute})", quoted(&timestamp.layout)),
        // Texts of digits are exact, numbers of JSON are doubles: so to the microsecond first.
        Some(0) => format!("set(time_unix_nano, Int({attribute})) where {attribute} != nil"),
        Some(power) => {
            let micros = 10_u64.pow(power.saturating_sub(3));
            format!("set(time_unix_nano, Int(Double({attribute}) * {micros}.0) * 1000) where {attribute} != nil")
        }
    }
}

fn severity(severity: &Severity) -> Vec<String> {
    let attribute = at_key("attributes", &severity.attribute);
    let mut statements = vec![format!("set(severity_text, String({attribute})) where {attribute} != nil")];
    for (level, words) in severity.words.levels() {
        if words.is_empty() {
            continue;
        }
        let words: Vec<String> = words.iter().map(|word| regex_of(word)).collect();
        let pattern = quoted(&format!("(?i)^({})$", words.join("|")));
        let level = level.to_uppercase();
        statements
            .push(format!("set(severity_number, SEVERITY_NUMBER_{level}) where IsMatch(severity_text, {pattern})"));
    }
    statements
}

/// What the schema cannot say: settings that need each other, and those that shut each other out.
pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    let path = findings.path().clone();
    let mut add = |field: &[&str], code: &'static str, message: String| {
        let at = field.iter().fold(path.clone(), |at, key| at.key(key));
        findings.errors.add(at, code, message);
    };
    if let Some(multiline) = &settings.multiline {
        match (&multiline.line_start_pattern, &multiline.line_end_pattern) {
            (Some(_), Some(_)) => {
                add(
                    &["multiline", "line_end_pattern"],
                    "not_allowed",
                    "only one of the two patterns can be given".into(),
                );
            }
            (None, None) => {
                add(&["multiline"], "missing", "needs one of line_start_pattern, line_end_pattern".into());
            }
            _ => {}
        }
        if settings.is_utf16() {
            add(&["multiline"], "not_allowed", "works on bytes, and cannot be used with UTF-16".into());
        }
        if settings.format == Format::Container {
            add(&["multiline"], "not_allowed", "lines of containers are joined by their own marks".into());
        }
    }
    let groups = match (settings.format, &settings.pattern) {
        (Format::Regex, None) => {
            add(&["pattern"], "missing", "the format regex needs it".into());
            None
        }
        (Format::Regex, Some(pattern)) => {
            let groups = groups(pattern);
            if groups.as_ref().is_some_and(BTreeSet::is_empty) {
                add(&["pattern"], "invalid_value", "needs a named group such as (?P<level>\\w+)".into());
            }
            groups
        }
        (_, Some(_)) => {
            add(&["pattern"], "not_allowed", "is for the format regex".into());
            None
        }
        (_, None) => None,
    };
    let fields = [
        ("timestamp", settings.timestamp.as_ref().map(|mapping| &mapping.attribute)),
        ("severity", settings.severity.as_ref().map(|mapping| &mapping.attribute)),
    ];
    for (field, attribute) in fields {
        let Some(attribute) = attribute else { continue };
        match settings.format {
            Format::None => add(&[field], "not_allowed", "needs a format that finds attributes in a line".into()),
            Format::Container if field == "timestamp" => {
                add(&[field], "not_allowed", "lines of containers carry their time".into());
            }
            Format::Regex
                if groups.as_ref().is_some_and(|groups| !groups.is_empty() && !groups.contains(attribute)) =>
            {
                add(&[field, "attribute"], "unknown_value", format!("the pattern has no group {attribute}"));
            }
            _ => {}
        }
    }
    if settings.format == Format::Container && settings.is_utf16() {
        add(&["encoding"], "not_allowed", "what puts lines of containers into files writes UTF-8".into());
    }
    if settings.flatten && settings.format != Format::Json {
        add(&["flatten"], "not_allowed", "only json has nested members".into());
    }
    if let Some(severity) = &settings.severity {
        let mut known = BTreeSet::new();
        for (level, words) in severity.words.levels() {
            for word in words {
                if !known.insert(word.to_lowercase()) {
                    add(&["severity", "words", level], "duplicate", format!("`{word}` stands twice"));
                }
            }
        }
    }
}
