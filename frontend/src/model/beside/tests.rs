use super::*;

/// A row as `desired | effective`, with `!` in front when they differ.
fn drawn(rows: &[Row]) -> Vec<String> {
    let side = |text: &Option<String>| text.clone().unwrap_or_else(|| "~".to_owned());
    rows.iter()
        .map(|row| {
            let sign = if row.is_marked { "! " } else { "" };
            format!("{sign}{} | {}", side(&row.desired), side(&row.effective))
        })
        .collect()
}

#[test]
fn equal_lines_stand_beside_each_other_and_what_came_in_a_place_beside_what_was_there() {
    let rows = lines("a\nb\nc\nx = 1\n", "a\nc\nx = 2\nd\n");
    assert_eq!(drawn(&rows), ["a | a", "! b | ~", "c | c", "! x = 1 | x = 2", "! ~ | d"]);
}

const DESIRED: &str = "\
# Rendered.
receivers:
  otlp/4317:
    endpoint: \"0.0.0.0:4317\"
exporters:
  otlphttp/central:
    timeout: \"60s\"
    endpoint: \"https://a.example\"
    headers:
      x.org: \"1\"
processors:
  attributes/shop:
    actions:
      - key: env
        action: upsert
        value: prod
  filter/raw:
    query: |
      b: 1
      a: 2
service:
  pipelines:
    logs:
      exporters: [otlphttp/central]
      processors:
        - attributes/shop
        - batch
";

const EFFECTIVE: &str = "\
exporters:
    otlphttp/central:
        compression: gzip
        endpoint: https://a.example
        headers:
            - name: x.org
              value: '[REDACTED]'
        timeout: 1m0s
processors:
    attributes/shop:
        actions:
            - action: upsert
              key: env
              value: by-hand
    filter/raw:
        query: |
            b: 1
            a: 2
receivers:
    otlp/4317:
        endpoint: 0.0.0.0:4317
service:
    pipelines:
        logs:
            exporters:
                - otlphttp/central
            processors:
            - memory_limiter
            - attributes/shop
            - batch
";

#[test]
fn places_of_yaml_stand_beside_each_other_whatever_their_order_and_only_what_drifted_is_marked() {
    let differences = ["processors.attributes/shop.actions[0].value", "receivers.otlp/4317.transport.tls"];
    let rows = yaml(DESIRED, EFFECTIVE, differences.into_iter());
    assert_eq!(
        drawn(&rows),
        [
            "# Rendered. | ~",
            "exporters: | exporters:",
            "  otlphttp/central: |     otlphttp/central:",
            "~ |         compression: gzip",
            "    endpoint: \"https://a.example\" |         endpoint: https://a.example",
            "    headers: |         headers:",
            "      x.org: \"1\" | ~",
            "~ |             - name: x.org",
            "~ |               value: '[REDACTED]'",
            "    timeout: \"60s\" |         timeout: 1m0s",
            "processors: | processors:",
            "  attributes/shop: |     attributes/shop:",
            "    actions: |         actions:",
            "      - action: upsert |             - action: upsert",
            "        key: env |               key: env",
            "!         value: prod |               value: by-hand",
            "  filter/raw: |     filter/raw:",
            "    query: | |         query: |",
            "      b: 1 |             b: 1",
            "      a: 2 |             a: 2",
            "receivers: | receivers:",
            "!   otlp/4317: |     otlp/4317:",
            "    endpoint: \"0.0.0.0:4317\" |         endpoint: 0.0.0.0:4317",
            "service: | service:",
            "  pipelines: |     pipelines:",
            "    logs: |         logs:",
            "      exporters: [otlphttp/central] |             exporters:",
            "~ |                 - otlphttp/central",
            "      processors: |             processors:",
            "~ |             - memory_limiter",
            "        - attributes/shop |             - attributes/shop",
            "        - batch |             - batch",
        ]
    );
}

#[test]
fn every_line_of_both_texts_is_there_once() {
    let desired = include_str!("../../../../tests/fixtures/otelcol-0.158.0-desired.yaml");
    let effective = include_str!("../../../../tests/fixtures/otelcol-0.158.0-effective.yaml");
    let rows = yaml(desired, effective, std::iter::empty());
    let sides: [(fn(&Row) -> &Option<String>, &str); 2] =
        [(|row| &row.desired, desired), (|row| &row.effective, effective)];
    for (side, text) in sides {
        // The dash of a mapping in a list stands before another key when its keys are put in order.
        let sorted = |mut lines: Vec<String>| {
            lines.sort();
            lines
        };
        let bare = |line: &str| line.trim_start_matches([' ', '-']).to_owned();
        let shown = rows.iter().filter_map(|row| side(row).as_deref()).map(bare).collect();
        assert_eq!(sorted(shown), sorted(text.lines().map(bare).collect()));
    }
    let paired = rows.iter().filter(|row| row.desired.is_some() && row.effective.is_some()).count();
    assert!(paired > 25, "{paired} of {} lines", desired.lines().count());
    assert!(rows.iter().all(|row| !row.is_marked));
}

#[test]
fn a_difference_marks_all_that_is_in_it_or_what_would_hold_it() {
    let text = "a:\n  b.c:\n    d: 1\n    e: 1\n  \"b\":\n    f: 2\nlist:\n- x: 1\n- y: 2\n  z: 3\n- plain\n";
    for (path, lines) in [
        ("a.b.c.d", vec!["    d: 1"]),
        ("a.b.c", vec!["  b.c:", "    d: 1", "    e: 1"]),
        ("a.b.g", vec!["  \"b\":"]),
        ("list[1]", vec!["- y: 2", "  z: 3"]),
        ("list[2]", vec!["- plain"]),
        ("list[7].z", vec!["list:"]),
        ("nowhere", vec![]),
    ] {
        let rows = yaml(text, text, [path].into_iter());
        let marked: Vec<_> = rows.iter().filter(|row| row.is_marked).filter_map(|row| row.desired.as_deref()).collect();
        assert_eq!(marked, lines, "{path}");
    }
}

#[test]
fn whatever_a_collector_reports_is_shown() {
    let deep: String = (0..400).map(|depth| format!("{}k:\n", " ".repeat(depth))).collect();
    let long = "k: 1\n".repeat(20_000);
    let spaces = "- b: 1\n\u{a0}a: 2\n\u{a0}\u{a0}- c: 3\n\u{3000}-\u{a0}d: 4\n";
    let odd = ["", "\n\n", "- - - a: 1", "-", ":", "- :", "\u{feff}a: 1", "\"", "a: |\n- b", spaces, &deep, &long];
    for text in odd {
        let rows = yaml(text, "a: 1\n", std::iter::empty());
        assert_eq!(rows.iter().filter(|row| row.desired.is_some()).count(), text.lines().count(), "{text:.40}");
    }
}
