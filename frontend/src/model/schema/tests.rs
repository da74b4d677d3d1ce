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
    assert_eq!(fields[2].default.as_deref(), Some("200ms"));
    assert_eq!(fields[2].kind, Kind::Text { unit: Some("duration".to_owned()), example: None });
    let Kind::Map(entry) = &fields[0].kind else { panic!("{:?}", fields[0].kind) };
    assert_eq!(entry.kind, Kind::Secret);
}

#[test]
fn simple_kinds_are_recognised() {
    assert_eq!(only(&json!({"type": "boolean"})), Kind::Switch);
    assert_eq!(
        only(&json!({"type": ["integer", "null"], "minimum": 1})),
        Kind::Number { integer: true, range: Some("1 or more".to_owned()) }
    );
    assert_eq!(
        only(&json!({"type": "number", "minimum": 0, "maximum": 1})),
        Kind::Number { integer: false, range: Some("0 to 1".to_owned()) }
    );
    assert_eq!(only(&json!({"type": "string", "x-widget": "code"})), Kind::Code);
    assert_eq!(only(&json!({})), Kind::Json);
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
