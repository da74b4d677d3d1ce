//! Words to times.

use jiff::{
    civil::{Date, DateTime},
    tz::{Offset, TimeZone},
};

use super::{DAYS, MONTHS, Piece, pieces};
use crate::eval::{
    error::Error,
    time::{Time, Zone, named_zone},
};

/// What has been read of a time.
#[derive(Debug, Default)]
struct Read {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    afternoon: Option<bool>,
    /// Seconds east of Greenwich.
    offset: Option<i32>,
    utc: bool,
    zone: Option<String>,
}

/// A time that a text tells by a format, in a zone when it names none. A year that is left out is the one of now, or
/// the one before when that would be more than a week ahead.
pub(in super::super) fn parse(format: &str, text: &str, zone: &Zone, now: &Time) -> Result<Time, Error> {
    let pieces = pieces(format);
    let wrong = || Error::value(format!("`{text}` does not fit the format `{format}`"));
    let mut read = Read::default();
    let mut rest = text;
    for (index, piece) in pieces.iter().enumerate() {
        rest = match piece {
            Piece::Text(plain) => skip(rest, plain).ok_or_else(wrong)?,
            Piece::Fraction(_, _) => fraction(rest, &mut read),
            Piece::Directive('S') => {
                let rest = directive('S', rest, &mut read).ok_or_else(wrong)?;
                // A fraction that the format does not ask for is read nevertheless.
                if matches!(pieces.get(index + 1), Some(Piece::Fraction(..))) {
                    rest
                } else {
                    fraction(rest, &mut read)
                }
            }
            Piece::Directive(one) => directive(*one, rest, &mut read).ok_or_else(wrong)?,
        };
    }
    if !rest.is_empty() {
        return Err(Error::value(format!("`{text}` goes on with `{rest}` behind what the format `{format}` asks for")));
    }
    read.time(zone, now).ok_or_else(wrong)?
}

/// Text of a format; any number of spaces stands for any number of spaces.
fn skip<'t>(text: &'t str, plain: &str) -> Option<&'t str> {
    let (mut text, mut plain) = (text, plain);
    while let Some(character) = plain.chars().next() {
        if character == ' ' {
            if !text.is_empty() && !text.starts_with(' ') {
                return None;
            }
            (text, plain) = (text.trim_start_matches(' '), plain.trim_start_matches(' '));
        } else {
            text = text.strip_prefix(character)?;
            plain = plain.get(character.len_utf8()..)?;
        }
    }
    Some(text)
}

/// A fraction of a second, when one stands there: all its digits.
fn fraction<'t>(text: &'t str, read: &mut Read) -> &'t str {
    let Some(digits) = text.strip_prefix(['.', ',']) else { return text };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length == 0 {
        return text;
    }
    let (fraction, rest) = digits.split_at_checked(length).unwrap_or((digits, ""));
    let nanos: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    read.nanos = nanos.parse().unwrap_or_default();
    rest
}

fn directive<'t>(directive: char, text: &'t str, read: &mut Read) -> Option<&'t str> {
    // Space before digits and offsets is passed over.
    let spaced = if matches!(directive, 'b' | 'h' | 'B' | 'a' | 'A' | 'p' | 'P' | 'Z') {
        text
    } else {
        text.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}'])
    };
    match directive {
        '+' if exactly(spaced, 4).is_none() => self::directive('y', text, read),
        'Y' | '+' => {
            let (year, rest) = exactly(spaced, 4)?;
            read.year = i16::try_from(year).ok()?;
            Some(rest)
        }
        'y' => {
            let (year, rest) = exactly(spaced, 2)?;
            let year = i16::try_from(year).ok()?;
            read.year = if year >= 69 { 1900 + year } else { 2000 + year };
            Some(rest)
        }
        'm' | 'o' | 'q' => {
            let (month, rest) = up_to_two(spaced)?;
            read.month = Some(month).filter(|month| (1..=12).contains(month));
            read.month.map(|_| rest)
        }
        'b' | 'h' => named(text, &MONTHS, true).map(|(index, rest)| {
            read.month = Some(index + 1);
            rest
        }),
        'B' => named(text, &MONTHS, false).map(|(index, rest)| {
            read.month = Some(index + 1);
            rest
        }),
        'd' | 'e' | 'g' => {
            let (day, rest) = up_to_two(spaced)?;
            read.day = Some(day);
            Some(rest)
        }
        'a' => named(text, &DAYS, true).map(|(_, rest)| rest),
        'A' => named(text, &DAYS, false).map(|(_, rest)| rest),
        'H' => {
            let (hour, rest) = up_to_two(spaced)?;
            read.hour = hour;
            (hour < 24).then_some(rest)
        }
        'l' | 'I' => {
            let (hour, rest) = up_to_two(spaced)?;
            read.hour = hour;
            (hour <= 12).then_some(rest)
        }
        'p' | 'P' => {
            let (half, rest) = text.split_at_checked(2)?;
            read.afternoon = Some(match (directive, half) {
                ('p', "PM") | ('P', "pm") => true,
                ('p', "AM") | ('P', "am") => false,
                _ => return None,
            });
            Some(rest)
        }
        'M' => {
            let (minute, rest) = up_to_two(spaced)?;
            read.minute = minute;
            (minute < 60).then_some(rest)
        }
        'S' => {
            let (second, rest) = up_to_two(spaced)?;
            read.second = second;
            (second < 60).then_some(rest)
        }
        'Z' => zone_name(text, read),
        'z' => {
            if let Some(rest) = spaced.strip_prefix('Z') {
                read.utc = true;
                return Some(rest);
            }
            let long = |between| offset(spaced, between, true, false);
            let (offset, rest) = long("").or_else(|| long(":")).or_else(|| offset(spaced, "", false, false))?;
            read.offset = Some(offset);
            Some(rest)
        }
        'w' | 'i' | 'j' | 'k' => {
            let between = if matches!(directive, 'j' | 'k') { ":" } else { "" };
            let (offset, rest) = offset(spaced, between, directive != 'i', matches!(directive, 'w' | 'k'))?;
            read.offset = Some(offset);
            Some(rest)
        }
        _ => None,
    }
}

fn exactly(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (number, rest) = text.split_at_checked(digits)?;
    number.bytes().all(|octet| octet.is_ascii_digit()).then(|| number.parse().ok().map(|number| (number, rest)))?
}

fn up_to_two(text: &str) -> Option<(i8, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(length)?;
    number.parse().ok().map(|number| (number, rest))
}

/// The name that a text begins with, in whichever letters.
fn named<'t>(text: &'t str, names: &[&str], short: bool) -> Option<(i8, &'t str)> {
    names.iter().zip(0..).find_map(|(name, index)| {
        let name = if short { name.get(..3)? } else { name };
        let (head, rest) = text.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some((index, rest))
    })
}

/// `±hh`, `±hhmm`, `±hhmmss`, with what stands between them.
fn offset<'t>(text: &'t str, between: &str, minutes: bool, seconds: bool) -> Option<(i32, &'t str)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+')?),
    };
    let (hours, mut rest) = exactly(text, 2)?;
    let mut total = hours.checked_mul(3600).filter(|_| hours <= 24)?;
    for (asked, unit) in [(minutes, 60), (seconds, 1)] {
        if asked {
            let (number, after) = exactly(rest.strip_prefix(between)?, 2)?;
            total += number.checked_mul(unit).filter(|_| number <= 60)?;
            rest = after;
        }
    }
    let total = i32::try_from(total).ok()?;
    Some((if negative { -total } else { total }, rest))
}

/// An abbreviation of a zone, by the rules of Go: three to five capitals, or `UTC`, `GMT+3`, `+03`.
fn zone_name<'t>(text: &'t str, read: &mut Read) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix("UTC") {
        read.utc = true;
        return Some(rest);
    }
    let signed = |text: &str| {
        let digits = text.strip_prefix(['+', '-'])?;
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let hours: i32 = digits.get(..length)?.parse().ok()?;
        (hours <= 23).then_some((length + 1, if text.starts_with('-') { -hours } else { hours }))
    };
    let capitals = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    let length = match capitals {
        _ if text.starts_with("ChST") || text.starts_with("MeST") => 4,
        _ if text.starts_with("GMT") => {
            let tail = text.get(3..).unwrap_or_default();
            match signed(tail) {
                Some((length, hours)) => {
                    read.offset = Some(hours * 3600);
                    read.zone = text.get(..3 + length).map(str::to_owned);
                    return text.get(3 + length..);
                }
                None => 3,
            }
        }
        0 => match signed(text) {
            Some((length, _)) => length,
            None => return None,
        },
        3 => 3,
        // Four end with T, five with ST, but for one.
        4 if text.get(3..4) == Some("T") || text.starts_with("WITA") => 4,
        5 if text.get(4..5) == Some("T") => 5,
        _ => return None,
    };
    read.zone = text.get(..length).map(str::to_owned);
    text.get(length..)
}

impl Read {
    /// The time, unless there is no such day; an error when its zone is not known.
    fn time(self, zone: &Zone, now: &Time) -> Option<Result<Time, Error>> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let at = |year: i16| {
            // A day that is left out is the first; 29 February needs a year that has it.
            let date = Date::new(year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?;
            Some(DateTime::from_parts(date, jiff::civil::Time::new(hour, self.minute, self.second, self.nanos).ok()?))
        };
        let resolve = |civil: DateTime| -> Option<Result<Time, Error>> {
            Some(Ok(match (self.utc, self.offset, &self.zone) {
                (true, ..) => in_zone(civil, &Zone::Utc)?,
                (false, Some(seconds), None) => in_zone(civil, &Zone::Fixed { seconds, name: String::new() })?,
                // `GMT+3` names a zone, and the time is told as if it were UTC.
                (false, Some(seconds), Some(name)) => {
                    let zone = Zone::Fixed { seconds, name: name.clone() };
                    Time { nanos: in_zone(civil, &Zone::Utc)?.nanos, zone }
                }
                (false, None, Some(name)) => match abbreviated(name, zone, civil)? {
                    Ok(time) => time,
                    Err(error) => return Some(Err(error)),
                },
                (false, None, None) => in_zone(civil, zone)?,
            }))
        };
        let time = resolve(at(self.year)?)?;
        if self.year > 0 {
            return Some(time);
        }
        // `SetTimestampYear`
        let this_year = now.civil().ok()?.at.year();
        let time = match resolve(at(this_year)?)? {
            Ok(time) => time,
            Err(error) => return Some(Err(error)),
        };
        let week = 7 * 86_400 * 1_000_000_000;
        if time.nanos > now.plus(week).nanos { resolve(at(this_year - 1)?) } else { Some(Ok(time)) }
    }
}

/// A time with the abbreviation of a zone: of the one at hand when it has such a one, else of the one that is called so.
fn abbreviated(name: &str, zone: &Zone, civil: DateTime) -> Option<Result<Time, Error>> {
    let utc = in_zone(civil, &Zone::Utc)?.nanos;
    let by = |zone: &Zone| {
        let Zone::Named(known) = zone else { return None };
        let seconds = offset_of(known, name, utc)?;
        Some(Time { nanos: utc - i128::from(seconds) * 1_000_000_000, zone: zone.clone() })
    };
    if let Some(time) = by(zone) {
        return Some(Ok(time));
    }
    Some(match named_zone(name) {
        None => Err(Error::value(format!("the zone `{name}` is not known"))),
        Some(called) => Ok(by(&called).unwrap_or(Time { nanos: utc, zone: called })),
    })
}

/// The offset that a zone has, or once had, under an abbreviation, in seconds.
fn offset_of(zone: &TimeZone, name: &str, nanos: i128) -> Option<i32> {
    /// More changes than a century has.
    const CHANGES: usize = 300;

    let at = jiff::Timestamp::from_nanosecond(nanos).ok()?;
    let info = zone.to_offset_info(at);
    if info.abbreviation() == name {
        return Some(info.offset().seconds());
    }
    let changes = zone.following(at).take(2).chain(zone.preceding(at).take(CHANGES));
    changes.filter(|change| change.abbreviation() == name).map(|change| change.offset().seconds()).next()
}

/// What a clock shows in a zone. Where it shows that twice or never, as Go's `time.Date` has it: with the offset that the
/// zone has where that would be in UTC, or, when another is in force then, with that one.
fn in_zone(civil: DateTime, zone: &Zone) -> Option<Time> {
    let utc = TimeZone::UTC.to_timestamp(civil).ok()?;
    let after = |offset: Offset| utc.as_nanosecond() - i128::from(offset.seconds()) * 1_000_000_000;
    let nanos = match zone {
        Zone::Utc => utc.as_nanosecond(),
        Zone::Fixed { seconds, .. } => after(Offset::from_seconds(*seconds).ok()?),
        Zone::Named(named) => {
            let first = named.to_offset(utc);
            // A zone that is at UTC then is not asked again.
            if first == Offset::UTC {
                utc.as_nanosecond()
            } else {
                after(named.to_offset(jiff::Timestamp::from_nanosecond(after(first)).ok()?))
            }
        }
    };
    let nanos = jiff::Timestamp::from_nanosecond(nanos).ok()?.as_nanosecond();
    Some(Time { nanos, zone: zone.clone() })
}
