//! The live feed as server-sent events.
