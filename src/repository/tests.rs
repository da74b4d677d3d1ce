use std::process::Command;

use linkmesh_actors::ports::{CommitAuthor, PathChange};
use linkmesh_proto::Timestamp;
use tempfile::TempDir;

use super::*;

mod faults;
mod foreign;
mod packs;

/// A repository in a directory of its own.
pub(super) struct Fixture {
    dir: TempDir,
    repository: GitRepository,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let repository = GitRepository::open(&dir.path().join("config.git")).unwrap();
        Self { dir, repository }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("config.git")
    }

    pub(super) fn reopen(&mut self) {
        self.repository = GitRepository::open(&self.path()).unwrap();
    }

    /// Commits one change on top of the branch.
    pub(super) fn save(&mut self, path: &str, content: &str) -> Revision {
        let head = self.repository.head().unwrap();
        self.repository.commit(head, &[put(path, content)]).unwrap()[0].revision
    }

    pub(super) fn delete(&mut self, path: &str) -> Committed {
        let head = self.repository.head().unwrap();
        let request = CommitRequest { changes: vec![(path.into(), PathChange::Delete)], ..put(path, "") };
        self.repository.commit(head, &[request]).unwrap().remove(0)
    }

    /// Has the repository maintained and waits for it.
    pub(super) fn maintain(&mut self) -> MaintenanceReport {
        let report = self.repository.maintain().unwrap();
        match self.repository.packing.take() {
            Some(packing) => self.repository.finish_packing(packing).unwrap(),
            None => report,
        }
    }

    pub(super) fn files(&mut self) -> Vec<(String, String)> {
        let Some(head) = self.repository.head().unwrap() else { return vec![] };
        let files = self.repository.files(head).unwrap().into_iter();
        files.map(|file| (file.path, String::from_utf8(file.content).unwrap())).collect()
    }

    /// Runs the `git` program on the repository, as a person would.
    pub(super) fn git(&self, arguments: &[&str]) -> String {
        git(&self.path(), arguments)
    }

    /// Clones the repository, changes a file, and pushes, as a person would.
    fn push_by_hand(&self, path: &str, content: &str) {
        let clone = tempfile::tempdir().unwrap();
        let at = clone.path().join("clone");
        git(clone.path(), &["clone", "-q", self.path().to_str().unwrap(), "clone"]);
        fs::create_dir_all(at.join(path).parent().unwrap()).unwrap();
        fs::write(at.join(path), content).unwrap();
        git(&at, &["add", "-A"]);
        git(&at, &["commit", "-q", "-m", "made by hand"]);
        git(&at, &["push", "-q", "origin", "HEAD:main"]);
    }

    pub(super) fn assert_sound(&self) {
        let said = self.git(&["fsck", "--full", "--strict"]);
        assert!(said.lines().all(|line| line.starts_with("notice")), "{said}");
    }
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("HOME", directory)
        .envs([("GIT_AUTHOR_NAME", "Grace"), ("GIT_AUTHOR_EMAIL", "grace@example.com")])
        .envs([("GIT_COMMITTER_NAME", "Grace"), ("GIT_COMMITTER_EMAIL", "grace@example.com")])
        .envs([("GIT_AUTHOR_DATE", "1800000000 +0000"), ("GIT_COMMITTER_DATE", "1800000000 +0000")])
        .output()
        .expect("the program git is there: the tests' set-up installs it");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "git {arguments:?}: {text}");
    text
}

pub(super) fn put(path: &str, content: &str) -> CommitRequest {
    CommitRequest {
        changes: vec![(path.into(), PathChange::Put(content.into()))],
        author: CommitAuthor { name: "Ada Lovelace".into(), email: "ada@example.com".into() },
        summary: format!("pipelines: update {path}"),
        at: Timestamp::from_millis(1_700_000_000_999),
        request_id: "r-1".parse().unwrap(),
        actor: "ada@example.com".into(),
    }
}

#[test]
fn new_repository_is_bare_private_and_empty() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut fixture = Fixture::new();
    assert_eq!(fixture.repository.head().unwrap(), None);
    assert_eq!(fixture.repository.history(&HistoryQuery { limit: 10, ..HistoryQuery::default() }).unwrap(), []);
    assert_eq!(fixture.git(&["rev-parse", "--is-bare-repository"]).trim(), "true");
    assert_eq!(fixture.git(&["symbolic-ref", "HEAD"]).trim(), "refs/heads/main");
    let config = fixture.repository.handle.config().unwrap();
    assert!(config.get_bool("core.fsyncObjectFiles").unwrap());
    assert_eq!(fixture.git(&["log", "--all"]), "", "no warning either");
    assert_eq!(fs::metadata(fixture.path()).unwrap().permissions().mode() & 0o777, 0o700);
    fixture.reopen();
}

#[test]
fn commit_says_who_what_and_why_to_every_git_program() {
    let mut fixture = Fixture::new();
    let revision = fixture.save("pipelines/web-logs.yaml", "version: 1\n");
    let shown = fixture.git(&[
        "log",
        "--format=%H|%an|%ae|%at|%s|%(trailers:key=Request-Id,valueonly)|%(trailers:key=Actor,valueonly)",
    ]);
    let shown = shown.replace('\n', "");
    let expected =
        "Ada Lovelace|ada@example.com|1700000000|pipelines: update pipelines/web-logs.yaml|r-1|ada@example.com";
    assert_eq!(shown, format!("{revision}|{expected}"));
    assert_eq!(fixture.git(&["show", "main:pipelines/web-logs.yaml"]), "version: 1\n");
    let info = fixture.repository.commit_info(revision).unwrap().unwrap();
    assert_eq!(info.summary, "pipelines: update pipelines/web-logs.yaml");
    assert_eq!((info.actor.as_deref(), info.author), (Some("ada@example.com"), put("a", "").author));
    assert_eq!(info.request_id, Some("r-1".parse().unwrap()));
    assert_eq!(info.paths, ["pipelines/web-logs.yaml"]);
    assert_eq!(info.at, Timestamp::from_millis(1_700_000_000_000), "Git keeps whole seconds");
    fixture.assert_sound();
}

#[test]
fn batch_is_one_commit_a_change_in_one_pack_and_one_move() {
    let mut fixture = Fixture::new();
    let requests: Vec<_> = (0..10).map(|number| put(&format!("pipelines/p{number}.yaml"), "a: 1\n")).collect();
    let made = fixture.repository.commit(None, &requests).unwrap();
    assert!(made.iter().all(|made| made.changed));
    assert_eq!(fixture.repository.head().unwrap(), Some(made[9].revision));
    assert_eq!(fixture.git(&["rev-list", "--count", "main"]).trim(), "10");
    let counts = fixture.git(&["count-objects", "-v"]);
    assert!(counts.contains("count: 0\n") && counts.contains("packs: 1\n"), "{counts}");
    fixture.assert_sound();
}

#[test]
fn change_that_changes_nothing_makes_no_commit() {
    let mut fixture = Fixture::new();
    let first = fixture.save("pipelines/a.yaml", "a: 1\n");
    let head = fixture.repository.head().unwrap();
    let requests =
        [put("pipelines/a.yaml", "a: 1\n"), put("pipelines/b.yaml", "b: 1\n"), put("pipelines/b.yaml", "b: 1\n")];
    let made = fixture.repository.commit(head, &requests).unwrap();
    assert_eq!(made.iter().map(|made| made.changed).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(made[0].revision, first);
    assert_eq!(made[2].revision, made[1].revision);
    assert_eq!(made[1].etags, made[2].etags);
    assert_eq!(fixture.git(&["rev-list", "--count", "main"]).trim(), "2");
    assert_eq!(
        fixture.delete("pipelines/none.yaml"),
        Committed { revision: made[1].revision, changed: false, etags: vec![("pipelines/none.yaml".into(), None)] }
    );
}

#[test]
fn files_carry_the_commit_that_last_touched_them() {
    let mut fixture = Fixture::new();
    let first = fixture.save("pipelines/a.yaml", "a: 1\n");
    let second = fixture.save("destinations/b.yaml", "b: 1\n");
    let third = fixture.save("pipelines/a.yaml", "a: 2\n");
    for _ in 0..2 {
        let touched =
            |files: Vec<RepositoryFile>| files.into_iter().map(|file| (file.path, file.revision)).collect::<Vec<_>>();
        let now = touched(fixture.repository.files(third).unwrap());
        assert_eq!(now, [("destinations/b.yaml".into(), second), ("pipelines/a.yaml".into(), third)]);
        let before = touched(fixture.repository.files(second).unwrap());
        assert_eq!(before, [("destinations/b.yaml".into(), second), ("pipelines/a.yaml".into(), first)]);
        // The same from the disk alone.
        fixture.reopen();
    }
    let file = &fixture.repository.files(third).unwrap()[1];
    assert_eq!(fixture.repository.file(third, "pipelines/a.yaml").unwrap().as_ref(), Some(file));
    assert_eq!(fixture.repository.file(first, "destinations/b.yaml").unwrap(), None);
    assert_eq!(fixture.repository.file(third, "pipelines").unwrap(), None);
    let etag = fixture.git(&["rev-parse", "main:pipelines/a.yaml"]);
    assert_eq!((file.etag.to_string(), file.updated_by.as_str()), (etag.trim().to_owned(), "Ada Lovelace"));
    assert_eq!(file.content, b"a: 2\n");
    assert_eq!(file.updated_at, Timestamp::from_millis(1_700_000_000_000));
}

#[test]
fn deleted_file_is_gone_and_its_empty_folder_with_it() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    fixture.save("destinations/b.yaml", "b: 1\n");
    let gone = fixture.delete("pipelines/a.yaml");
    assert_eq!((gone.changed, gone.etags), (true, vec![("pipelines/a.yaml".into(), None)]));
    assert_eq!(fixture.files(), [("destinations/b.yaml".into(), "b: 1\n".into())]);
    assert_eq!(fixture.git(&["ls-tree", "--name-only", "main"]).trim(), "destinations");
    fixture.delete("destinations/b.yaml");
    assert_eq!(fixture.files(), []);
    fixture.save("pipelines/a.yaml", "a: 1\n");
    assert_eq!(fixture.files().len(), 1);
    fixture.assert_sound();
}

#[test]
fn stale_base_moves_nothing_and_says_where_the_branch_is() {
    let mut fixture = Fixture::new();
    let first = fixture.save("pipelines/a.yaml", "a: 1\n");
    let second = fixture.save("pipelines/a.yaml", "a: 2\n");
    for base in [None, Some(first)] {
        let refused = fixture.repository.commit(base, &[put("pipelines/b.yaml", "b: 1\n")]);
        assert!(matches!(refused, Err(RepositoryError::Moved { head }) if head == Some(second)), "{refused:?}");
    }
    assert_eq!(fixture.files().len(), 1);
}

#[test]
fn commit_by_hand_is_seen_and_never_overwritten() {
    let mut fixture = Fixture::new();
    let ours = fixture.save("pipelines/a.yaml", "a: 1\n");
    fixture.push_by_hand("pipelines/b.yaml", "b: [broken\n");
    let theirs = fixture.repository.head().unwrap().unwrap();
    assert_ne!(theirs, ours);
    let refused = fixture.repository.commit(Some(ours), &[put("pipelines/a.yaml", "a: 2\n")]);
    assert!(matches!(refused, Err(RepositoryError::Moved { head }) if head == Some(theirs)), "{refused:?}");
    let changed = fixture.repository.changed_files(Some(ours), theirs).unwrap();
    let (path, file) = &changed[0];
    let file = file.as_ref().unwrap();
    assert_eq!((path.as_str(), changed.len()), ("pipelines/b.yaml", 1));
    assert_eq!((file.content.as_slice(), file.updated_by.as_str()), (&b"b: [broken\n"[..], "Grace"));
    let info = fixture.repository.commit_info(theirs).unwrap().unwrap();
    assert_eq!((info.parent, info.request_id, info.actor), (Some(ours), None, None));
    fixture.repository.commit(Some(theirs), &[put("pipelines/a.yaml", "a: 2\n")]).unwrap();
    fixture.assert_sound();
}

#[test]
fn branch_that_was_rewritten_by_hand_is_followed() {
    let mut fixture = Fixture::new();
    let first = fixture.save("pipelines/a.yaml", "a: 1\n");
    let dropped = fixture.save("pipelines/a.yaml", "a: 2\n");
    fixture.git(&["update-ref", "refs/heads/main", &first.to_string()]);
    assert_eq!(fixture.repository.head().unwrap(), Some(first));
    let other = fixture.save("pipelines/b.yaml", "b: 1\n");
    let history = fixture.repository.history(&HistoryQuery { limit: 10, ..HistoryQuery::default() }).unwrap();
    assert_eq!(history.iter().map(|info| info.revision).collect::<Vec<_>>(), [other, first]);
    assert_eq!(fixture.repository.commit_info(dropped).unwrap(), None, "no longer on the branch");
    let files = fixture.repository.files(other).unwrap();
    assert_eq!(files.iter().map(|file| file.revision).collect::<Vec<_>>(), [first, other]);
}

#[test]
fn history_is_read_by_page_and_by_path() {
    let mut fixture = Fixture::new();
    let all: Vec<_> =
        (0..6).map(|n| fixture.save(["pipelines/a.yaml", "pipelines/b.yaml"][n % 2], &n.to_string())).collect();
    let mut read = |after, path: Option<&str>, limit| {
        let query = HistoryQuery { after, path: path.map(str::to_owned), limit };
        let history = fixture.repository.history(&query).unwrap();
        history.into_iter().map(|info| info.revision).collect::<Vec<_>>()
    };
    assert_eq!(read(None, None, 4), [all[5], all[4], all[3], all[2]]);
    assert_eq!(read(Some(all[2]), None, 4), [all[1], all[0]]);
    assert_eq!(read(None, Some("pipelines/a.yaml"), 2), [all[4], all[2]]);
    assert_eq!(read(Some(all[2]), Some("pipelines/a.yaml"), 2), [all[0]]);
    assert_eq!(read(None, Some("pipelines/none.yaml"), 2), []);
    assert_eq!(fixture.repository.count(None).unwrap(), 6);
    assert_eq!(fixture.repository.count(Some("pipelines/b.yaml")).unwrap(), 3);
    let unknown = Revision::from_bytes([7; 20]);
    let query = HistoryQuery { after: Some(unknown), path: None, limit: 1 };
    let refused = fixture.repository.history(&query);
    assert!(matches!(refused, Err(RepositoryError::UnknownRevision(revision)) if revision == unknown));
    assert_eq!(fixture.repository.commit_info(unknown).unwrap(), None);
}

#[test]
fn diff_shows_both_sides_of_what_differs() {
    let mut fixture = Fixture::new();
    let first = fixture.save("pipelines/a.yaml", "a: 1\n");
    fixture.save("pipelines/b.yaml", "b: 1\n");
    fixture.save("pipelines/a.yaml", "a: 2\n");
    let last = fixture.delete("pipelines/b.yaml").revision;
    let bytes = |text: &str| Some(text.as_bytes().to_vec());
    let change = |before, after| FileChange { path: "pipelines/a.yaml".into(), before, after, unread: None };
    let mut diff = |base, to| fixture.repository.diff(base, to, Bounds::ALL).map(|diff| diff.files);
    assert_eq!(diff(Some(first), last).unwrap(), [change(bytes("a: 1\n"), bytes("a: 2\n"))]);
    assert_eq!(diff(None, first).unwrap(), [change(None, bytes("a: 1\n"))]);
    assert_eq!(diff(Some(last), last).unwrap(), []);
    let unknown = Revision::from_bytes([7; 20]);
    assert!(matches!(diff(Some(unknown), last), Err(RepositoryError::UnknownRevision(_))));
}

#[test]
fn strange_authors_and_messages_make_sound_commits() {
    let mut fixture = Fixture::new();
    for (number, name) in ["", " ", "<Ada>", "a\nb", "...", "名前"].into_iter().enumerate() {
        let head = fixture.repository.head().unwrap();
        let author = CommitAuthor { name: name.into(), email: format!("<{name}>") };
        let request = CommitRequest {
            author,
            summary: "first\nRequest-Id: forged".into(),
            actor: "a\nRequest-Id: forged".into(),
            ..put("pipelines/a.yaml", &number.to_string())
        };
        let made = fixture.repository.commit(head, &[request]).unwrap();
        let info = fixture.repository.commit_info(made[0].revision).unwrap().unwrap();
        assert_eq!(info.request_id, Some("r-1".parse().unwrap()));
        assert_eq!(info.summary, "first Request-Id: forged");
    }
    fixture.assert_sound();
}

#[test]
fn path_that_leads_elsewhere_is_refused() {
    let mut fixture = Fixture::new();
    for path in ["", "/a", "a//b", "../a", "a/./b", "a/", ".git/config", "a\0b"] {
        let refused = fixture.repository.commit(None, &[put(path, "x")]);
        assert!(matches!(refused, Err(RepositoryError::Unavailable(_))), "{path:?}: {refused:?}");
    }
    assert_eq!(fixture.repository.head().unwrap(), None);
}

#[test]
fn folders_links_and_odd_names_by_hand_do_no_harm() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    let clone = tempfile::tempdir().unwrap();
    git(clone.path(), &["clone", "-q", fixture.path().to_str().unwrap(), "clone"]);
    let at = clone.path().join("clone");
    std::os::unix::fs::symlink("/etc/passwd", at.join("pipelines/link.yaml")).unwrap();
    fs::create_dir_all(at.join("pipelines/deep/er")).unwrap();
    fs::write(at.join("pipelines/deep/er/x.yaml"), "x").unwrap();
    fs::write(at.join("pipelines.yaml"), "beside the folder").unwrap();
    fs::write(at.join("pipelines-x"), "before it in Git's order").unwrap();
    git(&at, &["add", "-A"]);
    git(&at, &["commit", "-q", "-m", "odd"]);
    git(&at, &["push", "-q", "origin", "HEAD:main"]);
    let paths: Vec<_> = fixture.files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["pipelines/a.yaml"]);
    let head = fixture.repository.head().unwrap().unwrap();
    let told = fixture.repository.commit_info(head).unwrap().unwrap().paths;
    assert_eq!(told, ["pipelines-x", "pipelines.yaml", "pipelines/deep/"]);
    fixture.save("pipelines/a.yaml", "a: 2\n");
    assert_eq!(fixture.git(&["ls-tree", "main", "pipelines/link.yaml"]).split(' ').next(), Some("120000"));
    fixture.assert_sound();
}

#[test]
fn file_that_is_too_large_is_there_and_not_read() {
    let mut fixture = Fixture::new();
    let good = fixture.save("pipelines/a.yaml", "a: 1\n");
    let large = fixture.save("pipelines/a.yaml", &"x".repeat(LARGEST_FILE + 1));
    let size = Some(LARGEST_FILE as u64 + 1);
    let file = fixture.repository.file(large, "pipelines/a.yaml").unwrap().unwrap();
    assert_eq!((file.oversized, file.content.len(), file.revision), (size, 0, large));
    assert_eq!(fixture.repository.files(large).unwrap(), std::slice::from_ref(&file));
    let changed = fixture.repository.changed_files(Some(good), large).unwrap();
    assert_eq!(changed, [("pipelines/a.yaml".to_owned(), Some(file))]);
    let file = fixture.repository.file(good, "pipelines/a.yaml").unwrap().unwrap();
    assert_eq!((file.oversized, file.content), (None, b"a: 1\n".to_vec()));
}

#[test]
fn locks_of_a_killed_server_are_removed_at_the_next_start() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    fs::write(fixture.path().join("refs/heads/main.lock"), "").unwrap();
    let head = fixture.repository.head().unwrap();
    assert!(fixture.repository.commit(head, &[put("pipelines/a.yaml", "a: 2\n")]).is_err());
    assert_eq!(fixture.repository.head().unwrap(), head, "nothing moved");
    fixture.reopen();
    fixture.save("pipelines/a.yaml", "a: 2\n");
    fixture.assert_sound();
}
