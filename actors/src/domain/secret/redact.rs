//! Secrets out of texts for people: what collectors report, and differences of files.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use super::REDACTED;
use crate::domain::document::double_quoted;

/// Shorter secrets are only replaced where they stand alone between quotes, spaces or line ends: elsewhere they would
/// be found inside words.
const SHORT: usize = 6;

/// Replaces secrets in a text that a collector sent: an effective config, an error. Each is looked for as it is, as both
/// languages and JSON write it, and with `$` doubled.
#[must_use]
pub fn redact<'t>(text: &'t str, secrets: &[String]) -> Cow<'t, str> {
    let mut forms: Vec<String> = secrets.iter().filter(|s| !s.is_empty()).flat_map(|s| forms(s)).collect();
    // Longer ones first: a secret may be part of another.
    forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    forms.dedup();
    let mut text = Cow::Borrowed(text);
    for form in forms {
        if text.contains(&form) {
            text = Cow::Owned(if form.len() < SHORT {
                replace_alone(&text, &form)
            } else {
                text.replace(&form, REDACTED)
            });
        }
    }
    text
}

fn forms(secret: &str) -> Vec<String> {
    let doubled = secret.replace('$', "$$");
    let inner = |quoted: String| quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    vec![
        inner(double_quoted(secret)),
        inner(double_quoted(&doubled)),
        inner(serde_json::Value::from(secret).to_string()),
        secret.replace('\'', "''"),
        doubled,
        secret.to_owned(),
    ]
}

fn replace_alone(text: &str, form: &str) -> String {
    let boundary =
        |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ']' | '}'));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(form) {
        let (before, found) = rest.split_at(at);
        let after = found.get(form.len()..).unwrap_or_default();
        out.push_str(before);
        let alone = boundary(out.chars().next_back()) && boundary(after.chars().next());
        out.push_str(if alone { REDACTED } else { form });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Replaces sealed values in a text: nothing can be read from them without the server's key, but neither does anyone
/// need to see them. For differences of files.
#[must_use]
pub fn redact_sealed(text: &str) -> Cow<'_, str> {
    #[allow(clippy::expect_used)] // A literal pattern that a test compiles.
    static SEALED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"lms1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+").expect("a valid pattern"));
    SEALED.replace_all(text, REDACTED)
}
