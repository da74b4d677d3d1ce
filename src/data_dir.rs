//! The data directory: its lock, layout and version.
//!
//! | entry | holds |
//! |---|---|
//! | `VERSION` | version of the layout, a number and a newline |
//! | `LOCK` | held by the running server for its whole life; its text is the holder's process id, for people |
//! | `config.git/` | the config repository, bare |
//! | `state.redb` | runtime state |
//! | `secret.key` | the server secret, mode 0600 |
//! | `RESTORING` | there only while a restore runs, or after one that did not finish |

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

pub mod files;

/// The version of the layout that this program writes, and the newest that it reads.
pub const LAYOUT_VERSION: u32 = 1;

const VERSION: &str = "VERSION";
const LOCK: &str = "LOCK";
const RESTORING: &str = "RESTORING";
/// Name of the config repository in the data directory.
pub const CONFIG_GIT: &str = "config.git";
/// Name of the state store in the data directory.
pub const STATE_REDB: &str = "state.redb";
/// Name of the server secret in the data directory.
pub const SECRET_KEY: &str = "secret.key";

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// The system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, for example `create`.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no such data directory, where one was expected.
    #[error("{} is not a LinkMesh data directory: {}", path.display(), if path.exists() { "it has no VERSION file" } else { "there is nothing" })]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// Another process has it.
    #[error("another LinkMesh server{} uses the data directory {}; stop it first", holder.map(|pid| format!(" (process {pid})")).unwrap_or_default(), path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// Process id of the holder, as far as known.
        holder: Option<u32>,
    },
    /// A newer LinkMesh wrote it.
    #[error("the data directory {} has layout version {found}, but this LinkMesh reads up to version {LAYOUT_VERSION}; use a newer LinkMesh", path.display())]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// `VERSION` holds no number.
    #[error("{} is damaged: it should hold a version number", path.display())]
    DamagedVersion {
        /// The file.
        path: PathBuf,
    },
    /// Some of what belongs together is gone.
    #[error("{} was in use but has no {missing} any more: put it back from a backup, with what belongs to it", path.display())]
    Incomplete {
        /// The directory.
        path: PathBuf,
        /// The file that is missing.
        missing: &'static str,
    },
    /// A restore into it did not finish.
    #[error("a restore into {} did not finish; empty the directory and restore again", path.display())]
    HalfRestored {
        /// The directory.
        path: PathBuf,
    },
}

/// A data directory held by this process. Dropping it gives the lock back.
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    // Closing the file is what releases the lock.
    _lock: File,
}

impl DataDir {
    /// Takes the data directory, and makes it (mode 0700) when it is not there.
    ///
    /// # Errors
    /// When another process has it, when it comes from a newer LinkMesh or from a restore that did not finish, and
    /// when the system refuses.
    pub fn open(root: &Path) -> Result<Self, DataDirError> {
        files::create_private_dir(root).map_err(io_error("create", root))?;
        let dir = Self::lock(root)?;
        if dir.read_version()?.is_none() {
            dir.write_version()?;
        }
        Ok(dir)
    }

    /// Looks whether what would otherwise be made anew is gone: a repository with what all collectors run, a secret that
    /// opens what was sealed, a state in which the collectors are known. The state is made last, so that where it is the
    /// rest was, too. A repository alone, put here by somebody before the first start, is begun with.
    ///
    /// # Errors
    /// [`DataDirError::Incomplete`].
    pub fn check_whole(&self) -> Result<(), DataDirError> {
        let repository = self.config_git();
        // Without a branch it is that of a first start which was cut short.
        let has_saves = ["refs/heads/main", "packed-refs"].iter().any(|file| repository.join(file).exists());
        let missing = match (repository.join("HEAD").exists(), self.secret_key().exists(), self.state_redb().exists()) {
            (false, _, true) => CONFIG_GIT,
            (true, false, true) => SECRET_KEY,
            (true, true, false) if has_saves => STATE_REDB,
            _ => return Ok(()),
        };
        Err(DataDirError::Incomplete { path: self.root.clone(), missing })
    }

    /// Takes a data directory that must be there already.
    ///
    /// # Errors
    /// As [`Self::open`], and when it is missing.
    pub fn open_existing(root: &Path) -> Result<Self, DataDirError> {
        if !root.join(VERSION).is_file() && !root.join(RESTORING).is_file() {
            return Err(DataDirError::Missing { path: root.to_owned() });
        }
        Self::open(root)
    }

    /// Takes a data directory, or an empty one that somebody made for it: a path that was mistyped makes none.
    ///
    /// # Errors
    /// As [`Self::open`], and when there is neither.
    pub fn open_made(root: &Path) -> Result<Self, DataDirError> {
        let is_empty = fs::read_dir(root).is_ok_and(|mut entries| entries.next().is_none());
        if is_empty { Self::open(root) } else { Self::open_existing(root) }
    }

    /// Takes an empty directory for a restore. It is no data directory until [`Self::finish_restore`].
    pub(crate) fn begin_restore(root: &Path) -> Result<Self, DataDirError> {
        files::create_private_dir(root).map_err(io_error("create", root))?;
        let path = root.join(RESTORING);
        files::create_durably(&path, b"").map_err(io_error("create", &path))?;
        let lock = open_lock(root)?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// Makes a restored directory a data directory.
    pub(crate) fn finish_restore(self) -> Result<(), DataDirError> {
        self.write_version()?;
        let marker = self.root.join(RESTORING);
        fs::remove_file(&marker).map_err(io_error("remove", &marker))?;
        files::sync_dir(&self.root).map_err(io_error("sync", &self.root))
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the config repository is.
    #[must_use]
    pub fn config_git(&self) -> PathBuf {
        self.root.join(CONFIG_GIT)
    }

    /// Where the state store is.
    #[must_use]
    pub fn state_redb(&self) -> PathBuf {
        self.root.join(STATE_REDB)
    }

    /// Where the server secret is.
    #[must_use]
    pub fn secret_key(&self) -> PathBuf {
        self.root.join(SECRET_KEY)
    }

    fn lock(root: &Path) -> Result<Self, DataDirError> {
        let lock = open_lock(root)?;
        if root.join(RESTORING).is_file() {
            return Err(DataDirError::HalfRestored { path: root.to_owned() });
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    fn write_version(&self) -> Result<(), DataDirError> {
        let path = self.root.join(VERSION);
        files::replace_durably(&path, format!("{LAYOUT_VERSION}\n").as_bytes()).map_err(io_error("create", &path))
    }

    fn read_version(&self) -> Result<Option<u32>, DataDirError> {
        let path = self.root.join(VERSION);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(DataDirError::Io { action: "read", path, source }),
        };
        match text.trim().parse() {
            Ok(found) if found > LAYOUT_VERSION => Err(DataDirError::Newer { path: self.root.clone(), found }),
            Ok(found) => Ok(Some(found)),
            Err(_) => Err(DataDirError::DamagedVersion { path }),
        }
    }
}

fn open_lock(root: &Path) -> Result<File, DataDirError> {
    let path = root.join(LOCK);
    // It is written to, and a link would have another file written to.
    if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
        let source = io::Error::other("it is not a file of its own");
        return Err(DataDirError::Io { action: "open", path, source });
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(files::PRIVATE_FILE);
    let mut file = options.open(&path).map_err(io_error("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(DataDirError::Locked { path: root.to_owned(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(DataDirError::Io { action: "lock", path, source }),
    }
    // For people only: the lock is the kernel's and ends with the process, whatever the file says.
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(io_error("write", &path))?;
    Ok(file)
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    move |source| DataDirError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn new_directory_is_private_and_has_a_version() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("a/b");
        let dir = DataDir::open(&root).unwrap();
        assert_eq!(fs::metadata(dir.root()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_to_string(root.join("VERSION")).unwrap(), "1\n");
        drop(dir);
        DataDir::open_existing(&root).unwrap();
    }

    #[test]
    fn second_server_stops_with_the_process_id_of_the_first() {
        let temp = tempfile::tempdir().unwrap();
        let first = DataDir::open(temp.path()).unwrap();
        let error = DataDir::open(temp.path()).unwrap_err();
        assert!(matches!(error, DataDirError::Locked { holder, .. } if holder == Some(std::process::id())), "{error}");
        assert!(error.to_string().contains(&std::process::id().to_string()));
        drop(first);
        DataDir::open(temp.path()).unwrap();
    }

    #[test]
    fn directory_of_a_newer_server_is_refused_and_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("VERSION"), "2\n").unwrap();
        let error = DataDir::open(temp.path()).unwrap_err();
        assert!(matches!(error, DataDirError::Newer { found: 2, .. }), "{error}");
        assert!(!temp.path().join("state.redb").exists());
        fs::write(temp.path().join("VERSION"), "what").unwrap();
        assert!(matches!(DataDir::open(temp.path()), Err(DataDirError::DamagedVersion { .. })));
    }

    #[test]
    fn path_that_was_mistyped_makes_no_data_directory() {
        let temp = tempfile::tempdir().unwrap();
        let mistyped = temp.path().join("dta");
        let error = DataDir::open_made(&mistyped).unwrap_err().to_string();
        assert!(error.contains(&mistyped.display().to_string()) && error.ends_with("there is nothing"), "{error}");
        assert!(!mistyped.exists());
        fs::write(temp.path().join("notes"), "mine").unwrap();
        let error = DataDir::open_made(temp.path()).unwrap_err().to_string();
        assert!(error.ends_with("it has no VERSION file"), "{error}");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);

        fs::create_dir(&mistyped).unwrap();
        drop(DataDir::open_made(&mistyped).unwrap());
        DataDir::open_made(&mistyped).unwrap();
    }

    #[test]
    fn directory_of_which_a_part_is_gone_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        let branch = dir.config_git().join("refs/heads/main");
        let make = |path: &Path| fs::write(path, "").unwrap();
        // A first start, which may be cut short after each step.
        dir.check_whole().unwrap();
        make(&dir.secret_key());
        dir.check_whole().unwrap();
        fs::create_dir_all(branch.parent().unwrap()).unwrap();
        make(&dir.config_git().join("HEAD"));
        dir.check_whole().unwrap();
        make(&dir.state_redb());
        dir.check_whole().unwrap();
        make(&branch);
        dir.check_whole().unwrap();
        // Each of them may get lost.
        for part in [dir.secret_key(), dir.state_redb(), dir.config_git()] {
            let kept = temp.path().join("kept");
            fs::rename(&part, &kept).unwrap();
            let error = dir.check_whole().unwrap_err().to_string();
            assert!(error.contains(&format!("no {}", part.file_name().unwrap().display())), "{error}");
            fs::rename(&kept, &part).unwrap();
            dir.check_whole().unwrap();
        }
        // A repository of somebody's own is begun with.
        fs::remove_file(dir.secret_key()).unwrap();
        fs::remove_file(dir.state_redb()).unwrap();
        dir.check_whole().unwrap();
    }

    #[test]
    fn lock_that_is_a_link_is_not_written_through() {
        let temp = tempfile::tempdir().unwrap();
        let other = temp.path().join("other");
        fs::write(&other, "mine").unwrap();
        let root = temp.path().join("data");
        fs::create_dir(&root).unwrap();
        std::os::unix::fs::symlink(&other, root.join("LOCK")).unwrap();
        assert!(matches!(DataDir::open(&root), Err(DataDirError::Io { action: "open", .. })));
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    }

    #[test]
    fn missing_and_half_restored_directories_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        assert!(matches!(DataDir::open_existing(temp.path()), Err(DataDirError::Missing { .. })));
        drop(DataDir::begin_restore(temp.path()).unwrap());
        assert!(matches!(DataDir::open(temp.path()), Err(DataDirError::HalfRestored { .. })));
    }
}
