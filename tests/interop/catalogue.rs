//! Every example of the catalogue, rendered for both runtimes and given to what will read it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    alloy::demand,
    programs::{CURRENT, OLDER, pair},
};
use crate::{
    alloy_syntax::{Level, check},
    support::server::Server,
};

/// An example in a pipeline of its own.
pub(super) struct Example {
    pub(super) name: String,
    /// Role and kind.
    pub(super) kind: String,
    level: Level,
    /// The pipeline.
    pub(super) document: Value,
    pub(super) preview: Value,
}

fn level(entry: &Value) -> Option<Level> {
    let runtimes = entry["runtimes"].as_array().expect("runtimes");
    let alloy = runtimes.iter().find(|support| support["runtime"] == "alloy")?;
    Some(match alloy["stability"].as_str().expect("a level") {
        "generally-available" => Level::GenerallyAvailable,
        "public-preview" => Level::PublicPreview,
        _ => Level::Experimental,
    })
}

/// The destination of pipelines that are about something else.
pub(super) async fn central(server: &Server) {
    let central = json!({"id": "central", "name": "Central", "kind": "otlp_http",
        "settings": {"endpoint": "http://127.0.0.1:4318"}});
    server.post("/destinations", &central).await;
}

/// The kinds of the catalogue.
pub(super) async fn entries(server: &Server) -> Vec<Value> {
    let catalogue = server.get("/catalogue").await;
    catalogue.as_array().or_else(|| catalogue["items"].as_array()).expect("entries").clone()
}

/// A pipeline of its own for a component with these settings, and the server's preview of it; else what is wrong with them.
pub(super) async fn around(
    server: &Server,
    entry: &Value,
    settings: &Value,
    name: &str,
) -> Result<(Value, Value), Value> {
    let kind = entry["kind"].as_str().expect("a kind");
    let mut signals = settings.get("signals").filter(|_| kind == "raw").unwrap_or(&entry["signals"]).clone();
    // What writes the bodies of logs and nothing else takes nothing else.
    if settings["encoding"] == "raw" || settings["format"] == "body" {
        signals = json!(["logs"]);
    }
    // A source that has settings for each signal brings those that it is given.
    let own: Vec<&str> = ["logs", "metrics", "traces"].into_iter().filter(|s| settings[*s].is_object()).collect();
    if entry["role"] == "source" && !own.is_empty() {
        signals = json!(own);
    }
    let step = json!([{"id": "it", "kind": kind, "settings": settings}]);
    let mut document = json!({
        "version": 1, "name": name, "enabled": true, "signals": signals, "match": [],
        "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:14318"}}}],
        "destinations": ["central"],
    });
    match entry["role"].as_str().expect("a role") {
        "source" => document["sources"] = step,
        "filter" => document["filters"] = step,
        "processor" => document["processors"] = step,
        _ => {
            let id = name.replace(['_', ' '], "-");
            let destination = json!({"id": id, "name": id, "kind": kind, "settings": settings});
            let saved = server.rest(Method::POST, "/destinations", Some(destination)).await;
            if !saved.status().is_success() {
                return Err(saved.json().await.expect("JSON"));
            }
            document["destinations"] = json!([id]);
        }
    }
    let preview = server.post("/pipelines/preview", &document).await;
    if preview["errors"] == json!([]) { Ok((document, preview)) } else { Err(preview["errors"].clone()) }
}

/// Renders every example of the catalogue by the server's own preview.
pub(super) async fn examples(server: &Server) -> Vec<Example> {
    central(server).await;
    let mut found = Vec::new();
    for entry in &entries(server).await {
        let kind = entry["kind"].as_str().expect("a kind");
        let role = entry["role"].as_str().expect("a role");
        for (number, example) in entry["examples"].as_array().expect("examples").iter().enumerate() {
            let name = format!("{role} {kind}, {}", example["title"]);
            let (document, preview) = around(server, entry, &example["settings"], &format!("{kind} {number}"))
                .await
                .unwrap_or_else(|errors| panic!("{name}: {errors:#}"));
            let runs_on = |runtime: &str| {
                entry["runtimes"].as_array().expect("runtimes").iter().any(|support| support["runtime"] == runtime)
            };
            for runtime in ["otelcol", "alloy"].into_iter().filter(|_| kind != "raw") {
                assert_eq!(preview[runtime].is_string(), runs_on(runtime), "{name} on {runtime}: {preview:#}");
            }
            let level = level(entry).unwrap_or(Level::GenerallyAvailable);
            found.push(Example { name, kind: format!("{role} {kind}"), level, document, preview });
        }
        assert!(!entry["examples"].as_array().expect("examples").is_empty(), "{kind} has no example");
    }
    assert!(found.len() > 12, "{} examples", found.len());
    found
}

/// Kinds whose component types neither build has: they were checked against the upstream sources, as their
/// documentation says. Of opensearchexporter no version could be had that compiles with these collectors. Some others are in
/// the builds in a version of their own, the nearest that could be had: `docs/components.md` says which.
pub(super) const IN_NO_BUILD: [&str; 1] = ["destination opensearch"];

/// Kinds that start on Windows alone: these collectors read their fields, and then say so.
pub(crate) const ON_WINDOWS: [&str; 1] = ["source windows_event_log"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn otelcol_accepts_every_example_of_the_catalogue() {
    let Some(current) = pair(CURRENT) else { return };
    let Some(older) = pair(OLDER) else { return };
    let server = Server::start().await;
    let mut lacking: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut read = 0;
    for example in examples(&server).await {
        let Some(text) = example.preview["otelcol"].as_str() else { continue };
        let file = server.folder().join("example.yaml");
        std::fs::write(&file, text).expect("a file");
        for pair in [&current, &older] {
            match validate(&pair.collector, &file) {
                Ok(()) => {}
                // By then all fields were read; a wrong one is told before.
                Err(words) if words.contains("is only supported on Windows") => {
                    assert!(ON_WINDOWS.contains(&example.kind.as_str()), "{}: {words}", example.name);
                    read += 1;
                }
                Err(words) if words.contains("unknown type: \"") => {
                    lacking.entry(pair.version).or_default().insert(example.kind.clone());
                }
                Err(words) => panic!("otelcol {} {}:\n{words}\n{text}", pair.version, example.name),
            }
        }
    }
    assert!(read > 0, "{ON_WINDOWS:?} were not tried");
    for (version, kinds) in &lacking {
        println!("not in the build of otelcol {version}: {kinds:?}");
    }
    assert_eq!(lacking.remove(CURRENT).unwrap_or_default(), IN_NO_BUILD.map(str::to_owned).into());
}

/// What otelcol says of a document, with a value for each variable that it asks for.
pub(super) fn validate(collector: &Path, file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).expect("a document");
    let variables = text.split("${env:").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| (name, "x"));
    let mut command = Command::new(collector);
    let output = command.args(["validate", "--config"]).arg(file).envs(variables).output().expect("otelcol runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_reader_accepts_every_example_in_alloys_language() {
    let server = Server::start().await;
    let mut read = 0;
    let mut needed: BTreeMap<String, (Level, Level)> = BTreeMap::new();
    for example in examples(&server).await {
        let Some(text) = example.preview["alloy"].as_str() else { continue };
        println!("{}", example.name);
        let levels = [Level::GenerallyAvailable, Level::PublicPreview, Level::Experimental];
        let lowest = levels.into_iter().find(|level| check(text, *level).is_ok()).unwrap_or(Level::Experimental);
        demand(text, lowest);
        read += 1;
        needed
            .entry(example.kind)
            .and_modify(|(least, _)| *least = lowest.min(*least))
            .or_insert((lowest, example.level));
    }
    assert!(read >= 10, "only {read} examples have an Alloy form");
    // The level is the catalogue's own word: it is the lowest that an example gets by with.
    for (kind, (least, said)) in &needed {
        assert!(least == said || kind.ends_with(" raw"), "{kind} needs {} and says {}", least.word(), said.word());
    }
    let above = |(kind, (least, _)): (&String, &(Level, Level))| least.lower().map(|_| kind.clone());
    let refused: BTreeSet<String> = needed.iter().filter_map(above).collect();
    assert_eq!(
        refused,
        [
            "destination debug",
            "destination file",
            "destination s3",
            "processor cumulative_to_delta",
            "source file_log",
            "source kubernetes_pod_logs",
            "source syslog",
        ]
        .map(str::to_owned)
        .into(),
        "kinds that need a level"
    );
}
