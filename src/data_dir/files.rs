//! Files that are whole or not there: written beside their place, synced, moved, and the move synced.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Mode of files that only the server may read.
pub const PRIVATE_FILE: u32 = 0o600;
/// Mode of directories that only the server may enter.
pub const PRIVATE_DIR: u32 = 0o700;

/// Makes `path` and what is missing above it, closed to others.
///
/// # Errors
/// What the system says.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(PRIVATE_DIR).create(path)
}

/// Makes the file `path` with mode 0600; after return it survives a power cut.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when there is one, else what the system says. Nothing is left behind then.
pub fn create_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = write_beside(path, content)?;
    // A hard link fails when the name is taken, where a rename would replace what is there.
    let linked = fs::hard_link(&beside, path);
    let removed = fs::remove_file(&beside);
    linked.and(removed)?;
    sync_dir(parent(path))
}

/// Makes or replaces the file `path`, mode 0600, in one step; after return the new content survives a power cut.
///
/// # Errors
/// What the system says; the file is then as it was.
pub fn replace_durably(path: &Path, content: &[u8]) -> io::Result<()> {
    let beside = write_beside(path, content)?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))?;
    sync_dir(parent(path))
}

/// Makes entries that were added to or removed from a directory survive a power cut.
///
/// # Errors
/// What the system says.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Closes a file to all but its owner. `true` when it was open to others.
///
/// # Errors
/// What the system says.
pub fn restrict(path: &Path) -> io::Result<bool> {
    let open_to_others = fs::metadata(path)?.permissions().mode() & 0o077 != 0;
    if open_to_others {
        fs::set_permissions(path, Permissions::from_mode(PRIVATE_FILE))?;
    }
    Ok(open_to_others)
}

/// The directory that holds `path`; the current one for a bare name.
#[must_use]
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn write_beside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(PRIVATE_FILE)
        .open(&beside)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()));
    written.inspect_err(|_| drop(fs::remove_file(&beside)))?;
    Ok(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_created_once_and_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        create_durably(&path, b"one").unwrap();
        assert_eq!(create_durably(&path, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace_durably(&path, b"three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE_FILE);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
