//! Values found and set by keys.

use super::absent;
use crate::{
    eval::{
        Datum, Error,
        env::{Found, raw},
    },
    record::{Attributes, Held as _, Value, block, entry as entry_size},
    run::Budget,
};

/// How long a list grows when an element behind its end is set.
const MAX_GROWTH: i64 = 10_000;

pub(super) fn no_keys(what: &str, value: &Value) -> Error {
    Error::value(format!("{what} that is {} has no keys", Datum::from(value).words()))
}

pub(super) fn in_map(map: &Attributes, keys: &[Found], budget: &mut Budget) -> Result<Datum, Error> {
    let Some((first, rest)) = keys.split_first() else { return Ok(Datum::Nil) };
    match look_up(map, text_key(first)?, budget)? {
        Some(value) => inside(value, rest, budget),
        None => Ok(Datum::Nil),
    }
}

pub(super) fn inside(value: &Value, keys: &[Found], budget: &mut Budget) -> Result<Datum, Error> {
    let mut value = value;
    for key in keys {
        value = match value {
            Value::Map(map) => match look_up(map, text_key(key)?, budget)? {
                Some(value) => value,
                None => return Ok(Datum::Nil),
            },
            Value::Array(items) => element(items, key)?,
            other => return Err(no_keys("a value", other)),
        };
    }
    Ok(Datum::from(value))
}

/// Looks for a key, one entry after another.
fn look_up<'m>(map: &'m Attributes, key: &str, budget: &mut Budget) -> Result<Option<&'m Value>, Error> {
    budget.spend(looked_at(map))?;
    Ok(map.get(key))
}

/// The work of looking for a key: several entries are passed in the time that an octet takes.
const fn looked_at(map: &Attributes) -> usize {
    map.len() / 4 + 1
}

fn text_key(key: &Found) -> Result<&str, Error> {
    match key {
        Found::Text(text) => Ok(text),
        Found::Int(_) => Err(Error::value("the key of a map is a text, found a whole number")),
        Found::Wrong(error) => Err(error.clone()),
    }
}

fn int_key(key: &Found) -> Result<i64, Error> {
    match key {
        Found::Int(number) => Ok(*number),
        Found::Text(_) => Err(Error::value("the key of a list is a whole number, found a text")),
        Found::Wrong(error) => Err(error.clone()),
    }
}

fn no_element(number: i64) -> Error {
    Error::value(format!("there is no element {number}"))
}

pub(super) fn element<'v>(items: &'v [Value], key: &Found) -> Result<&'v Value, Error> {
    let number = int_key(key)?;
    usize::try_from(number).ok().and_then(|index| items.get(index)).ok_or_else(|| no_element(number))
}

pub(super) fn element_mut<'v>(items: &'v mut [Value], key: &Found) -> Result<&'v mut Value, Error> {
    let number = int_key(key)?;
    usize::try_from(number).ok().and_then(|index| items.get_mut(index)).ok_or_else(|| no_element(number))
}

/// The value of a key, which is made where it is absent.
fn entry<'m>(map: &'m mut Attributes, key: &str, budget: &mut Budget) -> Result<&'m mut Value, Error> {
    budget.spend(looked_at(map))?;
    if map.get(key).is_none() {
        budget.hold(entry_size(key))?;
        map.insert(key, Value::Empty);
    }
    map.get_mut(key).ok_or_else(absent)
}

pub(super) fn set_in_map(map: &mut Attributes, keys: &[Found], datum: Datum, budget: &mut Budget) -> Result<(), Error> {
    let Some((first, rest)) = keys.split_first() else { return Ok(()) };
    let value = entry(map, text_key(first)?, budget)?;
    set_inside(value, rest, datum, budget)
}

/// Sets a value by keys into it (`SetIndexableValue`): maps and lists are made where there is nothing.
pub(super) fn set_inside(value: &mut Value, keys: &[Found], datum: Datum, budget: &mut Budget) -> Result<(), Error> {
    let mut value = value;
    for key in keys {
        value = match value {
            Value::Empty => made(value, key, budget)?,
            Value::Map(map) => entry(map, text_key(key)?, budget)?,
            Value::Array(items) => element_mut(items, key)?,
            other => return Err(no_keys("a value", other)),
        };
    }
    let before = value.held();
    let result = assign(value, datum);
    budget.release(before);
    budget.hold(value.held())?;
    result
}

/// Makes a map or a list of nothing, with what a key leads to. A list has as many elements as the key asks for, which
/// take memory that nobody gave.
fn made<'v>(value: &'v mut Value, key: &Found, budget: &mut Budget) -> Result<&'v mut Value, Error> {
    *value = match key {
        Found::Text(_) => Value::Map(Attributes::default()),
        Found::Int(number @ ..=MAX_GROWTH) => {
            let length = usize::try_from(*number).unwrap_or_default() + 1;
            let octets = block(length * size_of::<Value>());
            budget.spend(octets)?;
            budget.hold(octets)?;
            Value::Array(vec![Value::Empty; length])
        }
        Found::Int(_) => {
            return Err(Error::Unsupported(format!("a list that grows to more than {MAX_GROWTH} elements")));
        }
        Found::Wrong(error) => return Err(error.clone()),
    };
    match value {
        Value::Map(map) => entry(map, text_key(key)?, budget),
        Value::Array(items) => items.last_mut().ok_or_else(absent),
        _ => Err(absent()),
    }
}

/// Puts a value in place of another (`SetValue`).
pub(in crate::eval) fn assign(value: &mut Value, datum: Datum) -> Result<(), Error> {
    *value = match datum {
        Datum::Nil => Value::Empty,
        Datum::Bool(truth) => Value::Bool(truth),
        Datum::Int(number) => Value::Int(number),
        Datum::Double(number) => Value::Double(number),
        Datum::Text(text) => Value::Str(text),
        Datum::Bytes(octets) => Value::Bytes(octets),
        Datum::Map(map) => Value::Map(map),
        Datum::List(items) => Value::Array(items),
        Datum::Texts(items) => Value::Array(items.into_iter().map(Value::Str).collect()),
        Datum::Doubles(items) => Value::Array(items.into_iter().map(Value::Double).collect()),
        Datum::Items(items) => {
            // What cannot be stored leaves nothing; upstream tells only of the last.
            let mut result = Ok(());
            let mut list = Vec::with_capacity(items.len());
            for item in items {
                let mut value = Value::Empty;
                result = assign(&mut value, item);
                list.push(value);
            }
            *value = Value::Array(list);
            return result;
        }
        of_go @ Datum::Raw(_) => raw(of_go)?,
        other => return Err(Error::value(format!("{} cannot be stored as it is", other.words()))),
    };
    Ok(())
}

/// Puts a map in place of another (`SetMap`).
pub(in crate::eval) fn set_map(map: &mut Attributes, datum: Datum) -> Result<(), Error> {
    match datum {
        Datum::Nil => *map = Attributes::default(),
        Datum::Map(new) => *map = new,
        of_go @ Datum::Raw(_) => {
            if let Value::Map(new) = raw(of_go)? {
                *map = new;
            }
        }
        other => return Err(Error::kind("a map", &other).within()),
    }
    Ok(())
}
