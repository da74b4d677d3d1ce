//! The data directory: its lock, layout and version.
