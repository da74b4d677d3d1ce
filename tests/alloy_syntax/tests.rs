//! The reader itself is held to what the language accepts and refuses, and to the texts with which real Alloys refused.

use super::{Level, check, demand, layout, parse};

#[test]
fn accepts_what_the_language_accepts() {
    for text in [
        "",
        "\u{feff}a = 1\n",
        "a = 1\r\nb = 2\r\n",
        "// only a comment\n",
        "/* in\nstars */ a = 1",
        "a = 1 /* a /* b */\nb = 2 // c /* d\n",
        "foo { a = 1 }",
        "foo {}",
        "foo \"\" { }",
        "x.y \"label_1\" {\n\ta = 1\n}\n",
        "a = .5\nb = 5.\nc = 1e+3\nd = 010\n",
        "a = -1\nb = !true\nc = -2 ^ 3 ^ 2\n",
        "a = \"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\101\\x41\\u00e9\\U0001F600\"",
        "a = `raw \\d \n of several lines` + \"`\"",
        "a = [\n\t1,\n\t2,\n]",
        "a = [1, 2]\nb = []\nc = {}\nd = {x = 1, \"k\" = \"v\"}",
        "a = {\n\tx = 1,\n}",
        "a = {`k` = 1}",
        "a = 1 +\n\t2",
        "a = b.\n\tc",
        "a = string.format(\"Bearer %s\", sys.env(\"TOKEN\"))",
        "a = x.y[\"k\"][0](1, 2,)",
        "ünicode_1 = null",
        "a = 1 || 2 && 3 == 4 != 5 <= 6 >= 7 < 8 > 9 + 10 - 11 * 12 / 13 % 14",
    ] {
        assert!(parse(text).is_ok(), "{text:?}: {}", parse(text).expect_err("a refusal"));
    }
}

#[test]
fn refuses_what_the_language_refuses() {
    for text in [
        "# comment",
        "a = 1; b = 2",
        "a = 1 b = 2",
        "a = 'x'",
        "a = \"\\'\"",
        "a = \"\\400\"",
        "a = \"\\ud800\"",
        "a = \"over\nlines\"",
        "a = `open",
        "/* open",
        "/* a /* b */ c */",
        "a = 1 /* \n b = 2",
        "a = 1\u{0}",
        "a = \"\u{0}\"",
        "a = 1 // \u{0}\n",
        "a = 1\n\u{feff}b = 2\n",
        "a = \"\u{feff}\"",
        "\u{feff}\u{feff}a = 1\n",
        "a = 1 // \u{feff}\n",
        "a = 0x10",
        "a = 1_000",
        "foo\n{ }",
        "a = 1\n\t+ 2",
        "a = b\n\t.c",
        "a = [\n\t1,\n\t2\n]",
        "a = {\n\tx = 1\n}",
        "a = {\"x\": 1}",
        "a = {x = 1 y = 2}",
        "true = 1",
        "a.b = 1",
        "a \"label\" = 1",
        "foo `raw` { }",
        "foo \"pl-a\" { }",
        "foo \"1a\" { }",
        "foo \"true\" { }",
        "foo { a = 1",
        "}",
        "a =",
        "a = ,",
        "a = f(1 2)",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn values_are_what_was_written() {
    let body = parse("a = \"x\\ty\"\nb = {\"k\\t\" = `\\d`}\n").expect("a body");
    let text = format!("{body:?}");
    assert!(text.contains("x\\ty"), "escapes are resolved: {text}");
    assert!(text.contains("k\\\\t"), "keys are not: {text}");
}

/// A document of two pipelines that share a receiver and an exporter, as ours are laid out.
const DOCUMENT: &str = r#"// LinkMesh
declare "pl_a" {
	argument "central" { }

	export "logs" {
		value = [otelcol.processor.memory_limiter.in.input]
	}

	otelcol.processor.memory_limiter "in" {
		check_interval = "5s"
		limit          = "512MiB"
		spike_limit    = "102MiB"

		output {
			logs = [otelcol.processor.filter.drop.input]
		}
	}

	otelcol.processor.filter "drop" {
		error_mode = "ignore"

		logs {
			log_record = [`IsMatch(body, "health\\)z")`]
		}

		output {
			logs = [argument.central.value]
		}
	}
}

otelcol.receiver.otlp "in" {
	http {
		endpoint = "127.0.0.1:4318"
	}

	output {
		logs = pl_a.default.logs
	}
}

otelcol.exporter.otlphttp "central" {
	client {
		endpoint = "http://127.0.0.1:4318"
		headers  = {"Authorization" = sys.env("TOKEN")}
	}
}

pl_a "default" {
	central = otelcol.exporter.otlphttp.central.input
}
"#;

#[test]
fn a_good_document_is_accepted_and_laid_out_well() {
    let body = demand(DOCUMENT, Level::GenerallyAvailable);
    assert_eq!(body.len(), 4);
    demand("// LinkMesh: no pipelines\n", Level::GenerallyAvailable);
}

/// Replaces a part of the good document and returns why the result is refused.
fn refusals(old: &str, new: &str) -> String {
    assert!(DOCUMENT.contains(old), "{old}");
    let text = DOCUMENT.replacen(old, new, 1);
    match check(&text, Level::GenerallyAvailable) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(refusals) => refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn real_refusals_are_refused_in_the_same_words() {
    for (old, new, words) in [
        (
            "pl_a \"default\" {\n\tcentral = otelcol.exporter.otlphttp.central.input\n}\n",
            "pl_a \"default\" {\n",
            "expected }, got EOF",
        ),
        (
            "otelcol.processor.filter \"drop\"",
            "foo.bar \"drop\"",
            "cannot find the definition of component name \"foo.bar\"",
        ),
        ("limit          = ", "nope = 1\n\t\tlimit          = ", "unrecognized attribute name \"nope\""),
        (
            "\tclient {\n\t\tendpoint = \"http://127.0.0.1:4318\"\n\t\theaders  = {\"Authorization\" = sys.env(\"TOKEN\")}\n\t}\n",
            "\n",
            "missing required block \"client\"",
        ),
        ("argument.central.value", "otelcol.exporter.otlphttp.central.input", "does not exist or is out of scope"),
        (
            "otelcol.exporter.otlphttp \"central\"",
            "otelcol.exporter.debug \"extra\" { }\n\notelcol.exporter.otlphttp \"central\"",
            "is at stability level \"experimental\", which is below the minimum allowed stability level \"generally-available\". Use --stability.level",
        ),
        (
            "otelcol.receiver.otlp \"in\"",
            "logging { }\n\notelcol.receiver.otlp \"in\"",
            "logging block not allowed inside a module",
        ),
        (
            "otelcol.receiver.otlp \"in\"",
            "http { }\n\notelcol.receiver.otlp \"in\"",
            "service blocks not allowed inside a module: \"http\"",
        ),
        (
            "pl_a \"default\" {",
            "declare \"pl_a\" {\n\texport \"x\" {\n\t\tvalue = 1\n\t}\n}\n\npl_a \"default\" {",
            "block declare.pl_a already declared at 2:1",
        ),
        ("pl_a \"default\"", "pl_a \"pl-a\"", "expected block label to be a valid identifier"),
        ("`IsMatch(body, \"health\\\\)z\")`", "`nope((`", "condition has invalid syntax"),
        ("declare \"pl_a\"", "declare \"loki\"", "hides the components"),
        ("limit          = \"512MiB\"\n", "\n", "one of limit and limit_percentage"),
        ("check_interval = \"5s\"", "check_interval = \"1d\"", "invalid duration"),
        ("\tcentral = otelcol", "\tother = otelcol", "missing required argument \"central\""),
        (
            "otelcol.receiver.otlp \"in\"",
            "loose = 1\n\notelcol.receiver.otlp \"in\"",
            "unrecognized attribute name \"loose\"",
        ),
        ("pl_a.default.logs", "pl_a.default.spans", "does not export \"spans\""),
        ("\tclient {", "\tclient \"label\" {", "block \"client\" does not support specifying labels"),
        (
            "\t\tlimit          = \"512MiB\"\n",
            "\t\tlimit          = \"512MiB\"\n\t\tlimit          = \"256MiB\"\n",
            "attribute \"limit\" may only be provided once",
        ),
        (
            "\tcentral = otelcol.exporter.otlphttp.central.input\n",
            "\tcentral = otelcol.exporter.otlphttp.central.input\n\tcentral = otelcol.exporter.otlphttp.central.input\n",
            "attribute \"central\" may only be provided once",
        ),
        (
            "pl_a \"default\" {",
            "prometheus.scrape \"host\" {\n\ttargets         = []\n\tforward_to      = []\n\tscrape_interval = \"9999ms\"\n}\n\npl_a \"default\" {",
            "scrape_timeout (10s) greater than scrape_interval (9.999s)",
        ),
        (
            "pl_a \"default\" {",
            "prometheus.scrape \"host\" {\n\ttargets         = []\n\tforward_to      = []\n\tscrape_timeout  = \"1m1s\"\n}\n\npl_a \"default\" {",
            "scrape_timeout (61s) greater than scrape_interval (60s)",
        ),
        // Not refused by an Alloy, but not what was meant: the literal is read as 8, and keys are not unescaped.
        ("value = [otelcol", "value = [010, otelcol", "\"010\" is read as octal"),
        ("{\"Authorization\" = ", "{\"a\\\\b\" = \"\", \"Authorization\" = ", "is not unescaped"),
        ("{\"Authorization\" = ", "{\"a\\\"b\" = \"\", \"Authorization\" = ", "is not unescaped"),
    ] {
        let found = refusals(old, new);
        assert!(found.contains(words), "wanted {words:?}, found {found:?}");
    }
}

#[test]
fn blocks_of_the_process_and_its_services_are_refused() {
    for name in ["logging", "tracing"] {
        let found = refusals("pl_a \"default\"", &format!("{name} {{ }}\n\npl_a \"default\""));
        assert!(found.contains(&format!("{name} block not allowed inside a module")), "{name}: {found}");
    }
    for name in ["http", "cluster", "otel", "ui", "livedebugging", "labelstore", "remotecfg"] {
        let found = refusals("pl_a \"default\"", &format!("{name} {{ }}\n\npl_a \"default\""));
        assert!(found.contains(&format!("service blocks not allowed inside a module: \"{name}\"")), "{name}: {found}");
    }
}

#[test]
fn declares_named_like_a_family_of_components_are_refused() {
    for name in ["otelcol", "loki", "prometheus", "discovery", "local"] {
        let found = refusals("declare \"pl_a\"", &format!("declare \"{name}\""));
        assert!(found.contains(&format!("a declare \"{name}\" hides the components")), "{name}: {found}");
    }
}

#[test]
fn short_scrapes_are_accepted_with_a_timeout() {
    for more in [
        "scrape_interval = \"5s\"\n\tscrape_timeout  = \"5s\"",
        "scrape_interval = \"10s\"",
        "scrape_interval = \"1m\"",
    ] {
        let text =
            format!("prometheus.scrape \"host\" {{\n\ttargets         = []\n\tforward_to      = []\n\t{more}\n}}\n");
        demand(&text, Level::GenerallyAvailable);
    }
}

#[test]
fn places_are_those_of_the_text() {
    let found = refusals("limit          = ", "nope           = 1\n\t\tlimit          = ");
    assert_eq!(found, "11:3: unrecognized attribute name \"nope\"");
}

#[test]
fn an_empty_declare_is_refused() {
    let refusals = check("declare \"pl_a\" { }\n", Level::Experimental).expect_err("a refusal");
    assert!(refusals[0].message.contains("custom component config not found"));
}

#[test]
fn layout_finds_what_fmt_would_change() {
    for (text, words) in [
        ("a = 1", "exactly one newline"),
        ("a = 1\n\n", "exactly one newline"),
        ("foo {\n    a = 1\n}\n", "1 tabs in front"),
        ("foo {\n\ta = 1\n\t}\n", "0 tabs in front"),
        ("a = 1 \nb = 2\n", "white space at the end"),
        ("a = 1\r\nb = 2\r\n", "white space at the end"),
        ("a = 1\t\n", "white space at the end"),
        ("a = `x\ty`\n", "no tab within a text"),
        ("a = 1\nbbb = 2\n", "aligned as `a   = `"),
        ("a    = 1\nbbb  = 2\n", "aligned as `bbb = `"),
        ("a =  1\n", "1 spaces, not 2"),
        ("a = 1 +  2\n", "1 spaces, not 2"),
        ("a = 1 -2\n", "1 spaces, not 0"),
        ("a = - 2\n", "0 spaces, not 1"),
        ("a = 1 +\n\t2\n", "no newline inside a value"),
        ("a = f (1)\n", "0 spaces, not 1"),
        ("a = f(1,2)\n", "1 spaces, not 0"),
        ("a = b . c\n", "0 spaces, not 1"),
        ("foo { a = 1 }\n", "a newline after `{`"),
        ("foo {\n\ta = 1}\n", "`}` on a line of its own"),
        ("foo {\n}\n", "`{ }`"),
        ("foo {}\n", "1 spaces, not 0"),
        ("foo  \"x\" { }\n", "1 spaces, not 2"),
        ("foo \"\" { }\n", "no label"),
        ("a = 1\nfoo { }\n", "a blank line before a block"),
        ("\na = 1\n", "no blank line above"),
        ("a = 1\n\n\nb = 2\n", "one blank line above at most"),
        ("a = 1\n\n\n// said of b\nb = 2\n", "one blank line above at most"),
        ("foo { }\n\n\nbar { }\n", "one blank line above at most"),
        ("foo {\n\n\ta = 1\n}\n", "no blank line above"),
        ("foo {\n\ta = 1\n\n}\n", "no blank line above"),
        ("a = [1,2]\n", "1 spaces, not 0"),
        ("a = [ 1, 2 ]\n", "0 spaces, not 1"),
        ("a = [1 , 2]\n", "0 spaces, not 1"),
        ("a = [1,  2]\n", "1 spaces, not 2"),
        ("a = [1, 2,]\n", "no comma before a bracket"),
        ("a = [\n1,\n]\n", "1 tabs in front"),
        ("a = [\n\t1,\n\n\t2,\n]\n", "no blank line above"),
        ("a = [\n\t1,\n\t]\n", "0 tabs in front"),
        ("a = { }\n", "0 spaces, not 1"),
        ("a = {x=1}\n", "1 spaces, not 0"),
        ("a = {x  = 1}\n", "equals sign number 2"),
        ("a = { x = 1 }\n", "0 spaces, not 1"),
        ("a = [{x  = 1}]\n", "equals sign number 2"),
        ("a = [\n\t{x  = 1},\n]\n", "1 spaces, not 2"),
        ("a = {x = 1}\nb = {long = 1}\n", "equals sign number 2"),
        ("a = {\n\tx = 1,\n\tlong = 2,\n}\n", "aligned as `x    = `"),
        ("a = {\n\t\"x\" = 1,\n\t\"long\" = 2,\n}\n", "aligned as `\"x\"    = `"),
        ("a = {\n\tx = 1,\n\n\ty = 2,\n}\n", "no blank line above"),
        ("a = {\n\t\tx = 1,\n}\n", "1 tabs in front"),
        ("a = {\n\tx = {\n\ty = 1,\n\t},\n}\n", "2 tabs in front"),
        ("a = [{\n\t\tx = 1,\n}]\n", "1 tabs in front"),
    ] {
        let changes = layout(text);
        assert!(changes.iter().any(|change| change.contains(words)), "{text:?}: {changes:?}");
    }
    for text in LAID_OUT {
        assert_eq!(layout(text), Vec::<String>::new(), "{text:?}");
    }
}

/// Texts that `alloy fmt` leaves as they are.
const LAID_OUT: [&str; 17] = [
    "a   = 1\nbbb = [\n\t1,\n]\n\nc = 2\n",
    "// a comment\n\n// and another\na = 1\n",
    "a = -1\nb = !c.d[0]\ne = f(1, [2], {x = 3})\n",
    "foo {\n\ta = 1\n\n\t// said of b\n\tb = 2\n\n\tbar \"x\" { }\n}\n",
    "foo {\n\tbar { }\n\n\tlong = 1\n\ta    = 2\n}\n",
    "a = {x = 1, \"long\" = [1, 2]}\nb = []\nc = {}\n",
    "a = {x    = 1}\nb = {long = 1}\n",
    "a = {\n\tx    = 1,\n\tlong = {\n\t\ty = 1,\n\t},\n\tz = 3,\n}\n",
    "a = {\n\tx    = 1, y = 2,\n\tlong = 3,\n}\n",
    "a = [{\n\tx = 1,\n}]\n",
    "a = [{\n\tx = 1,\n}, {\n\tx = 2,\n}]\n",
    "a = [\n\t{x = 1},\n\t{long = 1},\n]\n",
    "a = [\n\t[\n\t\t1, 2,\n\t],\n\t{\n\t\tx = 1,\n\t},\n]\n",
    "a = `raw\n\n\n  text\n`\nb = 1\n",
    "a = 1\n// said of foo\nfoo { }\n",
    "a = [`raw\n[`, `x`]\n",
    "foo {\n\tx.y \"z\" {\n\t\ta = \"// { no comment\"\n\t}\n}\n",
];
