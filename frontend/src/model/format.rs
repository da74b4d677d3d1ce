//! Numbers, times and lists as people read them.

use linkmesh_proto::Timestamp;

/// What stands where there is no figure. Never `0`: nothing measured is not the same as nothing flowing.
pub const NO_DATA: &str = "no data";

/// A count with its thousands parted: `1,204`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number in three figures: `412`, `48.2k`, `1.3M`; below ten with one decimal.
#[must_use]
pub fn compact(number: f64) -> String {
    let (scaled, unit) = match number.abs() {
        size if size >= 999_500_000.0 => (number / 1e9, "G"),
        size if size >= 999_500.0 => (number / 1e6, "M"),
        size if size >= 999.5 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    let size = scaled.abs();
    if scaled == 0.0 {
        "0".to_owned()
    } else if size < 0.05 {
        "<0.1".to_owned()
    } else if size >= 99.95 || (unit.is_empty() && size >= 9.95) || (scaled.fract() == 0.0 && unit.is_empty()) {
        format!("{scaled:.0}{unit}")
    } else {
        format!("{scaled:.1}{unit}")
    }
}

/// A rate: `12.4k/s`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    format!("{}/s", compact(per_second))
}

/// How much of `whole` a part is: `98.6 %`; nothing of nothing is no data.
#[must_use]
pub fn percent(part: f64, whole: f64) -> String {
    if whole <= 0.0 {
        return NO_DATA.to_owned();
    }
    let percent = part / whole * 100.0;
    if percent.fract().abs() < 0.05 || percent >= 99.95 && part >= whole {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// The change from what came in to what went out: `−34 %`, `+2 %`, `0 %`.
#[must_use]
pub fn change(from: f64, to: f64) -> String {
    if from <= 0.0 {
        return NO_DATA.to_owned();
    }
    let percent = ((to - from) / from * 100.0).round();
    if percent < 0.0 {
        format!("−{} %", -percent)
    } else if percent > 0.0 {
        format!("+{percent} %")
    } else {
        "0 %".to_owned()
    }
}

/// A span of time in its largest unit: `3 s`, `41 s`, `5 min`, `3 h`, `3 d`.
#[must_use]
pub fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s if s < 90 => format!("{s} s"),
        s if s < 90 * 60 => format!("{} min", (s + 30) / 60),
        s if s < 36 * 3600 => format!("{} h", (s + 1800) / 3600),
        s => format!("{} d", (s + 43_200) / 86_400),
    }
}

/// How long ago a time is by the server's clock.
#[must_use]
pub fn ago(now_ms: i64, then: Timestamp) -> String {
    match (now_ms - then.as_millis()) / 1000 {
        s if s < 2 => "now".to_owned(),
        s => format!("{} ago", span(s)),
    }
}

/// A time in full, for titles: `2026-11-23 18:44:35 UTC`.
#[must_use]
pub fn absolute(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(date), Some(clock)) => format!("{date} {clock} UTC"),
        _ => text,
    }
}

/// The first figures of a hash or commit.
#[must_use]
pub fn short(hash: &impl ToString) -> String {
    hash.to_string().chars().take(10).collect()
}

/// The first and the last line of a text of many: what a program says first, and what it died of. `None`: it is short
/// enough to be read whole.
#[must_use]
pub fn gist(text: &str) -> Option<(&str, &str)> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [first, .., last] if lines.len() > 3 || text.chars().count() > 600 => Some((first, last)),
        _ => None,
    }
}

/// The one line of an error that fits into a table: what the program died of.
#[must_use]
pub fn last_words(text: &str) -> &str {
    gist(text).map_or(text, |(_, last)| last)
}

/// A text of at most so many characters; an ellipsis says that it was longer.
#[must_use]
pub fn at_most(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    text.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}

/// The parts of a text that marks code with backticks: each with whether it is code.
#[must_use]
pub fn prose(text: &str) -> Vec<(bool, &str)> {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return vec![(false, text)];
    }
    parts
        .into_iter()
        .enumerate()
        .map(|(index, part)| (index % 2 == 1, part))
        .filter(|(_, part)| !part.is_empty())
        .collect()
}

/// `1 collector`, `212 collectors`.
#[must_use]
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_204_000, "1,204,000")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn numbers_keep_three_figures() {
        for (number, text) in [
            (0.0, "0"),
            (0.01, "<0.1"),
            (0.5, "0.5"),
            (7.0, "7"),
            (9.96, "10"),
            (412.4, "412"),
            (999.6, "1.0k"),
            (48_230.0, "48.2k"),
            (999_600.0, "1.0M"),
            (231_000.0, "231k"),
        ] {
            assert_eq!(compact(number), text, "{number}");
        }
    }

    #[test]
    fn shares_of_nothing_are_no_data() {
        assert_eq!(percent(0.0, 0.0), NO_DATA);
        assert_eq!(percent(1187.0, 1204.0), "98.6 %");
        assert_eq!(percent(4.0, 4.0), "100 %");
        assert_eq!(change(48.2, 31.7), "−34 %");
        assert_eq!(change(0.0, 1.0), NO_DATA);
    }

    #[test]
    fn times_are_relative_to_the_servers_clock() {
        let then = Timestamp::from_millis(1_700_000_000_000);
        for (later, text) in [(0, "now"), (-5, "now"), (41, "41 s ago"), (300, "5 min ago"), (3 * 86_400, "3 d ago")] {
            assert_eq!(ago(then.as_millis() + later * 1000, then), text);
        }
        assert_eq!(absolute(then), "2023-11-14 22:13:20 UTC");
    }

    #[test]
    fn code_in_a_sentence_is_told_apart() {
        assert_eq!(
            prose("Names are `system.*` and `node_*`."),
            [(false, "Names are "), (true, "system.*"), (false, " and "), (true, "node_*"), (false, ".")]
        );
        assert_eq!(prose("`a`"), [(true, "a")]);
        assert_eq!(prose("one ` alone"), [(false, "one ` alone")]);
    }

    #[test]
    fn long_error_is_told_by_its_first_and_last_line() {
        let log = "exited with code 1\nlog tail:\n{...}\n{...}\nError: address already in use\n";
        assert_eq!(gist(log), Some(("exited with code 1", "Error: address already in use")));
        assert_eq!(gist("26:4: unrecognized attribute name \"nope\""), None);
        assert_eq!(gist("one\ntwo"), None);
        assert_eq!(last_words(log), "Error: address already in use");
        assert_eq!(last_words("one"), "one");
    }

    #[test]
    fn text_that_is_cut_says_so() {
        assert_eq!(at_most("Größe", 5), "Größe");
        assert_eq!(at_most("Größen", 5), "Größ…");
    }

    #[test]
    fn lists_read_as_sentences() {
        let words: Vec<_> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(list(&words), "a, b and c");
        assert_eq!(list(&words[..1]), "a");
        assert_eq!(counted(1, "collector", "collectors"), "1 collector");
    }
}
