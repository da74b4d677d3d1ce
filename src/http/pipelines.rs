//! The pipelines' resource.
