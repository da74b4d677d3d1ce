//! Time.

use std::time::Duration;

use linkmesh_proto::Timestamp;

/// The server's clock. Rules take the time as an argument; only actors ask a clock.
pub trait Clock: Send + Sync + 'static {
    /// The time of day, for order and age.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary point, which never goes back: for presence and deadlines.
    fn monotonic(&self) -> Duration;
}
