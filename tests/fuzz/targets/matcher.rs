//! The language of `match`.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use linkmesh_actors::domain::matcher::Matcher;

fuzz_target!(|text: &str| {
    let Ok(matcher) = Matcher::parse(text) else { return };
    assert!(!matcher.name().is_empty(), "{text:?}");
    let of = |value: &str| BTreeMap::from([(matcher.name().to_owned(), value.to_owned())]);
    if let Some(value) = matcher.equal_to() {
        assert!(matcher.matches(&of(value)), "{text:?}");
        assert!(!matcher.matches(&of(&format!("{value}x"))), "{text:?}");
    }
    let _ = (matcher.matches(&of(text)), matcher.matches(&BTreeMap::new()));
});
