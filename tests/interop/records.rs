//! Log records as they cross a wire: the fields of OTLP that the tests look at, and a sender of a few of them.

use serde_json::json;

use crate::support::wait_for;

/// `ExportLogsServiceRequest` (opentelemetry-proto, logs service v1).
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Export {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resource_logs: Vec<ResourceLogs>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ResourceLogs {
    #[prost(message, repeated, tag = "2")]
    pub(crate) scope_logs: Vec<ScopeLogs>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ScopeLogs {
    #[prost(message, repeated, tag = "2")]
    pub(crate) log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct LogRecord {
    #[prost(int32, tag = "2")]
    pub(crate) severity_number: i32,
    #[prost(message, optional, tag = "5")]
    pub(crate) body: Option<Text>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Attribute {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<Text>,
}

/// An `AnyValue` that holds a string; other kinds read as the empty one.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Text {
    #[prost(string, tag = "1")]
    pub(crate) string: String,
}

impl LogRecord {
    pub(crate) fn body(&self) -> &str {
        self.body.as_ref().map_or("", |body| &body.string)
    }

    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        let attribute = self.attributes.iter().find(|attribute| attribute.key == key)?;
        Some(&attribute.value.as_ref()?.string)
    }
}

/// DEBUG, INFO and ERROR of OTLP.
pub(crate) const DEBUG: i32 = 5;
pub(crate) const INFO: i32 = 9;
pub(crate) const ERROR: i32 = 17;

/// Sends records to an OTLP/HTTP receiver, as JSON, again while nobody listens there yet.
pub(crate) async fn send(port: u16, records: &[(i32, &str)]) {
    let records: Vec<_> = records
        .iter()
        .map(|(severity, body)| json!({"severityNumber": severity, "body": {"stringValue": body}}))
        .collect();
    let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]});
    let http = reqwest::Client::new();
    wait_for("the collector to take records", || async {
        let answer = http.post(format!("http://127.0.0.1:{port}/v1/logs")).json(&request).send().await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(answer.status().to_string()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
}

/// A port that was free a moment ago, for a receiver of a collector.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}
