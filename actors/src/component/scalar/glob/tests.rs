use proptest::prelude::*;

use super::{Glob, Part, read};

fn meet(one: &str, other: &str) -> bool {
    let (one, other) = (read(one).unwrap(), read(other).unwrap());
    one.iter().any(|one| other.iter().any(|other| Glob::meet(one.parts(), other.parts(), Part::meets)))
}

/// Whether a file is of a pattern, tried out; alternatives are ours to write out.
fn is_of(pattern: &[&str], file: &[&str]) -> bool {
    match (pattern, file) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=file.len()).any(|skipped| is_of(rest, &file[skipped..])),
        ([part, rest @ ..], [name, names @ ..]) => {
            is_name_of(&part.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>()) && is_of(rest, names)
        }
        _ => false,
    }
}

fn is_name_of(part: &[char], name: &[char]) -> bool {
    match (part, name) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=name.len()).any(|skipped| is_name_of(rest, &name[skipped..])),
        (['?', rest @ ..], [_, names @ ..]) => is_name_of(rest, names),
        (['[', '^', a, '-', b, ']', rest @ ..], [c, names @ ..]) => !(a..=b).contains(&c) && is_name_of(rest, names),
        (['[', a, b, ']', rest @ ..], [c, names @ ..]) => (c == a || c == b) && is_name_of(rest, names),
        ([a, rest @ ..], [b, names @ ..]) => a == b && is_name_of(rest, names),
        _ => false,
    }
}

/// Every file of up to four parts of up to two letters.
fn files() -> Vec<Vec<String>> {
    let names: Vec<String> = ["a", "b", "aa", "ab", "ba", "bb"].map(str::to_owned).into();
    let mut files: Vec<Vec<String>> = vec![Vec::new()];
    let mut found = Vec::new();
    for _ in 0..4 {
        let longer = |file: &Vec<String>| -> Vec<Vec<String>> {
            names.iter().map(|name| [file.clone(), vec![name.clone()]].concat()).collect()
        };
        files = files.iter().flat_map(longer).collect();
        found.extend(files.iter().cloned());
    }
    found
}

/// Patterns whose common files are no longer than [`files`]: at most two parts of two characters, and `**`.
fn pattern() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        4 => prop_oneof![Just("a"), Just("b")],
        1 => Just("?"),
        1 => Just("[ab]"),
        1 => Just("[^a-a]"),
        1 => Just("*"),
    ];
    let name = prop::collection::vec(token, 1..=2)
        .prop_map(|tokens| tokens.concat())
        .prop_filter("a name", |name| name != "**");
    let part = prop_oneof![3 => name, 1 => Just("**".to_owned())];
    let names = |parts: &Vec<String>| (1..=2).contains(&parts.iter().filter(|part| *part != "**").count());
    prop::collection::vec(part, 1..=4).prop_filter("few names", names).prop_map(|parts| format!("/{}", parts.join("/")))
}

proptest! {
    #[test]
    fn what_two_patterns_have_in_common_is_what_is_found_by_trying(one in pattern(), other in pattern()) {
        thread_local!(static FILES: Vec<Vec<String>> = files());
        let parts = |pattern: &str| pattern.split('/').skip(1).map(str::to_owned).collect::<Vec<_>>();
        let (first, second) = (parts(&one), parts(&other));
        let first: Vec<&str> = first.iter().map(String::as_str).collect();
        let second: Vec<&str> = second.iter().map(String::as_str).collect();
        let found = FILES.with(|files| files.iter().any(|file| {
            let file: Vec<&str> = file.iter().map(String::as_str).collect();
            is_of(&first, &file) && is_of(&second, &file)
        }));
        prop_assert_eq!(meet(&one, &other), found, "{} and {}", one, other);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[/a.*?{},\\[\\]^!\\\\:-]{0,40}") {
        let _ = read(&text);
        let _ = read(&format!("/{text}"));
    }
}

#[test]
fn alternatives_classes_and_escapes_are_doublestars() {
    for (one, other) in [
        ("/a/{b,c}/d", "/a/c/d"),
        ("/a{/b/c,}", "/a"),
        ("/{a,{b,c/d}}/e", "/c/d/e"),
        ("/\\a\\*", "/a[*]"),
        ("/a/**", "/a"),
        ("/[^b-]x", "/ax"),
        ("/[a-c-]x", "/-x"),
        ("/[!a]", "/[^b]"),
        ("C:\\Logs\\*.LOG", "/logs/x.log"),
    ] {
        assert!(meet(one, other), "{one} and {other}");
    }
    for (one, other) in [
        ("/a/{b,c}/d", "/a/d/d"),
        ("/\\*", "/a"),
        ("/a/*", "/a"),
        ("/[^a]x", "/ax"),
        ("/[b-a]x", "/ax"),
        ("/a**b", "/a/b"),
    ] {
        assert!(!meet(one, other), "{one} and {other}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for bad in [
        "",
        "a",
        "/",
        "//",
        "/a//b",
        "/a/",
        "/./a",
        "/a/..",
        "/a/../b",
        "/\\./a",
        "/[.]/a",
        "/{.,a}/b",
        "/{a,b/../c}/d",
        "/a/{,b}/c",
        "/{a",
        "/a}",
        "/[a",
        "/[]",
        "/[^]",
        "/[a/b]",
        "/[{]",
        "/[a,b]",
        "/a\\",
        "/a\\/b",
        "/a{**,b}",
        "C:",
        "C:\\..\\a",
        "C:/a//b",
        "CC:/a",
        "*:/a",
    ] {
        assert!(read(bad).is_err(), "{bad}: {:?}", read(bad));
    }
}

#[test]
fn alternatives_come_to_an_end() {
    for many in
        ["{a,b}".repeat(40), format!("{}a{}", "{".repeat(400), "}".repeat(400)), "{a,{b,".repeat(9) + &"}}".repeat(9)]
    {
        let _ = read(&format!("/{many}"));
    }
    assert!(read(&format!("/{}", "{a,b}".repeat(40))).is_err());
    assert_eq!(read("/{a,b}{c,d}").unwrap().len(), 4);
}
