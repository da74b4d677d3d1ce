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

/// A change of which nothing was made yet.
fn saving(edit: Edit, precondition: Precondition) -> Change {
    Change::Save(ReadySave(Save { edit, precondition, by: by() }, Readied::Nothing))
}

fn put(port: u16, precondition: Precondition) -> Change {
    let id: PipelineId = "web".parse().unwrap();
    saving(Edit::Pipeline(id, pipeline(port)), precondition)
}

fn central(header: &serde_json::Value) -> Change {
    let mut document =
        parse_destination("name: C\nkind: otlp_http\nsettings: {endpoint: \"https://x.example\"}\n").unwrap();
    document.settings.insert("headers".into(), serde_json::json!({ "Authorization": header }));
    let edit = Edit::Destination("central".parse().unwrap(), document);
    saving(edit, Precondition::Any)
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
    let save = |edit| saving(edit, Precondition::Any);
    let changes = [
        save(Edit::Collector(id, document("web one"))),
        save(Edit::Collector(id, document("web two"))),
        save(Edit::Delete(DocumentPath::Collector(id))),
        // A name that could not be read again.
        save(Edit::Collector(id, document(""))),
    ];
    let (_, requests) = run(&changes, &begun(), &sealer);
    assert_eq!(
        requests.iter().map(|request| request.summary.clone()).collect::<Vec<_>>(),
        ["collectors: create web one", "collectors: update web two", "collectors: delete web two",],
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
    let files: Vec<_> =
        paths.map(|(path, content)| RestoredFile { path, content, replaces: Some(NO_VERSION) }).collect();
    let examined = examine(&files);
    let restoration = Restoration { of: Revision::from_bytes([1; 20]), head: None, files };
    Change::Restore { restoration, by: by(), examined }
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
fn restore_overwrites_no_save_of_the_same_batch() {
    let (config, _) = large_fleet(1, 0);
    let (id, stored) = config.pipelines.iter().next().unwrap();
    let mut document = stored.document.clone();
    document.name = "Another".to_owned();
    let saved = saving(Edit::Pipeline(id.clone(), document), Precondition::Any);
    // Overtaken is judged once more, on what is there then.
    let restored = || moved_ports(&config, 1, 20_000);
    let (judged, requests) = run(&[saved, restored()], &config, &PlainSealer::default());
    assert!(matches!(judged[..], [Judged::Accepted { .. }, Judged::Overtaken(_)]));
    assert_eq!(requests.len(), 1);
    let (judged, _) = run(&[restored()], &config, &PlainSealer::default());
    assert!(matches!(judged[..], [Judged::Accepted { .. }]));
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

/// A pipeline whose file would be larger than any that is read: each of its parts is allowed.
fn huge_pipeline() -> PipelineDocument {
    let mut document = pipeline(4317);
    let text = format!("filter/x:\n{}", "  # Nothing to see here.\n".repeat(2_400));
    let step = serde_json::json!({"id": "s0", "kind": "raw", "settings": {"otelcol": text}});
    for n in 0..25 {
        let mut step: linkmesh_proto::api::pipeline::Step = serde_json::from_value(step.clone()).unwrap();
        step.id = format!("s{n}").parse().unwrap();
        document.processors.push(step);
    }
    document
}

#[test]
fn document_that_would_not_be_read_again_is_refused_and_not_committed() {
    let sealer = PlainSealer::default();
    let (config, _) = large_fleet(1, 0);
    let save = |edit, precondition| saving(edit, precondition);
    let refused = |change: Change| {
        let (judged, requests) = run(&[change], &config, &sealer);
        assert!(requests.is_empty(), "nothing is committed");
        let Some(Judged::Refused(SaveError::Invalid { errors, .. })) = judged.into_iter().next() else {
            panic!("refused")
        };
        assert_eq!(errors.iter().map(|e| (e.field.as_str(), e.code.as_str())).collect::<Vec<_>>(), [("", "too_large")]);
        errors.into_iter().next().unwrap().message
    };
    let huge = huge_pipeline();
    let size = to_yaml(&huge).len();
    for (id, precondition) in [("new", Precondition::Absent), ("p0", Precondition::Any)] {
        let told = refused(save(Edit::Pipeline(id.parse().unwrap(), huge.clone()), precondition));
        assert!(told.contains(&size.to_string()) && told.contains("1048576"), "{told}");
    }
    let mut destination = config.destinations[&"central".parse::<DestinationId>().unwrap()].document.clone();
    destination.kind = "raw".into();
    destination.settings = serde_json::from_value(serde_json::json!({"otelcol": "debug:\n"})).unwrap();
    destination.settings.extend(huge.processors.iter().map(|s| (s.id.to_string(), s.settings["otelcol"].clone())));
    let against = Against { config: &config, facts: &[], sealer: &sealer };
    let found = check::destination(&"other".parse().unwrap(), &destination, against).draft().1.errors;
    assert!(found.iter().any(|e| e.code == "too_large"), "{found:?}");
    let group = crate::domain::document::GroupDocument {
        version: 1,
        name: "g".into(),
        description: String::new(),
        matchers: vec!["x".repeat(6_000); 200],
    };
    refused(save(Edit::Group("g".parse().unwrap(), group), Precondition::Absent));
    let file = (DocumentPath::Pipeline("p0".parse().unwrap()), Some(to_yaml(&huge).into_bytes()));
    let (judged, requests) = run(&[restore_of([file].into_iter())], &config, &sealer);
    assert!(matches!(&judged[0], Judged::Refused(SaveError::Invalid { errors, .. }) if errors.len() == 1));
    assert!(requests.is_empty());
}

#[test]
fn what_was_made_of_a_document_before_is_not_made_again() {
    let sealer = PlainSealer::default();
    let (config, _) = large_fleet(2, 0);
    let of = |document: &PipelineDocument, config: &ConfigSnapshot| {
        let edit = Edit::Pipeline("p0".parse().unwrap(), document.clone());
        Readied::of(&edit, config, &sealer)
    };
    let saved = |ready| {
        // Not what was made ready: what is found in it shows what was looked at.
        let mut document = pipeline(4317);
        document.sources[0].kind = "nothing".into();
        let edit = Edit::Pipeline("p0".parse().unwrap(), document);
        run(
            &[Change::Save(ReadySave(Save { edit, precondition: Precondition::Any, by: by() }, ready))],
            &config,
            &sealer,
        )
    };
    let text = |requests: &[CommitRequest]| match &requests[0].changes[0].1 {
        PathChange::Put(text) => String::from_utf8(text.clone()).unwrap(),
        PathChange::Delete => panic!("a file"),
    };
    let (judged, requests) = saved(of(&pipeline(4320), &config));
    assert!(matches!(judged[0], Judged::Accepted { .. }), "its settings are not looked at again");
    assert_eq!(text(&requests), to_yaml(&pipeline(4320)), "and it is not written again");

    let mut before = config.clone();
    before.pipelines.insert("p0".parse().unwrap(), Arc::new(Versioned::unsaved(pipeline(4000))));
    let (_, requests) = saved(of(&pipeline(4320), &before));
    assert!(text(&requests).contains("nothing"), "sealed against what is not stored any more, it is written again");

    let (judged, _) = saved(Readied::Nothing);
    assert!(matches!(judged[0], Judged::Refused(SaveError::Invalid { .. })));

    let edit = |verbosity: &str| {
        let mut document = parse_destination("name: C\nkind: debug\n").unwrap();
        document.settings.insert("verbosity".into(), verbosity.into());
        Edit::Destination("central".parse().unwrap(), document)
    };
    let saved = |ready| {
        let save = Save { edit: edit("nothing"), precondition: Precondition::Any, by: by() };
        run(&[Change::Save(ReadySave(save, ready))], &config, &sealer)
    };
    let (judged, requests) = saved(Readied::of(&edit("detailed"), &config, &sealer));
    assert!(matches!(judged[0], Judged::Accepted { .. }), "nor are the settings of a destination");
    assert!(text(&requests).contains("verbosity: detailed"), "{}", text(&requests));
    let (judged, _) = saved(Readied::Nothing);
    assert!(matches!(judged[0], Judged::Refused(SaveError::Invalid { .. })));
}
