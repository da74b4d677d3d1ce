//! The fields of forms that destinations share. Names and defaults are a contract: documents hold them.

use serde_json::json;

use crate::component::form::{Field, choice, duration, file, flag, group, integer, map, secret, text};

/// Algorithms that OTLP backends commonly take, over HTTP and over gRPC.
pub const OTLP_COMPRESSION: &[&str] = &["gzip", "zstd", "snappy", "none"];

/// A URL to send to.
#[must_use]
pub fn url(title: &str, example: &str) -> Field {
    text(title).most(2048).check("http_url").example(example)
}

/// The address of a gRPC server.
#[must_use]
pub fn grpc_address(title: &str, example: &str) -> Field {
    text(title).check("grpc_endpoint").example(example)
}

/// A token for the header `Authorization`.
#[must_use]
pub fn bearer_token() -> Field {
    secret("Bearer token").help(
        "Sent as `Authorization: Bearer ...`. ${env:NAME} is read on the collector's host, anything else is sealed and never shown again.",
    )
}

/// User and password.
#[must_use]
pub fn basic_auth() -> Field {
    group("User and password", [("username", text("User").required()), ("password", password("Password").required())])
        .help("HTTP basic authentication.")
}

/// A password or something like it.
#[must_use]
pub fn password(title: &str) -> Field {
    secret(title).help("${env:NAME} is read on the collector's host, anything else is sealed and never shown again.")
}

/// Headers of a request, all of them secret.
#[must_use]
pub fn headers() -> Field {
    let name = text("").most(128).check("header_name");
    map("Headers", name, secret("")).default(json!({})).help(
        "Values are secret: ${env:NAME} is read on the collector's host, anything else is sealed and never shown again.",
    )
}

/// Whose records they are, for Loki, Tempo and Mimir.
#[must_use]
pub fn tenant() -> Field {
    text("Tenant").most(150).check("tenant").help("Sent as X-Scope-OrgID; needed where several tenants share a server.")
}

/// How requests are compressed; the first is the default.
#[must_use]
pub fn compression(algorithms: &[&str]) -> Field {
    choice("Compression", algorithms).default(algorithms.first().copied().unwrap_or("none"))
}

/// How long one request may take.
#[must_use]
pub fn timeout(default: &str) -> Field {
    duration("Timeout").default(default).help("For one request.")
}

/// Certificates.
#[must_use]
pub fn tls() -> Field {
    let pem = |title: &str| file(title).help("A PEM file on the collector's host.");
    group(
        "TLS",
        [
            ("ca_file", pem("Certificates to trust")),
            ("cert_file", pem("Client certificate")),
            ("key_file", pem("Client key")),
            (
                "server_name",
                text("Server name")
                    .most(253)
                    .check("host_name")
                    .help("The name to expect in the server's certificate."),
            ),
            ("insecure_skip_verify", flag("Trust any certificate").default(false)),
        ],
    )
}

/// Whether nothing is encrypted, for protocols whose addresses do not say so.
#[must_use]
pub fn plaintext() -> Field {
    flag("Without encryption").default(false).help("For servers without TLS, on a network that is trusted.")
}

/// How much waits while the backend does not answer.
#[must_use]
pub fn queue_size() -> Field {
    integer("Queue", 1, 1_000_000)
        .default(1000)
        .unit("batches")
        .help("Batches held in memory while the backend does not answer.")
}

/// Where it waits.
#[must_use]
pub fn queue_on_disk() -> Field {
    flag("Queue on disk").default(false).help(
        "Batches that wait survive a restart of the collector. Alloy needs --stability.level=public-preview for it.",
    )
}

/// How long a batch is tried.
#[must_use]
pub fn retry_for() -> Field {
    duration("Retry for").default("5m").help("A batch is given up after this time; 0s tries for ever.")
}
