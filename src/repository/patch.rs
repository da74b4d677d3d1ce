//! A unified diff of one file, for people.

use git2::{DiffOptions, Patch};

/// The unified diff between two texts of a file, with three lines around each change; empty when they are the same.
///
/// The texts come from the caller, who may have hidden secrets in them before.
#[must_use]
pub fn unified_patch(path: &str, before: Option<&[u8]>, after: Option<&[u8]>) -> String {
    let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
    if before == after {
        return String::new();
    }
    let mut options = DiffOptions::new();
    options.context_lines(3).force_text(true);
    let patch = Patch::from_buffers(old, None, new, None, Some(&mut options));
    // Two buffers in memory: nothing can fail but memory itself.
    let Ok(mut patch) = patch else { return String::new() };
    let mut text = format!("--- {}\n+++ {}\n", side("a", path, before), side("b", path, after));
    let hunks = patch.print(&mut |_, _, line| {
        match line.origin() {
            origin @ (' ' | '+' | '-') => text.push(origin),
            // The file's own header names no path.
            'F' => return true,
            _ => {}
        }
        text.push_str(&String::from_utf8_lossy(line.content()));
        true
    });
    if hunks.is_err() { String::new() } else { text }
}

fn side(letter: &str, path: &str, content: Option<&[u8]>) -> String {
    content.map_or_else(|| "/dev/null".to_owned(), |_| format!("{letter}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patch_shows_what_was_added_removed_and_changed() {
        let patch = unified_patch("a.yaml", Some(b"one\ntwo\nthree\n"), Some(b"one\n2\nthree\n"));
        assert_eq!(patch, "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
        let added = unified_patch("a.yaml", None, Some(b"one\n"));
        assert_eq!(added, "--- /dev/null\n+++ b/a.yaml\n@@ -0,0 +1 @@\n+one\n");
        let removed = unified_patch("a.yaml", Some(b"one\n"), None);
        assert_eq!(removed, "--- a/a.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n");
        assert_eq!(unified_patch("a.yaml", Some(b"one\n"), Some(b"one\n")), "");
    }

    #[test]
    fn patch_says_when_the_last_line_does_not_end() {
        let patch = unified_patch("a", Some(b"one\n"), Some(b"one"));
        assert!(patch.ends_with("\\ No newline at end of file\n"), "{patch}");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_far_as_they_can_be() {
        assert!(unified_patch("a", Some(b"\xff\n"), Some(b"\x00\n")).contains("@@"));
    }
}
