//! The two documents, otelcol YAML and Alloy, from one resolved pipeline.
