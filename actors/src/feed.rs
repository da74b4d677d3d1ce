//! The live feed: a ring of events with cursors.
