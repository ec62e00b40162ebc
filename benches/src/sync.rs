//! `sync` as a whole process against the bare durable writes that it has to do.

use crate::Programs;
use crate::installation::{Bench, Layout};
use crate::measure::{median, ms, time};
use anyhow::Result;
use std::process::Command;

const ROUNDS: usize = 5;

/// Prints the table.
pub fn figures(programs: &Programs) -> Result<()> {
    println!(
        "sync: whole process, stale copy in every agent, no gateway, nobody asked; floor: the same writes alone, 16 in flight"
    );
    println!(
        "{:<16} {:>7} {:>12} {:>12} {:>8} {:>14}",
        "layout", "agents", "sync ms", "floor ms", "ratio", "cp loop ratio"
    );
    for (name, layout) in [("json_file", Layout::JsonFile), ("shared_row", Layout::SharedRow)] {
        for agents in [1, 10, 100, 1000] {
            let mut bench = Bench::new(layout, agents)?;
            let (mut ratios, mut copies, mut ours, mut floors) =
                (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                bench.rotate(&programs.keyshoal)?;
                let floor = time(&mut bench.floor(&programs.floor))?;
                let sync = time(
                    &mut bench.keyshoal(&programs.keyshoal, &["sync", "--yes", "--offline", "--quiet"]),
                )?;
                let check = bench.keyshoal(&programs.keyshoal, &["status", "--json"]).output()?;
                let status: serde_json::Value = serde_json::from_slice(&check.stdout)?;
                anyhow::ensure!(
                    status["summary"]["drifted"] == 0,
                    "{name} {agents}: still drifted: {}",
                    status["summary"]
                );
                if !layout.is_sqlite() {
                    copies.push(ms(sync) / ms(time(&mut cp_loop(&bench))?));
                }
                ratios.push(ms(sync) / ms(floor));
                ours.push(ms(sync));
                floors.push(ms(floor));
            }
            let copy = if copies.is_empty() { "-".to_owned() } else { format!("{:.2}", median(copies)) };
            println!(
                "{name:<16} {agents:>7} {:>12.1} {:>12.1} {:>8.2} {copy:>14}",
                median(ours),
                median(floors),
                median(ratios)
            );
        }
    }
    println!();
    Ok(())
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
