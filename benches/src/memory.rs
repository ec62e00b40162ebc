//! Peak memory and the size of the program.

use crate::installation::{Bench, Layout};
use crate::{Missed, Programs};
use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// The first argument that makes this program a measuring parent of one command.
pub const PEAK_OF: &str = "--peak-of";
const LIMIT_MIB: f64 = 20.0;
const LIMIT_MB: f64 = 20.0;

/// Prints both.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!(
        "peak resident memory on 100 agents (limit {LIMIT_MIB} MiB), and the program's size (limit {LIMIT_MB} MB)"
    );
    let mut missed = Missed::new();
    for (name, layout) in [
        ("json_file", Layout::JsonFile),
        ("agent_sqlite", Layout::AgentSqlite),
        ("shared_row", Layout::SharedRow),
    ] {
        let mut bench = Bench::new(layout, 100)?;
        bench.rotate(&programs.keyshoal)?;
        let once = ["watch", "--once", "--offline", "--quiet"];
        for args in [&["status", "--quiet"][..], &["sync", "--yes", "--offline", "--quiet"], &once] {
            let peak = peak(&programs.figures, &bench.keyshoal(&programs.keyshoal, args))?;
            println!("{name:<16} {:<8} {peak:>8.1} MiB", args[0]);
            if peak > LIMIT_MIB {
                missed.push(format!("memory of {} on {name}: {peak:.1} MiB", args[0]));
            }
        }
    }
    let size = std::fs::metadata(&programs.keyshoal)?.len() as f64 / 1e6;
    println!("{:<25} {size:>8.1} MB\n", "keyshoal");
    if size > LIMIT_MB {
        missed.push(format!("the program's size: {size:.1} MB"));
    }
    Ok(missed)
}

/// Has a process of its own run the command: the kernel keeps the greatest size among all ended children of a process.
pub fn peak(figures: &Path, command: &Command) -> Result<f64> {
    let mut parent = Command::new(figures);
    parent.arg(PEAK_OF).arg(command.get_program()).args(command.get_args()).env_clear();
    parent.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = parent.stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let kib: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
    Ok(kib / 1024.0)
}

/// Runs a command to its end and prints the greatest size that it had, in KiB.
pub fn peak_of(command: &[String]) -> Result<ExitCode> {
    let (program, arguments) = command.split_first().context("a command")?;
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    ensure!(matches!(status.code(), Some(0 | 2)), "{program}: {status}");
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(ExitCode::SUCCESS)
}
