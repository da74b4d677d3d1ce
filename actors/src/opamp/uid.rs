//! Instance uids as agents write them.

use linkmesh_proto::InstanceUid;

/// Why the bytes are no instance uid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UidError {
    /// Neither 16 bytes nor 26 characters.
    #[error("instance_uid must be 16 bytes, or a ULID of 26 characters")]
    Length,
    /// 26 bytes that are no ULID.
    #[error("instance_uid has 26 bytes, but is no ULID")]
    Ulid,
    /// All zero.
    #[error("instance_uid must not be all zero")]
    Zero,
}

/// Reads an instance uid: 16 bytes, or the older text form, a ULID in Crockford's base 32. What is echoed to the agent
/// is always the form that it sent.
///
/// # Errors
/// When the bytes are neither, or all zero.
pub fn normalise_uid(raw: &[u8]) -> Result<InstanceUid, UidError> {
    let bytes: [u8; 16] = match raw.len() {
        16 => raw.try_into().map_err(|_| UidError::Length)?,
        26 => ulid(raw).ok_or(UidError::Ulid)?,
        _ => return Err(UidError::Length),
    };
    if bytes == [0; 16] {
        return Err(UidError::Zero);
    }
    Ok(InstanceUid::from_bytes(bytes))
}

/// The bytes by which the server addresses an agent.
#[must_use]
pub fn uid_bytes(uid: InstanceUid) -> Vec<u8> {
    uid.as_bytes().to_vec()
}

fn ulid(raw: &[u8]) -> Option<[u8; 16]> {
    let mut value: u128 = 0;
    for (position, byte) in raw.iter().enumerate() {
        let digit = digit(byte.to_ascii_uppercase())?;
        // 26 digits hold 130 bits: the first one must leave room.
        if position == 0 && digit > 7 {
            return None;
        }
        value = value << 5 | u128::from(digit);
    }
    Some(value.to_be_bytes())
}

fn digit(character: u8) -> Option<u8> {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let character = match character {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        other => other,
    };
    ALPHABET.iter().position(|candidate| *candidate == character).and_then(|index| u8::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bytes_are_taken_as_they_are() {
        let bytes = [7; 16];
        assert_eq!(normalise_uid(&bytes), Ok(InstanceUid::from_bytes(bytes)));
    }

    #[test]
    fn ulid_text_is_decoded() {
        // From the ULID specification: the largest valid one, and one with small letters and look-alikes.
        assert_eq!(normalise_uid(b"7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), Ok(InstanceUid::from_bytes([0xff; 16])));
        let plain = normalise_uid(b"01ARZ3NDEKTSV4RRFFQ69G5FAV");
        assert!(plain.is_ok());
        assert_eq!(normalise_uid(b"olarz3ndektsv4rrffq69g5fav"), plain);
    }

    #[test]
    fn anything_else_is_refused() {
        assert_eq!(normalise_uid(b""), Err(UidError::Length));
        assert_eq!(normalise_uid(&[1; 15]), Err(UidError::Length));
        assert_eq!(normalise_uid(&[1; 17]), Err(UidError::Length));
        assert_eq!(normalise_uid(&[0; 16]), Err(UidError::Zero));
        assert_eq!(normalise_uid(b"8ZZZZZZZZZZZZZZZZZZZZZZZZZ"), Err(UidError::Ulid));
        assert_eq!(normalise_uid(b"01ARZ3NDEKTSV4RRFFQ69G5FA!"), Err(UidError::Ulid));
        assert_eq!(normalise_uid(b"00000000000000000000000000"), Err(UidError::Zero));
    }
}
