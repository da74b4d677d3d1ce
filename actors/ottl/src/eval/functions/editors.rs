//! Editors of maps, lists and single fields.

use std::collections::{HashMap, HashSet};

use crate::{
    eval::{Arguments, Datum, Env, Error, MAX_WEIGHT, text},
    program::Target,
    record::{Attributes, Gathered, Held as _, Value},
};

/// What editors give.
const NOTHING: Result<Datum, Error> = Ok(Datum::Nil);

/// Changes the map at a path.
fn change(
    target: &Target,
    env: &mut Env<'_>,
    change: impl FnOnce(&mut Attributes, &mut Env<'_>) -> Result<(), Error>,
) -> Result<Datum, Error> {
    let mut map = map_at(target, env)?;
    change(&mut map, env)?;
    env.set(target, Datum::Map(map))?;
    NOTHING
}

pub(super) fn map_at(target: &Target, env: &mut Env<'_>) -> Result<Attributes, Error> {
    match env.get(target)? {
        Datum::Map(map) => Ok(map),
        other => Err(Error::kind(&format!("a map at `{}`", target.path), &other)),
    }
}

pub(crate) fn set(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let value = arguments.any(1, env)?;
    // Nothing is set to nil.
    if value != Datum::Nil {
        env.set(arguments.target(0)?, value)?;
    }
    NOTHING
}

pub(crate) fn append(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let mut items: Vec<Datum> = match env.get(target)? {
        Datum::Nil => Vec::new(),
        Datum::List(items) => items.into_iter().map(crate::eval::go_types).collect(),
        Datum::Items(items) => items,
        Datum::Texts(items) => items.into_iter().map(Datum::Text).collect(),
        Datum::Doubles(items) => items.into_iter().map(Datum::Double).collect(),
        other => vec![other],
    };
    if arguments.has(1) {
        items.push(arguments.any(1, env)?);
    }
    if arguments.has(2) {
        items.extend(env.eval_all(arguments.exprs(2)?)?);
    }
    let items = items.into_iter().map(crate::eval::raw).collect::<Result<_, _>>()?;
    env.set(target, Datum::List(items))?;
    NOTHING
}

pub(crate) fn valid_append(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    if arguments.has(1) || arguments.has(2) {
        return Ok(());
    }
    Err((0, "`value` or `values` must be given: what is appended".to_owned()))
}

pub(crate) fn delete_index(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let mut items = arguments.list(0, env)?;
    let start = arguments.int(1, env)?;
    let end = if arguments.has(2) { arguments.int(2, env)? } else { start.saturating_add(1) };
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let all = start == 0 && end == length;
    if !all && !(0..length).contains(&start) {
        return Err(Error::value(format!("there is no element {start} in a list of {length}")));
    }
    if end < start || end > length {
        return Err(Error::value(format!("elements {start} to {end} are none of a list of {length}")));
    }
    let index = |number: i64| usize::try_from(number).unwrap_or_default();
    items.drain(index(start)..index(end));
    env.set(target, Datum::List(items))?;
    NOTHING
}

pub(crate) fn delete_key(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let mut map = map_at(target, env)?;
    map.swap_remove(&arguments.text(1, env)?);
    env.set(target, Datum::Map(map))?;
    NOTHING
}

pub(crate) fn delete_matching_keys(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    retain_matching(arguments, env, false)
}

pub(crate) fn keep_matching_keys(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    retain_matching(arguments, env, true)
}

fn retain_matching(arguments: &Arguments<'_>, env: &mut Env<'_>, kept: bool) -> Result<Datum, Error> {
    let regex = arguments.pattern(1, env)?;
    change(arguments.target(0)?, env, |map, env| {
        env.search(&regex, map.iter().map(|(key, _)| key.len() + 1).sum())?;
        map.retain(|key, _| regex.is_match(key) == kept);
        Ok(())
    })
}

pub(crate) fn keep_keys(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let mut map = map_at(arguments.target(0)?, env)?;
    let keys: HashSet<String> = texts(arguments, 1, env)?.into_iter().collect();
    map.retain(|key, _| keys.contains(key));
    env.set(arguments.target(0)?, Datum::Map(map))?;
    NOTHING
}

/// A list of what must be texts.
pub(super) fn texts(arguments: &Arguments<'_>, index: usize, env: &mut Env<'_>) -> Result<Vec<String>, Error> {
    let one = |datum| match datum {
        Datum::Text(text) => Ok(text),
        other => Err(Error::kind("a text", &other)),
    };
    env.eval_all(arguments.exprs(index)?)?.into_iter().map(one).collect()
}

/// The work of making one text of a list one that is looked up.
pub(super) const LOOKED_UP: usize = 32;

pub(crate) fn limit(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let limit = usize::try_from(arguments.literal_int(1).unwrap_or_default()).unwrap_or_default();
    let priority = arguments.literal_texts(2).unwrap_or_default();
    let mut map = map_at(arguments.target(0)?, env)?;
    if map.len() <= limit {
        return NOTHING;
    }
    env.spend(LOOKED_UP * priority.len())?;
    let listed: HashSet<&str> = priority.iter().map(String::as_str).collect();
    let known: HashSet<&str> = map.iter().map(|(key, _)| key).filter(|key| listed.contains(key)).collect();
    let mut kept = priority.iter().filter(|key| known.contains(key.as_str())).count();
    map.retain(|key, _| {
        if listed.contains(key) {
            return true;
        }
        let keep = kept < limit;
        kept += usize::from(keep);
        keep
    });
    env.set(arguments.target(0)?, Datum::Map(map))?;
    NOTHING
}

pub(crate) fn valid_limit(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    let Some(limit) = arguments.literal_int(1) else { return Ok(()) };
    let keys = arguments.literal_texts(2).unwrap_or_default().len();
    if i64::try_from(keys).is_ok_and(|keys| limit < keys) {
        return Err((1, format!("the limit is {limit}, and there are {keys} keys that are to stay")));
    }
    Ok(())
}

pub(crate) fn merge_maps(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let target = arguments.target(0)?;
    let mut map = map_at(target, env)?;
    let source = arguments.map(1, env)?;
    let (insert, update) = match arguments.literal_text(2) {
        Some("insert") => (true, false),
        Some("update") => (false, true),
        _ => (true, true),
    };
    map.merge(source, insert, update);
    env.set(target, Datum::Map(map))?;
    NOTHING
}

pub(crate) fn valid_strategy(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_text(2) {
        Some("insert" | "update" | "upsert") | None => Ok(()),
        Some(other) => Err((2, format!("`{other}` is none of \"insert\", \"update\" and \"upsert\""))),
    }
}

pub(crate) fn stringify_all(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    change(arguments.target(0)?, env, |map, env| {
        let mut weight = 0;
        for (_, value) in map.iter_mut() {
            if !matches!(value, Value::Str(_)) {
                let text = text::value(value);
                env.spend(text.len())?;
                weight += text.len();
                if weight > MAX_WEIGHT {
                    return Err(Error::TooLarge(MAX_WEIGHT));
                }
                *value = Value::Str(text);
            }
        }
        Ok(())
    })
}

pub(crate) fn truncate_all(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let limit = usize::try_from(arguments.literal_int(1).unwrap_or_default()).unwrap_or_default();
    let marker = arguments.literal_text(3).unwrap_or_default();
    change(arguments.target(0)?, env, |map, _| {
        for (_, value) in map.iter_mut() {
            if let Value::Str(text) = value
                && text.len() > limit
            {
                // Octets are cut even where upstream is told to cut characters apart: a text here is always UTF-8.
                let mut end = limit.saturating_sub(marker.len());
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                text.truncate(end);
                text.push_str(marker);
            }
        }
        Ok(())
    })
}

pub(crate) fn valid_truncation(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    let (Some(limit), Some(marker)) = (arguments.literal_int(1), arguments.literal_text(3)) else { return Ok(()) };
    if i64::try_from(marker.len()).is_ok_and(|length| length > limit) {
        return Err((3, format!("the marker has {} octets, more than the limit of {limit}", marker.len())));
    }
    Ok(())
}

pub(crate) fn flatten(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let prefix = arguments.literal_text(1).unwrap_or_default();
    let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
    let most = arguments.literal_int(2).unwrap_or(i64::MAX);
    let resolve = arguments.literal_bool(3).unwrap_or_default();
    let map = map_at(arguments.target(0)?, env)?;
    let mut flat = Flat { most, resolve, result: Gathered::default(), known: HashMap::new(), weight: 0 };
    // Keys grow with depth: each value is counted with the longest that its key may be.
    env.spend(map.held())?;
    flat.map(&map, &prefix, 0, env)?;
    env.set(arguments.target(0)?, Datum::Map(flat.result.into_map()))?;
    NOTHING
}

pub(crate) fn valid_depth(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    match arguments.literal_int(2) {
        Some(..1) => Err((2, "the depth is at least 1".to_owned())),
        _ => Ok(()),
    }
}

struct Flat {
    most: i64,
    resolve: bool,
    result: Gathered,
    /// Keys that were given twice or more, and how often.
    known: HashMap<String, usize>,
    /// What its keys take, which are longer than those of what is flattened.
    weight: usize,
}

impl Flat {
    fn map(&mut self, map: &Attributes, prefix: &str, depth: i64, env: &mut Env<'_>) -> Result<(), Error> {
        map.iter().try_for_each(|(key, value)| self.value(&format!("{prefix}{key}"), value, depth, env))
    }

    fn value(&mut self, key: &str, value: &Value, depth: i64, env: &mut Env<'_>) -> Result<(), Error> {
        self.count(key.len(), env)?;
        match value {
            // No dot stands behind an empty key.
            Value::Map(map) if depth < self.most && key.is_empty() => self.map(map, "", depth + 1, env),
            Value::Map(map) if depth < self.most => self.map(map, &format!("{key}."), depth + 1, env),
            Value::Array(items) if depth < self.most => {
                for (index, item) in items.iter().enumerate() {
                    let inner = format!("{key}.{index}");
                    self.count(inner.len(), env)?;
                    match item {
                        Value::Map(map) if depth + 1 < self.most => {
                            self.map(map, &format!("{inner}."), depth + 2, env)?;
                        }
                        // Upstream leaves the dot out between a list and the elements of a list in it.
                        Value::Array(items) if depth + 1 < self.most => {
                            for (place, item) in items.iter().enumerate() {
                                self.value(&format!("{inner}{place}"), item, depth + 3, env)?;
                            }
                        }
                        item if self.resolve => self.put(key, item),
                        item => self.result.insert(inner, item.clone()),
                    }
                }
                Ok(())
            }
            value => {
                self.put(key, value);
                Ok(())
            }
        }
    }

    /// Counts a key.
    fn count(&mut self, octets: usize, env: &mut Env<'_>) -> Result<(), Error> {
        env.spend(octets + 32)?;
        self.weight += octets + 32;
        if self.weight > MAX_WEIGHT { Err(Error::TooLarge(MAX_WEIGHT)) } else { Ok(()) }
    }

    fn put(&mut self, key: &str, value: &Value) {
        if !self.resolve {
            self.result.insert(key.to_owned(), value.clone());
            return;
        }
        if !self.result.has(key) {
            // A key that a conflict made counts from 0 again.
            self.known.remove(key);
            self.result.insert(key.to_owned(), value.clone());
            return;
        }
        let count = self.known.entry(key.to_owned()).or_default();
        let numbered = format!("{key}.{count}");
        *count += 1;
        self.result.insert(numbered, value.clone());
    }
}
