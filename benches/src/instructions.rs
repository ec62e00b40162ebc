//! How many instructions `status` of ten agents takes: a figure that does not depend on the machine's other guests.
//!
//! The count of the last deliberate change is kept beside this program, so that a growth shows in a change and not only in a feeling.

use crate::installation::{Bench, Layout};
use crate::{Missed, Programs};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");
/// How much more than what is kept is a growth.
const LIMIT: f64 = 1.1;

/// Prints the count beside the one that is kept.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!(
        "instructions of `status` on 10 agents, as valgrind counts them, beside the count in benches/instructions.txt"
    );
    let mut missed = Missed::new();
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    let mut now = String::new();
    for (name, layout) in [("json_file", Layout::JsonFile), ("shared_row", Layout::SharedRow)] {
        let bench = Bench::new(layout, 10)?;
        // The first look makes the ledger; what people wait for is every other one.
        crate::measure::time(&mut bench.keyshoal(&programs.keyshoal, &["status", "--quiet"]))?;
        let count = count(&bench, &programs.keyshoal)?;
        now += &format!("{name} {count}\n");
        let before = kept.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        match before {
            Some(before) => {
                let ratio = count as f64 / before as f64;
                println!("{name:<16} {count:>14} {before:>14} {ratio:>8.3}");
                if ratio > LIMIT {
                    missed.push(format!("instructions on {name}: {ratio:.2} times those that are kept"));
                }
            }
            None => println!("{name:<16} {count:>14} {:>14}", "-"),
        }
    }
    if std::env::var_os("KEEP").is_some() {
        std::fs::write(KEPT, now)?;
        println!("(kept)");
    } else {
        println!("(KEEP=1 keeps these)");
    }
    println!();
    Ok(missed)
}

fn count(bench: &Bench, program: &Path) -> Result<u64> {
    let dir = tempfile::tempdir()?;
    let out = dir.path().join("callgrind.out");
    let inner = bench.keyshoal(program, &["status", "--quiet"]);
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(inner.get_program()).args(inner.get_args()).env_clear().env("PATH", "/usr/bin:/bin");
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.status().context("valgrind is needed: apt-get install valgrind")?;
    ensure!(matches!(status.code(), Some(0 | 2)), "valgrind: {status}");
    let text = std::fs::read_to_string(&out)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals:")).context("callgrind has totals")?;
    Ok(total.trim().parse()?)
}
