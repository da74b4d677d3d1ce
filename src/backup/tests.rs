use super::*;

struct Fixture {
    temp: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { temp: tempfile::tempdir().unwrap() };
        let dir = DataDir::open(&fixture.data()).unwrap();
        fs::write(dir.secret_key(), "secret").unwrap();
        fs::write(dir.state_redb(), vec![7; 300_000]).unwrap();
        fs::create_dir_all(dir.config_git().join("objects/pack")).unwrap();
        fs::write(dir.config_git().join("HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(dir.config_git().join("objects/pack/a.pack"), "pack").unwrap();
        fixture
    }

    fn data(&self) -> PathBuf {
        self.temp.path().join("data")
    }

    fn file(&self) -> PathBuf {
        self.temp.path().join("backup.tar.gz")
    }

    fn restored(&self) -> PathBuf {
        self.temp.path().join("restored")
    }

    fn archive_of(&self, entries: &[(&str, &[u8])]) {
        let file = File::create(self.file()).unwrap();
        let mut archive = tar::Builder::new(GzEncoder::new(file, Compression::fast()));
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            // Written by hand: the library refuses to make an entry that climbs out of the archive.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, *content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap();
    }
}

#[test]
fn restored_directory_holds_what_was_backed_up_and_is_private() {
    let fixture = Fixture::new();
    let made = backup(&fixture.data(), &fixture.file()).unwrap();
    assert_eq!(made, BackupSummary { files: 4, bytes: 300_000 + 6 + 21 + 4 });
    assert_eq!(fs::metadata(fixture.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(restore(&fixture.restored(), &fixture.file()).unwrap(), made);
    let dir = DataDir::open_existing(&fixture.restored()).unwrap();
    assert_eq!(fs::read(dir.secret_key()).unwrap(), b"secret");
    assert_eq!(fs::metadata(dir.secret_key()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(dir.root()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read(dir.state_redb()).unwrap(), vec![7; 300_000]);
    assert_eq!(fs::read(dir.config_git().join("objects/pack/a.pack")).unwrap(), b"pack");
    assert!(dir.config_git().join("refs/heads").is_dir());
}

#[test]
fn backup_is_refused_while_a_server_runs_and_leaves_no_file() {
    let fixture = Fixture::new();
    let _server = DataDir::open(&fixture.data()).unwrap();
    let error = backup(&fixture.data(), &fixture.file()).unwrap_err();
    assert!(matches!(error, BackupError::DataDir(DataDirError::Locked { .. })), "{error}");
    assert_eq!(fs::read_dir(fixture.temp.path()).unwrap().count(), 1);
}

#[test]
fn restore_refuses_a_directory_that_is_not_empty() {
    let fixture = Fixture::new();
    backup(&fixture.data(), &fixture.file()).unwrap();
    let error = restore(&fixture.data(), &fixture.file()).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }), "{error}");
    fs::create_dir(fixture.restored()).unwrap();
    restore(&fixture.restored(), &fixture.file()).unwrap();
}

#[test]
fn backup_that_was_cut_or_changed_is_refused_and_nothing_is_written() {
    let fixture = Fixture::new();
    backup(&fixture.data(), &fixture.file()).unwrap();
    let whole = fs::read(fixture.file()).unwrap();
    let mut changed = whole.clone();
    let middle = whole.len() / 2;
    changed[middle] ^= 0x40;
    for (what, bytes) in [
        ("cut", &whole[..whole.len() - 20]),
        ("cut in the middle", &whole[..middle]),
        ("empty", &[][..]),
        ("text", b"this is no backup"),
        ("changed", &changed),
    ] {
        fs::write(fixture.file(), bytes).unwrap();
        let error = restore(&fixture.restored(), &fixture.file()).unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{what}: {error:?}");
        assert!(!fixture.restored().exists(), "{what}");
    }
}

#[test]
fn backup_of_a_newer_server_is_refused() {
    let fixture = Fixture::new();
    fixture.archive_of(&[(MANIFEST, br#"{"version":2,"linkmesh":"9.0.0"}"#)]);
    let error = restore(&fixture.restored(), &fixture.file()).unwrap_err();
    assert!(matches!(error, BackupError::Newer { found: 2, .. }), "{error}");
}

#[test]
fn entry_that_would_land_elsewhere_is_refused() {
    let fixture = Fixture::new();
    for name in ["../evil", "/etc/evil", "config.git/../../evil", "other"] {
        fixture.archive_of(&[(MANIFEST, br#"{"version":1,"linkmesh":"0.1.0"}"#), (name, b"x")]);
        let error = restore(&fixture.restored(), &fixture.file()).unwrap_err();
        assert!(matches!(error, BackupError::Damaged { .. }), "{name}: {error}");
        assert!(!fixture.restored().exists());
    }
}

#[tokio::test]
async fn restored_stores_open_and_hold_everything() {
    use linkmesh_actors::{
        domain::secret::Sealer as _,
        ports::{CommitAuthor, CommitRequest, ConfigRepository as _, PathChange},
        testing::store_suite::samples,
    };

    use crate::{
        repository::GitRepository,
        secret_key::SecretKey,
        storage::redb::{RedbOptions, RedbStore},
    };

    let temp = tempfile::tempdir().unwrap();
    let (data, restored, file) = (temp.path().join("data"), temp.path().join("restored"), temp.path().join("b"));
    let dir = DataDir::open(&data).unwrap();
    let sealed = SecretKey::load_or_create(&dir.secret_key()).unwrap().seal("token");
    let store = RedbStore::open(&dir.state_redb(), &RedbOptions::default()).unwrap();
    samples::fill(&store).await;
    drop(store);
    let request = CommitRequest {
        changes: vec![("pipelines/a.yaml".into(), PathChange::Put(b"a: 1\n".to_vec()))],
        author: CommitAuthor { name: "Ada".into(), email: "ada@example.com".into() },
        summary: "pipelines: create a".into(),
        at: linkmesh_proto::Timestamp::from_millis(1_700_000_000_000),
        request_id: "r-1".parse().unwrap(),
        actor: "ada@example.com".into(),
    };
    let head = GitRepository::open(&dir.config_git()).unwrap().commit(None, &[request]).unwrap().remove(0).revision;
    drop(dir);

    backup(&data, &file).unwrap();
    restore(&restored, &file).unwrap();

    let dir = DataDir::open_existing(&restored).unwrap();
    assert_eq!(SecretKey::load(&dir.secret_key()).unwrap().open(&sealed).unwrap(), "token");
    samples::check(&RedbStore::open(&dir.state_redb(), &RedbOptions::default()).unwrap()).await;
    let mut repository = GitRepository::open(&dir.config_git()).unwrap();
    assert_eq!(repository.head().unwrap(), Some(head));
    assert_eq!(repository.files(head).unwrap().len(), 1);
}
