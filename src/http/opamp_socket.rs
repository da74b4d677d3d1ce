//! One OpAMP WebSocket as an actor.
