//! Files that older versions wrote are read for ever.
//!
//! Each golden file has a JSON text beside it that says what is in it. Every field of the text must be found; fields
//! that were added to records since may be there too, with their defaults.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use linkmesh_actors::ports::{AuditStore as _, CollectorStore as _, EventStore as _, TokenStore as _, UserStore as _};
use serde_json::{Value, json};

use super::*;

fn fixture(name: &str, version: u64) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(format!("state-v{version}.{name}"))
}

/// Everything that [`samples::fill`] wrote, read through the ports.
async fn dump(store: &RedbStore) -> Value {
    let id = samples::collector_id(1);
    let effective = store.effective(id).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    json!({
        "collectors": store.load_collectors().await.unwrap(),
        "agent": text(&store.agent(id).await.unwrap().unwrap()),
        "effective": {
            "hash": effective.hash,
            "content_type": effective.content_type,
            "body": text(&effective.body),
            "received_at": effective.received_at,
        },
        "components": text(&store.components("aa").await.unwrap().unwrap()),
        "events": store.events(id, None, 10).await.unwrap(),
        "tokens": store.load_collector_tokens().await.unwrap(),
        "enrollments": store.load_enrollments().await.unwrap(),
        "users": store.users().await.unwrap(),
        "session": store.session(samples::hash(1)).await.unwrap(),
        "service_accounts": store.service_accounts().await.unwrap(),
        "service_token": store.service_token(samples::hash(1)).await.unwrap(),
        "audit": store.audit(None, 10).await.unwrap(),
    })
}

#[track_caller]
fn assert_holds(place: &str, found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (name, expected) in expected {
                let found = found.get(name).unwrap_or_else(|| panic!("{place}.{name} is gone"));
                assert_holds(&format!("{place}.{name}"), found, expected);
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}");
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert_holds(&format!("{place}[{index}]"), found, expected);
            }
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}

#[tokio::test]
async fn golden_file_of_every_version_is_read() {
    if std::env::var_os("LINKMESH_WRITE_GOLDEN").is_some() {
        write_golden_file().await;
    }
    for version in 1..=SCHEMA_VERSION {
        let dir = tempfile::tempdir().unwrap();
        let mut packed = GzDecoder::new(File::open(fixture("redb.gz", version)).unwrap());
        io::copy(&mut packed, &mut File::create(dir.path().join("state.redb")).unwrap()).unwrap();
        let expected = serde_json::from_reader(File::open(fixture("json", version)).unwrap()).unwrap();
        let store = open(&dir);
        assert_holds("state", &dump(&store).await, &expected);
        // An older file is a full store again.
        assert!(store.put_user(samples::user(2)).await.unwrap());
        assert_eq!(store.append_audit(samples::audit_entry(3)).await.unwrap().sequence, 3);
    }
}

/// Writes the golden file of the present version. By hand, once, when the version changes; a file that is there stays.
async fn write_golden_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    samples::fill(&store).await;
    let text = serde_json::to_string_pretty(&dump(&store).await).unwrap();
    store.close().await.unwrap();
    let mut packed = GzEncoder::new(File::create_new(fixture("redb.gz", SCHEMA_VERSION)).unwrap(), Compression::best());
    io::copy(&mut File::open(dir.path().join("state.redb")).unwrap(), &mut packed).unwrap();
    packed.finish().unwrap();
    std::fs::write(fixture("json", SCHEMA_VERSION), text + "\n").unwrap();
}
