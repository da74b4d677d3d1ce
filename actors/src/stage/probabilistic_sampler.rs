//! `probabilistic_sampler`: a percentage of log records and spans goes on, chosen by a hash.
//!
//! In mode `hash_seed`: what has the same id is chosen on every collector with the same seed and percentage. The choice
//! is written into the record: `ot=rv:..;th:..` in the `tracestate` of a span, `sampling.randomness` and
//! `sampling.threshold` among the attributes of a log record. Source: `processor/probabilisticsamplerprocessor`.

use linkmesh_ottl::record::{LogRecord, Span, Telemetry, TraceId, Value};

use super::{
    Stage, Trial,
    trace_state::{ALWAYS, LUCKIEST, NEVER, Randomness, Threshold, TraceState},
    values,
};
use crate::render::{
    alloy::{Expr, Statement, attribute},
    yaml::Yaml,
};

/// Keeps a percentage.
///
/// What cannot be decided goes on (`fail_closed` is false): a record without an id, one that was sampled in this way
/// before, a malformed `tracestate`. Mode and seed are always written, since an unset mode goes by other settings.
#[derive(Debug, Clone)]
pub struct ProbabilisticSampler {
    /// Of a hundred.
    pub percentage: f64,
    /// Another seed, another choice.
    pub seed: u32,
    /// The attribute that stands in for the id of a log record without a trace.
    pub from_attribute: Option<String>,
}

/// The hash has this many buckets.
const BUCKETS: u32 = 1 << 14;

impl ProbabilisticSampler {
    fn threshold(&self) -> Threshold {
        // Upstream computes in single precision and cuts. Settings have a least percentage, so that something is accepted.
        #[expect(clippy::cast_possible_truncation, reason = "percentages are small; upstream reads them so")]
        let percentage = (self.percentage as f32).min(100.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 16384")]
        let accepted = (percentage * 163.84_f32) as u32;
        Threshold(u64::from(BUCKETS.saturating_sub(accepted.max(1))) << 42)
    }

    /// What stands in for chance, by the hash of an id.
    fn randomness(&self, id: &[u8]) -> Randomness {
        let hash = fnv_1a_32(&self.seed.to_le_bytes(), id);
        let bucket = u64::from(hash & (BUCKETS - 1));
        let unused = u64::from(hash >> 18);
        let mixed = unused ^ (unused << 10);
        Randomness(((u64::from(BUCKETS) - 1 - bucket) << 42) | (mixed << 14) | bucket)
    }

    fn of_trace(&self, trace: &TraceId) -> Option<Randomness> {
        (*trace != TraceId::default()).then(|| self.randomness(trace))
    }

    fn span(&self, span: &mut Span) -> bool {
        let state = TraceState::parse(&span.trace_state);
        let randomness = self.of_trace(&span.trace_id);
        // Undecidable by its state; then the state stays.
        let fresh = state.filter(|state| state.randomness.is_none() && state.threshold.is_none());
        let decided = fresh.is_some() && randomness.is_some();
        let threshold = priority(span).unwrap_or(if decided { self.threshold() } else { ALWAYS });
        let randomness = randomness.unwrap_or(LUCKIEST);
        let sampled = threshold.samples(randomness);
        if let Some(mut state) = fresh.filter(|_| sampled) {
            state.randomness = Some(randomness);
            state.threshold = Some(threshold);
            span.trace_state = state.text();
        }
        sampled
    }

    fn record(&self, record: &mut LogRecord) -> bool {
        let given = |key: &str| match record.attributes.get(key) {
            Some(Value::Str(text)) => !text.is_empty(),
            _ => false,
        };
        // Sampled before, or malformed: undecidable, and what is there stays.
        if given("sampling.threshold") || given("sampling.randomness") {
            return true;
        }
        let id = self.of_trace(&record.trace_id).or_else(|| {
            let value = record.attributes.get(self.from_attribute.as_deref()?)?;
            let octets = match value {
                Value::Bytes(octets) => octets.clone(),
                other => values::text_of(other).into_bytes(),
            };
            (!octets.is_empty()).then(|| self.randomness(&octets))
        });
        let (randomness, threshold) = id.map_or((LUCKIEST, ALWAYS), |randomness| (randomness, self.threshold()));
        let sampled = threshold.samples(randomness);
        if sampled {
            if id.is_some() {
                record.attributes.insert("sampling.randomness", Value::Str(randomness.text()));
            }
            record.attributes.insert("sampling.threshold", Value::Str(threshold.text()));
        }
        sampled
    }
}

/// What an attribute of the span asks for: 0 to drop it, more to keep it.
fn priority(span: &Span) -> Option<Threshold> {
    let number = match span.attributes.get("sampling.priority")? {
        // The sign is all that counts.
        Value::Int(number) => f64::from(i8::try_from(number.signum()).unwrap_or_default()),
        Value::Double(number) => *number,
        Value::Str(text) => text.parse().ok()?,
        _ => return None,
    };
    if number == 0.0 {
        Some(NEVER)
    } else if number > 0.0 {
        Some(ALWAYS)
    } else {
        None
    }
}

fn fnv_1a_32(seed: &[u8], octets: &[u8]) -> u32 {
    let step = |hash: u32, octet: &u8| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193);
    seed.iter().chain(octets).fold(0x811c_9dc5, step)
}

impl Stage for ProbabilisticSampler {
    fn otelcol(&self) -> (&'static str, Yaml) {
        let mut config = vec![
            ("mode".to_owned(), Yaml::word("hash_seed")),
            ("hash_seed".to_owned(), Yaml::Int(i64::from(self.seed))),
            ("sampling_percentage".to_owned(), values::number(self.percentage).0),
            ("fail_closed".to_owned(), Yaml::Bool(false)),
        ];
        if let Some(name) = &self.from_attribute {
            config.push(("from_attribute".to_owned(), Yaml::text(name.as_str())));
        }
        ("probabilistic_sampler", Yaml::Map(config))
    }

    fn alloy(&self) -> (&'static str, Vec<Statement>) {
        let mut body = vec![
            attribute("mode", Expr::text("hash_seed")),
            attribute("hash_seed", Expr::token(self.seed)),
            attribute("sampling_percentage", values::number(self.percentage).1),
            attribute("fail_closed", Expr::token(false)),
        ];
        if let Some(name) = &self.from_attribute {
            body.push(attribute("from_attribute", Expr::text(name.as_str())));
        }
        ("otelcol.processor.probabilistic_sampler", body)
    }

    fn run(&self, telemetry: &mut Telemetry, _: &mut Trial) {
        match telemetry {
            Telemetry::Logs(groups) => values::retain(groups, |record| self.record(record)),
            Telemetry::Traces(groups) => values::retain(groups, |span| self.span(span)),
            Telemetry::Metrics(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use linkmesh_ottl::record::{Attributes, Resourced, Scoped};

    use super::*;

    fn id(number: u64) -> TraceId {
        let mut id = TraceId::default();
        id[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        id[8..].copy_from_slice(&number.wrapping_mul(0xd1b5_4a32_d192_ed03).to_be_bytes());
        id
    }

    fn sampler(percentage: f64) -> ProbabilisticSampler {
        ProbabilisticSampler { percentage, seed: 22, from_attribute: Some("id".to_owned()) }
    }

    fn spans(spans: Vec<Span>, sampler: &ProbabilisticSampler) -> Vec<Span> {
        let scopes = vec![Scoped { records: spans, ..Scoped::default() }];
        let mut telemetry = Telemetry::Traces(vec![Resourced { scopes, ..Resourced::default() }]);
        sampler.run(&mut telemetry, &mut Trial::default());
        let Telemetry::Traces(groups) = telemetry else { unreachable!("traces stay traces") };
        groups.into_iter().flat_map(|group| group.scopes).flat_map(|scope| scope.records).collect()
    }

    fn span(number: u64, priority: Option<Value>, trace_state: &str) -> Span {
        let attributes: Attributes =
            priority.into_iter().map(|value| ("sampling.priority".to_owned(), value)).collect();
        Span { trace_id: id(number), attributes, trace_state: trace_state.to_owned(), ..Span::default() }
    }

    #[test]
    fn percentage_of_many_traces_goes_on_and_says_so() {
        let kept = spans((1..=10_000).map(|number| span(number, None, "a=b")).collect(), &sampler(10.0));
        assert!((900..1100).contains(&kept.len()), "{}", kept.len());
        assert!(
            kept.iter()
                .all(|span| span.trace_state.starts_with("ot=rv:") && span.trace_state.ends_with(";th:e668,a=b"))
        );
        let more = spans((1..=10_000).map(|number| span(number, None, "a=b")).collect(), &sampler(20.0));
        let ids = |spans: &[Span]| spans.iter().map(|span| span.trace_id).collect::<std::collections::BTreeSet<_>>();
        assert!(ids(&kept).is_subset(&ids(&more)), "who is chosen of few is chosen of more");
        assert_eq!(spans((1..=100).map(|number| span(number, None, "")).collect(), &sampler(100.0)).len(), 100);
    }

    #[test]
    fn what_cannot_be_decided_goes_on_and_priority_decides() {
        let least = sampler(0.01);
        let kept = spans(
            vec![
                span(0, None, ""),
                span(1, None, "malformed"),
                span(2, None, "ot=th:8"),
                span(3, Some(Value::Int(1)), ""),
                span(4, Some(Value::Str("0.0".into())), "ot=th:8"),
                span(5, Some(Value::Int(-1)), ""),
            ],
            &least,
        );
        let states: Vec<&str> = kept.iter().map(|span| span.trace_state.as_str()).collect();
        assert_eq!(states[..3], ["ot=rv:ffffffffffffff;th:0", "malformed", "ot=th:8"]);
        assert!(states[3].ends_with(";th:0"), "{states:?}");
        assert_eq!(kept.len(), 4);
    }

    #[test]
    fn logs_go_by_trace_then_by_attribute_and_stay_without_either() {
        let of = |trace: u64, key: &str, value: Value| LogRecord {
            trace_id: id(trace),
            attributes: [(key.to_owned(), value)].into_iter().collect(),
            ..LogRecord::default()
        };
        let records: Vec<LogRecord> = (0..4_000)
            .map(|number| of(0, "id", Value::Int(number)))
            .chain([
                of(0, "other", Value::Int(1)),
                of(0, "id", Value::Empty),
                of(0, "sampling.threshold", Value::Str("8".into())),
            ])
            .collect();
        let scopes = vec![Scoped { records, ..Scoped::default() }];
        let mut telemetry = Telemetry::Logs(vec![Resourced { scopes, ..Resourced::default() }]);
        sampler(25.0).run(&mut telemetry, &mut Trial::default());
        let Telemetry::Logs(groups) = telemetry else { unreachable!("logs stay logs") };
        let kept = &groups[0].scopes[0].records;
        assert!((900..1100).contains(&(kept.len() - 3)), "{}", kept.len());
        let said = |record: &LogRecord, key: &str| record.attributes.get(key).cloned();
        assert_eq!(said(&kept[0], "sampling.threshold"), Some(Value::Str("c".into())));
        assert!(said(&kept[0], "sampling.randomness").is_some());
        let last = &kept[kept.len() - 3..];
        assert_eq!(said(&last[0], "sampling.threshold"), Some(Value::Str("0".into())));
        assert_eq!(said(&last[0], "sampling.randomness"), None);
        assert_eq!(said(&last[2], "sampling.threshold"), Some(Value::Str("8".into())));
    }
    /// What a collector 0.158.0 kept of the traces 1 to 100, with the randomness that it wrote.
    const KEPT: [(u64, &str); 14] = [
        (1, "fc780cfd3f80e1"),
        (6, "e7e01fb4ecc607"),
        (11, "ed30247b1c84b3"),
        (16, "f38012c2b1831f"),
        (18, "e6e80fafeb0645"),
        (19, "f1540323c8c3aa"),
        (22, "e944011745c5ae"),
        (31, "fdb816e4b84091"),
        (35, "f88c38ae2801dc"),
        (37, "e8f425ef7985c2"),
        (46, "f5d03d8562828b"),
        (53, "eb00108923453f"),
        (63, "eef808b52dc441"),
        (85, "ed643eaca8c4a6"),
    ];

    #[test]
    fn traces_are_chosen_as_the_collector_chooses_them() {
        let kept = spans((1..=100).map(|number| span(number, None, "a=b")).collect(), &sampler(10.0));
        let kept: Vec<(TraceId, String)> = kept.into_iter().map(|span| (span.trace_id, span.trace_state)).collect();
        assert_eq!(kept, KEPT.map(|(number, randomness)| (id(number), format!("ot=rv:{randomness};th:e668,a=b"))));
    }

    #[test]
    fn attributes_are_hashed_as_the_collector_hashes_them() {
        let map = [("b".to_owned(), Value::Int(1)), ("a".to_owned(), Value::Str("<".into()))];
        for (value, randomness) in [
            (Value::Int(-7), "b660286f195267"),
            (Value::Double(2.5), "3c643dcb7130e6"),
            (Value::Map(map.into_iter().collect()), "7a1025ef79a17b"),
            (Value::Double(1e21), "53200e12846b37"),
            (Value::Bool(true), "a4c010fa3f96cf"),
            (Value::Bytes(vec![1, 2]), "994c09084299ac"),
        ] {
            let mut record =
                LogRecord { attributes: [("id".to_owned(), value)].into_iter().collect(), ..LogRecord::default() };
            assert!(sampler(100.0).record(&mut record));
            assert_eq!(record.attributes.get("sampling.randomness"), Some(&Value::Str(randomness.into())));
        }
    }
}
