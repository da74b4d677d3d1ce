//! Fakes and strategies for tests.
