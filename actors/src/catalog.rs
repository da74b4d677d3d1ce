//! The component catalogue: one file a kind, with its schema, its checks and its two renderings.
