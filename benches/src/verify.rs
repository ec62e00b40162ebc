//! `verify` of many agents on few keys, against the bare requests that it cannot do without.

use crate::measure::{median, ms, time};
use crate::{Missed, Programs};
use anyhow::{Context, Result, ensure};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_openclaw::sample;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

pub use keyshoal_core::{Layout, StoreId};

const AGENTS: usize = 1000;
const KEYS: usize = 20;
const ROUNDS: usize = 5;
/// As long as a provider nearby takes to answer.
const LATENCY: Duration = Duration::from_millis(50);
/// So many bare requests are under way at once, as of ours.
const IN_FLIGHT: usize = 4;

/// Prints the table.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!(
        "verify: whole process, {AGENTS} agents on {KEYS} keys at a provider that takes {} ms",
        LATENCY.as_millis()
    );
    println!("floor: {KEYS} bare requests, {IN_FLIGHT} at once");
    println!(
        "{:<16} {:>10} {:>10} {:>12} {:>12} {:>8}",
        "layout", "requests", "controls", "verify ms", "floor ms", "ratio"
    );
    let mut missed = Missed::new();
    for (name, layout) in [("json_file", Layout::JsonFile), ("shared_row", Layout::SharedRow)] {
        let dir = tempfile::tempdir()?;
        let emulator = Emulator::start(Config::default())?;
        let keys: Vec<String> = (0..KEYS).map(|at| format!("sk-figure-key-{at:08}")).collect();
        emulator.only_accept(&keys);
        emulator.set_latency(LATENCY);
        write(&dir.path().join("state"), layout, &emulator, &keys)?;
        let (mut ours, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut requests, mut controls) = (0, 0);
        for _ in 0..ROUNDS {
            emulator.clear_log();
            let verify = time(&mut verify(dir.path(), &programs.keyshoal))?;
            let log = emulator.log();
            let known = |key: &Option<String>| key.as_ref().is_some_and(|key| keys.contains(key));
            requests = log.iter().filter(|request| known(&request.key)).count();
            controls = log.len() - requests;
            let floor = bare(emulator.port(), &keys)?;
            ours.push(ms(verify));
            floors.push(ms(floor));
            ratios.push(ms(verify) / ms(floor));
        }
        println!(
            "{name:<16} {requests:>10} {controls:>10} {:>12.1} {:>12.1} {:>8.2}",
            median(ours),
            median(floors),
            median(ratios)
        );
        if requests != KEYS {
            missed.push(format!("verify {name}: {requests} requests for {KEYS} keys"));
        }
    }
    println!();
    Ok(missed)
}

fn write(state: &Path, layout: Layout, emulator: &Emulator, keys: &[String]) -> Result<()> {
    let config = json!({
        "gateway": { "port": 1 },
        "models": { "providers": { "acme": {
            "baseUrl": format!("{}/v1", emulator.base_url()), "api": "openai-completions", "models": [{ "id": "m", "name": "m" }]
        } } },
    });
    let first = keys.first().context("a key")?;
    let mut sample = sample::Installation::new(layout).config(config).agent("main").api_key(
        StoreId::Base,
        "acme:default",
        first,
    );
    for (at, key) in (1..AGENTS).zip(keys.iter().cycle()) {
        let id = format!("a{at}");
        sample = sample.agent(&id).api_key(StoreId::Agent(id.as_str().into()), "acme:default", key);
    }
    sample.write(state)?;
    let path = state.join("openclaw.json");
    let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    config["agents"]["defaults"]["model"] = json!("acme/m");
    std::fs::write(path, config.to_string())?;
    Ok(())
}

fn verify(dir: &Path, program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", dir)
        .env("OPENCLAW_STATE_DIR", dir.join("state"))
        .args(["verify", "--quiet"]);
    command
}

/// Sends the requests alone, each over a connection of its own.
fn bare(port: u16, keys: &[String]) -> Result<Duration> {
    let begun = Instant::now();
    let share = keys.len().div_ceil(IN_FLIGHT);
    std::thread::scope(|scope| {
        let lanes: Vec<_> = keys
            .chunks(share)
            .map(|lane| scope.spawn(move || lane.iter().try_for_each(|key| get(port, key))))
            .collect();
        lanes.into_iter().try_for_each(|lane| lane.join().map_err(|_| anyhow::anyhow!("a lane panicked"))?)
    })?;
    Ok(begun.elapsed())
}

fn get(port: u16, key: &str) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    write!(
        stream,
        "GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "{}", answer.lines().next().unwrap_or_default());
    Ok(())
}
