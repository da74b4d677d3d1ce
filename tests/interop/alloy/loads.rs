//! Every example of the catalogue, for all its signals and for each alone, run by a real Alloy: what it says when it builds
//! the components, which `alloy validate` does not do, and what they say of themselves when they run.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde_json::json;

use super::{
    super::{
        catalogue::{Example, around, central, entries, examples},
        programs::{alloy, alone},
    },
    host::Host,
    running::Running,
    settings::changes,
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

/// The source that Alloy has on Linux, too, where it does nothing.
pub(crate) const IDLE_ON_LINUX: &str = "windows_event_log";

const NOTHING: &str = "// nothing to run\n";

/// A text that is tried.
struct Tried {
    /// Role and kind.
    kind: String,
    name: String,
    text: String,
}

/// How an Alloy took texts.
#[derive(Default)]
struct Taken<'a> {
    /// How many it loaded, by kind.
    loaded: BTreeMap<&'a str, usize>,
    /// Kinds that do nothing here.
    idle: BTreeSet<&'a str>,
    wrong: Vec<String>,
}

/// Loads one text after the other, and looks at what each component says of itself. Each has a module of its own name: what
/// comes back while it is still on its way out is refused or never started.
async fn take<'a>(program: &Path, folder: &Path, host: &Host, tried: &'a [Tried]) -> Taken<'a> {
    let environment: BTreeSet<&str> = tried.iter().flat_map(|tried| variables(&tried.text)).collect();
    let start = async || {
        let variables = environment.iter().map(|name| (*name, "x"));
        Running::start(host.command(program), folder, NOTHING, variables).await
    };
    let mut running = start().await;
    let (mut taken, mut read) = (Taken::default(), 0);
    for Tried { kind, name, text } in tried {
        if let Err(words) = running.load(text).await {
            taken.wrong.push(format!("{name} is refused: {words}\n{text}"));
            // What a load that failed leaves behind is not to be the fault of the next.
            running = start().await;
            continue;
        }
        *taken.loaded.entry(kind).or_default() += 1;
        for (component, health) in running.health().await {
            if health.state != "healthy" {
                taken.wrong.push(format!("{name}: {component} is {}: {}\n{text}", health.state, health.message));
            }
        }
        let (said, end) = running.log_after(read);
        read = end;
        if DOES_NOTHING.iter().any(|words| said.contains(words)) {
            taken.idle.insert(kind);
        }
    }
    println!("{} texts of {} kinds: {:?}", tried.len(), taken.loaded.len(), taken.loaded);
    println!("loads, and does nothing on this host: {:?}", taken.idle);
    taken
}

/// Demands that nothing was refused or failed to start.
fn all_run(mut taken: Taken<'_>) {
    assert!(taken.wrong.is_empty(), "{} texts\n{}", taken.wrong.len(), taken.wrong.join("\n\n"));
    assert!(taken.idle.remove(format!("source {IDLE_ON_LINUX}").as_str()), "it cannot do its work here");
    // For builds without a journal.
    assert!(taken.idle.is_subset(&BTreeSet::from(["source journald"])), "{:?}", taken.idle);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alloy_loads_and_runs_every_example_of_the_catalogue() {
    let Some(program) = alloy() else { return };
    if !alone("interop::alloy::loads::a_real_alloy_loads_and_runs_every_example_of_the_catalogue") {
        return;
    }
    let server = Server::start().await;
    let host = Host::set_up(server.folder());
    let mut tried = Vec::new();
    for example in examples(&server).await {
        for (name, text) in texts(&server, &example).await {
            tried.push(Tried { kind: example.kind.clone(), name, text: host.at_home(&text) });
        }
    }
    all_run(take(&program, server.folder(), &host, &tried).await);
}

/// Fields whose values are accepted together with others only.
const ALONE_IN_VAIN: [&str; 4] = [
    "destination otlp_grpc: basic_auth",
    "destination tempo: basic_auth",
    "source file_log: multiline.line_end_pattern",
    "source file_log: timestamp",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_alloy_loads_and_runs_every_setting_of_the_catalogue() {
    let Some(program) = alloy() else { return };
    if !alone("interop::alloy::loads::a_real_alloy_loads_and_runs_every_setting_of_the_catalogue") {
        return;
    }
    let server = Server::start().await;
    let host = Host::set_up(server.folder());
    central(&server).await;
    let (mut tried, mut seen, mut elsewhere) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut fields, mut accepted, mut number) = (BTreeSet::new(), BTreeSet::new(), 0);
    for entry in entries(&server).await.iter().filter(|entry| entry["kind"] != "raw") {
        let runs = entry["runtimes"].as_array().expect("runtimes").iter().any(|runs| runs["runtime"] == "alloy");
        let properties = entry["schema"]["properties"].as_object().expect("fields");
        let kind = format!("{} {}", entry["role"].as_str().expect("a role"), entry["kind"].as_str().expect("a kind"));
        for example in entry["examples"].as_array().into_iter().flatten().filter(|_| runs) {
            for (field, ways) in changes(properties, example["settings"].as_object().expect("settings")) {
                let place = format!("/{}", field.replace('.', "/"));
                let field = format!("{kind}: {field}");
                for settings in ways {
                    // What was tried on top of another example is not tried again.
                    let value = format!("{field} = {}", settings.pointer(&place).expect("the field"));
                    if seen.contains(&value) {
                        break;
                    }
                    number += 1;
                    let id = format!("{} {number}", entry["kind"].as_str().expect("a kind"));
                    let Ok((_, preview)) = around(&server, entry, &settings, &id).await else { continue };
                    seen.insert(value);
                    match preview["alloy"].as_str() {
                        Some(text) => {
                            let name = format!("{kind} {settings}");
                            tried.push(Tried { kind: kind.clone(), name, text: host.at_home(text) });
                        }
                        None => drop(elsewhere.insert(field.clone())),
                    }
                    accepted.insert(field.clone());
                    break;
                }
                fields.insert(field);
            }
        }
    }
    println!("{} fields; of these on otelcol alone, with a value at least: {elsewhere:#?}", fields.len());
    let never: BTreeSet<&str> = fields.difference(&accepted).map(String::as_str).collect();
    assert_eq!(never, ALONE_IN_VAIN.into(), "fields that no value was found for");
    all_run(take(&program, server.folder(), &host, &tried).await);
}
