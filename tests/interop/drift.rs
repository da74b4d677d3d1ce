//! What real collectors report of every example of the catalogue, compared with what was committed.

mod changes;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use linkmesh_actors::domain::drift::Committed;
use serde_norway::{Mapping, Value};

use self::changes::{Blind, blind};
use super::{
    catalogue::examples,
    programs::{CURRENT, OLDER, Pair, pair},
    records::free_port,
};
use crate::support::{server::Server, wait_for};

/// What others write, for the current collector.
const OTHERS: &str = include_str!("drift/others.yaml");

/// The variables that a text asks the host for.
fn variables(text: &str) -> BTreeSet<&str> {
    text.split("${env:").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

/// What a collector that runs this text reports: what its extension `opamp` sends is what this command prints, as
/// [`a_collector_reports_what_it_prints`] shows. `None` when the build lacks a component.
fn reported(pair: &Pair, folder: &Path, text: &str) -> Option<String> {
    let file = folder.join("committed.yaml");
    fs::write(&file, text).expect("a file");
    let mut command = Command::new(&pair.collector);
    command.arg("print-config").arg("--config").arg(&file);
    if pair.version == OLDER {
        command.arg("--feature-gates=otelcol.printInitialConfig");
    }
    let output = command.envs(variables(text).into_iter().map(|name| (name, "x"))).output().expect("otelcol runs");
    if output.status.success() {
        return Some(String::from_utf8(output.stdout).expect("a text"));
    }
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(words.contains("unknown type: \""), "otelcol {}:\n{words}\n{text}", pair.version);
    None
}

fn value(text: &str) -> Value {
    serde_norway::from_str(text).expect("YAML")
}

/// Each component, and the service, of a committed text beside what is reported of it.
fn parts(committed: &Value, report: &Value) -> Vec<(String, Value, Value)> {
    let mut parts = Vec::new();
    for (section, ids) in committed.as_mapping().expect("sections") {
        for (id, part) in ids.as_mapping().expect("components") {
            let alone = |part: &Value| {
                let ids = Mapping::from_iter([(id.clone(), part.clone())]);
                Value::Mapping(Mapping::from_iter([(section.clone(), Value::Mapping(ids))]))
            };
            let running = report.get(section).and_then(|ids| ids.get(id)).unwrap_or_else(|| panic!("no {id:?}"));
            // The same of another pipeline says nothing new.
            let kind = id.as_str().expect("an id").split('/').next().unwrap_or_default();
            let same = serde_json::to_string(&(section, kind, part, running)).expect("JSON");
            parts.push((same, alone(part), alone(running)));
        }
    }
    parts
}

/// Why nobody sees a committed leaf change; `None` when there is no reason.
fn reason(Blind { after, path, value }: &Blind) -> Option<&'static str> {
    let (section, rest) = path.split_once('.')?;
    let is_of =
        |kind: &str| rest == kind || rest.starts_with(&format!("{kind}/")) || rest.starts_with(&format!("{kind}."));
    // That they are there is seen.
    let is_hidden = *after != "removed"
        && match section {
            "exporters" if is_of("clickhouse") && path.ends_with(".password") => true,
            "exporters" if is_of("elasticsearch") && path.ends_with(".api_key") => true,
            "exporters" if is_of("splunk_hec") && path.ends_with(".token") => true,
            "exporters" => path.contains(".headers."),
            "extensions" if is_of("basicauth") => path.ends_with(".client_auth.password"),
            "extensions" if is_of("bearertokenauth") => path.ends_with(".token"),
            "receivers" if is_of("prometheus") => {
                path.ends_with(".authorization.credentials") || path.ends_with(".basic_auth.password")
            }
            _ => false,
        };
    // A change to something else than that is seen when it was committed.
    let is_zero = ["false", "0", "\"0s\"", "\"\"", "[]", "null"].contains(&&**value);
    if is_hidden {
        Some("the collector hides it")
    } else if section == "receivers" && is_of("hostmetrics") && path.contains(".scrapers.") {
        Some("scrapers are never reported")
    } else if section == "processors" && is_of("tail_sampling") && path.contains(".policies[") {
        Some("what policies have in common is never reported")
    } else if path.ends_with(".sizer") && *after == "committed" {
        Some("a sizer is reported as {}")
    } else if is_zero && *after != "committed" {
        Some("zeros are left out")
    } else if value.contains("${env:") && *after == "changed" {
        Some("the host's environment says it")
    } else {
        None
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_example_is_found_in_what_a_collector_reports_and_every_change_of_it_is_seen() {
    let (Some(current), Some(older)) = (pair(CURRENT), pair(OLDER)) else { return };
    let server = Server::start().await;
    let mut texts: Vec<(String, String)> = vec![("others".to_owned(), OTHERS.to_owned())];
    for example in examples(&server).await {
        let Some(text) = example.preview["otelcol"].as_str() else { continue };
        // A secret may also be given to the collector as it is.
        let put_in = variables(text).into_iter().fold(text.to_owned(), |text, name| {
            text.replace(&format!("${{env:{name}}}"), &format!("put-in-{}", name.to_lowercase()))
        });
        if put_in != text {
            texts.push((format!("{} with its variables put in", example.name), put_in));
        }
        texts.push((example.name, text.to_owned()));
    }
    let (mut wrong, mut unseen, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (mut reasons, mut compared) = (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
    for (name, text) in &texts {
        let committed = Committed::parse(text).expect("YAML");
        // Until its collector has reported, a supervisor sends what it was given.
        assert_eq!(committed.differences_in(&committed), [], "{name}");
        for pair in [&current, &older] {
            let Some(report) = reported(pair, server.folder(), text) else { continue };
            *compared.entry(pair.version).or_default() += 1;
            for difference in committed.differences(&report).expect("YAML") {
                wrong.push(format!("{} {name}: {difference:?}", pair.version));
            }
            for (same, committed, report) in parts(&value(text), &value(&report)) {
                if !seen.insert((pair.version, same)) {
                    continue;
                }
                for blind in blind(&committed, &report) {
                    match reason(&blind) {
                        Some(reason) => *reasons.entry(reason).or_default() += 1,
                        None => unseen.push(format!("{} {name}: {blind:?}", pair.version)),
                    }
                }
            }
        }
    }
    println!("compared: {compared:?}; leaves whose change is not seen: {reasons:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(unseen.is_empty(), "{}", unseen.join("\n"));
    assert_eq!(reasons.len(), 6, "{reasons:?}");
    assert!(compared[CURRENT] > 90 && compared[OLDER] > 50, "{compared:?}");
}

/// Every leaf with its place, a line each.
fn leaves(value: &Value) -> Vec<String> {
    match value {
        Value::Mapping(map) if !map.is_empty() => {
            let below = |(key, value): (&Value, &Value)| {
                let key = serde_json::to_string(key).expect("JSON");
                leaves(value).into_iter().map(move |leaf| format!("{key}.{leaf}")).collect::<Vec<_>>()
            };
            map.iter().flat_map(below).collect()
        }
        Value::Sequence(list) if !list.is_empty() => {
            let below = |(at, value): (usize, &Value)| {
                leaves(value).into_iter().map(move |leaf| format!("[{at}].{leaf}")).collect::<Vec<_>>()
            };
            list.iter().enumerate().flat_map(below).collect()
        }
        leaf => vec![format!(": {}", serde_json::to_string(leaf).expect("JSON").trim_matches('"'))],
    }
}

struct Collector(Child);

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A text with the extension by which a collector without a supervisor reports to this server.
fn connected(text: &str, server: &Server, token: &str) -> String {
    let mut root = value(text);
    let endpoint = server.url("ws", "/v1/opamp");
    let headers = format!("{{Authorization: \"Bearer {token}\"}}");
    let extension =
        format!("server: {{ws: {{endpoint: \"{endpoint}\", headers: {headers}, tls: {{insecure: true}}}}}}");
    let sections = root.as_mapping_mut().expect("sections");
    let extensions = sections.entry("extensions".into()).or_insert_with(|| Mapping::new().into());
    extensions.as_mapping_mut().expect("extensions").insert("opamp".into(), value(&extension));
    let service = sections.get_mut("service").and_then(Value::as_mapping_mut).expect("a service");
    let ids = service.entry("extensions".into()).or_insert_with(|| Vec::<Value>::new().into());
    ids.as_sequence_mut().expect("ids").push("opamp".into());
    service.insert("telemetry".into(), value("metrics: {level: none}"));
    serde_norway::to_string(&root).expect("YAML")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_reports_what_it_prints() {
    let (Some(current), Some(older)) = (pair(CURRENT), pair(OLDER)) else { return };
    let server = Server::start().await;
    let mut texts = vec![(&current, OTHERS.to_owned())];
    let wanted = ["processor attributes", "filter match", "processor resource"];
    for example in examples(&server).await {
        if let Some(text) = example.preview["otelcol"].as_str()
            && wanted.contains(&&*example.kind)
            && !text.contains("file_storage")
        {
            texts.extend([&current, &older].map(|pair| (pair, text.to_owned())));
        }
    }
    assert!(texts.len() > 10, "{}", texts.len());
    for (pair, text) in texts {
        let (id, token) = server.collector("otelcol").await;
        let text = text.replace("127.0.0.1:14318", &format!("127.0.0.1:{}", free_port()));
        let text = connected(&text, &server, &token);
        let file = server.folder().join("running.yaml");
        fs::write(&file, &text).expect("a file");
        let (log, path) = (server.folder().join("running.log"), format!("/collectors/{id}/config"));
        let mut command = Command::new(&pair.collector);
        command.arg("--config").arg(&file).stdout(Stdio::null()).stderr(fs::File::create(&log).expect("a log"));
        let mut collector = Collector(command.spawn().expect("otelcol runs"));
        let body = wait_for("what the collector reports", || {
            let ended = collector.0.try_wait().expect("a child");
            assert!(ended.is_none(), "{}", fs::read_to_string(&log).unwrap_or_default());
            let config = server.get(&path);
            async move { config.await["effective"]["body"].as_str().map(str::to_owned) }
        })
        .await;
        let differences = Committed::parse(&text).expect("YAML").differences(&body).expect("YAML");
        assert_eq!(differences, [], "otelcol {}", pair.version);
        let printed = reported(pair, server.folder(), &text).expect("its components");
        let [body, printed] = [body, printed].map(|text| leaves(&value(&text)));
        for (body, printed) in body.iter().zip(&printed) {
            // The extension loses the line end with which a text begins.
            let is_same = body == printed || printed.replacen(" \\n", " ", 1) == *body;
            assert!(is_same, "otelcol {} reports {body} and prints {printed}", pair.version);
        }
        assert_eq!(body.len(), printed.len());
    }
}
