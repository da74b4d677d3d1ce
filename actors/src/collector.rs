//! The actor of one connected collector.
