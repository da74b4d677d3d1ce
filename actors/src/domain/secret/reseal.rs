//! Sealing anew, text for text: comments and the writing of hand-made files stay.

use std::collections::{BTreeMap, BTreeSet};

use super::{SealError, Sealer, for_each_secret_of, parts_of_text, redact::replace_sealed, redact::sealed_in};

/// A file whose values were sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// The text, when it is another one.
    pub text: Option<String>,
    /// How many values were sealed.
    pub values: usize,
    /// How many were left as they are, because they cannot be opened: they stand where no secret is asked for, or in a
    /// file that is no document.
    pub left: usize,
}

/// Seals anew what `sealer` can open in a file.
///
/// Whoever may write a description may write there what looks like a sealed value: only at places of secrets one that
/// cannot be opened is a secret that would be lost.
///
/// # Errors
/// When a value at a place of a secret cannot be opened.
pub fn reseal(path: &str, text: &str, sealer: &dyn Sealer) -> Result<Resealed, SealError> {
    let at_secrets = sealed_at_secrets(path, text);
    let mut sealed: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for blob in sealed_in(text) {
        if sealed.contains_key(blob) {
            continue;
        }
        let anew = match sealer.open(blob) {
            Ok(plain) => Some(sealer.seal(&plain)),
            Err(error) if at_secrets.contains(blob) => return Err(error),
            Err(_) => None,
        };
        sealed.insert(blob, anew);
    }
    let values = sealed.values().flatten().count();
    let written = (values > 0).then(|| replace_sealed(text, |blob| sealed.get(blob).cloned().flatten()));
    Ok(Resealed { text: written, values, left: sealed.len() - values })
}

/// The sealed values at places of secrets. Of what is no document nothing is known.
fn sealed_at_secrets(path: &str, text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    parts_of_text(path, text, |part| {
        for_each_secret_of(part, |value| found.extend(value.get("sealed").and_then(|v| v.as_str()).map(str::to_owned)));
    });
    found
}

#[cfg(test)]
mod tests {
    use super::{super::insecure::InsecureSealer, *};

    fn file(description: &str, header: &str) -> String {
        format!(
            "name: Central # by hand\ndescription: '{description}'\nkind: otlp_http\n\
             settings: {{endpoint: 'https://h.example', headers: {{x-team: {{sealed: {header}}}}}}}\n"
        )
    }

    #[test]
    fn values_at_places_of_secrets_are_sealed_anew_and_the_text_stays() {
        let sealer = InsecureSealer::default();
        let blob = sealer.seal("hunter2");
        let resealed = reseal("destinations/a.yaml", &file("", &blob), &sealer).unwrap();
        let text = resealed.text.unwrap();
        assert!(!text.contains(&blob) && text.contains("# by hand"), "{text}");
        let anew = sealed_in(&text).next().unwrap();
        assert_eq!(sealer.open(anew).as_deref(), Ok("hunter2"));
        assert_eq!((resealed.values, resealed.left), (1, 0));
    }

    #[test]
    fn what_only_looks_sealed_stops_nothing_where_no_secret_is() {
        let sealer = InsecureSealer::default();
        let blob = sealer.seal("hunter2");
        let made_up = "lms1.e4d3fe63.QUFBQUFB";
        // Also one that goes on where a true one ends, and files that are no documents.
        let longer = format!("{blob}zz");
        let described = file(&format!("{made_up} {longer}"), &blob);
        let resealed = reseal("destinations/a.yaml", &described, &sealer).unwrap();
        assert_eq!((resealed.values, resealed.left), (1, 2));
        let text = resealed.text.unwrap();
        assert!(text.contains(made_up) && text.contains(&longer), "{text}");
        for (path, text) in [
            ("notes.txt", made_up.to_owned()),
            ("destinations/a.yaml", format!("settings: {made_up}: [")),
            ("pipelines/a.yaml", format!("name: {made_up}\n")),
            ("linkmesh.yaml", format!("# {made_up}\n")),
        ] {
            let resealed = reseal(path, &text, &sealer).unwrap();
            assert_eq!(resealed, Resealed { text: None, values: 0, left: 1 }, "{path}");
        }
        let torn = format!("[ {blob}");
        assert_eq!(reseal("destinations/a.yaml", &torn, &sealer).unwrap().values, 1, "a secret, still");
    }

    #[test]
    fn a_secret_that_cannot_be_opened_is_an_error() {
        let sealer = InsecureSealer::default();
        let lost = file("", "lms1.e4d3fe63.QUFBQUFB");
        assert!(reseal("destinations/a.yaml", &lost, &sealer).is_err());
    }
}
