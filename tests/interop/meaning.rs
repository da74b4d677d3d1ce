//! Records in, records out: what a dry run foretells is what a real collector does, record by record, and a real Alloy,
//! where there is one.
//!
//! All cases run in one collector, each as a pipeline of its own with its own port or file. What comes out goes by OTLP to another
//! collector, which writes a file for each case; what stands there when both were stopped is all that came out.
//!
//! What a dry run cannot know is put in by the test, which knows it: what the environment and the kernel of the collector's host
//! say to `detect`, when `dedup` saw a record. Clouds and clusters cannot be had here: of `detect` the detectors `env` and
//! `system` alone are proven, and `kubernetes` not at all. Of `rate_limit` proven is what passes far below the limit, and that a
//! trace larger than a bucket never passes, for all traces together and for each limit by itself. Which of several traces pass
//! that are too many together is not: the processor looks at those of one decision in an order of its own (a map of Go), and
//! fills its buckets by the clock.

mod alloy;
mod cases;
mod samples;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use linkmesh_ottl::record::{
    Telemetry,
    json::{Limits, read, read_value, write},
};
use linkmesh_proto::api::catalogue::Role;
use serde_json::{Value, json};

use self::cases::{Case, RESOURCE, cases};
use super::programs::{CURRENT, OLDER, Pair, pair};
use crate::support::{server::Server, wait_for};

/// A collector that runs what LinkMesh rendered, without a supervisor.
struct Collector {
    child: Child,
    log: PathBuf,
}

impl Collector {
    fn start(pair: &Pair, folder: &Path, name: &str, config: &str) -> Self {
        let (file, log) = (folder.join(format!("{name}.yaml")), folder.join(format!("{name}.log")));
        fs::write(&file, config).expect("a file");
        let child = Command::new(&pair.collector)
            .args(["--set=service.telemetry.metrics.level=none", "--config"])
            .arg(&file)
            .env("OTEL_RESOURCE_ATTRIBUTES", RESOURCE)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).expect("a log"))
            .spawn()
            .expect("otelcol runs");
        Self { child, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it as a service manager does: it sends on what it has.
    async fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        wait_for("the collector to end", || {
            let ended = self.child.try_wait().expect("a child");
            std::future::ready(ended.map(drop).ok_or_else(|| "it runs".to_owned()))
        })
        .await;
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The kinds that are tried, by their role.
pub(crate) fn proven() -> BTreeSet<(Role, &'static str)> {
    let role = |role: &str| if role == "filter" { Role::Filter } else { Role::Processor };
    let tried = cases().into_iter().flat_map(|case| case.parts).map(|(of, kind, _)| (role(of), kind));
    tried.chain([(Role::Source, "otlp")]).collect()
}

/// What runs the pipelines.
struct Subject {
    runtime: &'static str,
    version: &'static str,
    /// The second number of the addresses that it uses, at least.
    network: u8,
    /// What stands in its config for a pipeline.
    part: fn(&str) -> String,
}

impl Subject {
    const fn otelcol(version: &'static str, network: u8) -> Self {
        Self { runtime: "otelcol", version, network, part: |id| format!("filter/{id}.in") }
    }

    /// Addresses of this machine that are this process's own: so many ports that were free a moment ago are not all free.
    fn addresses(&self) -> impl Iterator<Item = String> + use<> {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let second = self.network + high % 64;
        (1..=250).map(move |number| format!("127.{second}.{low}.{number}:24318"))
    }
}

/// A case under way.
struct Trial {
    case: Case,
    /// Where it listens.
    address: String,
    /// Where what comes out goes.
    sink: String,
    file: PathBuf,
    foretold: Telemetry,
}

/// Each record with what it stands in, in an order of our own: requests may come in any.
fn flat(telemetry: &Telemetry) -> Vec<Value> {
    let document: Value = serde_json::from_str(&write(telemetry)).expect("JSON");
    let mut flat = Vec::new();
    for resources in document.as_object().expect("a mapping").values() {
        for resource in resources.as_array().expect("a list") {
            let scopes = ["scopeLogs", "scopeMetrics", "scopeSpans"].iter().find_map(|key| resource.get(*key));
            for scope in scopes.and_then(Value::as_array).into_iter().flatten() {
                let records = ["logRecords", "metrics", "spans"].iter().find_map(|key| scope.get(*key));
                for record in records.and_then(Value::as_array).into_iter().flatten() {
                    flat.push(json!({"resource": sorted(&resource["resource"]), "scope": sorted(&scope["scope"]), "record": sorted(record)}));
                }
            }
        }
    }
    flat.sort_by_cached_key(Value::to_string);
    flat
}

/// Attributes by their key: the order in which a collector puts them in means nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(sorted).collect();
            if items.iter().all(|item| item.get("key").is_some()) {
                items.sort_by_cached_key(|item| item["key"].to_string());
            }
            Value::Array(items)
        }
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), sorted(item))).collect(),
        other => other.clone(),
    }
}

/// Puts into resources what the collector's host says.
fn tell(records: &mut [Value], attributes: &[(&'static str, String)], overrides: bool) {
    for record in records {
        let told = record["resource"]["attributes"].as_array_mut().expect("attributes");
        for (key, value) in attributes {
            let value = json!({"key": key, "value": {"stringValue": value}});
            match told.iter_mut().find(|there| there["key"] == *key) {
                Some(there) if overrides => *there = value,
                Some(_) => {}
                None => told.push(value),
            }
        }
        record["resource"] = sorted(&record["resource"]);
    }
}

/// Takes out when `dedup` saw a record, which are times of now.
fn without_times_of_the_run(records: &mut [Value]) {
    const SEEN: [&str; 2] = ["first_observed_timestamp", "last_observed_timestamp"];
    for record in records {
        let record = record["record"].as_object_mut().expect("a record");
        for name in ["timeUnixNano", "observedTimeUnixNano"] {
            assert!(record.remove(name).is_some(), "{record:?}");
        }
        let attributes = record["attributes"].as_array_mut().expect("attributes");
        let before = attributes.len();
        attributes.retain(|attribute| !SEEN.iter().any(|name| attribute["key"] == **name));
        assert_eq!(before - attributes.len(), SEEN.len());
    }
}

/// What the file exporter wrote; nothing when it wrote no file.
fn written(file: &Path, like: &Telemetry) -> Telemetry {
    let text = fs::read(file).unwrap_or_default();
    if text.is_empty() {
        return Telemetry::empty(like.signal());
    }
    read(&text, &Limits { bytes: 64 << 20, ..Limits::default() }).expect("OTLP JSON")
}

async fn foretell(server: &Server, document: &Value, case: &Case, runtime: &str) -> Telemetry {
    let mut request = json!({"pipeline": document, "records": case.records, "runtime": runtime, "seed": 1});
    if let Some((_, text)) = &case.file {
        request["source"] = json!("in");
        // Where the file is, the test alone knows.
        let path = server.folder().join(format!("{}.log", case.id));
        fs::write(&path, text).expect("a file");
        for record in
            request["records"]["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array_mut().expect("records")
        {
            let path = json!({"key": "log.file.path", "value": {"stringValue": path}});
            record["attributes"].as_array_mut().expect("attributes").push(path);
        }
    }
    let answer = server.post("/pipelines/dry-run", &request).await;
    assert_eq!(answer["errors"], json!([]), "{}: {answer:#}", case.id);
    let steps = answer["steps"].as_array().expect("steps");
    for step in steps {
        // What fails on a record fails in the collector, too; what could not be tried foretells nothing.
        for note in step["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(!["cannot be tried", "too long"].iter().any(|words| note.contains(words)), "{}: {note}", case.id);
        }
    }
    read_value(&answer["destinations"][0]["records"], &Limits::default()).expect("OTLP JSON")
}

/// Saves every case as a pipeline and says what a collector of all of them should run.
async fn prepare(server: &Server, subject: &Subject, cases: Vec<Case>) -> (Vec<Trial>, String) {
    let state = json!(server.folder().join("state"));
    server.commit_by_hand("linkmesh.yaml", &format!("version: 1\notelcol_state_directory: {state}\n"));
    let mut collector = json!({"name": "all", "runtime": subject.runtime, "version": subject.version});
    if subject.runtime == "alloy" {
        collector["stability"] = json!("experimental");
    }
    let added = server.post("/collectors", &collector).await;
    let id = added["collector"]["id"].as_str().expect("an id").to_owned();
    let (mut trials, mut addresses) = (Vec::new(), subject.addresses());
    for case in cases {
        let (address, sink) = (addresses.next().expect("an address"), addresses.next().expect("an address"));
        let file = server.folder().join(format!("{}.json", case.id));
        let destination = json!({
            "id": format!("to-{}", case.id), "name": case.id, "kind": "otlp_http",
            "settings": {"endpoint": format!("http://{sink}")},
        });
        server.post("/destinations", &destination).await;
        let reference = match case.when {
            Some(when) => json!({"id": destination["id"], "when": when}),
            None => destination["id"].clone(),
        };
        let source = match &case.file {
            None => json!({"id": "in", "kind": "otlp", "settings": {"http": {"endpoint": address}}}),
            Some((settings, _)) => {
                let mut settings = settings.clone();
                settings["include"] = json!([server.folder().join(format!("{}.log", case.id))]);
                settings["start_at"] = json!("beginning");
                json!({"id": "in", "kind": "file_log", "settings": settings})
            }
        };
        let document = json!({
            "id": case.id, "name": case.id, "signals": [case.signal], "match": ["collector.name=\"all\""],
            "sources": [source],
            "filters": case.steps("filter"), "processors": case.steps("processor"), "destinations": [reference],
        });
        server.post("/pipelines", &document).await;
        let foretold = foretell(server, &document, &case, subject.runtime).await;
        trials.push(Trial { case, address, sink, file, foretold });
    }
    let desired = wait_for("the config of all cases", || async {
        let config = server.get(&format!("/collectors/{id}/config")).await;
        let body = config["desired"]["body"].as_str().unwrap_or_default().to_owned();
        let missing = trials.iter().find(|trial| !body.contains(&(subject.part)(trial.case.id)));
        if subject.runtime == "otelcol" && !body.contains(state.as_str().expect("a path")) {
            return Err("it keeps state elsewhere".to_owned());
        }
        missing.map_or(Ok(body), |trial| Err(format!("{} is not in it", trial.case.id)))
    })
    .await;
    (trials, desired)
}

/// The config of the collector that writes down what comes out.
fn sinks(trials: &[Trial]) -> String {
    let mut config = json!({"receivers": {}, "exporters": {}, "service": {"pipelines": {}}});
    for Trial { case, sink, file, .. } in trials {
        let (receiver, exporter) = (format!("otlp/{}", case.id), format!("file/{}", case.id));
        config["receivers"][&receiver] = json!({"protocols": {"http": {"endpoint": sink}}});
        config["exporters"][&exporter] = json!({"path": file});
        config["service"]["pipelines"][format!("{}/{}", case.signal, case.id)] =
            json!({"receivers": [receiver], "exporters": [exporter]});
    }
    config.to_string()
}

/// Sends a case's records when its receiver is up.
async fn feed(trial: &Trial, log: impl Fn() -> String) {
    let url = format!("http://{}/v1/{}", trial.address, trial.case.signal);
    let http = reqwest::Client::new();
    wait_for(&format!("the collector to take {}", trial.case.id), || async {
        match http.post(&url).json(&trial.case.records).send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) => Err(format!("{error}: {}", log())),
        }
    })
    .await;
}

/// What waits in the collector (traces for their decision) is there before it is stopped; what should not come out has had
/// as long.
async fn all_out(trials: &[Trial]) {
    for trial in trials {
        wait_for(&format!("what comes out of {}", trial.case.id), || {
            let (there, due) = (written(&trial.file, &trial.foretold).count(), trial.foretold.count());
            std::future::ready(if there >= due { Ok(()) } else { Err(format!("{there} of {due} records")) })
        })
        .await;
    }
}

/// What came out otherwise than foretold, by case.
fn wrong(trials: &[Trial]) -> BTreeMap<&'static str, String> {
    let mut wrong = BTreeMap::new();
    for Trial { case, file, foretold, .. } in trials {
        let (mut did, mut foretold) = (flat(&written(file, foretold)), flat(foretold));
        if let Some((attributes, overrides)) = &case.told_by_host {
            tell(&mut foretold, attributes, *overrides);
            foretold.sort_by_cached_key(Value::to_string);
        }
        if case.is_timed_by_the_run {
            for records in [&mut did, &mut foretold] {
                without_times_of_the_run(records);
                records.sort_by_cached_key(Value::to_string);
            }
        }
        if case.file.is_some() {
            // When a line was read, nobody can foretell.
            for record in did.iter_mut().chain(&mut foretold) {
                record["record"].as_object_mut().expect("a record").retain(|key, _| key != "observedTimeUnixNano");
            }
            did.sort_by_cached_key(Value::to_string);
            foretold.sort_by_cached_key(Value::to_string);
        }
        let differs = did.iter().zip(&foretold).find(|(did, foretold)| did != foretold);
        if did.len() != foretold.len() {
            wrong.insert(case.id, format!("{} records came out, {} were foretold", did.len(), foretold.len()));
        } else if let Some((did, foretold)) = differs {
            wrong.insert(case.id, format!("came out:\n{did:#}\nforetold:\n{foretold:#}"));
        }
    }
    wrong
}

/// Demands that nothing came out otherwise than foretold.
fn as_foretold(trials: &[Trial], log: &str) {
    let wrong = wrong(trials);
    let told: Vec<String> = wrong.iter().map(|(id, how)| format!("{id}: {how}")).collect();
    assert!(wrong.is_empty(), "{} of {} differ\n{}\n{log}", wrong.len(), trials.len(), told.join("\n\n"));
}

async fn collectors_do_what_was_foretold(subject: Subject, least: usize) {
    let (Some(tried), Some(writer)) = (pair(subject.version), pair(CURRENT)) else { return };
    let server = Server::start().await;
    let cases = cases().into_iter().filter(|case| subject.version == CURRENT || case.runs_on_older).collect();
    let (trials, config) = prepare(&server, &subject, cases).await;
    assert!(trials.len() >= least, "{} cases", trials.len());
    let mut sink = Collector::start(&writer, server.folder(), "sink", &sinks(&trials));
    let mut collector = Collector::start(&tried, server.folder(), "tried", &config);
    for trial in trials.iter().filter(|trial| trial.case.file.is_none()) {
        feed(trial, || collector.log()).await;
    }
    all_out(&trials).await;
    collector.stop().await;
    sink.stop().await;
    as_foretold(&trials, &collector.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_does_what_a_dry_run_foretells() {
    collectors_do_what_was_foretold(Subject::otelcol(CURRENT, 64), 43).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_collector_does_what_a_dry_run_foretells() {
    collectors_do_what_was_foretold(Subject::otelcol(OLDER, 128), 36).await;
}
