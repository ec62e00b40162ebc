//! `watch`: from the program's write of the base store until every agent's store is durable.

use crate::Programs;
use crate::installation::{Bench, Layout};
use crate::measure::{median, ms, time};
use anyhow::{Result, bail};
use std::process::Stdio;
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;
const LIMIT: Duration = Duration::from_secs(60);

/// Prints the table.
pub fn figures(programs: &Programs) -> Result<()> {
    println!(
        "watch: from the base store's write until no copy is stale, repairing; floor: the bare durable writes"
    );
    println!("{:<16} {:>7} {:>12} {:>12} {:>8}", "layout", "agents", "watch ms", "floor ms", "ratio");
    for agents in [10, 100] {
        let (mut ratios, mut ours, mut floors) = (Vec::new(), Vec::new(), Vec::new());
        let mut bench = Bench::new(Layout::JsonFile, agents)?;
        for _ in 0..ROUNDS {
            let floor = time(&mut bench.floor(&programs.floor))?;
            bench.settle(&programs.keyshoal)?;
            bench.allow_repair()?;
            let mut watch = bench
                .keyshoal(&programs.keyshoal, &["watch", "--offline", "--quiet"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            std::thread::sleep(Duration::from_millis(700));
            let begun = Instant::now();
            let key = bench.move_base()?;
            let took = loop {
                if bench.all_hold(&key)? {
                    break begun.elapsed();
                }
                if begun.elapsed() > LIMIT {
                    watch.kill()?;
                    bail!("watch did not repair {agents} agents");
                }
                std::thread::sleep(Duration::from_millis(2));
            };
            watch.kill()?;
            watch.wait()?;
            ratios.push(ms(took) / ms(floor));
            ours.push(ms(took));
            floors.push(ms(floor));
        }
        println!(
            "{:<16} {agents:>7} {:>12.1} {:>12.1} {:>8.2}",
            "json_file",
            median(ours),
            median(floors),
            median(ratios)
        );
    }
    println!();
    Ok(())
}
