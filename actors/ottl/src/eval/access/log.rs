//! Fields of log records.

use super::{assign, hex_id, int, low_i32, low_u32, set_map, span_id, text, time, trace_id};
use crate::{
    check::field::Field,
    eval::{Datum, Error, Time, text as texts},
    record::{LogRecord, Value},
};

pub(super) fn read(log: &LogRecord, field: Field) -> Result<Datum, Error> {
    Ok(match field {
        Field::TimeUnixNano => Datum::Int(log.time_unix_nano.cast_signed()),
        Field::ObservedTimeUnixNano => Datum::Int(log.observed_time_unix_nano.cast_signed()),
        Field::Time => Datum::Time(Time::of_record(log.time_unix_nano)),
        Field::ObservedTime => Datum::Time(Time::of_record(log.observed_time_unix_nano)),
        Field::SeverityNumber => Datum::Int(i64::from(log.severity_number)),
        Field::SeverityText => Datum::Text(log.severity_text.clone()),
        Field::Body => Datum::from(&log.body),
        Field::BodyString => Datum::Text(texts::value(&log.body)),
        Field::Attributes => Datum::Map(log.attributes.clone()),
        Field::DroppedAttributesCount => Datum::Int(i64::from(log.dropped_attributes_count)),
        Field::Flags => Datum::Int(i64::from(log.flags)),
        Field::TraceId => Datum::TraceId(log.trace_id),
        Field::TraceIdString => Datum::Text(hex::encode(log.trace_id)),
        Field::SpanId => Datum::SpanId(log.span_id),
        Field::SpanIdString => Datum::Text(hex::encode(log.span_id)),
        Field::EventName => Datum::Text(log.event_name.clone()),
        _ => return Err(super::absent()),
    })
}

pub(super) fn write(log: &mut LogRecord, field: Field, datum: Datum) -> Result<(), Error> {
    match field {
        Field::TimeUnixNano => log.time_unix_nano = int(datum)?.cast_unsigned(),
        Field::ObservedTimeUnixNano => log.observed_time_unix_nano = int(datum)?.cast_unsigned(),
        Field::Time => log.time_unix_nano = time(datum)?.to_record(),
        Field::ObservedTime => log.observed_time_unix_nano = time(datum)?.to_record(),
        Field::SeverityNumber => log.severity_number = low_i32(int(datum)?),
        Field::SeverityText => log.severity_text = text(datum)?,
        Field::Body => assign(&mut log.body, datum)?,
        Field::BodyString => log.body = Value::Str(text(datum)?),
        Field::Attributes => set_map(&mut log.attributes, datum)?,
        Field::DroppedAttributesCount => log.dropped_attributes_count = low_u32(int(datum)?),
        Field::Flags => log.flags = low_u32(int(datum)?),
        Field::TraceId => log.trace_id = trace_id(datum)?,
        Field::TraceIdString => log.trace_id = hex_id(&text(datum)?)?,
        Field::SpanId => log.span_id = span_id(datum)?,
        Field::SpanIdString => log.span_id = hex_id(&text(datum)?)?,
        Field::EventName => log.event_name = text(datum)?,
        _ => return Err(super::absent()),
    }
    Ok(())
}
