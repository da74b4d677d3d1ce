//! Runtime state on disk, behind the store ports of `linkmesh_actors`.

pub mod redb;
