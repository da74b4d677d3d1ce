//! What an agent says of itself.

use std::collections::BTreeMap;

use linkmesh_proto::wire::opamp::{AgentDescription, AnyValue, KeyValue, any_value::Value};
use prost::Message;

/// The attributes of a description as matchers see them. Identifying ones win over others of the same name. Booleans
/// and numbers are in their JSON form, lists and maps compact JSON.
pub(super) fn attributes(description: &AgentDescription) -> BTreeMap<String, String> {
    description
        .non_identifying_attributes
        .iter()
        .chain(&description.identifying_attributes)
        .filter(|pair| !pair.key.is_empty())
        .map(|pair| (pair.key.clone(), text(pair.value.as_ref())))
        .collect()
}

/// The attributes of a description that was kept as protobuf.
pub(super) fn packed_attributes(packed: &[u8]) -> BTreeMap<String, String> {
    // What does not decode was never put there.
    AgentDescription::decode(packed).map(|description| attributes(&description)).unwrap_or_default()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(other) => json(Some(other)).to_string(),
    }
}

fn json(value: Option<&Value>) -> serde_json::Value {
    let of = |value: &AnyValue| json(value.value.as_ref());
    match value {
        None => serde_json::Value::Null,
        Some(Value::StringValue(text)) => text.clone().into(),
        Some(Value::BoolValue(flag)) => (*flag).into(),
        Some(Value::IntValue(number)) => (*number).into(),
        Some(Value::DoubleValue(number)) => (*number).into(),
        Some(Value::BytesValue(bytes)) => hex::encode(bytes).into(),
        Some(Value::ArrayValue(list)) => list.values.iter().map(of).collect(),
        Some(Value::KvlistValue(map)) => serde_json::Value::Object(
            map.values
                .iter()
                .map(|KeyValue { key, value }| (key.clone(), value.as_ref().map_or(serde_json::Value::Null, of)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::wire::opamp::{ArrayValue, KeyValueList};

    use super::*;

    fn pair(key: &str, value: Value) -> KeyValue {
        KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) }
    }

    #[test]
    fn values_take_their_json_form() {
        let list = ArrayValue {
            values: vec![
                AnyValue { value: Some(Value::IntValue(1)) },
                AnyValue { value: Some(Value::StringValue("b".into())) },
            ],
        };
        let map = KeyValueList { values: vec![pair("k", Value::DoubleValue(1.5))] };
        let description = AgentDescription {
            identifying_attributes: vec![pair("service.name", Value::StringValue("a".into()))],
            non_identifying_attributes: vec![
                pair("service.name", Value::StringValue("loses".into())),
                pair("flag", Value::BoolValue(true)),
                pair("count", Value::IntValue(-3)),
                pair("list", Value::ArrayValue(list)),
                pair("map", Value::KvlistValue(map)),
                pair("", Value::BoolValue(true)),
                KeyValue { key: "none".into(), value: None },
            ],
        };
        let expected = [
            ("count", "-3"),
            ("flag", "true"),
            ("list", r#"[1,"b"]"#),
            ("map", r#"{"k":1.5}"#),
            ("none", ""),
            ("service.name", "a"),
        ];
        let expected: BTreeMap<_, _> = expected.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        assert_eq!(attributes(&description), expected);
        assert_eq!(packed_attributes(&description.encode_to_vec()), expected);
    }
}
