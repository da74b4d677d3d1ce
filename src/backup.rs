//! `linkmesh backup` and `linkmesh restore`: repository, state and server secret together.
