//! The config repository in Git, behind the port of `linkmesh_actors`.
