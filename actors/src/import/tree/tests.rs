use serde_json::json;

use super::*;
use crate::render::alloy::parse;

fn expression(text: &str) -> Tree {
    let body = parse::body(&format!("a = {text}")).unwrap();
    Tree::of_body(&body).get("a").unwrap().clone()
}

fn env(prefix: &str, name: &str) -> Tree {
    Tree::Env { prefix: prefix.to_owned(), name: name.to_owned() }
}

#[test]
fn texts_of_otelcol_are_read_as_it_expands_them() {
    for (text, expected) in [
        ("a$1b", Tree::text("a$1b")),
        ("a$$b$$$$", Tree::text("a$b$$")),
        ("$${env:X}", Tree::text("${env:X}")),
        ("${env:X}", env("", "X")),
        ("${X}", env("", "X")),
        ("Bearer ${env:X}", env("Bearer ", "X")),
    ] {
        assert_eq!(Tree::of_otelcol(&json!(text)), expected, "{text}");
    }
    for text in
        ["${env:X}${env:Y}", "${file:/etc/passwd}", "x${env:X}", "${env:X}x", "${env:X:-d}", "${", "a b ${env:X}"]
    {
        assert_eq!(Tree::of_otelcol(&json!(text)), Tree::Opaque(text.to_owned()), "{text}");
    }
}

#[test]
fn values_of_alloy_are_the_same_values() {
    for (text, expected) in [
        ("1", Tree::Number(1.into())),
        ("-1.5", Tree::Number(Number::from_f64(-1.5).unwrap())),
        ("true", Tree::Bool(true)),
        ("null", Tree::Null),
        (r#""a\"\n\x41\101\u00e9\\""#, Tree::text("a\"\nAAé\\")),
        (r"`a\n`", Tree::text("a\\n")),
        (r#"sys.env("X")"#, env("", "X")),
        (r#"(sys.env("X"))"#, env("", "X")),
        (r#"string.format("Bearer %s", sys.env("X"))"#, env("Bearer ", "X")),
        (r#""Bearer " + sys.env("X")"#, env("Bearer ", "X")),
        ("otelcol.processor.batch.x.input", Tree::Reference("otelcol.processor.batch.x.input".to_owned())),
        (
            r#"{"a" = 1, b = [x.y]}"#,
            Tree::map([("a", Tree::Number(1.into())), ("b", Tree::List(vec![Tree::Reference("x.y".to_owned())]))]),
        ),
    ] {
        assert_eq!(expression(text), expected, "{text}");
    }
    for text in [
        "1 + 2",
        r#"string.format("%s%d", sys.env("X"), 1)"#,
        "a.b[0]",
        r#"json_decode("{}")"#,
        r#""\xff""#,
        "(1) + (2)",
    ] {
        assert!(matches!(expression(text), Tree::Opaque(_)), "{text}: {:?}", expression(text));
    }
}

#[test]
fn blocks_of_one_name_are_a_list() {
    let body = parse::body("a { x = 1 }\nb = 2\na { x = 2 }\nc \"l\" { }").unwrap();
    let x = |n: i64| Tree::map([("x", Tree::Number(n.into()))]);
    let expected = Tree::map([
        ("a{}", Tree::List(vec![x(1), x(2)])),
        ("b", Tree::Number(2.into())),
        ("c{}", Tree::List(vec![Tree::map([("\"label\"", Tree::text("l"))])])),
    ]);
    assert_eq!(Tree::of_body(&body), expected);
}

#[test]
fn what_means_the_same_is_the_same() {
    let number = |n: f64| Tree::Number(Number::from_f64(n).unwrap());
    assert!(Tree::text("300s").means(&Tree::text("5m0s")) && !Tree::text("300s").means(&Tree::text("300")));
    assert!(Tree::Number(1.into()).means(&number(1.0)) && !Tree::Number(1.into()).means(&Tree::text("1")));
    assert!(Tree::Null.means(&Tree::Map(Vec::new())) && !Tree::Null.means(&Tree::List(Vec::new())));
}
