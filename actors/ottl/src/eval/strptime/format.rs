//! Times to words.

use std::fmt::Write as _;

use super::{DAYS, MONTHS, Piece, pieces};
use crate::eval::{
    error::Error,
    time::{Civil, Time},
};

pub(in super::super) fn format(format: &str, time: &Time) -> Result<String, Error> {
    let civil = time.civil()?;
    let mut text = String::new();
    for piece in pieces(format) {
        match piece {
            Piece::Text(plain) => text.push_str(&plain),
            Piece::Fraction(separator, digits) => {
                let nanos = format!("{:09}", civil.at.subsec_nanosecond());
                let written = nanos.get(..digits).unwrap_or_default().trim_end_matches('0');
                // A fraction of nothing is left out with what stands before it.
                if !written.is_empty() {
                    text.push(separator);
                    text.push_str(written);
                }
            }
            Piece::Directive(directive) => write_directive(&mut text, directive, &civil),
        }
    }
    Ok(text)
}

fn write_directive(text: &mut String, directive: char, civil: &Civil) {
    let at = civil.at;
    let name = |names: &[&'static str], number: i8| {
        usize::try_from(number).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
    };
    let month = name(&MONTHS, at.month() - 1);
    let day = name(&DAYS, at.weekday().to_sunday_zero_offset());
    let short = |name: &'static str| name.get(..3).unwrap_or(name);
    let hour = match at.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    // Writing to a text cannot fail.
    let _ = match directive {
        'Y' | '+' if at.year() < 0 => write!(text, "-{:04}", -i32::from(at.year())),
        'Y' | '+' => write!(text, "{:04}", at.year()),
        'y' => write!(text, "{:02}", at.year().rem_euclid(100)),
        'm' => write!(text, "{:02}", at.month()),
        // Go knows no month with a space before it, and writes the `_` that asks for one.
        'o' => write!(text, "_{}", at.month()),
        'q' => write!(text, "{}", at.month()),
        'b' | 'h' => write!(text, "{}", short(month)),
        'B' => write!(text, "{month}"),
        'd' => write!(text, "{:02}", at.day()),
        'e' => write!(text, "{:2}", at.day()),
        'g' => write!(text, "{}", at.day()),
        'a' => write!(text, "{}", short(day)),
        'A' => write!(text, "{day}"),
        'H' => write!(text, "{:02}", at.hour()),
        'l' => write!(text, "{hour}"),
        'I' => write!(text, "{hour:02}"),
        'p' => write!(text, "{}", if at.hour() >= 12 { "PM" } else { "AM" }),
        'P' => write!(text, "{}", if at.hour() >= 12 { "pm" } else { "am" }),
        'M' => write!(text, "{:02}", at.minute()),
        'S' => write!(text, "{:02}", at.second()),
        'Z' if civil.zone.is_empty() => offset(text, civil.offset, "", false),
        'Z' => write!(text, "{}", civil.zone),
        'z' if civil.offset == 0 => write!(text, "Z"),
        'z' => offset(text, civil.offset, "", false),
        'w' => offset(text, civil.offset, "", true),
        'i' => {
            let sign = if civil.offset < 0 { '-' } else { '+' };
            write!(text, "{sign}{:02}", civil.offset.abs() / 3600)
        }
        'j' => offset(text, civil.offset, ":", false),
        'k' => offset(text, civil.offset, ":", true),
        _ => Ok(()),
    };
}

fn offset(text: &mut String, offset: i32, between: &str, seconds: bool) -> std::fmt::Result {
    let sign = if offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
    write!(text, "{sign}{hours:02}{between}{minutes:02}")?;
    if seconds {
        write!(text, "{between}{:02}", offset.abs() % 60)?;
    }
    Ok(())
}
