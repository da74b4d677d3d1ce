//! `linkmesh backup` and `linkmesh restore`: repository, state and server secret together, in one file.
//!
//! The file is a gzipped tar archive that any tar program lists and unpacks. Its first entry, `linkmesh-backup.json`,
//! names the version of the format; its last, `SHA256SUMS`, holds a checksum of every entry before it, so that a file
//! that was cut short or changed is refused before anything is written.
//!
//! Both commands need the data directory to themselves: they take its lock, so a backup never shows one store at one
//! moment and the other at another.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Component, Path, PathBuf},
};

use flate2::{Compression, bufread::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::data_dir::{CONFIG_GIT, DataDir, DataDirError, SECRET_KEY, STATE_REDB, files};

/// The version of the backup format that this program writes, and the newest that it reads.
pub const BACKUP_VERSION: u32 = 1;

const MANIFEST: &str = "linkmesh-backup.json";
const CHECKSUMS: &str = "SHA256SUMS";

/// Why a backup or a restore failed.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data directory cannot be taken: a server runs on it, it is missing, or it comes from a newer LinkMesh.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The directory to restore into holds something.
    #[error("{} is not empty; restore into a new or empty directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, for example `read`.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no backup, or it was cut short or changed.
    #[error("{} is not a whole LinkMesh backup: {reason}", path.display())]
    Damaged {
        /// The backup file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer LinkMesh wrote the file.
    #[error("{} has backup version {found}, but this LinkMesh reads up to version {BACKUP_VERSION}; use a newer LinkMesh", path.display())]
    Newer {
        /// The backup file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// What a backup or a restore moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupSummary {
    /// How many files.
    pub files: u64,
    /// How many bytes they hold.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    linkmesh: String,
}

/// Writes everything in the data directory to the file `out`, mode 0600: it holds the server secret.
///
/// A file that was there is replaced when the new one is whole and on disk, not before.
///
/// # Errors
/// When a server runs on the directory, when it is missing or newer, and when the system refuses.
pub fn backup(data_dir: &Path, out: &Path) -> Result<BackupSummary, BackupError> {
    let dir = DataDir::open_existing(data_dir)?;
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = write_archive(dir.root(), &part);
    let moved = written.and_then(|summary| {
        fs::rename(&part, out).map_err(io_error("write", out))?;
        files::sync_dir(files::parent(out)).map_err(io_error("write", out))?;
        Ok(summary)
    });
    moved.inspect_err(|_| drop(fs::remove_file(&part)))
}

/// Makes the data directory `data_dir` from the backup `input`. The backup is checked to its end before the first file
/// is written.
///
/// # Errors
/// When the directory is not empty, when the file is damaged or newer, and when the system refuses. A restore that
/// stopped half-way leaves a directory that `serve` refuses.
pub fn restore(data_dir: &Path, input: &Path) -> Result<BackupSummary, BackupError> {
    match fs::read_dir(data_dir).map(|mut entries| entries.next().is_some()) {
        Ok(true) => return Err(BackupError::NotEmpty { path: data_dir.to_owned() }),
        Ok(false) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(BackupError::Io { action: "read", path: data_dir.to_owned(), source }),
    }
    read_archive(input, |_, content| {
        let damaged = |error: io::Error| BackupError::Damaged { path: input.to_owned(), reason: error.to_string() };
        io::copy(content, &mut io::sink()).map_err(damaged)
    })?;
    let dir = DataDir::begin_restore(data_dir)?;
    let mut directories = BTreeMap::from([(data_dir.to_owned(), ())]);
    let summary = read_archive(input, |name, content| {
        let path = data_dir.join(name);
        for above in path.ancestors().skip(1).take_while(|above| *above != data_dir) {
            directories.insert(above.to_owned(), ());
        }
        let above = files::parent(&path);
        files::create_private_dir(above).map_err(io_error("create", above))?;
        let mut file = create_private(&path).map_err(io_error("create", &path))?;
        let bytes = io::copy(content, &mut file).map_err(io_error("write", &path))?;
        file.sync_all().map_err(io_error("write", &path))?;
        Ok(bytes)
    })?;
    // Git does not take a directory without `refs` for a repository, and a packed one has nothing in it to archive.
    for needed in ["refs/heads", "refs/tags", "objects/pack", "objects/info"] {
        let path = dir.config_git().join(needed);
        if dir.config_git().is_dir() {
            files::create_private_dir(&path).map_err(io_error("create", &path))?;
            path.ancestors().take_while(|above| *above != data_dir).for_each(|above| {
                directories.insert(above.to_owned(), ());
            });
        }
    }
    for directory in directories.keys().rev() {
        files::sync_dir(directory).map_err(io_error("write", directory))?;
    }
    dir.finish_restore()?;
    Ok(summary)
}

fn write_archive(root: &Path, part: &Path) -> Result<BackupSummary, BackupError> {
    let write_error = || io_error("write", part);
    let mut names = Vec::new();
    for name in [SECRET_KEY, STATE_REDB, CONFIG_GIT] {
        collect(root, Path::new(name), &mut names).map_err(io_error("read", &root.join(name)))?;
    }
    let _ = fs::remove_file(part);
    let file = create_private(part).map_err(write_error())?;
    let mut archive = tar::Builder::new(GzEncoder::new(BufWriter::new(file), Compression::default()));
    let manifest = Manifest { version: BACKUP_VERSION, linkmesh: env!("CARGO_PKG_VERSION").to_owned() };
    let manifest = serde_json::to_vec(&manifest).map_err(io::Error::other).map_err(write_error())?;
    let mut checksums = String::new();
    let mut append = |name: &Path, size: u64, content: &mut dyn Read| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(files::PRIVATE_FILE);
        header.set_size(size);
        let mut hashing = Hashing::new(content);
        archive.append_data(&mut header, name, &mut hashing)?;
        checksums.push_str(&format!("{}  {}\n", hashing.finish(), name.display()));
        io::Result::Ok(())
    };
    append(Path::new(MANIFEST), manifest.len() as u64, &mut manifest.as_slice()).map_err(write_error())?;
    let mut summary = BackupSummary { files: 0, bytes: 0 };
    for name in names {
        let path = root.join(&name);
        let mut file = File::open(&path).map_err(io_error("read", &path))?;
        let size = file.metadata().map_err(io_error("read", &path))?.len();
        append(&name, size, &mut file).map_err(io_error("read", &path))?;
        summary.files += 1;
        summary.bytes += size;
    }
    let mut header = tar::Header::new_gnu();
    header.set_mode(files::PRIVATE_FILE);
    header.set_size(checksums.len() as u64);
    archive.append_data(&mut header, CHECKSUMS, checksums.as_bytes()).map_err(write_error())?;
    let file = archive
        .into_inner()
        .and_then(GzEncoder::finish)
        .and_then(|buffered| buffered.into_inner().map_err(io::IntoInnerError::into_error))
        .map_err(write_error())?;
    file.sync_all().map_err(write_error())?;
    Ok(summary)
}

/// Names of the regular files at and below `name`, in order. What is neither file nor directory is passed over.
fn collect(root: &Path, name: &Path, names: &mut Vec<PathBuf>) -> io::Result<()> {
    let kind = match fs::symlink_metadata(root.join(name)) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if kind.is_file() {
        names.push(name.to_owned());
    } else if kind.is_dir() {
        let entries = fs::read_dir(root.join(name))?.map(|entry| entry.map(|entry| entry.file_name()));
        let mut entries: Vec<_> = entries.collect::<io::Result<_>>()?;
        entries.sort();
        for entry in entries {
            collect(root, &name.join(entry), names)?;
        }
    }
    Ok(())
}

/// Walks the files of a backup in order and checks version, names and checksums on the way.
fn read_archive(
    input: &Path,
    mut visit: impl FnMut(&Path, &mut dyn Read) -> Result<u64, BackupError>,
) -> Result<BackupSummary, BackupError> {
    let damaged = |reason: &str| BackupError::Damaged { path: input.to_owned(), reason: reason.to_owned() };
    let unreadable = |error: io::Error| damaged(&error.to_string());
    let file = File::open(input).map_err(io_error("read", input))?;
    let mut archive = tar::Archive::new(GzDecoder::new(BufReader::new(file)));
    let mut entries = archive.entries().map_err(unreadable)?;
    let mut summary = BackupSummary { files: 0, bytes: 0 };
    let mut expected = String::new();
    let mut first = true;
    loop {
        let mut entry = match entries.next() {
            Some(entry) => entry.map_err(unreadable)?,
            None if first => return Err(damaged("it is empty")),
            None => return Err(damaged("its end is missing")),
        };
        let name = entry.path().map_err(unreadable)?.into_owned();
        if first != (name == Path::new(MANIFEST)) {
            return Err(damaged("it does not begin with its description"));
        }
        if name == Path::new(CHECKSUMS) {
            let mut found = String::new();
            entry.read_to_string(&mut found).map_err(unreadable)?;
            // Reading on to the end also checks the checksum of the compressed file.
            if entries.next().is_some() || found != expected {
                return Err(damaged("a checksum does not match"));
            }
            return Ok(summary);
        }
        let mut hashing = Hashing::new(&mut entry);
        if first {
            let mut text = String::new();
            hashing.read_to_string(&mut text).map_err(unreadable)?;
            let manifest: Manifest = serde_json::from_str(&text).map_err(|error| damaged(&error.to_string()))?;
            if manifest.version > BACKUP_VERSION {
                return Err(BackupError::Newer { path: input.to_owned(), found: manifest.version });
            }
            first = false;
        } else {
            if !belongs(&name) {
                return Err(damaged(&format!("it holds {}, which does not belong there", name.display())));
            }
            summary.bytes += visit(&name, &mut hashing)?;
            summary.files += 1;
        }
        expected.push_str(&format!("{}  {}\n", hashing.finish(), name.display()));
    }
}

/// Whether a restore may write this path: below the data directory, and a part of one.
fn belongs(name: &Path) -> bool {
    let mut components = name.components();
    let top = components.next();
    let known = [SECRET_KEY, STATE_REDB, CONFIG_GIT].iter().any(|part| top == Some(Component::Normal(part.as_ref())));
    known && components.all(|component| matches!(component, Component::Normal(_)))
}

fn create_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(files::PRIVATE_FILE).open(path)?;
    // The mode above is cut by the umask only; this keeps a strange umask from making the file unreadable to us.
    file.set_permissions(fs::Permissions::from_mode(files::PRIVATE_FILE))?;
    Ok(file)
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::Io { action, path, source }
}

/// A reader that hashes what passes through it.
struct Hashing<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashing<R> {
    fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    fn finish(self) -> String {
        hex::encode(self.hash.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hash.update(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
