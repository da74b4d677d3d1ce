//! Starts servers and speaks to them as their clients do.
