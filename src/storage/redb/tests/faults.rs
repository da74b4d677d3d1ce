//! Disks that are full or refuse to sync, and plans that panic.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use linkmesh_actors::{ports::UserStore as _, testing::store_suite::samples};
use parking_lot::Mutex;

use super::*;

/// A disk in memory that can be full, or refuse to sync.
#[derive(Debug, Default)]
struct Disk {
    bytes: Mutex<Vec<u8>>,
    full_at: AtomicU64,
    sync_fails: AtomicBool,
    reads_fail: AtomicBool,
}

#[derive(Debug, Clone)]
struct Faulty(Arc<Disk>);

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.bytes.lock().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.0.reads_fail.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(5));
        }
        let bytes = self.0.bytes.lock();
        let start = usize::try_from(offset).unwrap();
        out.copy_from_slice(&bytes[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let full_at = self.0.full_at.load(Ordering::SeqCst);
        if full_at > 0 && len > full_at {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.bytes.lock().resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.0.sync_fails.load(Ordering::SeqCst) { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        // A file with holes: writes inside the length fail on a full disk as well.
        if self.0.full_at.load(Ordering::SeqCst) > 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let start = usize::try_from(offset).unwrap();
        self.0.bytes.lock()[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

async fn filled() -> (Arc<Disk>, RedbStore) {
    let disk = Arc::new(Disk::default());
    let source = Arc::clone(&disk);
    let options = RedbOptions { retry: Duration::from_millis(5), ..RedbOptions::default() };
    let source = Box::new(Backends(move || Faulty(Arc::clone(&source))));
    let store = RedbStore::open_source(source, &options).unwrap();
    samples::fill(&store).await;
    (disk, store)
}

async fn until(store: &RedbStore, available: bool) {
    let mut health = store.health();
    let reached = health.wait_for(|health| health.is_available() == available);
    tokio::time::timeout(Duration::from_secs(20), reached).await.expect("in time").unwrap();
}

#[tokio::test]
async fn full_disk_fails_the_write_keeps_what_was_there_and_is_over_when_space_is_back() {
    let (disk, store) = filled().await;
    disk.full_at.store(disk.bytes.lock().len() as u64, Ordering::SeqCst);
    let refused = store.put_user(samples::user(2)).await;
    assert!(matches!(refused, Err(StoreError::NoSpace(_))), "{refused:?}");
    until(&store, false).await;
    let again = store.put_user(samples::user(2)).await;
    assert!(matches!(again, Err(StoreError::NoSpace(_))), "still full, and still said so: {again:?}");
    assert!(!store.health().borrow().is_available());

    disk.full_at.store(0, Ordering::SeqCst);
    until(&store, true).await;
    samples::check(&store).await;
    assert_eq!(store.user(samples::user_id(2)).await.unwrap(), None, "a write that failed is not there");
    assert!(store.put_user(samples::user(2)).await.unwrap());
    assert_eq!(store.user(samples::user_id(2)).await.unwrap(), Some(samples::user(2)));
}

#[tokio::test]
async fn failing_sync_fails_the_write_and_is_over_when_the_disk_is_well() {
    let (disk, store) = filled().await;
    disk.sync_fails.store(true, Ordering::SeqCst);
    let refused = store.put_user(samples::user(2)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    until(&store, false).await;
    disk.sync_fails.store(false, Ordering::SeqCst);
    until(&store, true).await;
    // A commit whose sync failed may or may not be there; what was answered before is.
    assert_eq!(store.user(samples::user_id(1)).await.unwrap(), Some(samples::user(1)));
    assert!(store.put_user(samples::user(3)).await.unwrap());
}

#[tokio::test]
async fn failing_read_is_noticed_and_healed() {
    let (disk, store) = filled().await;
    // Opened afresh, the store has nothing cached and must read.
    store.close().await.unwrap();
    drop(store);
    let source = Arc::clone(&disk);
    let options = RedbOptions { retry: Duration::from_millis(5), cache_bytes: 0, ..RedbOptions::default() };
    let store = RedbStore::open_source(Box::new(Backends(move || Faulty(Arc::clone(&source)))), &options).unwrap();
    disk.reads_fail.store(true, Ordering::SeqCst);
    let failed = store.users().await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    until(&store, false).await;
    disk.reads_fail.store(false, Ordering::SeqCst);
    until(&store, true).await;
    samples::check(&store).await;
}

#[tokio::test]
async fn panic_in_a_write_fails_its_batch_and_the_store_goes_on() {
    let (_disk, store) = filled().await;
    let panicked = store.write(|_, _| -> Result<(), StoreError> { panic!("a bug in a plan") }).await;
    assert!(matches!(panicked, Err(StoreError::Unavailable(_))), "{panicked:?}");
    until(&store, true).await;
    samples::check(&store).await;
    assert!(store.put_user(samples::user(2)).await.unwrap());
    assert_eq!(store.figures().reopened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn panic_in_a_read_harms_only_its_caller() {
    let (_disk, store) = filled().await;
    let panicked = store.read(|_| -> Result<(), StoreError> { panic!("a bug in a read") }).await;
    assert!(matches!(panicked, Err(StoreError::Unavailable(_))), "{panicked:?}");
    until(&store, true).await;
    samples::check(&store).await;
}
