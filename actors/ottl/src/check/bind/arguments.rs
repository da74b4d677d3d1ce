//! Arguments to parameters.

use super::{Binder, Bound, Noted};
use crate::{
    check::{
        field::Holds,
        nearest::nearest,
        signature::{Function, Kind, Parameter},
    },
    eval::{Arguments, Datum, camel_case, fits},
    pattern::{Notation, Pattern, Written},
    problem::Finding,
    program::{Argument, Expr},
    syntax::tree::{self, ValueKind},
};

impl Binder {
    /// The arguments of a call, one for each parameter of the function.
    pub(in super::super) fn arguments(
        &mut self,
        function: &'static Function,
        call: &tree::Call,
    ) -> Bound<Vec<Argument>> {
        let places = self.placed(function, call)?;
        let mut bound = Vec::with_capacity(function.parameters.len());
        let mut failed = false;
        for (parameter, given) in function.parameters.iter().zip(&places) {
            let argument = match given {
                None => Ok(Argument::Absent),
                Some(argument) => {
                    if !parameter.in_0_149 && function.in_0_149 {
                        self.note_newer(format!("{}({}=…)", function.name, parameter.name()));
                    }
                    self.argument(function, parameter, &argument.value)
                }
            };
            failed |= argument.is_err();
            bound.push(argument.unwrap_or(Argument::Absent));
        }
        if failed {
            return Err(Noted);
        }
        if let Some(valid) = function.valid
            && let Err((index, message)) = valid(&Arguments::of(&bound))
        {
            let offset = places.get(index).copied().flatten().map_or(call.place.0, |argument| argument.value.place.0);
            return Err(self.note(Finding::new(offset, message)));
        }
        Ok(bound)
    }

    /// What is given for each parameter.
    fn placed<'c>(
        &mut self,
        function: &'static Function,
        call: &'c tree::Call,
    ) -> Bound<Vec<Option<&'c tree::Argument>>> {
        let parameters = function.parameters;
        let mut places: Vec<Option<&tree::Argument>> = vec![None; parameters.len()];
        let mut named = false;
        for (position, argument) in call.arguments.iter().enumerate() {
            let index = match &argument.name {
                Some(name) => {
                    named = true;
                    let field = camel_case(name);
                    let Some(index) = parameters.iter().position(|parameter| parameter.field == field) else {
                        let (named, bare): (Vec<_>, Vec<_>) = parameters.iter().partition(|known| known.has_name());
                        let names: Vec<String> = named.into_iter().map(Parameter::name).collect();
                        let near = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
                        let message = if bare.iter().any(|known| known.name() == *name) {
                            format!("`{name}` of `{}` cannot be named: it is given by its place alone", function.name)
                        } else {
                            format!("`{}` has no parameter `{name}`", function.name)
                        };
                        return Err(self.note(Finding::new(argument.place.0, message).suggest(near)));
                    };
                    index
                }
                None if named => {
                    let message = "an argument without a name stands behind one with a name";
                    return Err(self.note(Finding::new(argument.place.0, message)));
                }
                None => position,
            };
            match places.get_mut(index) {
                Some(place @ None) => *place = Some(argument),
                Some(_) => {
                    let name = parameters.get(index).map(Parameter::name).unwrap_or_default();
                    let message = format!("the parameter `{name}` is given twice");
                    return Err(self.note(Finding::new(argument.place.0, message)));
                }
                None => {
                    let message = format!("`{}` takes {}, this is one more", function.name, amount(parameters));
                    return Err(self.note(Finding::new(argument.place.0, message)));
                }
            }
        }
        let missing: Vec<_> = parameters
            .iter()
            .zip(&places)
            .filter(|(parameter, given)| !parameter.optional && given.is_none())
            .map(|(parameter, _)| format!("`{}`", parameter.name()))
            .collect();
        if missing.is_empty() {
            return Ok(places);
        }
        let message = format!("`{}` takes {}; {} missing", function.name, amount(parameters), are(&missing));
        Err(self.note(Finding::new(call.place.0, message)))
    }

    fn argument(
        &mut self,
        function: &'static Function,
        parameter: &'static Parameter,
        value: &tree::Value,
    ) -> Bound<Argument> {
        let offset = value.place.0;
        let wrong = |asked: &str| {
            let message = format!("`{}` of `{}` is {asked}", parameter.name(), function.name);
            Finding::new(offset, message)
        };
        match parameter.kind {
            Kind::Path => Ok(self.target(value)?.0),
            kind @ (Kind::MapPath | Kind::ListPath) => {
                let (target, holds) = self.target(value)?;
                if kind.takes(holds) {
                    return Ok(target);
                }
                let message =
                    format!("`{}` changes {}, and `{value}` holds {}", function.name, kind.words(), holds.words());
                Err(self.note(Finding::new(offset, message)))
            }
            Kind::Anys => match &value.kind {
                ValueKind::List(items) => Ok(Argument::Exprs(self.values(items)?)),
                _ => Err(self.note(wrong(Kind::Anys.words()))),
            },
            kind @ (Kind::Texts | Kind::TextLikes) => match &value.kind {
                ValueKind::List(items) => {
                    let each = if kind == Kind::Texts { Kind::Text } else { Kind::TextLike };
                    let exprs: Vec<_> = items.iter().map(|item| self.expr(function, parameter, each, item)).collect();
                    Ok(Argument::Exprs(exprs.into_iter().collect::<Bound<_>>()?))
                }
                _ => Err(self.note(wrong(kind.words()))),
            },
            Kind::LiteralTexts => match literal_list(value, |kind| match kind {
                ValueKind::Text(text) => Some(text.clone()),
                _ => None,
            }) {
                Some(texts) => Ok(Argument::Texts(texts)),
                None => Err(self.note(wrong(Kind::LiteralTexts.words()))),
            },
            Kind::LiteralFloats => match literal_list(value, |kind| match kind {
                ValueKind::Float(number) => Some(*number),
                _ => None,
            }) {
                Some(numbers) => Ok(Argument::Floats(numbers)),
                None => Err(self.note(wrong(Kind::LiteralFloats.words()))),
            },
            kind @ (Kind::LiteralText | Kind::LiteralInt | Kind::LiteralFloat | Kind::LiteralBool) => {
                let datum = match (kind, &value.kind) {
                    (Kind::LiteralText, ValueKind::Text(text)) => Datum::Text(text.clone()),
                    (Kind::LiteralInt, ValueKind::Int(number)) => Datum::Int(*number),
                    (Kind::LiteralFloat, ValueKind::Float(number)) => Datum::Double(*number),
                    (Kind::LiteralBool, ValueKind::Bool(truth)) => Datum::Bool(*truth),
                    _ => return Err(self.note(wrong(kind.words()))),
                };
                Ok(Argument::Expr(Expr::Literal(datum)))
            }
            Kind::Function => self.function_argument(value),
            Kind::Lambda => match &value.kind {
                ValueKind::Lambda(_) => Err(self.lambda(offset)),
                _ => Err(self.note(wrong(Kind::Lambda.words()))),
            },
            kind @ (Kind::Regex | Kind::Glob) => {
                let expr = self.expr(function, parameter, kind, value)?;
                let notation = if kind == Kind::Glob { Notation::Glob } else { Notation::Regex };
                self.pattern(notation, expr, offset)
            }
            kind => Ok(Argument::Expr(self.expr(function, parameter, kind, value)?)),
        }
    }

    /// A value, which is refused where it could never be of the kind that is asked for.
    fn expr(
        &mut self,
        function: &'static Function,
        parameter: &'static Parameter,
        kind: Kind,
        value: &tree::Value,
    ) -> Bound<Expr> {
        let offset = value.place.0;
        let (expr, holds) = match &value.kind {
            ValueKind::Path(path) => {
                let (target, field) = self.path(path)?;
                let holds = if target.keys.is_empty() { field.holds } else { Holds::Anything };
                (Expr::Path(target), holds)
            }
            ValueKind::Call(call) => {
                let call = self.call(call)?;
                let holds = if call.keys.is_empty() { call.function.gives } else { Holds::Anything };
                (Expr::Call(Box::new(call)), holds)
            }
            _ => (self.value(value)?, Holds::Anything),
        };
        if let Expr::Literal(datum) = &expr
            && !fits(kind, datum)
        {
            let message = format!(
                "`{}` of `{}` is {}, and `{value}` is {}",
                parameter.name(),
                function.name,
                kind.words(),
                datum.words()
            );
            return Err(self.note(Finding::new(offset, message)));
        }
        if kind == Kind::List
            && let Expr::Literal(list) = &expr
            && holds_map(list)
        {
            // Upstream makes a `pcommon.Slice` of it by `FromRaw` at its start, which knows no `pcommon.Map`.
            let message = format!(
                "`{}` of `{}` cannot be a written list with a mapping in it: a collector does not start with it",
                parameter.name(),
                function.name
            );
            return Err(self.note(Finding::new(offset, message)));
        }
        // What only asks for the kind is asked in vain, which is no error.
        if !function.name.starts_with("Is") && !kind.takes(holds) {
            let message = format!(
                "`{}` of `{}` is {}, and `{value}` holds {}",
                parameter.name(),
                function.name,
                kind.words(),
                holds.words()
            );
            return Err(self.note(Finding::new(offset, message)));
        }
        Ok(expr)
    }

    fn pattern(&mut self, notation: Notation, expr: Expr, offset: usize) -> Bound<Argument> {
        let Expr::Literal(Datum::Text(text)) = &expr else {
            return Ok(Argument::Pattern(Pattern::Computed(notation, expr)));
        };
        match Written::new(notation, text) {
            Ok(written) => Ok(Argument::Pattern(Pattern::Written(written))),
            Err(reason) => Err(self.note(Finding::new(offset, format!("this is no valid pattern: {reason}")))),
        }
    }

    /// A function that makes something of a replacement: one that takes one text and nothing else.
    fn function_argument(&mut self, value: &tree::Value) -> Bound<Argument> {
        let offset = value.place.0;
        let (ValueKind::Enum(name) | ValueKind::Function(name)) = &value.kind else {
            let message = "the name of a converter is asked for here, such as `SHA256`, without brackets";
            return Err(self.note(Finding::new(offset, message)));
        };
        let Some(function) = self.function(name, offset) else { return Err(Noted) };
        match function.parameters {
            [Parameter { kind: Kind::Text, .. }] => Ok(Argument::Function(function)),
            _ => {
                let message = format!("`{name}` does not take one text alone, as a function of a replacement must");
                Err(self.note(Finding::new(offset, message)))
            }
        }
    }
}

/// Whether a mapping stands in a written list, or in a list in it.
fn holds_map(list: &Datum) -> bool {
    matches!(list, Datum::Items(items) if items.iter().any(|item| matches!(item, Datum::Map(_)) || holds_map(item)))
}

fn literal_list<T>(value: &tree::Value, one: impl Fn(&ValueKind) -> Option<T>) -> Option<Vec<T>> {
    match &value.kind {
        ValueKind::List(items) => items.iter().map(|item| one(&item.kind)).collect(),
        _ => None,
    }
}

/// How many arguments, in words.
fn amount(parameters: &[Parameter]) -> String {
    let most = parameters.len();
    let least = parameters.iter().filter(|parameter| !parameter.optional).count();
    match (least, most) {
        (_, 0) => "no arguments".to_owned(),
        (1, 1) => "one argument".to_owned(),
        (least, most) if least == most => format!("{most} arguments"),
        (least, most) => format!("{least} to {most} arguments"),
    }
}

fn are(missing: &[String]) -> String {
    let listed = missing.join(", ");
    if missing.len() == 1 { format!("{listed} is") } else { format!("{listed} are") }
}
