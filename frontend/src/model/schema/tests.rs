use linkmesh_proto::api::catalogue::CatalogueEntry;
use serde_json::json;

use super::*;

fn only(property: &Value) -> Kind {
    let schema = json!({"type": "object", "properties": {"x": property}});
    fields(&schema).remove(0).kind
}

#[test]
fn fields_come_in_their_order_with_required_ones_first() {
    let schema = json!({
        "type": "object", "required": ["endpoint"],
        "properties": {
            "timeout": {"type": "string", "x-unit": "duration", "default": "200ms"},
            "endpoint": {"type": "string", "title": "Endpoint", "description": "Where to."},
            "headers": {"type": "object", "additionalProperties": {"type": "string", "x-secret": true}, "x-order": 1},
        },
    });
    let fields = fields(&schema);
    let keys: Vec<_> = fields.iter().map(|field| field.key.as_str()).collect();
    assert_eq!(keys, ["headers", "endpoint", "timeout"]);
    assert_eq!(fields[1].help, "Where to.");
    assert_eq!(fields[2].default_words().as_deref(), Some("200ms"));
    assert_eq!(fields[2].kind, Kind::Text { unit: Some("duration".to_owned()), example: None });
    let Kind::Map(entry) = &fields[0].kind else { panic!("{:?}", fields[0].kind) };
    assert_eq!(entry.kind, Kind::Secret);
}

#[test]
fn simple_kinds_are_recognised() {
    assert_eq!(only(&json!({"type": "boolean"})), Kind::Switch);
    assert_eq!(
        only(&json!({"type": ["integer", "null"], "minimum": 1})),
        Kind::Number { integer: true, range: Some("1 or more".to_owned()), unit: None, example: None }
    );
    assert_eq!(
        only(&json!({"type": "number", "minimum": 0, "maximum": 1})),
        Kind::Number { integer: false, range: Some("0 to 1".to_owned()), unit: None, example: None }
    );
    assert_eq!(only(&json!({"type": "string", "x-widget": "code"})), Kind::Code { is_line: false, example: None });
    assert_eq!(only(&json!({})), Kind::Json);
}

#[test]
fn empty_field_shows_its_default_or_an_example_or_its_unit() {
    let hint = |property: &Value| {
        let schema = json!({"type": "object", "properties": {"x": property}});
        fields(&schema).remove(0).hint()
    };
    assert_eq!(hint(&json!({"type": "string", "examples": ["1s"], "default": "5s"})), "default 5s");
    assert_eq!(hint(&json!({"type": "integer", "examples": [1000]})), "e.g. 1000");
    assert_eq!(hint(&json!({"type": "string", "x-unit": "duration"})), "duration");
    let code = json!({"type": "string", "x-widget": "code", "examples": ["a\nb"], "default": "c"});
    assert_eq!(hint(&code), "e.g. a\nb", "its default stands below");
    assert_eq!(hint(&json!({"type": ["string", "number"], "default": 5})), "default 5");
}

#[test]
fn words_to_choose_from_are_found_in_every_spelling() {
    let plain = vec![("a".to_owned(), "a".to_owned()), ("b".to_owned(), "b".to_owned())];
    assert_eq!(only(&json!({"type": "string", "enum": ["a", "b"]})), Kind::Choice(plain.clone()));
    assert_eq!(
        only(&json!({"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]})),
        Kind::Choice(plain.clone())
    );
    assert_eq!(
        only(&json!({"oneOf": [{"const": "a", "description": "First."}, {"const": "b"}]})),
        Kind::Choice(vec![("a".to_owned(), "First".to_owned()), ("b".to_owned(), "b".to_owned())])
    );
    assert_eq!(
        only(&json!({"type": "array", "uniqueItems": true, "items": {"enum": ["a", "b"]}})),
        Kind::Several(plain)
    );
}

#[test]
fn references_are_followed() {
    let schema = json!({
        "type": "object",
        "$defs": {"Action": {"type": "object", "required": ["key"], "properties": {"key": {"type": "string"}, "value": {"type": "string"}}}},
        "properties": {"actions": {"type": "array", "items": {"$ref": "#/$defs/Action"}}},
    });
    let Kind::List(item) = &fields(&schema)[0].kind else { panic!("a list") };
    let Kind::Group(inner) = &item.kind else { panic!("of groups") };
    assert_eq!(
        inner.iter().map(|field| (field.key.as_str(), field.required)).collect::<Vec<_>>(),
        [("key", true), ("value", false)]
    );
}

#[test]
fn schema_that_refers_to_itself_ends() {
    let schema = json!({"type": "object", "properties": {"next": {"$ref": "#"}}});
    let mut depth = 0;
    let mut fields = fields(&schema);
    while let Some(Field { kind: Kind::Group(inner), .. }) = fields.into_iter().next() {
        fields = inner;
        depth += 1;
        assert!(depth < 50);
    }
}

#[test]
fn secret_is_recognised_beside_its_sealed_form() {
    let union = json!({"x-secret": true, "anyOf": [{"type": "string"}, {"type": "object", "properties": {"sealed": {"const": true}}}]});
    assert_eq!(only(&union), Kind::Secret);
    let map = json!({"type": "object", "x-secret": true, "additionalProperties": {"type": "string"}});
    let Kind::Map(entry) = only(&map) else { panic!("a map") };
    assert_eq!(entry.kind, Kind::Secret);
}

#[test]
fn keys_without_a_title_are_readable() {
    assert_eq!(title("send_batch_size"), "Send batch size");
    assert_eq!(title("tls"), "TLS");
    assert_eq!(title("grpc"), "gRPC");
}

#[test]
fn blank_group_holds_what_is_required() {
    let schema = json!({"type": "object", "required": ["endpoint"], "properties": {"endpoint": {"type": "string"}, "x": {"type": "string"}}});
    assert_eq!(blank(&Kind::Group(fields(&schema))), json!({"endpoint": ""}));
    let schema = json!({"type": "object", "required": ["endpoint"], "properties": {"endpoint": {"type": "string", "examples": ["0.0.0.0:4317"]}}});
    assert_eq!(Value::Object(begin(&fields(&schema))), json!({"endpoint": "0.0.0.0:4317"}));
}

#[test]
fn limits_and_units_are_written_as_people_write_them() {
    let number = |property: Value| match only(&property) {
        Kind::Number { range, unit, .. } => (range.unwrap_or_default(), unit.unwrap_or_default()),
        other => panic!("{other:?}"),
    };
    let of = |range: &str, unit: &str| (range.to_owned(), unit.to_owned());
    let queue = json!({"type": "integer", "minimum": 1, "maximum": 1_000_000, "x-unit": "batches"});
    assert_eq!(number(queue), of("1 to 1,000,000", "batches"));
    assert_eq!(number(json!({"type": "number", "minimum": 0.0, "maximum": 99.5})), of("0 to 99.5", ""));
    assert_eq!(number(json!({"type": "integer", "maximum": -1})), of("-1 or less", ""));
}

#[test]
fn defaults_are_told_in_words_and_nothing_is_no_default() {
    let words = |default: Value| {
        let schema = json!({"type": "object", "properties": {"x": {"type": "array", "items": {"type": "string"}, "default": default}}});
        fields(&schema)[0].default_words()
    };
    assert_eq!(words(json!(["info", "notice"])).as_deref(), Some("info, notice"));
    assert_eq!(words(json!(1000)).as_deref(), Some("1000"));
    assert_eq!(words(json!(false)).as_deref(), Some("false"));
    for nothing in [json!([]), json!({}), json!(""), Value::Null] {
        assert_eq!(words(nothing), None);
    }
}

#[test]
fn groups_hold_groups_lists_of_groups_and_maps() {
    let schema = json!({"type": "object", "properties": {"severity": {
        "type": "object", "required": ["attribute"], "properties": {
            "attribute": {"type": "string", "x-order": 1},
            "words": {"type": "object", "default": {}, "x-order": 2, "properties": {
                "warn": {"type": "array", "items": {"type": "string"}, "default": ["warn", "warning"]},
            }},
            "rules": {"type": "array", "x-order": 3, "items": {"type": "object", "required": ["from"], "properties": {
                "from": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}},
            }}},
        },
    }}});
    let severity = fields(&schema).remove(0);
    let Kind::Group(inner) = &severity.kind else { panic!("{:?}", severity.kind) };
    let Kind::Group(words) = &inner[1].kind else { panic!("{:?}", inner[1].kind) };
    assert_eq!((inner[1].required, words[0].default_words().as_deref()), (false, Some("warn, warning")));
    let Kind::List(rule) = &inner[2].kind else { panic!("{:?}", inner[2].kind) };
    let Kind::Group(rule) = &rule.kind else { panic!("{:?}", rule.kind) };
    let Kind::Map(labels) = &rule[1].kind else { panic!("{:?}", rule[1].kind) };
    assert!(matches!(&labels.kind, Kind::List(item) if matches!(item.kind, Kind::Number { integer: true, .. })));
    assert!(severity.kind.has_places() && labels.kind.has_places() && !rule[0].kind.has_places());
}

#[test]
fn expressions_are_one_line_and_other_code_is_not() {
    let code = |is_line, example: &str| Kind::Code { is_line, example: Some(example.to_owned()) };
    let regex = json!({"type": "string", "x-widget": "code", "x-check": "regex", "examples": ["^a"]});
    assert_eq!(only(&regex), code(true, "^a"));
    let statement =
        json!({"type": "string", "x-widget": "code", "x-check": "ottl_statement", "examples": ["set(x, 1)"]});
    assert_eq!(only(&statement), code(false, "set(x, 1)"));
}

#[test]
fn many_words_stay_a_choice() {
    let words: Vec<String> = (0..60).map(|number| format!("encoding-{number}")).collect();
    let Kind::Choice(options) = only(&json!({"type": "string", "enum": words, "default": "encoding-7"})) else {
        panic!("a choice")
    };
    assert_eq!(options.len(), 60);
}

#[test]
fn scalars_keep_their_type_through_the_field() {
    assert_eq!(only(&json!({"type": ["string", "number", "boolean"]})), Kind::Scalar);
    assert!(matches!(only(&json!({"type": ["string", "null"]})), Kind::Text { .. }));
    for value in [
        json!("shop"),
        json!("5"),
        json!("true"),
        json!("\"quoted\""),
        json!(""),
        json!("null"),
        json!("[1]"),
        json!(5),
        json!(0.5),
        json!(2.0),
        json!(1e30),
        json!("1.10"),
        json!(false),
    ] {
        assert_eq!(scalar(&scalar_text(&value)), value, "{value}");
    }
    assert_eq!([scalar("5"), scalar("\"5\""), scalar("5 apples")], [json!(5), json!("5"), json!("5 apples")]);
    for typed in ["1.10", "1e5", "0x10", "-0", "007", "123456789012345678901234"] {
        assert_eq!(scalar(typed), json!(typed), "no number that is another one");
    }
    assert_eq!(
        [scalar(" 1.5 "), scalar("-3"), scalar("18446744073709551615")],
        [json!(1.5), json!(-3), json!(u64::MAX)]
    );
    assert_eq!(scalar_text(&json!("shop")), "shop");
    assert_eq!(scalar_text(&json!("1.10")), "1.10");
}

fn entry(schema: Value, settings: Value) -> CatalogueEntry {
    let example = linkmesh_proto::api::catalogue::CatalogueExample {
        title: String::new(),
        settings: settings.as_object().unwrap().clone(),
    };
    CatalogueEntry {
        kind: "x".to_owned(),
        role: linkmesh_proto::api::catalogue::Role::Processor,
        title: String::new(),
        description: String::new(),
        signals: Vec::new(),
        runtimes: Vec::new(),
        schema,
        examples: vec![example],
    }
}

#[test]
fn code_of_an_example_is_not_begun_with_wherever_it_stands() {
    let schema = json!({"type": "object", "required": ["statements", "context"], "properties": {
        "context": {"type": "string", "enum": ["record", "resource"]},
        "statements": {"type": "array", "items": {"type": "string", "x-widget": "code"}},
        "pattern": {"type": "string", "x-widget": "code"},
    }});
    let starts = |settings: Value| Value::Object(starting(&entry(schema.clone(), settings)));
    // Of a list that must be there, there is an item to type into.
    let blank = json!({"context": "record", "statements": [""]});
    assert_eq!(starts(json!({"context": "resource", "statements": ["set(x, 1)"]})), blank);
    assert_eq!(starts(json!({"context": "resource", "statements": [], "pattern": "^a"})), blank);
    // What has a field for code and does not use it is no other than the rest.
    let empty = json!({"context": "resource", "statements": [""]});
    assert_eq!(starts(json!({"context": "resource", "statements": []})), empty);
}

#[test]
fn what_must_be_there_begins_empty_and_shows_the_example() {
    let schema = json!({"type": "object", "required": ["include", "action", "rate", "rules"], "properties": {
        "include": {"type": "array", "items": {"type": "string"}, "examples": [["/var/log/a.log"]], "x-order": 1},
        "action": {"type": "string", "enum": ["keep", "drop"], "x-order": 2},
        "rate": {"type": "integer", "examples": [1000], "x-order": 3},
        "rules": {"type": "array", "x-order": 4, "items": {"type": "object", "required": ["key"], "properties": {
            "key": {"type": "string", "examples": ["http.route"]}, "to": {"type": "string"},
        }}},
        "exclude": {"type": "array", "items": {"type": "string"}},
    }});
    let settings = json!({
        "include": ["/var/log/b.log"], "exclude": ["/c"], "action": "drop", "rate": 5, "rules": [{"key": "a", "to": "b"}],
    });
    let expected = json!({"include": [""], "action": "drop", "rate": "", "rules": [{"key": ""}]});
    assert_eq!(Value::Object(starting(&entry(schema.clone(), settings))), expected);
    let fields = fields(&schema);
    let Kind::List(item) = &fields[0].kind else { panic!("a list") };
    assert_eq!(item.kind, Kind::Text { unit: None, example: Some("/var/log/a.log".to_owned()) });
    assert!(matches!(&fields[2].kind, Kind::Number { example: Some(example), .. } if example == "1000"));
}

#[test]
fn secrets_of_an_example_are_not_begun_with_wherever_they_stand() {
    let secret = json!({"type": "string", "x-secret": true});
    let schema = json!({"type": "object", "properties": {
        "endpoint": {"type": "string"}, "token": secret, "headers": {"type": "object", "additionalProperties": secret},
        "auth": {"type": "object", "properties": {"user": {"type": "string"}, "password": secret}},
        "brokers": {"type": "array", "items": {"type": "object", "properties": {"host": {"type": "string"}, "key": secret}}},
    }});
    let settings = json!({
        "endpoint": "x", "token": "${env:T}", "headers": {"a": "b"}, "auth": {"user": "u", "password": "p"},
        "brokers": [{"host": "h", "key": "k"}],
    });
    let expected = json!({"endpoint": "x", "auth": {"user": "u"}, "brokers": [{"host": "h"}]});
    assert_eq!(Value::Object(starting(&entry(schema, settings))), expected);
}
