//! First start: the one-time setup link.
