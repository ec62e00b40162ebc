//! Figures of Keyshoal, each as a ratio to a floor measured in the same run: absolute times mean nothing on shared machines.
//!
//! `cargo run --release --locked -p keyshoal-benches --bin figures [-- sync|verify|watch|memory|status|rekey|instructions|artifacts|rotate]` builds what it measures, prints the
//! figures, and ends with 1 when one of them misses its limit.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring program")]

mod artifacts;
mod installation;
mod instructions;
mod measure;
mod memory;
mod rekey;
mod rotate;
mod status;
mod sync;
mod verify;
mod watch;

use anyhow::{Context, Result, ensure};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The programs that are measured.
pub struct Programs {
    /// `keyshoal`, built for release.
    pub keyshoal: PathBuf,
    /// The floor.
    pub floor: PathBuf,
    /// This program.
    pub figures: PathBuf,
}

/// Measures, prints, and tells what missed its limit.
type Figure = fn(&Programs) -> Result<Missed>;

/// Which figures missed their limits, in words.
pub type Missed = Vec<String>;

fn main() -> Result<ExitCode> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, command @ ..] = wanted.as_slice()
        && flag == memory::PEAK_OF
    {
        return memory::peak_of(command);
    }
    if let [flag, what] = wanted.as_slice()
        && flag == artifacts::HOLD
    {
        return artifacts::hold(what);
    }
    // What is measured inside this program needs no other.
    let alone =
        !wanted.is_empty() && wanted.iter().all(|name| ["rekey", "artifacts"].contains(&name.as_str()));
    let programs = if alone { beside()? } else { build()? };
    let figures: [(&str, Figure); 9] = [
        ("sync", sync::figures),
        ("verify", verify::figures),
        ("watch", watch::figures),
        ("memory", memory::figures),
        ("status", status::figures),
        ("rekey", rekey::figures),
        ("artifacts", artifacts::figures),
        ("rotate", rotate::figures),
        ("instructions", instructions::figures),
    ];
    for name in &wanted {
        ensure!(figures.iter().any(|(known, _)| known == name), "there is no figure {name}");
    }
    let mut missed = Missed::new();
    for (name, figure) in figures {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            missed.extend(figure(&programs)?);
        }
    }
    for one in &missed {
        println!("missed: {one}");
    }
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Builds the programs that are measured, beside this one.
fn build() -> Result<Programs> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--quiet", "-p", "keyshoal", "-p", "keyshoal-benches"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    ensure!(status.success(), "what is to be measured could not be built");
    beside()
}

/// Names the programs beside this one.
fn beside() -> Result<Programs> {
    let here = std::env::current_exe()?;
    let folder = here.parent().context("a program lies in a folder")?;
    ensure!(folder.ends_with("release"), "debug builds are not measured: cargo run --release");
    // By its name: the build may have put another file there, and what runs has none any more.
    let [keyshoal, floor, figures] = ["keyshoal", "floor", "figures"].map(|name| folder.join(name));
    Ok(Programs { keyshoal, floor, figures })
}
