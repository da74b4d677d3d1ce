//! How many parts a message of a collector has, counted before it is decoded.
//!
//! What is decoded takes far more memory than what was sent: two bytes make an empty attribute, which takes a hundred. A
//! message of the largest size that is nothing else would take gigabytes, and compressed it is a few kilobytes to send.
//! So the wire is walked first, without a schema: all that may be a message is looked into.

/// The most parts of what an agent says of itself: five times what one says that has every component that there is and
/// runs hundreds of them.
pub(super) const OF_AGENT: usize = 75_000;

/// The most parts of a push of a collector's own metrics: some twenty for each of its series.
pub(super) const OF_METRICS: usize = 200_000;

/// Levels that decoders look into.
const MAX_DEPTH: usize = 100;

/// The message has more parts than any collector's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message has more than {0} parts")]
pub(super) struct TooManyParts(usize);

/// Looks whether a protobuf message, or what is meant to be one, may be decoded.
///
/// # Errors
/// [`TooManyParts`] when it has more than `most`.
pub(super) fn check_protobuf(bytes: &[u8], most: usize) -> Result<(), TooManyParts> {
    let mut left = most;
    walk(bytes, MAX_DEPTH, &mut left).ok_or(TooManyParts(most))
}

/// The same for JSON, whose parts are its names and values. What stands in a text is no part, whatever it is.
///
/// # Errors
/// [`TooManyParts`] when it has more than `most`.
pub(super) fn check_json(bytes: &[u8], most: usize) -> Result<(), TooManyParts> {
    let (mut parts, mut in_text, mut is_escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b':' | b',' if !in_text => {
                parts += 1;
                if parts > most {
                    return Err(TooManyParts(most));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Walks as far as a decoder would: up to what it refuses. What was decoded by then is counted. `None` when none is left.
fn walk(mut bytes: &[u8], depth: usize, left: &mut usize) -> Option<()> {
    // Groups that are open. Decoders skip them, and take no end that has no beginning.
    let mut groups = 0;
    while let Some(key) = varint(&mut bytes).filter(|key| key >> 3 != 0 && *key <= u64::from(u32::MAX)) {
        *left = left.checked_sub(1)?;
        let skipped = match key & 7 {
            0 => match varint(&mut bytes) {
                Some(_) => 0,
                None => return Some(()),
            },
            1 => 8,
            2 => match varint(&mut bytes).and_then(|len| usize::try_from(len).ok()) {
                Some(len) => len,
                None => return Some(()),
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
            _ => return Some(()),
        };
        let Some((part, rest)) = bytes.split_at_checked(skipped) else { return Some(()) };
        if key & 7 == 2 && depth > 0 {
            walk(part, depth - 1, left)?;
        }
        bytes = rest;
    }
    Some(())
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
    use std::collections::BTreeMap;

    use linkmesh_proto::wire::{
        opamp::{
            AgentConfigFile, AgentConfigMap, AgentDescription, AgentToServer, AnyValue, AvailableComponents,
            ComponentDetails, ComponentHealth, EffectiveConfig, KeyValue, any_value,
        },
        otlp::{ExportMetricsServiceRequest, ResourceMetrics},
    };
    use prost::Message as _;

    use super::*;

    const MOST: usize = 10_000;

    fn of(message: &impl prost::Message) -> Result<(), TooManyParts> {
        check_protobuf(&message.encode_to_vec(), MOST)
    }

    fn described(attributes: usize) -> AgentToServer {
        let identifying_attributes = vec![KeyValue::default(); attributes];
        let agent_description = Some(AgentDescription { identifying_attributes, ..Default::default() });
        AgentToServer { instance_uid: vec![7; 16], agent_description, ..Default::default() }
    }

    fn text(key: &str, value: &str) -> KeyValue {
        let value = Some(any_value::Value::StringValue(value.to_owned()));
        KeyValue { key: key.to_owned(), value: Some(AnyValue { value }) }
    }

    #[test]
    fn empty_parts_count_wherever_they_stand() {
        assert_eq!(of(&described(MOST - 100)), Ok(()));
        assert_eq!(of(&described(MOST)), Err(TooManyParts(MOST)));
        let push = |count| ExportMetricsServiceRequest { resource_metrics: vec![ResourceMetrics::default(); count] };
        assert_eq!(of(&push(1000)), Ok(()));
        assert_eq!(of(&push(MOST + 1)), Err(TooManyParts(MOST)));
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
        let mut bytes = described(MOST).encode_to_vec();
        bytes.push(0xff);
        assert_eq!(check_protobuf(&bytes, MOST), Err(TooManyParts(MOST)));
        // A group of an unknown field, which is skipped, hides nothing behind it.
        let mut bytes = vec![0xc3, 0x0c, 0xc4, 0x0c];
        bytes.extend(described(MOST).encode_to_vec());
        assert!(AgentToServer::decode(&bytes[..]).is_ok());
        assert_eq!(check_protobuf(&bytes, MOST), Err(TooManyParts(MOST)));
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
    fn largest_collector_that_there_is_has_a_fifth_of_what_may_be_sent() {
        const MODULE: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/somereceiver v0.158.0";
        let kinds = ["connectors", "exporters", "extensions", "processors", "receivers"].map(|kind| {
            let of_kind = (0..100).map(|n| {
                let metadata = vec![text("code.namespace", MODULE)];
                (format!("some{n}"), ComponentDetails { metadata, ..Default::default() })
            });
            (kind.to_owned(), ComponentDetails { sub_component_map: of_kind.collect(), ..Default::default() })
        });
        let healthy = |children: BTreeMap<String, ComponentHealth>| ComponentHealth {
            healthy: true,
            start_time_unix_nano: 1_790_000_000_000_000_000,
            status: "StatusOK".to_owned(),
            status_time_unix_nano: 1_790_000_000_000_000_000,
            component_health_map: children,
            ..Default::default()
        };
        let pipelines = (0..50).map(|pipeline| {
            let steps = (0..12).map(|step| (format!("processor:attributes/p{pipeline}.s{step}"), healthy([].into())));
            (format!("pipeline:logs/p{pipeline}"), healthy(steps.collect()))
        });
        let message = AgentToServer {
            health: Some(healthy(pipelines.collect())),
            available_components: Some(AvailableComponents { components: kinds.into(), hash: vec![7; 32] }),
            ..described(500)
        };
        let bytes = message.encode_to_vec();
        assert_eq!(check_protobuf(&bytes, OF_AGENT / 5), Ok(()), "{} bytes", bytes.len());
    }

    #[test]
    fn names_and_values_of_json_count_and_texts_do_not() {
        assert_eq!(check_json(br#"{"id":"a","hash":""}"#, 3), Ok(()));
        assert_eq!(check_json(br#"{"id":"a","hash":""}"#, 2), Err(TooManyParts(2)));
        assert_eq!(check_json(&b"\"\":\"\",".repeat(MOST / 2 + 1), MOST), Err(TooManyParts(MOST)));
        let raw = "keys: [a, b, \"c:d\", 'e'] # \\ \"\n".repeat(MOST);
        let poll = serde_json::to_vec(&serde_json::json!({"id": "a", "effectiveConfig": {"content": raw}})).unwrap();
        assert_eq!(check_json(&poll, 10), Ok(()));
        // What an escaped quotation mark does not end.
        let text = br#"{"a":"\\\",,,,:","b":"\\",,,,:}"#;
        assert_eq!(check_json(text, 8), Ok(()));
        assert_eq!(check_json(text, 7), Err(TooManyParts(7)));
    }

    #[test]
    fn nothing_makes_it_fail() {
        let mut bytes = Vec::new();
        for n in 0..2000_u32 {
            bytes.extend(n.wrapping_mul(2_654_435_761).to_le_bytes());
            let _ = check_protobuf(&bytes, MOST);
            let _ = check_protobuf(&bytes[bytes.len() / 2..], MOST);
            let _ = check_json(&bytes, MOST);
        }
        assert_eq!(check_protobuf(&[0xff; 100], MOST), Ok(()));
        assert_eq!(check_protobuf(&[], MOST), Ok(()));
    }
}
