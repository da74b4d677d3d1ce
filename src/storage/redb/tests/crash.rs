//! Power cuts at every sync, and a process that is killed while it writes.

use std::{
    io::{self, BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use linkmesh_actors::{
    ports::{AuditStore as _, EventStore as _, UserStore as _},
    testing::store_suite::samples,
};
use parking_lot::Mutex;

use super::*;

/// A disk that forgets, at a power cut, what was not synced; or everything but the header, which came through by luck.
#[derive(Debug, Default)]
struct Volatile {
    live: Vec<u8>,
    durable: Vec<u8>,
    last_header: Vec<u8>,
    syncs: u64,
    cut_at: Option<u64>,
}

impl Volatile {
    fn is_cut(&self) -> bool {
        self.cut_at.is_some_and(|cut| self.syncs >= cut)
    }

    fn after_the_cut(&self, header_came_through: bool) -> Vec<u8> {
        let mut image = self.durable.clone();
        if header_came_through && image.len() >= self.last_header.len() {
            image[..self.last_header.len()].copy_from_slice(&self.last_header);
        }
        image
    }
}

#[derive(Debug, Clone, Default)]
struct Cutting(Arc<Mutex<Volatile>>);

impl Cutting {
    fn holding(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Volatile { live: image.clone(), durable: image, ..Volatile::default() })))
    }
}

impl StorageBackend for Cutting {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.0.lock();
        let start = usize::try_from(offset).unwrap();
        let bytes = disk.live.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.lock().live.resize(usize::try_from(len).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.0.lock();
        disk.syncs += 1;
        if disk.is_cut() {
            return Err(io::Error::other("the power is gone"));
        }
        disk.durable = disk.live.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut disk = self.0.lock();
        if disk.is_cut() {
            return Err(io::Error::other("the power is gone"));
        }
        let start = usize::try_from(offset).unwrap();
        let end = start + data.len();
        if disk.live.len() < end {
            disk.live.resize(end, 0);
        }
        disk.live[start..end].copy_from_slice(data);
        if offset == 0 {
            disk.last_header = data.to_vec();
        }
        Ok(())
    }
}

fn store_on(disk: &Cutting) -> RedbStore {
    let disk = disk.clone();
    RedbStore::open_source(Box::new(Backends(move || disk.clone())), &RedbOptions::default()).unwrap()
}

/// Writes users 1, 2, ... and says which were answered with success, until one was not.
async fn write_until_cut(store: &RedbStore, most: u32) -> u32 {
    for number in 1..=most {
        // Enough that the file grows on the way.
        let user = linkmesh_actors::ports::UserRecord { name: "x".repeat(20_000), ..samples::user(number) };
        if store.put_user(user).await.is_err() {
            return number - 1;
        }
    }
    most
}

#[tokio::test]
async fn power_cut_at_any_sync_loses_nothing_that_was_answered() {
    const USERS: u32 = 12;
    let probe = Cutting::default();
    let store = store_on(&probe);
    let opened = probe.0.lock().syncs;
    assert_eq!(write_until_cut(&store, USERS).await, USERS);
    let last = probe.0.lock().syncs;
    assert!(last > opened + 10, "{opened} to {last}");

    for cut_at in opened + 1..=last {
        for header_came_through in [false, true] {
            let disk = Cutting::default();
            let store = store_on(&disk);
            disk.0.lock().cut_at = Some(cut_at);
            let answered = write_until_cut(&store, USERS).await;
            let image = disk.0.lock().after_the_cut(header_came_through);
            drop(store);

            let recovered = store_on(&Cutting::holding(image));
            let users = recovered.users().await.unwrap();
            let found = u32::try_from(users.len()).unwrap();
            assert!(found == answered || found == answered + 1, "cut at {cut_at}: {answered} answered, {found} found");
            for user in users {
                assert_eq!(recovered.user_by_email(&user.email).await.unwrap().map(|user| user.id), Some(user.id));
                assert_eq!(user.name.len(), 20_000);
            }
            assert!(recovered.put_user(samples::user(50)).await.unwrap(), "it takes writes again");
        }
    }
}

const CHILD_DIR: &str = "LINKMESH_TEST_CHILD_DIR";

/// What the killed process does.
async fn write_until_killed(dir: &Path) {
    let store = RedbStore::open(&dir.join("state.redb"), &RedbOptions::default()).unwrap();
    let start = u32::try_from(store.audit(None, 1).await.unwrap().first().map_or(0, |record| record.sequence)).unwrap();
    for number in start + 1.. {
        let events = (0..5).map(|_| (samples::collector_id(1), samples::event(number))).collect();
        let (event, audit) =
            tokio::join!(store.append_events(events), store.append_audit(samples::audit_entry(number)));
        event.unwrap();
        // The line is the answer that the parent believes.
        println!("stored {}", audit.unwrap().sequence);
    }
}

#[tokio::test]
async fn killed_process_loses_nothing_that_was_answered() {
    // Starts this program again, to run this test alone, as the process that is killed.
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        write_until_killed(Path::new(&dir)).await;
    }
    let thread = std::thread::current();
    let name = thread.name().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut answered = 0;
    for (round, lines) in [3_usize, 40, 11].into_iter().enumerate() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture", "--test-threads=1"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut stored = output.lines().map_while(Result::ok).filter_map(|line| {
            // The harness writes the test's name in front of the first line.
            line.rsplit_once("stored ").and_then(|(_, number)| number.parse::<u64>().ok())
        });
        answered = stored.by_ref().take(lines).last().expect("the child writes");
        child.kill().unwrap();
        // What it said before it died counts as well.
        answered = stored.last().unwrap_or(answered);
        child.wait().unwrap();

        let store = open(&dir);
        let audit = store.audit(None, usize::MAX).await.unwrap();
        assert!(audit.len() as u64 >= answered, "round {round}: {answered} answered, {} found", audit.len());
        assert!(audit.iter().all(linkmesh_actors::ports::AuditRecord::is_intact));
        let events = store.events(samples::collector_id(1), None, 1_000).await.unwrap();
        assert_eq!(events.len() % 5, 0, "a write is there whole or not at all");
    }
    assert!(answered > 50);
}
