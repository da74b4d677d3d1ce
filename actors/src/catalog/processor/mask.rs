//! `mask`: what looks like a person's data is replaced where it stands in texts.
//!
//! Looked for, one after the other, in this order: the chosen kinds (e-mail addresses, IP addresses of both versions, card
//! numbers, phone numbers), then the own expressions in the order of their list. Every finding is replaced: by a fixed
//! text, or by the SHA-256 of what was found, in hexadecimal, which is the same wherever the same thing was found. (With
//! the hash, a collector 0.149 also replaces text that is equal to a finding and stands in the same value elsewhere.)
//!
//! Looked at, as `in` says:
//! * `body`: the body of a log record, when it is a text; of a body that is a mapping, the texts of its first level.
//! * `attributes`: the attributes of log records, data points, spans and events of spans that are texts.
//! * `resource`: the attributes of the resource that are texts.
//!
//! Nothing else is touched: numbers (also those that are card numbers), lists and mappings that are the value of an
//! attribute or of a member of the body, with all that is in them, bodies that are lists, keys, names, the status of spans. A
//! record without findings stays as it is, and none is dropped.
//!
//! Neither runtime can walk through nested values. `parse` and `file_log` with `flatten` make attributes of what is nested
//! in JSON, so that it is reached; without it, a pipeline that masks attributes behind them is warned of.
//!
//! Neither runtime can compute the check digit of a card number for each finding. So a card number is 13 to 19 digits,
//! with or without spaces or hyphens in the usual places, that begin as those of a known issuer do; others with such a
//! beginning are masked too. A phone number is `+` and 8 to 16 digits, or ten digits in the North American grouping
//! with separators. Numbers without either mark are not taken for phone numbers.

use linkmesh_proto::api::pipeline::Signal;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    component::{
        Component, Findings, Least, SettingsMap, Unsupported,
        form::{choice, choices, form, list, regex, text},
        ottl_text::{quoted, replacement_of},
        read, scalar,
    },
    stage::{
        Stage,
        transform::{Context, Group, Transform, records},
    },
};

pub(super) const COMPONENT: &dyn Component = &Mask;

struct Mask;

#[derive(Deserialize)]
struct Settings {
    patterns: Vec<Kind>,
    expressions: Vec<String>,
    r#in: Vec<Place>,
    replace_with: With,
    text: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Email,
    Ip,
    CreditCard,
    Phone,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Place {
    Body,
    Attributes,
    Resource,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum With {
    Text,
    Sha256,
}

const EMAIL: &str = r"(?i)\b[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}\b";
const IPV4: &str = r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b";
/// All eight groups; or `::` with at least one group behind it; or two groups and more with `::` at the end.
const IPV6: &str = r"(?i)\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|(?:\b(?:[0-9a-f]{1,4}:){1,6}|\B:)(?::[0-9a-f]{1,4}){1,6}\b|\b(?:[0-9a-f]{1,4}:){2,7}:\B";
/// By the beginnings that issuers have: four groups of four (Visa, Mastercard, Discover, JCB, and 62, with three more
/// digits for the longest), 4-6-5 (American Express), 4-6-4 (Diners), and Visa's old 13.
const CARD: &str = r"\b(?:(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|4[4-9]\d|5\d{2}|2\d{2})|35\d{2})[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?:[ -]?\d{3})?|3[47]\d{2}[ -]?\d{6}[ -]?\d{5}|3(?:0[0-5]|[689]\d)\d[ -]?\d{6}[ -]?\d{4}|4\d{12})\b";
const PHONE: &str = r"\+[1-9]\d{0,2}(?:[ .()/-]{0,2}\d){6,13}\b|(?:\(\d{3}\) ?|\b\d{3}[.-])\d{3}[ .-]\d{4}\b";

impl Kind {
    const fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::Email => &[EMAIL],
            Self::Ip => &[IPV4, IPV6],
            Self::CreditCard => &[CARD],
            Self::Phone => &[PHONE],
        }
    }
}

impl Settings {
    /// Statements on what a group looks at: a text and a mapping of a body, or the mapping of attributes.
    fn statements(&self, place: Place) -> Vec<String> {
        let mut kinds = self.patterns.clone();
        kinds.sort_unstable();
        let built_in = kinds.iter().flat_map(|kind| kind.patterns()).copied();
        let put = match self.replace_with {
            With::Text => quoted(&replacement_of(&self.text)),
            With::Sha256 => "\"$0\", SHA256".to_owned(),
        };
        let each = |pattern: &str| {
            let pattern = quoted(pattern);
            let all = |map: &str| format!("replace_all_patterns({map}, \"value\", {pattern}, {put})");
            match place {
                Place::Body => vec![
                    format!("replace_pattern(body, {pattern}, {put}) where IsString(body)"),
                    format!("{} where IsMap(body)", all("body")),
                ],
                Place::Attributes | Place::Resource => vec![all("attributes")],
            }
        };
        built_in.chain(self.expressions.iter().map(String::as_str)).flat_map(each).collect()
    }

    fn looks_at(&self, place: Place) -> bool {
        self.r#in.contains(&place)
    }

    /// What is looked at in a kind of telemetry.
    fn groups(&self, signal: Signal) -> Vec<Group> {
        let mut statements = Vec::new();
        if signal == Signal::Logs && self.looks_at(Place::Body) {
            statements.extend(self.statements(Place::Body));
        }
        if self.looks_at(Place::Attributes) {
            statements.extend(self.statements(Place::Attributes));
        }
        let mut groups = Vec::new();
        if self.looks_at(Place::Resource) {
            groups.push((Context::Resource, self.statements(Place::Resource)));
        }
        groups.push((records(signal), statements));
        if signal == Signal::Traces && self.looks_at(Place::Attributes) {
            groups.push((Context::SpanEvent, self.statements(Place::Attributes)));
        }
        groups.retain(|(_, statements)| !statements.is_empty());
        groups.into_iter().map(|(context, statements)| Group { signal, context, statements }).collect()
    }
}

impl Component for Mask {
    fn title(&self) -> &'static str {
        "Mask"
    }

    fn description(&self) -> &'static str {
        "Replaces e-mail addresses, phone numbers, card numbers, IP addresses and what own expressions find, in texts of \
         the first level of bodies, attributes and resource labels; with flatten of Parse, nested ones too."
    }

    fn least(&self) -> Least {
        Least::BASE
    }

    fn least_with(&self, settings: &SettingsMap) -> Least {
        // A function for what was found (0.88), which hashes the right part of it since 0.92.
        let hashes = settings.get("replace_with").and_then(Value::as_str) == Some("sha256");
        if hashes { Least::since(92, 0) } else { self.least() }
    }

    fn schema(&self) -> Value {
        form([
            (
                "patterns",
                choices("Find", &["email", "phone", "credit_card", "ip"]).default(json!([])).help(
                    "credit_card goes by the beginnings that issuers have: what only looks like a card number is masked too. \
                     phone needs a + or separators.",
                ),
            ),
            (
                "expressions",
                list("Own expressions", regex("").example("(?i)token=\\S+")).default(json!([])).at_most(50).help(
                    "The whole of what an expression finds is replaced. They come after the kinds above, in order.",
                ),
            ),
            (
                "in",
                choices("Look at", &["body", "attributes", "resource"])
                    .default(json!(["body", "attributes"]))
                    .at_least(1)
                    .help(
                        "Texts of the first level: a body that is a text or the texts right in it, attributes and resource \
                         labels that are texts. What is in their mappings and lists stays; Parse with flatten makes \
                         attributes of it.",
                    ),
            ),
            (
                "replace_with",
                choice("Replace by", &["text", "sha256"])
                    .default("text")
                    .help("sha256: the same thing gets the same hash, so that records can still be joined."),
            ),
            (
                "text",
                text("Text")
                    .with("minLength", 0)
                    .most(256)
                    .default("****")
                    .help("What stands in the place of a finding."),
            ),
        ])
    }

    fn examples(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Persons", json!({ "patterns": ["email", "phone", "credit_card", "ip"] })),
            (
                "Tokens in log lines",
                json!({ "expressions": ["(?i)(?:token|password)=\\S+"], "in": ["body"], "text": "$redacted" }),
            ),
            (
                "The same user, unknown",
                json!({ "patterns": ["email"], "in": ["attributes", "resource"], "replace_with": "sha256" }),
            ),
        ]
    }

    fn signals_with(&self, settings: &SettingsMap) -> Vec<Signal> {
        let Ok(settings) = read::<Settings>(settings) else { return self.signals().to_vec() };
        self.signals().iter().copied().filter(|signal| !settings.groups(*signal).is_empty()).collect()
    }

    fn check(&self, settings: &SettingsMap, findings: &mut Findings) {
        let Ok(settings) = read::<Settings>(settings) else { return };
        if settings.patterns.is_empty() && settings.expressions.is_empty() {
            findings.errors.add(
                findings.path().key("patterns"),
                "missing",
                "choose what to find, or give an expression",
            );
        }
        for (index, pattern) in settings.expressions.iter().enumerate() {
            if let Ok(Some(expression)) = scalar::regex(pattern)
                && expression.least == 0
            {
                let at = findings.path().key("expressions").index(index);
                findings.errors.add(at, "invalid_value", "also finds nothing at all, between any two characters");
            }
        }
    }

    fn leaves_nested(&self, settings: &SettingsMap) -> Option<&'static str> {
        let settings: Settings = read(settings).ok()?;
        settings.looks_at(Place::Attributes).then_some("masks attributes that are texts")
    }

    fn stages(&self, settings: &SettingsMap, signals: &[Signal]) -> Result<Vec<Box<dyn Stage>>, Unsupported> {
        let settings: Settings = read(settings)?;
        let groups = signals.iter().flat_map(|signal| settings.groups(*signal));
        Ok(vec![Box::new(Transform::new(groups.collect()))])
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn masked(kind: Kind, text: &str) -> String {
        kind.patterns()
            .iter()
            .fold(text.to_owned(), |text, pattern| Regex::new(pattern).unwrap().replace_all(&text, "*").into_owned())
    }

    #[test]
    fn findings_are_replaced_and_their_neighbours_stay() {
        for (kind, text, expected) in [
            (Kind::Email, "from Ann.B+x@mail.example.co.uk, ok", "from *, ok"),
            (Kind::Email, "<a@b.de> @home a@b user@host", "<*> @home a@b user@host"),
            (Kind::Ip, "10.0.0.1:80 and 255.255.255.255", "*:80 and *"),
            (Kind::Ip, "256.1.1.1 1.2.3 v1.2", "256.1.1.1 1.2.3 v1.2"),
            (Kind::Ip, "[2001:db8::8a2e:370:7334]:443 ::1 fe80::1%eth0", "[*]:443 * *%eth0"),
            (Kind::Ip, "2001:0db8:0000:0000:0000:ff00:0042:8329, 2001:db8::/32", "*, */32"),
            (
                Kind::Ip,
                "12:34:56 std::fmt::Display 00:11:22:33:44:55 a::",
                "12:34:56 std::fmt::Display 00:11:22:33:44:55 a::",
            ),
            (Kind::CreditCard, "4111 1111 1111 1111, 5500-0000-0000-0004.", "*, *."),
            (Kind::CreditCard, "378282246310005 30569309025904 6011111111111117 3530111333300000", "* * * *"),
            (Kind::CreditCard, "4222222222222 6221260000000000000", "* *"),
            (
                Kind::CreditCard,
                "id 1111111111111111 411111111111111x 41111",
                "id 1111111111111111 411111111111111x 41111",
            ),
            (Kind::Phone, "+49 (0)30 1234567, +491711234567; (555) 123-4567 or 555-123-4567", "*, *; * or *"),
            (
                Kind::Phone,
                "2024-01-02T03:04:05+02:00 12345678 +12 1.2.3.4",
                "2024-01-02T03:04:05+02:00 12345678 +12 1.2.3.4",
            ),
        ] {
            assert_eq!(masked(kind, text), expected, "{text}");
        }
    }

    #[test]
    fn no_finding_of_ours_is_empty() {
        for pattern in [EMAIL, IPV4, IPV6, CARD, PHONE] {
            assert!(scalar::regex(pattern).unwrap().unwrap().least > 0, "{pattern}");
        }
    }
}
