//! Delivery to Alloy as a pure state machine.
