//! Values: a byte for the version of the form, then `MessagePack` with named fields.
//!
//! Named fields let a record grow: a field that an older file lacks takes its default, one that this program does not
//! know is passed over. A change that this cannot carry gets a new version byte and a branch in [`decode`].

use linkmesh_actors::ports::StoreError;
use serde::{Serialize, de::DeserializeOwned};

use super::tables::Table;

/// The version of the form that this program writes.
const FORM: u8 = 1;

#[derive(Debug, thiserror::Error)]
enum ValueError {
    #[error("the value is empty")]
    Empty,
    #[error("the value has form {0}, which this LinkMesh does not know")]
    UnknownForm(u8),
    #[error("the value is cut short")]
    Short,
    #[error(transparent)]
    Decode(#[from] rmp_serde::decode::Error),
    #[error(transparent)]
    Encode(#[from] rmp_serde::encode::Error),
}

/// Writes a record.
pub(super) fn encode(table: Table, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![FORM];
    rmp_serde::encode::write_named(&mut bytes, record).map_err(|error| corrupt(table, &[], error.into()))?;
    Ok(bytes)
}

/// Reads a record. `key` is for the error.
pub(super) fn decode<T: DeserializeOwned>(table: Table, key: &[u8], bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&FORM, body)) => rmp_serde::from_slice(body).map_err(|error| corrupt(table, key, error.into())),
        Some((&form, _)) => Err(corrupt(table, key, ValueError::UnknownForm(form))),
        None => Err(corrupt(table, key, ValueError::Empty)),
    }
}

/// Writes a record with a body of bytes behind it, which is neither escaped nor copied more than once.
pub(super) fn encode_with_body(table: Table, record: &impl Serialize, body: &[u8]) -> Result<Vec<u8>, StoreError> {
    let head = encode(table, record)?;
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(4 + head.len() + body.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// Reads what [`encode_with_body`] wrote.
pub(super) fn decode_with_body<T: DeserializeOwned>(
    table: Table,
    key: &[u8],
    bytes: &[u8],
) -> Result<(T, bytes::Bytes), StoreError> {
    let short = || corrupt(table, key, ValueError::Short);
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(short)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| short())?;
    let (head, body) = rest.split_at_checked(length).ok_or_else(short)?;
    Ok((decode(table, key, head)?, bytes::Bytes::copy_from_slice(body)))
}

/// The error for a key or value that is not what this program writes.
pub(super) fn malformed(table: Table, key: &[u8]) -> StoreError {
    corrupt(table, key, ValueError::Short)
}

fn corrupt(table: Table, key: &[u8], source: ValueError) -> StoreError {
    StoreError::Corrupt { what: format!("{}/{}", table.name(), hex::encode(key)), source: Box::new(source) }
}
