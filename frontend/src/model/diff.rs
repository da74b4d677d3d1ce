//! Texts compared line by line, in one column.

use similar::{ChangeTag, TextDiff};

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

/// The changes from `old` to `new` with some lines around each; what is left out is counted.
#[must_use]
pub fn unified(old: &str, new: &str, context: usize) -> Vec<Line> {
    let diff = TextDiff::from_lines(old, new);
    let total = old.lines().count();
    let mut out = Vec::new();
    let mut shown = 0;
    for group in diff.grouped_ops(context) {
        let start = group.first().map_or(0, |op| op.old_range().start);
        skipped(start.saturating_sub(shown), &mut out);
        for op in &group {
            for change in diff.iter_changes(op) {
                let mark = match change.tag() {
                    ChangeTag::Equal => Mark::Same,
                    ChangeTag::Insert => Mark::Added,
                    ChangeTag::Delete => Mark::Removed,
                };
                out.push(line(mark, change.value()));
            }
        }
        shown = group.last().map_or(shown, |op| op.old_range().end);
    }
    if !out.is_empty() {
        skipped(total.saturating_sub(shown), &mut out);
    }
    out
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
