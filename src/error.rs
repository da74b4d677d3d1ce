//! Every error code and what it becomes at each edge.
