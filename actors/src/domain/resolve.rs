//! From documents to the resolved pipelines that both renderers see, and nothing else.
