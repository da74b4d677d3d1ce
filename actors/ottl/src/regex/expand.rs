//! Templates for replacements: `$1`, `${name}`, `$$`.
//!
//! Source: Go's `regexp`, `Regexp.Expand`.

use std::sync::LazyLock;

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use super::Captures;

/// Writes a template with the groups of a match.
pub(super) fn expand(template: &str, names: &[String], found: &Captures<'_>, into: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        into.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            into.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = name(rest) else {
            into.push('$');
            continue;
        };
        rest = after;
        let group = match number(name) {
            Some(number) => found.get(number),
            // Of several groups with the name, the first that took part.
            None => {
                names.iter().enumerate().filter(|(_, known)| *known == name).find_map(|(group, _)| found.get(group))
            }
        };
        into.push_str(group.unwrap_or_default());
    }
    into.push_str(rest);
}

/// Takes a name off, with or without braces.
fn name(text: &str) -> Option<(&str, &str)> {
    match text.strip_prefix('{') {
        None => text.split_at_checked(name_length(text)).filter(|(name, _)| !name.is_empty()),
        Some(text) => {
            let (name, rest) = text.split_at_checked(name_length(text)).filter(|(name, _)| !name.is_empty())?;
            Some((name, rest.strip_prefix('}')?))
        }
    }
}

/// How many octets of letters, digits and underscores there are at the beginning.
fn name_length(text: &str) -> usize {
    /// Letters and digits as Go's `unicode` package knows them; Rust's own `is_alphabetic` and `is_numeric` know more.
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{L}\p{Nd}_]+").ok());
    let ascii = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    if text.as_bytes().get(ascii).is_none_or(u8::is_ascii) {
        return ascii;
    }
    let input = Input::new(text).anchored(Anchored::Yes);
    NAME.as_ref().and_then(|name| name.search(&input)).map_or(0, |found| found.end())
}

/// The number of a group: at most nine digits, without a zero before them. Others are names, which may be digits too.
fn number(name: &str) -> Option<usize> {
    let plain = name.len() <= 9 && (name == "0" || !name.starts_with('0'));
    if plain && name.bytes().all(|byte| byte.is_ascii_digit()) { name.parse().ok() } else { None }
}
