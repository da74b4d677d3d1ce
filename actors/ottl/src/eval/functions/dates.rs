//! Converters of times and durations.

use crate::eval::{
    Arguments, Datum, Env, Error, Time, as_double, strptime,
    time::{Civil, Zone, named_zone, parse_duration},
};

pub(crate) fn time(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    if text.is_empty() {
        return Err(Error::value("no time stands in an empty text"));
    }
    if arguments.has(3) {
        return Err(Error::Unsupported("`Time` with a locale".to_owned()));
    }
    let format = arguments.literal_text(1).unwrap_or_default();
    let zone = arguments.literal_text(2).and_then(named_zone).unwrap_or(Zone::Utc);
    let now = env.run.now();
    strptime::parse(format, &text, &zone, &now).map(Datum::Time)
}

pub(crate) fn valid_time(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    valid_format(arguments)?;
    match arguments.literal_text(2) {
        Some(name) if named_zone(name).is_none() => Err((2, format!("the zone `{name}` is not known"))),
        _ => Ok(()),
    }
}

pub(crate) fn valid_format(arguments: &Arguments<'_>) -> Result<(), (usize, String)> {
    arguments.literal_text(1).map_or(Ok(()), strptime::validate).map_err(|reason| (1, reason))
}

pub(crate) fn format_time(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let time = arguments.time(0, env)?;
    strptime::format(arguments.literal_text(1).unwrap_or_default(), &time).map(Datum::Text)
}

pub(crate) fn now(_: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(Datum::Time(env.run.now()))
}

pub(crate) fn unix(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let seconds = arguments.int(0, env)?;
    let nanos = if arguments.has(1) { arguments.int(1, env)? } else { 0 };
    Ok(Datum::Time(Time::utc(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))))
}

pub(crate) fn truncate_time(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    /// From the year 1 to 1970, in nanoseconds.
    const BEFORE_1970: i128 = 62_135_596_800 * 1_000_000_000;
    let time = arguments.time(0, env)?;
    let duration = arguments.duration(1, env)?;
    if duration <= 0 {
        return Ok(Datum::Time(time));
    }
    let over = (time.nanos + BEFORE_1970).rem_euclid(i128::from(duration));
    Ok(Datum::Time(Time { nanos: time.nanos - over, zone: time.zone }))
}

macro_rules! of_time {
    ($($name:ident: $value:expr;)*) => {$(
        pub(crate) fn $name(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
            let value: fn(&Time, &Civil) -> i64 = $value;
            let time = arguments.time(0, env)?;
            Ok(Datum::Int(value(&time, &time.civil()?)))
        }
    )*};
}

of_time! {
    year: |_, civil| civil.at.year().into();
    month: |_, civil| civil.at.month().into();
    day: |_, civil| civil.at.day().into();
    hour: |_, civil| civil.at.hour().into();
    minute: |_, civil| civil.at.minute().into();
    second: |_, civil| civil.at.second().into();
    nanosecond: |_, civil| civil.at.subsec_nanosecond().into();
    weekday: |_, civil| civil.at.weekday().to_sunday_zero_offset().into();
}

macro_rules! since_1970 {
    ($($name:ident: $nanos:literal;)*) => {$(
        pub(crate) fn $name(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
            Ok(Datum::Int(arguments.time(0, env)?.unix($nanos)))
        }
    )*};
}

since_1970! {
    unix_nano: 1;
    unix_micro: 1_000;
    unix_milli: 1_000_000;
    unix_seconds: 1_000_000_000;
}

pub(crate) fn duration(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    parse_duration(&text).map(Datum::Duration).ok_or_else(|| Error::value(format!("`{text}` is no duration")))
}

macro_rules! whole {
    ($($name:ident: $nanos:literal;)*) => {$(
        pub(crate) fn $name(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
            Ok(Datum::Int(arguments.duration(0, env)? / $nanos))
        }
    )*};
}

whole! {
    nanoseconds: 1;
    microseconds: 1_000;
    milliseconds: 1_000_000;
}

macro_rules! with_fraction {
    ($($name:ident: $nanos:literal;)*) => {$(
        pub(crate) fn $name(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
            let nanos = arguments.duration(0, env)?;
            Ok(Datum::Double(as_double(nanos / $nanos) + as_double(nanos % $nanos) / as_double($nanos)))
        }
    )*};
}

with_fraction! {
    seconds: 1_000_000_000;
    minutes: 60_000_000_000;
    hours: 3_600_000_000_000;
}
