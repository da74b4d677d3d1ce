//! The same for Alloy: what it would not load is refused with line and column.

use super::*;

fn of_alloy(text: &str) -> Import {
    import_alone(Runtime::Alloy, text)
}

/// The errors, as place, code and message.
fn told(text: &str) -> Vec<String> {
    let import = of_alloy(text);
    import.errors.iter().map(|error| format!("{} {}: {}", error.field, error.code, error.message)).collect()
}

const WHOLE: &str = r#"
otelcol.receiver.otlp "in" {
	grpc { }

	output {
		logs = [otelcol.exporter.debug.out.input]
	}
}

otelcol.exporter.debug "out" { }
"#;

#[test]
fn what_stands_twice_is_refused_at_the_second_place() {
    for (text, expected) in [
        (
            "otelcol.exporter.debug \"a\" { }\n\n  otelcol.exporter.debug \"a\" { }",
            "otelcol.exporter.debug.a duplicate: stands twice: at 1:1 and again at 3:3",
        ),
        ("logging { }\nlogging { }", "logging duplicate: stands twice: at 1:1 and again at 2:1"),
        ("declare \"a\" { }\ndeclare \"a\" { }", "declare.a duplicate: stands twice: at 1:1 and again at 2:1"),
        ("declare \"a\" { }\na \"x\" { }\na \"x\" { }", "a.x duplicate: stands twice: at 2:1 and again at 3:1"),
        (
            "declare \"a\" {\n\tlocal.file \"b\" { }\n\tlocal.file \"b\" { }\n}",
            "declare.a/local.file.b duplicate: stands twice: at 2:2 and again at 3:2",
        ),
        (
            "foreach \"a\" {\n\tcollection = []\n\ttemplate {\n\t\ta.b \"c\" { }\n\t\ta.b \"c\" { }\n\t}\n}",
            "foreach.a/template/a.b.c duplicate: stands twice: at 4:3 and again at 5:3",
        ),
        (
            "otelcol.exporter.otlp \"a\" {\n\tclient {\n\t\tendpoint = \"a\"\n\t\tendpoint = \"b\"\n\t}\n}",
            "otelcol.exporter.otlp.a/client/endpoint duplicate: stands twice: at 3:3 and again at 4:3",
        ),
        (
            "otelcol.receiver.otlp \"a\" {\n\toutput { logs = [] }\n\toutput { logs = [] }\n}",
            "otelcol.receiver.otlp.a/output duplicate: stands twice: at 2:2 and again at 3:2",
        ),
    ] {
        assert_eq!(told(text), [expected], "{text}");
    }
    let blocks = "prometheus.relabel \"a\" {\n\trule { }\n\trule { }\n}\nprometheus.relabel \"b\" { }\nprometheus.scrape \"a\" { }";
    assert_eq!(told(blocks), Vec::<String>::new());
}

#[test]
fn what_alloy_does_not_know_is_refused() {
    for (text, expected) in [
        ("a = 1\n", "a unknown_field: at 1:1: Alloy takes no attributes outside of blocks"),
        (
            "declare \"a\" {\n\tb = 1\n}",
            "declare.a/b unknown_field: at 2:2: Alloy takes no attributes outside of blocks",
        ),
        ("argument \"a\" { }", "argument.a unknown_field: at 1:1: stands in a `declare` only"),
        ("export \"a\" {\n\tvalue = 1\n}", "export.a unknown_field: at 1:1: stands in a `declare` only"),
        (
            "otelcol.receiver.otlp \"a\" {\n\toutput { log = [] }\n}",
            "otelcol.receiver.otlp.a/output/log unknown_field: at 2:11: an output has the attributes logs, metrics and traces",
        ),
        (
            "declare \"a\" {\n\totelcol.receiver.otlp \"a\" {\n\t\toutput {\n\t\t\tlogs { }\n\t\t}\n\t}\n}",
            "declare.a/otelcol.receiver.otlp.a/output/logs unknown_field: at 4:4: an output has the attributes logs, metrics and traces",
        ),
    ] {
        assert_eq!(told(text), [expected], "{text}");
    }
}

#[test]
fn instances_are_given_what_their_declare_asks_for() {
    let declare = "declare \"a\" {\n\targument \"x\" { }\n\targument \"y\" {\n\t\toptional = true\n\t}\n}\n";
    for (instance, expected) in [
        ("a \"i\" { x = 1 }", &[][..]),
        ("a \"i\" { y = 1 }", &["a.i/x missing: must be given at 7:1: the argument is not optional"]),
        (
            "a \"i\" {\n\tx = 1\n\tz = 1\n\tx = 2\n}",
            &[
                "a.i/z unknown_field: at 9:2: its `declare` has no such argument",
                "a.i/x duplicate: stands twice: at 8:2 and again at 10:2",
            ],
        ),
        (
            "a \"i\" {\n\tx = 1\n\ty { }\n}",
            &["a.i/y unknown_field: at 9:2: an instance of a `declare` is given attributes only"],
        ),
    ] {
        assert_eq!(told(&format!("{declare}{instance}")), expected, "{instance}");
    }
    // Within itself a `declare` may have another of the name.
    let inner = "declare \"a\" {\n\tdeclare \"a\" {\n\t\targument \"z\" { }\n\t}\n\ta \"i\" { z = 1 }\n}\na \"j\" { }";
    assert_eq!(told(inner), Vec::<String>::new());
}

#[test]
fn blocks_that_are_no_components_are_listed() {
    let import = of_alloy(&format!(
        r#"{WHOLE}
logging {{ }}
tracing {{ }}
http {{ }}
livedebugging {{ }}
import.file "x" {{ filename = "/etc/x" }}
x.comp "a" {{ }}
comp "a" {{ }}
foreach "f" {{
	collection = [1]
	var        = "n"
	template {{
		otelcol.exporter.debug "n" {{ }}
	}}
}}
declare "never" {{ }}
declare "outer" {{
	declare "never" {{ }}
	declare "once" {{ }}
	once "o" {{ }}
}}
outer "o" {{ }}
"#
    ));
    assert_eq!((&import.errors, import.pipelines.len()), (&Vec::new(), 1));
    for (path, kind, said) in [
        ("logging", LeftOverKind::Unused, "thing of the collector itself"),
        ("tracing", LeftOverKind::Unused, "thing of the collector itself"),
        ("http", LeftOverKind::Unused, "thing of the collector itself"),
        ("livedebugging", LeftOverKind::Unused, "thing of the collector itself"),
        ("import.file.x", LeftOverKind::Missing, "not looked at"),
        ("x.comp.a", LeftOverKind::Missing, "otelcol.* alone"),
        ("comp.a", LeftOverKind::Missing, "nothing that Alloy has"),
        ("foreach.f", LeftOverKind::Missing, "makes components of a list"),
        ("declare.never", LeftOverKind::Unused, "no instance"),
        ("declare.outer/declare.never", LeftOverKind::Unused, "no instance"),
    ] {
        let (is, reason) = left(&import, path);
        assert!(is == kind && reason.contains(said), "{path}: {reason}");
    }
    assert_eq!(import.left_over.len(), 10, "{:?}", import.left_over);
}

#[test]
fn records_that_a_processor_sends_nowhere_are_told() {
    let text = WHOLE.replace(
        "logs = [otelcol.exporter.debug.out.input]\n\t}\n}",
        "logs   = [otelcol.processor.batch.b.input]\n\t\ttraces = [otelcol.processor.batch.b.input]\n\t}\n}\n\n\
         otelcol.processor.batch \"b\" {\n\toutput {\n\t\tlogs = [otelcol.exporter.debug.out.input]\n\t}\n}",
    );
    let import = of_alloy(&text);
    assert_eq!(import.pipelines[0].document.signals.len(), 1);
    let (kind, reason) = left(&import, "otelcol.processor.batch.b");
    assert!(kind == LeftOverKind::Unused && reason.starts_with("traces that come to it"), "{reason}");
}

#[test]
fn records_that_arrive_twice_and_will_arrive_once_are_told() {
    let name = "otelcol.exporter.debug.out.input";
    let import = of_alloy(&WHOLE.replace(name, &format!("{name}, {name}")));
    assert_eq!(import.pipelines[0].document.destinations.len(), 1);
    let (kind, reason) = left(&import, "otelcol.receiver.otlp.in");
    assert!(kind == LeftOverKind::Differs && reason.contains("more than once"), "{reason}");
}

#[test]
fn of_a_key_that_stands_twice_the_last_counts() {
    let text = WHOLE.replace("otelcol.exporter.debug \"out\" { }", "otelcol.exporter.otlphttp \"out\" {\n\tclient {\n\t\tendpoint = \"http://a:1\"\n\t\theaders = {a = \"1\", b = \"2\", \"a\" = \"3\"}\n\t}\n}");
    let import = of_alloy(&text.replace("exporter.debug", "exporter.otlphttp"));
    let settings = serde_json::to_value(&import.destinations[0].document.settings).unwrap();
    assert_eq!(settings["headers"], serde_json::json!({ "a": "3", "b": "2" }), "{:?}", import.left_over);
}

#[test]
fn faults_of_hostile_texts_are_found_in_time() {
    let many = |count: usize, each: &dyn Fn(usize) -> String| (0..count).map(each).collect::<String>();
    let declare = format!("declare \"d\" {{\n{}}}\n", many(20_000, &|n| format!("argument \"a{n}\" {{ }}\n")));
    let needed = format!("{declare}{}", many(20_000, &|n| format!("d \"i{n}\" {{ }}\n")));
    let declares = many(15_000, &|n| format!("declare \"d{n}\" {{ }}\nd{n} \"i\" {{ }}\n"));
    let label = "x".repeat(300_000);
    let long = format!("a \"{label}\" {{\n{}}}", many(60_000, &|n| format!("b{n} {{ }}\n")));
    let keys = format!("a \"b\" {{ x = {{ {} }} }}", many(60_000, &|n| format!("k{n} = 1, ")));
    for text in [needed, declares, long, keys] {
        let import = of_alloy(&text);
        assert!(import.errors.len() <= 100 && import.pipelines.is_empty());
    }
}
