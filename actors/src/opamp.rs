//! OpAMP as a pure state machine.
