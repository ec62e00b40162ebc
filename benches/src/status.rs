//! `status` as a whole process against the program's own `models status --json`, which looks at one agent.

use crate::Programs;
use crate::installation::{Bench, Layout};
use crate::measure::{median, ms, time};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

const ROUNDS: usize = 5;
const AGENTS: usize = 10;

/// Prints the figure.
pub fn figures(programs: &Programs) -> Result<()> {
    println!(
        "status of {AGENTS} agents as a whole process, against `openclaw models status --json` once per agent"
    );
    let bench = Bench::new(Layout::JsonFile, AGENTS)?;
    let Some((node, program)) = openclaw() else {
        println!("(OpenClaw 2026.3.28 is not installed: scripts/install-openclaw)\n");
        return Ok(());
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(ms(time(&mut bench.keyshoal(&programs.keyshoal, &["status", "--json"]))?));
        let mut command = Command::new(&node);
        command
            .arg(&program)
            .args(["models", "status", "--json", "--agent", "a0"])
            .env_clear()
            .env("HOME", bench.state_dir())
            .env("PATH", "/usr/bin:/bin")
            .env("OPENCLAW_STATE_DIR", bench.state_dir());
        theirs.push(ms(time(&mut command)?));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("keyshoal status (all {AGENTS} agents) {ours:>10.1} ms");
    println!("openclaw models status (one agent) {theirs:>8.1} ms");
    println!(
        "ratio for the same agents {:>17.4}   (one of theirs: {:.4})\n",
        ours / (theirs * AGENTS as f64),
        ours / theirs
    );
    Ok(())
}

/// Node and the program, where the tests' installer has put them.
fn openclaw() -> Option<(PathBuf, PathBuf)> {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = from("KEYSHOAL_TEST_CACHE").or_else(|| {
        Some(from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")))?.join("keyshoal-test"))
    })?;
    let node = cache.join("openclaw/node");
    let program = cache.join("openclaw/2026.3.28/node_modules/openclaw/openclaw.mjs");
    (node.exists() && program.exists()).then_some((node, program))
}
