use serde_json::json;

use super::*;
use crate::domain::secret::{insecure::InsecureSealer, seal_destination, seal_pipeline};

const PATH: &str = "destinations/c.yaml";

fn of(text: &str) -> Shown {
    shown(PATH, text, &str::to_owned)
}

/// A destination of a known kind with these settings.
fn file(settings: &str) -> String {
    format!("name: C\nkind: otlp_http\nsettings:\n  endpoint: https://h.example\n{settings}")
}

fn raw(field: &str, text: &str) -> String {
    format!("name: C\nkind: raw\nsettings:\n  {field}: {}\n", json!(text))
}

#[test]
fn what_linkmesh_saved_is_shown_as_it_stands_there() {
    let sealer = InsecureSealer::default();
    let long = "a secret that makes its line longer than one line may be ".repeat(3);
    for settings in [
        json!({ "endpoint": "https://h.example", "bearer_token": "hunter2" }),
        json!({ "endpoint": "https://h.example", "headers": { "x-a": "hunter2", "x-b": "${env:B}", "x-c": long } }),
    ] {
        let mut document = parse_destination(&file("")).unwrap();
        document.description = "Mind: lmsat_ is no token, and # token: x is no comment".to_owned();
        document.settings = settings.as_object().unwrap().clone();
        seal_destination(&mut document, None, &sealer).unwrap();
        let text = to_yaml(&document);
        let as_written = of(&text).as_written.unwrap();
        assert!(as_written.contains("{sealed: [sealed]}") || as_written.contains("sealed: [sealed]\n"), "{as_written}");
        assert_eq!(as_written, redact_sealed(&text));
    }
    let text = "name: P\nmatch: ['a=\"b\"']\nsignals: [logs]\nsources: [{id: in, kind: otlp, settings: {http: {endpoint: ':4318'}}}]\n\
                destinations: [c]\n";
    let mut document = parse_pipeline(text).unwrap();
    seal_pipeline(&mut document, None, &sealer).unwrap();
    let text = to_yaml(&document);
    assert_eq!(shown("pipelines/p.yaml", &text, &str::to_owned), Shown::only(text));
    let text = raw("otelcol", "otlp: # as it is\n  endpoint: h:1\n");
    assert_eq!(of(&text).as_written, Some(text));
}

#[test]
fn secrets_in_the_clear_are_hidden_where_they_stand() {
    let text = file("  bearer_token: 'hunter2' # by hand\n  headers: {x-a: hunter2, x-b: 9988776655443322}\n");
    let expected = file("  bearer_token: '[sealed]' # by hand\n  headers: {x-a: [sealed], x-b: [sealed]}\n");
    assert_eq!(of(&text).as_written, Some(expected));
}

#[test]
fn secrets_that_are_written_otherwise_than_they_are_leave_nothing_of_themselves() {
    for settings in [
        "  bearer_token: |-\n    FIRSTSECRET\n    SECONDSECRET\n",
        "  bearer_token: >-\n    FIRSTSECRET\n    SECONDSECRET\n",
        "  bearer_token: 'FIRSTSECRET\n\n    SECONDSECRET'\n",
        "  bearer_token: \"FIRSTSE\\\n    SECONDSECRET\"\n",
        "  bearer_token: \"FIRST\\x53ECRET\"\n",
        "  headers: {x-f: 0x7FFFFFFFSECRET, x-g: 99_SECRET}\n",
        "  headers: {x-f: 9.988776655443322E+15}\n",
        "  headers: {x-f: 0x237E5A0A8E5F3A}\n",
        "  headers: {x-f: [FIRSTSECRET], x-g: {a: SECONDSECRET}}\n",
        "  headers: {x-f: {sealed: FIRSTSECRET}}\n",
        "  bearer_token: FIRSTSECRET # until May: FIRSTSECRET\n",
        "  bearer_token: &a FIRSTSECRET\n  headers: {x-f: *a}\n",
        "  # password: SECONDSECRET\n",
        "  # password: |\n  #   SECONDSECRET\n",
        "  bearer_token: a\n  endpont: FIRSTSECRET\n",
        "  bearer_token: ? FIRSTSECRET\n",
    ] {
        let text = file(settings);
        let Shown { as_written, anew } = of(&text);
        for shown in as_written.iter().chain([&anew]) {
            for part in ["SECRET", "FIRST", "SECOND", "9988776655443322", "9.98", "237E5A"] {
                assert!(!shown.contains(part), "{text}\n{shown}");
            }
            assert!(shown.contains("name: C\n"), "{shown}");
        }
    }
}

#[test]
fn guess_in_a_plain_field_is_not_answered() {
    let sealer = InsecureSealer::default();
    let guesses = "Winter2025! | Summer2025! | hunter2x";
    let mut document = parse_destination(&file("  bearer_token: Summer2025!\n")).unwrap();
    document.description = guesses.to_owned();
    document.name = "Summer2025!".to_owned();
    seal_destination(&mut document, None, &sealer).unwrap();
    let known = |text: &str| text.replace("Summer2025!", REDACTED);
    let shown = |text: &str| {
        let Shown { as_written, anew } = shown(PATH, text, &known);
        as_written.into_iter().chain([anew]).collect::<Vec<_>>()
    };
    for text in shown(&to_yaml(&document)) {
        assert!(text.contains(guesses) && text.contains("name: \"Summer2025!\""), "{text}");
    }
    // A text that goes to collectors as it is may hold what others keep secret.
    for text in shown(&raw("otelcol", "debug: {verbosity: Summer2025!}")) {
        assert!(!text.contains("Summer2025!"), "{text}");
    }
}

#[test]
fn raw_texts_hide_the_same_as_in_the_document() {
    for (field, text) in [
        ("otelcol", "datadog:\n  api:\n    key: hunter2\n"),
        ("otelcol", "otlp:\n  endpoint: h # password: hunter2\n"),
        ("otelcol", "otlp:\n  headers: !x {a: hunter2}\n"),
        ("alloy", "otelcol.exporter.x {\n\tapi_key = \"hunter2\"\n}\n"),
        ("alloy", "otelcol.exporter.x {\n\tapi_key = \"hunter2\n}\n"),
    ] {
        let Shown { as_written, anew } = of(&raw(field, text));
        assert_eq!(as_written, None, "{text}");
        assert!(!anew.contains("hunter2") && anew.contains("[hidden"), "{anew}");
    }
}

#[test]
fn of_what_is_no_document_only_the_beginning_is_shown() {
    for (text, expected) in [
        (
            "version: 1\nname: Central\nkind: otlp_http\nsettings: {a: [hunter2}\n",
            "version: 1\nname: Central\nkind: otlp_http\n",
        ),
        ("name: \"Central\nhunter2\"\nkind: x\n bad: [", ""),
        ("name: C\ndescription: >\n  hunter2\nx: [", "name: C\n"),
        ("nothing: hunter2", ""),
    ] {
        assert_eq!(of(text), Shown::only(format!("{expected}{UNREADABLE}")), "{text}");
    }
    assert_eq!(of(""), Shown::only(String::new()));
}
