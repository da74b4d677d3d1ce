//! The same for Alloy.
