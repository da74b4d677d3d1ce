//! Records, written: values, resources, scopes, log records, spans.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Record;
use crate::record::{
    Attributes, EntityRef, LogRecord, Metric, Resource, Resourced, Scope, Scoped, Span, SpanEvent, SpanLink, Status,
    Telemetry, Value,
};

/// The fields of an object, those with a default left out.
pub(super) struct Fields<M>(M);

impl<M: SerializeMap> Fields<M> {
    /// A field that is always there.
    pub(super) fn always<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }

    /// A text, unless it is empty.
    pub(super) fn text(&mut self, name: &'static str, value: &str) -> Result<(), M::Error> {
        if value.is_empty() { Ok(()) } else { self.always(name, value) }
    }

    /// A number of 64 bits, unless it is 0.
    pub(super) fn u64(&mut self, name: &'static str, value: u64) -> Result<(), M::Error> {
        if value == 0 { Ok(()) } else { self.always(name, &Quoted(value)) }
    }

    /// A number of 32 bits, unless it is 0.
    pub(super) fn u32(&mut self, name: &'static str, value: u32) -> Result<(), M::Error> {
        if value == 0 { Ok(()) } else { self.always(name, &value) }
    }

    /// A number of 32 bits, unless it is 0.
    pub(super) fn i32(&mut self, name: &'static str, value: i32) -> Result<(), M::Error> {
        if value == 0 { Ok(()) } else { self.always(name, &value) }
    }

    /// A number, unless it is 0.
    pub(super) fn f64(&mut self, name: &'static str, value: f64) -> Result<(), M::Error> {
        if value == 0.0 { Ok(()) } else { self.always(name, &Double(value)) }
    }

    /// A number, if there is one.
    pub(super) fn optional(&mut self, name: &'static str, value: Option<f64>) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.always(name, &Double(value)))
    }

    /// An id, unless it is all zero.
    pub(super) fn id<const N: usize>(&mut self, name: &'static str, id: &[u8; N]) -> Result<(), M::Error> {
        if id.iter().all(|octet| *octet == 0) { Ok(()) } else { self.always(name, &hex::encode(id)) }
    }

    /// A list, unless it is empty.
    pub(super) fn list<T: Serialize>(&mut self, name: &'static str, list: &[T]) -> Result<(), M::Error> {
        if list.is_empty() { Ok(()) } else { self.always(name, list) }
    }

    /// Attributes, unless there are none.
    pub(super) fn attributes(&mut self, name: &'static str, attributes: &Attributes) -> Result<(), M::Error> {
        if attributes.is_empty() { Ok(()) } else { self.always(name, attributes) }
    }
}

/// Writes an object.
pub(super) fn object<S: Serializer>(
    to: S,
    write: impl FnOnce(&mut Fields<S::SerializeMap>) -> Result<(), S::Error>,
) -> Result<S::Ok, S::Error> {
    let mut fields = Fields(to.serialize_map(None)?);
    write(&mut fields)?;
    fields.0.end()
}

/// A number as a text, as numbers of 64 bits are in the JSON form of protobuf.
pub(super) struct Quoted<T>(pub(super) T);

impl<T: std::fmt::Display> Serialize for Quoted<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

/// A double: as a number, without a fraction where it has none, and in words where JSON has no number.
pub(super) struct Double(pub(super) f64);

impl Serialize for Double {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        if value.is_nan() {
            return to.serialize_str("NaN");
        }
        if value.is_infinite() {
            return to.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
        }
        // Go writes the shortest digits that mean the double, and so does Rust's `Display`. As `i64` they would be others.
        if value.fract() == 0.0 && !(value == 0.0 && value.is_sign_negative()) {
            let digits = value.to_string();
            if let Ok(whole) = digits.parse::<i64>() {
                return to.serialize_i64(whole);
            }
            if let Ok(whole) = digits.parse::<u64>() {
                return to.serialize_u64(whole);
            }
        }
        to.serialize_f64(value)
    }
}

impl Serialize for Value {
    /// As `AnyValue`.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| match self {
            Self::Empty => Ok(()),
            Self::Str(value) => fields.always("stringValue", value),
            Self::Bool(value) => fields.always("boolValue", value),
            Self::Int(value) => fields.always("intValue", &Quoted(value)),
            Self::Double(value) => fields.always("doubleValue", &Double(*value)),
            Self::Bytes(value) => fields.always("bytesValue", &STANDARD.encode(value)),
            Self::Array(values) => fields.always("arrayValue", &Values(values)),
            Self::Map(map) => fields.always("kvlistValue", &KeyValueList(map)),
        })
    }
}

/// `ArrayValue`
struct Values<'v>(&'v [Value]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| fields.list("values", self.0))
    }
}

/// `KeyValueList`
struct KeyValueList<'v>(&'v Attributes);

impl Serialize for KeyValueList<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| fields.attributes("values", self.0))
    }
}

impl Serialize for Attributes {
    /// As a list of `KeyValue`.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.len()))?;
        for (key, value) in self.iter() {
            list.serialize_element(&KeyValue { key, value })?;
        }
        list.end()
    }
}

struct KeyValue<'v> {
    key: &'v str,
    value: &'v Value,
}

impl Serialize for KeyValue<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.text("key", self.key)?;
            fields.always("value", self.value)
        })
    }
}

impl Serialize for Telemetry {
    /// As a document of OTLP/JSON.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| match self {
            Self::Logs(resources) => fields.always(LogRecord::RESOURCES, resources),
            Self::Metrics(resources) => fields.always(Metric::RESOURCES, resources),
            Self::Traces(resources) => fields.always(Span::RESOURCES, resources),
        })
    }
}

impl<T: Record + Serialize> Serialize for Resourced<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.always("resource", &self.resource)?;
            fields.list(T::SCOPES, &self.scopes)?;
            fields.text("schemaUrl", &self.schema_url)
        })
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.attributes("attributes", &self.attributes)?;
            fields.u32("droppedAttributesCount", self.dropped_attributes_count)?;
            fields.list("entityRefs", &self.entity_refs)
        })
    }
}

impl Serialize for EntityRef {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.text("schemaUrl", &self.schema_url)?;
            fields.text("type", &self.r#type)?;
            fields.list("idKeys", &self.id_keys)?;
            fields.list("descriptionKeys", &self.description_keys)
        })
    }
}

impl<T: Record + Serialize> Serialize for Scoped<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.always("scope", &self.scope)?;
            fields.list(T::RECORDS, &self.records)?;
            fields.text("schemaUrl", &self.schema_url)
        })
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.text("name", &self.name)?;
            fields.text("version", &self.version)?;
            fields.attributes("attributes", &self.attributes)?;
            fields.u32("droppedAttributesCount", self.dropped_attributes_count)
        })
    }
}

impl Serialize for LogRecord {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.u64("timeUnixNano", self.time_unix_nano)?;
            fields.u64("observedTimeUnixNano", self.observed_time_unix_nano)?;
            fields.i32("severityNumber", self.severity_number)?;
            fields.text("severityText", &self.severity_text)?;
            fields.always("body", &self.body)?;
            fields.attributes("attributes", &self.attributes)?;
            fields.u32("droppedAttributesCount", self.dropped_attributes_count)?;
            fields.u32("flags", self.flags)?;
            fields.id("traceId", &self.trace_id)?;
            fields.id("spanId", &self.span_id)?;
            fields.text("eventName", &self.event_name)
        })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.id("traceId", &self.trace_id)?;
            fields.id("spanId", &self.span_id)?;
            fields.text("traceState", &self.trace_state)?;
            fields.id("parentSpanId", &self.parent_span_id)?;
            fields.u32("flags", self.flags)?;
            fields.text("name", &self.name)?;
            fields.i32("kind", self.kind)?;
            fields.u64("startTimeUnixNano", self.start_time_unix_nano)?;
            fields.u64("endTimeUnixNano", self.end_time_unix_nano)?;
            fields.attributes("attributes", &self.attributes)?;
            fields.u32("droppedAttributesCount", self.dropped_attributes_count)?;
            fields.list("events", &self.events)?;
            fields.u32("droppedEventsCount", self.dropped_events_count)?;
            fields.list("links", &self.links)?;
            fields.u32("droppedLinksCount", self.dropped_links_count)?;
            fields.always("status", &self.status)
        })
    }
}

impl Serialize for SpanEvent {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.u64("timeUnixNano", self.time_unix_nano)?;
            fields.text("name", &self.name)?;
            fields.attributes("attributes", &self.attributes)?;
            fields.u32("droppedAttributesCount", self.dropped_attributes_count)
        })
    }
}

impl Serialize for SpanLink {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.id("traceId", &self.trace_id)?;
            fields.id("spanId", &self.span_id)?;
            fields.text("traceState", &self.trace_state)?;
            fields.attributes("attributes", &self.attributes)?;
            fields.u32("droppedAttributesCount", self.dropped_attributes_count)?;
            fields.u32("flags", self.flags)
        })
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        object(to, |fields| {
            fields.text("message", &self.message)?;
            fields.i32("code", self.code)
        })
    }
}
