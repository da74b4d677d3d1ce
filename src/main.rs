//! The `linkmesh` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    linkmesh::cli::main()
}
