use super::*;

#[test]
fn records_that_would_come_back_are_named_with_their_way() {
    let to = |url: &str| format!("name: L\nkind: otlp_http\nsettings: {{endpoint: '{url}'}}\n");
    let receiver = |port: u16, destination: &str| {
        pipeline(&format!(
            "sources: [{{id: s, kind: otlp, settings: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}]\ndestinations: [{destination}]\n"
        ))
    };
    let mut config = repository(&[("next", &receiver(4318, "there")), ("other", &receiver(4320, "central"))]);
    for (id, url) in [
        ("here", "http://localhost:4318"),
        ("there", "http://WEB:4319/x"),
        ("far", "http://web-2:4318"),
        ("aside", "http://[::1]:4320"),
    ] {
        let document = parse_destination(&to(url)).unwrap();
        config.destinations.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    let fleet = [collector(1, Runtime::Otelcol, &[("env", "prod"), ("host.name", "web")])];
    let found = |extra: &str| {
        let Validation { errors, warnings } = check(extra, &config, &fleet);
        let line = |problem: linkmesh_proto::api::problem::FieldProblem| {
            format!("{} {}: {}", problem.field, problem.code, problem.message)
        };
        errors.into_iter().chain(warnings).map(line).collect::<Vec<_>>()
    };
    let source = |port: u16| format!("sources: [{{id: s, kind: otlp, settings: {{http: {{endpoint: ':{port}'}}}}}}]\n");
    assert_eq!(found(&format!("{}destinations: [far]\n", source(4319))), [""; 0]);
    let other_loopback = "sources: [{id: s, kind: otlp, settings: {http: {endpoint: '127.0.0.2:4320'}}}]\n";
    assert_eq!(found(&format!("{other_loopback}destinations: [far]\n")), [""; 0]);
    assert_eq!(
        found(&format!("{}destinations: [central, there]\n", source(4319))),
        ["destinations[1] loop: sends to WEB:4319, where this pipeline listens itself, on web-1"]
    );
    assert_eq!(
        found(&format!("{}destinations: [{{id: here, when: 'severity_number > 9'}}]\n", source(4319))),
        ["destinations[0] loop: records come back by next, on web-1"]
    );
    assert_eq!(
        found(&format!("{}destinations: [aside, here]\n", source(4321))),
        [
            "destinations[0] same_collector: sends to the pipeline other of the same collector, on web-1",
            "destinations[1] same_collector: sends to the pipeline next of the same collector, on web-1"
        ]
    );
    // A destination that is turned round is told of all who send to it.
    let turned = parse_destination(&to("http://127.0.0.1:4318")).unwrap();
    let validation =
        validate_destination(&"there".parse().unwrap(), &turned, &config, &FleetFacts { collectors: &fleet });
    let errors: Vec<_> =
        validation.errors.into_iter().map(|p| format!("{} {}: {}", p.field, p.code, p.message)).collect();
    assert_eq!(
        errors,
        ["settings loop: the pipeline next: sends to 127.0.0.1:4318, where this pipeline listens itself, on web-1"]
    );
}

#[test]
fn records_that_come_back_by_a_file_are_named_with_their_way() {
    let reader = |id: &str, include: &str, destination: &str| {
        let source = format!("sources: [{{id: {id}, kind: file_log, settings: {{include: ['{include}']}}}}]\n");
        pipeline(&format!("{source}destinations: [{destination}]\n"))
    };
    let mut config = repository(&[("next", &reader("n", "/data/*.json", "there"))]);
    for (id, settings) in [
        ("here", "path: /data/out.json"),
        ("there", "path: /srv/app/out.log, rotation: {}"),
        ("far", "path: /else/out"),
    ] {
        let document = parse_destination(&format!("name: F\nkind: file\nsettings: {{{settings}}}\n")).unwrap();
        config.destinations.insert(id.parse().unwrap(), Arc::new(Versioned::unsaved(document)));
    }
    let fleet = [collector(1, Runtime::Otelcol, &[("env", "prod")])];
    let found = |files: &str, destination: &str| {
        let source = format!("sources: [{{id: s, kind: file_log, settings: {{{files}}}}}]\n");
        let Validation { errors, warnings } =
            check(&format!("{source}destinations: [{destination}]\n"), &config, &fleet);
        let all = errors.into_iter().chain(warnings).filter(|p| p.code != "unbounded");
        all.map(|p| format!("{} {}: {}", p.field, p.code, p.message)).collect::<Vec<_>>()
    };
    let itself = ["destinations[0] loop: writes /srv/app/out.log, which this pipeline reads itself, on web-1"];
    assert_eq!(found("include: ['/srv/**/*.log']", "there"), itself);
    // What rotation leaves is read, too.
    assert_eq!(found("include: ['/srv/app/*.log'], exclude: [/srv/app/out.log]", "there"), itself);
    assert_eq!(found("include: ['/srv/**/*.log'], exclude: ['/srv/app/out*']", "there"), [""; 0]);
    assert_eq!(found("include: ['/srv/*.log']", "far"), [""; 0]);
    assert_eq!(
        found("include: ['/srv/app/*.log']", "here"),
        ["destinations[0] loop: records come back by next, on web-1"]
    );
    assert_eq!(
        found("include: [/var/log/a]", "here"),
        [
            "destinations[0] same_collector: writes /data/out.json, which the pipeline next of the same collector reads, on web-1"
        ]
    );
    // A destination that is turned round is told of all who send to it.
    let turned = parse_destination("name: F\nkind: file\nsettings: {path: /data/x.json, rotation: {}}\n").unwrap();
    let Validation { errors, .. } =
        validate_destination(&"there".parse().unwrap(), &turned, &config, &FleetFacts { collectors: &fleet });
    assert_eq!(
        errors.into_iter().map(|p| p.message).collect::<Vec<_>>(),
        ["the pipeline next: writes /data/x.json, which this pipeline reads itself, on web-1"]
    );
}
