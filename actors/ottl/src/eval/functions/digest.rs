//! Digests.

use std::net::IpAddr;

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

/// Of 32 bits, octets in the order of little machines.
pub(crate) fn murmur3(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    const C1: u32 = 0xcc9e_2d51;
    const C2: u32 = 0x1b87_3593;
    let text = arguments.text(0, env)?;
    let mixed = |block: u32| block.wrapping_mul(C1).rotate_left(15).wrapping_mul(C2);
    let mut blocks = text.as_bytes().chunks_exact(4);
    let mut hash = 0_u32;
    for block in blocks.by_ref() {
        let block = block.iter().rev().fold(0, |block, octet| block << 8 | u32::from(*octet));
        hash = (hash ^ mixed(block)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let tail = blocks.remainder().iter().rev().fold(0, |block, octet| block << 8 | u32::from(*octet));
    hash ^= mixed(tail);
    hash ^= u32::try_from(text.len()).unwrap_or(u32::MAX);
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    Ok(hex::encode((hash ^ hash >> 16).to_le_bytes()).into())
}

/// Of 128 bits, for machines of 64.
pub(crate) fn murmur3_128(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    const C1: u64 = 0x87c3_7b91_1142_53d5;
    const C2: u64 = 0x4cf5_ad43_2745_937f;
    let text = arguments.text(0, env)?;
    let first = |block: u64| block.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2);
    let second = |block: u64| block.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1);
    let number = |octets: &[u8]| octets.iter().rev().fold(0, |block, octet| block << 8 | u64::from(*octet));
    let halves = |block: &[u8]| {
        let (low, high) = block.split_at_checked(8).unwrap_or((block, &[]));
        (number(low), number(high))
    };
    let (mut a, mut b) = (0_u64, 0_u64);
    let mut blocks = text.as_bytes().chunks_exact(16);
    for block in blocks.by_ref() {
        let (low, high) = halves(block);
        a = (a ^ first(low)).rotate_left(27).wrapping_add(b).wrapping_mul(5).wrapping_add(0x52dc_e729);
        b = (b ^ second(high)).rotate_left(31).wrapping_add(a).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    }
    let (low, high) = halves(blocks.remainder());
    b ^= second(high);
    a ^= first(low);
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    a ^= length;
    b ^= length;
    a = a.wrapping_add(b);
    b = b.wrapping_add(a);
    let finished = |hash: u64| {
        let hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ hash >> 33
    };
    (a, b) = (finished(a), finished(b));
    a = a.wrapping_add(b);
    b = b.wrapping_add(a);
    Ok(format!("{}{}", hex::encode(a.to_le_bytes()), hex::encode(b.to_le_bytes())).into())
}

pub(crate) fn xxh3(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    Ok(hex::encode(twox_hash::XxHash3_64::oneshot(text.as_bytes()).to_be_bytes()).into())
}

pub(crate) fn xxh128(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    let text = arguments.text(0, env)?;
    Ok(hex::encode(twox_hash::XxHash3_128::oneshot(text.as_bytes()).to_be_bytes()).into())
}

/// The id of a connection, the same for both directions (Community ID 1).
pub(crate) fn community_id(arguments: &Arguments<'_>, env: &mut Env<'_>) -> Result<Datum, Error> {
    use base64::Engine as _;
    use sha1::Digest as _;

    let mut end = |address: usize, port: usize| {
        let text = arguments.text(address, env)?;
        let port = arguments.int(port, env)?;
        let port = u16::try_from(port).map_err(|_| Error::value(format!("a port is 0 to 65535, found {port}")))?;
        let octets =
            match super::texts::address(&text).ok_or_else(|| Error::value(format!("`{text}` is no address")))? {
                IpAddr::V4(address) => address.octets().to_vec(),
                IpAddr::V6(address) => address.octets().to_vec(),
            };
        Ok::<_, Error>((octets, port))
    };
    let (source, destination) = (end(0, 1)?, end(2, 3)?);
    let protocol: u8 = if arguments.has(4) {
        let name = arguments.text(4, env)?;
        match name.as_str() {
            "ICMP" => 1,
            "TCP" => 6,
            "UDP" => 17,
            "RSVP" => 46,
            "ICMP6" => 58,
            "SCTP" => 132,
            _ => return Err(Error::value(format!("the protocol `{name}` is not known"))),
        }
    } else {
        6
    };
    let seed = if arguments.has(5) { arguments.int(5, env)? } else { 0 };
    let seed = u16::try_from(seed).map_err(|_| Error::value(format!("a seed is 0 to 65535, found {seed}")))?;
    let key = |end: &(Vec<u8>, u16)| (end.0.len(), end.0.clone(), end.1);
    let (first, second) = if key(&source) > key(&destination) { (destination, source) } else { (source, destination) };
    let mut flow = seed.to_be_bytes().to_vec();
    flow.extend(&first.0);
    flow.extend(&second.0);
    flow.extend([protocol, 0]);
    flow.extend(first.1.to_be_bytes());
    flow.extend(second.1.to_be_bytes());
    let digest = Sha1::digest(flow);
    Ok(format!("1:{}", base64::engine::general_purpose::STANDARD.encode(digest)).into())
}
