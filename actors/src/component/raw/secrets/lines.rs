//! Texts that nobody can read as what they should be: secrets are hidden by what stands in their lines.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use super::{
    HIDDEN,
    names::{is_headers, is_secret},
    values::holds,
};
use crate::domain::secret::REDACTED;

/// A name in front of `:` or `=`.
#[allow(clippy::expect_used)] // A literal pattern that tests compile.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:"([^"]+)"|'([^']+)'|([\p{L}\p{N}_.$\-]+))\s*(?:[:=]|$)"#).expect("a valid pattern")
});

/// What is below a secret name: up to where it ends.
enum Below {
    Nothing,
    /// Lines that stand further right than this column, and items of a list that stand in it.
    Column {
        column: usize,
        /// Names of headers are shown.
        headers: bool,
    },
    /// Up to the line that holds this quote, or closes that many brackets.
    Quote(char),
    Brackets(usize),
}

/// The text without what stands behind names of secrets, on their lines and on those that go on. More is hidden than
/// must be.
pub(crate) fn hidden_lines(text: &str) -> Cow<'_, str> {
    let mut below = Below::Nothing;
    let mut hidden = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        let ending = line.get(bare.len()..).unwrap_or_default();
        hidden.push_str(&shown(bare, &mut below));
        hidden.push_str(ending);
    }
    if hidden == text { Cow::Borrowed(text) } else { Cow::Owned(hidden) }
}

fn shown<'l>(line: &'l str, below: &mut Below) -> Cow<'l, str> {
    let column = line.len() - line.trim_start().len();
    let all = || Cow::Owned(format!("{}{HIDDEN}", line.get(..column).unwrap_or_default()));
    if line.trim().is_empty() {
        return Cow::Borrowed(line);
    }
    match below {
        Below::Quote(quote) => {
            if line.contains(*quote) {
                *below = Below::Nothing;
            }
            return all();
        }
        Below::Brackets(open) => {
            let open =
                (*open + line.matches(['{', '[', '(']).count()).saturating_sub(line.matches(['}', ']', ')']).count());
            *below = if open > 0 { Below::Brackets(open) } else { Below::Nothing };
            return all();
        }
        Below::Column { column: above, headers }
            if column > *above || column == *above && line.trim_start().starts_with("- ") =>
        {
            let name = NAME.find(line).filter(|name| *headers && name.as_str().ends_with([':', '=']));
            return name.map_or_else(all, |name| hide_behind(line, name.end()));
        }
        Below::Column { .. } | Below::Nothing => *below = Below::Nothing,
    }
    let found = NAME.captures_iter(line).find_map(|found| {
        let whole = found.get(0)?;
        let name = found.iter().skip(1).flatten().next()?.as_str();
        // A name at the end of a line is one of a block: `headers {` ends it with a bracket.
        let is_name = whole.as_str().ends_with([':', '=']);
        (is_name && (is_secret(name) || is_headers(name))).then(|| (whole.end(), is_headers(name)))
    });
    if let Some((end, headers)) = found {
        let value = line.get(end..).unwrap_or_default().trim();
        *below = if line.trim_start().starts_with(['#', '/']) {
            Below::Nothing
        } else {
            goes_on(value, of_key(line), headers)
        };
        return hide_behind(line, end);
    }
    if let Some(name) = block_name(line)
        && (is_secret(name) || is_headers(name))
    {
        *below = Below::Brackets(1);
        return Cow::Borrowed(line);
    }
    if holds(line).is_none() && holds(value_of(line)).is_none() {
        return Cow::Borrowed(line);
    }
    NAME.find(line)
        .filter(|name| name.as_str().ends_with([':', '=']))
        .map_or_else(all, |name| hide_behind(line, name.end()))
}

/// What stands behind the first name of a line.
fn value_of(line: &str) -> &str {
    let end = NAME.find(line).map_or(0, |name| name.end());
    line.get(end..).unwrap_or_default().trim()
}

/// The column of a key, behind the dash of an item.
fn of_key(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '-']).len()
}

/// The name of an Alloy block that a line opens.
fn block_name(line: &str) -> Option<&str> {
    line.trim().strip_suffix('{').map(str::trim).filter(|name| !name.contains(char::is_whitespace))
}

fn hide_behind(line: &str, end: usize) -> Cow<'_, str> {
    let (name, value) = line.split_at_checked(end).unwrap_or((line, ""));
    // What was hidden before says so already.
    match value.trim() {
        REDACTED | HIDDEN | "" => Cow::Borrowed(line),
        _ => Cow::Owned(format!("{name} {HIDDEN}")),
    }
}

/// What of a value is still to come.
fn goes_on(value: &str, column: usize, headers: bool) -> Below {
    let open = value.matches(['{', '[', '(']).count().saturating_sub(value.matches(['}', ']', ')']).count());
    match value.chars().next() {
        Some(quote @ ('"' | '\'' | '`')) if value.matches(quote).count() % 2 == 1 => Below::Quote(quote),
        Some('{' | '[') if open > 0 => Below::Brackets(open),
        _ => Below::Column { column, headers: headers && value.is_empty() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_names_of_secrets_is_hidden() {
        for (text, expected) in [
            ("a: 1\npassword: hunter2\nb: 2\n", "a: 1\npassword: [hidden]\nb: 2\n"),
            ("  bearer_token: 'hunter2", "  bearer_token: [hidden]"),
            ("x: {endpoint: h, api_key: hunter2}", "x: {endpoint: h, api_key: [hidden]"),
            ("password: |\n  hunter2\n\n  hunter: 2\nb: 1", "password: [hidden]\n  [hidden]\n\n  [hidden]\nb: 1"),
            ("password: \"a\nhunter2\nb\"\nb: 1", "password: [hidden]\n[hidden]\n[hidden]\nb: 1"),
            ("passwords:\n- hunter2\n- hunter2\nb: 1", "passwords:\n[hidden]\n[hidden]\nb: 1"),
            (
                "  headers:\n    X-Team: hunter2\n    - hunter2\n  tls: {}",
                "  headers:\n    X-Team: [hidden]\n    [hidden]\n  tls: {}",
            ),
            ("headers = {\n  \"X\" = \"hunter2\",\n}\nb = 1", "headers = [hidden]\n  [hidden]\n[hidden]\nb = 1"),
            ("- password: hunter2\n    hunter2\n  b: 1", "- password: [hidden]\n    [hidden]\n  b: 1"),
            ("\"client secret\": hunter2", "\"client secret\": [hidden]"),
            ("# password: hunter2", "# password: [hidden]"),
            ("e: https://u:hunter2@h", "e: [hidden]"),
            ("e: Bearer hunter2", "e: [hidden]"),
            ("https://u:hunter2@h", "https: [hidden]"),
            ("\"https://u:hunter2@h\"", "[hidden]"),
        ] {
            let shown = hidden_lines(text);
            assert_eq!(shown, expected, "{text}");
        }
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for text in [
            "name: P\r\n\r\ntoken_url: https://h/token\n",
            "password_file: /run/x\nkey: service.name\nendpoint: h:4317",
            "receivers:\n  otlp:\n    protocols: {http: {endpoint: 0.0.0.0:4318}}\n",
            "  client {\n    endpoint = \"h\"\n  }\n",
            "",
            "ä: ö\n\u{a0}x",
            "password: [sealed]\nheaders:\n  x: [hidden]\n",
        ] {
            assert_eq!(hidden_lines(text), text);
        }
    }
}
