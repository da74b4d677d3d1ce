//! Marked values: settings whose place in a rendering is looked for.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

/// Characters of the private use area, that no text means anything by.
const BEGIN: char = '\u{e000}';
const END: char = '\u{e001}';

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// What is always there.
    Literal(&'t str),
    /// A marked value.
    Hole(u32),
}

/// The marked values that were given out.
#[derive(Debug, Default)]
pub(super) struct Sentinels {
    next: u32,
    /// Numbers, by their bits as a double.
    numbers: BTreeMap<u64, u32>,
    /// Durations in milliseconds and sizes in MiB, as they are written. They may come out as numbers in another unit.
    quantities: BTreeMap<(&'static str, u64), u32>,
}

/// The first marked duration, in milliseconds; each is a whole number of seconds.
const FIRST_DURATION_MS: u64 = 7_001_000;
/// The first marked size, in MiB.
const FIRST_SIZE_MIB: u64 = 70_001;

impl Sentinels {
    /// A text like no other, of the form that a field asks for where renderings count with it.
    pub(super) fn text(&mut self, field: &Value) -> Value {
        self.next += 1;
        let quantity = match field.get("x-check").and_then(Value::as_str) {
            Some("duration") => ("ms", FIRST_DURATION_MS + 1000 * u64::from(self.next)),
            Some("size") => ("MiB", FIRST_SIZE_MIB + u64::from(self.next)),
            _ => return Value::String(format!("{BEGIN}{}{END}", self.next)),
        };
        self.quantities.insert(quantity, self.next);
        let (unit, count) = quantity;
        Value::String(format!("{count}{unit}"))
    }

    /// A number that hardly stands anywhere else, in the range of a field.
    pub(super) fn number(&mut self, field: &Value) -> Value {
        self.next += 1;
        let bound = |name: &str| field.get(name).and_then(Value::as_f64);
        let least = bound("minimum").unwrap_or(0.0);
        let most = bound("maximum").unwrap_or(least + 2e6).max(least);
        let is_whole = field.get("type").and_then(Value::as_str) == Some("integer");
        // Somewhere in the upper half, where defaults and constants seldom are.
        let share = 0.5 + f64::from(self.next.wrapping_mul(37) % 499) / 1009.0;
        let value = least + (most - least) * share;
        let number = if is_whole {
            #[expect(clippy::cast_possible_truncation, reason = "between the bounds of a field, far below 2^53")]
            let whole = value.floor() as i64;
            Some(Number::from(whole))
        } else {
            Number::from_f64(value)
        };
        let number = number.unwrap_or_else(|| Number::from(0));
        self.numbers.insert(number.as_f64().unwrap_or_default().to_bits(), self.next);
        Value::Number(number)
    }

    /// The marked number that a number is.
    pub(super) fn of_number(&self, number: &Number) -> Option<u32> {
        self.numbers.get(&number.as_f64()?.to_bits()).copied()
    }

    /// The marked duration or size that a number stands for, and in which unit.
    pub(super) fn of_count(&self, number: &Number) -> Option<(u32, &'static str)> {
        let count = number.as_u64()?;
        let units = [
            ("ms", "ms", Some(count)),
            ("s", "ms", count.checked_mul(1000)),
            ("ns", "ms", (count % 1_000_000 == 0).then_some(count / 1_000_000)),
            ("MiB", "MiB", Some(count)),
            ("KiB", "MiB", (count % 1024 == 0).then_some(count / 1024)),
            ("B", "MiB", (count % (1 << 20) == 0).then_some(count >> 20)),
        ];
        units.into_iter().find_map(|(unit, written, count)| Some((*self.quantities.get(&(written, count?))?, unit)))
    }

    /// The marked value that a text is, and nothing else.
    pub(super) fn of_text(&self, text: &str) -> Option<u32> {
        let marked = text.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        match marked {
            Some(id) => id.parse().ok(),
            None => ["ms", "MiB"].into_iter().find_map(|unit| {
                let count = text.strip_suffix(unit)?.parse().ok()?;
                self.quantities.get(&(unit, count)).copied()
            }),
        }
    }

    /// Whether a text holds a marked text.
    pub(super) fn is_in(text: &str) -> bool {
        text.contains(BEGIN)
    }

    /// A text taken apart; `None` when it holds no marked value.
    pub(super) fn pieces<'t>(&self, text: &'t str) -> Option<Vec<Piece<'t>>> {
        if let Some(hole) = self.of_text(text) {
            return Some(vec![Piece::Hole(hole)]);
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, hole, after)) = self.first(rest) {
            if !before.is_empty() {
                pieces.push(Piece::Literal(before));
            }
            pieces.push(Piece::Hole(hole));
            rest = after;
        }
        if pieces.is_empty() {
            return None;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest));
        }
        Some(pieces)
    }

    /// The first marked value in a text: what stands before it, which it is, and what follows.
    fn first<'t>(&self, text: &'t str) -> Option<(&'t str, u32, &'t str)> {
        let marked = text.split_once(BEGIN).and_then(|(before, rest)| {
            let (id, after) = rest.split_once(END)?;
            Some((before, id.parse().ok()?, after))
        });
        if marked.is_some() || self.numbers.is_empty() {
            return marked;
        }
        // A marked number may be written into a text: `512MiB`.
        let mut from = 0;
        while let Some(at) = text.get(from..)?.find(|c: char| c.is_ascii_digit()).map(|at| at + from) {
            let digits = text.get(at..)?;
            let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let (number, after) = digits.split_at_checked(length)?;
            let hole = number.parse::<i64>().ok().and_then(|number| self.of_number(&number.into()));
            if let Some(hole) = hole.filter(|_| length >= 3) {
                return Some((text.get(..at)?, hole, after));
            }
            from = at + length;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marked_values_are_found_again() {
        let mut sentinels = Sentinels::default();
        let (one, two) = (sentinels.text(&Value::Null), sentinels.text(&Value::Null));
        let text = format!("a{}b{}", one.as_str().unwrap(), two.as_str().unwrap());
        let pieces = [Piece::Literal("a"), Piece::Hole(1), Piece::Literal("b"), Piece::Hole(2)];
        assert_eq!(sentinels.pieces(&text).unwrap(), pieces);
        assert_eq!(sentinels.of_text(one.as_str().unwrap()), Some(1));
        assert_eq!(sentinels.pieces("plain 123456"), None);
        let number = sentinels.number(&json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000 }));
        let text = format!("{number}MiB");
        assert_eq!(sentinels.pieces(&text).unwrap(), [Piece::Hole(3), Piece::Literal("MiB")]);
        let percent = sentinels.number(&json!({ "type": "number", "minimum": 0, "maximum": 100 }));
        assert!((0.0..=100.0).contains(&percent.as_f64().unwrap()));
        assert_eq!(percent.as_number().and_then(|number| sentinels.of_number(number)), Some(4));
        let duration = sentinels.text(&json!({ "type": "string", "x-check": "duration" }));
        assert_eq!(sentinels.of_text(duration.as_str().unwrap()), Some(5));
        assert_eq!(sentinels.of_count(&Number::from(7_006_000)), Some((5, "ms")));
        assert_eq!(sentinels.of_count(&Number::from(7006)), Some((5, "s")));
        assert_eq!(sentinels.of_count(&Number::from(7007)), None);
        let size = sentinels.text(&json!({ "type": "string", "x-check": "size" }));
        assert_eq!(size, json!("70007MiB"));
        assert_eq!(sentinels.of_text("70007MiB"), Some(6));
        assert_eq!(sentinels.of_count(&Number::from(70_007_u64 << 20)), Some((6, "B")));
    }
}
