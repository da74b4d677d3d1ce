//! Regular expressions of Go: a pattern, a text to look in, a template for what is found, a line each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use linkmesh_ottl::regex::Pattern;

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(3, '\n');
    let (pattern, template, text) = (lines.next(), lines.next(), lines.next());
    let found = Pattern::new(pattern.unwrap_or_default());
    let pattern = match &found {
        Ok(pattern) => pattern,
        Err(error) => {
            assert!(pattern.unwrap_or_default().is_char_boundary(error.offset), "{error:?}");
            return;
        }
    };
    let text = text.unwrap_or_default();
    let mut end = None;
    for found in pattern.matches(text) {
        let range = found.range();
        assert!(end.is_none_or(|end| range.start >= end && range.end > end), "{range:?} does not go on");
        assert!((0..found.len()).all(|group| found.group_range(group).is_none() || found.get(group).is_some()));
        end = Some(range.end);
    }
    assert_eq!(pattern.is_match(text), end.is_some());
    let _ = pattern.replace_all(text, template.unwrap_or_default());
});
