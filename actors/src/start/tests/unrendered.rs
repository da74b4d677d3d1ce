//! Pipelines that cannot be rendered: no save makes one, a commit by hand does, and so does another version of LinkMesh.

use linkmesh_proto::api::collector::Runtime;

use super::support::*;
use crate::{
    domain::document::{MAX_BYTES, parse_destination, parse_pipeline},
    render::MAX_TEXT,
    repository::{Edit, Precondition, Save, SaveError},
    testing::{by, wait_for},
};

/// A list of lists far inside: each octet of it is twenty in the text of an otelcol.
fn deep() -> String {
    let (open, close) = ("{a: ".repeat(40), "}".repeat(40));
    format!("transform: {open}[{}1]{close}\n", "[1],".repeat(15_000))
}

/// A block for an Alloy with as much inside.
fn wide() -> String {
    let (open, close) = ("b {\n".repeat(40), "}\n".repeat(40));
    let lines: String = (0..7_000).map(|n| format!("a{n}=1\n")).collect();
    format!("otelcol.processor.transform {{\n{open}{lines}{close}}}\n")
}

fn huge(matcher: &str, steps: usize, setting: &str, text: &str) -> String {
    let settings = serde_json::json!({ setting: text });
    let steps: String = (0..steps).map(|n| format!("  - {{id: p{n}, kind: raw, settings: {settings}}}\n")).collect();
    format!(
        "name: Huge\nsignals: [logs]\nmatch: ['{matcher}']\nsources:\n  - {{id: apps, kind: otlp, settings: {{grpc: \
         {{endpoint: \"0.0.0.0:4317\"}}}}}}\nprocessors:\n{steps}destinations: [screen]\n"
    )
}

#[test]
fn start_survives_a_pipeline_that_cannot_be_rendered_and_serves_all_others() {
    run(async {
        let world = World::default();
        let handles = world.start().await;
        save_screen(&handles).await;
        create(&handles, "good", r#"env="test""#, 4317).await;
        let (stuck, _) = register(&handles, Runtime::Otelcol, "prod").await;
        let (served, _) = register(&handles, Runtime::Otelcol, "test").await;
        let text = huge(r#"env="prod""#, 2, "otelcol", &deep());
        assert!(text.len() < MAX_BYTES, "what is read has a limit of its own");
        let all = world.repository.commit_by_hand("pipelines/huge.yaml", Some(&text));
        wait_for("the commit", || handles.repository.snapshot().revision == Some(all)).await;
        handles.stop().await;

        let handles = world.start().await;
        let config = handles.fleet.config(stuck).await.unwrap();
        assert!(config.desired.is_none());
        let error = config.status.error.unwrap();
        assert!(error.contains("pipelines/huge.yaml") && error.contains("2 MiB"), "{error}");
        let config = handles.fleet.config(served).await.unwrap();
        assert!(config.desired.unwrap().body.contains("otlp/4317"));
        create(&handles, "other", r#"env="test""#, 4318).await;
        wait_for("the next text", || handles.fleet.matched_counts().contains_key(&id("other"))).await;
        let config = handles.fleet.config(served).await.unwrap();
        assert!(config.desired.unwrap().body.contains("otlp/4318"));
        handles.stop().await;
    });
}

#[test]
fn text_that_would_be_too_large_is_refused_by_a_save_and_said_by_a_preview() {
    run(async {
        let handles = World::default().start().await;
        save_screen(&handles).await;
        for (setting, steps, text, name) in [("otelcol", 2, deep(), "otelcol"), ("alloy", 6, wide(), "Alloy")] {
            let document = parse_pipeline(&huge(r#"env="prod""#, steps, setting, &text)).unwrap();
            let refused = save(&handles, "huge", document.clone(), Precondition::Absent).await;
            let Err(SaveError::Invalid { errors, .. }) = refused else { panic!("{refused:?}") };
            assert_eq!(errors.iter().map(|problem| &*problem.code).collect::<Vec<_>>(), ["too_large"], "{errors:?}");
            for said in ["the pipeline huge", "pipelines/huge.yaml", name] {
                assert!(errors[0].message.contains(said), "{errors:?}");
            }
            let preview = handles.fleet.preview(&id("huge"), &document);
            assert_eq!(preview.errors, errors);
            let shown = if name == "Alloy" { preview.alloy } else { preview.otelcol };
            assert_eq!(shown, None);

            let kind = if setting == "otelcol" { "otlp" } else { "otelcol.exporter.otlp" };
            let text = text.replace("otelcol.processor.transform", kind).replace("transform", kind);
            let mut raw = parse_destination("name: R\nkind: raw\n").unwrap();
            raw.settings.insert(setting.into(), text.into());
            let edit = Edit::Destination("raw".parse().unwrap(), raw);
            let saved = handles.repository.save(Save { edit, precondition: Precondition::Any, by: by("ada") }).await;
            saved.unwrap_or_else(|error| panic!("one alone has less than {MAX_TEXT}: {error:?}"));
        }
        handles.stop().await;
    });
}
