//! Throughput from what collectors count of themselves.
//!
//! Both runtimes push OTLP metrics. otelcol sends monotonic sums with a start time, Alloy gauges without one and with
//! `_total` in the name; in both, a counter falls back to 0 when its component is built anew, often without a sign. So
//! every series keeps its last value, and a value that fell counts from 0.
//!
//! A pipeline is counted where a filter without conditions stands, behind the memory limiter and behind the last
//! processor, and behind each step that counts (batch does not). Memory limiters and exporters are shared by pipelines
//! and so are no meters of one: what was sent, failed and waits is said of a destination on a collector.

mod fleet;
mod order;
mod reading;
mod series;
#[cfg(test)]
mod tests;

pub use fleet::{Ends, FleetRates, Sums};
pub(crate) use order::steps;
pub use order::{in_order, step_rates};
pub use reading::{Measure, Reading, Readings};
pub use series::{Meter, Rate};
