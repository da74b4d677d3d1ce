//! Ten requests of a real Alloy 1.18, replayed in their order.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use linkmesh_proto::{
    api::collector::{ConfigState, DriftState},
    wire::collector::{GetConfigRequest, RegisterCollectorRequest, UnregisterCollectorRequest},
};
use prost::Message;

use super::support::*;
use crate::{
    domain::desired::Desired,
    remotecfg::{Input, PollAnswer},
};

const CAPTURE: &str = include_str!("../../../../tests/fixtures/remotecfg-getconfig-alloy-1.18.txt");
const ADDRESS: &str = "10.0.0.1";

/// Title and body of each request.
fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let sections = CAPTURE.split("\n=== ").skip(1).filter(|section| section.contains("\nbase64: "));
    let found: Vec<_> = sections
        .map(|section| {
            let base64 = section.lines().find_map(|line| line.strip_prefix("base64: ")).unwrap();
            (section.lines().next().unwrap(), BASE64_STANDARD.decode(base64).unwrap())
        })
        .collect();
    assert_eq!(found.len(), 10);
    found
}

fn served_document() -> &'static str {
    let (_, document) = CAPTURE.split_once("=== the rev-1 document as served\n\n").unwrap();
    document
}

#[test]
fn ten_requests_of_a_real_alloy_are_taken() {
    let first = Arc::new(Desired::alloy(served_document().into(), None));
    let broken = Arc::new(Desired::alloy(format!("{}\nfoo.bar \"x\" {{ }}\n", served_document()).into(), None));
    // The capture's server called its texts rev-1 and rev-2.
    let translated = |bytes: &[u8]| {
        let mut request = GetConfigRequest::decode(bytes).unwrap();
        request.hash = match request.hash.as_str() {
            "rev-1" => first.hash().to_string(),
            "rev-2" => broken.hash().to_string(),
            other => other.to_owned(),
        };
        request
    };
    let mut server = Server::new(Some(&first));
    let mut answers = Vec::new();
    for (title, bytes) in requests() {
        if title.contains("RegisterCollector") {
            let request = Box::new(RegisterCollectorRequest::decode(&bytes[..]).unwrap());
            server.apply(Input::Registered { request, address: ADDRESS.into() });
        } else if title.contains("shutdown") {
            UnregisterCollectorRequest::decode(&bytes[..]).unwrap();
            server.apply(Input::Unregistered);
        } else {
            if title.starts_with("6.") {
                server.desire(Some(&broken));
            }
            let request = translated(&bytes);
            answers.push((title, server.poll_from(request, ADDRESS)));
        }
        let standing = server.standing();
        let expected = match title.split('.').next().unwrap() {
            "1" | "2" => ConfigState::Pending,
            "3" | "4" | "5" => ConfigState::Applied,
            "6" => ConfigState::Pending,
            // The load error stays the truth when a transport error comes after it.
            _ => ConfigState::Failed,
        };
        assert_eq!(standing.config_state, expected, "{title}");
        if expected == ConfigState::Failed {
            let error = "21:1: cannot find the definition of component name \"foo.bar\"";
            assert_eq!(standing.error.as_deref(), Some(error), "{title}");
            assert_eq!(standing.drift, DriftState::InSync, "the document before was restored");
        }
    }
    let is_content = |answer: &PollAnswer| matches!(answer, PollAnswer::Content(_));
    let contents: Vec<&str> =
        answers.iter().filter(|(_, answer)| is_content(answer)).map(|(title, _)| &title[..1]).collect();
    // After the failure the running text is served again, so that a fresh process gets what works.
    assert_eq!(contents, ["2", "6", "7", "8", "9"]);
    assert!(!server.standing().online, "it said goodbye");
    assert_eq!(server.state.record().name.as_deref(), Some("edge one"));
    assert_eq!(server.state.attributes()["collector.version"], "v1.18.0-devel");
    assert_eq!(server.state.attributes()["team"], "core");
    let effective = server.stored.clone().unwrap();
    assert_eq!(effective, served_document());
    println!("stored record: {} bytes", serde_json::to_vec(server.state.record()).unwrap().len());
}
