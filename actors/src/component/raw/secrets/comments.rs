//! Comments: what stands in them runs nowhere, and may be a setting that was taken out of use with its secret.

use std::{borrow::Cow, ops::Range};

use super::{HIDDEN, hidden_alloy, hidden_lines, hidden_yaml};
use crate::{domain::document::strict, render::alloy::parse};

/// A YAML text in which only comments may hide something.
pub(crate) fn hidden_in_yaml(text: &str) -> String {
    let mut start = 0;
    let of_line = |line: &str| {
        let from = start;
        start += line.len();
        let is_start = |at: &usize| {
            let (before, rest) = line.split_at_checked(*at).unwrap_or((line, ""));
            before.chars().next_back().is_none_or(char::is_whitespace)
                && ["#", "//", "/*"].iter().any(|start| rest.starts_with(start))
        };
        let at = line.match_indices(['#', '/']).map(|(at, _)| at).find(is_start)?;
        Some(from + at..from + line.trim_end_matches(['\n', '\r']).len())
    };
    hidden(text, text.split_inclusive('\n').filter_map(of_line).collect())
}

/// An Alloy text that can be read, likewise.
pub(super) fn hidden_in_alloy(text: &str) -> String {
    hidden(text, parse::comments(text).unwrap_or_default())
}

/// The text with its comments hidden as far as they must be. Those of lines that follow each other are one.
fn hidden(text: &str, comments: Vec<Range<usize>>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    let mut comments = comments.into_iter().peekable();
    while let Some(first) = comments.next() {
        let mut run = vec![first];
        while let (Some(last), Some(next)) = (run.last(), comments.peek()) {
            let between = text.get(last.end..next.start).unwrap_or_default();
            if mark(text, next) == "/*" || !between.trim().is_empty() || between.matches('\n').count() != 1 {
                break;
            }
            run.extend(comments.next());
        }
        for (place, comment) in run.iter().zip(hidden_run(text, &run)) {
            shown.push_str(text.get(end..place.start).unwrap_or_default());
            shown.push_str(&comment);
            end = place.end;
        }
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    shown
}

/// What a comment begins with.
fn mark(text: &str, comment: &Range<usize>) -> &'static str {
    let comment = text.get(comment.clone()).unwrap_or_default();
    ["#", "//", "/*"].into_iter().find(|mark| comment.starts_with(mark)).unwrap_or("")
}

/// The comments of a run.
fn hidden_run(text: &str, run: &[Range<usize>]) -> Vec<String> {
    let whole = |place: &Range<usize>| text.get(place.clone()).unwrap_or_default();
    let inner = |place: &Range<usize>| {
        let mark = mark(text, place);
        let inner = whole(place).get(mark.len()..).unwrap_or_default();
        if mark == "/*" { inner.strip_suffix("*/").unwrap_or(inner) } else { inner }
    };
    let joined = run.iter().map(inner).collect::<Vec<_>>().join("\n");
    let by_line = hidden_lines(&joined);
    if joined.contains('\n') && (holds(&joined) || matches!(by_line, Cow::Owned(_))) {
        let hidden = |place: &Range<usize>| match mark(text, place) {
            "/*" => format!("/* {HIDDEN} */"),
            mark => format!("{mark} {HIDDEN}"),
        };
        return run.iter().map(hidden).collect();
    }
    run.iter().map(|place| hidden_lines(whole(place)).into_owned()).collect()
}

/// Whether several lines hold a secret that is one by what stands above it.
fn holds(text: &str) -> bool {
    let of_yaml = || strict::yaml(text).is_ok_and(|value| value.is_object() && hidden_yaml(&value) != value);
    let of_alloy = || parse::body(text).is_ok_and(|body| hidden_alloy(&body) != body);
    // Between words nothing is read, and a key stands below what it opens.
    let is_key = |line: &str| {
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || "*-\"'".contains(c));
        let rest = line.get(..3).filter(|name| name.eq_ignore_ascii_case("key")).and_then(|_| line.get(3..));
        rest.is_some_and(|rest| rest.trim_start_matches([' ', '"', '\'']).starts_with([':', '=']))
    };
    text.lines().any(is_key) || of_yaml() || of_alloy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_over_several_lines_hide_what_they_hold() {
        for comment in [
            "/* was:\n\tapi_key = \"hunter2\"\n*/",
            "/*\n\tapi {\n\t\tkey = \"hunter2\"\n\t}\n*/",
            "/* as it was\n * api:\n *   key: hunter2\n */",
            "/*\n password: |\n   hunter2\n*/",
            "/*\n required_header {\n key = \"X\"\n value = \"hunter2\"\n}\n*/",
            "// api {\n//   key = \"hunter2\"\n// }\n",
            "// password = \"hunter2\"",
            "a = 1 /* token: hunter2 */",
        ] {
            let text = format!("otelcol.exporter.x {{\n\turl = \"https://h\" {comment}\n}}\n");
            let shown = hidden_in_alloy(&text);
            assert!(!shown.contains("hunter2") && shown.contains(HIDDEN) && shown.contains("https://h\""), "{shown}");
        }
        for comment in ["# api:\n#   key: hunter2", "# password: >\n#   hunter2", "#\n# key: hunter2"] {
            let shown = hidden_in_yaml(&format!("otlp:\n  endpoint: h\n{comment}\n"));
            assert!(!shown.contains("hunter2") && shown.contains("endpoint: h\n# [hidden]\n# [hidden]"), "{shown}");
        }
    }

    #[test]
    fn other_comments_stay_as_they_are() {
        for text in [
            "x {\n\t/* The token comes from the host.\n\t   See the handbook. */\n\tt = sys.env(\"T\") // as ever\n}\n",
            "x {\n\ta = \"/* password: no comment\\\" // token=x\"\n\tb = `// password: x` / 2\n}\n",
            "a = 1 /",
            "\"",
            "ä = \"\\",
        ] {
            assert_eq!(hidden_in_alloy(text), text);
        }
        let text = "otlp: # as it is\n  # to the east\n  endpoint: https://h#a\n\n# ä\n";
        assert_eq!(hidden_in_yaml(text), text);
    }
}
