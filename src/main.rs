//! The `linkmesh` program.

fn main() {}
