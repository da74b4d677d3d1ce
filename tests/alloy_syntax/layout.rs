//! The canonical layout: what `alloy fmt` would leave as it is.

use super::{
    parse,
    parser::{Body, Statement},
};

/// What `alloy fmt` would change.
pub(super) fn check(text: &str) -> Vec<String> {
    let Ok(body) = parse(text) else { return vec!["it does not parse".to_owned()] };
    let lines: Vec<&str> = text.split('\n').collect();
    let mut changes = Vec::new();
    if !text.ends_with('\n') || text.ends_with("\n\n") {
        changes.push("a file ends with exactly one newline".to_owned());
    }
    // Raw strings may hold anything, so lines are looked at only where statements begin.
    statements(&body, 0, &lines, &mut changes);
    changes
}

fn statements(body: &Body, depth: usize, lines: &[&str], changes: &mut Vec<String>) {
    for (index, statement) in body.iter().enumerate() {
        let (Statement::Attribute { place, .. } | Statement::Block { place, .. }) = statement;
        let line = lines[place.line - 1];
        let indent = &line[..line.len() - line.trim_start().len()];
        if indent != "\t".repeat(depth) {
            changes.push(format!("line {}: {depth} tabs in front", place.line));
        }
        if line.trim_end() != line {
            changes.push(format!("line {}: white space at its end", place.line));
        }
        if let Statement::Block { body, label, name, .. } = statement {
            let before = above(lines, place.line - 1);
            if index > 0 && before != Some("") {
                changes.push(format!("line {}: a blank line before a block", place.line));
            }
            let label = label.as_ref().map_or_else(String::new, |label| format!(" \"{label}\""));
            let header = format!("{}{label} {{", name.join("."));
            let wanted = if body.is_empty() { format!("{header} }}") } else { header };
            if line.trim_start() != wanted {
                changes.push(format!("line {}: `{wanted}`", place.line));
            }
            statements(body, depth + 1, lines, changes);
        }
    }
    for run in runs(body) {
        let longest = run.iter().map(|(_, name)| name.chars().count()).max().unwrap_or(0);
        for (line, name) in run {
            let wanted = format!("{}{name:longest$} = ", "\t".repeat(depth));
            if !lines[line - 1].starts_with(&wanted) {
                changes.push(format!("line {line}: aligned as `{}`", wanted.trim_start()));
            }
        }
    }
}

/// The line above, with comment lines passed over.
fn above<'a>(lines: &[&'a str], index: usize) -> Option<&'a str> {
    lines[..index].iter().rev().find(|line| !line.trim_start().starts_with("//")).copied()
}

/// Attributes on consecutive lines; a blank line, a block or a value of several lines ends a run.
fn runs(body: &Body) -> Vec<Vec<(usize, &str)>> {
    let mut runs: Vec<Vec<(usize, &str)>> = Vec::new();
    let mut last = 0;
    for statement in body {
        match statement {
            Statement::Attribute { place, name, .. } => {
                match runs.last_mut().filter(|_| last + 1 == place.line) {
                    Some(run) => run.push((place.line, name)),
                    None => runs.push(vec![(place.line, name)]),
                }
                last = place.line;
            }
            Statement::Block { .. } => last = 0,
        }
    }
    runs
}
