//! The components that sources are made of, from the sources of Alloy 1.19-dev.

use super::{Component, DEBUG_METRICS, Ga, OUTPUT, Preview, RULE, Shape, TLS, component, leaf};

const PROMETHEUS_TLS: (&str, Shape) = (
    "tls_config",
    leaf("ca_pem ca_file cert_pem cert_file key_pem key_file server_name insecure_skip_verify min_version"),
);
const BASIC_AUTH: (&str, Shape) = ("basic_auth", leaf("username password password_file"));
const AUTHORIZATION: (&str, Shape) = ("authorization", leaf("type credentials credentials_file"));
const OAUTH2: (&str, Shape) = (
    "oauth2",
    Shape {
        attributes: "client_id client_secret client_secret_file scopes token_url endpoint_params proxy_url no_proxy \
                     proxy_from_environment proxy_connect_header",
        blocks: &[PROMETHEUS_TLS],
    },
);
const CONSUMER_RETRY: (&str, Shape) =
    ("retry_on_failure", leaf("enabled initial_interval max_interval max_elapsed_time"));
const MULTILINE: (&str, Shape) = ("multiline", leaf("line_start_pattern line_end_pattern omit_pattern"));
const TOPICS: Shape = leaf("topic topics encoding exclude_topics");

/// Receivers, sources of Loki and scrapes, and what they refer to.
pub(super) const SOURCES: &[Component] = &[
    component(
        "otelcol.receiver.syslog",
        Preview,
        &[],
        "protocol location enable_octet_counting max_octets allow_skip_pri_header non_transparent_framing_trailer on_error",
        &[
            OUTPUT,
            DEBUG_METRICS,
            CONSUMER_RETRY,
            (
                "tcp",
                Shape {
                    attributes: "max_log_size listen_address add_attributes one_log_per_packet encoding \
                                 preserve_leading_whitespaces preserve_trailing_whitespaces",
                    blocks: &[TLS, MULTILINE],
                },
            ),
            (
                "udp",
                Shape {
                    attributes: "listen_address one_log_per_packet add_attributes encoding \
                                 preserve_leading_whitespaces preserve_trailing_whitespaces",
                    blocks: &[MULTILINE, ("async", leaf("readers processors max_queue_length"))],
                },
            ),
        ],
    ),
    component(
        "otelcol.receiver.kafka",
        Ga,
        &[],
        "!brokers !protocol_version session_timeout heartbeat_interval encoding group_id client_id initial_offset \
         resolve_canonical_bootstrap_servers_only min_fetch_size max_fetch_size max_partition_fetch_size max_fetch_wait \
         group_rebalance_strategy group_rebalance_strategies group_instance_id rack_id use_leader_epoch \
         conn_idle_timeout",
        &[
            OUTPUT,
            DEBUG_METRICS,
            ("logs", TOPICS),
            ("metrics", TOPICS),
            ("traces", TOPICS),
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
            TLS,
            (
                "metadata",
                Shape { attributes: "full refresh_interval", blocks: &[("retry", leaf("max_retries backoff"))] },
            ),
            ("autocommit", leaf("enable interval")),
            ("message_marking", leaf("after_execution include_unsuccessful")),
            ("header_extraction", leaf("extract_headers headers")),
            (
                "error_backoff",
                leaf("enabled initial_interval randomization_factor multiplier max_interval max_elapsed_time"),
            ),
        ],
    ),
    component(
        "prometheus.scrape",
        Ga,
        &[],
        "!targets !forward_to job_name honor_labels honor_timestamps track_timestamps_staleness params \
         scrape_classic_histograms scrape_native_histograms scrape_failure_log_file scrape_interval scrape_timeout \
         scrape_protocols metrics_path scheme body_size_limit sample_limit target_limit label_limit \
         label_name_length_limit label_value_length_limit extra_metrics enable_protobuf_negotiation \
         metric_name_validation_scheme metric_name_escaping_scheme scrape_fallback_protocol \
         convert_classic_histograms_to_nhcb enable_compression native_histogram_bucket_limit \
         native_histogram_min_bucket_factor honor_metadata enable_type_and_unit_labels start_timestamp_zero_ingestion \
         bearer_token bearer_token_file proxy_url no_proxy proxy_from_environment proxy_connect_header \
         follow_redirects enable_http2 http_headers",
        &[BASIC_AUTH, AUTHORIZATION, OAUTH2, PROMETHEUS_TLS, ("clustering", leaf("!enabled"))],
    ),
    component("loki.relabel", Ga, &["receiver", "rules"], "!forward_to max_cache_size", &[RULE]),
    component(
        "loki.source.journal",
        Ga,
        &[],
        "!forward_to format_as_json max_age path relabel_rules matches labels",
        &[("legacy_position", leaf("!file !name"))],
    ),
    component(
        "loki.source.kubernetes_events",
        Ga,
        &[],
        "!forward_to job_name namespaces log_format",
        &[
            (
                "client",
                Shape {
                    attributes: "api_server kubeconfig_file bearer_token bearer_token_file proxy_url no_proxy \
                                 proxy_from_environment proxy_connect_header follow_redirects enable_http2 http_headers",
                    blocks: &[BASIC_AUTH, AUTHORIZATION, OAUTH2, PROMETHEUS_TLS],
                },
            ),
            ("clustering", leaf("!enabled")),
        ],
    ),
    component(
        "loki.source.windowsevent",
        Ga,
        &[],
        "!forward_to locale eventlog_name xpath_query bookmark_path poll_interval exclude_event_data exclude_user_data \
         exclude_event_message use_incoming_timestamp labels legacy_bookmark_path",
        &[],
    ),
    component(
        "loki.source.docker",
        Ga,
        &[],
        "!host !targets !forward_to labels relabel_rules refresh_interval",
        &[(
            "http_client_config",
            Shape {
                attributes: "bearer_token bearer_token_file proxy_url no_proxy proxy_from_environment \
                             proxy_connect_header follow_redirects enable_http2 http_headers",
                blocks: &[BASIC_AUTH, AUTHORIZATION, OAUTH2, PROMETHEUS_TLS],
            },
        )],
    ),
    component(
        "discovery.docker",
        Ga,
        &["targets"],
        "!host port host_networking_host refresh_interval match_first_network bearer_token bearer_token_file proxy_url \
         no_proxy proxy_from_environment proxy_connect_header follow_redirects enable_http2 http_headers",
        &[("filter", leaf("!name !values")), BASIC_AUTH, AUTHORIZATION, OAUTH2, PROMETHEUS_TLS],
    ),
];
