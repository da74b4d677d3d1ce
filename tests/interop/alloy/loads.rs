//! Every example of the catalogue, for all its signals and for each alone, run by a real Alloy: what it says when it builds
//! the components, which `alloy validate` does not do, and what they say of themselves when they run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{
    super::{
        catalogue::{Example, examples},
        programs::{alloy, alone},
    },
    host::Host,
    running::Running,
};
use crate::support::server::Server;

/// An example for all its signals, then for each where there are several: what it is, and its text.
async fn texts(server: &Server, example: &Example) -> Vec<(String, String)> {
    let Some(all) = example.preview["alloy"].as_str() else { return Vec::new() };
    let mut texts = vec![(example.name.clone(), all.to_owned())];
    let signals = example.document["signals"].as_array().expect("signals");
    for signal in signals.iter().filter(|_| signals.len() > 1) {
        let mut document = example.document.clone();
        document["signals"] = json!([signal]);
        // With a module of its own: the one before may still be on its way out, and two cannot have one name.
        let name = document["name"].as_str().expect("a name").to_owned();
        document["name"] = json!(format!("{name} {}", signal.as_str().expect("a signal")));
        let preview = server.post("/pipelines/preview", &document).await;
        let mut errors = preview["errors"].as_array().expect("errors").iter();
        if errors.len() > 0 && errors.all(|error| error["code"] == "wrong_signal") {
            // The example is for another one.
            continue;
        }
        assert_eq!(preview["errors"], json!([]), "{} for {signal}: {preview:#}", example.name);
        let text = preview["alloy"].as_str().unwrap_or_else(|| panic!("{} for {signal}: {preview:#}", example.name));
        texts.push((format!("{}, {signal} alone", example.name), text.to_owned()));
    }
    texts
}

/// The names that a text takes from the environment.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("sys.env(\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(name, _)| name)
}

/// Words of components that are there on every platform, and do their work on one.
const DOES_NOTHING: [&str; 2] = ["only works on windows platforms", "is not enabled, and must be ran on linux"];

const NOTHING: &str = "// nothing to run\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alloy_loads_and_runs_every_example_of_the_catalogue() {
    let Some(program) = alloy() else { return };
    if !alone("interop::alloy::loads::a_real_alloy_loads_and_runs_every_example_of_the_catalogue") {
        return;
    }
    let server = Server::start().await;
    let mut tried = Vec::new();
    let host = Host::set_up(server.folder());
    for example in examples(&server).await {
        let texts = texts(&server, &example).await;
        tried.extend(texts.into_iter().map(|(name, text)| (example.kind.clone(), name, host.at_home(&text))));
    }
    let environment: BTreeSet<&str> = tried.iter().flat_map(|(_, _, text)| variables(text)).collect();
    let start = async || {
        let variables = environment.iter().map(|name| (*name, "x"));
        Running::start(host.command(&program), server.folder(), NOTHING, variables).await
    };
    let mut running = start().await;
    let (mut idle, mut wrong) = (BTreeSet::new(), Vec::new());
    let mut loaded: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, name, text) in &tried {
        let before = running.log().len();
        if let Err(words) = running.load(text).await {
            wrong.push(format!("{name} is refused: {words}\n{text}"));
            // What a load that failed leaves behind is not to be the fault of the next.
            running = start().await;
            continue;
        }
        *loaded.entry(kind).or_default() += 1;
        for (component, health) in running.health().await {
            if health.state != "healthy" {
                wrong.push(format!("{name}: {component} is {}: {}\n{text}", health.state, health.message));
            }
        }
        if DOES_NOTHING.iter().any(|words| running.log()[before..].contains(words)) {
            idle.insert(kind.as_str());
        }
        assert_eq!(running.load(NOTHING).await, Ok(()), "{name}");
    }
    println!("{} texts of {} kinds: {loaded:?}", tried.len(), loaded.len());
    println!("loads, and does nothing on this host: {idle:?}");
    assert!(wrong.is_empty(), "{} of {} texts\n{}", wrong.len(), tried.len(), wrong.join("\n\n"));
    // The second is for builds without a journal.
    assert!(idle.remove("source windows_event_log"), "it cannot read events here");
    assert!(idle.is_subset(&BTreeSet::from(["source journald"])), "{idle:?}");
}
