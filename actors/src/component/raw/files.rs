//! Files that a `raw` text names, and programs: the same are refused as in the catalogue's own components. A pipeline
//! changes nothing on its host, runs nothing there, and takes nothing from it but its telemetry.
//!
//! What a setting is for is told by its name, since the settings of other components are not known here: `*_file` is
//! read, and what is read may be sent (`credentials_file`), `path` may be the path of a URL as well.

use serde_json::Value;

use super::given::{self, Given};
use crate::{
    component::scalar::places::{
        may_be_filled, may_be_looked_into, may_be_opened, may_be_read, may_be_used, may_be_written,
    },
    render::alloy::Block,
};

#[cfg(test)]
mod tests;

/// Receivers and operators that read what `include` names.
const READERS: &[&str] = &["filelog", "file_log", "otlpjsonfile", "otlp_json_file", "file_input"];
/// Exporters, receivers and operators that write to `path`, or make it.
const WRITERS: &[&str] = &["file", "file_output", "namedpipe"];
/// Receivers and operators that run `journalctl`.
const RUNNERS: &[&str] = &["journald", "journald_input"];
/// Settings that a component writes files below.
const LOGS_OF_WRITES: &[&str] = &["wal", "experimental_wal_config"];
/// Settings of files to speak TLS or Kerberos with, which are sent nowhere.
const USED: &[&str] = &[
    "ca_file",
    "cert_file",
    "key_file",
    "client_ca_file",
    "client_cert_file",
    "client_key_file",
    "server_ca_file",
    "keytab_file",
];
/// Has the driver of `MySQL` send whatever file the server asks for.
const SENDS_FILES: &str = "allowallfiles";

/// What a text is to the component that has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// A file or a pattern of files that is read.
    Read,
    /// A file that is written.
    Written,
    /// A file of certificates or a key.
    Used,
    /// A folder with files to be read, or with the component's state.
    Folder,
    /// A folder that the component fills.
    Filled,
    /// The path of a file, of a folder or of a URL.
    Path,
    /// A program, or where one is found: this one only.
    Program(&'static str),
    Other,
}

/// What a component does with the files that it names.
#[derive(Clone, Copy)]
struct Use<'k> {
    kind: &'k str,
    /// By what it is known: that of the setting that holds it.
    within: &'k str,
}

impl<'k> Use<'k> {
    fn is_one_of(self, kinds: &[&str]) -> bool {
        kinds.contains(&self.kind)
    }

    /// What a setting is for.
    fn of(self, name: &str, text: &str) -> Named {
        let ends = |ends: &[&str]| ends.iter().any(|end| name == *end || name.ends_with(&format!("_{end}")));
        match name {
            // Within a receiver that makes others, too; elsewhere `include` may name what is no file.
            "include" if self.is_one_of(READERS) || text.starts_with('/') => Named::Read,
            "path" if self.is_one_of(WRITERS) => Named::Written,
            "journalctl_path" => Named::Program("journalctl"),
            "root_path" if self.is_one_of(RUNNERS) => Named::Program(""),
            name if USED.contains(&name) => Named::Used,
            // Prometheus writes what it could not scrape to `scrape_failure_log_file`.
            _ if ends(&["log_file"]) => Named::Written,
            "__path__" | "filename" | "filenames" => Named::Read,
            _ if ends(&["file", "files"]) => Named::Read,
            "directory" if LOGS_OF_WRITES.contains(&self.within) => Named::Filled,
            "storage" => Named::Folder,
            _ if ends(&["directory", "directories", "dir", "dirs"]) => Named::Folder,
            _ if ends(&["path", "paths"]) => Named::Path,
            _ => Named::Other,
        }
    }

    /// Looks over the text of a setting. Which file it is must be seen: of a variable that is not set nothing is left.
    fn check(self, name: &str, text: &str) -> Result<(), String> {
        let named = self.of(name, text);
        let seen = |may: fn(&str) -> Result<(), String>| match text {
            text if text.contains("${") => Err("must name files without `${env:NAME}`".to_owned()),
            text if text.contains('`') => may(&without_expressions(text)?),
            text => may(text),
        };
        let unset = given::unset(text);
        match named {
            _ if unset.to_ascii_lowercase().contains(SENDS_FILES) => Err(format!("`{SENDS_FILES}` sends any file")),
            Named::Read if self.is_one_of(READERS) || name == "include" => seen(may_be_read),
            Named::Read if text.is_empty() => Ok(()),
            Named::Read => seen(|text| may_be_read(&absolute(text))),
            Named::Written => seen(|text| may_be_written(&absolute(text))),
            Named::Used => may_be_used(&unset),
            Named::Folder => may_be_looked_into(&unset),
            Named::Filled => seen(may_be_filled),
            Named::Path => may_be_opened(&unset),
            Named::Program(only) if text == only => Ok(()),
            Named::Program(_) => Err("a pipeline must not say which program is run".to_owned()),
            Named::Other => Ok(()),
        }
    }

    /// Whether a setting must be a text that can be seen here.
    fn must_be_seen(self, name: &str) -> bool {
        let named = self.of(name, "/");
        !matches!(named, Named::Other | Named::Used) && (name != "include" || self.is_one_of(READERS))
    }
}

/// What is not absolute is below the folder in which the collector was started, which is the root of its host.
fn absolute(text: &str) -> String {
    let has_root = text.starts_with(['/', '\\']) || text.as_bytes().get(1) == Some(&b':');
    if has_root || text.is_empty() { text.to_owned() } else { format!("/{text}") }
}

/// A pattern with `*` for each expression of a receiver that makes others: a name of a container or a pod.
fn without_expressions(text: &str) -> Result<String, String> {
    let mut seen = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 0 {
            seen.push_str(part);
        } else if part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_. ".contains(&b)) {
            seen.push('*');
        } else {
            return Err("must name files without expressions other than the name of a field".to_owned());
        }
    }
    Ok(seen)
}

/// Looks over the files that an otelcol component names.
///
/// # Errors
/// What it must not read, write or run, by the place in its settings.
pub(super) fn check_yaml(kind: &str, settings: &Value) -> Result<(), String> {
    walk(Use { kind, within: "" }, "", "", &Given::of_yaml(settings))
}

/// Looks over the files that an Alloy component names.
///
/// # Errors
/// As [`check_yaml`].
pub(super) fn check_alloy(block: &Block) -> Result<(), String> {
    let kind = block.name.rsplit('.').next().unwrap_or_default();
    walk(Use { kind, within: "" }, "", "", &Given::of_alloy(&block.body))
}

fn walk(with: Use<'_>, place: &str, name: &str, given: &Given<'_>) -> Result<(), String> {
    let refused = |reason: String| format!("`{place}` of `{}`: {reason}", with.kind);
    match given {
        Given::Map(fields) => {
            // Operators say by `type` what they are, wherever they stand.
            let operator = fields.iter().find_map(|(key, item)| match item {
                Given::Text(text) if *key == "type" => Some(given::unset(text)),
                _ => None,
            });
            let is_known = |kind: &&str| [READERS, WRITERS, RUNNERS].iter().any(|kinds| kinds.contains(kind));
            let with = match operator.as_deref().filter(is_known) {
                Some(kind) if kind != "file" => Use { kind, ..with },
                _ => with,
            };
            fields.iter().try_for_each(|(key, item)| {
                if key.eq_ignore_ascii_case(SENDS_FILES) {
                    return Err(format!("`{}` of `{}`: sends any file", below(place, key), with.kind));
                }
                // The templates of a receiver that makes others name their kind.
                let kind = key.split_once('/').map_or(*key, |(kind, _)| kind);
                let makes = matches!(item, Given::Map(_)) && kind != "file" && is_known(&kind);
                let kind = if makes { kind } else { with.kind };
                walk(Use { kind, within: name }, &below(place, key), key, item)
            })
        }
        Given::List(items) => {
            items.iter().enumerate().try_for_each(|(at, item)| walk(with, &format!("{place}[{at}]"), name, item))
        }
        Given::Text(text) => {
            // The default of a variable may be written in YAML of its own.
            if let Some(value) = given::structure(text) {
                return walk(with, place, name, &Given::of_yaml(&value));
            }
            with.check(name, text).map_err(|reason| refused(format!("{text}: {reason}")))
        }
        Given::Unseen if with.must_be_seen(name) => {
            Err(refused("must name files in a text, not in an expression".to_owned()))
        }
        Given::Unseen | Given::Other => Ok(()),
    }
}

fn below(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}
