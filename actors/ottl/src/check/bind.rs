//! Trees to programs: each name is looked up, each argument is put where it belongs.
//!
//! Source: `functions.go` and `expression.go` of `pkg/ottl` 0.158.0 (`buildArgs`, `newGetter`, `newPath`).

mod arguments;
mod paths;

use super::{
    context::{Context, Dialect, Functions},
    enums::enums,
    field::Holds,
    functions::{every_function, function, functions},
    nearest::nearest,
    signature::Function,
};
use crate::{
    eval::{Datum, compare, map_of, negate},
    problem::Finding,
    program::{Argument, Call, Expr, Key, Operator, Test},
    syntax::tree::{self, Math, ValueKind},
};

/// What reading names finds.
pub(super) struct Binder {
    pub(super) dialect: Dialect,
    pub(super) findings: Vec<Finding>,
    /// Functions that cannot be tried here.
    pub(super) unsupported: Vec<&'static str>,
    /// What collectors of 0.149 lack.
    pub(super) newer: Vec<String>,
}

/// Something was wrong, and has been noted.
pub(super) struct Noted;

pub(super) type Bound<T> = Result<T, Noted>;

impl Binder {
    pub(super) const fn new(dialect: Dialect) -> Self {
        Self { dialect, findings: Vec::new(), unsupported: Vec::new(), newer: Vec::new() }
    }

    pub(super) fn note(&mut self, finding: Finding) -> Noted {
        self.findings.push(finding);
        Noted
    }

    fn note_newer(&mut self, what: String) {
        if !self.newer.contains(&what) {
            self.newer.push(what);
        }
    }

    pub(super) fn statement(&mut self, statement: &tree::Statement) -> Bound<(Call, Test)> {
        let call = self.call(&statement.editor);
        let test = statement.condition.as_ref().map_or(Ok(Test::Literal(true)), |condition| self.test(condition));
        Ok((call?, test?))
    }

    pub(super) fn test(&mut self, condition: &tree::Condition) -> Bound<Test> {
        match condition {
            tree::Condition::Literal(literal) => Ok(Test::Literal(*literal)),
            tree::Condition::Converter(call) => {
                let bound = self.call(call)?;
                let gives = bound.function.gives;
                if bound.keys.is_empty() && !matches!(gives, Holds::Bool | Holds::Anything) {
                    let message = format!("`{}` gives {}, and a condition is true or false", call.name, gives.words());
                    return Err(self.note(Finding::new(call.place.0, message)));
                }
                Ok(Test::Converter(Box::new(bound)))
            }
            tree::Condition::Compare { left, by, right } => {
                let (left, right) = (self.value(left), self.value(right));
                Ok(match (left?, right?) {
                    (Expr::Literal(left), Expr::Literal(right)) => Test::Literal(compare(&left, &right, *by)),
                    (left, right) => Test::Compare { left, by: *by, right },
                })
            }
            tree::Condition::Not(condition) => Ok(match self.test(condition)? {
                Test::Literal(literal) => Test::Literal(!literal),
                test => Test::Not(Box::new(test)),
            }),
            tree::Condition::And(parts) => self.joined(parts, false, Test::And),
            tree::Condition::Or(parts) => self.joined(parts, true, Test::Or),
        }
    }

    /// Conditions joined. A literal that decides is all that is left, even of conditions that would be errors.
    fn joined(&mut self, parts: &[tree::Condition], decisive: bool, join: fn(Vec<Test>) -> Test) -> Bound<Test> {
        let bound: Vec<_> = parts.iter().map(|part| self.test(part)).collect();
        let mut tests = bound.into_iter().collect::<Bound<Vec<_>>>()?;
        if tests.iter().any(|test| matches!(test, Test::Literal(literal) if *literal == decisive)) {
            return Ok(Test::Literal(decisive));
        }
        tests.retain(|test| !matches!(test, Test::Literal(_)));
        Ok(match tests.len() {
            0 => Test::Literal(!decisive),
            1 => tests.pop().unwrap_or(Test::Literal(!decisive)),
            _ => join(tests),
        })
    }

    pub(super) fn call(&mut self, call: &tree::Call) -> Bound<Call> {
        let Some(function) = self.function(&call.name, call.place.0) else {
            // What else is wrong is told with it. A name alone may be that of a function here.
            let plain = |value: &&tree::Value| !matches!(value.kind, ValueKind::Enum(_) | ValueKind::Lambda(_));
            for value in call.arguments.iter().map(|argument| &argument.value).filter(plain) {
                let _ = self.value(value);
            }
            return Err(Noted);
        };
        let arguments = self.arguments(function, call);
        let keys = self.keys(&call.keys);
        Ok(Call { function, arguments: arguments?, keys: keys? })
    }

    /// The function of a name, which is noted when there is none.
    pub(super) fn function(&mut self, name: &str, offset: usize) -> Option<&'static Function> {
        let Some(function) = function(self.dialect, name) else {
            let finding = self.unknown_function(name, offset);
            self.note(finding);
            return None;
        };
        if function.run.is_none() && !self.unsupported.contains(&function.name) {
            self.unsupported.push(function.name);
        }
        if !function.in_0_149 {
            self.note_newer(function.name.to_owned());
        }
        Some(function)
    }

    fn unknown_function(&self, name: &str, offset: usize) -> Finding {
        let is_editor = |name: &str| name.starts_with(|c: char| c.is_ascii_lowercase());
        if every_function().any(|known| known.name == name) {
            let places: Vec<_> = Context::ALL
                .into_iter()
                .filter(|context| function(Dialect { context: *context, ..self.dialect }, name).is_some())
                .map(Context::name)
                .collect();
            let message = if !places.is_empty() {
                format!(
                    "there is no `{name}` in the context {}; there is one in {}",
                    self.dialect.context,
                    places.join(", ")
                )
            } else if is_editor(name) {
                format!("`{name}` is an editor, and a filter has none")
            } else if self.dialect.functions == Functions::Filter {
                format!("there is no `{name}` in a filter")
            } else {
                format!("there is `{name}` in a filter alone")
            };
            return Finding::new(offset, message);
        }
        // An editor is meant where an editor stands.
        let candidates =
            functions(self.dialect).map(|known| known.name).filter(|known| is_editor(known) == is_editor(name));
        Finding::new(offset, format!("there is no function `{name}`")).suggest(nearest(name, candidates))
    }

    pub(super) fn keys(&mut self, keys: &[tree::Key]) -> Bound<Vec<Key>> {
        let bound: Vec<_> = keys
            .iter()
            .map(|key| {
                Ok(match key {
                    tree::Key::Text(text) => Key::Text(text.clone()),
                    tree::Key::Int(number) => Key::Int(*number),
                    tree::Key::Computed(value) => match self.value(value)? {
                        Expr::Literal(Datum::Int(number)) => Key::Int(number),
                        expr => Key::Computed(expr),
                    },
                })
            })
            .collect();
        bound.into_iter().collect()
    }

    pub(super) fn value(&mut self, value: &tree::Value) -> Bound<Expr> {
        let offset = value.place.0;
        Ok(match &value.kind {
            ValueKind::Nil => Expr::Literal(Datum::Nil),
            ValueKind::Text(text) => Expr::Literal(Datum::Text(text.clone())),
            ValueKind::Int(number) => Expr::Literal(Datum::Int(*number)),
            ValueKind::Float(number) => Expr::Literal(Datum::Double(*number)),
            ValueKind::Bool(truth) => Expr::Literal(Datum::Bool(*truth)),
            ValueKind::Bytes(octets) => Expr::Literal(Datum::Bytes(octets.clone())),
            ValueKind::Enum(name) => Expr::Literal(Datum::Int(self.enum_value(name, offset)?)),
            ValueKind::Function(name) => {
                let message = format!("`{name}` is the name of a function, and a value is asked for here");
                return Err(self.note(Finding::new(offset, message)));
            }
            ValueKind::Path(path) => Expr::Path(self.path(path)?.0),
            ValueKind::Call(call) => Expr::Call(Box::new(self.call(call)?)),
            ValueKind::List(items) => {
                let items = self.values(items)?;
                if items.iter().all(|item| matches!(item, Expr::Literal(_))) {
                    let literal = |item| match item {
                        Expr::Literal(datum) => datum,
                        _ => Datum::Nil,
                    };
                    return Ok(Expr::Literal(Datum::Items(items.into_iter().map(literal).collect())));
                }
                Expr::List(items)
            }
            ValueKind::Map(items) => {
                let bound: Vec<_> = items.iter().map(|(key, value)| Ok((key.clone(), self.value(value)?))).collect();
                let items = bound.into_iter().collect::<Bound<Vec<_>>>()?;
                if !items.iter().all(|(_, item)| matches!(item, Expr::Literal(_))) {
                    return Ok(Expr::Map(items));
                }
                let literals = items.into_iter().filter_map(|(key, item)| match item {
                    Expr::Literal(datum) => Some((key, datum)),
                    _ => None,
                });
                match map_of(literals) {
                    Ok(map) => Expr::Literal(Datum::Map(map)),
                    Err(error) => return Err(self.note(Finding::new(offset, error.to_string()))),
                }
            }
            ValueKind::Math(math) => self.math(math)?,
            ValueKind::Lambda(_) => return Err(self.lambda(offset)),
        })
    }

    pub(super) fn values(&mut self, items: &[tree::Value]) -> Bound<Vec<Expr>> {
        let bound: Vec<_> = items.iter().map(|item| self.value(item)).collect();
        bound.into_iter().collect()
    }

    fn lambda(&mut self, offset: usize) -> Noted {
        let message = "lambdas need the collector's feature gate `ottl.functions.enableLambda`, which is off";
        self.note(Finding::new(offset, message))
    }

    fn enum_value(&mut self, name: &str, offset: usize) -> Bound<i64> {
        let context = self.dialect.context;
        if let Some((_, number)) = enums(context).find(|(known, _)| *known == name) {
            return Ok(number);
        }
        let message = if function(self.dialect, name).is_some() {
            format!("`{name}` is a function, and a value is asked for here: its arguments in `(` and `)` are missing")
        } else if enums(context).next().is_none() {
            format!("there are no enums such as `{name}` in the context {context}")
        } else {
            format!("there is no enum `{name}` in the context {context}")
        };
        let near = nearest(name, enums(context).map(|(known, _)| known));
        Err(self.note(Finding::new(offset, message).suggest(near)))
    }

    fn math(&mut self, math: &Math) -> Bound<Expr> {
        match math {
            Math::Operand(value) => self.value(value),
            Math::Signed { negative: false, of } => self.math(of),
            Math::Signed { negative: true, of } => Ok(match self.math(of)? {
                Expr::Literal(literal) => match negate(&literal) {
                    Ok(negated) => Expr::Literal(negated),
                    Err(_) => Expr::Negate(Box::new(Expr::Literal(literal))),
                },
                expr => Expr::Negate(Box::new(expr)),
            }),
            Math::Sum { first, rest } => self.chain(first, rest, [Operator::Add, Operator::Subtract]),
            Math::Product { first, rest } => self.chain(first, rest, [Operator::Multiply, Operator::Divide]),
        }
    }

    fn chain(&mut self, first: &Math, rest: &[(bool, Math)], [plain, inverse]: [Operator; 2]) -> Bound<Expr> {
        let first = self.math(first);
        let rest: Vec<_> = rest
            .iter()
            .map(|(inverted, next)| Ok((if *inverted { inverse } else { plain }, self.math(next)?)))
            .collect();
        Ok(Expr::Chain { first: Box::new(first?), rest: rest.into_iter().collect::<Bound<_>>()? })
    }

    /// A path that an editor changes.
    pub(super) fn target(&mut self, value: &tree::Value) -> Bound<(Argument, Holds)> {
        let ValueKind::Path(path) = &value.kind else {
            return Err(self.note(Finding::new(value.place.0, "a path to a field is asked for here")));
        };
        let (target, field) = self.path(path)?;
        if !field.writable {
            let message = format!("`{}` cannot be changed", target.path);
            return Err(self.note(Finding::new(value.place.0, message)));
        }
        let holds = if target.keys.is_empty() { field.holds } else { Holds::Anything };
        Ok((Argument::Target(target), holds))
    }
}
