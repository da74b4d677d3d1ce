//! YAML to JSON values, refusing what documents never hold: doubled keys, keys that are no text, tags, several
//! documents, numbers that are none, aliases that make gigabytes of a small text.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::domain::expansion;

/// Reads one YAML document.
pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    expansion::check(text).map_err(|e| e.to_string())?;
    let mut documents = serde_norway::Deserializer::from_str(text);
    let Some(first) = documents.next() else { return Ok(Value::Null) };
    let value = AnyValue.deserialize(first).map_err(|e| e.to_string())?;
    if documents.next().is_some() {
        return Err("the file holds more than one YAML document".to_owned());
    }
    Ok(value)
}

/// The same value with YAML's merge keys carried out, as otelcol does: `<<` brings the entries of a mapping, or of a list of
/// them, that the mapping does not have itself.
///
/// # Errors
/// When something else stands behind `<<`.
pub(crate) fn merged(value: Value) -> Result<Value, String> {
    Ok(match value {
        Value::Array(items) => Value::Array(items.into_iter().map(merged).collect::<Result<_, _>>()?),
        Value::Object(mut map) => {
            let sources = match map.shift_remove("<<") {
                None => Vec::new(),
                Some(Value::Array(sources)) => sources,
                Some(source) => vec![source],
            };
            let mut own = Map::new();
            for (key, value) in map {
                own.insert(key, merged(value)?);
            }
            for source in sources {
                let Value::Object(more) = merged(source)? else {
                    return Err("behind `<<` stands a mapping, or a list of them".to_owned());
                };
                for (key, value) in more {
                    own.entry(key).or_insert(value);
                }
            }
            Value::Object(own)
        }
        other => other,
    })
}

struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without tags")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("infinity and NaN are no values here"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(Key(key)) = entries.next_key()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice")));
            }
            let value = entries.next_value_seed(Self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match AnyValue.deserialize(deserializer)? {
            Value::String(key) => Ok(Self(key)),
            other => Err(D::Error::custom(format_args!("the key {other} is no text; put it in quotes"))),
        }
    }
}
