//! The way through JSON: messages, lists, the path to where reading is, and what has been counted.

use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::field::{Scalar, ScalarSeed};
use super::{Limits, MAX_DEPTH, ReadError};

/// What is counted against [`Limits::records`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Resources,
    Scopes,
    Metrics,
    /// Log records, data points, spans.
    Records,
    /// Of all spans.
    Events,
    Links,
    /// Of all points.
    Exemplars,
    Quantiles,
    /// Of all resources.
    Entities,
}

/// How many times the records may be what stands in them: a record has several as a rule, or none.
const WITHIN: usize = 4;

/// Where reading is, and how much there was.
#[derive(Debug)]
pub(super) struct Reader {
    limits: Limits,
    /// Grows on the way in, shrinks on the way out, and stays as it is when reading fails: then it names the place.
    path: String,
    depth: usize,
    counts: [usize; 9],
}

impl Reader {
    pub(super) fn new(limits: &Limits) -> Self {
        let limits = Limits { depth: limits.depth.min(MAX_DEPTH), ..*limits };
        Self { limits, path: String::new(), depth: 0, counts: [0; 9] }
    }

    /// Counts one more, and says what is wrong when there are too many.
    fn count(&mut self, counted: Counted) -> Result<(), String> {
        let (place, name) = match counted {
            Counted::Resources => (0, "resources"),
            Counted::Scopes => (1, "scopes"),
            Counted::Metrics => (2, "metrics"),
            Counted::Records => (3, "records"),
            Counted::Events => (4, "events"),
            Counted::Links => (5, "links"),
            Counted::Exemplars => (6, "exemplars"),
            Counted::Quantiles => (7, "quantiles"),
            Counted::Entities => (8, "entity references"),
        };
        let Some(count) = self.counts.get_mut(place) else { return Ok(()) };
        *count += 1;
        let within = matches!(
            counted,
            Counted::Events | Counted::Links | Counted::Exemplars | Counted::Quantiles | Counted::Entities
        );
        let most = self.limits.records.saturating_mul(if within { WITHIN } else { 1 });
        if *count > most { Err(format!("there are more than {most} {name}")) } else { Ok(()) }
    }

    /// What went wrong, and where.
    pub(super) fn error(&self, error: &serde_json::Error) -> ReadError {
        let mut message = error.to_string();
        let (line, column) = (error.line(), error.column());
        let position = (line > 0).then_some((line, column));
        if let Some(bare) = message.strip_suffix(&format!(" at line {line} column {column}")) {
            message = bare.to_owned();
        }
        ReadError { path: self.path.clone(), message, position }
    }
}

/// What is read from an object, field by field.
pub(super) trait Fields {
    /// What it counts as when it stands in a list.
    const COUNTED: Option<Counted> = None;

    /// Reads the value of a field, or skips it.
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut Source<'_, A>) -> Result<(), A::Error>;
}

/// Reads an object into a message; `null` leaves it as it is.
pub(super) struct Message<'r, M> {
    pub(super) into: &'r mut M,
    pub(super) reader: &'r mut Reader,
}

impl<'de, M: Fields> DeserializeSeed<'de> for Message<'_, M> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, M: Fields> Visitor<'de> for Message<'_, M> {
    /// Whether there is one.
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        let mut source = Source { map, reader: self.reader };
        let mut name = String::new();
        while source.map.next_key_seed(Name(&mut name))?.is_some() {
            let length = source.reader.path.len();
            if length > 0 {
                source.reader.path.push('.');
            }
            source.reader.path.push_str(&name);
            self.into.field(&name, &mut source)?;
            source.reader.path.truncate(length);
        }
        Ok(true)
    }
}

/// Reads a field's name, from snake case to lowerCamelCase.
struct Name<'n>(&'n mut String);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        self.0.clear();
        let mut raise = false;
        for c in name.chars() {
            if c == '_' && !self.0.is_empty() {
                raise = true;
                continue;
            }
            self.0.push(if raise { c.to_ascii_uppercase() } else { c });
            raise = false;
        }
        Ok(())
    }
}

/// Reads a list; `null` leaves it as it is.
struct List<'r, M> {
    into: &'r mut Vec<M>,
    reader: &'r mut Reader,
}

impl<'de, M: Fields + Default> DeserializeSeed<'de> for List<'_, M> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, M: Fields + Default> Visitor<'de> for List<'_, M> {
    /// Whether there is one.
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let length = self.reader.path.len();
        for index in 0_usize.. {
            self.reader.enter(index);
            let mut element = M::default();
            let message = Message { into: &mut element, reader: self.reader };
            if list.next_element_seed(message)?.is_none() {
                break;
            }
            if let Some(counted) = M::COUNTED {
                self.reader.count(counted).map_err(A::Error::custom)?;
            }
            self.into.push(element);
            self.reader.path.truncate(length);
        }
        self.reader.path.truncate(length);
        Ok(true)
    }
}

/// Reads a list of what is no message.
struct Scalars<'r, T> {
    into: &'r mut Vec<T>,
    reader: &'r mut Reader,
    convert: fn(Scalar) -> Result<T, String>,
}

impl<'de, T> DeserializeSeed<'de> for Scalars<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T> Visitor<'de> for Scalars<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let length = self.reader.path.len();
        for index in 0_usize.. {
            self.reader.enter(index);
            let Some(scalar) = list.next_element_seed(ScalarSeed)? else { break };
            self.into.push((self.convert)(scalar).map_err(A::Error::custom)?);
            self.reader.path.truncate(length);
        }
        self.reader.path.truncate(length);
        Ok(())
    }
}

impl Reader {
    /// Adds an element of a list to the path.
    fn enter(&mut self, index: usize) {
        // Writing to a `String` does not fail.
        let _ = write!(self.path, "[{index}]");
    }
}

/// An object that is being read: gives the value of the field at hand.
pub(super) struct Source<'r, A> {
    map: A,
    reader: &'r mut Reader,
}

impl<'de, A: MapAccess<'de>> Source<'_, A> {
    /// Passes the value over.
    pub(super) fn skip(&mut self) -> Result<(), A::Error> {
        self.map.next_value::<IgnoredAny>().map(|_| ())
    }

    /// Reads what is no message; `null` is `None`.
    pub(super) fn maybe<T>(&mut self, convert: fn(Scalar) -> Result<T, String>) -> Result<Option<T>, A::Error> {
        match self.map.next_value_seed(ScalarSeed)? {
            Scalar::Null => Ok(None),
            scalar => convert(scalar).map(Some).map_err(A::Error::custom),
        }
    }

    /// Reads what is no message; `null` leaves it as it is.
    pub(super) fn scalar<T>(&mut self, into: &mut T, convert: fn(Scalar) -> Result<T, String>) -> Result<(), A::Error> {
        if let Some(value) = self.maybe(convert)? {
            *into = value;
        }
        Ok(())
    }

    /// Reads a list of what is no message; it comes behind what is there.
    pub(super) fn scalars<T>(
        &mut self,
        into: &mut Vec<T>,
        convert: fn(Scalar) -> Result<T, String>,
    ) -> Result<(), A::Error> {
        self.map.next_value_seed(Scalars { into, reader: self.reader, convert })
    }

    /// Reads a message into what is there. Says whether there is one.
    pub(super) fn message<M: Fields>(&mut self, into: &mut M) -> Result<bool, A::Error> {
        self.map.next_value_seed(Message { into, reader: self.reader })
    }

    /// Reads a list of messages; it comes behind what is there. Says whether there is one.
    pub(super) fn list<M: Fields + Default>(&mut self, into: &mut Vec<M>) -> Result<bool, A::Error> {
        self.map.next_value_seed(List { into, reader: self.reader })
    }

    /// Reads a message that holds values, one level below the values around it. Says whether there is one.
    pub(super) fn deeper<M: Fields>(&mut self, into: &mut M) -> Result<bool, A::Error> {
        // The value that holds the message is one level itself.
        if self.reader.depth + 1 >= self.reader.limits.depth {
            return Err(self.wrong(&format!("values are nested more than {} deep", self.reader.limits.depth)));
        }
        self.reader.depth += 1;
        let there = self.message(into)?;
        self.reader.depth -= 1;
        Ok(there)
    }

    /// An error about the field at hand.
    pub(super) fn wrong(&self, message: &str) -> A::Error {
        A::Error::custom(message)
    }

    /// An error about the key of an element of the list at hand.
    pub(super) fn wrong_key(&mut self, index: usize, message: &str) -> A::Error {
        self.reader.enter(index);
        self.reader.path.push_str(".key");
        A::Error::custom(message)
    }
}
