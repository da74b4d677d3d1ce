//! Binds the module for browsers, with wasm-bindgen as a library.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use wasm_bindgen_cli_support::Bindgen;

/// The module and the script that loads it.
pub(crate) struct Bound {
    /// The WebAssembly module.
    pub(crate) wasm: Vec<u8>,
    /// The script as wasm-bindgen wrote it.
    pub(crate) script: String,
    /// Scripts that crates bring with them, by the path under which `script` imports them.
    pub(crate) snippets: Vec<(String, String)>,
}

/// The script, made to load the module under this name from beside itself as soon as it runs.
///
/// Starting here saves an inline script, which the content security policy forbids.
pub(crate) fn loader(script: &str, wasm_name: &str) -> String {
    format!(
        "{script}\n__wbg_init({{module_or_path:new URL('{wasm_name}',import.meta.url)}}).catch(error=>{{\n\
         document.documentElement.dataset.boot='failed';\nconsole.error(error);\n}});\n"
    )
}

/// Runs wasm-bindgen on a module.
///
/// # Errors
/// When the module is missing or was made with another version of wasm-bindgen, and when what wasm-bindgen writes is
/// not what the page expects.
pub(crate) fn bind(module: &Path) -> anyhow::Result<Bound> {
    let mut output = Bindgen::new()
        .input_path(module)
        .out_name("page")
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("wasm-bindgen cannot bind {}", module.display()))?;
    if !output.local_modules().is_empty() {
        bail!("the page brings script files of its own, which the bundle does not carry");
    }
    // Only what is written to files is whole: the loader is put around the script at that time.
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    output.emit(directory.path()).context("wasm-bindgen cannot write")?;
    let script = fs::read_to_string(directory.path().join("page.js")).context("wasm-bindgen wrote no script")?;
    let wasm = fs::read(directory.path().join("page_bg.wasm")).context("wasm-bindgen wrote no module")?;
    let mut snippets = Vec::new();
    for (origin, texts) in output.snippets() {
        for (index, text) in texts.iter().enumerate() {
            let path = format!("./snippets/{origin}/inline{index}.js");
            if !script.contains(&path) {
                bail!("wasm-bindgen imports the snippets of {origin} in another way than this tool knows");
            }
            snippets.push((path, text.clone()));
        }
    }
    if !script.contains("async function __wbg_init(module_or_path") {
        bail!("wasm-bindgen writes another loader than this tool knows");
    }
    Ok(Bound { wasm, script, snippets })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loader_names_the_module_and_starts_it() {
        let script = loader("async function __wbg_init(module_or_path) {}", "page-1.wasm");
        assert!(script.contains("__wbg_init({module_or_path:new URL('page-1.wasm',import.meta.url)})"), "{script}");
    }
}
