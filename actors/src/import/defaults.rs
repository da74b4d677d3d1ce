//! What a collector does where its config says nothing: the defaults of the components that the catalogue renders.
//!
//! A rendering of ours writes out much of what is the default anyway, and a text that somebody wrote does not. So both are
//! completed before they are compared. What is not listed here has to stand in both. From the sources of otelcol 0.158.0
//! and Alloy 1.19; `error_mode` of `filter` and `transform` was `propagate` before 0.153, under which a record that a
//! condition fails on takes its whole batch with it.

use std::{collections::BTreeMap, sync::OnceLock};

use linkmesh_proto::api::collector::Runtime;
use serde_json::Value;

use super::tree::Tree;
use crate::domain::{components::ComponentClass, document::strict};

/// By class and type. A key that ends in `?` is completed only where it is there.
const OTELCOL: &str = "
receivers/otlp:
  protocols:
    grpc?: {endpoint: 'localhost:4317', transport: tcp, read_buffer_size: 524288}
    http?: {endpoint: 'localhost:4318', traces_url_path: /v1/traces, metrics_url_path: /v1/metrics, logs_url_path: /v1/logs, transport: tcp}
receivers/filelog:
  start_at: end
  include_file_name: true
  include_file_path: false
  include_file_name_resolved: false
  include_file_path_resolved: false
  poll_interval: 200ms
  encoding: utf-8
  force_flush_period: 500ms
  fingerprint_size: 1000
  max_log_size: 1048576
  max_concurrent_files: 1024
  initial_buffer_size: 16384
  max_log_size_behavior: split
  on_truncate: ignore
  exclude_older_than: 0s
  id: file_input
  type: file_input
  retry_on_failure: {enabled: false, initial_interval: 1s, max_elapsed_time: 5m, max_interval: 30s}
receivers/hostmetrics: {collection_interval: 1m, initial_delay: 1s, timeout: 0s, root_path: '', metadata_collection_interval: 5m}
processors/batch: {timeout: 200ms, send_batch_size: 8192, send_batch_max_size: 0, metadata_cardinality_limit: 1000}
processors/filter: {error_mode: ignore}
processors/transform: {error_mode: ignore}
processors/resourcedetection: {detectors: [env], override: true, timeout: 5s, refresh_interval: 0s}
processors/tail_sampling: {decision_wait: 30s, num_traces: 50000}
processors/cumulativetodelta: {initial_value: auto, max_staleness: 0s}
exporters/debug: {verbosity: basic, sampling_initial: 2, sampling_thereafter: 1, use_internal_logger: true}
exporters/otlphttp:
  compression: gzip
  timeout: 30s
  encoding: proto
  write_buffer_size: 524288
  read_buffer_size: 0
  force_attempt_http2: true
  max_idle_conns: 100
  idle_conn_timeout: 90s
  traces_endpoint: ''
  metrics_endpoint: ''
  logs_endpoint: ''
  profiles_endpoint: ''
  tls?: {insecure: false, insecure_skip_verify: false}
  sending_queue: {enabled: true, queue_size: 1000, num_consumers: 10, sizer: requests, block_on_overflow: false, wait_for_result: false}
  retry_on_failure: {enabled: true, initial_interval: 5s, randomization_factor: 0.5, multiplier: 1.5, max_interval: 30s, max_elapsed_time: 5m}
exporters/otlp:
  compression: gzip
  timeout: 5s
  write_buffer_size: 524288
  read_buffer_size: 0
  wait_for_ready: false
  balancer_name: round_robin
  tls: {insecure: false, insecure_skip_verify: false}
  sending_queue: {enabled: true, queue_size: 1000, num_consumers: 10, sizer: requests, block_on_overflow: false, wait_for_result: false}
  retry_on_failure: {enabled: true, initial_interval: 5s, randomization_factor: 0.5, multiplier: 1.5, max_interval: 30s, max_elapsed_time: 5m}
";

/// By the name of the block. Blocks are lists under their name and `{}`, as in [`Tree`].
const ALLOY: &str = "
otelcol.receiver.otlp:
  'grpc{}?': [{endpoint: '0.0.0.0:4317', transport: tcp, read_buffer_size: 512KiB}]
  'http{}?': [{endpoint: '0.0.0.0:4318', traces_url_path: /v1/traces, metrics_url_path: /v1/metrics, logs_url_path: /v1/logs}]
otelcol.receiver.filelog:
  start_at: end
  include_file_name: true
  include_file_path: false
  include_file_name_resolved: false
  include_file_path_resolved: false
  poll_interval: 200ms
  encoding: utf-8
  force_flush_period: 500ms
  fingerprint_size: 1KiB
  max_log_size: 1MiB
  max_concurrent_files: 1024
prometheus.scrape: {scrape_interval: 1m, scrape_timeout: 10s}
otelcol.processor.batch: {timeout: 200ms, send_batch_size: 2000, send_batch_max_size: 3000, metadata_cardinality_limit: 1000}
otelcol.processor.filter: {error_mode: ignore}
otelcol.processor.transform: {error_mode: ignore}
otelcol.processor.resourcedetection: {detectors: [env], override: true, timeout: 5s}
otelcol.exporter.debug: {verbosity: basic, sampling_initial: 2, sampling_thereafter: 1, use_internal_logger: true}
otelcol.exporter.otlphttp:
  encoding: proto
  'client{}':
    - {compression: gzip, timeout: 30s, max_idle_conns: 100, idle_conn_timeout: 90s, write_buffer_size: 512KiB, read_buffer_size: 0, force_attempt_http2: true,
       'tls{}?': [{insecure: false, insecure_skip_verify: false}]}
  'sending_queue{}': [{enabled: true, queue_size: 1000, num_consumers: 10, sizer: requests, block_on_overflow: false}]
  'retry_on_failure{}': [{enabled: true, initial_interval: 5s, randomization_factor: 0.5, multiplier: 1.5, max_interval: 30s, max_elapsed_time: 5m}]
otelcol.exporter.otlp:
  timeout: 5s
  'client{}':
    - {compression: gzip, write_buffer_size: 512KiB, balancer_name: round_robin, 'tls{}': [{insecure: false, insecure_skip_verify: false}]}
  'sending_queue{}': [{enabled: true, queue_size: 1000, num_consumers: 10, sizer: requests, block_on_overflow: false}]
  'retry_on_failure{}': [{enabled: true, initial_interval: 5s, randomization_factor: 0.5, multiplier: 1.5, max_interval: 30s, max_elapsed_time: 5m}]
";

type Table = BTreeMap<String, Tree>;

fn table(runtime: Runtime) -> &'static Table {
    static TABLES: OnceLock<(Table, Table)> = OnceLock::new();
    let (otelcol, alloy) = TABLES.get_or_init(|| (read(OTELCOL), read(ALLOY)));
    match runtime {
        Runtime::Otelcol => otelcol,
        Runtime::Alloy => alloy,
    }
}

fn read(text: &str) -> Table {
    let value = strict::yaml(text).unwrap_or(Value::Null);
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(kind, value)| (kind.clone(), Tree::of_otelcol(value))).collect()
}

/// The settings of a component with its defaults in the place of what is not said. `kind` is the classic name.
pub(super) fn complete(runtime: Runtime, class: ComponentClass, kind: &str, config: Tree) -> Tree {
    let key = match runtime {
        Runtime::Otelcol => format!("{}/{kind}", class.as_str()),
        Runtime::Alloy => kind.to_owned(),
    };
    let config = match table(runtime).get(&key) {
        Some(defaults) => completed(config, defaults),
        None => config,
    };
    let asks = config.get("detectors").into_iter().flat_map(Tree::items).filter_map(Tree::as_text);
    match kind {
        "resourcedetection" if asks.clone().any(|name| name == "system") => {
            completed(config, &of_system("system", false))
        }
        "otelcol.processor.resourcedetection" if asks.clone().any(|name| name == "system") => {
            completed(config, &of_system("system{}", true))
        }
        _ => config,
    }
}

/// What the detector `system` does by itself, where it is asked.
fn of_system(key: &str, is_block: bool) -> Tree {
    let names = Tree::map([("hostname_sources", Tree::List(vec![Tree::text("dns"), Tree::text("os")]))]);
    Tree::map([(key, if is_block { Tree::List(vec![names]) } else { names })])
}

fn completed(tree: Tree, defaults: &Tree) -> Tree {
    match (tree, defaults) {
        // `grpc:` alone asks for it as it is by default.
        (Tree::Null, Tree::Map(_)) => completed(Tree::Map(Vec::new()), defaults),
        (Tree::Map(mut entries), Tree::Map(defaults)) => {
            for (key, default) in defaults {
                let (name, is_asked_for) = key.strip_suffix('?').map_or((key.as_str(), false), |name| (name, true));
                match entries.iter_mut().find(|(known, _)| known == name) {
                    Some((_, value)) => *value = completed(std::mem::replace(value, Tree::Null), default),
                    None if is_asked_for => {}
                    None => entries.push((name.to_owned(), completed(Tree::Null, default))),
                }
            }
            Tree::Map(entries)
        }
        // A block: there once at most.
        (Tree::List(blocks), Tree::List(defaults)) if matches!(defaults.as_slice(), [Tree::Map(_)]) => {
            let [default] = defaults.as_slice() else { return Tree::List(blocks) };
            Tree::List(blocks.into_iter().map(|block| completed(block, default)).collect())
        }
        (Tree::Null, Tree::List(defaults)) => {
            Tree::List(defaults.iter().map(|default| completed(Tree::Null, default)).collect())
        }
        (Tree::Null, default) => default.clone(),
        (tree, _) => tree,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::of_otelcol(&strict::yaml(text).unwrap())
    }

    #[test]
    fn both_tables_are_read() {
        assert!(table(Runtime::Otelcol).len() > 8 && table(Runtime::Alloy).len() > 8);
    }

    #[test]
    fn what_is_said_stays_and_the_rest_is_the_default() {
        let whole = complete(Runtime::Otelcol, ComponentClass::Receivers, "otlp", tree("protocols: {grpc: }"));
        let grpc = whole.get("protocols").and_then(|p| p.get("grpc")).unwrap();
        assert_eq!(grpc.get("endpoint"), Some(&Tree::text("localhost:4317")));
        assert_eq!(whole.get("protocols").and_then(|p| p.get("http")), None);
        let whole = complete(Runtime::Otelcol, ComponentClass::Processors, "batch", tree("timeout: 5s"));
        assert_eq!(whole.get("timeout"), Some(&Tree::text("5s")));
        assert_eq!(whole.get("send_batch_size"), Some(&Tree::Number(8192.into())));
    }

    #[test]
    fn blocks_are_completed_where_they_stand() {
        let whole = complete(
            Runtime::Alloy,
            ComponentClass::Exporters,
            "otelcol.exporter.otlphttp",
            tree("'client{}': [{endpoint: x}]"),
        );
        let [client] = whole.get("client{}").unwrap().items() else { panic!("{whole:?}") };
        assert_eq!(client.get("endpoint"), Some(&Tree::text("x")));
        assert_eq!(client.get("compression"), Some(&Tree::text("gzip")));
        assert_eq!(client.get("tls{}"), None);
        assert_eq!(whole.get("sending_queue{}").map(|q| q.items().len()), Some(1));
    }
}
