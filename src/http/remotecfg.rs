//! `collector.v1` for Alloy: Connect unary, written by hand.
