//! `status` as a whole process against the program's own `models status --json`, which looks at one agent.

use crate::installation::{Bench, Layout};
use crate::measure::{median, ms, time};
use crate::{Missed, Programs};
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const ROUNDS: usize = 3;
const AGENTS: usize = 10;

/// Prints the figure, for the oldest release and the newest.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!(
        "status of {AGENTS} agents as a whole process, against `openclaw models status --json --agent A` for the same agents"
    );
    println!("(2026.9.6 with databases of its own making, which hold no credentials)");
    println!("{:<12} {:>14} {:>16} {:>10}", "release", "keyshoal ms", "openclaw ms", "ratio");
    for (release, layout) in [("2026.3.28", Layout::JsonFile), ("2026.9.6", Layout::SharedRow)] {
        let bench = Bench::new(layout, AGENTS)?;
        let (node, program) = openclaw(release)?;
        if layout.is_sqlite() {
            // It refuses databases that it has not made.
            bench.remove_stores()?;
            time(&mut asked(&bench, &node, &program, 0))?;
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(ms(time(&mut bench.keyshoal(&programs.keyshoal, &["status", "--json"]))?));
            let all: Duration =
                (0..AGENTS).map(|at| time(&mut asked(&bench, &node, &program, at))).sum::<Result<_>>()?;
            theirs.push(ms(all));
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{release:<12} {ours:>14.1} {theirs:>16.1} {:>10.5}", ours / theirs);
    }
    println!();
    Ok(Missed::new())
}

fn asked(bench: &Bench, node: &Path, program: &Path, agent: usize) -> Command {
    let mut command = Command::new(node);
    command
        .arg(program)
        .args(["models", "status", "--json", "--agent", &format!("a{agent}")])
        .env_clear()
        .env("HOME", bench.state_dir())
        .env("PATH", "/usr/bin:/bin")
        .env("OPENCLAW_STATE_DIR", bench.state_dir());
    command
}

/// Node and the program, where the tests' installer puts them.
fn openclaw(release: &str) -> Result<(PathBuf, PathBuf)> {
    let installer = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/install-openclaw");
    ensure!(
        Command::new(installer).arg(release).status()?.success(),
        "OpenClaw {release} could not be installed"
    );
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = from("KEYSHOAL_TEST_CACHE").or_else(|| {
        Some(from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")))?.join("keyshoal-test"))
    });
    let root = cache.unwrap_or_default().join("openclaw");
    Ok((root.join("node"), root.join(release).join("node_modules/openclaw/openclaw.mjs")))
}
