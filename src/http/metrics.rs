//! Prometheus text about the server itself.
