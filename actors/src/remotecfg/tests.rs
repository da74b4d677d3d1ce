//! The state machine, played by hand, by a capture of a real Alloy, and at random.

mod fixtures;
mod life;
mod presence;
mod support;
