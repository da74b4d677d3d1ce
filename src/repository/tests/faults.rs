//! A full disk, a disk that does not sync, and a process that is killed while it commits.
//!
//! What needs a process of its own starts this test program again, to run the same test with a variable set.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use super::*;

#[path = "../../../tests/support/disk.rs"]
mod disk;

const CHILD_DIR: &str = "LINKMESH_TEST_CHILD_DIR";

/// This program again, to run this test alone.
fn this_test(dir: &Path) -> Command {
    let thread = std::thread::current();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", thread.name().unwrap(), "--nocapture", "--test-threads=1"]).env(CHILD_DIR, dir);
    command
}

/// The repository that a child shall work on; `None` in the parent.
fn childs_repository() -> Option<GitRepository> {
    let dir = std::env::var_os(CHILD_DIR)?;
    Some(GitRepository::open(&Path::new(&dir).join("config.git")).unwrap())
}

/// The commits that a child says are made. The harness writes the test's name in front of the first line; the last may
/// be cut off.
fn committed(output: impl std::io::Read) -> impl Iterator<Item = Revision> {
    let lines = BufReader::new(output).lines().map_while(Result::ok);
    lines.filter_map(|line| line.rsplit_once("committed ").and_then(|(_, id)| id.parse().ok()))
}

#[test]
fn full_disk_fails_the_save_stores_nothing_and_is_over_when_space_is_back() {
    let Some(disk) = disk::SmallDisk::mount(512) else { return };
    let path = disk.path().join("config.git");
    let mut repository = GitRepository::open(&path).unwrap();
    let first = repository.commit(None, &[put("pipelines/a.yaml", "a: 1\n")]).unwrap()[0].revision;
    repository.probe().unwrap();
    disk.fill();

    for attempt in 0..3 {
        let refused = repository.commit(Some(first), &[put("pipelines/a.yaml", &"x".repeat(4_000 + attempt))]);
        assert!(matches!(refused, Err(RepositoryError::NoSpace(_))), "{refused:?}");
        assert_eq!(repository.head().unwrap(), Some(first));
        assert_eq!(repository.files(first).unwrap().len(), 1, "what is there can be read");
        let probed = repository.probe();
        assert!(matches!(probed, Err(RepositoryError::NoSpace(_))), "{probed:?}");
    }

    disk.empty();
    repository.probe().unwrap();
    let second = repository.commit(Some(first), &[put("pipelines/a.yaml", "a: 2\n")]).unwrap()[0].revision;
    assert_eq!(repository.head().unwrap(), Some(second));
    let said = git(&path, &["fsck", "--full", "--strict"]);
    assert!(said.lines().all(|line| line.starts_with("notice")), "{said}");
    drop(repository);
    GitRepository::open(&path).unwrap();
}

/// What became of the branch after a save that failed.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    NeverMoved,
    TakenBack,
    Moved,
}

#[test]
fn sync_that_fails_at_any_step_leaves_a_sound_repository_with_every_answered_save() {
    if let Some(mut repository) = childs_repository() {
        let head = repository.head().unwrap();
        match repository.commit(head, &[put("pipelines/a.yaml", "a: 2\n")]) {
            Ok(made) => println!("committed {}", made[0].revision),
            Err(error) => println!("refused: {error:?}"),
        }
        return;
    }
    let tools = tempfile::tempdir().unwrap();
    let library = disk::fault_library(tools.path());
    let mut fates = std::collections::BTreeSet::new();
    // One sync fails; all fail from one on; and then the branch cannot be read either.
    for (is_lasting, unreadable) in [(false, None), (true, None), (false, Some("refs/heads/main"))] {
        for from in 1.. {
            let mut fixture = Fixture::new();
            let first = fixture.save("pipelines/a.yaml", "a: 1\n");
            let packs = || fs::read_dir(fixture.path().join("objects/pack")).unwrap().count();
            let before = packs();
            let mut child = this_test(fixture.dir.path());
            child.env("LD_PRELOAD", &library).env("FAULT_FROM", from.to_string());
            child.env("FAULT_TO", if is_lasting { "1000000".to_owned() } else { from.to_string() });
            child.envs(unreadable.map(|path| ("FAULT_UNREADABLE", path)));
            let output = child.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
            let answered: Vec<_> = committed(&output.stdout[..]).collect();
            assert_eq!(answered.is_empty(), said.contains("refused"), "{said}");

            let left = packs() - before;
            fixture.reopen();
            let head = fixture.repository.head().unwrap().unwrap();
            let sound = fixture.git(&["fsck", "--full", "--strict", "--no-dangling"]);
            assert!(sound.lines().all(|line| line.starts_with("notice")), "sync {from}, lasting {is_lasting}: {sound}");
            for revision in answered.iter().chain([&first]) {
                assert!(
                    fixture.repository.commit_info(*revision).unwrap().is_some(),
                    "{revision} was answered: {said}"
                );
            }
            assert_eq!(fixture.files().len(), 1);
            fixture.save("pipelines/a.yaml", "a: 3\n");
            fixture.git(&["fsck", "--full", "--strict", "--no-dangling"]);
            if !answered.is_empty() {
                assert!(from > 4, "pack, index and reference are synced, and their directories: {from}");
                break;
            }
            fates.insert(match (head == first, left) {
                (true, 0) => Fate::NeverMoved,
                (true, _) => Fate::TakenBack,
                (false, _) => Fate::Moved,
            });
        }
    }
    assert_eq!(Vec::from_iter(fates), [Fate::NeverMoved, Fate::TakenBack, Fate::Moved], "each was reached");
}

#[test]
fn killed_process_loses_no_commit_that_was_answered() {
    if let Some(mut repository) = childs_repository() {
        for number in 0_u32.. {
            let head = repository.head().unwrap();
            let path = format!("pipelines/p{}.yaml", number % 30);
            let batch = [0, 1, 2].map(|offset| put(&path, &format!("{number}-{offset}\n")));
            for made in repository.commit(head, &batch).unwrap() {
                // The line is the answer that the parent believes.
                println!("committed {}", made.revision);
            }
            repository.maintain().unwrap();
        }
    }
    let mut fixture = Fixture::new();
    for lines in [4_usize, 90, 30] {
        let mut child = this_test(fixture.dir.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut committed = committed(child.stdout.take().unwrap());
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
        // What was written and not answered may be left, named by nothing.
        let sound = fixture.git(&["fsck", "--full", "--strict", "--no-dangling"]);
        assert!(sound.lines().all(|line| line.starts_with("notice")), "{sound}");
        fixture.save("pipelines/after.yaml", &lines.to_string());
    }
}
