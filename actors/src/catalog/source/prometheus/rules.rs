//! Rules on what was fetched: simple ones in the settings, those of relabelling in both languages.

use serde::Deserialize;
use serde_json::Value;

use super::groups;
use crate::{
    component::{Findings, SettingsMap},
    render::{
        alloy::{Block, Expr, Statement, attribute, block},
        yaml::Yaml,
    },
};

#[derive(Deserialize)]
pub(super) struct Rule {
    action: Action,
    pattern: Option<String>,
    label: Option<String>,
    to: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Keep,
    Drop,
    DropLabel,
    RenameLabel,
}

/// Marks what a scrape says of itself, while rules run in Alloy.
const MARK: &str = "__linkmesh_scrape__";

/// What a scrape says of itself: `reportSamples` of Prometheus.
const REPORT: &str = "up|scrape_(duration_seconds|samples_scraped|samples_post_metric_relabeling|series_added)";

/// A rule of relabelling, in both languages.
struct Relabel {
    action: &'static str,
    source_labels: Vec<&'static str>,
    label: Option<String>,
    regex: String,
    target_label: Option<String>,
    replacement: Option<String>,
}

impl Relabel {
    const fn on(action: &'static str, source_labels: Vec<&'static str>, regex: String) -> Self {
        Self { action, source_labels, label: None, regex, target_label: None, replacement: None }
    }

    fn sources(&self) -> Vec<String> {
        self.source_labels.iter().map(|label| (*label).to_owned()).chain(self.label.clone()).collect()
    }

    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("regex", Some(self.regex.as_str())),
            ("target_label", self.target_label.as_deref()),
            ("replacement", self.replacement.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }

    fn otelcol(&self) -> Yaml {
        let mut entries = Vec::new();
        let sources = self.sources();
        if !sources.is_empty() {
            entries.push(("source_labels".to_owned(), Yaml::texts(&sources)));
        }
        entries.extend(self.fields().map(|(name, value)| (name.to_owned(), Yaml::text(value))));
        entries.push(("action".to_owned(), Yaml::word(self.action)));
        Yaml::Map(entries)
    }

    fn alloy(&self) -> Statement {
        let mut body = Vec::new();
        let sources = self.sources();
        if !sources.is_empty() {
            body.push(attribute("source_labels", Expr::texts(&sources)));
        }
        body.extend(self.fields().map(|(name, value)| attribute(name, Expr::text(value))));
        body.push(attribute("action", Expr::text(self.action)));
        block("rule", body)
    }
}

impl Rule {
    /// The rules of relabelling; `marked` where what a scrape says of itself carries the mark.
    fn relabel(&self, marked: bool) -> Vec<Relabel> {
        let pattern = self.pattern.clone().unwrap_or_default();
        let label = self.label.clone().unwrap_or_default();
        match (self.action, marked) {
            (Action::Keep, false) => vec![Relabel::on("keep", vec!["__name__"], pattern)],
            (Action::Drop, false) => vec![Relabel::on("drop", vec!["__name__"], pattern)],
            // The labels are joined by `;`, and the mark is empty where there is none.
            (Action::Keep, true) => vec![Relabel::on("keep", vec![MARK, "__name__"], format!("1;.*|;(?:{pattern})"))],
            (Action::Drop, true) => vec![Relabel::on("drop", vec![MARK, "__name__"], format!(";(?:{pattern})"))],
            (Action::DropLabel, _) => vec![Relabel::on("labeldrop", Vec::new(), label)],
            (Action::RenameLabel, _) => vec![
                Relabel {
                    label: Some(label.clone()),
                    target_label: self.to.clone(),
                    replacement: Some("$1".to_owned()),
                    ..Relabel::on("replace", Vec::new(), "(.+)".to_owned())
                },
                Relabel::on("labeldrop", Vec::new(), label),
            ],
        }
    }
}

/// The `metric_relabel_configs` of otelcol.
pub(super) fn otelcol(rules: &[Rule]) -> Vec<Yaml> {
    rules.iter().flat_map(|rule| rule.relabel(false)).map(|rule| rule.otelcol()).collect()
}

/// The component of Alloy, which sends on to `receiver`.
pub(super) fn alloy(rules: &[Rule], label: &str, receiver: String) -> Block {
    let mark = Relabel {
        target_label: Some(MARK.to_owned()),
        replacement: Some("1".to_owned()),
        ..Relabel::on("replace", vec!["__name__"], REPORT.to_owned())
    };
    let unmark = Relabel::on("labeldrop", Vec::new(), MARK.to_owned());
    let rules = rules.iter().flat_map(|rule| rule.relabel(true));
    let rules = std::iter::once(mark).chain(rules).chain([unmark]).map(|rule| rule.alloy());
    let mut body = vec![attribute("forward_to", Expr::Array(vec![Expr::token(receiver)]))];
    body.extend(rules);
    Block::labelled("prometheus.relabel", label, body)
}

/// Labels that make up the resource, or a histogram.
const KEPT_LABELS: [&str; 4] = ["job", "instance", "le", "quantile"];

/// Checks that each rule has what its action needs, and that no label is touched that must stay.
pub(super) fn check(settings: &SettingsMap, findings: &mut Findings) {
    let of_targets = |label: &str| {
        groups(settings, "targets")
            .any(|(_, target)| target.get("labels").and_then(|labels| labels.get(label)).is_some_and(|v| !v.is_null()))
    };
    let path = findings.path().key("rules");
    for (index, rule) in groups(settings, "rules") {
        let at = path.index(index);
        let needed: &[&str] = match rule.get("action").and_then(Value::as_str) {
            Some("keep" | "drop") => &["pattern"],
            Some("drop_label") => &["label"],
            _ => &["label", "to"],
        };
        for field in ["pattern", "label", "to"] {
            let is_given = rule.get(field).is_some_and(|value| !value.is_null());
            match (needed.contains(&field), is_given) {
                (true, false) => findings.errors.add(at.key(field), "missing", "the action needs it"),
                (false, true) => findings.errors.add(at.key(field), "not_allowed", "is not for this action"),
                _ => {}
            }
        }
        for field in ["label", "to"] {
            let Some(label) = rule.get(field).and_then(Value::as_str) else { continue };
            if KEPT_LABELS.contains(&label) {
                let message = "makes up the resource or a histogram, and must stay what it is";
                findings.errors.add(at.key(field), "reserved", message);
            } else if of_targets(label) {
                findings.errors.add(at.key(field), "not_allowed", "is a label of a target: change it there");
            }
        }
    }
}
