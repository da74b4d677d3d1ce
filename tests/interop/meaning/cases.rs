//! The pipelines that are tried.

use serde_json::{Value, json};

use super::samples::{logs, metrics, traces};

/// A pipeline and what goes into it.
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) signal: &'static str,
    /// Role, kind, settings.
    pub(super) parts: Vec<(&'static str, &'static str, Value)>,
    pub(super) when: Option<&'static str>,
    pub(super) records: Value,
    /// What the dry run says of each step beside its records.
    pub(super) notes: Vec<String>,
    /// Whether the older build has what it needs, and does the same.
    pub(super) runs_on_older: bool,
}

impl Case {
    fn new(id: &'static str, signal: &'static str, records: Value) -> Self {
        Self { id, signal, parts: Vec::new(), when: None, records, notes: Vec::new(), runs_on_older: true }
    }

    fn filter(mut self, kind: &'static str, settings: Value) -> Self {
        self.parts.push(("filter", kind, settings));
        self
    }

    fn processor(mut self, kind: &'static str, settings: Value) -> Self {
        self.parts.push(("processor", kind, settings));
        self
    }

    fn when(mut self, condition: &'static str) -> Self {
        self.when = Some(condition);
        self
    }

    /// The steps of a role, as documents have them.
    pub(super) fn steps(&self, role: &str) -> Value {
        let steps = self.parts.iter().enumerate().filter(|(_, (of, ..))| *of == role);
        steps
            .map(
                |(number, (_, kind, settings))| json!({"id": format!("s{number}"), "kind": kind, "settings": settings}),
            )
            .collect()
    }
}

fn of_logs(id: &'static str) -> Case {
    Case::new(id, "logs", logs())
}

fn of_metrics(id: &'static str) -> Case {
    Case::new(id, "metrics", metrics())
}

fn of_traces(id: &'static str) -> Case {
    Case::new(id, "traces", traces())
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        of_logs("as-they-are"),
        of_metrics("points-as-they-are"),
        of_traces("spans-as-they-are"),
        of_logs("severity").filter("severity", json!({"minimum": "warn"})),
        of_logs("branch").when("severity_number >= SEVERITY_NUMBER_ERROR"),
        of_logs("ottl-keep").filter("ottl", json!({"condition": "attributes[\"env\"] != nil and IsMatch(body, \"(?i)get|FAILED\")", "action": "keep"})),
        of_logs("ottl-drop").filter("ottl", json!({"condition": "resource.attributes[\"service.name\"] == \"shop\" and severity_number < SEVERITY_NUMBER_ERROR", "action": "drop"})),
        of_metrics("ottl-points").filter("ottl", json!({"condition": "attributes[\"host\"] == \"b\" or metric.name == \"gc.pause\"", "action": "drop"})),
        of_traces("ottl-spans").filter("ottl", json!({"condition": "status.code == STATUS_CODE_ERROR or end_time_unix_nano - start_time_unix_nano > 1000000000", "action": "keep"})),
        of_logs("attributes").processor("attributes", json!({"actions": [
            {"action": "set", "key": "env", "value": "new $1"}, {"action": "default", "key": "env", "value": "no"},
            {"action": "default", "key": "n", "value": 7}, {"action": "rename", "key": "route", "from": "http.route"},
            {"action": "copy", "key": "status", "from": "http.status"}, {"action": "delete", "key": "password"},
            {"action": "hash", "key": "user.id"}, {"action": "hash", "key": "level"}, {"action": "hash", "key": "ratio"},
            {"action": "hash", "key": "ok"}, {"action": "hash", "key": "list"}, {"action": "hash", "key": "empty"},
            {"action": "set", "key": "share", "value": 0.25}, {"action": "set", "key": "yes", "value": true},
        ]})),
        of_metrics("attributes-of-points").processor("attributes", json!({"actions": [{"action": "delete", "key": "state"}, {"action": "set", "key": "dc", "value": "eu"}]})),
        of_traces("attributes-of-spans").processor("attributes", json!({"actions": [{"action": "hash", "key": "user.email"}]})),
        of_logs("chain")
            .filter("severity", json!({"minimum": "info"}))
            .filter("ottl", json!({"condition": "IsMatch(body, \"healthz\")", "action": "drop"}))
            .processor("attributes", json!({"actions": [{"action": "set", "key": "seen", "value": "yes"}]}))
            .processor("batch", json!({"timeout": "1s"})),
    ]
}
