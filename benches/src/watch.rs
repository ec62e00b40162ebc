//! `watch`: from the program's write of the base store until every agent's store is durable, read back, and said.

use crate::installation::{Bench, Layout};
use crate::measure::{median, ms, time};
use crate::{Missed, Programs};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{ChildStdout, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 5;
/// A watch that is not ready after so long never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints the table. There is no limit: a quarter of a second of the time is a wait for more writes.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!(
        "watch: from the base store's write until every copy is replaced, read back and reported, repairing"
    );
    println!("floor: the bare durable writes");
    println!("{:<16} {:>7} {:>12} {:>12} {:>8}", "layout", "agents", "watch ms", "floor ms", "ratio");
    for (name, layout) in [("json_file", Layout::JsonFile), ("agent_sqlite", Layout::AgentSqlite)] {
        for agents in [10, 100] {
            let (mut ratios, mut ours, mut floors) = (Vec::new(), Vec::new(), Vec::new());
            let mut bench = Bench::new(layout, agents)?;
            for _ in 0..ROUNDS {
                let floor = ms(time(&mut bench.floor(&programs.floor))?);
                let took = repaired(&mut bench, programs, agents)?;
                ratios.push(took / floor);
                ours.push(took);
                floors.push(floor);
            }
            let (ratio, ours, floor) = (median(ratios), median(ours), median(floors));
            println!("{name:<16} {agents:>7} {ours:>12.1} {floor:>12.1} {ratio:>8.2}");
        }
    }
    println!();
    Ok(Missed::new())
}

/// Lets a watch repair one rotation and returns how long that took, in milliseconds.
fn repaired(bench: &mut Bench, programs: &Programs, agents: usize) -> Result<f64> {
    bench.settle(&programs.keyshoal)?;
    bench.allow_repair()?;
    let ready = bench.state_dir().with_file_name("ready");
    let _ = std::fs::remove_file(&ready);
    let service_manager = UnixDatagram::bind(&ready)?;
    service_manager.set_read_timeout(Some(PATIENCE))?;
    let mut watch = bench
        .keyshoal(&programs.keyshoal, &["watch", "--offline", "--json", "--quiet"])
        .env("NOTIFY_SOCKET", &ready)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut said = BufReader::new(watch.stdout.take().context("a pipe was asked for")?);
    let took = wait_ready(&service_manager).and_then(|()| follow(bench, &mut said, agents));
    watch.kill()?;
    watch.wait()?;
    took
}

/// Waits until the watch tells its service manager that it has looked, and so that it watches.
fn wait_ready(service_manager: &UnixDatagram) -> Result<()> {
    let mut text = [0; 256];
    loop {
        let length = service_manager.recv(&mut text).context("the watch does not get ready")?;
        if String::from_utf8_lossy(&text[..length]).contains("READY=1") {
            return Ok(());
        }
    }
}

fn follow(bench: &mut Bench, said: &mut BufReader<ChildStdout>, agents: usize) -> Result<f64> {
    let begun = Instant::now();
    bench.move_base()?;
    let line = event(said, "repaired")?;
    let took = ms(begun.elapsed());
    let receipts = line["run"]["receipts"].as_array().context("a run has receipts")?;
    let done = receipts.iter().filter(|one| one["durable"]["state"] == "done").count();
    ensure!(done == agents, "{done} of {agents} stores were repaired: {line}");
    Ok(took)
}

/// Waits for a line about this event.
fn event(said: &mut BufReader<ChildStdout>, wanted: &str) -> Result<Value> {
    loop {
        let mut line = String::new();
        ensure!(said.read_line(&mut line)? > 0, "the watch ended without saying {wanted}");
        let line: Value = serde_json::from_str(&line)?;
        if line["event"] == wanted {
            return Ok(line);
        }
    }
}
