use proptest::prelude::*;

use super::{insecure::InsecureSealer, *};
use crate::domain::document::{parse_destination, to_yaml};

fn destination(headers: &Value) -> DestinationDocument {
    let text = format!(
        "name: Central\nkind: otlp_http\nsettings: {{headers: {headers}, endpoint: 'https://otlp.example.com'}}\n"
    );
    parse_destination(&text).unwrap()
}

fn header<'d>(document: &'d DestinationDocument, name: &str) -> &'d Value {
    &document.settings["headers"][name]
}

#[test]
fn plain_secrets_are_sealed_and_references_stay() {
    let sealer = InsecureSealer::default();
    let mut document = destination(&json!({ "x-token": "hunter2", "authorization": "Bearer ${env:TOKEN}" }));
    seal_destination(&mut document, None, &sealer).unwrap();
    let blob = header(&document, "x-token")["sealed"].as_str().unwrap();
    assert!(blob.starts_with(SEALED_PREFIX));
    assert_eq!(sealer.open(blob).as_deref(), Ok("hunter2"));
    assert_eq!(header(&document, "authorization"), "Bearer ${env:TOKEN}");
    let file = to_yaml(&document);
    assert!(!file.contains("hunter2"));
    assert_eq!(parse_destination(&file).unwrap(), document);
}

#[test]
fn settings_are_stored_in_the_order_of_the_schema() {
    let mut document = destination(&json!({}));
    seal_destination(&mut document, None, &InsecureSealer::default()).unwrap();
    assert_eq!(document.settings.keys().collect::<Vec<_>>(), ["endpoint", "headers"]);
}

#[test]
fn what_is_read_can_be_sent_back_and_keeps_the_blob() {
    let sealer = InsecureSealer::default();
    let mut stored = destination(&json!({ "x-token": "hunter2", "x-tenant": "${env:TENANT}" }));
    seal_destination(&mut stored, None, &sealer).unwrap();
    let shown = mask_destination(&stored);
    assert_eq!(header(&shown, "x-token"), &json!({ "sealed": true }));
    assert_eq!(header(&shown, "x-tenant"), "${env:TENANT}");
    let mut sent = shown;
    seal_destination(&mut sent, Some(&stored), &sealer).unwrap();
    assert_eq!(sent, stored);
}

#[test]
fn the_same_secret_sent_again_changes_nothing() {
    let sealer = InsecureSealer::default();
    let mut stored = destination(&json!({ "x-token": "hunter2" }));
    seal_destination(&mut stored, None, &sealer).unwrap();
    let mut again = destination(&json!({ "x-token": "hunter2" }));
    seal_destination(&mut again, Some(&stored), &sealer).unwrap();
    assert_eq!(again, stored);
    let mut other = destination(&json!({ "x-token": "hunter3" }));
    seal_destination(&mut other, Some(&stored), &sealer).unwrap();
    assert_ne!(other, stored);
}

#[test]
fn a_blob_cannot_be_moved_or_made_up() {
    let sealer = InsecureSealer::default();
    let mut stored = destination(&json!({ "x-token": "hunter2" }));
    seal_destination(&mut stored, None, &sealer).unwrap();
    let blob = header(&stored, "x-token").clone();
    for (sent, code) in [
        (json!({ "x-other": blob }), "invalid_value"),
        (json!({ "x-other": { "sealed": true } }), "no_sealed_value"),
        (json!({ "x-token": { "sealed": "lms1.test.0000" } }), "invalid_value"),
        (json!({ "x-token": "half ${env:A} secret" }), "invalid_value"),
    ] {
        let problems = seal_destination(&mut destination(&sent), Some(&stored), &sealer).unwrap_err();
        assert_eq!(problems[0].code, code, "{sent}");
        assert!(problems[0].field.starts_with("settings.headers.x-"), "{problems:?}");
    }
}

#[test]
fn a_plain_text_of_a_hand_made_commit_is_hidden_and_sealed_by_the_next_save() {
    let sealer = InsecureSealer::default();
    let stored = destination(&json!({ "x-token": "hunter2" }));
    let mut sent = mask_destination(&stored);
    assert_eq!(header(&sent, "x-token"), &json!({ "sealed": true }));
    seal_destination(&mut sent, Some(&stored), &sealer).unwrap();
    assert_eq!(sealer.open(header(&sent, "x-token")["sealed"].as_str().unwrap()).as_deref(), Ok("hunter2"));
}

#[test]
fn references_have_one_form() {
    let env = |prefix: &str, name: &str| Reference::Env { prefix: prefix.to_owned(), name: name.to_owned() };
    assert_eq!(reference("${env:A_1}"), env("", "A_1"));
    assert_eq!(reference("Bearer ${env:TOKEN}"), env("Bearer ", "TOKEN"));
    assert_eq!(reference("pa$$word{"), Reference::None);
    for bad in [
        "x${env:A}",
        "${env:A}x",
        "${env:}",
        "${env:1A}",
        "${env:A:-x}",
        "a b ${env:A}",
        "${env:A}${env:B}",
        "hunter2: ${env:A}",
    ] {
        assert_eq!(reference(bad), Reference::Malformed, "{bad}");
    }
}

#[test]
fn short_secrets_are_hidden_where_they_stand_alone() {
    let secrets = ["t1".to_owned(), "longer-secret".to_owned()];
    assert_eq!(
        redact("tenant: t1\nport: \"t1\"\nt10 at1 xlonger-secretx", &secrets),
        "tenant: [sealed]\nport: \"[sealed]\"\nt10 at1 x[sealed]x"
    );
}

#[test]
fn sealed_values_are_hidden_in_differences() {
    let diff = "-  x: {sealed: lms1.k1.AbC-_9}\n+  x: {sealed: lms1.k2.ZZ}\n";
    assert_eq!(redact_sealed(diff), "-  x: {sealed: [sealed]}\n+  x: {sealed: [sealed]}\n");
}

proptest! {
    #[test]
    fn no_form_of_a_secret_survives(secret in "[ -~]{6,30}", before in "[a-z ]{0,5}") {
        let doubled = secret.replace('$', "$$");
        let forms = [
            secret.clone(),
            crate::domain::document::double_quoted(&doubled),
            Value::from(secret.as_str()).to_string(),
        ];
        for form in forms {
            let text = format!("{before}{form} end");
            let shown = redact(&text, std::slice::from_ref(&secret)).into_owned();
            prop_assert!(shown.contains(REDACTED), "{}", shown);
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }
}
