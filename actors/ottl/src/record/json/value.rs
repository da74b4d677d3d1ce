//! Values and attributes, read.
//!
//! Source: opentelemetry-proto 1.x, `common.proto`.

use std::collections::HashSet;

use serde::de::MapAccess;

use super::field;
use super::read::{Fields, Source};
use crate::record::{Attributes, Value};

impl Fields for Value {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        let value = match name {
            "stringValue" => from.maybe(field::text)?.map(Self::Str),
            "boolValue" => from.maybe(field::boolean)?.map(Self::Bool),
            "intValue" => from.maybe(field::i64)?.map(Self::Int),
            "doubleValue" => from.maybe(field::f64)?.map(Self::Double),
            "bytesValue" => from.maybe(field::bytes)?.map(Self::Bytes),
            "arrayValue" => {
                let mut list = ArrayValue::default();
                from.deeper(&mut list)?.then_some(Self::Array(list.0))
            }
            "kvlistValue" => {
                let mut map = KeyValueList::default();
                from.deeper(&mut map)?.then_some(Self::Map(map.0))
            }
            _ => return from.skip(),
        };
        if let Some(value) = value {
            *self = value;
        }
        Ok(())
    }
}

/// `ArrayValue`
#[derive(Default)]
struct ArrayValue(Vec<Value>);

impl Fields for ArrayValue {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "values" => from.list(&mut self.0).map(drop),
            _ => from.skip(),
        }
    }
}

/// `KeyValueList`
#[derive(Default)]
struct KeyValueList(Attributes);

impl Fields for KeyValueList {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "values" => from.attributes(&mut self.0),
            _ => from.skip(),
        }
    }
}

/// `KeyValue`
#[derive(Default)]
struct KeyValue {
    key: String,
    value: Value,
}

impl Fields for KeyValue {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "key" => from.scalar(&mut self.key, field::text),
            "value" => from.message(&mut self.value).map(drop),
            _ => from.skip(),
        }
    }
}

impl<'de, A: MapAccess<'de>> Source<'_, A> {
    /// Reads attributes; they come behind what is there. A key that comes twice is an error.
    pub(super) fn attributes(&mut self, into: &mut Attributes) -> Result<(), A::Error> {
        let mut entries: Vec<KeyValue> = Vec::new();
        self.list(&mut entries)?;
        let mut keys: HashSet<&str> = into.entries.iter().map(|(key, _)| key.as_str()).collect();
        if let Some(index) = entries.iter().position(|entry| !keys.insert(entry.key.as_str())) {
            return Err(self.wrong_key(index, "comes twice"));
        }
        into.entries.extend(entries.into_iter().map(|entry| (entry.key, entry.value)));
        Ok(())
    }
}
