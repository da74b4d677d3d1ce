//! Counts over the whole fleet.
