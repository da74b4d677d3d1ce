//! Sample records to try a pipeline with: what its sources bring, in the kinds of telemetry that it carries.

use linkmesh_proto::api::pipeline::{PipelineDocument, Signal};
use serde_json::Value;

use super::records;

/// Records to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When one would take it.
    pub title: &'static str,
    /// The kind of telemetry.
    pub signal: Signal,
    /// Parts of the names of source kinds that bring such records.
    from: &'static [&'static str],
    text: &'static str,
}

impl Sample {
    /// The records as OTLP JSON, indented.
    #[must_use]
    pub fn text(&self) -> String {
        let value: Value = serde_json::from_str(self.text).unwrap_or_default();
        records::json(&value)
    }
}

/// All there are.
pub const ALL: &[Sample] = &[
    Sample {
        title: "Application logs with an error",
        signal: Signal::Logs,
        from: &["otlp", "kafka"],
        text: r#"{"resourceLogs":[{"resource":{"attributes":[
{"key":"service.name","value":{"stringValue":"checkout"}},{"key":"deployment.environment.name","value":{"stringValue":"prod"}},{"key":"host.name","value":{"stringValue":"web-01"}}]},
"scopeLogs":[{"scope":{"name":"shop.checkout"},"logRecords":[
{"timeUnixNano":"1767225600000000000","severityNumber":5,"severityText":"DEBUG","body":{"stringValue":"cart read from cache"},"attributes":[{"key":"cart.items","value":{"intValue":"3"}}]},
{"timeUnixNano":"1767225601000000000","severityNumber":9,"severityText":"INFO","body":{"stringValue":"order placed by jane@example.com with card 4111 1111 1111 1111"},"attributes":[{"key":"user.email","value":{"stringValue":"jane@example.com"}},{"key":"client.address","value":{"stringValue":"203.0.113.7"}}]},
{"timeUnixNano":"1767225602000000000","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"payment failed: gateway timeout"},"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"051581bf3cb55c13","attributes":[{"key":"exception.type","value":{"stringValue":"GatewayTimeout"}},{"key":"http.response.status_code","value":{"intValue":"504"}},{"key":"retried","value":{"boolValue":true}}]}]}]}]}"#,
    },
    Sample {
        title: "Access log lines",
        signal: Signal::Logs,
        from: &["file", "syslog", "journal", "kubernetes", "k8s", "container", "docker", "tcp", "udp"],
        text: r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"web-01"}}]},"scopeLogs":[{"logRecords":[
{"observedTimeUnixNano":"1767225600000000000","body":{"stringValue":"203.0.113.7 - - [01/Jan/2026:00:00:00 +0000] \"GET /cart?id=17 HTTP/1.1\" 200 512 \"-\" \"Mozilla/5.0\""},"attributes":[{"key":"log.file.path","value":{"stringValue":"/var/log/nginx/access.log"}}]},
{"observedTimeUnixNano":"1767225601000000000","body":{"stringValue":"203.0.113.9 - jane [01/Jan/2026:00:00:01 +0000] \"POST /pay HTTP/1.1\" 502 157 \"-\" \"curl/8.5.0\""},"attributes":[{"key":"log.file.path","value":{"stringValue":"/var/log/nginx/access.log"}}]},
{"observedTimeUnixNano":"1767225602000000000","body":{"stringValue":"10.0.0.2 - - [01/Jan/2026:00:00:02 +0000] \"GET /healthz HTTP/1.1\" 200 2 \"-\" \"kube-probe/1.31\""},"attributes":[{"key":"log.file.path","value":{"stringValue":"/var/log/nginx/access.log"}}]}]}]}]}"#,
    },
    Sample {
        title: "JSON lines",
        signal: Signal::Logs,
        from: &[],
        text: r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"app-01"}}]},"scopeLogs":[{"logRecords":[
{"observedTimeUnixNano":"1767225600000000000","body":{"stringValue":"{\"time\":\"2026-01-01T00:00:00.125Z\",\"level\":\"info\",\"msg\":\"signed in\",\"user\":{\"id\":17,\"email\":\"jane@example.com\"}}"},"attributes":[{"key":"log.file.path","value":{"stringValue":"/var/log/app/app.log"}}]},
{"observedTimeUnixNano":"1767225601000000000","body":{"stringValue":"{\"time\":\"2026-01-01T00:00:01.250Z\",\"level\":\"error\",\"msg\":\"query failed\",\"took_ms\":1250.5,\"tags\":[\"db\",\"slow\"]}"},"attributes":[{"key":"log.file.path","value":{"stringValue":"/var/log/app/app.log"}}]},
{"observedTimeUnixNano":"1767225602000000000","body":{"stringValue":"not JSON: a line of somebody else"}}]}]}]}"#,
    },
    Sample {
        title: "A metric of each type",
        signal: Signal::Metrics,
        from: &["metrics", "prometheus", "statsd"],
        text: r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}},{"key":"host.name","value":{"stringValue":"web-01"}}]},"scopeMetrics":[{"scope":{"name":"shop.checkout"},"metrics":[
{"name":"system.memory.utilization","description":"Share of memory in use","unit":"1","gauge":{"dataPoints":[{"attributes":[{"key":"state","value":{"stringValue":"used"}}],"timeUnixNano":"1767225600000000000","asDouble":0.42},{"attributes":[{"key":"state","value":{"stringValue":"free"}}],"timeUnixNano":"1767225600000000000","asDouble":0.58}]}},
{"name":"http.server.requests","unit":"{request}","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"attributes":[{"key":"http.route","value":{"stringValue":"/pay"}},{"key":"http.response.status_code","value":{"intValue":"200"}}],"startTimeUnixNano":"1767225540000000000","timeUnixNano":"1767225600000000000","asInt":"1204"}]}},
{"name":"http.server.request.duration","unit":"s","histogram":{"aggregationTemporality":2,"dataPoints":[{"attributes":[{"key":"http.route","value":{"stringValue":"/pay"}}],"startTimeUnixNano":"1767225540000000000","timeUnixNano":"1767225600000000000","count":"6","sum":1.94,"bucketCounts":["1","3","2"],"explicitBounds":[0.1,0.5],"min":0.04,"max":0.9}]}},
{"name":"queue.wait","unit":"s","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[{"startTimeUnixNano":"1767225540000000000","timeUnixNano":"1767225600000000000","count":"4","sum":7.5,"scale":1,"zeroCount":"1","positive":{"offset":1,"bucketCounts":["2","1"]},"negative":{}}]}},
{"name":"process.runtime.gc.pause","unit":"s","summary":{"dataPoints":[{"startTimeUnixNano":"1767225540000000000","timeUnixNano":"1767225600000000000","count":"12","sum":0.31,"quantileValues":[{"quantile":0.5,"value":0.02},{"quantile":0.99,"value":0.09}]}]}}]}]}]}"#,
    },
    Sample {
        title: "A trace with an error",
        signal: Signal::Traces,
        from: &["jaeger", "zipkin"],
        text: r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}},{"key":"host.name","value":{"stringValue":"web-01"}}]},"scopeSpans":[{"scope":{"name":"shop.checkout"},"spans":[
{"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"051581bf3cb55c13","name":"POST /pay","kind":2,"startTimeUnixNano":"1767225600000000000","endTimeUnixNano":"1767225602100000000","attributes":[{"key":"http.request.method","value":{"stringValue":"POST"}},{"key":"http.route","value":{"stringValue":"/pay"}},{"key":"http.response.status_code","value":{"intValue":"504"}}],"status":{"code":2}},
{"traceId":"5b8aa5a2d2c872e8321cf37308d69df2","spanId":"5fb397be34d26b51","parentSpanId":"051581bf3cb55c13","name":"charge","kind":3,"startTimeUnixNano":"1767225600050000000","endTimeUnixNano":"1767225602050000000","attributes":[{"key":"server.address","value":{"stringValue":"pay.example.com"}}],"events":[{"timeUnixNano":"1767225602000000000","name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"GatewayTimeout"}},{"key":"exception.message","value":{"stringValue":"no answer within 2 s"}}]}],"status":{"code":2,"message":"gateway timeout"}},
{"traceId":"7d3f0c1e9a2b4c5d8e6f7a8b9c0d1e2f","spanId":"93564f51e1abe1c2","name":"GET /healthz","kind":2,"startTimeUnixNano":"1767225601000000000","endTimeUnixNano":"1767225601002000000","attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},{"key":"http.route","value":{"stringValue":"/healthz"}},{"key":"http.response.status_code","value":{"intValue":"200"}}]}]}]}]}"#,
    },
];

/// The samples that a pipeline carries; all while it does not say what that is.
pub fn of(document: &PipelineDocument) -> impl Iterator<Item = &'static Sample> {
    ALL.iter().filter(|sample| document.signals.is_empty() || document.signals.contains(&sample.signal))
}

/// The sample that fits a pipeline best, and the source that would bring it: the first source of which there is one, else
/// whatever the pipeline carries.
#[must_use]
pub fn best(document: &PipelineDocument) -> Option<(&'static Sample, Option<String>)> {
    let brings = |sample: &Sample, kind: &str| sample.from.iter().any(|part| kind.contains(part));
    let found = document
        .sources
        .iter()
        .find_map(|source| Some((of(document).find(|sample| brings(sample, &source.kind))?, Some(source))));
    let (sample, source) = found.or_else(|| Some((of(document).next()?, document.sources.first())))?;
    Some((sample, source.map(|source| source.id.to_string())))
}

#[cfg(test)]
mod tests {
    use linkmesh_proto::api::pipeline::Step;

    use super::*;
    use crate::model::chain;

    fn pipeline(signals: &[Signal], kinds: &[&str]) -> PipelineDocument {
        let source = |kind: &&str| Step {
            id: kind.replace('_', "-").parse().unwrap(),
            kind: (*kind).to_owned(),
            name: None,
            settings: serde_json::Map::new(),
        };
        PipelineDocument { signals: signals.to_vec(), sources: kinds.iter().map(source).collect(), ..chain::blank() }
    }

    #[test]
    fn every_sample_is_json_of_its_signal() {
        for sample in ALL {
            let value: Value =
                serde_json::from_str(sample.text).unwrap_or_else(|error| panic!("{}: {error}", sample.title));
            let root = match sample.signal {
                Signal::Logs => "resourceLogs",
                Signal::Metrics => "resourceMetrics",
                Signal::Traces => "resourceSpans",
            };
            assert!(
                value[root][0]["resource"]["attributes"][0]["value"]["stringValue"].is_string(),
                "{}",
                sample.title
            );
            assert!(records::text(&value).lines().count() > 10, "{}", sample.title);
            assert_eq!(records::read(&sample.text()), Some(value));
        }
    }

    #[test]
    fn sample_is_of_the_first_source_that_has_one() {
        use Signal::{Logs, Metrics, Traces};
        for (signals, kinds, title, source) in [
            (&[Logs][..], &["file_log"][..], "Access log lines", Some("file-log")),
            (&[Logs], &["otlp"], "Application logs with an error", Some("otlp")),
            (&[Logs, Metrics], &["host_metrics", "otlp"], "A metric of each type", Some("host-metrics")),
            (&[Logs], &["host_metrics", "otlp"], "Application logs with an error", Some("otlp")),
            (&[Traces], &["otlp"], "A trace with an error", Some("otlp")),
            (&[Traces], &[], "A trace with an error", None),
            (&[], &[], "Application logs with an error", None),
        ] {
            let (sample, from) = best(&pipeline(signals, kinds)).unwrap();
            assert_eq!((sample.title, from.as_deref()), (title, source), "{signals:?} {kinds:?}");
        }
    }

    #[test]
    fn only_what_the_pipeline_carries_is_offered() {
        let titles = |signals: &[Signal]| of(&pipeline(signals, &[])).count();
        assert_eq!([titles(&[]), titles(&[Signal::Logs]), titles(&[Signal::Traces])], [5, 3, 1]);
    }
}
