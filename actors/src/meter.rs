//! Throughput from the collectors' own metrics.
