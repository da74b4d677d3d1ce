//! The state machine, played by hand, by captures of real supervisors, and at random.

mod belief;
mod claims;
mod delivery;
mod fixtures;
mod machine;
mod presence;
mod sequence;
mod settings;
mod support;
