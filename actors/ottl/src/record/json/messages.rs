//! Resources, scopes, log records and spans, read.
//!
//! Source: opentelemetry-proto 1.x, `resource.proto`, `common.proto`, `logs.proto`, `trace.proto`.

use serde::de::MapAccess;

use super::read::{Counted, Fields, Source};
use super::{Record, field};
use crate::record::{EntityRef, LogRecord, Resource, Resourced, Scope, Scoped, Span, SpanEvent, SpanLink, Status};

impl<T> Fields for Resourced<T>
where
    T: Record,
    Scoped<T>: Fields + Default,
{
    const COUNTED: Option<Counted> = Some(Counted::Resources);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "resource" => from.message(&mut self.resource).map(drop),
            "schemaUrl" => from.scalar(&mut self.schema_url, field::text),
            name if name == T::SCOPES => from.list(&mut self.scopes).map(drop),
            _ => from.skip(),
        }
    }
}

impl Fields for Resource {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "attributes" => from.attributes(&mut self.attributes),
            "droppedAttributesCount" => from.scalar(&mut self.dropped_attributes_count, field::u32),
            "entityRefs" => from.list(&mut self.entity_refs).map(drop),
            _ => from.skip(),
        }
    }
}

impl Fields for EntityRef {
    const COUNTED: Option<Counted> = Some(Counted::Entities);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "schemaUrl" => from.scalar(&mut self.schema_url, field::text),
            "type" => from.scalar(&mut self.r#type, field::text),
            "idKeys" => from.scalars(&mut self.id_keys, field::text),
            "descriptionKeys" => from.scalars(&mut self.description_keys, field::text),
            _ => from.skip(),
        }
    }
}

impl<T> Fields for Scoped<T>
where
    T: Record + Fields + Default,
{
    const COUNTED: Option<Counted> = Some(Counted::Scopes);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "scope" => from.message(&mut self.scope).map(drop),
            "schemaUrl" => from.scalar(&mut self.schema_url, field::text),
            name if name == T::RECORDS => from.list(&mut self.records).map(drop),
            _ => from.skip(),
        }
    }
}

impl Fields for Scope {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "name" => from.scalar(&mut self.name, field::text),
            "version" => from.scalar(&mut self.version, field::text),
            "attributes" => from.attributes(&mut self.attributes),
            "droppedAttributesCount" => from.scalar(&mut self.dropped_attributes_count, field::u32),
            _ => from.skip(),
        }
    }
}

impl Fields for LogRecord {
    const COUNTED: Option<Counted> = Some(Counted::Records);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "timeUnixNano" => from.scalar(&mut self.time_unix_nano, field::u64),
            "observedTimeUnixNano" => from.scalar(&mut self.observed_time_unix_nano, field::u64),
            "severityNumber" => from.scalar(&mut self.severity_number, field::severity_number),
            "severityText" => from.scalar(&mut self.severity_text, field::text),
            "body" => from.message(&mut self.body).map(drop),
            "attributes" => from.attributes(&mut self.attributes),
            "droppedAttributesCount" => from.scalar(&mut self.dropped_attributes_count, field::u32),
            "flags" => from.scalar(&mut self.flags, field::u32),
            "traceId" => from.scalar(&mut self.trace_id, field::id),
            "spanId" => from.scalar(&mut self.span_id, field::id),
            "eventName" => from.scalar(&mut self.event_name, field::text),
            _ => from.skip(),
        }
    }
}

impl Fields for Span {
    const COUNTED: Option<Counted> = Some(Counted::Records);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "traceId" => from.scalar(&mut self.trace_id, field::id),
            "spanId" => from.scalar(&mut self.span_id, field::id),
            "traceState" => from.scalar(&mut self.trace_state, field::text),
            "parentSpanId" => from.scalar(&mut self.parent_span_id, field::id),
            "flags" => from.scalar(&mut self.flags, field::u32),
            "name" => from.scalar(&mut self.name, field::text),
            "kind" => from.scalar(&mut self.kind, field::span_kind),
            "startTimeUnixNano" => from.scalar(&mut self.start_time_unix_nano, field::u64),
            "endTimeUnixNano" => from.scalar(&mut self.end_time_unix_nano, field::u64),
            "attributes" => from.attributes(&mut self.attributes),
            "droppedAttributesCount" => from.scalar(&mut self.dropped_attributes_count, field::u32),
            "events" => from.list(&mut self.events).map(drop),
            "droppedEventsCount" => from.scalar(&mut self.dropped_events_count, field::u32),
            "links" => from.list(&mut self.links).map(drop),
            "droppedLinksCount" => from.scalar(&mut self.dropped_links_count, field::u32),
            "status" => from.message(&mut self.status).map(drop),
            _ => from.skip(),
        }
    }
}

impl Fields for SpanEvent {
    const COUNTED: Option<Counted> = Some(Counted::Events);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "timeUnixNano" => from.scalar(&mut self.time_unix_nano, field::u64),
            "name" => from.scalar(&mut self.name, field::text),
            "attributes" => from.attributes(&mut self.attributes),
            "droppedAttributesCount" => from.scalar(&mut self.dropped_attributes_count, field::u32),
            _ => from.skip(),
        }
    }
}

impl Fields for SpanLink {
    const COUNTED: Option<Counted> = Some(Counted::Links);

    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "traceId" => from.scalar(&mut self.trace_id, field::id),
            "spanId" => from.scalar(&mut self.span_id, field::id),
            "traceState" => from.scalar(&mut self.trace_state, field::text),
            "attributes" => from.attributes(&mut self.attributes),
            "droppedAttributesCount" => from.scalar(&mut self.dropped_attributes_count, field::u32),
            "flags" => from.scalar(&mut self.flags, field::u32),
            _ => from.skip(),
        }
    }
}

impl Fields for Status {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error> {
        match name {
            "message" => from.scalar(&mut self.message, field::text),
            "code" => from.scalar(&mut self.code, field::status_code),
            _ => from.skip(),
        }
    }
}
