//! Builds the page and leaves it ready to be served: `cargo run -p linkmesh-frontend-bundle [-- --out DIR] [--wasm FILE]`.
//! With `--wasm` a module that was compiled elsewhere is bound instead of compiling one. With `--check-proto` no page is
//! built: only `linkmesh-proto`, with all its features, to see that it compiles for browsers.
//!
//! Steps: compile `linkmesh-frontend` to WebAssembly with profile `page`, bind it for browsers with the library of
//! wasm-bindgen (its version equals that of the page exactly, both are pinned in the workspace), shrink and hash the
//! files, compress each with brotli and gzip, and write them with a manifest into `frontend/dist`.
//!
//! # What the output directory holds
//! `manifest` lists the files, one a line, fields parted by tabs:
//!
//! ```text
//! <path in the URL>  <file in the directory>  <content type>  <immutable|revalidate>  <SHA-256 of the plain file>
//! ```
//!
//! Beside each file stand `<file>.br` and `<file>.gz`. A path marked `immutable` holds a hash of its content and may be
//! cached for ever; the others (`/index.html`, `/favicon.svg`) are to be asked for again with their hash as entity tag.
//! Files that did not change are not written again, so that a build that embeds them has nothing to do.

mod bind;
mod compile;
mod output;
mod shrink;

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use output::{Asset, Cache};

/// What a first visit may transfer at most, with brotli. Browsers offer that over TLS and to loopback; to a server that
/// speaks plain HTTP elsewhere they offer gzip alone, and a first visit transfers a third more. That size is reported
/// beside it and has no limit.
const FIRST_LOAD_LIMIT_BYTES: usize = 500_000;

const SCRIPT: &str = "text/javascript; charset=utf-8";

fn main() -> anyhow::Result<()> {
    let frontend = frontend_dir()?;
    let root = frontend.parent().context("the frontend folder has a parent")?;
    let Arguments { out, wasm, check_proto } = arguments(env::args().skip(1), &frontend)?;
    if check_proto {
        return compile::check_proto(root);
    }
    let wasm = match wasm {
        Some(wasm) => wasm,
        None => compile::wasm(root)?,
    };
    let bound = bind::bind(&wasm)?;
    let assets = assemble(&frontend, bound)?;
    let size = output::write(&out, &assets)?;
    report(&format!(
        "page: {} files in {}, first load {} KB with brotli, {} KB with gzip",
        assets.len(),
        out.display(),
        size.brotli / 1000,
        size.gzip / 1000
    ));
    if size.brotli > FIRST_LOAD_LIMIT_BYTES {
        bail!("the first load is {} bytes compressed, more than {FIRST_LOAD_LIMIT_BYTES}", size.brotli);
    }
    Ok(())
}

/// The folder of the page: beside this tool, also when the checkout was moved after the build.
fn frontend_dir() -> anyhow::Result<PathBuf> {
    let here = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), Into::into);
    Ok(here.parent().context("the bundle folder has a parent")?.to_path_buf())
}

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    /// Where the files go.
    out: PathBuf,
    /// A module that is compiled already.
    wasm: Option<PathBuf>,
    /// No page, but whether `linkmesh-proto` compiles for browsers with all that it has.
    check_proto: bool,
}

fn arguments(mut given: impl Iterator<Item = String>, frontend: &Path) -> anyhow::Result<Arguments> {
    let mut arguments = Arguments { out: frontend.join("dist"), wasm: None, check_proto: false };
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--out" => arguments.out = given.next().context("--out needs a directory")?.into(),
            "--wasm" => arguments.wasm = Some(given.next().context("--wasm needs a file")?.into()),
            "--check-proto" => arguments.check_proto = true,
            other => bail!(
                "unknown argument {other:?}; usage: linkmesh-frontend-bundle [--out DIR] [--wasm FILE] | --check-proto"
            ),
        }
    }
    Ok(arguments)
}

/// Names every file by its content and writes the names into `index.html`.
fn assemble(frontend: &Path, bound: bind::Bound) -> anyhow::Result<Vec<Asset>> {
    let assets = frontend.join("assets");
    let read = |name: &str| {
        let path = assets.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let bind::Bound { wasm, mut script, snippets } = bound;
    let mut snippet_assets = Vec::new();
    for (path, text) in snippets {
        let asset = Asset::hashed("snippet", "js", SCRIPT, shrink::script(&text).into_bytes());
        script = script.replace(&path, &format!("./{}", asset.file_name()));
        snippet_assets.push(asset);
    }
    let wasm = Asset::hashed("page", "wasm", "application/wasm", wasm);
    let script = shrink::script(&bind::loader(&script, &wasm.file_name()));
    let script = Asset::hashed("page", "js", SCRIPT, script.into_bytes());
    let theme = shrink::script(&read("theme.js")?);
    let theme = Asset::hashed("theme", "js", SCRIPT, theme.into_bytes());
    let mut style = String::new();
    for name in stylesheets(&assets)? {
        style.push_str(&read(&name)?);
    }
    let style = Asset::hashed("page", "css", "text/css; charset=utf-8", shrink::style(&style).into_bytes());
    let icon = Asset::fixed("/favicon.svg", "favicon.svg", "image/svg+xml", read("favicon.svg")?.into_bytes());
    let index = read("index.html")?
        .replace("{{wasm}}", &wasm.url)
        .replace("{{script}}", &script.url)
        .replace("{{theme}}", &theme.url)
        .replace("{{style}}", &style.url);
    if let Some(rest) = index.split("{{").nth(1) {
        bail!("index.html asks for an unknown file: {{{{{}", rest.lines().next().unwrap_or_default());
    }
    let index = Asset::fixed("/index.html", "index.html", "text/html; charset=utf-8", index.into_bytes());
    debug_assert!(index.cache == Cache::Revalidate, "the entry must be asked for again, or updates never arrive");
    let mut assets = vec![index, style, theme, script, wasm, icon];
    assets.extend(snippet_assets);
    Ok(assets)
}

/// The style sheets in the order of their names, so that `00-tokens.css` comes first.
fn stylesheets(assets: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(assets).with_context(|| format!("cannot list {}", assets.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "css") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[expect(clippy::print_stdout, reason = "the tool's only output, for whoever runs it")]
pub(crate) fn report(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_argument_is_refused() {
        let error = arguments(["--fast".to_owned()].into_iter(), Path::new("frontend")).unwrap_err();
        assert!(error.to_string().contains("--fast"), "{error}");
    }

    #[test]
    fn output_goes_beside_the_page_unless_told() {
        let parsed =
            |given: &[&str]| arguments(given.iter().map(|text| (*text).to_owned()), Path::new("frontend")).unwrap();
        assert_eq!(parsed(&[]), Arguments { out: "frontend/dist".into(), wasm: None, check_proto: false });
        let told = parsed(&["--out", "x", "--wasm", "page.wasm"]);
        assert_eq!(told, Arguments { out: "x".into(), wasm: Some("page.wasm".into()), check_proto: false });
    }

    #[test]
    fn tokens_come_before_what_uses_them() {
        let names = stylesheets(&frontend_dir().unwrap().join("assets")).unwrap();
        assert_eq!(names.first().map(String::as_str), Some("00-tokens.css"));
    }
}
