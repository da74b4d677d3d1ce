use super::*;

#[test]
fn text_whose_aliases_mean_gigabytes_is_refused() {
    for bomb in [bombs::wide(), bombs::deep(), bombs::long()] {
        let error = check(&bomb).unwrap_err().to_string();
        assert!(error.contains("aliases"), "{error}");
    }
}

#[test]
fn text_that_says_all_it_means_is_taken_whatever_is_in_it() {
    // The comment has both signs, so that each is counted.
    let texts = [
        String::new(),
        "[a,b,c]".to_owned(),
        format!("[{}]", "a,".repeat(200_000)),
        format!("{{{}}}", (0..100_000).map(|n| format!("{n},")).collect::<String>()),
        "-\n".repeat(200_000),
        "?\n".to_owned(),
        format!("[{}]", "a: ,".repeat(100_000)),
        format!("[{}]", "!t a,".repeat(100_000)),
        format!("\"{}\"", r"\L".repeat(200_000)),
        format!("[{}]", r#""\P","#.repeat(100_000)),
    ];
    for text in texts {
        let text = format!("# & *\n{text}");
        assert!(check(&text).is_ok(), "{:?}: {:?}", text.get(..40), check(&text));
    }
}

/// What the reader makes of a text, whatever is in it, when it is all read.
fn read(text: &str) -> Option<serde_norway::Value> {
    let mut documents = serde_norway::Deserializer::from_str(text);
    let first = serde_norway::Value::deserialize(documents.next()?).ok()?;
    documents.next().is_none().then_some(first)
}

/// How many collections stand in one another.
fn depth(value: &serde_norway::Value) -> usize {
    use serde_norway::Value;
    match value {
        Value::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Mapping(entries) => 1 + entries.iter().map(|(k, v)| depth(k).max(depth(v))).max().unwrap_or(0),
        Value::Tagged(tagged) => depth(&tagged.value),
        _ => 0,
    }
}

#[test]
fn text_that_keeps_the_parser_busy_is_refused() {
    for (bomb, told) in [
        ("[".repeat(60_000), "brackets"),
        ("[".repeat(20_000) + &"]".repeat(20_000), "brackets"),
        ("a: [".repeat(30_000), "brackets"),
        ("{a: ".repeat(30_000), "brackets"),
        ("[\n".repeat(60_000), "brackets"),
        ("['[]]']\n[ \"]\", # ]]]\n".repeat(20_000), "brackets"),
        ("[ \"\n]\n\", ".repeat(30_000), "brackets"),
        ("[!<]> ".repeat(30_000), "brackets"),
        ("%TAG !a! b\n".repeat(30_000), "directives"),
        (format!("\"a{}{}\"", " ".repeat(50_000), "b ".repeat(50_000)), "blanks"),
        (format!("a{}{}", " ".repeat(50_000), "b ".repeat(50_000)), "blanks"),
        (format!("a: |\n b\n{} c\n{}", "\n".repeat(50_000), " b\n\n".repeat(30_000)), "blanks"),
    ] {
        let error = check(&bomb).unwrap_err().to_string();
        assert!(error.contains(told), "{:?}: {error}", bomb.get(..20));
    }
}

#[test]
fn collections_are_as_deep_as_the_reader_goes() {
    for text in [
        "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH),
        "{a: ".repeat(MAX_DEPTH) + &"}".repeat(MAX_DEPTH),
        "{\n\"a\" : ".repeat(MAX_DEPTH) + &"}".repeat(MAX_DEPTH),
    ] {
        assert_eq!(depth(&read(&text).unwrap()), MAX_DEPTH);
        check(&text).unwrap();
        let deeper = format!("[{text}]");
        assert!(read(&deeper).is_none());
        check(&deeper).unwrap_err();
    }
}

#[test]
fn brackets_within_texts_are_none() {
    let statement = "- set(attributes[\"k\"], attributes[\"x\"]) where body != '[{'\n";
    let texts = [
        format!("statements:\n{}", format!("  {statement}").repeat(6_000)),
        format!("statements: |\n{}", format!("  {statement}").repeat(6_000)),
        format!("a: >-\n\n   {}\nb: [c]\n", statement.repeat(2_000).replace('\n', "\n   ")),
        format!("a: 'it''s {}'\nb: [\"\\\"{}\"]\n", "[".repeat(1_000), "{".repeat(1_000)),
        format!("a: b # {}\nb: c\n", "[".repeat(1_000)),
        format!("a: b#{}\n  {}\nb: c\n", "[".repeat(1_000), "{".repeat(1_000)),
        format!("a: &x b{}\n", "[".repeat(1_000)),
        format!("- |2\n    {}\n  {}\n- [a]\n", "[".repeat(1_000), "[".repeat(1_000)),
    ];
    for text in texts {
        assert!(read(&text).is_some(), "{text:.100}");
        assert!(scan::work(&text).depth <= 1, "{text:.100}: {:?}", scan::work(&text));
        check(&text).unwrap();
    }
}

/// Pieces of which something is read now and then; without those that make a collection without brackets.
const IN_BRACKETS: &[&str] = &[
    "[", "]", "[", "]", "{", "}", ",", "[]", "\"", "'", "''", "\\\"", "#", " # ", " ", "\n", "\n ", "\t", "&a ", "!t ",
    "a", "b", "~", "%", "!<]> ", "\u{85}", "\u{2028}", "\u{feff}", "é", "\\\n", "|", ">", "@", "\r\n",
];

/// With those.
const ANY: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    ",",
    "a",
    "b",
    "k: ",
    "- ",
    "? ",
    ":",
    ": ",
    "\"",
    "'",
    "#",
    " #",
    " ",
    "  ",
    "\n",
    "\n",
    "\n  ",
    "\n- ",
    "\nk: ",
    "|\n",
    "|2-\n",
    ">\n",
    "\t",
    "---\n",
    "\n...\n",
    "&a ",
    "!t ",
    "-",
    "%TAG ! b\n",
];

/// Beginnings of blocks, and how deep these are.
const BLOCKS: &[(&str, usize)] = &[
    ("", 0),
    ("- ", 1),
    ("k: ", 1),
    ("k:\n  ", 1),
    ("- - ", 2),
    ("- k: ", 2),
    ("k: |\n [[[\nl: ", 1),
    ("- >1-\n  {[\n [\n- ", 1),
    ("k: a [\n  [ {\nl:\n  ", 1),
    ("? a\n: ", 1),
    ("\"[\n [\": ", 1),
    ("# [\n- 'it''s ['\n- ", 1),
    ("%YAML 1.1\n---\n- ", 1),
];

fn pieces(of: &'static [&'static str]) -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::{collection::vec, sample::select, strategy::Strategy as _};
    vec(select(of), 0..24).prop_map(|pieces| pieces.concat())
}

/// A text in brackets that is read: what is open when it ends is closed.
fn closed(mut text: String) -> String {
    let mut open = Vec::new();
    for c in text.chars() {
        match c {
            '[' => open.push(']'),
            '{' => open.push('}'),
            ']' | '}' => drop(open.pop()),
            _ => {}
        }
    }
    text.extend(open.into_iter().rev());
    text
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_the_reader_reads_in_brackets_is_counted(block in proptest::sample::select(BLOCKS), text in pieces(IN_BRACKETS)) {
        let (begin, around) = block;
        for text in [format!("{begin}{text}"), format!("{begin}[{}", closed(text.clone())), format!("{begin}[{text}]")] {
            if let Some(value) = read(&text) {
                let found = scan::work(&text).depth;
                // Where nothing is said, the block may be all there is.
                proptest::prop_assert_eq!(found, depth(&value).saturating_sub(around), "{:?}", text);
            }
        }
    }

    #[test]
    fn no_more_brackets_are_counted_than_the_reader_reads(text in pieces(ANY)) {
        for text in [closed(text.clone()), format!("[{}", closed(text.clone())), text] {
            if let Some(value) = read(&text) {
                proptest::prop_assert!(scan::work(&text).depth <= depth(&value), "{:?}", text);
            }
        }
    }

    /// Where the reader goes on behind something that it takes, brackets count.
    #[test]
    fn brackets_behind_what_the_reader_reads_are_counted(text in pieces(ANY)) {
        let deep = 9;
        for end in ["\n- ", "\nz: ", "\n  - ", "\n  z: ", ", ", "\n---\n", ""] {
            let text = format!("{text}{end}{}{}", "[".repeat(deep), "]".repeat(deep));
            if let Some(value) = read(&text) && depth(&value) >= deep {
                proptest::prop_assert!(scan::work(&text).depth >= deep, "{:?}", text);
            }
        }
    }
}

#[test]
fn tags_are_found_where_they_are_tags_and_nowhere_else() {
    let known = ["!!str", "!<tag:yaml.org,2002:str>"];
    for (text, expected) in [
        ("a: !!str b\nc: !<tag:yaml.org,2002:str> d", None),
        ("a: !!binary b", Some("!!binary")),
        ("a: {b: [c, !!binary d]}", Some("!!binary")),
        ("- !<tag:yaml.org,2002:binary>\n  a\n", Some("!<tag:yaml.org,2002:binary>")),
        ("a: &x !!binary |\n  b", Some("!!binary")),
        ("%TAG !y! tag:yaml.org,2002:\n---\na: !y!binary b", Some("!y!binary")),
        ("é: 'ü' # ö\nb: !!bin%61ry c", Some("!!bin%61ry")),
        ("\u{feff}é: !!binary ü", Some("!!binary")),
        ("# !!binary\na: b # !!binary", None),
        ("a: 'it''s !!binary'\nb: \"\\\" !!binary\"", None),
        ("a: |\n  !!binary\n\n  !!binary b\nc: >-\n  !!binary", None),
        ("a: b !!binary\n  !!binary c", None),
        ("'!!binary': b", None),
    ] {
        assert!(read(text).is_some(), "{text}");
        let tag = scan::pieces(text).find_map(|piece| match piece {
            Piece::Tag(tag) if !known.contains(&tag) => Some(tag),
            _ => None,
        });
        assert_eq!(tag, expected, "{text}");
    }
}

#[test]
fn pieces_are_as_they_are_written() {
    let text = "a: !!str 'b' # c\nd: [e f, \"g\\\"\"]\nh: |-\n  i\n  j\nk:\n  - é\n";
    let expected = [
        Piece::Plain("a"),
        Piece::Tag("!!str"),
        Piece::Quoted("'b'"),
        Piece::Plain("d"),
        Piece::Plain("e f"),
        Piece::Quoted("\"g\\\"\""),
        Piece::Plain("h"),
        Piece::Block("|-\n  i\n  j\n"),
        Piece::Plain("k"),
        Piece::Plain("é\n"),
    ];
    assert!(read(text).is_some());
    assert_eq!(scan::pieces(text).collect::<Vec<_>>(), expected);
}

#[test]
fn text_of_many_brackets_that_close_is_taken() {
    const REAL: &str = include_str!("../../../../tests/fixtures/otelcol-0.158.0-effective.yaml");
    let many: String = (0..200).map(|n| format!("k{n}:\n  {}", REAL.replace('\n', "\n  "))).collect();
    assert!(many.len() > 500_000);
    check(&many).unwrap();
    let json: Vec<_> = (0..1_000).map(|n| serde_json::json!({"id": n, "tags": ["a", "b"]})).collect();
    check(&serde_json::to_string_pretty(&json).unwrap()).unwrap();
}

#[test]
fn text_that_repeats_itself_in_moderation_is_taken() {
    let text = format!("tls: &tls {{ca_file: /etc/ca.pem}}\nall: [{}]\n", "*tls,".repeat(500));
    check(&text).unwrap();
}
