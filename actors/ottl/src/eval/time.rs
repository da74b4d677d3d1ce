//! Times and durations.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{Offset, TimeZone},
};

use super::error::Error;

/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;

/// A point in time and the zone in which it is told (`time.Time`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Time {
    /// Since 1970, in nanoseconds.
    pub(crate) nanos: i128,
    pub(crate) zone: Zone,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Zone {
    Utc,
    /// So many seconds east of Greenwich.
    Fixed {
        seconds: i32,
        name: String,
    },
    Named(TimeZone),
}

/// A time as it stands on a calendar and a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) at: DateTime,
    /// Seconds east of Greenwich.
    pub(crate) offset: i32,
    /// The name of the zone, such as `CET`.
    pub(crate) zone: String,
}

impl Time {
    /// A time stamp of a record.
    pub(crate) fn of_record(unix_nano: u64) -> Self {
        Self { nanos: i128::from(unix_nano.cast_signed()), zone: Zone::Utc }
    }

    pub(crate) const fn utc(nanos: i128) -> Self {
        Self { nanos, zone: Zone::Utc }
    }

    /// As a time stamp of a record: upstream's wraps where it does not fit.
    pub(crate) const fn to_record(&self) -> u64 {
        self.unix_nano().cast_unsigned()
    }

    #[allow(clippy::cast_possible_truncation)] // wraps as Go's does
    pub(crate) const fn unix_nano(&self) -> i64 {
        self.nanos as i64
    }

    /// Since 1970 in a unit, rounded towards the past.
    #[allow(clippy::cast_possible_truncation)] // times are far from the limits of seconds
    pub(crate) const fn unix(&self, nanos_of_unit: i128) -> i64 {
        self.nanos.div_euclid(nanos_of_unit) as i64
    }

    pub(crate) fn plus(&self, nanos: i64) -> Self {
        Self { nanos: self.nanos.saturating_add(i128::from(nanos)), zone: self.zone.clone() }
    }

    /// The duration from another time to this one, as far as a duration goes.
    #[allow(clippy::cast_possible_truncation)] // clamped before
    pub(crate) fn since(&self, earlier: &Self) -> i64 {
        let nanos = self.nanos.saturating_sub(earlier.nanos);
        nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The time on a calendar of its zone.
    pub(crate) fn civil(&self) -> Result<Civil, Error> {
        let timestamp = Timestamp::from_nanosecond(self.nanos)
            .map_err(|_| Error::value("the time is before the year -9999 or after the year 9999"))?;
        let (offset, zone) = match &self.zone {
            Zone::Utc => (Offset::UTC, "UTC".to_owned()),
            Zone::Fixed { seconds, name } => (Offset::from_seconds(*seconds).unwrap_or(Offset::UTC), name.clone()),
            Zone::Named(zone) => {
                let info = zone.to_offset_info(timestamp);
                (info.offset(), info.abbreviation().to_owned())
            }
        };
        Ok(Civil { at: offset.to_datetime(timestamp), offset: offset.seconds(), zone })
    }
}

/// RFC 3339 with as many digits of a second as there are, as Go writes a time in JSON.
pub(crate) fn rfc3339(time: &Time) -> Result<String, Error> {
    let Civil { at, offset, .. } = time.civil()?;
    if !(0..=9999).contains(&at.year()) {
        return Err(Error::value("the time is outside of the years 0 to 9999"));
    }
    let mut text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    let fraction = format!("{:09}", at.subsec_nanosecond());
    let digits = fraction.trim_end_matches('0');
    if !digits.is_empty() {
        text.push('.');
        text.push_str(digits);
    }
    if offset == 0 {
        text.push('Z');
    } else {
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.abs() / 60;
        text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
    }
    Ok(text)
}

/// The zone of a name, such as `Europe/Berlin`; `UTC` and no name are UTC. The names are built in: what zones a machine
/// has is no matter here.
pub(crate) fn named_zone(name: &str) -> Option<Zone> {
    if matches!(name, "" | "UTC") {
        return Some(Zone::Utc);
    }
    jiff::tz::TimeZoneDatabase::bundled().get(name).ok().map(Zone::Named)
}

/// A duration as Go reads it: `1h15m30.918s`, in nanoseconds.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits == "0" {
        return Some(0);
    }
    if digits.is_empty() {
        return None;
    }
    let mut rest = digits;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let whole = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at_checked(whole)?;
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at_checked(after.bytes().take_while(u8::is_ascii_digit).count())?,
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let nanos: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => SECOND,
            "m" => 60 * SECOND,
            "h" => 3600 * SECOND,
            _ => return None,
        };
        let number: i128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
        total = total.checked_add(number.checked_mul(nanos)?)?;
        // More digits than a quintillionth of an hour change nothing.
        let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
        if !fraction.is_empty() {
            let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            total = total.checked_add(fraction.parse::<i128>().ok()?.checked_mul(nanos)? / scale)?;
        }
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}
