//! What people push beside documents: it does no harm, and it stays.

use git2::{ObjectType, Oid, Signature, Time};
use linkmesh_actors::ports::{Bounds, MOST_BYTES, Unread};

use super::*;

impl Fixture {
    fn object(&self, kind: ObjectType, bytes: &[u8]) -> Oid {
        self.repository.handle.odb().unwrap().write(kind, bytes).unwrap()
    }

    /// A folder of entries that are in Git's order.
    fn folder(&self, entries: impl IntoIterator<Item = (&'static str, String, Oid)>) -> Oid {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend(format!("{mode} {name}\0").bytes());
            bytes.extend(id.as_bytes());
        }
        self.object(ObjectType::Tree, &bytes)
    }

    /// Commits a tree on top of the branch, as somebody who may write to it could.
    fn commit_tree(&self, root: Oid) -> Revision {
        let git = &self.repository.handle;
        let grace = Signature::new("Grace", "grace@example.com", &Time::new(1_800_000_000, 0)).unwrap();
        let parent = git.refname_to_id(BRANCH).ok().map(|id| git.find_commit(id).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        let root = git.find_tree(root).unwrap();
        revision(git.commit(Some(BRANCH), &grace, &grace, "made by hand", &root, &parents).unwrap())
    }

    /// Commits a folder beside the one document that there is.
    fn commit_beside(&self, name: &str, folder: Oid) -> Revision {
        let blob = self.object(ObjectType::Blob, b"a: 1\n");
        let pipelines = self.folder([(FILE, "a.yaml".to_owned(), blob)]);
        self.commit_tree(self.folder([(FOLDER, "pipelines".to_owned(), pipelines), (FOLDER, name.to_owned(), folder)]))
    }
}

const FILE: &str = "100644";
const FOLDER: &str = "40000";

#[test]
fn folders_without_documents_are_not_looked_into_however_deep_or_many() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    let blob = fixture.object(ObjectType::Blob, b"x\n");
    let leaf = fixture.folder([(FILE, "f".to_owned(), blob)]);
    // Of some thousand no stack is left to a walk that calls itself, and no memory to one that lists all of the other.
    let deep = (0..300).fold(leaf, |below, _| fixture.folder([(FOLDER, "d".to_owned(), below)]));
    let many = |below| fixture.folder((0..20).map(|n| (FOLDER, format!("d{n:02}"), below)));
    let bomb = (0..12).fold(leaf, |below, _| many(below));
    let mut before = fixture.repository.head().unwrap();
    for folder in [deep, bomb] {
        let head = fixture.commit_beside("z", folder);
        for _ in 0..2 {
            assert_eq!(fixture.files(), [("pipelines/a.yaml".to_owned(), "a: 1\n".to_owned())]);
            assert_eq!(fixture.repository.changed_files(before, head).unwrap(), []);
            let diff = fixture.repository.diff(before, head, Bounds::ALL).unwrap();
            let told: Vec<_> = diff.files.iter().map(|file| (file.path.as_str(), file.unread)).collect();
            assert_eq!((told, diff.more), (vec![("z/", Some(Unread::NoDocument))], 0));
            assert_eq!(fixture.repository.commit_info(head).unwrap().unwrap().paths, ["z/"]);
            fixture.reopen();
        }
        before = Some(head);
    }
    fixture.save("pipelines/a.yaml", "a: 2\n");
}

#[test]
fn one_large_text_under_many_names_is_not_read_as_often() {
    let mut fixture = Fixture::new();
    let large = fixture.object(ObjectType::Blob, &vec![b'x'; LARGEST_FILE - 1]);
    let names = |ending: &'static str| (0..4_000).map(move |n| (FILE, format!("f{n:04}{ending}"), large));
    let (files, documents) = (fixture.folder(names("")), fixture.folder(names(".yaml")));
    let head = fixture.commit_tree(fixture.folder([(FOLDER, "z".to_owned(), files)]));
    fixture.reopen();
    assert_eq!(fixture.files(), []);
    // Below `pipelines` no name but that of a document counts, and of documents no more is read than memory holds.
    let next = fixture.commit_tree(
        fixture.folder([(FOLDER, "destinations".to_owned(), documents), (FOLDER, "pipelines".to_owned(), files)]),
    );
    fixture.reopen();
    let read = fixture.repository.files(next).unwrap();
    let bytes = |file: &RepositoryFile| file.content.len();
    assert_eq!(read.len(), 4_000);
    assert!(read.iter().map(bytes).sum::<usize>() <= MOST_BYTES);
    assert!(read.iter().filter(|file| file.oversized.is_none()).all(|file| bytes(file) == LARGEST_FILE - 1));
    assert!(fixture.repository.file(next, "destinations/f3999.yaml").unwrap().unwrap().oversized.is_none());
    let changed = fixture.repository.changed_files(Some(head), next).unwrap();
    assert!(changed.iter().filter_map(|(_, file)| file.as_ref()).map(bytes).sum::<usize>() <= MOST_BYTES);

    let bounds = Bounds { files: 10, bytes: 2 * LARGEST_FILE };
    let diff = fixture.repository.diff(Some(head), next, bounds).unwrap();
    let unread: Vec<_> = diff.files.iter().map(|file| file.unread).collect();
    assert_eq!(unread[..3], [None, None, Some(Unread::TooMuch)]);
    // A hundred names of other files are told of, all are counted, and the folder `z` is gone.
    assert_eq!((diff.files.len(), diff.more), (10, 8_001 - 10));
}

#[test]
fn what_says_that_it_is_large_is_not_unpacked_to_see() {
    let mut fixture = Fixture::new();
    let good = fixture.save("pipelines/a.yaml", "a: 1\n");
    let large = fixture.save("pipelines/a.yaml", &"x".repeat(LARGEST_FILE + 1));
    let diff = fixture.repository.diff(Some(good), large, Bounds::ALL).unwrap();
    let [change] = &diff.files[..] else { panic!("{diff:?}") };
    assert_eq!((change.unread, change.after.as_deref()), (Some(Unread::TooLarge), Some(&b""[..])));
    // Its head says 8 GiB, and nothing follows.
    let id = "1234567890123456789012345678901234567890";
    let blob = Oid::from_str(id).unwrap();
    let head = format!("blob {}\0", 8_u64 << 30);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, head.as_bytes()).unwrap();
    std::io::Write::flush(&mut packed).unwrap();
    fs::create_dir_all(fixture.path().join("objects/12")).unwrap();
    fs::write(fixture.path().join("objects/12").join(&id[2..]), packed.finish().unwrap()).unwrap();
    let folder = fixture.folder([(FILE, "a.yaml".to_owned(), blob)]);
    let head = fixture.commit_tree(fixture.folder([(FOLDER, "pipelines".to_owned(), folder)]));
    assert_eq!(fixture.repository.files(head).unwrap()[0].oversized, Some(8 << 30));
}

#[test]
fn files_of_others_stay_as_they_are() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    for (path, text) in [
        ("README.md", "# Ours\n"),
        (".github/workflows/ci.yml", "on: push\n"),
        ("pipelines/README.md", "# Pipelines\n"),
        ("pipelines/old/b.yaml", "b: 1\n"),
    ] {
        fixture.push_by_hand(path, text);
    }
    let others = |fixture: &Fixture| {
        let all = fixture.git(&["ls-tree", "-r", "main"]);
        all.lines()
            .filter(|line| !line.contains(".yaml") || line.contains("old/"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let before = others(&fixture);
    assert_eq!(before.len(), 4);
    for reopened in [false, true] {
        if reopened {
            fixture.reopen();
        }
        fixture.save("pipelines/a.yaml", if reopened { "a: 3\n" } else { "a: 2\n" });
        fixture.save("destinations/b.yaml", if reopened { "b: 3\n" } else { "b: 2\n" });
        fixture.delete("destinations/b.yaml");
        assert_eq!(others(&fixture), before);
    }
    fixture.delete("pipelines/a.yaml");
    assert_eq!(others(&fixture), before, "their folder stays for their sake");
    assert_eq!(fixture.files(), []);
    let history = fixture.repository.history(&HistoryQuery { path: Some("README.md".into()), limit: 9, after: None });
    assert_eq!(history.unwrap().len(), 1);
    fixture.assert_sound();
}

#[test]
fn long_line_of_a_commit_by_hand_is_cut() {
    let mut fixture = Fixture::new();
    fixture.save("pipelines/a.yaml", "a: 1\n");
    let git = &fixture.repository.handle;
    let parent = git.find_commit(git.refname_to_id(BRANCH).unwrap()).unwrap();
    let long = "a".repeat(1 << 20);
    let long = Signature::new(&long, &long, &Time::new(1_800_000_000, 0)).unwrap();
    let message = "ä".repeat(1 << 20);
    let id = git.commit(Some(BRANCH), &long, &long, &message, &parent.tree().unwrap(), &[&parent]).unwrap();
    drop(parent);
    let info = fixture.repository.commit_info(revision(id)).unwrap().unwrap();
    assert_eq!((info.summary.chars().count(), info.author.name.len(), info.author.email.len()), (1_000, 1_000, 1_000));
}
