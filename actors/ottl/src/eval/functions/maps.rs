//! Converters of maps and lists.

use std::cmp::Ordering;

use crate::{
    eval::{Arguments, Datum, Env, Error, as_double, text},
    record::{Attributes, Gathered, Value},
};

pub(crate) fn keys(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(Datum::List(arguments.map(0, env)?.iter().map(|(key, _)| Value::Str(key.to_owned())).collect()))
}

pub(crate) fn values(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(Datum::List(arguments.map(0, env)?.iter().map(|(_, value)| value.clone()).collect()))
}

pub(crate) fn slice_to_map(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let items = arguments.list(0, env)?;
    let (key_path, value_path) = (arguments.literal_texts(1), arguments.literal_texts(2));
    let mut map = Gathered::default();
    for (index, item) in items.into_iter().enumerate() {
        let inner = |path| match &item {
            Value::Map(map) => extract(map, path),
            other => Err(Error::value(format!("each element must be a map, found {}", Datum::from(other).words()))),
        };
        let key = match key_path {
            Some(path) => match inner(path)? {
                Value::Str(key) => key,
                other => {
                    return Err(Error::value(format!("a key is a text, found {}", Datum::from(&other).words())));
                }
            },
            None => index.to_string(),
        };
        let value = match value_path {
            Some(path) => inner(path)?,
            None => item,
        };
        env.spend(key.len() + 1)?;
        map.insert(key, value);
    }
    Ok(Datum::Map(map.into_map()))
}

fn extract(map: &Attributes, path: &[String]) -> Result<Value, Error> {
    let missing = || Error::value(format!("an element has no `{}`", path.join(".")));
    let (first, rest) = path.split_first().ok_or_else(|| Error::value("the path into the elements is empty"))?;
    let mut value = map.get(first).ok_or_else(missing)?;
    for key in rest {
        let Value::Map(map) = value else { return Err(missing()) };
        value = map.get(key).ok_or_else(missing)?;
    }
    Ok(value.clone())
}

pub(crate) fn valid_order(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_text(1) {
        Some("asc" | "desc") | None => Ok(()),
        Some(other) => Err((1, format!("`{other}` is neither \"asc\" nor \"desc\""))),
    }
}

pub(crate) fn sort(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let descending = arguments.literal_text(1) == Some("desc");
    let turned = |order: Ordering| if descending { order.reverse() } else { order };
    Ok(match arguments.any(0, env)? {
        Datum::Texts(mut items) => {
            items.sort_by(|a, b| turned(a.cmp(b)));
            Datum::Texts(items)
        }
        Datum::Doubles(mut items) => {
            items.sort_by(|a, b| turned(numbers(*a, *b)));
            Datum::Doubles(items)
        }
        Datum::List(items) => sorted(items, turned)?,
        Datum::Items(items) => sorted(items.into_iter().map(crate::eval::raw).collect::<Result<_, _>>()?, turned)?,
        other => return Err(Error::value(format!("only a list can be sorted, found {}", other.words()))),
    })
}

/// As `cmp.Compare` of Go: what is no number is the least.
fn numbers(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Sorted by what all elements can be read as: whole numbers, numbers, or else texts. Lists with others stay as they are.
fn sorted(items: Vec<Value>, turned: impl Fn(Ordering) -> Ordering) -> Result<Datum, Error> {
    let (mut texts, mut doubles) = (false, false);
    let first_is_double = matches!(items.first(), Some(Value::Double(_)));
    let first_is_int = matches!(items.first(), Some(Value::Int(_)));
    for item in &items {
        match item {
            Value::Int(_) => doubles |= first_is_double,
            Value::Double(_) => doubles |= first_is_int,
            Value::Str(_) | Value::Bool(_) | Value::Empty => texts = true,
            Value::Bytes(_) | Value::Array(_) | Value::Map(_) => return Ok(Datum::List(items)),
        }
    }
    if items.is_empty() {
        return Ok(Datum::List(items));
    }
    let mut items = items;
    if texts {
        let mut keyed: Vec<(String, Value)> = items.into_iter().map(|item| (text::value(&item), item)).collect();
        keyed.sort_by(|(a, _), (b, _)| turned(a.cmp(b)));
        items = keyed.into_iter().map(|(_, item)| item).collect();
    } else {
        let double = |value: &Value| match value {
            Value::Int(number) => as_double(*number),
            Value::Double(number) => *number,
            _ => 0.0,
        };
        items.sort_by(|a, b| match (a, b) {
            (Value::Int(a), Value::Int(b)) if !doubles => turned(a.cmp(b)),
            _ => turned(numbers(double(a), double(b))),
        });
    }
    Ok(Datum::Items(items.into_iter().map(crate::eval::go_types).collect()))
}
