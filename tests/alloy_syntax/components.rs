//! The components that our documents may hold: arguments, blocks, exports, stability. Taken from the runtime's reference
//! and from what real Alloys accepted, not from the catalogue.

use super::Level::{self, Experimental as Exp, GenerallyAvailable as Ga, PublicPreview as Preview};

mod exporters;
mod sources;

/// What may stand in a block. Names are separated by spaces; one with `!` in front must be there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) attributes: &'static str,
    pub(super) blocks: &'static [(&'static str, Shape)],
}

/// A component.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    pub(super) name: &'static str,
    pub(super) level: Level,
    pub(super) exports: &'static [&'static str],
    pub(super) shape: Shape,
}

const fn leaf(attributes: &'static str) -> Shape {
    Shape { attributes, blocks: &[] }
}

const OUTPUT: (&str, Shape) = ("!output", leaf("logs metrics traces"));
const TLS: (&str, Shape) = (
    "tls",
    leaf(
        "ca_file ca_pem cert_file cert_pem key_file key_pem insecure insecure_skip_verify include_system_ca_certs_pool \
         server_name min_version max_version cipher_suites reload_interval client_ca_file client_ca_file_reload \
         curve_preferences",
    ),
);
const DEBUG_METRICS: (&str, Shape) = ("debug_metrics", leaf("disable_high_cardinality_metrics level"));
const RULE: (&str, Shape) = ("rule", leaf("source_labels separator regex modulus target_label replacement action"));
const STATEMENTS: Shape = leaf("context conditions statements error_mode");
const MATCH: Shape = Shape {
    attributes: "!match_type services span_names log_bodies log_severity_texts metric_names span_kinds",
    blocks: &[("attribute", leaf("!key value")), ("resource", leaf("!key value"))],
};

const VALUES: Shape = leaf("!key !values");
const LIMIT: Shape = leaf("!spans_per_second burst_capacity");
/// What every policy of the tail sampler has; some have others within them.
const POLICY: Shape = Shape { attributes: "!name !type", blocks: POLICIES };
const POLICIES: &[(&str, Shape)] = &[
    ("latency", leaf("!threshold_ms upper_threshold_ms")),
    ("numeric_attribute", leaf("!key !min_value !max_value invert_match")),
    ("probabilistic", leaf("hash_salt !sampling_percentage")),
    ("status_code", leaf("!status_codes")),
    ("string_attribute", leaf("!key !values enabled_regex_matching cache_max_size invert_match")),
    ("rate_limiting", LIMIT),
    ("bytes_limiting", leaf("!bytes_per_second burst_capacity")),
    ("span_count", leaf("!min_spans max_spans")),
    ("boolean_attribute", leaf("!key !value invert_match")),
    ("ottl_condition", leaf("!error_mode span spanevent")),
    ("trace_state", VALUES),
];
const METRICS: Shape = leaf("metrics match_type metric_types");
const EXTRACT: Shape = leaf("tag_name key key_regex from");
const ENABLED: Shape = leaf("!enabled");

const fn component(
    name: &'static str,
    level: Level,
    exports: &'static [&'static str],
    attributes: &'static str,
    blocks: &'static [(&'static str, Shape)],
) -> Component {
    Component { name, level, exports, shape: Shape { attributes, blocks } }
}

const INPUT: &[&str] = &["input"];

/// All that are known here; a document with another one is refused until it is added.
pub(super) const COMPONENTS: &[Component] = &[
    component(
        "otelcol.receiver.otlp",
        Ga,
        &[],
        "",
        &[
            OUTPUT,
            DEBUG_METRICS,
            (
                "grpc",
                Shape {
                    attributes: "endpoint transport max_recv_msg_size max_concurrent_streams read_buffer_size \
                         write_buffer_size include_metadata auth",
                    blocks: &[
                        TLS,
                        (
                            "keepalive",
                            Shape {
                                attributes: "",
                                blocks: &[
                                    (
                                        "server_parameters",
                                        leaf(
                                            "max_connection_idle max_connection_age max_connection_age_grace time timeout",
                                        ),
                                    ),
                                    ("enforcement_policy", leaf("min_time permit_without_stream")),
                                ],
                            },
                        ),
                    ],
                },
            ),
            (
                "http",
                Shape {
                    attributes: "endpoint max_request_body_size include_metadata traces_url_path metrics_url_path \
                         logs_url_path compression_algorithms auth keep_alives_enabled",
                    blocks: &[TLS, ("cors", leaf("allowed_origins allowed_headers max_age"))],
                },
            ),
        ],
    ),
    component(
        "otelcol.receiver.filelog",
        Preview,
        &[],
        "!include exclude start_at poll_interval max_log_size max_concurrent_files max_batches fingerprint_size encoding \
         include_file_name include_file_path include_file_name_resolved include_file_path_resolved \
         include_file_owner_name include_file_owner_group_name include_file_record_number \
         preserve_leading_whitespaces preserve_trailing_whitespaces force_flush_period delete_after_read compression \
         acquire_fs_lock exclude_older_than attributes resource operators storage",
        &[
            OUTPUT,
            DEBUG_METRICS,
            ("multiline", leaf("line_start_pattern line_end_pattern omit_pattern")),
            ("header", leaf("!pattern !metadata_operators")),
            ("retry_on_failure", leaf("enabled initial_interval max_interval max_elapsed_time")),
        ],
    ),
    component("otelcol.receiver.prometheus", Ga, &["receiver"], "", &[OUTPUT, DEBUG_METRICS]),
    component("otelcol.receiver.loki", Ga, &["receiver"], "", &[OUTPUT, DEBUG_METRICS]),
    component(
        "otelcol.processor.memory_limiter",
        Ga,
        INPUT,
        "!check_interval limit spike_limit limit_percentage spike_limit_percentage",
        &[OUTPUT, DEBUG_METRICS],
    ),
    component(
        "otelcol.processor.batch",
        Ga,
        INPUT,
        "timeout send_batch_size send_batch_max_size metadata_keys metadata_cardinality_limit",
        &[OUTPUT, DEBUG_METRICS],
    ),
    component(
        "otelcol.processor.filter",
        Ga,
        INPUT,
        "error_mode",
        &[
            OUTPUT,
            DEBUG_METRICS,
            ("logs", leaf("log_record")),
            ("metrics", leaf("metric datapoint")),
            ("traces", leaf("span spanevent")),
            ("log_conditions", leaf("context conditions error_mode")),
            ("metric_conditions", leaf("context conditions error_mode")),
            ("trace_conditions", leaf("context conditions error_mode")),
        ],
    ),
    component(
        "otelcol.processor.transform",
        Ga,
        INPUT,
        "error_mode",
        &[
            OUTPUT,
            DEBUG_METRICS,
            ("log_statements", STATEMENTS),
            ("metric_statements", STATEMENTS),
            ("trace_statements", STATEMENTS),
        ],
    ),
    component(
        "otelcol.processor.attributes",
        Ga,
        INPUT,
        "",
        &[
            OUTPUT,
            DEBUG_METRICS,
            ("action", leaf("!key !action value pattern from_attribute from_context converted_type")),
            ("include", MATCH),
            ("exclude", MATCH),
        ],
    ),
    component(
        "otelcol.processor.resourcedetection",
        Ga,
        INPUT,
        "detectors timeout override fail_on_missing_metadata",
        &[
            OUTPUT,
            DEBUG_METRICS,
            (
                "system",
                Shape {
                    attributes: "hostname_sources",
                    blocks: &[(
                        "resource_attributes",
                        Shape {
                            attributes: "",
                            blocks: &[
                                ("host.arch", ENABLED),
                                ("host.cpu.cache.l2.size", ENABLED),
                                ("host.cpu.family", ENABLED),
                                ("host.cpu.model.id", ENABLED),
                                ("host.cpu.model.name", ENABLED),
                                ("host.cpu.stepping", ENABLED),
                                ("host.cpu.vendor.id", ENABLED),
                                ("host.id", ENABLED),
                                ("host.interface", ENABLED),
                                ("host.ip", ENABLED),
                                ("host.mac", ENABLED),
                                ("host.name", ENABLED),
                                ("os.build.id", ENABLED),
                                ("os.description", ENABLED),
                                ("os.name", ENABLED),
                                ("os.type", ENABLED),
                                ("os.version", ENABLED),
                            ],
                        },
                    )],
                },
            ),
        ],
    ),
    component(
        "otelcol.processor.tail_sampling",
        Ga,
        INPUT,
        "decision_wait decision_wait_after_root_received num_traces block_on_overflow expected_new_traces_per_sec \
         sample_on_first_match drop_pending_traces_on_shutdown maximum_trace_size_bytes decision_cache",
        &[
            OUTPUT,
            DEBUG_METRICS,
            (
                "!policy",
                Shape {
                    attributes: "!name !type",
                    blocks: &[
                        ("latency", leaf("!threshold_ms upper_threshold_ms")),
                        ("probabilistic", leaf("hash_salt !sampling_percentage")),
                        ("status_code", leaf("!status_codes")),
                        ("string_attribute", leaf("!key !values enabled_regex_matching cache_max_size invert_match")),
                        ("numeric_attribute", leaf("!key !min_value !max_value invert_match")),
                        ("boolean_attribute", leaf("!key !value invert_match")),
                        ("ottl_condition", leaf("!error_mode span spanevent")),
                        ("trace_state", VALUES),
                        ("span_count", leaf("!min_spans max_spans")),
                        ("bytes_limiting", leaf("!bytes_per_second burst_capacity")),
                        ("rate_limiting", LIMIT),
                        ("and", Shape { attributes: "", blocks: &[("!and_sub_policy", POLICY)] }),
                        ("not", Shape { attributes: "", blocks: &[("!not_sub_policy", POLICY)] }),
                        ("drop", Shape { attributes: "", blocks: &[("!drop_sub_policy", POLICY)] }),
                    ],
                },
            ),
        ],
    ),
    component(
        "otelcol.processor.cumulativetodelta",
        Preview,
        INPUT,
        "max_staleness initial_value",
        &[OUTPUT, DEBUG_METRICS, ("include", METRICS), ("exclude", METRICS)],
    ),
    component(
        "otelcol.processor.k8sattributes",
        Ga,
        INPUT,
        "auth_type passthrough wait_for_metadata wait_for_metadata_timeout watch_sync_period pod_delete_grace_period",
        &[
            OUTPUT,
            DEBUG_METRICS,
            (
                "extract",
                Shape {
                    attributes: "metadata otel_annotations deployment_name_from_replicaset",
                    blocks: &[("annotation", EXTRACT), ("label", EXTRACT)],
                },
            ),
            (
                "filter",
                Shape {
                    attributes: "node namespace",
                    blocks: &[("field", leaf("!key !value op")), ("label", leaf("!key !value op"))],
                },
            ),
            ("pod_association", Shape { attributes: "", blocks: &[("!source", leaf("!from name"))] }),
            ("exclude", Shape { attributes: "", blocks: &[("pod", leaf("!name"))] }),
        ],
    ),
    component(
        "otelcol.receiver.zipkin",
        Ga,
        &[],
        "endpoint parse_string_tags include_metadata",
        &[OUTPUT, DEBUG_METRICS, TLS],
    ),
    component(
        "otelcol.processor.probabilistic_sampler",
        Ga,
        INPUT,
        "sampling_percentage hash_seed mode fail_closed sampling_precision attribute_source from_attribute \
         sampling_priority",
        &[OUTPUT, DEBUG_METRICS],
    ),
    component(
        "prometheus.exporter.unix",
        Ga,
        &["targets"],
        "set_collectors enable_collectors disable_collectors include_exporter_metrics procfs_path rootfs_path \
         sysfs_path udev_data_path",
        &[
            ("cpu", leaf("guest info bugs_include flags_include")),
            ("disk", leaf("device_exclude device_include")),
            (
                "filesystem",
                leaf("fs_types_exclude fs_types_include mount_points_exclude mount_points_include mount_timeout"),
            ),
            ("netdev", leaf("address_info device_exclude device_include netlink")),
        ],
    ),
    component("prometheus.relabel", Ga, &["receiver", "rules"], "!forward_to max_cache_size", &[RULE]),
    component("discovery.relabel", Ga, &["output", "rules"], "!targets", &[RULE]),
    component("local.file_match", Ga, &["targets"], "!path_targets sync_period ignore_older_than", &[]),
    component(
        "loki.source.file",
        Ga,
        &[],
        "!targets !forward_to encoding tail_from_end legacy_positions_file",
        &[
            ("decompression", leaf("!enabled initial_delay format")),
            ("file_watch", leaf("min_poll_frequency max_poll_frequency")),
            ("file_match", leaf("enabled sync_period ignore_older_than")),
        ],
    ),
];

/// A component by its name.
pub(super) fn find(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().chain(exporters::EXPORTERS).chain(sources::SOURCES).find(|component| component.name == name)
}
