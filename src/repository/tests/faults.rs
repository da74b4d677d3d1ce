//! A full disk, and a process that is killed while it commits.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use super::*;

/// A small file system of its own, gone when dropped.
struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// `None`, counted and explained, where it cannot be made; that is a failure under `CI=true`.
    fn mount(kilobytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={kilobytes}k,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir.path()).output();
        if mounted.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self { dir });
        }
        assert!(std::env::var("CI").as_deref() != Ok("true"), "cannot mount a small tmpfs: {mounted:?}");
        println!("skipped: cannot mount a small tmpfs; run the tests as root");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.dir.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn full_disk_fails_the_save_stores_nothing_and_is_over_when_space_is_back() {
    let Some(disk) = SmallDisk::mount(512) else { return };
    let path = disk.dir.path().join("config.git");
    let mut repository = GitRepository::open(&path).unwrap();
    let first = repository.commit(None, &[put("pipelines/a.yaml", "a: 1\n")]).unwrap()[0].revision;
    let ballast = disk.dir.path().join("ballast");
    let filled = fs::write(&ballast, vec![0_u8; 1 << 20]);
    assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);

    for attempt in 0..3 {
        let refused = repository.commit(Some(first), &[put("pipelines/a.yaml", &"x".repeat(4_000 + attempt))]);
        assert!(matches!(refused, Err(RepositoryError::NoSpace(_))), "{refused:?}");
        assert_eq!(repository.head().unwrap(), Some(first));
        assert_eq!(repository.files(first).unwrap().len(), 1, "what is there can be read");
    }

    fs::remove_file(&ballast).unwrap();
    let second = repository.commit(Some(first), &[put("pipelines/a.yaml", "a: 2\n")]).unwrap()[0].revision;
    assert_eq!(repository.head().unwrap(), Some(second));
    let said = git(&path, &["fsck", "--full", "--strict"]);
    assert!(said.lines().all(|line| line.starts_with("notice")), "{said}");
    drop(repository);
    GitRepository::open(&path).unwrap();
}

const CHILD: &str = "repository::tests::faults::child_that_commits_until_it_is_killed";
const CHILD_DIR: &str = "LINKMESH_TEST_CRASH_DIR";

/// Not a test by itself: `killed_process_loses_no_commit_that_was_answered` starts it as a process.
#[test]
#[ignore = "started by another test"]
fn child_that_commits_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let mut repository = GitRepository::open(&Path::new(&dir).join("config.git")).unwrap();
    for number in 0_u32.. {
        let head = repository.head().unwrap();
        let batch =
            [0, 1, 2].map(|offset| put(&format!("pipelines/p{}.yaml", number % 30), &format!("{number}-{offset}\n")));
        for made in repository.commit(head, &batch).unwrap() {
            // The line is the answer that the parent believes.
            println!("committed {}", made.revision);
        }
        repository.maintain().unwrap();
    }
}

#[test]
fn killed_process_loses_no_commit_that_was_answered() {
    let mut fixture = Fixture::new();
    for lines in [4_usize, 90, 30] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--ignored", "--nocapture", "--test-threads=1"])
            .env(CHILD_DIR, fixture.dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut committed = output.lines().map_while(Result::ok).filter_map(|line| {
            // The harness writes the test's name in front of the first line; the last may be cut off.
            line.rsplit_once("committed ").and_then(|(_, id)| id.parse::<Revision>().ok())
        });
        let mut answered: Vec<_> = committed.by_ref().take(lines).collect();
        child.kill().unwrap();
        answered.extend(committed);
        child.wait().unwrap();
        assert!(answered.len() >= lines);

        fixture.reopen();
        for revision in &answered {
            assert!(
                fixture.repository.commit_info(*revision).unwrap().is_some(),
                "{revision} was answered and is gone"
            );
        }
        fixture.assert_sound();
        fixture.save("pipelines/after.yaml", &lines.to_string());
    }
}
