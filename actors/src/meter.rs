//! Throughput from the collectors' own metrics.

mod handle;

pub use handle::MeterHandle;
