//! The server secret, and the sealing of values with it.
