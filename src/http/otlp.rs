//! The collectors' own metrics over OTLP/HTTP.
