//! The `keyshoal` binary.

use std::alloc::System;
use std::process::ExitCode;
use zeroizing_alloc::ZeroAlloc;

/// What is given back is wiped: buffers of parsers and of other crates hold secrets that no type of ours wipes.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    keyshoal_cli::main()
}
