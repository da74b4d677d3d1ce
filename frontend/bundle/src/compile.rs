//! Compiles the page to WebAssembly with what the machine has.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

const TARGET: &str = "wasm32-unknown-unknown";

/// A compiler that can make WebAssembly.
#[derive(Debug, PartialEq, Eq)]
enum Compiler {
    /// The toolchain in use has the target's standard library.
    Installed,
    /// Debian's compiler with the sources of the standard library, which is compiled along.
    WithSources { rustc: PathBuf, linker: PathBuf },
}

/// Compiles the page and returns the path of the module.
///
/// # Errors
/// When no compiler for WebAssembly is there (the text names what to install) and when the build fails.
pub(crate) fn wasm(root: &Path) -> anyhow::Result<PathBuf> {
    let what = ["build", "--package", "linkmesh-frontend", "--bin", "linkmesh-frontend"];
    let target_dir = cargo(root, &what).context("the page does not compile")?;
    Ok(target_dir.join(TARGET).join("page").join("linkmesh-frontend.wasm"))
}

/// Compiles all that crosses a wire for browsers, the parts among it that the page does not use today.
///
/// # Errors
/// As [`wasm`].
pub(crate) fn check_proto(root: &Path) -> anyhow::Result<()> {
    // Built and not checked: so it shares what the page has compiled already.
    let what = ["build", "--package", "linkmesh-proto", "--lib", "--all-features"];
    cargo(root, &what).context("linkmesh-proto does not compile for browsers").map(|_| ())
}

/// Runs cargo for WebAssembly, and returns its target directory.
fn cargo(root: &Path, what: &[&str]) -> anyhow::Result<PathBuf> {
    let target_dir = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(what)
        .args(["--profile", "page", "--target", TARGET, "--target-dir"])
        .arg(&target_dir);
    if env::var_os("CARGO_NET_OFFLINE").is_none() && root.join("Cargo.lock").exists() {
        command.arg("--locked");
    }
    match compiler()? {
        Compiler::Installed => {}
        Compiler::WithSources { rustc, linker } => {
            // RUSTC_BOOTSTRAP lets the stable compiler take `-Z build-std`, the only way without the target's library.
            command
                .env("RUSTC", rustc)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .args(["-Z", "build-std=std,panic_abort"]);
        }
    }
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo ended with {status}");
    }
    Ok(target_dir)
}

fn compiler() -> anyhow::Result<Compiler> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    if has_target(&rustc) {
        return Ok(Compiler::Installed);
    }
    if let (Some(rustc), Some(linker)) = (compiler_with_sources(), linker(Path::new("/usr/bin"))) {
        return Ok(Compiler::WithSources { rustc, linker });
    }
    bail!(
        "no standard library for {TARGET}: run `rustup target add {TARGET}`, or on Debian `apt-get install rustc-web \
         rust-web-src lld`"
    )
}

fn has_target(rustc: &OsString) -> bool {
    printed(rustc, &["--print", "target-libdir", "--target", TARGET])
        .is_some_and(|path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()))
}

/// Debian's `rustc-web`, when the package with the library's sources is there too.
fn compiler_with_sources() -> Option<PathBuf> {
    let rustc = PathBuf::from("/usr/bin/rustc");
    let sysroot = printed(&rustc.clone().into_os_string(), &["--print", "sysroot"])?;
    Path::new(&sysroot).join("lib/rustlib/src/rust/library/Cargo.lock").exists().then_some(rustc)
}

/// `wasm-ld`, or the newest `wasm-ld-<version>`.
fn linker(directory: &Path) -> Option<PathBuf> {
    let plain = directory.join("wasm-ld");
    if plain.exists() {
        return Some(plain);
    }
    std::fs::read_dir(directory)
        .ok()?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let version: u32 = name.strip_prefix("wasm-ld-")?.parse().ok()?;
            Some((version, directory.join(name)))
        })
        .max()
        .map(|(_, path)| path)
}

fn printed(program: &OsString, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_linker_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["wasm-ld-9", "wasm-ld-14", "wasm-ld-x", "ld"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(linker(directory.path()), Some(directory.path().join("wasm-ld-14")));
        std::fs::write(directory.path().join("wasm-ld"), "").unwrap();
        assert_eq!(linker(directory.path()), Some(directory.path().join("wasm-ld")));
    }

    #[test]
    fn machine_without_a_linker_has_none() {
        assert_eq!(linker(tempfile::tempdir().unwrap().path()), None);
    }
}
