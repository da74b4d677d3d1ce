use proptest::prelude::*;

use super::*;

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

fn holds(matcher: &str, pairs: &[(&str, &str)]) -> bool {
    Matcher::parse(matcher).unwrap().matches(&attributes(pairs))
}

#[test]
fn operators_compare_the_value() {
    let prod = &[("env", "prod"), ("host.name", "web-1")];
    assert!(holds(r#"env="prod""#, prod));
    assert!(!holds(r#"env!="prod""#, prod));
    assert!(holds(r#"host.name=~"web-.*""#, prod));
    assert!(!holds(r#"host.name!~"web-.*""#, prod));
}

#[test]
fn absent_attribute_is_the_empty_string() {
    assert!(holds(r#"env="""#, &[]));
    assert!(holds("env=", &[]));
    assert!(holds(r#"env!="prod""#, &[]));
    assert!(holds(r#"env=~".*""#, &[]));
    assert!(!holds(r#"env=~".+""#, &[]));
}

#[test]
fn regex_is_anchored_at_both_ends() {
    assert!(!holds(r#"a=~"b""#, &[("a", "abc")]));
    assert!(holds(r#"a=~"x|b""#, &[("a", "b")]));
    assert!(!holds(r#"a=~"x|b""#, &[("a", "xb")]));
    assert!(holds(r#"a=~"b.c""#, &[("a", "b\nc")]));
}

#[test]
fn words_may_stand_with_and_without_quotes() {
    for text in ["env=prod", " env = prod ", r#""env"=prod"#, r#"{env="prod"}"#, r#"{ "env" = prod }"#] {
        assert!(holds(text, &[("env", "prod")]), "{text}");
    }
    assert!(holds(r#""host name"="weiß""#, &[("host name", "weiß")]));
    assert!(holds("größe=9", &[("größe", "9")]));
    assert!(holds(r#"a="q\"b\\n\n""#, &[("a", "q\"b\\n\n")]));
    assert!(holds(r#"a=~"\d+""#, &[("a", "42")]));
    assert!(holds("os.type=~linux|darwin", &[("os.type", "darwin")]));
}

#[test]
fn errors_name_the_place() {
    let at = |text: &str| Matcher::parse(text).unwrap_err();
    for (text, position, part) in [
        ("", 1, "name is missing"),
        (r#"="x""#, 1, "name is missing"),
        (r#"""="x""#, 3, "name is missing"),
        ("env", 4, "expected ="),
        ("env~prod", 4, "expected ="),
        ("env!prod", 5, "expected ="),
        (r#"env="prod"#, 10, "closing quote"),
        (r#"env="a" x"#, 9, "expected the end"),
        (r#"env="a",b="c""#, 8, "on its own"),
        (r#"{env="a""#, 9, "expected }"),
        (r#"env=~"a(""#, 6, "regular expression"),
        (r#"env=~"a)|(b""#, 6, "regular expression"),
        ("env='prod'", 5, "expected the end"),
    ] {
        let error = at(text);
        assert!(error.reason.contains(part), "{text}: {error}");
        assert_eq!(error.position, position, "{text}: {error}");
    }
    assert!(at(&format!("a={}", "x".repeat(5000))).reason.contains("at most"));
    assert!(at(r#"a=~"(((\w{100}){100}){100})""#).reason.contains("too large"));
}

#[test]
fn empty_set_matches_nothing_and_all_must_hold() {
    let set = |texts: &[&str]| MatcherSet::parse(texts).unwrap();
    let attributes = attributes(&[("a", "1"), ("b", "2")]);
    assert!(!set(&[]).matches(&attributes));
    assert!(set(&["a=1", "b=2"]).matches(&attributes));
    assert!(!set(&["a=1", "b=3"]).matches(&attributes));
    let errors = MatcherSet::parse(&["a=1", "b", "=~"]).unwrap_err();
    assert_eq!(errors.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
    assert!(MatcherSet::parse(&["a=1"; MAX_MATCHERS]).is_ok());
    let errors = MatcherSet::parse(&[r#"a!~"\w{3}""#; 100_000]).unwrap_err();
    assert_eq!((errors.len(), errors[0].0), (1, MAX_MATCHERS), "no more are compiled");
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>()) {
        let _ = Matcher::parse(&text);
    }

    #[test]
    fn any_value_can_be_matched_in_quotes(name in "[^\"\\\\]{1,20}", value in any::<String>()) {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let matcher = Matcher::parse(&format!("\"{name}\"=\"{quoted}\"")).unwrap();
        prop_assert!(matcher.matches(&attributes(&[(&name, &value)])));
        let other = format!("{value}x");
        prop_assert!(!matcher.matches(&attributes(&[(&name, &other)])));
    }
}
