//! What an expression sees while it is worked out, and what it may spend.

use super::{
    compare::compare,
    datum::{Datum, Measure},
    error::Error,
    math,
};
use crate::{
    program::{Call, Expr, Key, Test},
    record::{Attributes, LogRecord, Metric, Resource, Scope, Span, Value},
    regex::Pattern,
    run::Run,
};

/// What a text may have, in octets.
pub(crate) const MAX_TEXT: usize = 1 << 20;
/// What any other value may take, in octets or so.
pub(crate) const MAX_WEIGHT: usize = 4 << 20;
/// How deep values may stand in values.
pub(crate) const MAX_DEPTH: usize = 200;

/// A record and what it stands in.
pub(crate) struct Env<'a> {
    pub(crate) resource: &'a mut Resource,
    pub(crate) resource_schema: &'a mut String,
    pub(crate) scope: Option<(&'a mut Scope, &'a mut String)>,
    pub(crate) record: Subject<'a>,
    /// Where functions of metrics put new ones.
    pub(crate) new_metrics: Vec<Metric>,
    /// What statements on this record remember for those that follow.
    pub(crate) cache: Attributes,
    pub(crate) run: &'a mut Run,
}

/// The record itself.
pub(crate) enum Subject<'a> {
    /// The resource or the scope.
    Surroundings,
    Log(&'a mut LogRecord),
    Span(&'a mut Span),
    Event {
        span: &'a mut Span,
        index: usize,
    },
    Metric(&'a mut Metric),
    Point {
        metric: &'a mut Metric,
        index: usize,
    },
}

/// A key into a value, worked out.
pub(super) enum Found {
    Text(String),
    Int(i64),
    /// Neither; this is said when the key is needed.
    Wrong(Error),
}

impl Env<'_> {
    /// Counts work that is done.
    pub(crate) fn spend(&mut self, work: usize) -> Result<(), Error> {
        self.run.spend(work)
    }

    /// Counts the work of compiling a pattern, which is much for few octets: so much that what all patterns of a run take
    /// stays below what records may.
    pub(crate) fn compiled(&mut self, memory: usize) -> Result<(), Error> {
        self.spend(memory.saturating_mul(16).saturating_add(1 << 12))
    }

    /// Counts a search in a text of so many octets: each of them may be as many steps as the pattern has instructions, and
    /// seldom is.
    pub(crate) fn search(&mut self, regex: &Pattern, octets: usize) -> Result<(), Error> {
        self.spend(octets.saturating_add(1).saturating_mul(1 + regex.size() / 4))
    }

    /// Refuses what is larger than a value may be, and counts it as work.
    pub(crate) fn admit(&mut self, datum: Datum) -> Result<Datum, Error> {
        let Measure { weight, depth } = datum.measure();
        let most = match datum {
            Datum::Text(_) | Datum::Bytes(_) => MAX_TEXT + 64,
            _ => MAX_WEIGHT,
        };
        self.spend(weight)?;
        if weight > most || depth > MAX_DEPTH {
            return Err(Error::TooLarge(most));
        }
        Ok(datum)
    }

    /// Counts memory that records take from now on.
    pub(crate) fn keep(&mut self, octets: usize) -> Result<(), Error> {
        self.run.budget().hold(octets)
    }

    pub(crate) fn test(&mut self, test: &Test) -> Result<bool, Error> {
        self.spend(1)?;
        match test {
            Test::Literal(literal) => Ok(*literal),
            Test::Converter(call) => match self.call(call)? {
                Datum::Bool(truth) => Ok(truth),
                other => Err(Error::value(format!(
                    "`{}` gives {} here, and a condition is true or false",
                    call.function.name,
                    other.words()
                ))),
            },
            Test::Compare { left, by, right } => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                Ok(compare(&left, &right, *by))
            }
            Test::Not(test) => Ok(!self.test(test)?),
            Test::And(tests) => {
                for test in tests {
                    if !self.test(test)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Or(tests) => {
                for test in tests {
                    if self.test(test)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    pub(crate) fn eval(&mut self, expr: &Expr) -> Result<Datum, Error> {
        self.spend(1)?;
        match expr {
            Expr::Literal(datum) => {
                self.spend(datum.measure().weight / 8)?;
                Ok(datum.clone())
            }
            Expr::Path(target) => self.get(target),
            Expr::Call(call) => self.call(call),
            Expr::List(items) => Ok(Datum::Items(self.eval_all(items)?)),
            Expr::Map(items) => self.eval_map(items),
            Expr::Negate(of) => math::negate(&self.eval(of)?),
            Expr::Chain { first, rest } => {
                let mut total = self.eval(first)?;
                for (by, next) in rest {
                    self.spend(1)?;
                    let next = self.eval(next)?;
                    total = math::operate(&total, *by, &next)?;
                }
                Ok(total)
            }
        }
    }

    /// The values of a list, together no larger than a value may be.
    pub(crate) fn eval_all(&mut self, items: &[Expr]) -> Result<Vec<Datum>, Error> {
        let mut weight = 0;
        let mut data = Vec::with_capacity(items.len());
        for item in items {
            let datum = self.eval(item)?;
            let own = datum.measure().weight;
            self.spend(own)?;
            weight += own;
            if weight > MAX_WEIGHT {
                return Err(Error::TooLarge(MAX_WEIGHT));
            }
            data.push(datum);
        }
        Ok(data)
    }

    fn eval_map(&mut self, items: &[(String, Expr)]) -> Result<Datum, Error> {
        let mut data = Vec::with_capacity(items.len());
        let mut weight = 0;
        for (key, item) in items {
            let datum = self.eval(item)?;
            let own = datum.measure().weight;
            self.spend(own)?;
            weight += own;
            if weight > MAX_WEIGHT {
                return Err(Error::TooLarge(MAX_WEIGHT));
            }
            data.push((key.clone(), datum));
        }
        let map = map_of(data)?;
        self.admit(Datum::Map(map))
    }

    /// Calls a function and takes from what it gives by its keys.
    pub(crate) fn call(&mut self, call: &Call) -> Result<Datum, Error> {
        self.spend(64)?;
        let run = call.function.run.ok_or_else(|| Error::unsupported(call.function.name))?;
        let result = run(&super::Arguments::of(&call.arguments), self)?;
        let mut result = self.admit(result)?;
        for key in &call.keys {
            let key = self.key(key);
            result = indexed(result, key)?;
        }
        Ok(result)
    }

    pub(super) fn key(&mut self, key: &Key) -> Found {
        match key {
            Key::Text(text) => Found::Text(text.clone()),
            Key::Int(number) => Found::Int(*number),
            Key::Computed(expr) => match self.eval(expr) {
                Ok(Datum::Text(text)) => Found::Text(text),
                Ok(Datum::Int(number)) => Found::Int(number),
                Ok(other) => {
                    Found::Wrong(Error::value(format!("a key is a text or a whole number, found {}", other.words())))
                }
                Err(error) => Found::Wrong(error.within()),
            },
        }
    }
}

/// A part of what a function gave (`getIndexedValue`), taken out of it.
fn indexed(of: Datum, key: Found) -> Result<Datum, Error> {
    match key {
        Found::Wrong(error) => Err(error),
        Found::Text(key) => {
            let found = match of {
                Datum::Map(mut map) => map.swap_remove(&key).map(Datum::from),
                Datum::Raw(items) => items.into_iter().find(|(known, _)| *known == key).map(|(_, item)| item),
                other => return Err(Error::value(format!("{} has no keys that are texts", other.words()))),
            };
            found.ok_or_else(|| Error::value(format!("the key `{key}` is not in the map")))
        }
        Found::Int(number) => {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            let found = match of {
                Datum::List(items) => items.into_iter().nth(index).map(Datum::from),
                Datum::Items(items) => items.into_iter().nth(index),
                Datum::Texts(items) => items.into_iter().nth(index).map(Datum::Text),
                Datum::Doubles(items) => items.into_iter().nth(index).map(Datum::Double),
                // An octet is of a type of Go that nothing takes.
                Datum::Bytes(octets) => octets.get(index).map(|octet| Datum::Native(i64::from(*octet))),
                other => return Err(Error::value(format!("{} has no keys that are numbers", other.words()))),
            };
            found.ok_or_else(|| Error::value(format!("there is no element {number}")))
        }
    }
}

/// A map written in the text (`mapGetter`).
pub(crate) fn map_of(items: impl IntoIterator<Item = (String, Datum)>) -> Result<Attributes, Error> {
    // A map may stand in a list in it, but no deeper.
    let in_list = |item| match item {
        Datum::Map(map) => Ok(Value::Map(map)),
        other => raw(other),
    };
    let value = |datum| match datum {
        Datum::Map(map) => Ok(Value::Map(map)),
        Datum::Items(items) => Ok(Value::Array(items.into_iter().map(in_list).collect::<Result<_, _>>()?)),
        other => raw(other),
    };
    items.into_iter().map(|(key, datum)| Ok((key, value(datum)?))).collect()
}

/// A value where only Go's own types are taken (`pcommon.Value.FromRaw`).
pub(crate) fn raw(datum: Datum) -> Result<Value, Error> {
    Ok(match datum {
        Datum::Nil => Value::Empty,
        Datum::Bool(truth) => Value::Bool(truth),
        Datum::Int(number) | Datum::Native(number) => Value::Int(number),
        Datum::Double(number) => Value::Double(number),
        Datum::Text(text) => Value::Str(text),
        Datum::Bytes(octets) => Value::Bytes(octets),
        Datum::Items(items) => Value::Array(items.into_iter().map(raw).collect::<Result<_, _>>()?),
        Datum::Raw(items) => {
            Value::Map(items.into_iter().map(|(key, item)| Ok((key, raw(item)?))).collect::<Result<_, Error>>()?)
        }
        other => return Err(Error::value(format!("{} cannot stand in a list or a map here", other.words()))),
    })
}

/// A value as Go's own types have it (`pcommon.Value.AsRaw`).
pub(crate) fn go_types(value: Value) -> Datum {
    match value {
        Value::Array(items) => Datum::Items(items.into_iter().map(go_types).collect()),
        Value::Map(map) => {
            Datum::Raw(map.iter().map(|(key, value)| (key.to_owned(), go_types(value.clone()))).collect())
        }
        other => Datum::from(&other),
    }
}
