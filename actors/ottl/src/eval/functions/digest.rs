//! Digests.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::eval::{Arguments, Datum, Env, Error};

pub(crate) fn sha256(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(hex::encode(Sha256::digest(arguments.text(0, env)?)).into())
}

pub(crate) fn sha512(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    Ok(hex::encode(Sha512::digest(arguments.text(0, env)?)).into())
}

pub(crate) fn sha1(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    use sha1::Digest as _;
    Ok(hex::encode(Sha1::digest(arguments.text(0, env)?)).into())
}

pub(crate) fn md5(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    use md5::Digest as _;
    Ok(hex::encode(Md5::digest(arguments.text(0, env)?)).into())
}

/// FNV-1a of 64 bits, as a number with a sign.
pub(crate) fn fnv(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let text = arguments.text(0, env)?;
    let hash = text.bytes().fold(OFFSET, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(PRIME));
    Ok(Datum::Int(hash.cast_signed()))
}
