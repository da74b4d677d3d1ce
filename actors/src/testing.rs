//! Fakes and strategies for tests.

pub mod store_suite;
