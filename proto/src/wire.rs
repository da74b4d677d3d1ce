//! Protocol Buffers messages of collectors, generated from the `.proto` files beside this crate.

/// OpAMP between server and supervisor (opamp-spec).
#[allow(missing_docs, clippy::doc_markdown, unreachable_pub)]
pub mod opamp {
    include!(concat!(env!("OUT_DIR"), "/opamp.v1.rs"));
}

/// `collector.v1`, spoken by Alloy's `remotecfg`.
#[allow(missing_docs, clippy::doc_markdown, unreachable_pub)]
pub mod collector {
    include!(concat!(env!("OUT_DIR"), "/collector.v1.rs"));
}

/// The part of OTLP metrics that meters need.
#[allow(missing_docs, clippy::doc_markdown, unreachable_pub)]
pub mod otlp {
    include!(concat!(env!("OUT_DIR"), "/otlp.v1.rs"));
}
