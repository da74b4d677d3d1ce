//! Stopping in phases, each with a bound.
