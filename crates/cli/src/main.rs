//! The `keyshoal` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyshoal_cli::main()
}
