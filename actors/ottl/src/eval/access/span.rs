//! Fields of spans and their events.

use super::{Found, hex_id, int, low_i32, low_u32, part, set_map, span_id, text, time, trace_id, wrong_part};
use crate::{
    check::field::Field,
    eval::{Datum, Error, Part, Time},
    record::Span,
};

/// `SpanKind` in words, as upstream has them, and as the specification did.
const KINDS: [(&str, &str); 6] = [
    ("Unspecified", "SPAN_KIND_UNSPECIFIED"),
    ("Internal", "SPAN_KIND_INTERNAL"),
    ("Server", "SPAN_KIND_SERVER"),
    ("Client", "SPAN_KIND_CLIENT"),
    ("Producer", "SPAN_KIND_PRODUCER"),
    ("Consumer", "SPAN_KIND_CONSUMER"),
];

fn kind_words(kind: i32) -> (&'static str, &'static str) {
    usize::try_from(kind).ok().and_then(|index| KINDS.get(index)).copied().unwrap_or_default()
}

fn kind_of(found: impl Fn(&(&str, &str)) -> bool) -> Result<i32, Error> {
    let index = KINDS.iter().position(found).and_then(|index| i32::try_from(index).ok());
    index.ok_or_else(|| Error::value("this is no kind of a span"))
}

pub(super) fn read(span: &Span, field: Field) -> Result<Datum, Error> {
    Ok(match field {
        Field::TraceId => Datum::TraceId(span.trace_id),
        Field::TraceIdString => Datum::Text(hex::encode(span.trace_id)),
        Field::SpanId => Datum::SpanId(span.span_id),
        Field::SpanIdString => Datum::Text(hex::encode(span.span_id)),
        Field::ParentSpanId => Datum::SpanId(span.parent_span_id),
        Field::ParentSpanIdString => Datum::Text(hex::encode(span.parent_span_id)),
        Field::TraceState => Datum::Text(span.trace_state.clone()),
        Field::Name => Datum::Text(span.name.clone()),
        Field::Kind => Datum::Int(i64::from(span.kind)),
        Field::KindString => Datum::Text(kind_words(span.kind).0.to_owned()),
        Field::KindDeprecatedString => Datum::Text(kind_words(span.kind).1.to_owned()),
        Field::StartTimeUnixNano => Datum::Int(span.start_time_unix_nano.cast_signed()),
        Field::EndTimeUnixNano => Datum::Int(span.end_time_unix_nano.cast_signed()),
        Field::StartTime => Datum::Time(Time::of_record(span.start_time_unix_nano)),
        Field::EndTime => Datum::Time(Time::of_record(span.end_time_unix_nano)),
        Field::Attributes => Datum::Map(span.attributes.clone()),
        Field::DroppedAttributesCount => Datum::Int(i64::from(span.dropped_attributes_count)),
        Field::Events => Part::Events(span.events.clone()).into(),
        Field::DroppedEventsCount => Datum::Int(i64::from(span.dropped_events_count)),
        Field::Links => Part::Links(span.links.clone()).into(),
        Field::DroppedLinksCount => Datum::Int(i64::from(span.dropped_links_count)),
        Field::Status => Part::Status(span.status.clone()).into(),
        Field::StatusCode => Datum::Int(i64::from(span.status.code)),
        Field::StatusMessage => Datum::Text(span.status.message.clone()),
        Field::Flags => Datum::Int(i64::from(span.flags)),
        _ => return Err(super::absent()),
    })
}

pub(super) fn write(span: &mut Span, field: Field, datum: Datum) -> Result<(), Error> {
    match field {
        Field::TraceId => span.trace_id = trace_id(datum)?,
        Field::TraceIdString => span.trace_id = hex_id(&text(datum)?)?,
        Field::SpanId => span.span_id = span_id(datum)?,
        Field::SpanIdString => span.span_id = hex_id(&text(datum)?)?,
        Field::ParentSpanId => span.parent_span_id = span_id(datum)?,
        Field::ParentSpanIdString => span.parent_span_id = hex_id(&text(datum)?)?,
        Field::TraceState => span.trace_state = text(datum)?,
        Field::Name => span.name = text(datum)?,
        Field::Kind => span.kind = low_i32(int(datum)?),
        Field::KindString => {
            let words = text(datum)?;
            span.kind = kind_of(|(new, _)| *new == words)?;
        }
        Field::KindDeprecatedString => {
            let words = text(datum)?;
            span.kind = kind_of(|(_, old)| *old == words)?;
        }
        Field::StartTimeUnixNano => span.start_time_unix_nano = int(datum)?.cast_unsigned(),
        Field::EndTimeUnixNano => span.end_time_unix_nano = int(datum)?.cast_unsigned(),
        Field::StartTime => span.start_time_unix_nano = time(datum)?.to_record(),
        Field::EndTime => span.end_time_unix_nano = time(datum)?.to_record(),
        Field::Attributes => set_map(&mut span.attributes, datum)?,
        Field::DroppedAttributesCount => span.dropped_attributes_count = low_u32(int(datum)?),
        Field::Events => match part(datum)? {
            Part::Events(events) => span.events = events,
            _ => return Err(wrong_part()),
        },
        Field::DroppedEventsCount => span.dropped_events_count = low_u32(int(datum)?),
        Field::Links => match part(datum)? {
            Part::Links(links) => span.links = links,
            _ => return Err(wrong_part()),
        },
        Field::DroppedLinksCount => span.dropped_links_count = low_u32(int(datum)?),
        Field::Status => match part(datum)? {
            Part::Status(status) => span.status = status,
            _ => return Err(wrong_part()),
        },
        Field::StatusCode => span.status.code = low_i32(int(datum)?),
        Field::StatusMessage => span.status.message = text(datum)?,
        Field::Flags => {
            let flags = int(datum)?;
            span.flags =
                u32::try_from(flags).map_err(|_| Error::value(format!("flags have 32 bits, found {flags}")))?;
        }
        _ => return Err(super::absent()),
    }
    Ok(())
}

pub(super) fn read_event(span: &Span, index: usize, field: Field) -> Result<Datum, Error> {
    let event = span.events.get(index).ok_or_else(super::absent)?;
    Ok(match field {
        Field::TimeUnixNano => Datum::Int(event.time_unix_nano.cast_signed()),
        Field::Time => Datum::Time(Time::of_record(event.time_unix_nano)),
        Field::Name => Datum::Text(event.name.clone()),
        Field::Attributes => Datum::Map(event.attributes.clone()),
        Field::DroppedAttributesCount => Datum::Int(i64::from(event.dropped_attributes_count)),
        // Neither of the processors tells it.
        Field::EventIndex => return Err(Error::value("the processor does not tell `event_index`")),
        _ => return Err(super::absent()),
    })
}

pub(super) fn write_event(span: &mut Span, index: usize, field: Field, datum: Datum) -> Result<(), Error> {
    let event = span.events.get_mut(index).ok_or_else(super::absent)?;
    match field {
        Field::TimeUnixNano => event.time_unix_nano = int(datum)?.cast_unsigned(),
        Field::Time => event.time_unix_nano = time(datum)?.to_record(),
        Field::Name => event.name = text(datum)?,
        Field::Attributes => set_map(&mut event.attributes, datum)?,
        Field::DroppedAttributesCount => event.dropped_attributes_count = low_u32(int(datum)?),
        _ => return Err(Error::value("this path cannot be set")),
    }
    Ok(())
}

// `trace_state["key"]`: W3C Trace Context, section 3.3.

const MAX_MEMBERS: usize = 32;

fn state_key(keys: &[Found]) -> Result<&str, Error> {
    match keys {
        [Found::Text(key)] => Ok(key),
        _ => Err(Error::value("the key of a trace state is a text")),
    }
}

/// The members of a trace state, unless it is malformed.
fn members(state: &str) -> Option<Vec<(&str, &str)>> {
    let members: Vec<_> = state
        .split(',')
        .filter(|member| !member.trim_matches([' ', '\t']).is_empty())
        .map(|member| {
            let (key, value) = member.trim_matches([' ', '\t']).split_once('=')?;
            (is_key(key) && is_value(value)).then_some((key, value))
        })
        .collect::<Option<_>>()?;
    let mut keys: Vec<_> = members.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    (keys.len() == members.len() && members.len() <= MAX_MEMBERS).then_some(members)
}

fn is_key(key: &str) -> bool {
    let allowed =
        |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || matches!(octet, b'_' | b'-' | b'*' | b'/');
    let (tenant, system) = key.split_once('@').map_or((key, None), |(tenant, system)| (tenant, Some(system)));
    let begins = |text: &str, digit: bool| {
        text.bytes().next().is_some_and(|first| first.is_ascii_lowercase() || digit && first.is_ascii_digit())
    };
    match system {
        None => tenant.len() <= 256 && begins(tenant, false) && tenant.bytes().all(allowed),
        Some(system) => {
            tenant.len() <= 241
                && system.len() <= 14
                && begins(tenant, true)
                && begins(system, false)
                && tenant.bytes().chain(system.bytes()).all(allowed)
        }
    }
}

fn is_value(value: &str) -> bool {
    let allowed = |octet: u8| (0x20..=0x7e).contains(&octet) && octet != b',' && octet != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(allowed) && !value.ends_with(' ')
}

pub(super) fn trace_state(span: &Span, keys: &[Found]) -> Result<Datum, Error> {
    let Some(members) = members(&span.trace_state) else { return Ok(Datum::Nil) };
    let key = state_key(keys)?;
    let found = members.iter().find(|(known, _)| *known == key).map_or("", |(_, value)| value);
    Ok(Datum::Text(found.to_owned()))
}

/// Puts a member before the others, as the specification has it. What is malformed is left as it is.
pub(super) fn set_trace_state(span: &mut Span, keys: &[Found], datum: Datum) -> Result<(), Error> {
    let value = text(datum)?;
    let Some(members) = members(&span.trace_state) else { return Ok(()) };
    let key = state_key(keys)?;
    if !is_key(key) || !is_value(&value) {
        return Ok(());
    }
    let others = members.iter().filter(|(known, _)| *known != key).take(MAX_MEMBERS - 1);
    let others: Vec<_> = others.map(|(key, value)| format!("{key}={value}")).collect();
    span.trace_state = std::iter::once(format!("{key}={value}")).chain(others).collect::<Vec<_>>().join(",");
    Ok(())
}
