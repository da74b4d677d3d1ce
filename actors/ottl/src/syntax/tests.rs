use super::{
    parse::MAX_LENGTH,
    tree::{Comparison, Path, Place, Segment, Value as Node, ValueKind},
    *,
};

mod trees;

#[test]
fn statements_are_read_and_written_in_one_form() {
    for (text, written) in [
        (r#"set(attributes["a"], 1)"#, r#"set(attributes["a"], 1)"#),
        ("set ( body ,\n\"x\" )", r#"set(body, "x")"#),
        (r#"set(a.b.c["d"][0][x["y"]], nil)"#, r#"set(a.b.c["d"][0][x["y"]], nil)"#),
        (r#"set(body, 0x01FF) where true"#, r#"set(body, 0x01ff) where true"#),
        ("set(a, 1) where not b == 2", "set(a, 1) where not b == 2"),
        ("set(a, 1) where not (b == 2)", "set(a, 1) where not b == 2"),
        ("set(a, 1) where not (b == 2 and c)", ""),
        ("set(a, 1) where (((B())))", "set(a, 1) where B()"),
        ("set(a, 1) where a == 1 or b == 2 and c == 3", "set(a, 1) where a == 1 or b == 2 and c == 3"),
        ("set(a, 1) where (a == 1 or b == 2) and c == 3", "set(a, 1) where (a == 1 or b == 2) and c == 3"),
        ("set(a, 1) where (a + 1) * 2 >= 4 and (true)", "set(a, 1) where (a + 1) * 2 >= 4 and true"),
        ("set(a, 1) where (A()) and (A()) == (1)", "set(a, 1) where A() and (A()) == (1)"),
        ("set(a, 1 + 2 * -3 - (4 / 5))", "set(a, 1 + 2 * -3 - 4 / 5)"),
        ("set(a, (1 + 2) * +(3 - x))", "set(a, (1 + 2) * +(3 - x))"),
        ("set(a, (1))", "set(a, (1))"),
        ("set(a, ((b)) + 1)", "set(a, b + 1)"),
        ("set(a, 1. + .5 + 1.e5)", "set(a, 1.0 + 0.5 + 100000.0)"),
        ("set(a, 1.0e300)", "set(a, 1.0e300)"),
        ("set(a, 017)", "set(a, 15)"),
        ("set(a, [])", "set(a, [])"),
        ("set(a, [1 \"b\" c, D()])", "set(a, [1, \"b\", c, D()])"),
        ("set(a, [,1])", "set(a, [1])"),
        (r#"set(a, {"b": {"c": [1]}, "d": nil,})"#, r#"set(a, {"b": {"c": [1]}, "d": nil})"#),
        (r#"set(a, {"b": 1 "c": 2})"#, r#"set(a, {"b": 1, "c": 2})"#),
        ("limit(attributes, limit=5, priority_keys=[\"a\"])", "limit(attributes, limit=5, priority_keys=[\"a\"])"),
        (r#"replace_pattern(body, "a", "b", SHA256)"#, r#"replace_pattern(body, "a", "b", SHA256)"#),
        (
            r#"replace_pattern(body, "a", "b", function=ToLowerCase)"#,
            r#"replace_pattern(body, "a", "b", function=ToLowerCase)"#,
        ),
        (r#"set(a, Split(b, ",")[0]["c"])"#, r#"set(a, Split(b, ",")[0]["c"])"#),
        ("set(severity_number, SEVERITY_NUMBER_INFO2)", "set(severity_number, SEVERITY_NUMBER_INFO2)"),
        ("set(a, Filter(b, (_, v) => v > 1 and true))", "set(a, Filter(b, (_, v) => v > 1 and true))"),
        ("set(a, When(() => x == 1, 1, 2))", "set(a, When(() => x == 1, 1, 2))"),
        ("set(a, MapEach(b, (k, v) => v + 1))", "set(a, MapEach(b, (k, v) => v + 1))"),
        ("Is Match()", ""),
        ("set(a, Is Match(b))", "set(a, IsMatch(b))"),
    ] {
        match statement(text) {
            Ok(tree) => assert_eq!(tree.to_string(), written, "{text}"),
            Err(problems) => assert_eq!("", written, "{text}: {problems:?}"),
        }
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    let path = |name: &str| Condition::Compare {
        left: Node {
            place: Place(0),
            kind: ValueKind::Path(Path {
                place: Place(0),
                segments: vec![Segment { place: Place(0), name: name.to_owned(), keys: vec![] }],
            }),
        },
        by: Comparison::Less,
        right: Node { place: Place(0), kind: ValueKind::Int(1) },
    };
    assert_eq!(
        condition("a < 1 or not b < 1 and c < 1").unwrap(),
        Condition::Or(vec![path("a"), Condition::And(vec![Condition::Not(Box::new(path("b"))), path("c")]),])
    );
}

#[test]
fn texts_have_the_escapes_of_go() {
    let read = |text: &str| match value(text).map(|value| value.kind) {
        Ok(ValueKind::Text(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(read(r#""a\"b\\c""#), r#"a"b\c"#);
    assert_eq!(read(r#""\a\b\f\n\r\t\v""#), "\u{7}\u{8}\u{c}\n\r\t\u{b}");
    assert_eq!(read(r#""\x41\101\u00e9\U0001F600""#), "AAé😀");
    assert_eq!(read(r#""\xff""#), "ÿ", "a character, not an octet");
    assert_eq!(read("\"a\nb\""), "a\nb", "a line may end within a text");
    assert_eq!(read("\"µ\""), "µ");
}

#[track_caller]
fn first_problem<T: std::fmt::Debug>(read: Result<T, Vec<Problem>>) -> String {
    read.unwrap_err().first().unwrap().to_string()
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    for (text, problem) in [
        ("", "1:1: expected the name of an editor, such as `set`; found the end of the text"),
        ("set", "1:4: expected `(` and the arguments of the editor; found the end of the text"),
        (
            "set(",
            "1:5: expected a value: a text, a number, a path, a converter, a list or a map; found the end of the text",
        ),
        ("set(a b)", "1:7: expected `,` or `)`; found `b`"),
        ("set(a, 1) were b", "1:11: expected `where` or the end; found `were`"),
        (
            "set(a, 1) where",
            "1:16: expected a value: a text, a number, a path, a converter, a list or a map; found the end of the text",
        ),
        (
            "set(a, 1) where b",
            "1:17: this is a value, not a condition: a comparison is missing (did you mean `b != nil`?)",
        ),
        ("set(a, 1)\n  where b = 1", "2:11: expected a comparison, such as `==`; found `=` (did you mean `==`?)"),
        ("set(a, 'x')", "1:8: `'` does not begin a text: texts stand in `\"`"),
        ("set(é, 1)", "1:5: the character `é` has no meaning here"),
        ("set(a, \"x)", "1:8: this text does not end: a closing `\"` is missing (a `\"` within it is written `\\\"`)"),
        (
            r#"IsMatch(body, "\d")"#,
            "1:1: a statement begins with an editor, whose name begins with a small letter; `IsMatch` is a converter",
        ),
        (
            r#"replace(body, "é\d")"#,
            "1:17: `\\d` is no escape that is known here; a `\\` itself is written `\\\\` (did you mean `\\\\d`?)",
        ),
        (
            r#"set(body, "\xg0")"#,
            "1:12: `\\x` is no escape that is known here; a `\\` itself is written `\\\\` (did you mean `\\\\x`?)",
        ),
        (
            r#"set(body, "\ud800")"#,
            "1:12: `\\u` is no escape that is known here; a `\\` itself is written `\\\\` (did you mean `\\\\u`?)",
        ),
        ("set(a, 0x123)", "1:8: octets are written with two hexadecimal digits each"),
        (
            "set(a, 99999999999999999999)",
            "1:8: `99999999999999999999` is too large: a whole number is at most 9223372036854775807",
        ),
        ("set(a, 08)", "1:8: `08` begins with 0 and is no octal number"),
        ("set(a, 1.0e999)", "1:8: `1.0e999` is too large for a number"),
        ("set(a, 1)[\"x\"]", "1:1: `set` is an editor, which gives nothing that has keys"),
        (
            "set(a, concat(b))",
            "1:8: a converter's name begins with a capital letter; `concat` is no converter and gives no value",
        ),
        ("set(a, Concat)", "1:8: "),
        ("set(a, [1,])", "1:11: expected a value: a text, a number, a path, a converter, a list or a map; found `]`"),
        ("set(a, {1: 2})", "1:9: expected a key in quotes or `}`; found `1`"),
        ("set(a[nil], 1)", "1:7: expected a key: a text, a whole number, a path or a converter; found `nil`"),
        ("set(a[1 + 1], 1)", "1:9: expected `]`; found `+`"),
        ("set(a., 1)", "1:7: expected the name of a field, in small letters; found `,`"),
        ("set(a, 1) where a == 1 == 2", "1:24: expected `and` or `or`: comparisons do not chain; found `==`"),
        ("set(a, 1) where not not a == 1", "1:21: expected a condition; `not` twice needs brackets; found `not`"),
        (
            "set(a, 1) where (a == 1) == true",
            "1:26: expected `and`, `or` or the end: what stands before is a condition; found `==`",
        ),
        ("set(a, 1) where (\"a\") == b", "1:17: only numbers, paths, converters and arithmetic stand in brackets"),
        (
            "set(a, 1) where a == 1 && b == 2",
            "1:24: `&` is no operator: conditions are joined by `and` (did you mean `and`?)",
        ),
        (
            "set(a, 1) where !true",
            "1:17: `!` alone is no operator: a condition is turned round by `not` (did you mean `not`?)",
        ),
        ("set(a, FOO + 1)", "1:12: expected `,` or `)`; found `+`"),
        ("set(a, MapEach(b, (v) => (w) => 1))", "1:26: a lambda cannot give another lambda"),
    ] {
        match statement(text) {
            Ok(tree) => {
                assert_eq!(problem, "1:8: ", "{text} was read as {tree}: only a name of a function passes here");
            }
            Err(problems) => assert_eq!(problems.first().unwrap().to_string(), problem, "{text}"),
        }
    }
}

#[test]
fn several_problems_come_in_one_answer() {
    let problems = statement("set(a, concat(b), split(c)) where").unwrap_err();
    let columns: Vec<_> = problems.iter().map(|problem| problem.position.column).collect();
    assert_eq!(columns, [8, 19, 34]);
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = "(".repeat(1 << 20);
    assert!(first_problem(condition(&deep)).starts_with("1:1: a text has at most 65536 octets"));
    for open in ["(", "[", "A(", "{\"a\":", "-(", "not (", "a[a", "A(a=["] {
        let deep = open.repeat(MAX_LENGTH / open.len());
        assert!(first_problem(condition(&deep)).contains("64 deep"), "{open}");
        let _ = value(&deep).unwrap_err();
        let _ = statement(&format!("s({})", &deep[..MAX_LENGTH - 3])).unwrap_err();
    }
    let wide = vec!["a == 1"; MAX_LENGTH / 11].join(" and ");
    assert_eq!(condition(&wide).unwrap().to_string(), wide);
}
