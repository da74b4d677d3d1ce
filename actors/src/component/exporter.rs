//! What the destinations share: fields of their forms, checks of those, and the two renderings of client, TLS,
//! authentication, queue and retries.
//!
//! Both runtimes run the same Go code behind an exporter (`confighttp`, `configgrpc`, `configtls`, `exporterhelper`),
//! so that a field means the same on both; only names and nesting differ. Checked against the sources of the collector
//! 0.149 and 0.158 and of Alloy 1.19-dev. Every default is written out, since some differ.
//!
//! * **Authentication** is one of: nothing, `bearer_token` (rendered as the header `Authorization`), `basic_auth`
//!   (otelcol: extension `basicauth`, Alloy: `otelcol.auth.basic`), or what `headers` say.
//! * **Queue**: `queue_size` batches in memory; with `queue_on_disk` they survive a restart (otelcol: the storage
//!   extension of the document, Alloy: an `otelcol.storage.file` of the destination's own, which it knows since 1.9).
//! * **Retries**: after 5 s, then at growing distances up to 30 s, until `retry_for` is over; `0s` is for ever.

use crate::render::yaml::Yaml;

pub mod auth;
pub mod checks;
pub mod delivery;
pub mod fields;
pub mod http;
pub mod otlp;
pub mod tls;

/// Settings of an otelcol component, in order.
pub type Fields = Vec<(String, Yaml)>;

/// An extension of otelcol that such settings refer to: its type and its own settings.
pub type Extension = (String, Yaml);
