//! The destinations' resource.
