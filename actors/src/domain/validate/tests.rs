use std::collections::BTreeMap;

use super::*;
use crate::domain::{
    components::ComponentClass,
    config::Versioned,
    document::{parse_destination, parse_pipeline},
};

const CENTRAL: &str = "name: C\nkind: otlp_http\nsettings: {endpoint: 'https://otlp.example.com'}\n";
const SCREEN: &str = "name: S\nkind: debug\n";

mod loops;

fn repository(pipelines: &[(&str, &str)]) -> ConfigSnapshot {
    let mut config = ConfigSnapshot::default();
    for (id, text) in [("central", CENTRAL), ("screen", SCREEN)] {
        let document = parse_destination(text).unwrap();
        config.destinations.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    for (id, text) in pipelines {
        let document = parse_pipeline(text).unwrap();
        config.pipelines.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    config
}

fn collector(number: u32, runtime: Runtime, attributes: &[(&str, &str)]) -> CollectorFacts {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    CollectorFacts {
        id: CollectorId::from_bytes(id),
        name: format!("web-{number}").into(),
        runtime,
        stability: Stability::GenerallyAvailable,
        version: None,
        attributes: Arc::new(attributes),
        components: None,
    }
}

fn pipeline(extra: &str) -> String {
    let mut text = "name: x\nsignals: [logs]\nmatch: ['env=prod']\n".to_owned();
    for (key, default) in [
        ("sources:", "sources: [{id: apps, kind: otlp, settings: {grpc: {endpoint: '0.0.0.0:4317'}}}]\n"),
        ("destinations:", "destinations: [central]\n"),
    ] {
        if !extra.contains(key) {
            text.push_str(default);
        }
    }
    for line in extra.lines().filter(|l| l.starts_with("signals:") || l.starts_with("match:")) {
        let key = line.split_once(':').unwrap().0;
        text = text.lines().filter(|l| !l.starts_with(key)).map(|l| format!("{l}\n")).collect();
    }
    text + extra
}

fn check(extra: &str, config: &ConfigSnapshot, collectors: &[CollectorFacts]) -> Validation {
    let document = parse_pipeline(&pipeline(extra)).unwrap();
    validate_pipeline(&"x".parse().unwrap(), &document, config, &FleetFacts { collectors })
}

fn errors(extra: &str, config: &ConfigSnapshot, collectors: &[CollectorFacts]) -> Vec<String> {
    let validation = check(extra, config, collectors);
    validation.errors.into_iter().map(|p| format!("{} {}: {}", p.field, p.code, p.message)).collect()
}

fn codes(extra: &str) -> Vec<String> {
    let validation = check(extra, &repository(&[]), &[]);
    validation.errors.into_iter().map(|p| format!("{} {}", p.field, p.code)).collect()
}

#[test]
fn a_right_pipeline_has_nothing_to_say() {
    let collectors =
        [collector(1, Runtime::Otelcol, &[("env", "prod")]), collector(2, Runtime::Alloy, &[("env", "prod")])];
    assert_eq!(check("", &repository(&[]), &collectors), Validation { errors: Vec::new(), warnings: Vec::new() });
}

#[test]
fn every_problem_is_found_in_one_go() {
    let found = codes(
        "match: ['env=', 'a==', '=']\nsignals: [logs, logs]\nsources:\n  - {id: a, kind: otpl, settings: {}}\n  - {id: b, kind: otlp, settings: {grcp: {}}}\n\
         filters:\n  - {id: b, kind: severity, settings: {minimum: inf}}\n  - {id: in, kind: attributes, settings: {}}\n\
         processors:\n  - {id: d, kind: batch, settings: {timeout: soon, send_batch_size: 0}}\ndestinations: [centrall, central, central]\n",
    );
    assert_eq!(
        found,
        [
            "match[1] invalid_matcher",
            "match[2] invalid_matcher",
            "filters[0].id duplicate",
            "filters[1].id reserved",
            "sources[0].kind unknown_kind",
            "sources[1].settings.grcp unknown_field",
            "filters[0].settings.minimum unknown_value",
            "filters[1].kind unknown_kind",
            "processors[0].settings.timeout invalid_value",
            "processors[0].settings.send_batch_size out_of_range",
            "destinations[0] unknown_destination",
            "destinations[2] duplicate",
        ]
    );
}

#[test]
fn messages_say_what_would_be_right() {
    let config = repository(&[]);
    let one = |extra: &str| errors(extra, &config, &[]).remove(0);
    assert!(one("sources: [{id: a, kind: otpl}]\n").ends_with("did you mean `otlp`?"));
    assert!(one("sources: [{id: a, kind: batch}]\n").ends_with("it is a processor"));
    assert!(one("filters: [{id: a, kind: severity, settings: {minimum: warning}}]\n").contains("did you mean `warn`?"));
    assert!(one("destinations: [centrl]\n").ends_with("did you mean `central`?"));
    assert!(one("filters: [{id: a, kind: severity, settings: {}}]\n").ends_with("must be given"));
}

#[test]
fn one_statement_that_is_no_ottl_hides_nothing_of_the_others() {
    let statements = "processors: [{id: o, kind: ottl, settings: {statements: ['set(', 'set(body, 1)', 'set(nope, 1)', ' ', '']}}]\n";
    assert_eq!(
        codes(statements),
        [0, 2, 3, 4].map(|n| format!("processors[0].settings.statements[{n}] invalid_value"))
    );
    let raw = "processors: [{id: o, kind: raw, settings: {otelcol: 'transform: {log_statements: [{context: log, \
               statements: [\"set(\", \"set(nope, 1)\"]}]}'}}]\n";
    assert_eq!(codes(raw), ["processors[0].settings.otelcol invalid_value"; 2]);
}

#[test]
fn every_signal_needs_a_source_that_brings_it() {
    assert_eq!(
        codes("signals: [logs, metrics]\nsources: [{id: f, kind: file_log, settings: {include: [/a]}}]\n"),
        ["signals[1] no_source"]
    );
    assert_eq!(
        codes("signals: [traces]\nfilters: [{id: f, kind: severity, settings: {minimum: info}}]\n"),
        ["filters[0].kind wrong_signal"]
    );
    assert_eq!(codes("signals: [logs, logs]\n"), ["signals[1] duplicate"]);
    assert_eq!(
        codes("signals: []\nsources: []\ndestinations: []\n"),
        ["signals missing", "sources missing", "destinations missing"]
    );
}

#[test]
fn the_environment_is_for_secrets_only() {
    assert_eq!(
        codes(
            "processors: [{id: a, kind: attributes, settings: {actions: [{action: set, key: k, value: '${env:HOME}'}]}}]\n"
        ),
        ["processors[0].settings.actions[0].value env_not_allowed"]
    );
    let document = parse_destination(
        "name: C\nkind: otlp_http\nsettings: {endpoint: 'https://${env:H}', headers: {a: '${env:A}', b: 'x${env:B}', 'c d': x, e: {sealed: true}, f: 3}}\n",
    );
    let validation =
        validate_destination(&"c".parse().unwrap(), &document.unwrap(), &repository(&[]), &FleetFacts::default());
    let found: Vec<String> = validation.errors.into_iter().map(|p| format!("{} {}", p.field, p.code)).collect();
    assert_eq!(
        found,
        [
            "settings.endpoint env_not_allowed",
            "settings.headers.b invalid_value",
            "settings.headers.c d invalid_value",
            "settings.headers.f wrong_type",
        ]
    );
}

#[test]
fn raw_texts_stay_within_their_component() {
    for (settings, part) in [
        ("{otelcol: 'a: {}\n\n  b: {}'}", "otelcol invalid_value"),
        ("{otelcol: '[]'}", "otelcol invalid_value"),
        ("{otelcol: 'x: 3'}", "otelcol invalid_value"),
        ("{otelcol: 'x: {a: \"${file:/etc/passwd}\"}'}", "otelcol invalid_value"),
        ("{otelcol: 'x: {password: hunter2}'}", "otelcol literal_secret"),
        ("{otelcol: 'x: {headers: {Authorization: Bearer x}}'}", "otelcol literal_secret"),
        ("{otelcol: 'x: {headers: {X-Honeycomb-Team: abc}}'}", "otelcol literal_secret"),
        ("{otelcol: 'x: {headers: {x-team: \"${env:T:-abc}\"}}'}", "otelcol literal_secret"),
        ("{alloy: \"otelcol.receiver.otlp { headers = {x = `abc`} }\"}", "alloy literal_secret"),
        ("{otelcol: 'journald: {journalctl_path: /x/evil.sh}'}", "otelcol invalid_value"),
        ("{otelcol: 'x: {operators: [{type: file_output, path: /etc/cron.d/x}]}'}", "otelcol invalid_value"),
        ("{otelcol: 'x: {credentials_file: /etc/shadow}'}", "otelcol invalid_value"),
        ("{alloy: \"otelcol.receiver.x { credentials_file = `/etc/shadow` }\"}", "alloy invalid_value"),
        ("{otelcol: \"x: {a: 0755, b: '0755'}\"}", "otelcol invalid_value"),
        ("{alloy: 'otelcol.exporter.debug {}'}", "alloy invalid_value"),
        ("{alloy: 'otelcol.receiver.otlp {} \n}'}", "alloy invalid_value"),
        ("{alloy: \"otelcol.receiver.otlp {}\\ndeclare \\\"x\\\" {}\"}", "alloy invalid_value"),
        ("{alloy: \"otelcol.receiver.otlp { output {} }\"}", "alloy invalid_value"),
        ("{alloy: \"otelcol.receiver.otlp { a = otelcol.exporter.otlp.x.input }\"}", "alloy invalid_value"),
        ("{alloy: \"otelcol.receiver.otlp { token = `hunter2` }\"}", "alloy literal_secret"),
        ("{otelcol: 'zipkin: {endpoint: \"${env:ADDRESS}\"}'}", "otelcol invalid_value"),
        ("{alloy: 'otelcol.receiver.zipkin { endpoint = sys.env(\"ADDRESS\") }'}", "alloy invalid_value"),
    ] {
        let found = codes(&format!("sources: [{{id: r, kind: raw, settings: {settings}}}]\n"));
        assert_eq!(found, [format!("sources[0].settings.{part}")], "{settings}");
    }
    assert_eq!(codes("sources: [{id: r, kind: raw}]\n"), ["sources[0].settings missing"]);
    assert!(codes("sources: [{id: r, kind: raw, settings: {otelcol: 'x: {password: \"${env:P}\"}', alloy: 'otelcol.receiver.otlp { token = sys.env(\"T\") }'}}]\n").is_empty());
}

#[test]
fn log_files_of_every_folder_are_warned_of_and_those_of_secrets_refused() {
    let files = |pattern: &str| {
        format!("sources: [{{id: r, kind: file_log, settings: {{include: [/var/log/a.log, '{pattern}']}}}}]\n")
    };
    let warned = |pattern: &str| -> Vec<String> {
        let warnings = check(&files(pattern), &repository(&[]), &[]).warnings.into_iter();
        warnings.map(|p| format!("{} {}", p.field, p.code)).filter(|found| found.contains("wide")).collect()
    };
    assert_eq!(warned("/**/*.log"), ["sources[0].settings.include[1] wide_pattern"]);
    assert!(warned("/var/log/**/*.log").is_empty());
    assert!(codes(&files("/**/*.log")).is_empty());
    assert_eq!(codes(&files("/etc/./shadow")), ["sources[0].settings.include[1] invalid_value"]);
    assert_eq!(codes(&files("/**")), ["sources[0].settings.include[1] invalid_value"]);
    for raw in [
        "otelcol: 'filelog: {include: [/proc/self/environ]}'",
        "alloy: 'otelcol.receiver.filelog { include = [\"/etc//shadow\"] }'",
    ] {
        let (field, _) = raw.split_once(':').unwrap();
        let found = codes(&format!("sources: [{{id: r, kind: raw, settings: {{{raw}}}}}]\n"));
        assert_eq!(found, [format!("sources[0].settings.{field} invalid_value")]);
    }
}

#[test]
fn a_stability_above_a_collectors_is_an_error_that_names_it() {
    let config = repository(&[]);
    let mut preview = collector(3, Runtime::Alloy, &[("env", "prod")]);
    preview.stability = Stability::PublicPreview;
    let collectors = [
        collector(1, Runtime::Alloy, &[("env", "prod")]),
        collector(2, Runtime::Otelcol, &[("env", "prod")]),
        preview,
        collector(4, Runtime::Alloy, &[("env", "dev")]),
    ];
    let files = "sources: [{id: f, kind: file_log, settings: {include: [/a]}}]\n";
    let found = errors(files, &config, &collectors);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("sources[0].kind stability:") && found[0].ends_with("set lower on web-1"),
        "{found:?}"
    );
    let found = errors("destinations: [central, screen]\n", &config, &collectors);
    assert!(found[0].starts_with("destinations[1] stability:") && found[0].ends_with("web-1, web-3"), "{found:?}");
    assert!(errors(&format!("{files}enabled: false\n"), &config, &collectors).is_empty());
    assert!(errors(&format!("{files}match: []\n"), &config, &collectors).is_empty());
}

#[test]
fn a_destination_is_checked_with_the_pipelines_that_use_it() {
    let config = repository(&[("x", &pipeline(""))]);
    let collectors = [collector(1, Runtime::Alloy, &[("env", "prod")])];
    let document = parse_destination(SCREEN).unwrap();
    let fleet = FleetFacts { collectors: &collectors };
    let validate = |id: &str| validate_destination(&id.parse().unwrap(), &document, &config, &fleet).errors;
    let found = validate("central");
    assert_eq!((found[0].field.as_str(), found[0].code.as_str()), ("kind", "stability"));
    assert!(validate("screen").is_empty());
}

#[test]
fn a_component_of_alloys_community_is_a_warning_that_names_who_gets_it() {
    let config = repository(&[("x", &pipeline(""))]);
    let collectors =
        [collector(1, Runtime::Alloy, &[("env", "prod")]), collector(2, Runtime::Otelcol, &[("env", "prod")])];
    let splunk = "name: S\nkind: splunk_hec\nsettings: {endpoint: 'https://s:8088', token: '${env:T}'}\n";
    let document = parse_destination(splunk).unwrap();
    let warnings = |collectors: &[CollectorFacts]| {
        validate_destination(&"central".parse().unwrap(), &document, &config, &FleetFacts { collectors }).warnings
    };
    let found = warnings(&collectors);
    assert_eq!((found[0].field.as_str(), found[0].code.as_str()), ("kind", "community_component"));
    assert!(found[0].message.ends_with("web-1"), "{found:?}");
    assert!(warnings(&collectors[1..]).is_empty());
}

#[test]
fn a_destination_keeps_taking_what_its_pipelines_send() {
    let raw = |signals: &str| format!("name: R\nkind: raw\nsettings: {{otelcol: 'x: {{}}', signals: {signals}}}\n");
    let of_raw = "signals: [logs, traces]\ndestinations: [raw]\n";
    let both = "signals: [logs, traces]\ndestinations: [raw, central]\n";
    let mut config = repository(&[("x", &pipeline(of_raw)), ("y", &pipeline(both))]);
    let stored = parse_destination(&raw("[logs, traces]")).unwrap();
    config.destinations.insert("raw".parse().unwrap(), Arc::new(Versioned::unsaved(stored)));
    let errors = |text: &str, config: &ConfigSnapshot| {
        let document = parse_destination(text).unwrap();
        let validation = validate_destination(&"raw".parse().unwrap(), &document, config, &FleetFacts::default());
        validation.errors.into_iter().map(|e| format!("{} {}: {}", e.field, e.code, e.message)).collect::<Vec<_>>()
    };
    let lost = "settings no_destination: the pipeline x sends traces here, and no other destination of it takes them";
    assert_eq!(errors(&raw("[logs]"), &config), [lost]);
    assert_eq!(errors(&raw("[metrics]"), &config).len(), 2, "both kinds of it");
    assert_eq!(errors(&raw("[]"), &config), [""; 0], "all kinds");
    assert_eq!(errors(CENTRAL, &config), [""; 0], "another kind of destination that takes them");
    // What a hand-made commit did already does not stop who mends a part of it.
    let narrow = parse_destination(&raw("[metrics]")).unwrap();
    config.destinations.insert("raw".parse().unwrap(), Arc::new(Versioned::unsaved(narrow)));
    assert_eq!(errors(&raw("[logs]"), &config), [""; 0]);
}

#[test]
fn a_part_for_one_runtime_is_an_error_where_the_other_matches() {
    let config = repository(&[]);
    let raw = "sources: [{id: r, kind: raw, settings: {otelcol: 'journald: {}'}}]\n";
    assert!(errors(raw, &config, &[collector(1, Runtime::Otelcol, &[("env", "prod")])]).is_empty());
    let found = errors(raw, &config, &[collector(1, Runtime::Alloy, &[("env", "prod")])]);
    assert_eq!(found, ["sources[0].settings.alloy unsupported: has no text for Alloy, and Alloys match: web-1"]);
}

#[test]
fn host_metrics_know_their_limits() {
    let config = repository(&[]);
    let text = "signals: [metrics]\nsources: [{id: h, kind: host_metrics}]\n";
    let windows = collector(1, Runtime::Alloy, &[("env", "prod"), ("collector.os", "windows")]);
    let found = errors(text, &config, std::slice::from_ref(&windows));
    assert_eq!(found, ["sources[0].kind unsupported: Alloy cannot run it on windows: web-1"]);
    let both = [collector(1, Runtime::Alloy, &[("env", "prod")]), collector(2, Runtime::Otelcol, &[("env", "prod")])];
    let validation = check(text, &config, &both);
    assert_eq!(validation.errors, []);
    assert_eq!(validation.warnings[0].code, "runtimes_differ");
}

#[test]
fn collectors_that_report_an_older_version_than_a_part_needs_are_named() {
    let config = repository(&[]);
    let of = |number, runtime, version: &str| {
        let mut collector = collector(number, runtime, &[("env", "prod")]);
        collector.version = Some(version.into());
        collector
    };
    let (otelcol, alloy) = (Runtime::Otelcol, Runtime::Alloy);
    let collectors = [
        of(1, otelcol, "0.158.0"),
        of(2, otelcol, "0.101.3"),
        of(3, otelcol, "0.96.0"),
        of(4, otelcol, "sixteen"),
        of(5, alloy, "1.2.1"),
        of(6, alloy, "v1.3.0"),
    ];
    let warned = |text: &str, collectors: &[CollectorFacts]| -> Vec<String> {
        let validation = check(text, &config, collectors);
        assert_eq!(validation.errors, []);
        validation.warnings.into_iter().map(|w| format!("{} {}: {}", w.field, w.code, w.message)).collect()
    };
    let sample = "signals: [traces]\nfilters: [{id: f, kind: sample, settings: {percentage: 10}}]\n";
    assert_eq!(
        warned(sample, &collectors),
        [
            "filters[0].kind older_version: `sample` needs Alloy 1.3 or newer; older by their report: web-5",
            "filters[0].kind older_version: `sample` needs otelcol 0.103 or newer; older by their report: web-2, web-3",
        ]
    );
    assert_eq!(warned(sample, &collectors[..1]), [""; 0]);
    let newer =
        "filters: [{id: f, kind: ottl, settings: {condition: 'IsInCIDR(body, [\"10.0.0.0/8\"])', action: drop}}]\n";
    assert_eq!(
        warned(newer, &collectors[..2]),
        ["filters[0].kind older_version: `ottl` with these settings needs otelcol 0.146 or newer; older by their \
             report: web-2"]
    );
    let when = "destinations: [{id: central, when: 'IsInCIDR(body, [\"10.0.0.0/8\"])'}]\n";
    assert_eq!(
        warned(when, &collectors[..2]),
        ["destinations[0].when older_version: a function in it needs otelcol 0.146 or newer; older by their report: \
             web-2"]
    );
}

#[test]
fn a_component_that_a_build_lacks_is_named() {
    let config = repository(&[]);
    let mut build = BuildComponents::default();
    for (class, kind) in [
        (ComponentClass::Receivers, "otlp"),
        (ComponentClass::Processors, "filter"),
        (ComponentClass::Processors, "memory_limiter"),
        (ComponentClass::Exporters, "otlp_http"),
    ] {
        build.insert(class, kind);
    }
    let mut small = collector(1, Runtime::Otelcol, &[("env", "prod")]);
    small.components = Some(Arc::new(build));
    let collectors = [small, collector(2, Runtime::Otelcol, &[("env", "prod")])];
    assert!(errors("", &config, &collectors).is_empty());
    let found = errors("processors: [{id: b, kind: batch}]\n", &config, &collectors);
    assert_eq!(found, ["processors[0].kind missing_component: processors has no `batch` in the build of web-1"]);
}

#[test]
fn pipelines_that_meet_on_a_port_are_both_named() {
    let source =
        |endpoint: &str| format!("sources: [{{id: s, kind: otlp, settings: {{http: {{endpoint: '{endpoint}'}}}}}}]\n");
    let config = repository(&[
        ("other", &pipeline(&format!("{}match: ['team=shop']\n", source("127.0.0.1:4317")))),
        ("off", &pipeline(&format!("{}enabled: false\n", source("127.0.0.1:4317")))),
    ]);
    let meets = collector(1, Runtime::Otelcol, &[("env", "prod"), ("team", "shop")]);
    let apart = collector(2, Runtime::Otelcol, &[("env", "prod")]);
    assert!(errors("", &config, std::slice::from_ref(&apart)).is_empty());
    let found = errors("", &config, &[meets.clone(), apart]);
    assert_eq!(
        found,
        ["sources[0].settings.grpc.endpoint port_conflict: pipelines x and other would both listen on 0.0.0.0:4317, \
          with different settings, on web-1"]
    );
    // The same settings share one receiver.
    assert!(errors(&source("127.0.0.1:4317"), &config, std::slice::from_ref(&meets)).is_empty());
    assert!(errors(&source("127.0.0.1:4319"), &config, std::slice::from_ref(&meets)).is_empty());
}

#[test]
fn raw_listener_meets_others_at_its_default_address() {
    let raw = |settings: &str| format!("sources: [{{id: r, kind: raw, settings: {settings}}}]\n");
    let config = repository(&[("other", &pipeline(""))]);
    let of = |runtime| [collector(1, runtime, &[("env", "prod")])];
    let on_otelcol = raw("{otelcol: 'otlp: {protocols: {grpc: {}}}'}");
    let on_alloy = raw("{alloy: 'otelcol.receiver.otlp { grpc {} }'}");
    for (text, runtime, field) in [(on_otelcol, Runtime::Otelcol, "otelcol"), (on_alloy, Runtime::Alloy, "alloy")] {
        let found = errors(&text, &config, &of(runtime));
        assert_eq!(found.len(), 1, "{found:?}");
        let expected = format!("sources[0].settings.{field} port_conflict: pipelines x and other would both listen on");
        assert!(found[0].starts_with(&expected), "{found:?}");
    }
    // What the environment may say of the host, it may say of this one.
    let anywhere = raw("{otelcol: 'otlp: {protocols: {grpc: {endpoint: \"${env:IP}:4317\"}}}'}");
    assert_eq!(errors(&anywhere, &config, &of(Runtime::Otelcol)).len(), 1);
    let elsewhere = raw("{otelcol: 'otlp: {protocols: {http: {}}}'}");
    assert_eq!(errors(&elsewhere, &config, &of(Runtime::Otelcol)), [""; 0]);
}

#[test]
fn many_pipelines_are_judged_together_as_each_is_alone() {
    let source = |endpoint: &str, more: &str| {
        format!("sources: [{{id: s, kind: otlp, settings: {{grpc: {{endpoint: '{endpoint}'}}{more}}}}}]\n")
    };
    let (one, other) = ("match: ['team=shop']\n", "match: ['team=~\"sh.*|mail\"', 'env=prod']\n");
    let pipelines = [
        ("a", pipeline(&source("0.0.0.0:4317", ""))),
        ("b", pipeline(&source("0.0.0.0:4317", ""))),
        ("c", pipeline(&format!("{}{one}", source("127.0.0.1:4317", "")))),
        ("d", pipeline(&format!("{}{other}", source("localhost:4317", ", http: {endpoint: '0.0.0.0:4318'}")))),
        ("e", pipeline(&format!("{}{other}", source("0.0.0.0:9000", ", http: {endpoint: '127.0.0.1:4318'}")))),
        (
            "f",
            pipeline(&format!("{}match: ['team=none']\n", source("0.0.0.0:4317", ", http: {endpoint: '0.0.0.0:1'}"))),
        ),
        ("g", pipeline(&format!("{}enabled: false\n", source("127.0.0.2:4317", "")))),
        ("h", pipeline("sources: [{id: f, kind: file_log, settings: {include: [/a]}}]\nmatch: ['tema=shop']\n")),
        ("i", pipeline("match: ['=']\n")),
    ];
    let pipelines: Vec<(&str, &str)> = pipelines.iter().map(|(id, text)| (*id, text.as_str())).collect();
    let config = repository(&pipelines);
    let of_team = |number, team| collector(number, Runtime::Otelcol, &[("env", "prod"), ("team", team)]);
    let collectors = [of_team(1, "shop"), of_team(2, "mail"), of_team(3, "else")];
    let fleet = FleetFacts { collectors: &collectors };
    let checks = Checks::of_many(&config, fleet);
    let mut conflicts = BTreeMap::new();
    for (id, pipeline) in &config.pipelines {
        let together = checks.pipeline(id, &pipeline.document);
        assert_eq!(together, validate_pipeline(id, &pipeline.document, &config, &fleet), "{id}");
        conflicts.insert(id.as_str(), together.errors.iter().filter(|problem| problem.code == "port_conflict").count());
    }
    let expected = [("a", 2), ("b", 2), ("c", 3), ("d", 4), ("e", 1), ("f", 0), ("g", 0), ("h", 0), ("i", 0)];
    assert_eq!(conflicts, expected.into());
}

#[test]
fn a_mask_that_nested_data_would_pass_is_a_warning() {
    let mask = "{id: hide, kind: mask, settings: {patterns: [email]}}";
    let parse = |settings: &str| format!("{{id: take, kind: parse, settings: {{format: json{settings}}}}}");
    let files = |settings: &str| {
        format!("sources: [{{id: in, kind: file_log, settings: {{include: [/var/log/a], format: json{settings}}}}}]\n")
    };
    let warned = |source: &str, steps: &[&str]| {
        let text = format!("{source}processors: [{}]\n", steps.join(", "));
        let Validation { errors, warnings } = check(&text, &repository(&[]), &[]);
        assert_eq!(errors, Vec::new(), "{text}");
        warnings.into_iter().map(|p| format!("{} {}: {}", p.field, p.code, p.message)).collect::<Vec<_>>()
    };
    let expected = |at: &str, by: &str| {
        format!(
            "processors[{at}].settings nested: masks attributes that are texts, not what is in mappings and lists: set \
             `flatten` of {by} in front of it, and they become attributes"
        )
    };
    assert_eq!(warned("", &[&parse(""), mask]), [expected("1", "processors[0]")]);
    assert_eq!(warned(&files(""), &[mask]), [expected("0", "sources[0]")]);
    for (source, steps) in [
        ("", vec![parse(", flatten: true"), mask.to_owned()]),
        ("", vec![mask.to_owned(), parse("")]),
        ("", vec![parse("").replace("json", "key_value"), mask.to_owned()]),
        ("", vec![parse(""), mask.replace("[email]", "[email], in: [body]")]),
        (&*files(", flatten: true"), vec![mask.to_owned()]),
    ] {
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        assert_eq!(warned(source, &steps), Vec::<String>::new(), "{source} {steps:?}");
    }
}

#[test]
fn one_pipeline_does_not_bind_an_address_twice() {
    let text = "sources:\n  - {id: a, kind: otlp, settings: {grpc: {endpoint: '0.0.0.0:4317'}}}\n  - {id: b, kind: otlp, settings: {http: {endpoint: 'localhost:4317'}}}\n";
    let found = errors(text, &repository(&[]), &[]);
    assert_eq!(
        found,
        [
            "sources[1].settings.http.endpoint port_conflict: sources[0] listens on 0.0.0.0:4317 already, with other settings"
        ]
    );
    assert_eq!(
        codes(
            "sources: [{id: a, kind: otlp, settings: {grpc: {endpoint: '0.0.0.0:1'}, http: {endpoint: '127.0.0.1:1'}}}]\n"
        ),
        ["sources[0].settings.http.endpoint port_conflict"]
    );
}

#[test]
fn matchers_that_meet_nothing_are_a_warning() {
    let collectors = [collector(1, Runtime::Alloy, &[("env", "dev")])];
    let validation = check("match: ['env=prod', 'tema=shop']\n", &repository(&[]), &collectors);
    assert_eq!(validation.errors, []);
    let found: Vec<String> = validation.warnings.into_iter().map(|p| format!("{} {}", p.field, p.code)).collect();
    assert_eq!(found, ["match[1] unknown_attribute", "match matches_nothing"]);
}

#[test]
fn a_thousand_pipelines_with_one_receiver_are_looked_at_as_one() {
    let collectors: Vec<_> =
        (0..5000).map(|n| collector(n, Runtime::Otelcol, &[("env", "prod"), ("host.name", "web-1")])).collect();
    let found = |protocol: &str, pipelines: u32| {
        let text = pipeline(&format!(
            "match: ['host.name=~\"web-.*\"']\nsources: [{{id: s, kind: otlp, settings: {{{protocol}: {{endpoint: '0.0.0.0:4317'}}}}}}]\n"
        ));
        let others: Vec<(String, &str)> = (0..pipelines).map(|n| (format!("p{n}"), text.as_str())).collect();
        let others: Vec<(&str, &str)> = others.iter().map(|(id, text)| (id.as_str(), *text)).collect();
        let config = repository(&others);
        let document = parse_pipeline(&pipeline("")).unwrap();
        let checks = Checks::of_one(&config, FleetFacts { collectors: &collectors });
        let errors = checks.pipeline(&"x".parse().unwrap(), &document).errors;
        let selected = checks.selections.borrow().len();
        (errors.into_iter().map(|problem| problem.message).collect::<Vec<_>>(), selected, checks.claims().asked())
    };
    // The fleet is gone through once for the pipeline itself, and not for others that want the same.
    assert_eq!(found("grpc", 1000), (vec![], 1, (1, 0)));
    // Where they want something else it is gone through once more, for all of them.
    let message = |other| {
        format!(
            "pipelines x and p{other} would both listen on 0.0.0.0:4317, with different settings, on web-0, web-1, \
             web-10, web-100, web-1000 and 4995 more"
        )
    };
    assert_eq!(found("http", 2), (vec![message(0), message(1)], 1, (1, 1)));
    let (messages, selected, asked) = found("http", 1000);
    assert_eq!((messages.len(), &messages[0], selected, asked), (100, &message(0), 1, (1, 1)));
}
