use Context::{DataPoint, Log, Metric, Resource, Scope, Span, SpanEvent};

use super::*;

/// What is wrong with statements of the transform processor.
fn assert_problems(table: &[(Context, &str, &[&str])]) {
    for (context, text, expected) in table {
        let found = match Statement::parse(text, Dialect::transform(*context)) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn written_lists_hold_no_mapping_where_a_collector_makes_a_slice_of_them_at_its_start() {
    let no_list = |at: &str, function: &str| {
        format!(
            "{at}: `target` of `{function}` cannot be a written list with a mapping in it: a collector does not start with it"
        )
    };
    let (to_map, contains) = (no_list("1:22", "SliceToMap"), no_list("1:25", "ContainsValue"));
    assert_problems(&[
        (Log, r#"set(body, SliceToMap([{"n": "a", "v": 1}], ["n"], ["v"]))"#, &[&to_map]),
        (Log, r#"set(body, SliceToMap([1, [{"n": "a"}]]))"#, &[&to_map]),
        (Log, r#"set(body, ContainsValue([{}], "a"))"#, &[&contains]),
        (Log, r#"set(body, SliceToMap([1, ["a"], nil]))"#, &[]),
        // Elsewhere it is a value like any other.
        (Log, r#"set(body, [{"n": "a"}])"#, &[]),
        (Log, r#"set(body, Len([{"n": "a"}]))"#, &[]),
    ]);
}

#[test]
fn names_that_are_not_known_are_told_with_what_may_be_meant() {
    assert_problems(&[
        (Log, "setr(body, 1)", &["1:1: there is no function `setr` (did you mean `set`?)"]),
        (Log, "set(bod, 1)", &["1:5: `log` has no field `bod` (did you mean `body`?)"]),
        (
            Log,
            "set(attributes.http.route, 1)",
            &[
                r#"1:5: `attributes` has no field `http.route`: what is in a map is named by a key (did you mean `attributes["http.route"]`?)"#,
            ],
        ),
        (
            Log,
            r#"set(resource.attribute["x"], 1)"#,
            &["1:5: `resource` has no field `attribute` (did you mean `resource.attributes`?)"],
        ),
        (Log, "set(host, 1)", &["1:5: `log` has no field `host`"]),
        (Log, r#"set(span.name, "x")"#, &["1:5: there is no span in the context log"]),
        (
            Log,
            r#"set(schema_url, "x")"#,
            &[
                "1:5: the context log has no field `schema_url`; there is one of `scope` (did you mean `scope.schema_url`?)",
            ],
        ),
        (Log, "set(log, 1)", &["1:5: `log` is a context: the field of it is missing, such as `log.attributes`"]),
        (Log, "set(log.body, log.bodi)", &["1:15: `log` has no field `bodi` (did you mean `log.body`?)"]),
        (
            Log,
            "set(severity_number, SEVERITY_NUMBER_INF)",
            &["1:22: there is no enum `SEVERITY_NUMBER_INF` in the context log (did you mean `SEVERITY_NUMBER_INFO`?)"],
        ),
        (
            Log,
            "set(severity_number, SPAN_KIND_SERVER)",
            &["1:22: there is no enum `SPAN_KIND_SERVER` in the context log"],
        ),
        (
            Resource,
            r#"set(attributes["x"], SEVERITY_NUMBER_INFO)"#,
            &["1:22: there are no enums such as `SEVERITY_NUMBER_INFO` in the context resource"],
        ),
        (
            Log,
            r#"replace_pattern(body, "a", "b", Len)"#,
            &["1:33: `Len` does not take one text alone, as a function of a replacement must"],
        ),
        (
            Log,
            r#"replace_pattern(body, "a", "b", Sha256)"#,
            &["1:33: there is no function `Sha256` (did you mean `SHA256`?)"],
        ),
        (
            Log,
            "convert_sum_to_gauge()",
            &["1:1: there is no `convert_sum_to_gauge` in the context log; there is one in metric"],
        ),
        (
            DataPoint,
            "convert_sum_to_gauge()",
            &["1:1: there is no `convert_sum_to_gauge` in the context datapoint; there is one in metric"],
        ),
        (Log, "set(body, IsRootSpan())", &["1:11: there is no `IsRootSpan` in the context log; there is one in span"]),
        (
            Log,
            r#"set(body, HasAttrKeyOnDatapoint("a"))"#,
            &["1:11: there is `HasAttrKeyOnDatapoint` in a filter alone"],
        ),
        (
            Log,
            r#"set(cache["x"], resource.cache["y"])"#,
            &["1:17: the cache of another context cannot be used in the context log (did you mean `log.cache`?)"],
        ),
        (
            Log,
            r#"set(attributes["x"]["y"].z, 1)"#,
            &[
                r#"1:5: `attributes` has no field `z`: what is in a map is named by a key (did you mean `attributes["z"]`?)"#,
            ],
        ),
        (
            Log,
            "set(body, SHA256)",
            &["1:11: `SHA256` is a function, and a value is asked for here: its arguments in `(` and `)` are missing"],
        ),
        (Log, "set(body, Nope(body))", &["1:11: there is no function `Nope`"]),
        (
            Log,
            r#"set(body, 1) where Nope() and bodi == 1 or IsMatch(atributes, "[")"#,
            &[
                "1:20: there is no function `Nope`",
                "1:31: `log` has no field `bodi` (did you mean `body`?)",
                "1:52: `log` has no field `atributes` (did you mean `attributes`?)",
                "1:63: this is no valid pattern: missing closing ]: `[`",
            ],
        ),
        (
            Log,
            r#"set(bodi, Nope(atributes["x"]))"#,
            &[
                "1:5: `log` has no field `bodi` (did you mean `body`?)",
                "1:11: there is no function `Nope`",
                "1:16: `log` has no field `atributes` (did you mean `attributes`?)",
            ],
        ),
        (Log, "toLowerCase(body)", &["1:1: there is no function `toLowerCase`"]),
        (
            Log,
            "set(body, tolowercase(body))",
            &[
                "1:11: a converter's name begins with a capital letter; `tolowercase` is no converter and gives no value",
            ],
        ),
        (
            Log,
            r#"set(resource["x"], 1)"#,
            &["1:5: `resource` is a context: the field of it is missing, such as `resource.attributes`"],
        ),
        (
            Log,
            r#"set(body, [1, bodi, {"a": Nope()}])"#,
            &["1:15: `log` has no field `bodi` (did you mean `body`?)", "1:27: there is no function `Nope`"],
        ),
    ]);
}

#[test]
fn arguments_are_counted_and_named() {
    assert_problems(&[
        (Log, "set(body)", &["1:1: `set` takes 2 arguments; `value` is missing"]),
        (Log, "set(body, 1, 2)", &["1:14: `set` takes 2 arguments, this is one more"]),
        (Log, "set()", &["1:1: `set` takes 2 arguments; `target`, `value` are missing"]),
        (Log, "set(target=body, val=1)", &["1:18: `set` has no parameter `val`"]),
        (Log, "set(target=body, 1)", &["1:18: an argument without a name stands behind one with a name"]),
        (Log, "set(body, target=body)", &["1:11: the parameter `target` is given twice"]),
        (Log, "set(body, URL(uri=body))", &["1:15: `uri` of `URL` cannot be named: it is given by its place alone"]),
        (
            Log,
            "set(body, Substring(body, 0, 4, utf8_saf=true))",
            &["1:33: `Substring` has no parameter `utf8_saf` (did you mean `utf8_safe`?)"],
        ),
    ]);
}

#[test]
fn kinds_are_checked_as_far_as_they_are_known() {
    assert_problems(&[
        (Log, r#"set("x", 1)"#, &["1:5: a path to a field is asked for here"]),
        (Log, "set(5, 1)", &["1:5: a path to a field is asked for here"]),
        (Log, r#"set(Concat(["a"], ""), 1)"#, &["1:5: a path to a field is asked for here"]),
        (Metric, "set(type, 1)", &["1:5: `type` cannot be changed"]),
        (Log, r#"set(otelcol.client.addr, "x")"#, &["1:5: `otelcol.client.addr` cannot be changed"]),
        (SpanEvent, "set(event_index, 1)", &["1:5: `event_index` cannot be changed"]),
        (
            Log,
            r#"delete_key(severity_text, "x")"#,
            &["1:12: `delete_key` changes a path to a map, such as `attributes`, and `severity_text` holds a text"],
        ),
        (
            Log,
            "set(body, ToLowerCase(severity_number))",
            &["1:23: `target` of `ToLowerCase` is a text, and `severity_number` holds a whole number"],
        ),
        (Log, "set(body, ToLowerCase(5))", &["1:23: `target` of `ToLowerCase` is a text, and `5` is a whole number"]),
        (Log, "set(body, Split(body, 5))", &["1:23: `delimiter` of `Split` is a text, and `5` is a whole number"]),
        (Log, r#"set(body, Concat("a", "b"))"#, &["1:18: `vals` of `Concat` is a list of texts in `[` and `]`"]),
        (
            Log,
            r#"set(body, Substring(body, "a", 1))"#,
            &[r#"1:27: `start` of `Substring` is a whole number, and `"a"` is a text"#],
        ),
        (
            Log,
            "set(body, Int(attributes))",
            &["1:15: `target` of `Int` is a plain value, and `attributes` holds a map"],
        ),
        (Log, r#"keep_keys(attributes, "a")"#, &["1:23: `keys` of `keep_keys` is a list of texts in `[` and `]`"]),
        (
            Log,
            "limit(attributes, 1.5, [])",
            &["1:19: `limit` of `limit` is a whole number written out, without a sign"],
        ),
        (Log, "set(body, Duration(time))", &["1:20: `duration` of `Duration` is a text, and `time` holds a time"]),
        (Span, r#"set(trace_state["a"]["b"], "x")"#, &["1:5: `trace_state` has one key, a text in quotes"]),
        (Span, r#"set(name["a"], "x")"#, &["1:5: `name` holds a text and has no keys"]),
        (
            Log,
            "set(body, 1) where Len(attributes)",
            &["1:20: `Len` gives a whole number, and a condition is true or false"],
        ),
        (
            Log,
            "truncate_all(attributes, -1)",
            &["1:26: `limit` of `truncate_all` is a whole number written out, without a sign"],
        ),
        (Log, r#"set(body, Format("%d", 1))"#, &["1:24: `vals` of `Format` is a list in `[` and `]`"]),
    ]);
}

#[test]
fn patterns_and_words_are_checked() {
    assert_problems(&[
        (Log, r#"set(body, IsMatch(body, "(a"))"#, &["1:25: this is no valid pattern: missing closing ): `(a`"]),
        (
            Log,
            r#"set(body, IsMatch(body, "(?=a)"))"#,
            &["1:25: this is no valid pattern: invalid or unsupported Perl syntax: `(?=`"],
        ),
        (
            Log,
            r#"replace_pattern(body, "a**", "b")"#,
            &["1:23: this is no valid pattern: invalid nested repetition operator: `**`"],
        ),
        (Log, r#"replace_match(body, "[a", "b")"#, &["1:21: this is no valid pattern: a `[` is not closed"]),
        (
            Log,
            r#"replace_all_patterns(attributes, "keys", "a", "b")"#,
            &[r#"1:34: `keys` is neither "key" nor "value""#],
        ),
        (
            Log,
            r#"merge_maps(attributes, body, "update_all")"#,
            &[r#"1:30: `update_all` is none of "insert", "update" and "upsert""#],
        ),
        (Log, r#"set(body, Time("x", "%Q"))"#, &["1:21: `%Q` is no directive that is known"]),
        (Metric, r#"convert_gauge_to_sum("deltas", true)"#, &[r#"1:22: `deltas` is neither "delta" nor "cumulative""#]),
        (
            Log,
            r#"set(body, Filter(attributes["x"], (v) => v > 1))"#,
            &["1:35: lambdas need the collector's feature gate `ottl.functions.enableLambda`, which is off"],
        ),
    ]);
}

#[test]
fn a_condition_has_the_functions_of_the_filter() {
    for (context, text, expected) in [
        (Metric, r#"HasAttrKeyOnDatapoint("a")"#, &[][..]),
        (Metric, r#"HasAttrOnDatapoint("a", "b") or metric.type == METRIC_DATA_TYPE_SUM"#, &[]),
        (DataPoint, r#"metric.name == "a" and value_int > 1"#, &[]),
        (Span, "IsRootSpan()", &[]),
        (SpanEvent, "span.kind == SPAN_KIND_SERVER", &[]),
        (Scope, r#"instrumentation_scope.name == name"#, &[]),
        (Log, "true", &[]),
        (
            Log,
            "body",
            &["1:1: this is a value, not a condition: a comparison is missing (did you mean `body != nil`?)"],
        ),
        (
            Log,
            r#"set(body, "x")"#,
            &["1:1: a converter's name begins with a capital letter; `set` is no converter and gives no value"],
        ),
        (
            Log,
            r#"HasAttrKeyOnDatapoint("a")"#,
            &["1:1: there is no `HasAttrKeyOnDatapoint` in the context log; there is one in metric"],
        ),
        (Resource, r#"body == "a""#, &["1:1: `resource` has no field `body`"]),
    ] {
        let found: Vec<_> = match Condition::parse(text, Dialect::filter(context)) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn paths_need_a_context_where_the_configuration_names_none() {
    let problems = |text| match Statement::parse(text, Dialect::transform(Log).prefixed()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
    };
    assert_eq!(problems(r#"set(log.body, resource.attributes["a"])"#), [""; 0]);
    assert_eq!(
        problems(r#"set(body, attributes["a"])"#),
        [
            "1:5: the path `body` does not begin with a context, such as `log` (did you mean `log.body`?)",
            r#"1:11: the path `attributes["a"]` does not begin with a context, such as `log` (did you mean `log.attributes["a"]`?)"#,
        ]
    );
}

#[test]
fn contexts_are_those_that_paths_name() {
    assert_eq!(contexts_named(r#"set(attributes["a"], body)"#).unwrap(), []);
    assert_eq!(
        contexts_named(r#"set(span.name, spanevent.name) where resource.attributes[span.name] == "a""#).unwrap(),
        [Span, SpanEvent, Resource]
    );
    assert_eq!(contexts_named(r#"instrumentation_scope.name == "a" and foo.bar == 1"#).unwrap(), [Scope]);
    assert_eq!(contexts_named("set(log.body").unwrap_err().len(), 1);
}

#[test]
fn the_older_name_of_the_scope_is_none_to_itself() {
    let text = r#"set(attributes["q"], instrumentation_scope.name)"#;
    for dialect in [Dialect::transform(Scope), Dialect::transform(Scope).prefixed()] {
        let problems = Statement::parse(text, dialect).unwrap_err();
        let said = "1:22: `instrumentation_scope` is another name of the context for all but the scope itself (did you \
                    mean `scope.name`?)";
        assert!(problems.iter().any(|problem| problem.to_string() == said), "{problems:?}");
    }
    assert!(Statement::parse(text, Dialect::transform(Log)).is_ok());
    let condition = r#"instrumentation_scope.name == "a""#;
    assert!(Condition::parse(condition, Dialect::filter(Scope)).is_ok());
    assert!(Condition::parse(condition, Dialect::filter(Scope).prefixed()).is_err());
}

#[test]
fn the_context_is_the_nearest_to_a_record_that_is_named() {
    const METRICS: &[Context] = &[Resource, Scope, Metric, DataPoint];
    const TRACES: &[Context] = &[Resource, Scope, Span, SpanEvent];
    let infer = |statements: &[&str], conditions: &[&str], possible: &[Context]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (statements, conditions) = (owned(statements), owned(conditions));
        let group = Group { statements: &statements, conditions: &conditions };
        infer_context(group, Functions::Transform, possible)
            .map_err(|(index, problems)| format!("{index}: {}", problems.first().unwrap()))
    };
    for (statements, conditions, possible, expected) in [
        (&[r#"set(resource.attributes["a"], 1)"#][..], &[][..], TRACES, Ok(Resource)),
        (&[r#"set(resource.attributes["a"], 1)"#, r#"set(span.name, "a")"#], &[], TRACES, Ok(Span)),
        (&[r#"set(span.name, "a")"#], &[r#"spanevent.name == "b""#], TRACES, Ok(SpanEvent)),
        (&[r#"set(resource.attributes["a"], SPAN_KIND_SERVER)"#], &[], TRACES, Ok(SpanEvent)),
        (&[r#"set(metric.name, "a")"#], &[], METRICS, Ok(Metric)),
        (&[r#"convert_sum_to_gauge() where metric.name == "a""#], &[], METRICS, Ok(Metric)),
        (&[r#"convert_summary_sum_val_to_sum("delta", true) where metric.name == "a""#], &[], METRICS, Ok(DataPoint)),
        (
            &[r#"set(span.name, "a")"#],
            &[],
            METRICS,
            Err("0: 1:1: the context span, which the paths name, is none of this signal"),
        ),
        (
            &[r#"set(name, "a")"#],
            &[],
            METRICS,
            Err("0: 1:1: no path begins with a context, such as resource, scope, metric, datapoint"),
        ),
        (
            &[r#"replace_pattern(metric.name, "a", "b", SHA256)"#],
            &[],
            METRICS,
            Err(
                "0: 1:1: the context must be named by the configuration: `SHA256` as an argument keeps it from being found out",
            ),
        ),
        (
            &[r#"set(metric.name, "a")"#, "set("],
            &[],
            METRICS,
            Err(
                "1: 1:5: expected a value: a text, a number, a path, a converter, a list or a map; found the end of the text",
            ),
        ),
    ] {
        assert_eq!(infer(statements, conditions, possible), expected.map_err(str::to_owned), "{statements:?}");
    }
}

#[test]
fn what_cannot_be_tried_and_what_older_collectors_lack_is_told() {
    let parse = |text| Statement::parse(text, Dialect::transform(Log)).unwrap();
    let statement = parse(r#"set(body, ExtractGrokPatterns(body, "%{WORD:a}", true)) where IsEmpty(body)"#);
    assert_eq!(statement.unsupported(), ["ExtractGrokPatterns"]);
    assert_eq!(statement.lacking_in_0_149(), ["IsEmpty"]);
    let statement = parse("set(body, Substring(body, 0, 4, utf8_safe=true)) where IsEmpty(IsEmpty(body))");
    assert_eq!(statement.unsupported(), [""; 0]);
    assert_eq!(statement.lacking_in_0_149(), ["Substring(utf8_safe=…)", "IsEmpty"]);
    assert!(is_supported("set") && is_supported("SHA256") && is_supported("convert_sum_to_gauge"));
    assert!(!is_supported("ExtractGrokPatterns") && !is_supported("nope"));
}

#[test]
fn a_problem_says_where_it_is_in_a_text_of_several_lines() {
    let problems = Statement::parse("set(attributes[\"é\"],\n  bodi)", Dialect::transform(Log)).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((problem.position.line, problem.position.column, problem.position.offset), (2, 3, 24));
    assert_eq!(problem.suggestion.as_deref(), Some("body"));
}

#[test]
fn what_is_said_is_short_and_of_no_more_than_fifty_things() {
    let many = format!("set(body, [{}])", vec!["bodi"; 1000].join(", "));
    assert_eq!(Statement::parse(&many, Dialect::transform(Log)).unwrap_err().len(), 50);
    let long = format!("set({}, 1)", "x".repeat(10_000));
    let problems = Statement::parse(&long, Dialect::transform(Log)).unwrap_err();
    assert!(problems.iter().all(|problem| problem.message.chars().count() <= 301), "{problems:?}");
}
