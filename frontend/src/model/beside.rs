//! Two texts of configuration beside each other: what belongs together stands in one row.
//!
//! Alloy reports the very text that it was given, and its lines are compared as they are. otelcol reports YAML that was read
//! and written again: sorted, with every default, at another indentation. Of both sides the keys are put in order, and lines
//! are paired by the place at which they stand.

use super::{diff, problems::is_within};

/// A line with what it is compared by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// What equals in lines that belong together.
    key: String,
    /// Where it stands, in the spelling of differences: `exporters.otlphttp/central.headers[0].name`.
    place: String,
    text: String,
    is_marked: bool,
}

/// A line of each text, or of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it should run.
    pub desired: Option<String>,
    /// What it runs.
    pub effective: Option<String>,
    /// Whether they differ.
    pub is_marked: bool,
}

/// Texts compared line by line: what is not equal is different.
#[must_use]
pub fn lines(desired: &str, effective: &str) -> Vec<Row> {
    let entries = |text: &str| text.lines().map(|line| entry(line.to_owned(), String::new(), line)).collect::<Vec<_>>();
    let mut rows = rows(&entries(desired), &entries(effective), true);
    for row in &mut rows {
        row.is_marked = row.desired != row.effective;
    }
    rows
}

/// YAML in block style compared by place: different is what stands at one of these places, or would.
#[must_use]
pub fn yaml<'a>(desired: &str, effective: &str, differences: impl Iterator<Item = &'a str> + Clone) -> Vec<Row> {
    let entries = |text: &str| {
        let mut out = Vec::new();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        walk(&lines, ("", "", 0), &mut out);
        for path in differences.clone() {
            let mut is_there = false;
            for entry in out.iter_mut().filter(|entry| is_within(&entry.place, path)) {
                (entry.is_marked, is_there) = (true, true);
            }
            // Where it is not there, what would hold it.
            let holds = |entry: &&mut Entry| !is_there && !entry.place.is_empty() && is_within(path, &entry.place);
            if let Some(entry) = out.iter_mut().filter(holds).max_by_key(|entry| entry.place.len()) {
                entry.is_marked = true;
            }
        }
        out
    };
    rows(&entries(desired), &entries(effective), false)
}

/// Longer texts stand beside each other as they are: finding out what belongs together would hold up the page.
const MAX_LINES: usize = 4_000;

/// Pairs equal keys. What is only on one side has nothing beside it; with `replaces`, what came in its place.
fn rows(desired: &[Entry], effective: &[Entry], replaces: bool) -> Vec<Row> {
    if desired.len().max(effective.len()) > MAX_LINES {
        let row = |index| {
            let [left, right]: [Option<&Entry>; 2] = [desired, effective].map(|entries| entries.get(index));
            let is_marked = [left, right].into_iter().flatten().any(|entry| entry.is_marked);
            let [desired, effective] = [left, right].map(|entry| entry.map(|entry| entry.text.clone()));
            Row { desired, effective, is_marked }
        };
        return (0..desired.len().max(effective.len())).map(row).collect();
    }
    fn keys(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.key.as_str()).collect()
    }
    let mut rows: Vec<Row> = Vec::new();
    // Rows from here on lack the other side and may get it.
    let mut open = 0;
    for (old, new) in diff::all(&keys(desired), &keys(effective)) {
        let left = old.and_then(|index| desired.get(index));
        let right = new.and_then(|index| effective.get(index));
        let is_marked = [left, right].into_iter().flatten().any(|entry| entry.is_marked);
        let [left, right] = [left, right].map(|entry| entry.map(|entry| entry.text.clone()));
        if let Some(row) = rows.get_mut(open)
            && replaces
            && old.is_none()
        {
            row.effective = right;
            open += 1;
            continue;
        }
        rows.push(Row { desired: left, effective: right, is_marked });
        if new.is_some() {
            open = rows.len();
        }
    }
    rows
}

fn entry(key: String, place: String, text: &str) -> Entry {
    Entry { key, place, text: text.to_owned(), is_marked: false }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// The key of a line that begins with one.
fn key_of(text: &str) -> Option<&str> {
    let (key, rest) = match text.chars().next()? {
        quote @ ('"' | '\'') => text.get(1..)?.split_once(quote)?,
        '[' | '{' | '-' | '#' => return None,
        _ => match text.find(": ") {
            Some(at) => text.split_at(at),
            None => (text.strip_suffix(':')?, ":"),
        },
    };
    rest.starts_with(':').then_some(key)
}

/// Deeper blocks are taken as they are: what a collector reports may be anything, and the page's stack is small.
const MAX_DEPTH: usize = 60;

/// Takes the lines of a block, its keys in order; key, place and depth are those of what holds it.
fn walk(lines: &[String], (key, place, depth): (&str, &str, usize), out: &mut Vec<Entry>) {
    if depth > MAX_DEPTH {
        verbatim(lines, key, out);
        return;
    }
    let is_content = |line: &&String| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let Some(first) = lines.iter().find(is_content) else {
        // Only comments: they belong to nothing that could be compared.
        out.extend(lines.iter().map(|line| entry(line.clone(), String::new(), line)));
        return;
    };
    let (level, is_list) = (indent(first), is_item(first.trim()));
    let begins = |line: &&String| {
        let text = line.trim();
        indent(line) == level && if is_list { is_item(text) } else { key_of(text).is_some() }
    };
    let starts: Vec<usize> = lines.iter().enumerate().filter(|(_, line)| begins(line)).map(|(at, _)| at).collect();
    let head = lines.get(..starts.first().copied().unwrap_or(lines.len())).unwrap_or_default();
    out.extend(head.iter().map(|line| entry(format!("{key}\u{0}{line}"), String::new(), line)));
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let mut parts: Vec<&[String]> = starts.iter().zip(ends).filter_map(|(from, to)| lines.get(*from..to)).collect();
    if !is_list {
        parts.sort_by_key(|part| part.first().and_then(|line| key_of(line.trim())).map(str::to_owned));
    }
    for (index, part) in parts.into_iter().enumerate() {
        let [line, tail @ ..] = part else { continue };
        let text = line.trim();
        if is_list {
            let place = format!("{place}[{index}]");
            let inner = line.replacen('-', " ", 1);
            if key_of(inner.trim()).is_some() {
                // A mapping, whose first key stands behind the dash.
                let (from, key) = (out.len(), format!("{key}[{index}]"));
                let inner: Vec<String> = [inner].into_iter().chain(tail.iter().cloned()).collect();
                walk(&inner, (&key, &place, depth + 1), out);
                // All keys of it stand behind as many spaces as the first, of which the dash was one.
                if let Some(first) = out.get_mut(from).filter(|first| first.text.get(level..=level) == Some(" ")) {
                    first.text.replace_range(level..=level, "-");
                }
                continue;
            }
            // Of plain items the value says which belong together, not the number.
            out.push(entry(format!("{key}[{}]", text.trim_start_matches("- ").trim_matches(['"', '\''])), place, line));
            verbatim(tail, key, out);
            continue;
        }
        let name = key_of(text).unwrap_or_default();
        let place = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        let key = format!("{key}\u{0}{name}");
        out.push(entry(key.clone(), place.clone(), line));
        // The lines of a text are its own, whatever they look like.
        if text.ends_with(['|', '>']) || text.ends_with("|-") || text.ends_with(">-") || text.ends_with("|+") {
            verbatim(tail, &key, out);
        } else {
            walk(tail, (&key, &place, depth + 1), out);
        }
    }
}

fn verbatim(lines: &[String], key: &str, out: &mut Vec<Entry>) {
    out.extend(lines.iter().map(|line| entry(format!("{key}\u{0}\u{0}{}", line.trim()), String::new(), line)));
}

#[cfg(test)]
mod tests;
