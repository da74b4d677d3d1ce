use std::collections::BTreeMap;

use linkmesh_proto::{CollectorId, PipelineId, RequestId, api::pipeline::PipelineDocument};

use super::*;
use crate::{
    domain::document::{CollectorDocument, parse_destination, parse_pipeline},
    testing::PlainSealer,
};

fn by() -> By {
    By::server("test", RequestId::generate())
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
        &ConfigSnapshot::default(),
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
fn secrets_are_sealed_before_they_enter_git_and_kept_by_their_mask() {
    let sealer = PlainSealer::default();
    let (_, requests) = run(&[central(&serde_json::json!("Bearer s3cret"))], &ConfigSnapshot::default(), &sealer);
    let PathChange::Put(first) = &requests[0].changes[0].1 else { panic!("a file") };
    let text = String::from_utf8(first.clone()).unwrap();
    assert!(!text.contains("s3cret") && text.contains("lms1.test."), "{text}");

    let config = commit(&ConfigSnapshot::default(), &requests);
    let (_, requests) = run(&[central(&serde_json::json!({ "sealed": true }))], &config, &sealer);
    assert_eq!(requests[0].changes[0].1, PathChange::Put(first.clone()));
}

#[test]
fn stale_save_gets_what_is_stored() {
    let sealer = PlainSealer::default();
    let (_, requests) = run(
        &[central(&serde_json::json!("${env:A}")), put(4317, Precondition::Absent)],
        &ConfigSnapshot::default(),
        &sealer,
    );
    let config = commit(&ConfigSnapshot::default(), &requests);
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
    let (_, requests) = run(&changes, &ConfigSnapshot::default(), &sealer);
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
