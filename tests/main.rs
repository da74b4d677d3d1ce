//! One integration binary: the tree mirrors the features.

mod house;
mod support;
