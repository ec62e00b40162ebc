//! One key rotated for many agents: until every store holds it durably, and until every agent is proven, against the bare writes and
//! the bare question.

use crate::installation::Bench;
use crate::measure::{median, ms, time};
use crate::{Missed, Programs};
use anyhow::{Result, ensure};
use keyshoal_core::Layout;
use keyshoal_emulator::{Config, Emulator};
use std::path::Path;
use std::process::Command;

const AGENTS: usize = 1000;
const ROUNDS: usize = 5;

/// Prints the table.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!(
        "rotate: one key for {AGENTS} agents with copies of their own, whole process; in one step (durable), and in waves with proof"
    );
    println!("floor: the same durable writes alone, 16 in flight");
    println!(
        "{:<16} {:>12} {:>12} {:>12} {:>10} {:>10}",
        "layout", "durable ms", "proven ms", "floor ms", "durable/f", "proven/f"
    );
    for (name, layout) in [("json_file", Layout::JsonFile), ("agent_sqlite", Layout::AgentSqlite)] {
        let emulator = Emulator::start(Config::default())?;
        let bench = Bench::asking(layout, AGENTS, &format!("{}/v1", emulator.base_url()))?;
        let run = |args: &[&str]| -> Result<Command> { Ok(bench.keyshoal(&programs.keyshoal, args)) };
        ensure!(run(&["vault", "init", "--quiet"])?.status()?.success(), "no vault");
        ensure!(
            run(&["instance", "add", "--yes", "--offline", "--quiet"])?.output()?.status.success(),
            "not taken in"
        );
        time(&mut run(&["sync", "--yes", "--offline", "--quiet"])?)?;
        let (mut durable, mut proven, mut floors) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let file = bench.state_dir().join("../new.txt");
            let offline =
                ["rotate", "acme", "--yes", "--offline", "--quiet", "--grace", "0", "--percent", "99"];
            durable.push(ms(rotated(&bench, &programs.keyshoal, &file, &emulator, 2 * round, &offline)?));
            time(&mut run(&["rotate", "acme", "--resume", "--grace", "0", "--quiet"])?)?;
            let waves = ["rotate", "acme", "--yes", "--quiet", "--grace", "0"];
            proven.push(ms(rotated(&bench, &programs.keyshoal, &file, &emulator, 2 * round + 1, &waves)?));
            floors.push(ms(time(&mut bench.floor(&programs.floor))?));
        }
        let (durable, proven, floor) = (median(durable), median(proven), median(floors));
        println!(
            "{name:<16} {durable:>12.1} {proven:>12.1} {floor:>12.1} {:>10.2} {:>10.2}",
            durable / floor,
            proven / floor
        );
    }
    println!();
    Ok(Missed::new())
}

fn rotated(
    bench: &Bench,
    program: &Path,
    file: &Path,
    emulator: &Emulator,
    number: usize,
    args: &[&str],
) -> Result<std::time::Duration> {
    let key = format!("sk-figure-rotated-{number:012}");
    emulator.only_accept(std::slice::from_ref(&key));
    std::fs::write(file, key)?;
    let mut command = bench.keyshoal(program, args);
    command.arg("--from-file").arg(file);
    // Offline it ends with 2: nothing is proven.
    let begun = std::time::Instant::now();
    let status = command.stdout(std::process::Stdio::null()).status()?;
    let took = begun.elapsed();
    ensure!(matches!(status.code(), Some(0 | 2)), "rotate: {status}");
    Ok(took)
}
