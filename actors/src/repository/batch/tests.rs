use std::collections::BTreeMap;

use linkmesh_proto::{
    CollectorId,
    api::collector::{Runtime, Stability},
};

use super::*;
use crate::{
    domain::document::{CollectorDocument, parse_destination, parse_pipeline},
    testing::PlainSealer,
};

fn by() -> By {
    By::server("test", RequestId::generate())
}

/// A repository in which nothing is but its beginning.
fn begun() -> ConfigSnapshot {
    ConfigSnapshot { revision: Some(Revision::from_bytes([0xbe; 20])), ..ConfigSnapshot::default() }
}

fn pipeline(port: u16) -> PipelineDocument {
    parse_pipeline(&format!(
        "name: P\nsignals: [logs]\nsources:\n  - {{id: apps, kind: otlp, settings: {{grpc: {{endpoint: \
         \"0.0.0.0:{port}\"}}}}}}\ndestinations: [central]\n"
    ))
    .unwrap()
}

fn put(port: u16, precondition: Precondition) -> Change {
    let id: PipelineId = "web".parse().unwrap();
    Change::Save(Save { edit: Edit::Pipeline(id, pipeline(port)), precondition, by: by() })
}

fn central(header: &serde_json::Value) -> Change {
    let mut document =
        parse_destination("name: C\nkind: otlp_http\nsettings: {endpoint: \"https://x.example\"}\n").unwrap();
    document.settings.insert("headers".into(), serde_json::json!({ "Authorization": header }));
    let edit = Edit::Destination("central".parse().unwrap(), document);
    Change::Save(Save { edit, precondition: Precondition::Any, by: by() })
}

fn run(changes: &[Change], config: &ConfigSnapshot, sealer: &PlainSealer) -> (Vec<Judged>, Vec<CommitRequest>) {
    judge(changes, config, &Judge { facts: &[], sealer, now: Timestamp::from_millis(7) })
}

/// The snapshot after these requests were committed, each with a version of its own.
fn commit(config: &ConfigSnapshot, requests: &[CommitRequest]) -> ConfigSnapshot {
    let commits: Vec<Committed> = (1..)
        .zip(requests)
        .map(|(number, request)| Committed {
            revision: Revision::from_bytes([number; 20]),
            changed: true,
            etags: request
                .changes
                .iter()
                .map(|(path, change)| {
                    (path.clone(), (*change != PathChange::Delete).then(|| Etag::from_bytes([number; 20])))
                })
                .collect(),
        })
        .collect();
    committed(config, requests, &commits)
}

#[test]
fn preconditions_are_judged_in_the_order_of_the_batch() {
    let sealer = PlainSealer::default();
    let (judged, requests) = run(
        &[
            central(&serde_json::json!("${env:TOKEN}")),
            put(4317, Precondition::Absent),
            put(4318, Precondition::Absent),
            put(4319, Precondition::Matches(Etag::from_bytes([5; 20]))),
        ],
        &begun(),
        &sealer,
    );
    assert!(matches!(judged[0], Judged::Accepted { request: 0, .. }));
    assert!(matches!(judged[1], Judged::Accepted { request: 1, .. }), "it sees the destination saved before it");
    assert!(matches!(judged[2], Judged::Refused(SaveError::Exists(_))));
    assert!(matches!(judged[3], Judged::Overtaken(_)));
    assert_eq!(
        requests.iter().map(|request| request.summary.as_str()).collect::<Vec<_>>(),
        ["destinations: create central", "pipelines: create web"]
    );
}

#[test]
fn first_commit_of_a_repository_writes_its_settings() {
    let sealer = PlainSealer::default();
    let empty = ConfigSnapshot::default();
    let (judged, requests) = run(&[central(&serde_json::json!("${env:TOKEN}"))], &empty, &sealer);
    assert!(matches!(judged[0], Judged::Accepted { request: 1, .. }));
    let [begin, save] = &requests[..] else { panic!("two commits: {requests:?}") };
    assert_eq!((begin.summary.as_str(), begin.actor.as_str()), ("linkmesh.yaml: create", "LinkMesh repository"));
    assert_eq!(save.summary, "destinations: create central");
    let (path, PathChange::Put(text)) = &begin.changes[0] else { panic!("a file") };
    assert_eq!(path, "linkmesh.yaml");
    let text = String::from_utf8_lossy(text);
    insta::assert_snapshot!(text, @r"
    version: 1
    memory_limiter: {limit_mib: 512, spike_limit_percent: 20, check_interval_s: 5}
    otelcol_state_directory: /var/lib/otelcol
    ");
    assert_eq!(commit(&empty, &requests).settings, empty.settings);

    let (judged, requests) = run(&[put(4317, Precondition::Absent)], &empty, &sealer);
    assert!(matches!(judged[0], Judged::Refused(SaveError::Invalid { .. })), "its destination is not there");
    assert!(requests.is_empty(), "nothing begins without a save");
    let (_, requests) = run(&[central(&serde_json::json!("${env:TOKEN}"))], &begun(), &sealer);
    assert_eq!(requests.len(), 1, "a repository begins once");
}

#[test]
fn secrets_are_sealed_before_they_enter_git_and_kept_by_their_mask() {
    let sealer = PlainSealer::default();
    let (_, requests) = run(&[central(&serde_json::json!("Bearer s3cret"))], &begun(), &sealer);
    let PathChange::Put(first) = &requests[0].changes[0].1 else { panic!("a file") };
    let text = String::from_utf8(first.clone()).unwrap();
    assert!(!text.contains("s3cret") && text.contains("lms1.test."), "{text}");

    let config = commit(&begun(), &requests);
    let (_, requests) = run(&[central(&serde_json::json!({ "sealed": true }))], &config, &sealer);
    assert_eq!(requests[0].changes[0].1, PathChange::Put(first.clone()));
}

#[test]
fn stale_save_gets_what_is_stored() {
    let sealer = PlainSealer::default();
    let (_, requests) =
        run(&[central(&serde_json::json!("${env:A}")), put(4317, Precondition::Absent)], &begun(), &sealer);
    let config = commit(&begun(), &requests);
    let (judged, requests) = run(&[put(4318, Precondition::Matches(Etag::from_bytes([9; 20])))], &config, &sealer);
    assert!(requests.is_empty());
    let Judged::Refused(SaveError::Stale { current: Some(StoredDocument::Pipeline(_, stored)), etag }) = &judged[0]
    else {
        panic!("stale")
    };
    assert_eq!((etag, &stored.document), (&Some(Etag::from_bytes([2; 20])), &pipeline(4317)));
    let (judged, _) = run(&[put(4318, Precondition::Matches(Etag::from_bytes([2; 20])))], &config, &sealer);
    assert!(matches!(judged[0], Judged::Accepted { .. }));
}

#[test]
fn a_commit_names_a_collector_as_people_do() {
    let sealer = PlainSealer::default();
    let id = CollectorId::from_bytes([7; 16]);
    let document = |name: &str| CollectorDocument { version: 1, name: name.into(), labels: BTreeMap::new() };
    let save = |edit| Change::Save(Save { edit, precondition: Precondition::Any, by: by() });
    let changes = [
        save(Edit::Collector(id, document("web one"))),
        save(Edit::Collector(id, document("web two"))),
        save(Edit::Delete(DocumentPath::Collector(id))),
        save(Edit::Collector(id, document(""))),
    ];
    let (_, requests) = run(&changes, &begun(), &sealer);
    assert_eq!(
        requests.iter().map(|request| request.summary.clone()).collect::<Vec<_>>(),
        [
            "collectors: create web one".to_owned(),
            "collectors: update web two".to_owned(),
            "collectors: delete web two".to_owned(),
            format!("collectors: create {id}"),
        ],
    );
}

/// A fleet and its pipelines: each pipeline runs on one collector in a hundred.
fn large_fleet(pipelines: u16, collectors: u16) -> (ConfigSnapshot, Vec<CollectorFacts>) {
    let mut config = begun();
    let screen = parse_destination("name: S\nkind: debug\n").unwrap();
    config = config.with_destination("central".parse().unwrap(), screen);
    for n in 0..pipelines {
        let mut document = pipeline(10_000 + n);
        document.matchers = vec![format!("shard=\"{}\"", n % 100)];
        config.pipelines.insert(format!("p{n}").parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    let facts = (0..collectors).map(|n| {
        let attributes = [("shard".to_owned(), (n % 100).to_string())].into();
        CollectorFacts {
            id: CollectorId::generate(),
            name: format!("host-{n}").into(),
            runtime: Runtime::Otelcol,
            stability: Stability::default(),
            version: None,
            attributes: Arc::new(attributes),
            components: None,
        }
    });
    (config, facts.collect())
}

fn restore_of(paths: impl Iterator<Item = (DocumentPath, Option<Vec<u8>>)>) -> Change {
    let files = paths.map(|(path, content)| RestoredFile { path, content, replaces: Some(NO_VERSION) }).collect();
    Change::Restore { restoration: Restoration { of: Revision::from_bytes([1; 20]), head: None, files }, by: by() }
}

/// The pipelines as they are, moved by so many ports.
fn moved_ports(config: &ConfigSnapshot, pipelines: usize, by: u16) -> Change {
    restore_of(config.pipelines.iter().take(pipelines).map(|(id, stored)| {
        let mut document = stored.document.clone();
        let endpoint = document.sources[0].settings["grpc"]["endpoint"].as_str().unwrap();
        let port: u16 = endpoint.rsplit_once(':').unwrap().1.parse().unwrap();
        document.sources[0].settings["grpc"]["endpoint"] = format!("127.0.0.1:{}", port + by).into();
        (DocumentPath::Pipeline(id.clone()), Some(to_yaml(&document).into_bytes()))
    }))
}

#[test]
fn restore_is_judged_on_what_it_touches() {
    let (config, facts) = large_fleet(1_000, 5_000);
    let sealer = PlainSealer::default();
    let judge_on = |change: Change| {
        let begun = std::time::Instant::now();
        let judge = Judge { facts: &facts, sealer: &sealer, now: Timestamp::from_millis(7) };
        let (judged, requests) = super::judge(&[change], &config, &judge);
        let accepted = matches!(judged[0], Judged::Accepted { .. });
        (accepted, requests.first().map_or(0, |request| request.changes.len()), begun.elapsed())
    };
    for files in [1, 10, 100, 1_000] {
        let (accepted, changed, took) = judge_on(moved_ports(&config, files, 20_000));
        println!("a restore of {files} of 1,000 pipelines on 5,000 collectors is judged in {took:?}");
        assert!(accepted);
        assert_eq!(changed, files);
    }
    // An untouched one is in the way of one that comes back.
    let (accepted, ..) = judge_on(moved_ports(&config, 1, 100));
    assert!(!accepted, "p0 and p100 would listen on one port with different settings");
}

#[test]
fn restore_is_not_kept_up_by_what_it_does_not_touch_and_refused_for_what_it_breaks() {
    let (mut config, _) = large_fleet(3, 0);
    let mut wrong = config.pipelines[&"p2".parse::<PipelineId>().unwrap()].document.clone();
    wrong.sources[0].kind = "nothing".into();
    config.pipelines.insert("p2".parse().unwrap(), Arc::new(Versioned::unsaved(wrong)));
    let sealer = PlainSealer::default();
    let (judged, _) = run(&[moved_ports(&config, 2, 1)], &config, &sealer);
    assert!(matches!(judged[0], Judged::Accepted { .. }));

    let gone = restore_of([(DocumentPath::Destination("central".parse().unwrap()), None)].into_iter());
    let (judged, requests) = run(&[gone], &config, &sealer);
    let Judged::Refused(SaveError::Invalid { errors, .. }) = &judged[0] else { panic!("pipelines send there") };
    assert!(errors.iter().any(|e| e.field == "pipelines/p0.yaml: destinations[0]"), "{errors:?}");
    assert!(requests.is_empty());
}

#[test]
fn restore_that_breaks_everything_names_a_hundred_problems() {
    let (config, _) = large_fleet(300, 0);
    let gone = restore_of([(DocumentPath::Destination("central".parse().unwrap()), None)].into_iter());
    let (judged, _) = run(&[gone], &config, &PlainSealer::default());
    let Judged::Refused(SaveError::Invalid { errors, .. }) = &judged[0] else { panic!("pipelines send there") };
    assert_eq!(errors.len(), Problems::LIMIT);
}
