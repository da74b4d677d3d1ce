use super::*;
use crate::{component::ALL_SIGNALS, domain::components::ComponentClass, import::defaults::complete};

mod changed;

/// What a component renders to.
fn unit(registered: &Registered, settings: &SettingsMap, runtime: Runtime) -> Option<Unit> {
    let filled = schema::with_defaults(registered.schema(), settings);
    let mut signals = registered.component().signals_with(&filled);
    signals.sort_unstable();
    let observed = match registered.role() {
        Role::Source | Role::Destination => signals.clone(),
        Role::Filter | Role::Processor => ALL_SIGNALS.to_vec(),
    };
    let name = "probe".to_owned();
    let mut unit = Unit { runtime, observed, signals, name, kinds: Vec::new(), tree: Tree::Null };
    unit.tree = rendered::rendering(registered, settings, &unit)?;
    unit.kinds = types(&unit.tree);
    Some(unit)
}

/// Every kind but those in the runtime's own language, which are recognised by nothing.
fn components() -> impl Iterator<Item = &'static Registered> {
    catalogue().components().iter().filter(|registered| registered.kind() != "raw")
}

#[test]
fn no_example_needs_more_than_a_component_may_take() {
    for registered in components() {
        for (title, settings) in registered.component().examples() {
            for runtime in [Runtime::Otelcol, Runtime::Alloy] {
                let Some(unit) = unit(registered, settings.as_object().unwrap(), runtime) else { continue };
                let mut budget = Budget { left: Budget::COMPONENT, is_over: IsOver::NEVER };
                let found = search::search(registered, &unit, &mut budget);
                assert!(found.is_ok() && budget.left > 0, "{registered:?} `{title}` {runtime:?}");
            }
        }
    }
}

#[test]
fn what_differs_in_one_value_is_not_recognised() {
    let registered = catalogue().get(Role::Destination, "debug").unwrap();
    let mut unit = unit(registered, &SettingsMap::new(), Runtime::Otelcol).unwrap();
    assert!(recognise(&unit, &[Role::Destination], &mut Budget::of_config(IsOver::NEVER)).is_ok());
    let config = Tree::map([("verbosity", Tree::text("normal")), ("sampling_initial", Tree::Number(7.into()))]);
    unit.tree = Tree::List(vec![Tree::map([("type", Tree::text("debug")), ("config", config)])]);
    assert!(recognise(&unit, &[Role::Destination], &mut Budget::of_config(IsOver::NEVER)).is_err());
}

#[test]
fn a_spent_budget_ends_the_search() {
    let registered = catalogue().get(Role::Destination, "debug").unwrap();
    let unit = unit(registered, &SettingsMap::new(), Runtime::Otelcol).unwrap();
    let mut budget = Budget { left: 0, is_over: IsOver::NEVER };
    assert!(budget.is_spent() && recognise(&unit, &[Role::Destination], &mut budget).is_err());
}

fn otelcol_unit(class: ComponentClass, kind: &str, config: &str) -> Unit {
    let config = Tree::of_otelcol(&serde_norway::from_str::<Value>(config).unwrap());
    let config = complete(Runtime::Otelcol, class, kind, config);
    let tree = Tree::List(vec![Tree::map([("type", Tree::text(kind)), ("config", config)])]);
    let (observed, signals) = (vec![Signal::Metrics], vec![Signal::Metrics]);
    Unit { runtime: Runtime::Otelcol, observed, signals, name: "probe".to_owned(), kinds: types(&tree), tree }
}

#[test]
fn what_does_the_same_otherwise_is_recognised_and_says_so() {
    let unit = otelcol_unit(
        ComponentClass::Processors,
        "resource",
        "attributes: [{key: a, value: x, action: insert}, {key: b, value: 1, action: upsert}, {key: c, action: delete}, \
         {key: d, from_attribute: a, action: upsert}]",
    );
    let found = recognise(&unit, &[Role::Filter, Role::Processor], &mut Budget::of_config(IsOver::NEVER)).unwrap();
    assert_eq!(found.registered.kind(), "resource");
    assert!(found.but.is_some());
    assert_eq!(
        Value::Object(found.settings),
        serde_json::json!({ "actions": [
            { "action": "default", "key": "a", "value": "x" }, { "action": "set", "key": "b", "value": 1 },
            { "action": "delete", "key": "c" }, { "action": "copy", "key": "d", "from": "a" },
        ] })
    );
    for other in [
        "attributes: [{key: a, value: '${env:A}', action: insert}]",
        "attributes: [{key: a, value: x, action: update}]",
        "attributes: [{key: a, value: x, from_context: y, action: insert}]",
        "attributes: [{key: a, action: delete, pattern: x}]",
        "attributes: [{key: a, action: hash}]",
        "attributes: []",
        "{attributes: [{key: a, action: delete}], more: 1}",
    ] {
        let unit = otelcol_unit(ComponentClass::Processors, "resource", other);
        assert!(recognise(&unit, &[Role::Processor], &mut Budget::of_config(IsOver::NEVER)).is_err(), "{other}");
    }
}

#[test]
fn a_receiver_for_the_host_alone_is_recognised() {
    let unit = otelcol_unit(
        ComponentClass::Receivers,
        "hostmetrics",
        "{collection_interval: 30s, scrapers: {cpu: null, load: {}}}",
    );
    let found = recognise(&unit, &[Role::Source], &mut Budget::of_config(IsOver::NEVER)).unwrap();
    assert_eq!(found.registered.kind(), "host_metrics");
    assert!(found.but.is_some());
    assert_eq!(found.settings["scrapers"], serde_json::json!(["cpu", "load"]));
    let unit = otelcol_unit(
        ComponentClass::Receivers,
        "hostmetrics",
        "{scrapers: {cpu: {metrics: {system.cpu.time: {enabled: false}}}}}",
    );
    assert!(recognise(&unit, &[Role::Source], &mut Budget::of_config(IsOver::NEVER)).is_err());
}

#[test]
fn a_parser_of_lines_is_a_format() {
    let unit = |operators: &str| {
        let config = format!("{{include: [/var/log/a.log], operators: {operators}}}");
        let unit = otelcol_unit(ComponentClass::Receivers, "filelog", &config);
        Unit { observed: vec![Signal::Logs], signals: vec![Signal::Logs], ..unit }
    };
    let settings = |operators: &str| {
        let found = recognise(&unit(operators), &[Role::Source], &mut Budget::of_config(IsOver::NEVER)).ok()?;
        assert_eq!((found.registered.kind(), found.but.is_some()), ("file_log", true));
        Some(Value::Object(found.settings))
    };
    assert_eq!(
        settings(
            "[{type: regex_parser, regex: '^(?P<at>\\S+) (?P<level>\\w+)', timestamp: {parse_from: attributes.at, layout: '%H:%M'}}]"
        ),
        Some(serde_json::json!({
            "include": ["/var/log/a.log"], "format": "regex", "pattern": "^(?P<at>\\S+) (?P<level>\\w+)",
            "timestamp": { "attribute": "at", "layout": "%H:%M" },
        }))
    );
    assert_eq!(
        settings("[{type: json_parser}]"),
        Some(serde_json::json!({ "include": ["/var/log/a.log"], "format": "json" }))
    );
    for other in [
        "[{type: json_parser, on_error: drop}]",
        "[{type: json_parser, parse_to: body}]",
        "[{type: json_parser, timestamp: {parse_from: attributes.a.b, layout: '%s'}}]",
        "[{type: json_parser, timestamp: {parse_from: attributes.a, layout: '2006', layout_type: gotime}}]",
        "[{type: json_parser}, {type: move, from: attributes.a, to: body}]",
        "[{type: regex_parser, regex: '(?=a)(?P<b>c)'}]",
        "[{type: syslog_parser}]",
    ] {
        assert_eq!(settings(other), None, "{other}");
    }
}
