//! Peak memory and the size of the program.

use crate::Programs;
use crate::installation::{Bench, Layout};
use anyhow::{Context, Result};
use std::process::Stdio;

/// Prints both.
pub fn figures(programs: &Programs) -> Result<()> {
    println!("peak resident memory on 100 agents, and the program's size");
    for (name, layout) in [("json_file", Layout::JsonFile), ("shared_row", Layout::SharedRow)] {
        let mut bench = Bench::new(layout, 100)?;
        bench.rotate(&programs.keyshoal)?;
        for args in [&["status", "--quiet"][..], &["sync", "--yes", "--offline", "--quiet"]] {
            let peak = peak_kib(&mut bench.keyshoal(&programs.keyshoal, args))?;
            println!("{name:<16} {:<8} {:>8.1} MiB", args[0], peak as f64 / 1024.0);
        }
    }
    let size = std::fs::metadata(&programs.keyshoal)?.len();
    println!("{:<25} {:>8.1} MB\n", "keyshoal", size as f64 / 1e6);
    Ok(())
}

/// Runs a command to its end and asks the kernel for the greatest resident size among ended children. Only grows, so each figure is at most the
/// largest so far: the first commands measured are the ones that count.
fn peak_kib(command: &mut std::process::Command) -> Result<u64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        if let Ok(text) = std::fs::read_to_string(&path)
            && let Some(line) = text.lines().find(|line| line.starts_with("VmHWM:"))
        {
            let kib = line.split_whitespace().nth(1).context("VmHWM has a value")?.parse()?;
            peak = peak.max(kib);
        }
    }
    Ok(peak)
}
