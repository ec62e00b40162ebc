//! Figures of Keyshoal, each as a ratio to a floor measured in the same run: absolute times mean nothing on shared machines.
//!
//! `cargo run --release -p keyshoal-benches --bin figures [-- sync|status|watch|memory]`

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring program")]

mod installation;
mod measure;
mod memory;
mod status;
mod sync;
mod watch;

use anyhow::{Context, Result};
use std::path::PathBuf;

/// The programs that are measured.
pub struct Programs {
    /// `keyshoal`, built for release.
    pub keyshoal: PathBuf,
    /// The floor.
    pub floor: PathBuf,
}

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    let here = std::env::current_exe()?;
    let folder = here.parent().context("a program lies in a folder")?;
    let programs = Programs { keyshoal: folder.join("keyshoal"), floor: folder.join("floor") };
    for program in [&programs.keyshoal, &programs.floor] {
        anyhow::ensure!(
            program.exists(),
            "{} is not built: cargo build --release --workspace first",
            program.display()
        );
    }
    if wants("sync") {
        sync::figures(&programs)?;
    }
    if wants("watch") {
        watch::figures(&programs)?;
    }
    if wants("memory") {
        memory::figures(&programs)?;
    }
    if wants("status") {
        status::figures(&programs)?;
    }
    Ok(())
}
