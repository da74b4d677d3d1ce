//! Configs that other people wrote.

use std::fmt::Write as _;

use linkmesh_proto::api::{collector::Runtime, pipeline::Import};

use crate::{
    domain::document::{parse_destination, parse_pipeline, to_yaml},
    import::tests::import_alone,
};

const CONFIGS: [(&str, Runtime, &str); 8] = [
    ("gateway_otelcol", Runtime::Otelcol, include_str!("foreign/gateway.yaml")),
    ("host_otelcol", Runtime::Otelcol, include_str!("foreign/host.yaml")),
    ("tracing_otelcol", Runtime::Otelcol, include_str!("foreign/tracing.yaml")),
    ("daemonset_otelcol", Runtime::Otelcol, include_str!("foreign/daemonset.yaml")),
    ("kinds_otelcol", Runtime::Otelcol, include_str!("foreign/kinds.yaml")),
    ("gateway_alloy", Runtime::Alloy, include_str!("foreign/gateway.alloy")),
    ("host_alloy", Runtime::Alloy, include_str!("foreign/host.alloy")),
    ("tracing_alloy", Runtime::Alloy, include_str!("foreign/tracing.alloy")),
];

/// The documents as they stand in files, and what is left over.
fn written(import: &Import) -> String {
    let mut out = String::new();
    for pipeline in &import.pipelines {
        let id = pipeline.id.as_ref().unwrap();
        write!(out, "# pipelines/{id}.yaml\n{}\n", to_yaml(&pipeline.document)).unwrap();
    }
    for destination in &import.destinations {
        let id = destination.id.as_ref().unwrap();
        write!(out, "# destinations/{id}.yaml\n{}\n", to_yaml(&destination.document)).unwrap();
    }
    for left in &import.left_over {
        let kind = serde_json::to_value(left.kind).unwrap();
        write!(out, "# {}: {}\n# {}\n", kind.as_str().unwrap(), left.path, left.reason).unwrap();
        for pipeline in &left.pipelines {
            writeln!(out, "# not in {pipeline}").unwrap();
        }
        write!(out, "{}\n\n", left.text).unwrap();
    }
    for error in &import.errors {
        writeln!(out, "# error: {} {} {}", error.field, error.code, error.message).unwrap();
    }
    out
}

#[test]
fn outcomes_are_as_reviewed() {
    for (name, runtime, text) in CONFIGS {
        insta::assert_snapshot!(name, written(&import_alone(runtime, text)));
    }
}

#[test]
fn documents_are_read_and_hold_to_their_destinations() {
    for (name, runtime, text) in CONFIGS {
        let import = import_alone(runtime, text);
        assert!(import.errors.is_empty() && !import.pipelines.is_empty(), "{name}");
        for destination in &import.destinations {
            assert_eq!(
                parse_destination(&to_yaml(&destination.document)).as_ref(),
                Ok(&destination.document),
                "{name}"
            );
        }
        for pipeline in &import.pipelines {
            assert_eq!(parse_pipeline(&to_yaml(&pipeline.document)).as_ref(), Ok(&pipeline.document), "{name}");
            for to in &pipeline.document.destinations {
                assert!(import.destinations.iter().any(|known| known.id.as_ref() == Some(to.id())), "{name} {to:?}");
            }
        }
    }
}

#[test]
fn nothing_is_left_out_silently() {
    for (name, runtime, text) in CONFIGS {
        let import = import_alone(runtime, text);
        let said = written(&import);
        for secret in ["s3cr3t-token", "s3cr3t-password"] {
            let shown = import.left_over.iter().any(|left| left.text.contains(secret));
            assert!(!shown, "{name}: {said}");
        }
        // Each value that stands in the text stands in a document or in what is left over.
        for value in [
            "vendor.example",
            "/healthz",
            "SEVERITY_NUMBER_INFO",
            "13133",
            "tempo.monitoring:4317",
            "1GiB",
            "loki.example",
            "mimir.example",
            "zipkin:9411",
            "14268",
            "regex_parser",
            "spanmetrics",
            "/var/lib/otelcol",
            "limit_percentage",
            "GATEWAY_URL",
            "cluster",
        ] {
            if text.contains(value) {
                let is_severity = value == "SEVERITY_NUMBER_INFO" && said.contains("minimum: info");
                assert!(said.contains(value) || is_severity, "{name}: {value}\n{said}");
            }
        }
    }
}
