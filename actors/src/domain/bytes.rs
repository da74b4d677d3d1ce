//! Serde for packed bytes: as a byte string in binary formats, in hexadecimal in those that people read.

use std::fmt;

use serde::{Deserializer, Serializer, de, ser};

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    if serializer.is_human_readable() {
        // `hex::encode` goes character by character, and each record is written several times while a save goes out.
        let mut text = vec![0; 2 * bytes.len()];
        hex::encode_to_slice(bytes, &mut text).map_err(ser::Error::custom)?;
        return serializer.serialize_str(str::from_utf8(&text).map_err(ser::Error::custom)?);
    }
    serializer.serialize_bytes(bytes)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<[u8]>, D::Error> {
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Box<[u8]>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            Ok(bytes.into())
        }

        fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Self::Value, E> {
            Ok(bytes.into())
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            hex::decode(text).map(Into::into).map_err(E::custom)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut bytes = Vec::new();
            while let Some(byte) = list.next_element()? {
                bytes.push(byte);
            }
            Ok(bytes.into())
        }
    }
    if deserializer.is_human_readable() {
        return deserializer.deserialize_str(Visitor);
    }
    deserializer.deserialize_byte_buf(Visitor)
}
