use super::*;

fn reformat(text: &str) -> String {
    write(&parse::body(text).unwrap(), false)
}

#[test]
fn attributes_align_and_blocks_stand_apart() {
    insta::assert_snapshot!(
        reformat("a = 1\nlonger = \"x\"\nb{}\nc \"l\" { x = [1,\n2,\n] }\nd = {x=1, \"k\" = `v`}\ne = f( a.b[0] , -1 )\n"),
        @r#"
    a      = 1
    longer = "x"

    b { }

    c "l" {
    	x = [1, 2]
    }
    d = {x = 1, "k" = `v`}
    e = f(a.b[0], -1)
    "#
    );
}

#[test]
fn neighbours_with_objects_are_kept_apart() {
    assert_eq!(
        reformat("r = {job = \"app\"}\no = [{type = \"j\"}]\np = 1\n"),
        "r = {job = \"app\"}\n\no = [{type = \"j\"}]\np = 1\n"
    );
}

#[test]
fn a_value_of_several_lines_ends_a_run() {
    assert_eq!(reformat("a = 1\nbbb = `x\ny`\nc = 2\n"), "a   = 1\nbbb = `x\ny`\n\nc = 2\n");
}

#[test]
fn texts_are_raw_where_that_saves_escapes() {
    let written = |text: &str| {
        let mut out = String::new();
        quote(&mut out, text);
        out
    };
    assert_eq!(written("plain $1"), "\"plain $1\"");
    assert_eq!(written(r#"IsMatch(body, "\\d")"#), r#"`IsMatch(body, "\\d")`"#);
    assert_eq!(written("tick ` and \""), r#""tick ` and \"""#);
    assert_eq!(written("a\"\nb\u{0}\u{feff}"), r#""a\"\nb\u0000\uFEFF""#);
}

#[test]
fn the_grammar_is_kept() {
    for good in [
        "",
        "\n",
        "// only a comment",
        "/* a\nb */",
        "a = 1",
        "a { b = 1 }",
        "a = [\n1,\n2,\n]",
        "a = 1.5e+3",
        "a = .5",
        "a = \"\\u00e9\\n\\\"\\101\\x41\"",
        "a = (1 + 2) * -3 ^ 2 == 4 && !true",
        "größe = 1",
        "a \"\" { }",
        "a.b.c \"l\" { }",
    ] {
        assert!(parse::body(good).is_ok(), "{good}: {:?}", parse::body(good));
    }
    for bad in [
        "# no",
        "a = 'x'",
        "a = 1;",
        "a = \"\\'\"",
        "a = \"x",
        "a = `x",
        "a\n{ }",
        "a { b = 1",
        "a = [1,\n2\n]",
        "a = 1 b = 2",
        "a = {b: 1}",
        "a.b = 1",
        "true = 1",
        "a \"1x\" { }",
        "a \"x-y\" { }",
        "a = 010",
        "a = ",
        "a = 1 +",
        "/* x",
        "a = \0",
        "a = {\"k\\n\" = 1}",
        "a `l` { }",
        "}",
        "a = 0x1f",
        "a = b c",
        "a = 1 .b",
        "a = 1.5[0]",
    ] {
        assert!(parse::body(bad).is_err(), "{bad}: {:?}", parse::body(bad));
    }
    assert_eq!(parse::body("a {\n  b = \n}").unwrap_err().to_string(), "3:1: expected a value, found `}`");
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("a = {}1{}", "[".repeat(5000), "]".repeat(5000));
    assert!(parse::body(&deep).unwrap_err().reason.contains("nesting"));
    let deep = format!("a = {}1", "-".repeat(5000));
    assert!(parse::body(&deep).unwrap_err().reason.contains("nesting"));
    let deep = "a {".repeat(5000);
    assert!(parse::body(&deep).unwrap_err().reason.contains("nesting"));
}

#[test]
fn names_align_as_far_as_anyone_has_them_and_never_to_one_that_is_longer() {
    let widest = "w".repeat(WIDEST_ALIGNED);
    assert_eq!(reformat(&format!("a = 1\n{widest} = 2\n")), format!("a{} = 1\n{widest} = 2\n", " ".repeat(79)));
    let wider = "w".repeat(WIDEST_ALIGNED + 1);
    assert_eq!(reformat(&format!("a = 1\n{wider} = 2\n")), format!("a = 1\n{wider} = 2\n"));
    // Of names that no parser let through either: the width of what is written has a limit of its own.
    let huge = "h".repeat(70_000);
    let lines: Vec<_> = [&huge, "a", "b"].map(|name| attribute(name, Expr::token(1))).into();
    assert_eq!(write(&lines, false).len(), huge.len() + "a = 1\n".len() * 2 + " = 1\n".len());
}

#[test]
fn names_that_nobody_has_are_refused_where_they_stand() {
    let (good, bad) = ("n".repeat(256), "n".repeat(257));
    let dotted = ["n"; 129].join(".");
    for (text, at) in [
        (format!("a = 1\nb {{\n\t{bad} = 1\n}}\n"), "3:2"),
        (format!("a {{ }}\nb \"{bad}\" {{ }}\n"), "2:3"),
        (format!("a = x.{bad}\n"), "1:7"),
        (format!("a = {{{bad} = 1}}\n"), "1:6"),
        (format!("\n {dotted} \"l\" {{ }}\n"), "2:2"),
    ] {
        let error = parse::body(&text).unwrap_err();
        assert_eq!(format!("{}:{}", error.line, error.column), at, "{error}");
        assert!(error.reason.contains("256 octets"), "{error}");
    }
    for text in [format!("{good} = 1"), format!("b \"{good}\" {{ }}"), format!("a = x.{good}")] {
        assert!(parse::body(&text).is_ok());
    }
}

#[test]
fn a_comment_ends_behind_its_beginning() {
    let text = "\u{feff}a = 1 /*/ b = 2 /*/\nc = \"/* x */\" // d\n";
    assert_eq!(reformat(text), "a = 1\nc = \"/* x */\"\n");
    let comments: Vec<_> = parse::comments(text).unwrap().into_iter().map(|place| &text[place]).collect();
    assert_eq!(comments, ["/*/ b = 2 /*/", "// d"]);
    assert!(parse::body("a = 1 /*/").is_err());
}

#[test]
fn a_text_is_written_as_far_as_its_limit_and_not_to_its_end() {
    let deep = (0..60).fold(vec![attribute("a", Expr::token(1)); 1000], |body, _| vec![block("b", body)]);
    let whole = write(&deep, false);
    assert_eq!(write_within(&deep, false, whole.len()), Some(whole.clone()));
    assert_eq!(write_within(&deep, false, whole.len() - 1), None);
    let mut writer = Writer { out: String::new(), hide: false, most: 5_000 };
    writer.body(&deep, 0);
    assert!(writer.out.len() < 10_000, "{} of {}", writer.out.len(), whole.len());
}
