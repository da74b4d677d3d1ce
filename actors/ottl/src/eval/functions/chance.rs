//! Converters that chance decides: here a seed.

use crate::eval::{Arguments, Datum, Env, Error};

/// Sixteen octets as the text of an id, with its version and variant (RFC 9562).
fn written(mut octets: [u8; 16], version: u8) -> Datum {
    octets[6] = octets[6] & 0x0f | version << 4;
    octets[8] = octets[8] & 0x3f | 0x80;
    let digits = hex::encode(octets);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| digits.get(range).unwrap_or_default());
    Datum::Text(parts.join("-"))
}

pub(crate) fn uuid(_: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let number = u128::from(env.run.chance()) << 64 | u128::from(env.run.chance());
    Ok(written(number.to_be_bytes(), 4))
}

/// The first 48 bits are milliseconds.
pub(crate) fn uuid_v7(_: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let millis = u128::from(env.run.now().unix(1_000_000).cast_unsigned()) << 80;
    let number = millis | u128::from(env.run.chance()) << 64 & (u128::MAX >> 48) | u128::from(env.run.chance());
    Ok(written(number.to_be_bytes(), 7))
}
