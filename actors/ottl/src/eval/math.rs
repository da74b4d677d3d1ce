//! Arithmetic.
//!
//! Source: `math.go` of `pkg/ottl` 0.158.0.

use super::{compare::as_double, datum::Datum, error::Error};
use crate::program::Operator;

pub(crate) fn negate(of: &Datum) -> Result<Datum, Error> {
    match of {
        Datum::Int(number) => Ok(Datum::Int(number.wrapping_neg())),
        Datum::Double(number) => Ok(Datum::Double(-number)),
        other => Err(Error::value(format!("`-` takes a number, found {}", other.words()))),
    }
}

pub(crate) fn operate(left: &Datum, by: Operator, right: &Datum) -> Result<Datum, Error> {
    use Datum::{Double, Duration, Int, Time};
    let only_sums = || Error::value("times and durations can only be added and subtracted");
    match (left, right) {
        (Int(a), Int(b)) => ints(*a, by, *b),
        (Int(a), Double(b)) => doubles(as_double(*a), by, *b),
        (Double(a), Int(b)) => doubles(*a, by, as_double(*b)),
        (Double(a), Double(b)) => doubles(*a, by, *b),
        (Time(a), Duration(b)) => match by {
            Operator::Add => Ok(Time(a.plus(*b))),
            Operator::Subtract => Ok(Time(a.plus(b.wrapping_neg()))),
            Operator::Multiply | Operator::Divide => Err(only_sums()),
        },
        (Time(a), Time(b)) if by == Operator::Subtract => Ok(Duration(a.since(b))),
        (Duration(a), Duration(b)) => match by {
            Operator::Add => Ok(Duration(a.wrapping_add(*b))),
            Operator::Subtract => Ok(Duration(a.wrapping_sub(*b))),
            Operator::Multiply | Operator::Divide => Err(only_sums()),
        },
        (Duration(a), Time(b)) if by == Operator::Add => Ok(Time(b.plus(*a))),
        (Time(_) | Duration(_), _) if matches!(by, Operator::Multiply | Operator::Divide) => Err(only_sums()),
        (Int(_) | Double(_), other) | (other, _) => Err(Error::value(format!(
            "arithmetic takes numbers, times and durations that go together, found {}",
            other.words()
        ))),
    }
}

fn ints(a: i64, by: Operator, b: i64) -> Result<Datum, Error> {
    Ok(Datum::Int(match by {
        Operator::Add => a.wrapping_add(b),
        Operator::Subtract => a.wrapping_sub(b),
        Operator::Multiply => a.wrapping_mul(b),
        Operator::Divide if b == 0 => return Err(Error::value("a number is divided by 0")),
        Operator::Divide => a.wrapping_div(b),
    }))
}

#[allow(clippy::float_cmp)] // upstream asks for 0 exactly
fn doubles(a: f64, by: Operator, b: f64) -> Result<Datum, Error> {
    Ok(Datum::Double(match by {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide if b == 0.0 => return Err(Error::value("a number is divided by 0")),
        Operator::Divide => a / b,
    }))
}
