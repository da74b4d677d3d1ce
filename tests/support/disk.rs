//! A small file system that a test can fill, and a disk that does not sync. Also compiled into the unit tests of the
//! repository.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// A library that fails syncs when it is preloaded; its source says which.
pub(crate) fn fault_library(folder: &Path) -> PathBuf {
    let library = folder.join("fault.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/repository/tests/fault.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").output();
    let built = built.expect("a C compiler is there: libgit2 is built by it");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    library
}

/// A small file system of its own, gone when dropped.
pub(crate) struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// `None`, counted and explained, where it cannot be made; that is a failure under `CI=true`.
    pub(crate) fn mount(kilobytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let options = format!("size={kilobytes}k,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(dir.path()).output();
        if mounted.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self { dir });
        }
        linkmesh_actors::testing::skip(
            "a full disk",
            "root that may mount a tmpfs (CAP_SYS_ADMIN; in a container, --cap-add SYS_ADMIN)",
        );
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn ballast(&self) -> PathBuf {
        self.dir.path().join("ballast")
    }

    /// Takes all room that is left.
    pub(crate) fn fill(&self) {
        use std::io::Write as _;
        let mut ballast = std::fs::File::create(self.ballast()).expect("a file");
        // Page by page at the end, so that none is left.
        for size in [1 << 20, 64 << 10, 4 << 10] {
            let piece = vec![0_u8; size];
            let full = loop {
                if let Err(full) = ballast.write_all(&piece) {
                    break full;
                }
            };
            assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
        }
    }

    /// Gives the room back.
    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.dir.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            // Whoever still has files open there is going down with a failed test.
            let lazily = Command::new("umount").arg("-l").arg(self.dir.path()).status();
            assert!(lazily.is_ok_and(|status| status.success()) || std::thread::panicking());
        }
    }
}
