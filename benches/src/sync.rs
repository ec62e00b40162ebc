//! `sync` as a whole process against the bare durable writes that it has to do.

use crate::installation::{Bench, Layout};
use crate::measure::{median, ms, time};
use crate::{Missed, Programs};
use anyhow::Result;
use std::process::Command;
use std::time::Duration;

const ROUNDS: usize = 7;
/// How many times the floor a sync may take.
const LIMIT: f64 = 1.5;
const LAYOUTS: [(&str, Layout); 3] = [
    ("json_file", Layout::JsonFile),
    ("agent_sqlite", Layout::AgentSqlite),
    ("shared_row", Layout::SharedRow),
];

/// How long each sync takes on the slow disk.
const SLOW: Duration = Duration::from_millis(5);

/// Prints the tables.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!("sync: whole process, a stale copy in every agent, no gateway, nobody asked");
    println!(
        "floor: the same durable writes alone, 16 in flight; cp loop: main's file over every other, not durable"
    );
    let mut missed = table(programs, None)?;
    println!("the same where each sync of the disk takes {} ms more (strace delays it)", SLOW.as_millis());
    missed.extend(table(programs, Some(SLOW))?);
    Ok(missed)
}

fn table(programs: &Programs, delay: Option<Duration>) -> Result<Missed> {
    println!(
        "{:<16} {:>7} {:>12} {:>12} {:>8} {:>14}",
        "layout", "agents", "sync ms", "floor ms", "ratio", "cp loop ratio"
    );
    let disk = if delay.is_some() { " on a slow disk" } else { "" };
    let mut missed = Missed::new();
    for (name, layout) in LAYOUTS {
        for agents in [1, 10, 100, 1000] {
            let mut bench = Bench::new(layout, agents)?;
            let (mut ratios, mut copies, mut ours, mut floors) =
                (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for round in 0..ROUNDS {
                bench.rotate(&programs.keyshoal)?;
                let floor = || time(&mut slowed(bench.floor(&programs.floor), delay));
                // Who comes second finds everything in memory: they take turns.
                let (sync, floor) = if round % 2 == 0 {
                    let floor = floor()?;
                    (synced(&bench, programs, name, delay)?, floor)
                } else {
                    let sync = synced(&bench, programs, name, delay)?;
                    (sync, floor()?)
                };
                if !layout.is_sqlite() && delay.is_none() {
                    copies.push(ms(sync) / ms(time(&mut cp_loop(&bench))?));
                }
                ratios.push(ms(sync) / ms(floor));
                ours.push(ms(sync));
                floors.push(ms(floor));
            }
            let copy = if copies.is_empty() { "-".to_owned() } else { format!("{:.2}", median(copies)) };
            let ratio = median(ratios);
            println!(
                "{name:<16} {agents:>7} {:>12.1} {:>12.1} {ratio:>8.2} {copy:>14}",
                median(ours),
                median(floors),
            );
            if ratio > LIMIT {
                missed.push(format!(
                    "sync {name} {agents}{disk}: {ratio:.2} times the floor, the limit is {LIMIT}"
                ));
            }
        }
    }
    println!();
    Ok(missed)
}

/// Has each sync of the disk take longer, if so: both sides run beneath strace then.
fn slowed(command: Command, delay: Option<Duration>) -> Command {
    let Some(delay) = delay else { return command };
    let mut slow = Command::new("strace");
    slow.args(["-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"]);
    slow.arg(format!("inject=fsync,fdatasync:delay_exit={}", delay.as_micros()));
    slow.arg(command.get_program()).args(command.get_args()).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        slow.env("PATH", path);
    }
    slow.envs(command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
    slow
}

/// Syncs, and makes sure that it was done.
fn synced(bench: &Bench, programs: &Programs, name: &str, delay: Option<Duration>) -> Result<Duration> {
    let sync = bench.keyshoal(&programs.keyshoal, &["sync", "--yes", "--offline", "--quiet"]);
    let took = time(&mut slowed(sync, delay))?;
    let check = bench.keyshoal(&programs.keyshoal, &["status", "--json"]).output()?;
    let status: serde_json::Value = serde_json::from_slice(&check.stdout)?;
    anyhow::ensure!(status["summary"]["drifted"] == 0, "{name}: still drifted: {}", status["summary"]);
    Ok(took)
}

/// What people do by hand: copy main's file over every agent's, one after the other. It is not durable, and loses every override.
fn cp_loop(bench: &Bench) -> Command {
    let mut command = Command::new("/bin/sh");
    command.current_dir(bench.state_dir()).args([
        "-c",
        "for d in agents/*/agent; do [ $d = agents/main/agent ] || cp agents/main/agent/auth-profiles.json $d/; done",
    ]);
    command
}
