//! Trees to texts, in one canonical form.

use std::fmt::{self, Display, Formatter, Write as _};

use super::{
    text::quoted,
    tree::{Argument, Call, Comparison, Condition, Key, Lambda, LambdaBody, Math, Path, Statement, Value, ValueKind},
};

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.editor)?;
        match &self.condition {
            Some(condition) => write!(f, " where {condition}"),
            None => Ok(()),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::Converter(call) => write!(f, "{call}"),
            Self::Compare { left, by, right } => write!(f, "{left} {by} {right}"),
            Self::Not(of) if matches!(**of, Self::Not(_) | Self::And(_) | Self::Or(_)) => write!(f, "not ({of})"),
            Self::Not(of) => write!(f, "not {of}"),
            Self::And(parts) => listed(f, parts, " and ", |f, part| match part {
                Self::And(_) | Self::Or(_) => write!(f, "({part})"),
                _ => write!(f, "{part}"),
            }),
            Self::Or(parts) => listed(f, parts, " or ", |f, part| match part {
                Self::Or(_) => write!(f, "({part})"),
                _ => write!(f, "{part}"),
            }),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ValueKind::Nil => f.write_str("nil"),
            ValueKind::Text(text) => f.write_str(&quoted(text)),
            ValueKind::Int(number) => write!(f, "{number}"),
            ValueKind::Float(number) => float(f, *number),
            ValueKind::Bool(literal) => write!(f, "{literal}"),
            ValueKind::Bytes(octets) => {
                f.write_str("0x")?;
                octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            ValueKind::Enum(name) | ValueKind::Function(name) => f.write_str(name),
            ValueKind::Path(path) => write!(f, "{path}"),
            ValueKind::Call(call) => write!(f, "{call}"),
            ValueKind::List(items) => {
                f.write_char('[')?;
                listed(f, items, ", ", |f, item| write!(f, "{item}"))?;
                f.write_char(']')
            }
            ValueKind::Map(items) => {
                f.write_char('{')?;
                listed(f, items, ", ", |f, (key, value)| write!(f, "{}: {value}", quoted(key)))?;
                f.write_char('}')
            }
            ValueKind::Math(math @ Math::Operand(_)) => write!(f, "({math})"),
            ValueKind::Math(math) => write!(f, "{math}"),
            ValueKind::Lambda(lambda) => write!(f, "{lambda}"),
        }
    }
}

/// A number that is read as a fraction again: with a dot.
fn float(f: &mut Formatter<'_>, number: f64) -> fmt::Result {
    let text = format!("{number:?}");
    match text.split_once('e') {
        Some((digits, exponent)) if !digits.contains('.') => write!(f, "{digits}.0e{exponent}"),
        _ => f.write_str(&text),
    }
}

impl Display for Math {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        /// An operand of a product.
        fn factor(f: &mut Formatter<'_>, math: &Math) -> fmt::Result {
            match math {
                Math::Sum { .. } | Math::Product { .. } => write!(f, "({math})"),
                _ => write!(f, "{math}"),
            }
        }
        /// An operand of a sum.
        fn summand(f: &mut Formatter<'_>, math: &Math) -> fmt::Result {
            match math {
                Math::Sum { .. } => write!(f, "({math})"),
                _ => write!(f, "{math}"),
            }
        }
        match self {
            Self::Operand(value) => write!(f, "{value}"),
            Self::Signed { negative, of } => {
                f.write_char(if *negative { '-' } else { '+' })?;
                match **of {
                    Self::Operand(_) => write!(f, "{of}"),
                    _ => write!(f, "({of})"),
                }
            }
            Self::Sum { first, rest } => {
                summand(f, first)?;
                rest.iter().try_for_each(|(subtracted, next)| {
                    f.write_str(if *subtracted { " - " } else { " + " })?;
                    summand(f, next)
                })
            }
            Self::Product { first, rest } => {
                factor(f, first)?;
                rest.iter().try_for_each(|(divided, next)| {
                    f.write_str(if *divided { " / " } else { " * " })?;
                    factor(f, next)
                })
            }
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        listed(f, &self.arguments, ", ", |f, argument| write!(f, "{argument}"))?;
        f.write_char(')')?;
        self.keys.iter().try_for_each(|key| write!(f, "{key}"))
    }
}

impl Display for Argument {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}={}", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        listed(f, &self.segments, ".", |f, segment| {
            f.write_str(&segment.name)?;
            segment.keys.iter().try_for_each(|key| write!(f, "{key}"))
        })
    }
}

impl Display for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "[{}]", quoted(text)),
            Self::Int(number) => write!(f, "[{number}]"),
            // A whole number that begins a key is all of it.
            Self::Computed(Value {
                kind: ValueKind::Math(math @ (Math::Sum { .. } | Math::Product { .. })), ..
            }) => {
                write!(f, "[({math})]")
            }
            Self::Computed(value) => write!(f, "[{value}]"),
        }
    }
}

impl Display for Lambda {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('(')?;
        listed(f, &self.parameters, ", ", |f, parameter| f.write_str(parameter))?;
        f.write_str(") => ")?;
        match &self.body {
            LambdaBody::Value(value) => write!(f, "{value}"),
            LambdaBody::Condition(condition) => write!(f, "{condition}"),
        }
    }
}

fn listed<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    between: &str,
    mut one: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        one(f, item)?;
    }
    Ok(())
}
