//! How many parts a message of a collector has, counted before it is decoded.
//!
//! What is decoded takes far more memory than what was sent: two bytes make an empty attribute, which takes a hundred. A
//! message of the largest size that is nothing else would take gigabytes, and compressed it is a few kilobytes to send.
//! So the wire is walked first, without a schema: all that may be a message is looked into.

/// The most parts of a message: of a supervisor with every component that there is a few thousand, of a push of a
/// collector's own metrics some twenty for each of its series.
pub(super) const MAX_PARTS: usize = 200_000;

/// Levels that decoders look into.
const MAX_DEPTH: usize = 100;

/// The message has more parts than any collector's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message has more than {MAX_PARTS} parts")]
pub(super) struct TooManyParts;

/// Looks whether a protobuf message, or what is meant to be one, may be decoded.
///
/// # Errors
/// [`TooManyParts`].
pub(super) fn check_protobuf(bytes: &[u8]) -> Result<(), TooManyParts> {
    let mut left = MAX_PARTS;
    walk(bytes, MAX_DEPTH, &mut left)
}

/// The same for JSON, whose parts are its names.
///
/// # Errors
/// [`TooManyParts`].
pub(super) fn check_json(bytes: &[u8]) -> Result<(), TooManyParts> {
    let parts = bytes.iter().filter(|byte| matches!(byte, b':' | b',')).take(MAX_PARTS + 1).count();
    if parts > MAX_PARTS { Err(TooManyParts) } else { Ok(()) }
}

/// Walks as far as a decoder would: up to what it refuses. What was decoded by then is counted.
fn walk(mut bytes: &[u8], depth: usize, left: &mut usize) -> Result<(), TooManyParts> {
    // Groups that are open. Decoders skip them, and take no end that has no beginning.
    let mut groups = 0;
    while let Some(key) = varint(&mut bytes).filter(|key| key >> 3 != 0 && *key <= u64::from(u32::MAX)) {
        *left = left.checked_sub(1).ok_or(TooManyParts)?;
        let skipped = match key & 7 {
            0 => match varint(&mut bytes) {
                Some(_) => 0,
                None => return Ok(()),
            },
            1 => 8,
            2 => match varint(&mut bytes).and_then(|len| usize::try_from(len).ok()) {
                Some(len) => len,
                None => return Ok(()),
            },
            3 if groups < MAX_DEPTH => {
                groups += 1;
                0
            }
            4 if groups > 0 => {
                groups -= 1;
                0
            }
            5 => 4,
            _ => return Ok(()),
        };
        let Some((part, rest)) = bytes.split_at_checked(skipped) else { return Ok(()) };
        if key & 7 == 2 && depth > 0 {
            walk(part, depth - 1, left)?;
        }
        bytes = rest;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(10).enumerate() {
        // Of the tenth only one bit counts; one that is too large is refused by who decodes it.
        value |= u64::from(byte & 0x7f).wrapping_shl(u32::try_from(place * 7).unwrap_or(u32::MAX).min(63));
        if byte & 0x80 == 0 {
            *bytes = bytes.get(place + 1..).unwrap_or_default();
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::wire::{
        opamp::{
            AgentConfigFile, AgentConfigMap, AgentDescription, AgentToServer, ComponentHealth, EffectiveConfig,
            KeyValue,
        },
        otlp::{ExportMetricsServiceRequest, ResourceMetrics},
    };
    use prost::Message as _;

    use super::*;

    fn of(message: &impl prost::Message) -> Result<(), TooManyParts> {
        check_protobuf(&message.encode_to_vec())
    }

    fn described(attributes: usize) -> AgentToServer {
        let identifying_attributes = vec![KeyValue::default(); attributes];
        let agent_description = Some(AgentDescription { identifying_attributes, ..Default::default() });
        AgentToServer { instance_uid: vec![7; 16], agent_description, ..Default::default() }
    }

    #[test]
    fn empty_parts_count_wherever_they_stand() {
        assert_eq!(of(&described(MAX_PARTS - 100)), Ok(()));
        assert_eq!(of(&described(MAX_PARTS)), Err(TooManyParts));
        let push = |count| ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics::default(); count] };
        assert_eq!(of(&push(1000)), Ok(()));
        assert_eq!(of(&push(MAX_PARTS + 1)), Err(TooManyParts));
        let mut deep = ComponentHealth::default();
        for _ in 0..20 {
            let children = (0..2).map(|n| (n.to_string(), deep.clone()));
            deep = ComponentHealth { component_health_map: children.collect(), ..Default::default() };
            if of(&deep).is_err() {
                return;
            }
        }
        panic!("a million levels were let through");
    }

    #[test]
    fn what_a_decoder_takes_before_it_fails_counts_too() {
        let mut bytes = described(MAX_PARTS).encode_to_vec();
        bytes.push(0xff);
        assert_eq!(check_protobuf(&bytes), Err(TooManyParts));
        // A group of an unknown field, which is skipped, hides nothing behind it.
        let mut bytes = vec![0xc3, 0x0c, 0xc4, 0x0c];
        bytes.extend(described(MAX_PARTS).encode_to_vec());
        assert!(AgentToServer::decode(&bytes[..]).is_ok());
        assert_eq!(check_protobuf(&bytes), Err(TooManyParts));
    }

    #[test]
    fn large_texts_are_few_parts() {
        let exporters = (0..200_000).map(|n| format!("  exporter/{n}: {{endpoint: https://host-{n}}}\n")).collect();
        for text in [exporters, "#".repeat(1 << 20), ",".repeat(1 << 20), "sdk".repeat(1 << 20)] {
            let file = AgentConfigFile { body: text.into_bytes().into(), content_type: String::new() };
            let config_map = Some(AgentConfigMap { config_map: [(String::new(), file)].into() });
            let effective_config = Some(EffectiveConfig { config_map });
            assert_eq!(of(&AgentToServer { effective_config, ..Default::default() }), Ok(()));
        }
    }

    #[test]
    fn names_of_json_count() {
        assert_eq!(check_json(br#"{"id":"a","hash":""}"#), Ok(()));
        assert_eq!(check_json(&b"\"\":\"\",".repeat(MAX_PARTS / 2 + 1)), Err(TooManyParts));
    }

    #[test]
    fn nothing_makes_it_fail() {
        let mut bytes = Vec::new();
        for n in 0..2000_u32 {
            bytes.extend(n.wrapping_mul(2_654_435_761).to_le_bytes());
            let _ = check_protobuf(&bytes);
            let _ = check_protobuf(&bytes[bytes.len() / 2..]);
        }
        assert_eq!(check_protobuf(&[0xff; 100]), Ok(()));
        assert_eq!(check_protobuf(&[]), Ok(()));
    }
}
