//! Sealing anew, text for text: comments and the writing of hand-made files stay, as far as the sealed values are found in
//! the text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Part, SealError, Sealer, destination_part, for_each_secret_of, parts_of, parts_of_text,
    redact::{is_sealed, replace_sealed, sealed_in},
};
use crate::domain::document::{DocumentPath, parse_destination, parse_pipeline, to_yaml};

/// A file whose values were sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// The text, when it is another one.
    pub text: Option<String>,
    /// How many values were sealed.
    pub values: usize,
    /// How many were left as they are: they cannot be opened, or the file was written anew for others, and they stand where
    /// no secret is asked for, or in a file that is no document.
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
    // What is no sealed value is known as a secret in the clear.
    if at_secrets.iter().any(|blob| is_sealed(blob) && !sealed.contains_key(blob.as_str())) {
        let mut anew = BTreeMap::new();
        for blob in at_secrets.into_iter().filter(|blob| is_sealed(blob)) {
            let sealed = sealer.seal(&sealer.open(&blob)?);
            anew.insert(blob, sealed);
        }
        let left = sealed.keys().filter(|blob| !anew.contains_key(**blob)).count();
        return Ok(Resealed { text: Some(written_anew(path, text, &anew)?), values: anew.len(), left });
    }
    let values = sealed.values().flatten().count();
    let written = (values > 0).then(|| replace_sealed(text, |blob| sealed.get(blob).cloned().flatten()));
    Ok(Resealed { text: written, values, left: sealed.len() - values })
}

/// The document with other sealed values, as LinkMesh writes it: some of the old ones are written otherwise than they are,
/// with an escape or over several lines, and are not found in the text.
fn written_anew(path: &str, text: &str, anew: &BTreeMap<String, String>) -> Result<String, SealError> {
    let replace = |part: Part<'_>| {
        for_each_secret_of(part, |value| {
            if let Some(anew) = value.get("sealed").and_then(Value::as_str).and_then(|blob| anew.get(blob)) {
                *value = json!({ "sealed": anew });
            }
        });
    };
    let written = match path.parse() {
        Ok(DocumentPath::Pipeline(_)) => parse_pipeline(text).map(|mut document| {
            parts_of(&mut document, None).into_iter().for_each(replace);
            to_yaml(&document)
        }),
        _ => parse_destination(text).map(|mut document| {
            replace(destination_part(&mut document, None));
            to_yaml(&document)
        }),
    };
    // It was read a moment before.
    written.map_err(|_| SealError::Malformed)
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
    fn values_that_are_written_otherwise_than_they_are_are_sealed_anew_too() {
        let sealer = InsecureSealer::default();
        let (escaped, folded, plain) = (sealer.seal("hunter2"), sealer.seal("hunter3"), sealer.seal("hunter4"));
        let (half, other) = folded.split_at(folded.len() - 4);
        let headers = format!(
            "{{a: {{sealed: \"{}\"}}, b: {{sealed: \"{half}\\\n   {other}\"}}, c: {{sealed: {plain}}}}}",
            escaped.replacen('.', "\\x2e", 1),
        );
        let destination = format!(
            "name: Central # by hand\nkind: otlp_http\nsettings: {{endpoint: 'https://h.example', headers: {headers}}}\n"
        );
        let pipeline = format!(
            "name: P\nsignals: [logs]\nsources: [{{id: a, kind: kafka, settings: {{sasl: {{password: {{sealed: \"{}\"}}}}}}}}]\n\
             destinations: [c]\n",
            escaped.replacen('.', "\\x2e", 1),
        );
        let resealed = reseal("destinations/a.yaml", &destination, &sealer).unwrap();
        let text = resealed.text.unwrap();
        let stored = parse_destination(&text).unwrap();
        for (name, (blob, secret)) in
            [("a", (&escaped, "hunter2")), ("b", (&folded, "hunter3")), ("c", (&plain, "hunter4"))]
        {
            let anew = stored.settings["headers"][name]["sealed"].as_str().unwrap();
            assert!(anew != blob && sealer.open(anew).as_deref() == Ok(secret), "{text}");
        }
        assert_eq!(resealed.values, 3);
        let at_secrets = sealed_at_secrets("pipelines/p.yaml", &pipeline);
        let resealed = reseal("pipelines/p.yaml", &pipeline, &sealer).unwrap();
        assert_eq!((resealed.text.is_some(), at_secrets.len()), (true, 1), "{resealed:?}");
        let lost = file("", "\"lms1\\x2ee4d3fe63.QUFBQUFB\"");
        assert!(reseal("destinations/a.yaml", &lost, &sealer).is_err());
    }

    #[test]
    fn a_secret_that_cannot_be_opened_is_an_error() {
        let sealer = InsecureSealer::default();
        let lost = file("", "lms1.e4d3fe63.QUFBQUFB");
        assert!(reseal("destinations/a.yaml", &lost, &sealer).is_err());
    }
}
