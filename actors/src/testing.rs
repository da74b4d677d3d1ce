//! Fakes and strategies for tests. Each fake is strict: what a real one may refuse or lose, it refuses or loses.

pub mod computing;
mod memory_repository;
mod memory_store;
pub mod own_metrics;
mod skip;
pub mod store_suite;
mod world;

pub use memory_repository::MemoryRepository;
pub use memory_store::MemoryStore;
pub use skip::{note_skip, skip};
pub use world::{CountingEntropy, FakeTransport, ManualClock, PlainSealer, by, wait_for};
