use std::sync::Arc;

use linkmesh_actors::{
    ports::{CollectorStore as _, TokenStore as _, UserStore as _},
    testing::store_suite::samples,
};
use linkmesh_proto::Timestamp;
use redb::{Builder, Database, DatabaseError, StorageBackend, backends::InMemoryBackend};
use tempfile::TempDir;

use super::{database::Source, *};

mod crash;
mod faults;
mod golden;

/// Makes a database on a backend of the test's, each time the store is opened.
pub(super) struct Backends<F>(pub(super) F);

impl<B: StorageBackend, F: Fn() -> B + Send + Sync + 'static> Source for Backends<F> {
    fn open(&self, builder: &mut Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend((self.0)())
    }

    fn name(&self) -> String {
        "of a test".into()
    }
}

fn in_memory() -> RedbStore {
    RedbStore::open_source(Box::new(Backends(InMemoryBackend::new)), &RedbOptions::default()).unwrap()
}

fn open(dir: &TempDir) -> RedbStore {
    RedbStore::open(&dir.path().join("state.redb"), &RedbOptions::default()).unwrap()
}

mod conformance {
    use super::in_memory;

    linkmesh_actors::store_conformance_tests!(async { in_memory() });
}

#[tokio::test]
async fn everything_is_there_after_the_file_was_closed_and_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    samples::fill(&store).await;
    store.close().await.unwrap();
    drop(store);
    samples::check(&open(&dir)).await;
    let mode = std::fs::metadata(dir.path().join("state.redb")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn dropped_store_has_written_what_it_answered_and_frees_its_file() {
    let dir = tempfile::tempdir().unwrap();
    samples::fill(&open(&dir)).await;
    samples::check(&open(&dir)).await;
}

#[tokio::test]
async fn second_opener_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = open(&dir);
    let second = RedbStore::open(&dir.path().join("state.redb"), &RedbOptions::default());
    assert!(matches!(second, Err(OpenError::Database { .. })));
}

#[tokio::test]
async fn closed_store_refuses_reads_and_writes() {
    let store = in_memory();
    store.close().await.unwrap();
    let read = store.read(|view| view.get(tables::Table::Users, b"a")).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))));
    let written = store.write(|_, _| Ok(())).await;
    assert!(matches!(written, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn file_that_is_no_store_is_refused_and_left_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    std::fs::write(&path, "this is not a database, but somebody's notes").unwrap();
    assert!(matches!(RedbStore::open(&path, &RedbOptions::default()), Err(OpenError::Database { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "this is not a database, but somebody's notes");
}

#[tokio::test]
async fn file_of_a_newer_server_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let newer = (SCHEMA_VERSION + 1).to_be_bytes().to_vec();
    store
        .write(move |_, changes| {
            changes.put_bytes(tables::Table::Meta, b"schema_version", newer);
            Ok(())
        })
        .await
        .unwrap();
    drop(store);
    let error = RedbStore::open(&dir.path().join("state.redb"), &RedbOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { found: 2, supported: 1, .. }), "{error}");
}

#[tokio::test]
async fn writes_that_wait_together_share_one_commit() {
    let store = in_memory();
    let (release, gate) = std::sync::mpsc::sync_channel::<()>(0);
    let first = store.write(move |_, _| {
        gate.recv().unwrap();
        Ok(())
    });
    let others = (0..100_u32).map(|number| {
        store.write(move |_, changes| {
            changes.put_bytes(tables::Table::Users, &number.to_be_bytes(), vec![1]);
            Ok(())
        })
    });
    let others = futures_util::future::join_all(others);
    let release = async move { release.send(()).unwrap() };
    // All are polled, and so queued, in this order before the first can end.
    let release = tokio::task::spawn_blocking(|| futures_util::FutureExt::now_or_never(release));
    let (first, others, _) = tokio::join!(first, others, release);
    first.unwrap();
    assert!(others.into_iter().all(|written| written.is_ok()));
    let commits = store.figures().commits.load(std::sync::atomic::Ordering::Relaxed);
    assert!(commits <= 3, "{commits} commits for 101 writes");
    assert_eq!(store.figures().writes.load(std::sync::atomic::Ordering::Relaxed), 101);
}

#[tokio::test]
async fn every_write_is_timed_whoever_asked_for_it() {
    let options = RedbOptions::default();
    let store = RedbStore::open_source(Box::new(Backends(InMemoryBackend::new)), &options).unwrap();
    store.put_components("aa", bytes::Bytes::from_static(b"tree")).await.unwrap();
    store.load_enrollments().await.unwrap();
    store.prune_sessions(Timestamp::from_millis(1)).await.unwrap();
    let (counts, _) = options.observe.store_write_latency.read();
    assert_eq!(counts.iter().sum::<u64>(), 2, "of a read is no write made");
}

#[tokio::test]
async fn refused_write_changes_nothing_and_does_not_touch_its_neighbours() {
    let store = in_memory();
    let good = |key: &'static [u8]| {
        store.write(move |_, changes| {
            changes.put_bytes(tables::Table::Users, key, vec![1]);
            Ok(())
        })
    };
    let bad = store.write(|_, changes| -> Result<(), StoreError> {
        changes.put_bytes(tables::Table::Users, b"half", vec![1]);
        Err(value::malformed(tables::Table::Users, b"half"))
    });
    let (before, refused, after) = tokio::join!(good(b"before"), bad, good(b"after"));
    before.unwrap();
    after.unwrap();
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })));
    let keys = store.read(|view| view.keys_below(tables::Table::Users, b"")).await.unwrap();
    assert_eq!(keys, [b"after".to_vec(), b"before".to_vec()]);
    assert!(store.health().borrow().is_available());
}

#[tokio::test]
async fn damaged_record_is_named_and_harms_nobody_else() {
    let store = in_memory();
    samples::fill(&store).await;
    let id = samples::user_id(1);
    for damage in [vec![], vec![9, 1, 2], vec![1, 0xc1]] {
        let key = id;
        store
            .write(move |_, changes| {
                changes.put_bytes(tables::Table::Users, key.as_bytes(), damage);
                Ok(())
            })
            .await
            .unwrap();
        let error = linkmesh_actors::ports::UserStore::user(&store, id).await.unwrap_err();
        assert!(matches!(&error, StoreError::Corrupt { what, .. } if what.starts_with("users/")), "{error}");
    }
    assert!(linkmesh_actors::ports::CollectorStore::load_collectors(&store).await.is_ok());
    assert!(store.health().borrow().is_available());
}

#[tokio::test]
async fn full_queue_makes_writers_wait_and_then_tells_them() {
    let options = RedbOptions { queue: 2, admission: Duration::from_millis(20), ..RedbOptions::default() };
    let store = RedbStore::open_source(Box::new(Backends(InMemoryBackend::new)), &options).unwrap();
    let (release, gate) = std::sync::mpsc::sync_channel::<()>(1);
    let blocked = store.write(move |_, _| {
        gate.recv().unwrap();
        Ok(())
    });
    let waiting = store.write(|_, _| Ok(()));
    let refused = async {
        let refused = store.write(|_, _| Ok(())).await;
        release.send(()).unwrap();
        refused
    };
    let (blocked, waiting, refused) = tokio::join!(blocked, waiting, refused);
    blocked.unwrap();
    waiting.unwrap();
    assert!(matches!(refused, Err(StoreError::Overloaded)));
    store.write(|_, _| Ok(())).await.unwrap();
}

#[test]
fn handle_shows_the_store_and_not_what_is_in_it() {
    let handle = Arc::new(Handle::open(Box::new(Backends(InMemoryBackend::new)), 1 << 20).unwrap());
    assert_eq!(format!("{handle:?}"), "Handle { store: \"of a test\", .. }");
}
