//! The components that destinations are made of, from the sources of Alloy 1.19-dev.

use super::{Component, DEBUG_METRICS, Exp, Ga, INPUT, Preview, RULE, Shape, TLS, component, leaf};

const QUEUE: (&str, Shape) = (
    "sending_queue",
    Shape {
        attributes: "enabled num_consumers queue_size sizer wait_for_result block_on_overflow storage",
        blocks: &[("batch", leaf("flush_timeout min_size max_size sizer"))],
    },
);
const RETRY: (&str, Shape) = (
    "retry_on_failure",
    leaf("enabled initial_interval randomization_factor multiplier max_interval max_elapsed_time"),
);
const KAFKA_SIGNAL: Shape = leaf("topic topic_from_metadata_key encoding message_key_from_metadata_key");
const PROMETHEUS_TLS: (&str, Shape) = (
    "tls_config",
    leaf("ca_pem ca_file cert_pem cert_file key_pem key_file server_name insecure_skip_verify min_version"),
);

/// Exporters and what they refer to.
pub(super) const EXPORTERS: &[Component] = &[
    component(
        "otelcol.exporter.otlphttp",
        Ga,
        INPUT,
        "traces_endpoint metrics_endpoint logs_endpoint encoding",
        &[
            DEBUG_METRICS,
            (
                "!client",
                Shape {
                    attributes: "!endpoint headers compression timeout auth read_buffer_size write_buffer_size max_idle_conns \
                         max_idle_conns_per_host max_conns_per_host idle_conn_timeout disable_keep_alives \
                         http2_read_idle_timeout http2_ping_timeout proxy_url force_attempt_http2",
                    blocks: &[TLS, ("compression_params", leaf("level")), ("cookies", leaf("enabled"))],
                },
            ),
            QUEUE,
            RETRY,
        ],
    ),
    component(
        "otelcol.exporter.otlp",
        Ga,
        INPUT,
        "timeout",
        &[
            DEBUG_METRICS,
            (
                "!client",
                Shape {
                    attributes: "!endpoint headers compression auth balancer_name authority read_buffer_size \
                                 write_buffer_size wait_for_ready",
                    blocks: &[TLS, ("keepalive", leaf("ping_wait ping_response_timeout ping_without_stream"))],
                },
            ),
            QUEUE,
            RETRY,
        ],
    ),
    component(
        "otelcol.exporter.debug",
        Exp,
        INPUT,
        "verbosity sampling_initial sampling_thereafter use_internal_logger output_paths",
        &[DEBUG_METRICS],
    ),
    component(
        "otelcol.exporter.kafka",
        Ga,
        INPUT,
        "!protocol_version brokers resolve_canonical_bootstrap_servers_only client_id topic topic_from_attribute \
         encoding partition_traces_by_id partition_metrics_by_resource_attributes \
         partition_logs_by_resource_attributes partition_logs_by_trace_id timeout conn_idle_timeout \
         include_metadata_keys",
        &[
            DEBUG_METRICS,
            ("logs", KAFKA_SIGNAL),
            ("metrics", KAFKA_SIGNAL),
            ("traces", KAFKA_SIGNAL),
            (
                "authentication",
                Shape {
                    attributes: "",
                    blocks: &[
                        ("plaintext", leaf("!username !password")),
                        (
                            "sasl",
                            Shape {
                                attributes: "!username !password !mechanism version",
                                blocks: &[("aws_msk", leaf("!region"))],
                            },
                        ),
                        TLS,
                        (
                            "kerberos",
                            leaf(
                                "service_name realm use_keytab !username password config_file keytab_file \
                                 disable_fast_negotiation",
                            ),
                        ),
                    ],
                },
            ),
            (
                "metadata",
                Shape { attributes: "full refresh_interval", blocks: &[("retry", leaf("max_retries backoff"))] },
            ),
            QUEUE,
            RETRY,
            (
                "producer",
                Shape {
                    attributes: "max_message_bytes max_broker_write_bytes required_acks compression \
                         flush_max_messages allow_auto_topic_creation linger",
                    blocks: &[("compression_params", leaf("level"))],
                },
            ),
            (
                "record_partitioner",
                Shape { attributes: "round_robin least_backup", blocks: &[("sticky_key", leaf("hasher"))] },
            ),
            TLS,
        ],
    ),
    component(
        "otelcol.exporter.awss3",
        Exp,
        INPUT,
        "timeout",
        &[
            DEBUG_METRICS,
            (
                "!s3_uploader",
                leaf(
                    "region !s3_bucket !s3_prefix s3_base_prefix s3_partition_format s3_partition_timezone role_arn \
                     file_prefix endpoint s3_force_path_style disable_ssl compression acl storage_class \
                     unique_key_func_name retry_mode retry_max_attempts retry_max_backoff",
                ),
            ),
            ("marshaler", leaf("type")),
            ("resource_attrs_to_s3", leaf("!s3_prefix s3_bucket")),
            QUEUE,
        ],
    ),
    component(
        "otelcol.exporter.file",
        Preview,
        INPUT,
        "!path append format encoding compression flush_interval",
        &[
            DEBUG_METRICS,
            ("rotation", leaf("max_megabytes max_days max_backups localtime")),
            ("compression_params", leaf("!level")),
            ("group_by", leaf("enabled resource_attribute max_open_files")),
        ],
    ),
    // Of the community: it has no level, and needs a switch of its own.
    component(
        "otelcol.exporter.splunkhec",
        Ga,
        INPUT,
        "",
        &[
            DEBUG_METRICS,
            (
                "!client",
                leaf(
                    "!endpoint read_buffer_size write_buffer_size timeout max_idle_conns max_idle_conns_per_host \
                     max_conns_per_host idle_conn_timeout disable_keep_alives insecure_skip_verify \
                     force_attempt_http2",
                ),
            ),
            (
                "!splunk",
                Shape {
                    attributes: "!token log_data_enabled profiling_data_enabled source sourcetype index \
                         disable_compression max_content_length_logs max_content_length_metrics \
                         max_content_length_traces max_event_size splunk_app_name splunk_app_version health_path \
                         health_check_enabled export_raw use_multi_metric_format",
                    blocks: &[
                        ("otel_to_hec_fields", leaf("severity_text severity_number")),
                        ("heartbeat", leaf("interval startup")),
                        ("telemetry", leaf("enabled override_metrics_names extra_attributes")),
                    ],
                },
            ),
            ("otel_attrs_to_hec_metadata", leaf("source sourcetype index host")),
            QUEUE,
            RETRY,
        ],
    ),
    component(
        "otelcol.exporter.prometheus",
        Ga,
        INPUT,
        "!forward_to include_target_info include_scope_info include_scope_labels gc_frequency add_metric_suffixes \
         resource_to_telemetry_conversion honor_metadata convert_classic_histograms_to_nhcb \
         keep_identifying_resource_attributes start_timestamp_zero_ingestion",
        &[],
    ),
    component(
        "otelcol.auth.basic",
        Ga,
        &["handler"],
        "username password",
        &[
            DEBUG_METRICS,
            ("client_auth", leaf("username username_file password password_file")),
            ("htpasswd", leaf("file inline")),
        ],
    ),
    component(
        "prometheus.remote_write",
        Ga,
        &["receiver"],
        "external_labels",
        &[
            (
                "endpoint",
                Shape {
                    attributes: "!url name remote_timeout headers send_exemplars send_native_histograms \
                         protobuf_message bearer_token bearer_token_file proxy_url no_proxy proxy_from_environment \
                         proxy_connect_header follow_redirects enable_http2 http_headers round_robin_dns",
                    blocks: &[
                        ("basic_auth", leaf("username password password_file")),
                        ("authorization", leaf("type credentials credentials_file")),
                        PROMETHEUS_TLS,
                        (
                            "queue_config",
                            leaf(
                                "capacity max_shards min_shards max_samples_per_send batch_send_deadline min_backoff \
                                 max_backoff retry_on_http_429 sample_age_limit",
                            ),
                        ),
                        ("metadata_config", leaf("send send_interval max_samples_per_send")),
                        ("write_relabel_config", RULE.1),
                    ],
                },
            ),
            ("wal", leaf("truncate_frequency min_keepalive_time max_keepalive_time")),
        ],
    ),
    component(
        "otelcol.storage.file",
        Preview,
        &["handler"],
        "directory timeout create_directory directory_permissions fsync",
        &[
            DEBUG_METRICS,
            (
                "compaction",
                leaf(
                    "directory on_start on_rebound rebound_needed_threshold_mib rebound_trigger_threshold_mib \
                     max_transaction_size check_interval cleanup_on_start",
                ),
            ),
        ],
    ),
];
