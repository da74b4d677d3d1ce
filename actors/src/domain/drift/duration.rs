//! Quantities by value, as Go writes them in different ways.

/// Nanoseconds of a Go duration (`1h30m`, `300s`, `1.5s`, `0`); `None` when the text is none.
pub(crate) fn nanoseconds(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
        let (number, tail) = rest.split_at_checked(number_end)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let unit: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        total = total.checked_add(scaled(number, unit)?)?;
        rest = tail;
    }
    Some(sign * total)
}

/// Bytes of a size with a binary or decimal unit (`20MiB`, `1MB`).
pub(super) fn bytes(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
    let (number, unit) = text.split_at_checked(end)?;
    let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
        "b" => 1,
        "kib" | "ki" => 1 << 10,
        "mib" | "mi" => 1 << 20,
        "gib" | "gi" => 1 << 30,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        _ => return None,
    };
    scaled(number, unit)
}

/// `number`, which may have a fraction, times `unit`.
fn scaled(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 18 {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    whole.checked_mul(unit)?.checked_add(part.checked_mul(unit)? / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_compared_by_value() {
        for (a, b) in [("300s", "5m0s"), ("90s", "1m30s"), ("60s", "1m0s"), ("1500ms", "1.5s"), ("0", "0s")] {
            assert_eq!(nanoseconds(a), nanoseconds(b), "{a} {b}");
            assert!(nanoseconds(a).is_some());
        }
        assert_eq!(nanoseconds("-1m"), Some(-60_000_000_000));
        for bad in ["", "s", "5", "1d", "1.2.3s", "5m x", "..s", "-"] {
            assert_eq!(nanoseconds(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn sizes_are_compared_by_value() {
        assert_eq!(bytes("20MiB"), Some(20_971_520));
        assert_eq!(bytes("1.5KiB"), Some(1536));
        assert_eq!(bytes("1MB"), Some(1_000_000));
        for bad in ["", "MiB", "20", "20XB", "a1KiB"] {
            assert_eq!(bytes(bad), None, "{bad:?}");
        }
    }
}
