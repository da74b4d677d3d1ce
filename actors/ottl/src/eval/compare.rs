//! Values compared.
//!
//! Source: `compare.go` of `pkg/ottl` 0.158.0, and the table in `LANGUAGE.md`.

use std::{cmp::Ordering, collections::HashMap};

use super::datum::Datum;
use crate::{
    record::{Attributes, Value},
    syntax::tree::Comparison,
};

/// Whether a comparison holds. Values of different kinds are not equal, and neither less nor greater.
pub(crate) fn compare(left: &Datum, right: &Datum, by: Comparison) -> bool {
    use Datum::{Bool, Bytes, Double, Duration, Int, Items, List, Map, Nil, Raw, SpanId, Text, Time, TraceId};
    // No octets are nil.
    let nil = |datum: &Datum| matches!(datum, Nil) || matches!(datum, Bytes(octets) if octets.is_empty());
    match (left, right) {
        (left, right) if nil(left) && nil(right) => {
            matches!(by, Comparison::Equal | Comparison::LessOrEqual | Comparison::GreaterOrEqual)
        }
        (left, right) if nil(left) || nil(right) => by == Comparison::NotEqual,
        (Bool(a), Bool(b)) => ordered(Some(a.cmp(b)), by),
        (Int(a), Int(b)) => ordered(Some(a.cmp(b)), by),
        (Int(a), Double(b)) => ordered(as_double(*a).partial_cmp(b), by),
        (Double(a), Int(b)) => ordered(a.partial_cmp(&as_double(*b)), by),
        (Double(a), Double(b)) => ordered(a.partial_cmp(b), by),
        (Text(a), Text(b)) => ordered(Some(a.cmp(b)), by),
        (Bytes(a), Bytes(b)) => ordered(Some(a.cmp(b)), by),
        (Duration(a), Duration(b)) => ordered(Some(a.cmp(b)), by),
        (Time(a), Time(b)) => ordered(Some(a.nanos.cmp(&b.nanos)), by),
        (Map(a), Map(b)) => equal(same_map(a, b), by),
        (Map(a), Raw(b)) | (Raw(b), Map(a)) => equal(map_is_raw(a, b), by),
        (Raw(a), Raw(b)) => equal(same_raw(a, b), by),
        (List(a), List(b)) => equal(same_list(a, b), by),
        (List(a), Items(b)) | (Items(b), List(a)) => equal(list_is_items(a, b), by),
        (Items(a), Items(b)) => equal(same_items(a, b), by),
        (TraceId(a), TraceId(b)) => equal(a == b, by),
        (SpanId(a), SpanId(b)) => equal(a == b, by),
        (Datum::Native(a), Datum::Native(b)) => equal(a == b, by),
        (Datum::Part(a), Datum::Part(b)) => equal(a == b, by),
        _ => by == Comparison::NotEqual,
    }
}

#[allow(clippy::cast_precision_loss)] // as Go converts
pub(crate) const fn as_double(number: i64) -> f64 {
    number as f64
}

/// By an order; without one (NaN), only `!=` holds.
fn ordered(order: Option<Ordering>, by: Comparison) -> bool {
    let Some(order) = order else { return by == Comparison::NotEqual };
    match by {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

fn equal(equal: bool, by: Comparison) -> bool {
    match by {
        Comparison::Equal => equal,
        Comparison::NotEqual => !equal,
        _ => false,
    }
}

/// Whether two values say the same; the order of keys says nothing.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Map(one), Value::Map(other)) => same_map(one, other),
        (Value::Array(one), Value::Array(other)) => same_list(one, other),
        _ => one == other,
    }
}

fn same_map(one: &Attributes, other: &Attributes) -> bool {
    // In the same order as a rule; by an index otherwise, so that the time does not grow with the square of their length.
    if one.len() != other.len() {
        return false;
    }
    if one.iter().zip(other.iter()).all(|((key, _), (theirs, _))| key == theirs) {
        return one.iter().zip(other.iter()).all(|((_, value), (_, theirs))| same(value, theirs));
    }
    let other = other.index();
    one.iter().all(|(key, value)| other.get(key).is_some_and(|theirs| same(value, theirs)))
}

fn same_list(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn list_is_items(list: &[Value], items: &[Datum]) -> bool {
    list.len() == items.len() && list.iter().zip(items).all(|(value, item)| is_raw(value, item))
}

fn map_is_raw(map: &Attributes, raw: &[(String, Datum)]) -> bool {
    let index = map.index();
    index.len() == raw.len()
        && raw.iter().all(|(key, item)| index.get(key.as_str()).is_some_and(|value| is_raw(value, item)))
}

/// Whether two values of Go's own types are deeply equal (`reflect.DeepEqual`).
fn deeply_equal(one: &Datum, other: &Datum) -> bool {
    match (one, other) {
        (Datum::Raw(one), Datum::Raw(other)) => same_raw(one, other),
        (Datum::Items(one), Datum::Items(other)) => same_items(one, other),
        (one, other) => one == other,
    }
}

fn same_items(one: &[Datum], other: &[Datum]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| deeply_equal(one, other))
}

fn same_raw(one: &[(String, Datum)], other: &[(String, Datum)]) -> bool {
    let index: HashMap<&str, &Datum> = other.iter().map(|(key, item)| (key.as_str(), item)).collect();
    one.len() == other.len()
        && one.iter().all(|(key, item)| index.get(key.as_str()).is_some_and(|theirs| deeply_equal(item, theirs)))
}

/// Whether a value, as Go's own types have it, is deeply equal to another (`reflect.DeepEqual`).
fn is_raw(value: &Value, item: &Datum) -> bool {
    match (value, item) {
        (Value::Empty, Datum::Nil) => true,
        (Value::Str(a), Datum::Text(b)) => a == b,
        (Value::Bool(a), Datum::Bool(b)) => a == b,
        (Value::Int(a), Datum::Int(b)) => a == b,
        (Value::Double(a), Datum::Double(b)) => a == b,
        (Value::Bytes(a), Datum::Bytes(b)) => a == b,
        (Value::Array(a), Datum::Items(b)) => list_is_items(a, b),
        (Value::Map(a), Datum::Raw(b)) => map_is_raw(a, b),
        // A map in a list of the text is another type than one in a list of a record.
        _ => false,
    }
}
