//! OpAMP's one URL: the WebSocket upgrade and plain HTTP.
