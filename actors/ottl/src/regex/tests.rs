use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

/// What Go makes of patterns: `tests/go/regexp`.
const TABLE: &str = include_str!("../../tests/fixtures/regexp.jsonl");

/// Says in what a pattern differs from what Go makes of it.
fn differences(entry: &Json) -> Vec<String> {
    let text = entry["pattern"].as_str().unwrap();
    let (pattern, error) = match (Pattern::new(text), entry.get("error").and_then(Json::as_str)) {
        (Ok(pattern), None) => (pattern, None),
        (Err(error), Some(expected)) => (Pattern::new("").unwrap(), Some((error, expected))),
        (Ok(_), Some(expected)) => return vec![format!("`{text}` is taken, and Go says: {expected}")],
        (Err(error), None) => return vec![format!("`{text}` is refused, and Go takes it: {error}")],
    };
    let mut found = Vec::new();
    if let Some((error, expected)) = error {
        if (error.message.as_str(), error.kind) != (expected, PatternErrorKind::Syntax) {
            found.push(format!("`{text}` is refused with {error}, and Go says: {expected}"));
        }
        // What Go cites stands at the place, unless it cites the whole pattern.
        let cited = expected.split_once(": `").and_then(|(_, cited)| cited.strip_suffix('`')).unwrap();
        if cited != text && !text[error.offset..].starts_with(cited) {
            found.push(format!("`{text}` is wrong at {}, and Go cites {cited}", error.offset));
        }
        return found;
    }
    let names: Vec<&str> = entry["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    if pattern.names() != names {
        found.push(format!("`{text}` has the groups {:?}, and in Go {names:?}", pattern.names()));
    }
    for case in entry["texts"].as_array().unwrap() {
        let searched = case["text"].as_str().unwrap();
        let expected = case.get("matches").cloned().unwrap_or(Json::Array(Vec::new()));
        let matches: Vec<Vec<i64>> = pattern
            .matches(searched)
            .map(|found| {
                let ends = |range: Range<usize>| [range.start as i64, range.end as i64];
                (0..found.len()).flat_map(|group| found.group_range(group).map_or([-1, -1], ends)).collect()
            })
            .collect();
        if serde_json::to_value(&matches).unwrap() != expected {
            found.push(format!("`{text}` finds {matches:?} in {searched:?}, and Go {expected}"));
        }
        let first = pattern.captures(searched);
        if first != pattern.matches(searched).next() || pattern.is_match(searched) != first.is_some() {
            found.push(format!("`{text}` finds one thing or another in {searched:?}"));
        }
        let (template, expected) = (case["template"].as_str().unwrap(), case["replaced"].as_str().unwrap());
        let replaced = pattern.replace_all(searched, template);
        if replaced != expected {
            found.push(format!("`{text}` makes {replaced:?} of {searched:?} by {template:?}, and Go {expected:?}"));
        }
    }
    found
}

#[test]
fn patterns_mean_what_they_mean_in_go() {
    let entries: Vec<Json> = TABLE.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused = entries.iter().filter(|entry| entry.get("error").is_some()).count();
    assert!(entries.len() > 1_000 && refused > 200, "{} entries, {refused} refused", entries.len());
    let differences: Vec<_> = entries.iter().flat_map(differences).collect();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn too_large(pattern: &str) -> bool {
    matches!(Pattern::new(pattern), Err(error) if error.kind == PatternErrorKind::TooLarge)
}

#[test]
fn each_bound_is_reached_and_not_passed() {
    assert!(Pattern::new(&"a".repeat(MAX_PATTERN_BYTES)).is_ok());
    assert!(too_large(&"a".repeat(MAX_PATTERN_BYTES + 1)));
    // Instructions.
    assert!(Pattern::new(&"a{1000}".repeat(20)).is_ok());
    assert!(too_large(&"a{1000}".repeat(21)));
    assert!(too_large("(?:(?:ab|cd){100}){10}(?:(?:ab|cd){100}){10}(?:(?:ab|cd){100}){10}(?:(?:ab|cd){100}){10}x"));
    // Memory of the states.
    assert!(Pattern::new(r"\pL{100}").is_ok());
    assert!(too_large(r"\pL{1000}"));
    // Ranges of characters.
    assert!(too_large(&r"\pL".repeat(200)));
    // Depth: of groups, and of repetitions without any.
    for (open, close) in [("(", ")"), ("(?:a|", ")"), ("(?:a", ")*"), ("", "*(?i)")] {
        let nested = |depth: usize| format!("{}a{}", open.repeat(depth), close.repeat(depth));
        // The deepest that is taken does not use up the stack either.
        let deepest = (40..=100).rev().find_map(|depth| Pattern::new(&nested(depth)).ok());
        assert!(deepest.is_some_and(|pattern| pattern.is_match(&"a".repeat(300))), "{open}{close}");
        assert!(too_large(&nested(101)), "{open}{close}");
        assert!(too_large(&nested(2_000)), "{open}{close}");
    }
    assert!(matches!(Pattern::new(&"(".repeat(10_000)), Err(error) if error.kind == PatternErrorKind::TooLarge));
}

#[test]
fn the_size_counts_what_is_repeated_as_often_as_it_is() {
    for (pattern, size) in
        [("", 1), ("abc", 3), ("a|b|cd", 6), ("a*", 3), ("a+", 2), ("a?", 2), ("(a)", 3), ("a{3}", 3)]
    {
        assert_eq!(Pattern::new(pattern).unwrap().size(), size, "{pattern}");
    }
    assert_eq!(Pattern::new("(?:(?:ab){10,20}c){5,}").unwrap().size(), 256);
}

#[test]
fn patterns_that_backtrack_elsewhere_end_here() {
    let text = "a".repeat(20_000);
    for pattern in [
        "(a+)+$b",
        "(a|a)*b",
        "(a|aa)+c",
        "(.*)(.*)(.*)(.*)(.*)[^a]",
        "(?:a?){500}a{500}b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
    ] {
        assert!(!Pattern::new(pattern).unwrap().is_match(&text), "{pattern}");
    }
}

#[test]
fn every_name_of_a_class_is_one() {
    for name in unicode::names() {
        let pattern = Pattern::new(&format!(r"\p{{{name}}}"));
        assert!(pattern.is_ok(), "{name}");
    }
    assert!(unicode::names().count() > 190);
}

#[test]
fn errors_say_where() {
    for (pattern, offset) in
        [("ab(cd", 2), ("ab)c", 2), ("a(?P<n", 1), ("x**", 1), ("ab[c", 2), (r"é\8", 2), (r"a\", 1), ("a(b(", 3)]
    {
        assert_eq!(Pattern::new(pattern).unwrap_err().offset, offset, "{pattern}");
    }
}

proptest! {
    #[test]
    fn no_pattern_makes_it_panic(
        pattern in r"([a-z\[\]^|(){},?*+\\\-:&0-9pPQEx.$<> ]|\PC){0,40}", text in ".{0,20}", template in r"([$\{\}a1_]|\PC){0,10}"
    ) {
        if let Ok(pattern) = Pattern::new(&pattern) {
            let _ = pattern.replace_all(&text, &template);
            for found in pattern.matches(&text) {
                prop_assert!(found.get(0).is_some());
            }
        }
    }
}

#[test]
fn how_far_a_search_looks_behind_a_match_is_known_where_it_is_bounded() {
    for (pattern, reach) in [
        ("", Some(0)),
        ("abc", Some(3)),
        ("a{3}|é", Some(3)),
        (r"\s+", Some(1)),
        ("(key=)([a-z]+)", Some(8)),
        ("(?:a+|bc*|[0-9]{4,})", Some(4)),
        (r"(\w+)=(\d+)", Some(9)),
        (r"\bx.*$", Some(5)),
        ("a+(?:bc+|d)", Some(6)),
        ("(ab)+c", None),
        (r"(\w+)?=x", None),
        ("(?:ab|c)*?", Some(2)),
        ("a.*z|a", None),
        ("(a.*z)?a", None),
        ("(a+)+", None),
        ("a+b|c", None),
    ] {
        assert_eq!(Pattern::new(pattern).unwrap().reach(), reach, "{pattern}");
    }
}
