//! Every example of the catalogue, rendered for both runtimes and given to what will read it.

use std::{collections::BTreeSet, path::Path, process::Command};

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
struct Example {
    name: String,
    kind: String,
    level: Level,
    preview: Value,
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

/// Renders every example of the catalogue by the server's own preview.
async fn examples(server: &Server) -> Vec<Example> {
    let central = json!({"id": "central", "name": "Central", "kind": "otlp_http",
        "settings": {"endpoint": "http://127.0.0.1:4318"}});
    server.post("/destinations", &central).await;
    let catalogue = server.get("/catalogue").await;
    let entries = catalogue.as_array().or_else(|| catalogue["items"].as_array()).expect("entries").clone();
    let mut found = Vec::new();
    for entry in &entries {
        let kind = entry["kind"].as_str().expect("a kind");
        let role = entry["role"].as_str().expect("a role");
        for (number, example) in entry["examples"].as_array().expect("examples").iter().enumerate() {
            let settings = &example["settings"];
            let signals = settings.get("signals").filter(|_| kind == "raw").unwrap_or(&entry["signals"]);
            let step = json!([{"id": "it", "kind": kind, "settings": settings}]);
            let mut document = json!({
                "version": 1, "name": format!("{kind} {number}"), "enabled": true, "signals": signals, "match": [],
                "sources": [{"id": "otlp", "kind": "otlp", "settings": {"http": {"endpoint": "127.0.0.1:14318"}}}],
                "destinations": ["central"],
            });
            match role {
                "source" => document["sources"] = step,
                "filter" => document["filters"] = step,
                "processor" => document["processors"] = step,
                _ => {
                    let id = format!("{}-{number}", kind.replace('_', "-"));
                    let destination = json!({"id": id, "name": id, "kind": kind, "settings": settings});
                    server.post("/destinations", &destination).await;
                    document["destinations"] = json!([id]);
                }
            }
            let name = format!("{role} {kind}, {}", example["title"]);
            let preview = server.post("/pipelines/preview", &document).await;
            assert_eq!(preview["errors"], json!([]), "{name}: {preview:#}");
            let runs_on = |runtime: &str| {
                entry["runtimes"].as_array().expect("runtimes").iter().any(|support| support["runtime"] == runtime)
            };
            for runtime in ["otelcol", "alloy"].into_iter().filter(|_| kind != "raw") {
                assert_eq!(preview[runtime].is_string(), runs_on(runtime), "{name} on {runtime}: {preview:#}");
            }
            let level = level(entry).unwrap_or(Level::GenerallyAvailable);
            found.push(Example { name, kind: kind.to_owned(), level, preview });
        }
        assert!(!entry["examples"].as_array().expect("examples").is_empty(), "{kind} has no example");
    }
    assert!(found.len() > 12, "{} examples", found.len());
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn otelcol_accepts_every_example_of_the_catalogue() {
    let Some(current) = pair(CURRENT) else { return };
    let Some(older) = pair(OLDER) else { return };
    let server = Server::start().await;
    let mut lacking = BTreeSet::new();
    for example in examples(&server).await {
        let Some(text) = example.preview["otelcol"].as_str() else { continue };
        let file = server.folder().join("example.yaml");
        std::fs::write(&file, text).expect("a file");
        for pair in [&current, &older] {
            let Err(words) = validate(&pair.collector, &file) else { continue };
            match words.split_once("unknown type: \"").and_then(|(_, rest)| rest.split_once('"')) {
                Some((kind, _)) => lacking.insert((pair.version, kind.to_owned())),
                None => panic!("otelcol {} {}:\n{words}\n{text}", pair.version, example.name),
            };
        }
    }
    for (version, kind) in &lacking {
        println!("not validated: the collector {version} of the kit has no `{kind}`");
    }
    let lacking: Vec<_> = lacking.iter().map(|(version, kind)| (*version, kind.as_str())).collect();
    assert_eq!(lacking, LACKING);
}

/// What the collectors of the kit do not have, and so cannot validate: these modules cannot be had at those versions.
const LACKING: [(&str, &str); 0] = [];

pub(super) fn validate(collector: &Path, file: &Path) -> Result<(), String> {
    let output = Command::new(collector).args(["validate", "--config"]).arg(file).output().expect("otelcol runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_reader_accepts_every_example_in_alloys_language() {
    let server = Server::start().await;
    let (mut read, mut refused) = (0, BTreeSet::new());
    for example in examples(&server).await {
        let Some(text) = example.preview["alloy"].as_str() else { continue };
        println!("{}", example.name);
        demand(text, example.level);
        read += 1;
        // The level is the catalogue's own word: it is the lowest that the reader accepts.
        if let Some(lower) = example.level.lower() {
            let refusals = check(text, lower).err();
            let words = refusals.as_ref().and_then(|refusals| refusals.first()).map(ToString::to_string);
            let words = words.unwrap_or_else(|| panic!("{} is accepted at {}", example.name, lower.word()));
            assert!(words.contains("stability level"), "{}: {words}", example.name);
            refused.insert(example.kind);
        }
    }
    assert!(read >= 10, "only {read} examples have an Alloy form");
    assert_eq!(refused, ["debug", "file_log"].map(str::to_owned).into(), "kinds that need a level");
}
