use super::*;

fn patch(path: &str, before: &str, after: &str) -> String {
    let side = |text: &str| Some(text.as_bytes().to_vec());
    let change = FileChange { path: path.to_owned(), before: side(before), after: side(after), unread: None };
    file_diff(change, &Secrets::default(), Instant::now() + COMPARE).patch
}

#[test]
fn what_a_commit_by_hand_holds_in_the_clear_is_hidden_in_differences() {
    let good = "name: C\nkind: otlp_http\nsettings:\n  endpoint: https://h\n";
    for bad in [
        "name: C\nkind: otlp_htpt\nsettings:\n  endpoint: https://h\n  x: hunter2\n  y: |\n    a\n    hunter2\n",
        "name: C\nkind: otlp_http\nsettings:\n  endpoint: https://h\n  unknown: hunter2\n",
        "name: C\nkind: raw\nsettings:\n  otelcol: |\n    otlp:\n      password: hunter2\n      headers:\n        x: hunter2\n",
        "name: C\nkind: raw\nsettings:\n  otelcol: |\n    otlp: # token=hunter2\n      endpoint: h\n",
        "name: C\nkind: raw\nsettings:\n  otelcol: \"datadog:\\n  api:\\n    key: hunter2\"\n",
        "name: C\nkind: raw\nsettings:\n  alloy: \"otelcol.exporter.x { api_key = \\\"hunter2\\\" }\"\n",
        "name: C\nkind: otlp_http\nsettings:\n  bearer_token: hunter2\n  headers:\n    x: hunter2\n bad: [\n",
    ] {
        for (before, after) in [(good, bad), (bad, good)] {
            let patch = patch("destinations/c.yaml", before, after);
            assert!(!patch.contains("hunter2") && patch.contains("[hidden"), "{patch}");
            assert!(patch.contains("settings:"), "{patch}");
        }
    }
    let pipeline =
        "name: P\nsignals: [logs]\nsources: [{id: a, kind: otpl, settings: {x: hunter2}}]\ndestinations: [c]\n";
    assert!(!patch("pipelines/p.yaml", "", pipeline).contains("hunter2"));
    assert!(!patch("groups/p.yaml", "", "token: hunter2\n").contains("hunter2"));
}

#[test]
fn what_is_no_secret_stays_in_differences() {
    let text = |endpoint: &str| format!("name: C\nkind: otlp_http\nsettings:\n  endpoint: {endpoint}\n");
    let patch = patch("destinations/c.yaml", &text("https://a"), &text("https://b"));
    assert!(patch.contains("-  endpoint: https://a\n+  endpoint: https://b\n"), "{patch}");
}

#[test]
fn both_sides_are_written_anew_when_one_must_be() {
    let text = |token: &str| {
        format!("name: C\nkind: otlp_http\nsettings: {{\"endpoint\": 'https://h', bearer_token: {token}}}\n")
    };
    let patch = patch("destinations/c.yaml", &text("a-plain-secret"), &text("\"a-pl\\x61in-secret\""));
    assert_eq!(patch, "", "nothing that is shown differs");
}

#[test]
fn what_was_not_read_is_named_with_the_reason() {
    for (unread, reason) in
        [(Unread::NoDocument, "no_document"), (Unread::TooLarge, "too_large"), (Unread::TooMuch, "too_much")]
    {
        let change = FileChange { path: "a".to_owned(), before: None, after: Some(Vec::new()), unread: Some(unread) };
        let diff = file_diff(change, &Secrets::default(), Instant::now() + COMPARE);
        assert_eq!((diff.change.as_str(), diff.patch.as_str(), diff.left_out.as_deref()), ("added", "", Some(reason)));
    }
}
