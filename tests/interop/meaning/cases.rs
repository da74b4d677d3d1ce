//! The pipelines that are tried.

use serde_json::{Value, json};

use super::samples::{limited, logs, metrics, nested, traces};

/// A pipeline and what goes into it.
pub(super) struct Case {
    pub(super) id: &'static str,
    pub(super) signal: &'static str,
    /// Role, kind, settings.
    pub(super) parts: Vec<(&'static str, &'static str, Value)>,
    pub(super) when: Option<&'static str>,
    pub(super) records: Value,
    /// Settings of a source of files beside `include` and `start_at`, and what the file holds; else records come by OTLP.
    pub(super) file: Option<(Value, &'static str)>,
    /// Whether the older build has what it needs, and does the same.
    pub(super) runs_on_older: bool,
    /// What is put into every resource on the host of the collector, and whether it takes the place of what is there.
    pub(super) told_by_host: Option<(Vec<(&'static str, String)>, bool)>,
    /// Whether times of the run stand in the records, which nobody can foretell.
    pub(super) is_timed_by_the_run: bool,
}

impl Case {
    fn new(id: &'static str, signal: &'static str, records: Value) -> Self {
        Self {
            id,
            signal,
            parts: Vec::new(),
            when: None,
            records,
            file: None,
            runs_on_older: true,
            told_by_host: None,
            is_timed_by_the_run: false,
        }
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

    /// Reads a file, which the receiver makes these bodies of.
    fn of_file(id: &'static str, settings: Value, text: &'static str, bodies: &[&str]) -> Self {
        let name = format!("{id}.log");
        let record = |body: &&str| json!({"body": {"stringValue": body}, "attributes": [{"key": "log.file.name", "value": {"stringValue": name}}]});
        let records: Vec<Value> = bodies.iter().map(record).collect();
        let records = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
        Self { file: Some((settings, text)), ..Self::new(id, "logs", records) }
    }

    fn only_on_the_current(mut self) -> Self {
        self.runs_on_older = false;
        self
    }

    fn told_by_host(mut self, attributes: Vec<(&'static str, String)>, overrides: bool) -> Self {
        self.told_by_host = Some((attributes, overrides));
        self
    }

    fn timed_by_the_run(mut self) -> Self {
        self.is_timed_by_the_run = true;
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

/// `OTEL_RESOURCE_ATTRIBUTES` of the collectors that are tried.
pub(super) const RESOURCE: &str = "team=core,service.name=env%20shop , zone=eu-1a";

fn by_environment() -> Vec<(&'static str, String)> {
    [("team", "core"), ("service.name", "env shop"), ("zone", "eu-1a")]
        .map(|(key, value)| (key, value.to_owned()))
        .into()
}

/// What the detector `system` says here, by the kernel.
fn by_system() -> Vec<(&'static str, String)> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a host's name");
    vec![("host.name", name.trim().to_owned()), ("os.type", "linux".to_owned())]
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
        of_logs("match-any").filter("match", json!({"action": "drop", "combine": "any", "conditions": [
            {"field": "body", "test": "contains", "value": "GET /healthz"},
            {"field": "attribute", "key": "ratio", "test": "equals", "value": "0.5"},
            {"field": "resource", "key": "service.name", "test": "regex", "value": "^c.rt$"},
        ]})),
        of_logs("match-all").filter("match", json!({"action": "keep", "conditions": [
            {"field": "resource", "key": "service.name", "test": "equals", "value": "shop"},
            {"field": "attribute", "key": "env", "test": "exists", "negate": true},
            {"field": "body", "test": "starts_with", "value": "level=", "negate": true},
        ]})),
        of_metrics("match-names").filter("match", json!({"action": "keep", "conditions": [{"field": "name", "test": "starts_with", "value": "http."}]})),
        of_traces("match-spans").filter("match", json!({"action": "drop", "combine": "any", "conditions": [
            {"field": "name", "test": "regex", "value": "health$"}, {"field": "attribute", "key": "tenant", "test": "equals", "value": "gold"},
        ]})),
        of_logs("mask").processor("mask", json!({"patterns": ["email", "phone", "credit_card", "ip"]})),
        of_logs("mask-own").processor("mask", json!({"expressions": ["(?i)he(a)lthz?", "user=\"[^\"]*\""], "text": "<$1>", "in": ["body", "resource"]})),
        of_logs("mask-hash").processor("mask", json!({"patterns": ["email"], "replace_with": "sha256"})),
        of_traces("mask-spans").processor("mask", json!({"patterns": ["email", "credit_card"], "expressions": ["^n"], "in": ["attributes"]})),
        of_logs("resource").processor("resource", json!({"actions": [
            {"action": "set", "key": "team", "value": "core \"$1\""}, {"action": "default", "key": "service.name", "value": "none"},
            {"action": "default", "key": "zone", "value": 7}, {"action": "rename", "key": "host", "from": "host.name"},
            {"action": "copy", "key": "env", "from": "deployment.environment"}, {"action": "hash", "key": "service.name"},
            {"action": "delete", "key": "deployment.environment"},
        ]})),
        of_metrics("resource-of-metrics").processor("resource", json!({"actions": [{"action": "delete", "key": "host.name"}]})),
        of_logs("parse-json").processor("parse", json!({"format": "json", "source": "remove"})),
        Case::new("flattened", "logs", nested()).processor("parse", json!({"format": "json", "flatten": true, "prefix": "in.", "source": "remove"}))
            .processor("mask", json!({"patterns": ["email", "phone"]})),
        of_logs("parse-regex").processor("parse", json!({"format": "regex", "pattern": "^(?P<method>[A-Z]+) (?P<path>\\S+) (\\d+)", "prefix": "http.$1."})),
        of_logs("parse-pairs").processor("parse", json!({"format": "key_value"})),
        of_logs("parse-attribute").processor("parse", json!({"format": "regex", "pattern": "(?P<first>[a-z])", "from": "attribute", "attribute": "http.route", "source": "remove"})),
        of_logs("statements").processor("ottl", json!({"statements": [
            "set(severity_number, SEVERITY_NUMBER_WARN) where severity_number == 0 and severity_text == \"WARN\"",
            "set(attributes[\"words\"], Split(body, \" \")) where IsString(body)",
            "set(attributes[\"length\"], Len(body)) where IsString(body)",
            "set(attributes[\"upper\"], ConvertCase(attributes[\"http.route\"], \"upper\")) where attributes[\"http.route\"] != nil",
            "replace_pattern(body, \"(\\\\w+)=(\\\\w+)\", \"$$2=$$1\") where IsString(body)",
            "keep_keys(attributes, [\"words\", \"length\", \"upper\", \"env\", \"nested\"])",
            "set(attributes[\"joined\"], Concat([severity_text, resource.attributes[\"service.name\"]], \"/\"))",
            // Before what comes in an order of its own each time.
            "truncate_all(attributes, 9)", "limit(attributes, 4, [\"env\"])",
            "merge_maps(attributes, ParseJSON(body), \"upsert\") where IsMatch(body, \"^\\\\{\")",
            "delete_matching_keys(attributes, \"^(tags|us.*)$\")", "set(attributes[\"day\"], FormatTime(time, \"%Y-%m-%d\"))",
            "set(observed_time, time)", "set(attributes[\"sum\"], 1 + 2 * 3)",
            "set(trace_id, TraceID(0x0102030405060708090a0b0c0d0e0f10)) where span_id.string == \"\"",
        ]})),
        of_metrics("statements-on-metrics").processor("ottl", json!({"context": "metric", "statements": [
            "replace_pattern(name, \"^http\\\\.server\\\\.\", \"web.\")", "set(unit, \"ms\") where unit == \"\"", "set(description, \"\") where type == METRIC_DATA_TYPE_GAUGE",
        ]})),
        of_metrics("statements-on-points").processor("ottl", json!({"statements": [
            "set(attributes[\"twice\"], value_int * 2) where metric.type == METRIC_DATA_TYPE_SUM", "set(attributes[\"of\"], metric.name)",
            "set(value_double, 1.5) where metric.name == \"queue.size\"", "delete_key(attributes, \"state\")",
        ]})),
        of_traces("statements-on-spans").processor("ottl", json!({"statements": [
            "set(attributes[\"took\"], (end_time_unix_nano - start_time_unix_nano) / 1000000)", "set(status.message, \"\") where status.code == STATUS_CODE_ERROR",
            "set(name, Concat([name, kind.string], \" \"))", "set(attributes[\"root\"], IsRootSpan())",
        ]})),
        of_traces("statements-on-events").processor("ottl", json!({"context": "span_event", "statements": ["set(attributes[\"of\"], span.name)", "set(name, \"error\") where name == \"exception\""]})),
        of_metrics("metrics-by-name").processor("metrics", json!({"action": "keep", "match_by": "regex", "names": ["^http\\.", "size$"], "rename": [
            {"from": "queue.size", "to": "queue.length"}, {"from": "queue.length", "to": "other"},
        ]})),
        of_metrics("deltas").processor("cumulative_to_delta", json!({})).only_on_the_current(),
        of_traces("sampled").filter("sample", json!({"percentage": 50, "seed": 7})),
        of_logs("sampled-logs").filter("sample", json!({"percentage": 30, "logs_without_trace": "attribute", "attribute": "http.route"})),
        of_traces("by-outcome").filter("tail_sample", json!({"errors": true, "slower_than": "1s", "attributes": [{"key": "db.system", "values": ["postgresql"]}], "decision_wait": "1s"})).only_on_the_current(),
        of_traces("far-below-the-rate").filter("rate_limit", json!({"spans_per_second": 10_000, "decision_wait": "1s"})).only_on_the_current(),
        Case::new("too-large-for-the-rate", "traces", limited()).filter("rate_limit", json!({
            "spans_per_second": 1, "decision_wait": "1s", "limits": [
                {"value": "shop", "spans_per_second": 2}, {"value": "cart", "spans_per_second": 1}, {"value": "both", "spans_per_second": 10_000},
            ],
        })).only_on_the_current(),
        of_logs("told-by-environment").processor("detect", json!({"detectors": ["env"]})).told_by_host(by_environment(), false),
        of_traces("told-by-environment-first").processor("detect", json!({"detectors": ["env", "system"], "override": true})).told_by_host([by_environment(), by_system()].concat(), true),
        of_metrics("told-by-system").processor("detect", json!({"detectors": ["system"]})).told_by_host(by_system(), false),
        of_logs("duplicates").filter("dedup", json!({"interval": "1s"})).timed_by_the_run(),
        of_logs("duplicates-but-for").filter("dedup", json!({"interval": "1s", "ignore": [{"key": "env"}, {"of": "body", "key": "n"}]})).timed_by_the_run(),
        of_logs("duplicates-by").filter("dedup", json!({"interval": "1s", "compare": [{"key": "http.route"}, {"of": "body", "key": "text"}]})).timed_by_the_run(),
        Case::of_file(
            "file-lines",
            json!({}),
            "  first \nGET /healthz 200\n\nlast\n",
            &["first", "GET /healthz 200", "last"],
        )
        .filter("match", json!({"action": "drop", "conditions": [{"test": "contains", "value": "healthz"}]})),
        Case::of_file(
            "file-json",
            json!({"format": "json", "timestamp": {"attribute": "time", "layout": "%Y-%m-%dT%H:%M:%S.%L%z"}, "severity": {"attribute": "level"}}),
            "{\"time\":\"2026-11-26T10:11:12.345+0100\",\"level\":\"WARN\",\"n\":3,\"user\":{\"mail\":\"ada@example.com\"}}\nno json\n{\"level\":\"who\",\"time\":\"never\"}\n",
            &["{\"time\":\"2026-11-26T10:11:12.345+0100\",\"level\":\"WARN\",\"n\":3,\"user\":{\"mail\":\"ada@example.com\"}}", "no json", "{\"level\":\"who\",\"time\":\"never\"}"],
        )
        .filter("severity", json!({"minimum": "info"}))
        .processor("mask", json!({"patterns": ["email"]})),
        Case::of_file(
            "file-flat",
            json!({"format": "json", "flatten": true, "severity": {"attribute": "log.level"}}),
            "{\"log\":{\"level\":\"WARN\"},\"users\":[{\"mail\":\"ada@example.com\"},{}],\"n\":null}\nno json\n{\"a\":[\n",
            &["{\"log\":{\"level\":\"WARN\"},\"users\":[{\"mail\":\"ada@example.com\"},{}],\"n\":null}", "no json", "{\"a\":["],
        )
        .processor("mask", json!({"patterns": ["email"]})),
        Case::of_file(
            "file-traces",
            json!({
                "multiline": {"line_start_pattern": "^\\d{4}-\\d{2}-\\d{2} "}, "format": "regex",
                "pattern": "^(?P<time>\\S+ \\S+) (?P<level>[A-Z]+) (?P<logger>\\S+)",
                "timestamp": {"attribute": "time", "layout": "%Y-%m-%d %H:%M:%S,%L"},
                "severity": {"attribute": "level", "words": {"fatal": ["SEVERE"]}}, "resource": {"service.name": "shop"},
            }),
            "2026-11-26 10:11:12,345 SEVERE org.x boom\n\tat A\n\tat B\n2026-11-26 10:11:13,000 INFO org.y fine\n2026-11-26 10:11:14,000 LAST",
            &["2026-11-26 10:11:12,345 SEVERE org.x boom\n\tat A\n\tat B", "2026-11-26 10:11:13,000 INFO org.y fine", "2026-11-26 10:11:14,000 LAST"],
        )
        .processor("attributes", json!({"actions": [{"action": "rename", "key": "code.namespace", "from": "logger"}]})),
        Case::of_file(
            "file-pairs",
            json!({"format": "logfmt", "timestamp": {"attribute": "ts", "layout": "epoch_ms"}, "severity": {"attribute": "level"}}),
            "ts=1763251200123 level=error msg=\"it broke\"\nnot pairs\n",
            &["ts=1763251200123 level=error msg=\"it broke\"", "not pairs"],
        )
        .when("severity_number == SEVERITY_NUMBER_ERROR"),
        of_logs("chain")
            .filter("severity", json!({"minimum": "info"}))
            .filter("ottl", json!({"condition": "IsMatch(body, \"healthz\")", "action": "drop"}))
            .processor("parse", json!({"format": "key_value", "prefix": "kv."}))
            .processor("mask", json!({"patterns": ["email", "credit_card"], "in": ["body", "attributes", "resource"]}))
            .processor("resource", json!({"actions": [{"action": "set", "key": "team", "value": "core"}]}))
            .processor("attributes", json!({"actions": [{"action": "set", "key": "seen", "value": "yes"}]}))
            .processor("batch", json!({"timeout": "1s"})),
    ]
}
