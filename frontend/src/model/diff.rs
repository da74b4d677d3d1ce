//! Texts compared line by line, in one column.

use std::collections::BTreeMap;

use similar::{
    DiffOp,
    algorithms::{Capture, Compact, Replace, myers},
    group_diff_ops,
};

/// What a line of a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// On both sides.
    Same,
    /// Only on the new side.
    Added,
    /// Only on the old side.
    Removed,
    /// Not a line of the text: where it is, or how much was left out.
    Note,
}

impl Mark {
    /// The class of the line.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Same => "s",
            Self::Added => "a",
            Self::Removed => "d",
            Self::Note => "h",
        }
    }
}

/// A line with what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub mark: Mark,
    /// The text, without its end.
    pub text: String,
}

fn line(mark: Mark, text: &str) -> Line {
    Line { mark, text: text.trim_end_matches(['\n', '\r']).to_owned() }
}

/// How the lines of one text become those of another. Lines are compared by numbers: of the library the page then holds one
/// algorithm, for one type.
fn ops(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut numbers = BTreeMap::new();
    let mut number = |lines: &[&str]| -> Vec<usize> {
        lines
            .iter()
            .map(|line| {
                let next = numbers.len();
                *numbers.entry((*line).to_owned()).or_insert(next)
            })
            .collect()
    };
    let (old, new) = (number(old), number(new));
    let mut hook = Compact::new(Replace::new(Capture::new()), old.as_slice(), new.as_slice());
    // Nothing that gathers operations fails.
    _ = myers::diff(&mut hook, old.as_slice(), 0..old.len(), new.as_slice(), 0..new.len());
    hook.into_inner().into_inner().into_ops()
}

/// The lines of one operation, by their places in the old and the new text; what goes comes before what comes.
fn places(op: &DiffOp) -> Vec<(Option<usize>, Option<usize>)> {
    match *op {
        DiffOp::Equal { old_index, new_index, len } => {
            (0..len).map(|at| (Some(old_index + at), Some(new_index + at))).collect()
        }
        _ => {
            let gone = op.old_range().map(|at| (Some(at), None));
            gone.chain(op.new_range().map(|at| (None, Some(at)))).collect()
        }
    }
}

/// All lines of two texts: those that are equal once, the others each by itself, by their places in either text.
#[must_use]
pub fn all(old: &[&str], new: &[&str]) -> Vec<(Option<usize>, Option<usize>)> {
    ops(old, new).iter().flat_map(places).collect()
}

/// The changes from `old` to `new` with some lines around each; what is left out is counted.
#[must_use]
pub fn unified(old: &str, new: &str, context: usize) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut out = Vec::new();
    let mut shown = 0;
    for group in group_diff_ops(ops(&old, &new), context) {
        let start = group.first().map_or(0, |op| op.old_range().start);
        skipped(start.saturating_sub(shown), &mut out);
        for (left, right) in group.iter().flat_map(places) {
            let (mark, text) = match (left, right) {
                (Some(at), Some(_)) => (Mark::Same, old.get(at)),
                (Some(at), None) => (Mark::Removed, old.get(at)),
                (None, at) => (Mark::Added, at.and_then(|at| new.get(at))),
            };
            out.push(line(mark, text.copied().unwrap_or_default()));
        }
        shown = group.last().map_or(shown, |op| op.old_range().end);
    }
    if !out.is_empty() {
        skipped(old.len().saturating_sub(shown), &mut out);
    }
    out
}

/// The lines with the sign of what each is before it, since colour alone says nothing.
#[must_use]
pub fn signed(mut lines: Vec<Line>) -> Vec<Line> {
    for line in &mut lines {
        let sign = match line.mark {
            Mark::Added => "+ ",
            Mark::Removed => "- ",
            Mark::Same => "  ",
            Mark::Note => "",
        };
        line.text.insert_str(0, sign);
    }
    lines
}

fn skipped(lines: usize, out: &mut Vec<Line>) {
    match lines {
        0 => {}
        1 => out.push(line(Mark::Note, "… 1 line is the same")),
        n => out.push(line(Mark::Note, &format!("… {n} lines are the same"))),
    }
}

/// The lines of a unified diff that the server made, without the lines that only programs need.
#[must_use]
pub fn patch(text: &str) -> Vec<Line> {
    let mut in_hunk = false;
    text.lines()
        .filter_map(|raw| {
            if raw.starts_with("@@") {
                in_hunk = true;
                return Some(line(Mark::Note, raw));
            }
            if !in_hunk {
                return None;
            }
            Some(match raw.as_bytes().first() {
                Some(b'+') => line(Mark::Added, raw),
                Some(b'-') => line(Mark::Removed, raw),
                Some(b'\\') => line(Mark::Note, raw),
                _ => line(Mark::Same, raw),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<(char, &str)> {
        let sign = |mark| match mark {
            Mark::Same => ' ',
            Mark::Added => '+',
            Mark::Removed => '-',
            Mark::Note => '~',
        };
        lines.iter().map(|line| (sign(line.mark), line.text.as_str())).collect()
    }

    #[test]
    fn equal_texts_have_no_changes() {
        assert!(unified("a\nb\n", "a\nb\n", 2).is_empty());
    }

    #[test]
    fn lines_far_from_a_change_are_counted() {
        let old = "1\n2\n3\n4\n5\n6\n7\n";
        let new = "1\n2\n3\nx\n5\n6\n7\n";
        assert_eq!(
            texts(&unified(old, new, 1)),
            [
                ('~', "… 2 lines are the same"),
                (' ', "3"),
                ('-', "4"),
                ('+', "x"),
                (' ', "5"),
                ('~', "… 2 lines are the same")
            ]
        );
    }

    #[test]
    fn head_of_a_patch_is_left_out() {
        let patch = patch("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n");
        assert_eq!(texts(&patch), [('~', "@@ -1 +1 @@"), ('-', "-old"), ('+', "+new")]);
    }

    #[test]
    fn removed_line_that_looks_like_a_head_is_kept() {
        let patch = patch("--- a/x\n+++ b/x\n@@ -1 +0,0 @@\n--- note\n");
        assert_eq!(texts(&patch).last(), Some(&('-', "--- note")));
    }
}
