//! Protocol Buffers' JSON mapping for `collector.v1`: lowerCamelCase out, both spellings in, unknown fields ignored,
//! enums as names or numbers, bytes as base64, `null` as absent, defaults left out.

use std::{collections::BTreeMap, fmt};

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose},
};
use bytes::Bytes;
use linkmesh_proto::wire::collector as wire;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::connect::Codable;

fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

macro_rules! json {
    ($($name:ident for $wire:ident { $($field:ident $(($alias:literal))? : $kind:ty,)* })*) => {
        $(
            #[derive(Debug, Default, Serialize, Deserialize)]
            #[serde(default, rename_all = "camelCase")]
            pub(super) struct $name {
                $(
                    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "is_default" $(, alias = $alias)?)]
                    $field: $kind,
                )*
            }

            impl From<$name> for wire::$wire {
                fn from(json: $name) -> Self {
                    let $name { $($field,)* } = json;
                    Self { $($field: Convert::convert($field),)* }
                }
            }

            impl From<wire::$wire> for $name {
                fn from(wire: wire::$wire) -> Self {
                    let wire::$wire { $($field,)* } = wire;
                    Self { $($field: Convert::convert($field),)* }
                }
            }
        )*
    };
}

json! {
    GetConfigRequest for GetConfigRequest {
        id: String,
        attributes: BTreeMap<String, String>,
        hash: String,
        local_attributes("local_attributes"): BTreeMap<String, String>,
        remote_config_status("remote_config_status"): Option<RemoteConfigStatus>,
        effective_config("effective_config"): Option<EffectiveConfig>,
    }
    RemoteConfigStatus for RemoteConfigStatus {
        status: Status,
        error_message("error_message"): String,
    }
    EffectiveConfig for EffectiveConfig { config_map("config_map"): Option<AgentConfigMap>, }
    AgentConfigMap for AgentConfigMap { config_map("config_map"): BTreeMap<String, AgentConfigFile>, }
    AgentConfigFile for AgentConfigFile { body: Base64, content_type("content_type"): String, }
    GetConfigResponse for GetConfigResponse {
        content: String,
        hash: String,
        not_modified("not_modified"): bool,
    }
    RegisterCollectorRequest for RegisterCollectorRequest {
        id: String,
        attributes: BTreeMap<String, String>,
        name: String,
        local_attributes("local_attributes"): BTreeMap<String, String>,
    }
    RegisterCollectorResponse for RegisterCollectorResponse {}
    UnregisterCollectorRequest for UnregisterCollectorRequest { id: String, }
    UnregisterCollectorResponse for UnregisterCollectorResponse {}
}

macro_rules! codable {
    ($($name:ident)*) => { $(impl Codable for wire::$name { type Json = $name; })* };
}
codable! {
    GetConfigRequest GetConfigResponse RegisterCollectorRequest RegisterCollectorResponse UnregisterCollectorRequest
    UnregisterCollectorResponse
}

fn is_default<T: Default + IsDefault>(value: &T) -> bool {
    value.is_default()
}

/// Whether a value is left out.
trait IsDefault {
    fn is_default(&self) -> bool;
}

macro_rules! is_default {
    ($($kind:ty: $test:expr,)*) => { $(impl IsDefault for $kind {
        fn is_default(&self) -> bool { let test: fn(&$kind) -> bool = $test; test(self) }
    })* };
}
is_default! {
    String: String::is_empty,
    bool: |value| !value,
    Status: |status| status.0 == 0,
    Base64: |bytes| bytes.0.is_empty(),
}
impl<T> IsDefault for Option<T> {
    fn is_default(&self) -> bool {
        self.is_none()
    }
}
impl<T> IsDefault for BTreeMap<String, T> {
    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

/// A field's value in the other form.
trait Convert<T> {
    fn convert(self) -> T;
}

macro_rules! same {
    ($($kind:ty),*) => { $(impl Convert<$kind> for $kind { fn convert(self) -> $kind { self } })* };
}
same!(String, bool, BTreeMap<String, String>);

macro_rules! nested {
    ($($name:ident)*) => { $(
        impl Convert<Option<wire::$name>> for Option<$name> {
            fn convert(self) -> Option<wire::$name> { self.map(Into::into) }
        }
        impl Convert<Option<$name>> for Option<wire::$name> {
            fn convert(self) -> Option<$name> { self.map(Into::into) }
        }
    )* };
}
nested!(RemoteConfigStatus EffectiveConfig AgentConfigMap);

impl Convert<BTreeMap<String, wire::AgentConfigFile>> for BTreeMap<String, AgentConfigFile> {
    fn convert(self) -> BTreeMap<String, wire::AgentConfigFile> {
        self.into_iter().map(|(name, file)| (name, file.into())).collect()
    }
}
impl Convert<BTreeMap<String, AgentConfigFile>> for BTreeMap<String, wire::AgentConfigFile> {
    fn convert(self) -> BTreeMap<String, AgentConfigFile> {
        self.into_iter().map(|(name, file)| (name, file.into())).collect()
    }
}

/// Bytes: standard base64 out; in, the URL-safe alphabet too, padded or not.
#[derive(Debug, Default)]
pub(super) struct Base64(Bytes);

impl Convert<Bytes> for Base64 {
    fn convert(self) -> Bytes {
        self.0
    }
}
impl Convert<Base64> for Bytes {
    fn convert(self) -> Base64 {
        Base64(self)
    }
}
impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&general_purpose::STANDARD.encode(&self.0))
    }
}
impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let bytes = GeneralPurpose::new(alphabet, config).decode(text).map_err(de::Error::custom)?;
        Ok(Self(bytes.into()))
    }
}

/// The status enum: its name out, its name or number in. A number that nobody knows is kept.
#[derive(Debug, Default)]
pub(super) struct Status(i32);

impl Convert<i32> for Status {
    fn convert(self) -> i32 {
        self.0
    }
}
impl Convert<Status> for i32 {
    fn convert(self) -> Status {
        Status(self)
    }
}
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match wire::RemoteConfigStatuses::try_from(self.0) {
            Ok(status) => serializer.serialize_str(status.as_str_name()),
            Err(_) => serializer.serialize_i32(self.0),
        }
    }
}
impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Status;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or number of RemoteConfigStatuses")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Status, E> {
                let status = wire::RemoteConfigStatuses::from_str_name(name)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(name), &self))?;
                Ok(Status(status.into()))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Status, E> {
                i32::try_from(number).map(Status).map_err(E::custom)
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Status, E> {
                i32::try_from(number).map(Status).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_numbers_names_and_nulls_are_read() {
        for text in [
            r#"{"id":"c1","localAttributes":{"a":"b"},"remoteConfigStatus":{"status":"RemoteConfigStatuses_FAILED",
                "errorMessage":"x"},"effectiveConfig":{"configMap":{"configMap":{"":{"body":"aGk=","contentType":"t"}}}}}"#,
            r#"{"id":"c1","local_attributes":{"a":"b"},"hash":null,"what":[1],"remote_config_status":{"status":3,
                "error_message":"x"},"effective_config":{"config_map":{"config_map":{"":{"body":"aGk","content_type":"t"}}}}}"#,
        ] {
            let request: wire::GetConfigRequest = serde_json::from_str::<GetConfigRequest>(text).unwrap().into();
            assert_eq!((request.id.as_str(), request.hash.as_str()), ("c1", ""));
            assert_eq!(request.local_attributes.get("a").map(String::as_str), Some("b"));
            let status = request.remote_config_status.unwrap();
            assert_eq!((status.status, status.error_message.as_str()), (3, "x"));
            let files = request.effective_config.unwrap().config_map.unwrap().config_map;
            assert_eq!(files[""].body.as_ref(), b"hi");
        }
    }

    #[test]
    fn defaults_are_left_out() {
        let json =
            |response: wire::GetConfigResponse| serde_json::to_string(&GetConfigResponse::from(response)).unwrap();
        assert_eq!(json(wire::GetConfigResponse::default()), "{}");
        let full = wire::GetConfigResponse { content: "x".into(), hash: "h".into(), not_modified: true };
        assert_eq!(json(full), r#"{"content":"x","hash":"h","notModified":true}"#);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [r#"{"id":3}"#, r#"{"remoteConfigStatus":{"status":"NOPE"}}"#, r#"{"id":"#, ""] {
            assert!(serde_json::from_str::<GetConfigRequest>(text).is_err(), "{text}");
        }
    }
}
