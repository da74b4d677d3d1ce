//! Texts that are wrong, huge or made to hurt. Of some of them, reading would not end in a person's time without bounds.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use linkmesh_ottl::run::IsOver;
use linkmesh_proto::api::{collector::Runtime, pipeline::Import};
use proptest::prelude::*;

use crate::{
    domain::{config::ConfigSnapshot, document::MAX_BYTES},
    import::{import, tests::import_alone},
};

fn of_otelcol(text: &str) -> Import {
    import_alone(Runtime::Otelcol, text)
}

fn of_alloy(text: &str) -> Import {
    import_alone(Runtime::Alloy, text)
}

/// The errors, and that there is nothing else.
fn errors(import: &Import) -> Vec<String> {
    assert!(import.pipelines.is_empty() && import.destinations.is_empty() && import.left_over.is_empty(), "{import:?}");
    import.errors.iter().map(|error| format!("{} {}: {}", error.field, error.code, error.message)).collect()
}

/// A config of otelcol with this in the place of parts of it.
fn config(receivers: &str, rest: &str) -> String {
    format!("receivers: {{otlp: {{protocols: {{grpc: }}}}{receivers}}}\nexporters: {{debug: , nop: }}\n{rest}\n")
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let pipeline = "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}";
    for (text, expected) in [
        (String::new(), "text missing"),
        (" \n\t".to_owned(), "text missing"),
        ("[1]".to_owned(), "text wrong_type"),
        ("a: [".to_owned(), "text invalid_yaml"),
        ("a: 1\na: 2".to_owned(), "text invalid_yaml"),
        ("a: !x 1".to_owned(), "text invalid_yaml"),
        ("a: 1\n---\nb: 2".to_owned(), "text invalid_yaml"),
        ("a: .nan".to_owned(), "text invalid_yaml"),
        ("receivers: {otlp: }".to_owned(), "service.pipelines missing"),
        ("receivers: [otlp]\nservice: {pipelines: {}}".to_owned(), "receivers wrong_type"),
        (config(", x: [1]", pipeline), "receivers.x wrong_type"),
        (config("", "service: {pipelines: [1]}"), "service.pipelines wrong_type"),
        (config("", "service: {pipelines: {logs: }}"), "service.pipelines.logs missing"),
        (config("", "service: {pipelines: {logs: {receivers: otlp}}}"), "service.pipelines.logs.receivers wrong_type"),
        (
            config("", "service: {pipelines: {logs: {receivers: [otlp, none], exporters: [debug]}}}"),
            "service.pipelines.logs.receivers[1] unknown_component",
        ),
        (
            config(
                "",
                "processors: {batch: }\nservice: {pipelines: {logs: {receivers: [otlp], processors: [batch, batch], exporters: [debug]}}}",
            ),
            "service.pipelines.logs.processors[1] duplicate",
        ),
        (
            config(
                "",
                "connectors: {forward: }\nservice: {pipelines: {logs: {receivers: [otlp, forward], exporters: [forward]}}}",
            ),
            "service.pipelines.logs loop",
        ),
    ] {
        let errors = errors(&of_otelcol(&text));
        assert!(errors.iter().any(|error| error.starts_with(expected)), "{text}: {errors:?}");
    }
    for (text, expected) in [
        ("", "text missing"),
        ("a = ", "text invalid_alloy: 1:5"),
        ("a {\n  b = \n}", "text invalid_alloy: 3:1"),
        ("otelcol.receiver.otlp \"a\" { }\notelcol.receiver.otlp \"a\" { }", "otelcol.receiver.otlp.a duplicate"),
        ("declare \"a\" {\n\ta \"b\" { }\n}\na \"b\" { }", "a.b"),
        (
            "otelcol.receiver.otlp \"a\" {\n\toutput { logs = [otelcol.processor.batch.b.input] }\n}\notelcol.processor.batch \"b\" {\n\toutput { logs = [otelcol.processor.batch.b.input] }\n}",
            "otelcol.processor.batch.b loop",
        ),
    ] {
        let errors = errors(&of_alloy(text));
        assert!(errors.iter().any(|error| error.starts_with(expected)), "{text}: {errors:?}");
    }
}

#[test]
fn what_is_too_large_or_too_deep_is_refused() {
    for runtime in [Runtime::Otelcol, Runtime::Alloy] {
        let huge = "x".repeat(MAX_BYTES + 1);
        assert!(errors(&import_alone(runtime, &huge))[0].starts_with("text too_large"));
    }
    for deep in ["[".repeat(200_000), "{a: ".repeat(100_000), "- ".repeat(300_000)] {
        assert!(!errors(&of_otelcol(&deep)).is_empty());
    }
    for deep in
        [format!("a = {}", "[".repeat(500_000)), "a {\n".repeat(200_000), format!("a = {}", "(".repeat(900_000))]
    {
        assert!(!errors(&of_alloy(&deep)).is_empty());
    }
    let bomb = "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\n\
                d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d]\nf: [*e, *e, *e, *e, *e, *e, *e, *e]\n";
    assert!(errors(&of_otelcol(bomb))[0].starts_with("text invalid_yaml"));
}

#[test]
fn ways_and_instances_that_multiply_are_refused() {
    // Each layer of connectors leads to both of the next: 2^30 ways, and none of them to an exporter.
    let mut text = "receivers: {nop: }\nexporters: {nop: }\nconnectors:\n".to_owned();
    for layer in 0..30 {
        writeln!(text, "  forward/{layer}: {{}}").unwrap();
    }
    text.push_str("service:\n  pipelines:\n    logs/begin: {receivers: [nop], exporters: [forward/0]}\n");
    for layer in 0..29 {
        for twin in ["a", "b"] {
            writeln!(
                text,
                "    logs/{layer}{twin}: {{receivers: [forward/{layer}], exporters: [forward/{}]}}",
                layer + 1
            )
            .unwrap();
        }
    }
    assert!(errors(&of_otelcol(&text))[0].contains("too_many"));

    let mut text = String::new();
    for layer in 0..30 {
        write!(text, "declare \"d{layer}\" {{\n\td{0} \"a\" {{ }}\n\td{0} \"b\" {{ }}\n}}\n", layer + 1).unwrap();
    }
    text.push_str("declare \"d30\" { }\nd0 \"x\" { }\n");
    assert!(errors(&of_alloy(&text))[0].contains("too_many"));

    let mut text = "otelcol.receiver.otlp \"r\" {\n\toutput { logs = [otelcol.processor.batch.a0.input, otelcol.processor.batch.b0.input] }\n}\n".to_owned();
    for layer in 0..30 {
        for twin in ["a", "b"] {
            let next = layer + 1;
            write!(text, "otelcol.processor.batch \"{twin}{layer}\" {{\n\toutput {{ logs = [otelcol.processor.batch.a{next}.input, otelcol.processor.batch.b{next}.input] }}\n}}\n").unwrap();
        }
    }
    text.push_str("otelcol.processor.batch \"a30\" { }\notelcol.processor.batch \"b30\" { }\n");
    assert!(errors(&of_alloy(&text))[0].contains("too_many"));

    let mut text =
        "a \"x\" { }\ndeclare \"a\" {\n\targument \"x\" { optional = true }\n\texport \"y\" { value = argument.x.value }\n}\n"
            .to_owned();
    text.push_str(
        "a \"l\" { x = a.m.y }\na \"m\" { x = a.l.y }\notelcol.receiver.otlp \"r\" {\n\toutput { logs = [a.l.y] }\n}\n",
    );
    let import = of_alloy(&text);
    assert!(import.errors.is_empty() && import.pipelines.is_empty(), "{import:?}");
}

#[test]
fn references_that_lead_on_and_multiply_are_refused() {
    let mut text = "declare \"a\" {\n\targument \"x\" { }\n\texport \"y\" { value = argument.x.value }\n}\n".to_owned();
    for number in 0..15 {
        let next = [format!("a.i{}.y", number + 1).as_str(); 8].join(", ");
        writeln!(text, "a \"i{number}\" {{ x = [{next}] }}").unwrap();
    }
    text.push_str("a \"i15\" { x = otelcol.exporter.debug.d.input }\notelcol.exporter.debug \"d\" { }\n");
    text.push_str("otelcol.receiver.otlp \"r\" {\n\toutput { logs = [a.i0.y] }\n}\n");
    assert!(errors(&of_alloy(&text))[0].contains("too_many"));
}

/// So many `declare`s, each of which gives the next what it is given, so many times over.
fn handed_on(declares: usize, times: usize) -> String {
    let mut text =
        "d0 \"i\" {\n\tx = [otelcol.exporter.debug.d.input]\n}\notelcol.exporter.debug \"d\" { }\n".to_owned();
    let given = vec!["argument.x.value"; times].join(", ");
    for number in 0..declares {
        write!(text, "declare \"d{number}\" {{\n\targument \"x\" {{ }}\n").unwrap();
        if number + 1 < declares {
            writeln!(text, "\td{} \"i\" {{\n\t\tx = [{given}]\n\t}}\n}}", number + 1).unwrap();
        } else {
            let receiver = format!("http {{ }}\n\t\toutput {{\n\t\t\tlogs = [{given}]\n\t\t}}");
            writeln!(text, "\totelcol.receiver.otlp \"in\" {{\n\t\t{receiver}\n\t}}\n}}").unwrap();
        }
    }
    text
}

#[test]
fn what_declares_hand_on_many_times_over_is_refused_and_left_when_nobody_waits() {
    let import_until = |text: &str, most: usize| {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let is_over = IsOver::new(move || counted.fetch_add(1, Ordering::Relaxed) >= most);
        let import = import(Runtime::Alloy, text, &ConfigSnapshot::default(), is_over);
        (errors(&import), asked.load(Ordering::Relaxed))
    };
    for (declares, times) in [(14, 20), (3, 2000)] {
        let text = handed_on(declares, times);
        let (refused, asked) = import_until(&text, usize::MAX);
        assert!(refused[0].contains("too_"), "{refused:?}");
        assert!(asked > 12, "it is asked again and again: {asked}");
        // What is over ends at the next question, but for one at each way back.
        for most in [10, asked / 2] {
            let (refused, until_over) = import_until(&text, most);
            assert!(refused[0].contains("too_"), "{refused:?}");
            assert!(until_over < most + 400 && (asked < 1000 || until_over < asked), "{until_over} of {asked}");
        }
    }
}

#[test]
fn thousands_of_components_take_bounded_time() {
    let mut text = "receivers: {nop: }\nexporters: {debug: }\nprocessors:\n".to_owned();
    let mut names = Vec::new();
    for number in 0..990 {
        writeln!(text, "  transform/{number}: {{error_mode: ignore, log_statements: [{{context: log, conditions: ['body != 1'], statements: ['set(body, {number}) where body == {number}']}}]}}").unwrap();
        names.push(format!("transform/{number}"));
    }
    writeln!(
        text,
        "service: {{pipelines: {{logs: {{receivers: [nop], processors: [{}], exporters: [debug]}}}}}}",
        names.join(", ")
    )
    .unwrap();
    let import = of_otelcol(&text);
    assert!(import.errors.is_empty(), "{:?}", import.errors);
    let document = &import.pipelines[0].document;
    assert_eq!(document.filters.len() + document.processors.len(), 990);
    let more = text.replace(
        "processors:\n",
        &format!("processors:\n{}", (0..20).map(|n| format!("  batch/{n}: {{}}\n")).collect::<String>()),
    );
    assert!(errors(&of_otelcol(&more))[0].starts_with("processors too_many"));
}

#[test]
fn no_secret_is_shown_or_stays_in_a_raw_text() {
    let import = of_otelcol(
        "receivers: {kafka/x: {brokers: [b], auth: {sasl: {username: u, password: hunter2, mechanism: PLAIN}}}}\n\
         exporters: {datadog: {api: {key: hunter2, site: x}}, honeycomb: {headers: {x-team: hunter2}}, nop: }\n\
         extensions: {oauth2client: {client_secret: hunter2}}\n\
         service: {telemetry: {metrics: {headers: {a: hunter2}}}, pipelines: {logs: {receivers: [kafka/x], exporters: [datadog, honeycomb, nop]}}}",
    );
    assert!(import.errors.is_empty());
    assert!(!serde_json::to_string(&import).unwrap().contains("hunter2"), "{import:?}");
    let reason = |path: &str| import.left_over.iter().find(|left| left.path == path).unwrap().reason.clone();
    assert!(reason("receivers.kafka/x").contains("in the clear"), "{}", reason("receivers.kafka/x"));
    assert!(reason("exporters.datadog").contains("in the clear"));
    assert_eq!(import.pipelines[0].document.destinations.len(), 1);
}

#[test]
fn what_a_text_names_is_not_read() {
    let import = of_otelcol(
        "receivers: {x: {include: '${file:/etc/passwd}'}}\nexporters: {nop: }\n\
         service: {pipelines: {logs: {receivers: [x], exporters: [nop]}}}",
    );
    let left = import.left_over.iter().find(|left| left.path == "receivers.x").unwrap();
    assert!(
        left.reason.contains("only `${env:NAME}` is allowed") && left.text.contains("${file:/etc/passwd}"),
        "{left:?}"
    );
    assert!(import.pipelines[0].document.sources.is_empty());
}

/// Pieces of both languages, in any order.
fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(of), 0..40).prop_map(|pieces| pieces.concat())
}

const YAML: &[&str] = &[
    "receivers:\n",
    "  otlp: {}\n",
    "  otlp/x:\n",
    "exporters:\n",
    "  debug:\n",
    "processors:\n",
    "  batch:\n",
    "  filter/x: {logs: {log_record: [a]}}\n",
    "connectors: {forward: {}}\n",
    "service:\n",
    "  pipelines:\n",
    "    logs:\n",
    "    traces/a:\n",
    "      receivers: [otlp]\n",
    "      processors: [batch, filter/x]\n",
    "      exporters: [debug]\n",
    "      exporters: [forward]\n",
    "  extensions: [x]\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "&a ",
    "*a",
    "!x ",
    "null",
    "1",
    "${env:X}",
    "$$",
    "\u{0}",
    "\t",
];

const ALLOY: &[&str] = &[
    "otelcol.receiver.otlp \"a\" {\n",
    "otelcol.processor.batch \"b\" {\n",
    "otelcol.exporter.debug \"c\" {\n",
    "}\n",
    "output {\n",
    "logs = [otelcol.processor.batch.b.input]\n",
    "traces = [otelcol.exporter.debug.c.input]\n",
    "declare \"d\" {\n",
    "argument \"x\" { }\n",
    "export \"y\" { value = argument.x.value }\n",
    "d \"e\" {\n",
    "x = otelcol.exporter.debug.c.input\n",
    "logs = [d.e.y]\n",
    "prometheus.scrape \"s\" {\n",
    "forward_to = []\n",
    "[",
    "]",
    "{",
    "(",
    "\"",
    "`",
    "sys.env(\"X\")",
    "1",
    "-",
    ".",
    "\u{0}",
    "// x\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_text_breaks_the_reading(yaml in prop_oneof![any::<String>(), pieces(YAML)], alloy in prop_oneof![any::<String>(), pieces(ALLOY)]) {
        for (runtime, text) in [(Runtime::Otelcol, &yaml), (Runtime::Alloy, &alloy), (Runtime::Otelcol, &alloy), (Runtime::Alloy, &yaml)] {
            let import = import_alone(runtime, text);
            let is_empty = import.pipelines.is_empty() && import.destinations.is_empty() && import.left_over.is_empty();
            prop_assert!(import.errors.is_empty() || is_empty);
        }
    }
}
