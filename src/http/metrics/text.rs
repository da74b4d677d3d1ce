//! Prometheus's text format, version 0.0.4.
//!
//! Written here and not with a client library: the facts are atomics that live in the actors, the format is a dozen
//! lines, and the library at hand writes `OpenMetrics`, which names counters differently.

use std::fmt::{Display, Write as _};

use linkmesh_actors::runtime::Histogram;

/// The media type.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Before every name.
const PREFIX: &str = "linkmesh_server_";

/// What the samples of a family are.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The text as far as written.
pub(super) struct Text {
    text: String,
    family: String,
}

impl Text {
    pub(super) fn new() -> Self {
        Self { text: String::with_capacity(16 << 10), family: String::new() }
    }

    /// Begins a family; samples that follow belong to it.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.family = format!("{PREFIX}{name}");
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# HELP {0} {help}\n# TYPE {0} {kind}", self.family);
    }

    /// One sample; the suffix is empty but in histograms.
    pub(super) fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(&self.family);
        self.text.push_str(suffix);
        for (place, (name, value)) in labels.iter().enumerate() {
            self.text.push(if place == 0 { '{' } else { ',' });
            let _ = write!(self.text, "{name}=\"");
            for character in value.chars() {
                match character {
                    '"' => self.text.push_str("\\\""),
                    '\\' => self.text.push_str("\\\\"),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// The buckets, sum and count of a histogram.
    pub(super) fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let (counts, sum) = histogram.read();
        let bounds = Histogram::BOUNDS_S.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        let mut total = 0;
        for (bound, count) in bounds.zip(counts) {
            total += count;
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            self.sample("_bucket", &labels, total);
        }
        self.sample("_sum", labels, sum.as_secs_f64());
        self.sample("_count", labels, total);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn histogram_is_cumulated_and_labels_are_escaped() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_millis(1));
        histogram.observe(Duration::from_secs(20));
        let mut text = Text::new();
        text.family("wait_seconds", Kind::Histogram, "How long.");
        text.histogram(&[("route", "a\"b\\c\nd")], &histogram);
        let text = text.finish();
        assert!(text.starts_with(
            "# HELP linkmesh_server_wait_seconds How long.\n# TYPE linkmesh_server_wait_seconds histogram\n"
        ));
        assert!(text.contains("_bucket{route=\"a\\\"b\\\\c\\nd\",le=\"0.001\"} 1\n"), "{text}");
        assert!(text.contains("le=\"+Inf\"} 2\n") && text.contains("_count{route=\"a\\\"b\\\\c\\nd\"} 2\n"), "{text}");
    }
}
