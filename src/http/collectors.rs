//! The collectors' resource.
