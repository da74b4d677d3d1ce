//! Secrets out of texts for people, and out of texts that are kept: what collectors report, and differences of files.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::Regex;

use super::{REDACTED, Sealer, known::Known};
use crate::domain::document::double_quoted;

/// Shorter secrets are only replaced where they stand alone between quotes, spaces or line ends: elsewhere they would
/// be found inside words.
const SHORT: usize = 6;

/// Finds secrets in texts that collectors send: an effective config, an error. Each is looked for as it is, as both
/// languages and JSON write it, and with `$` doubled. One pass over a text, however many secrets there are.
#[derive(Debug, Default)]
pub struct Redactor {
    long: Option<Known>,
    short: Option<Known>,
    /// They are too many to be looked for: no text is shown at all.
    is_beyond: bool,
}

impl Redactor {
    /// Looks for these secrets.
    #[must_use]
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.is_empty());
        let mut forms: Vec<Box<str>> = secrets.flat_map(forms).map(String::into_boxed_str).collect();
        forms.sort_unstable();
        forms.dedup();
        let (short, long): (Vec<_>, Vec<_>) = forms.into_iter().partition(|form| form.len() < SHORT);
        let known = |forms: Vec<_>| if forms.is_empty() { Ok(None) } else { Known::new(forms).map(Some) };
        match (known(long), known(short)) {
            (Ok(long), Ok(short)) => Self { long, short, is_beyond: false },
            _ => Self { long: None, short: None, is_beyond: true },
        }
    }

    /// Replaces every secret, and every token of LinkMesh: those are known by their form, and nobody is to know them all.
    /// Of a text that takes too long to look through nothing is left.
    pub fn replace<'t>(&self, text: &'t str, mut with: impl FnMut(&str) -> String) -> Cow<'t, str> {
        if self.is_beyond {
            return Cow::Borrowed(REDACTED);
        }
        let mut text = Cow::Borrowed(text);
        for (known, is_alone) in [(&self.long, false), (&self.short, true)] {
            let Some(known) = known else { continue };
            let Some(places) = known.places(&text) else { return Cow::Borrowed(REDACTED) };
            if let Some(replaced) = replace(places, &text, is_alone, &mut with) {
                text = Cow::Owned(replaced);
            }
        }
        if let Cow::Owned(replaced) = TOKEN.replace_all(&text, |found: &regex::Captures<'_>| with(&found[0])) {
            text = Cow::Owned(replaced);
        }
        text
    }

    /// The text for people.
    #[must_use]
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.replace(text, |_| REDACTED.to_owned())
    }

    /// The text to be kept: secrets sealed, each where it stands, so that who has the server's key has the very same
    /// text again ([`open_sealed_text`]), and nobody else has a secret of it.
    #[must_use]
    pub fn seal<'t>(&self, text: &'t str, sealer: &dyn Sealer) -> Cow<'t, str> {
        // The dot says where the blob ends: what stood behind the secret may look like more of it.
        self.replace(text, |form| format!("{}.", sealer.seal(form)))
    }
}

fn replace(
    places: Vec<Range<usize>>,
    text: &str,
    only_alone: bool,
    with: &mut dyn FnMut(&str) -> String,
) -> Option<String> {
    let boundary =
        |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ']' | '}'));
    let mut out = String::new();
    let mut end = 0;
    for found in places {
        // Matches lie at the boundaries of what is looked for, which are those of characters.
        let (Some(before), Some(form), Some(after)) =
            (text.get(..found.start), text.get(found.clone()), text.get(found.end..))
        else {
            continue;
        };
        if only_alone && !(boundary(before.chars().next_back()) && boundary(after.chars().next())) {
            continue;
        }
        out.push_str(before.get(end..).unwrap_or_default());
        out.push_str(&with(form));
        end = found.end;
    }
    if end == 0 {
        return None;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    Some(out)
}

/// Replaces some secrets in a text; see [`Redactor`].
#[must_use]
pub fn redact<'t>(text: &'t str, secrets: &[String]) -> Cow<'t, str> {
    Redactor::new(secrets.iter().map(String::as_str)).hide(text)
}

/// A secret as texts may hold it, each form once.
#[must_use]
pub fn forms(secret: &str) -> Vec<String> {
    let doubled = secret.replace('$', "$$");
    let inner = |quoted: String| quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let mut forms = vec![
        inner(double_quoted(secret)),
        inner(double_quoted(&doubled)),
        inner(serde_json::Value::from(secret).to_string()),
        secret.replace('\'', "''"),
        doubled,
        secret.to_owned(),
    ];
    // Nearly all secrets have one.
    forms.sort_unstable();
    forms.dedup();
    forms
}

#[allow(clippy::expect_used)] // A literal pattern that a test compiles.
static SEALED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(lms1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)(\.?)").expect("a valid pattern"));

#[allow(clippy::expect_used)] // A literal pattern that a test compiles.
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"lm(?:ct|et|sat)_[A-Za-z0-9_-]{43}").expect("a valid pattern"));

/// Replaces tokens of LinkMesh in a text. For texts in which other secrets must stay, because a weak one may be a word:
/// matchers go by them.
#[must_use]
pub fn hide_tokens(text: &str) -> Cow<'_, str> {
    TOKEN.replace_all(text, REDACTED)
}

/// Replaces sealed values in a text: nothing can be read from them without the server's key, but neither does anyone
/// need to see them. For differences of files, and for what [`Redactor::seal`] made.
#[must_use]
pub fn redact_sealed(text: &str) -> Cow<'_, str> {
    SEALED.replace_all(text, REDACTED)
}

/// A text with other values in the place of sealed ones; `None` leaves one as it is.
pub(super) fn replace_sealed(text: &str, mut with: impl FnMut(&str) -> Option<String>) -> String {
    let replaced = SEALED.replace_all(text, |found: &regex::Captures<'_>| {
        let part = |number| found.get(number).map_or("", |part| part.as_str());
        format!("{}{}", with(part(1)).as_deref().unwrap_or(part(1)), part(2))
    });
    replaced.into_owned()
}

/// Whether a text is a sealed value and nothing more.
pub(super) fn is_sealed(text: &str) -> bool {
    SEALED.captures(text).is_some_and(|found| found.get(1).is_some_and(|blob| blob.as_str() == text))
}

/// The sealed values in a text.
pub fn sealed_in(text: &str) -> impl Iterator<Item = &str> {
    SEALED.captures_iter(text).filter_map(|found| found.get(1)).map(|blob| blob.as_str())
}

/// Opens in a text what [`Redactor::seal`] sealed there, as far as `wanted` says so of the secret.
#[must_use]
pub fn open_sealed_text<'t>(text: &'t str, sealer: &dyn Sealer, wanted: impl Fn(&str) -> bool) -> Cow<'t, str> {
    SEALED.replace_all(text, |found: &regex::Captures<'_>| {
        let part = |number| found.get(number).map_or("", |part| part.as_str());
        match sealer.open(part(1)) {
            Ok(form) if part(2) == "." && wanted(&form) => form,
            _ => part(0).to_owned(),
        }
    })
}
