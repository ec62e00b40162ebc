//! Measuring: pairs in turn, the median of their ratios.

use anyhow::{Result, ensure};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a command and returns how long it took. Exit code 2 (attention) counts as an answer.
pub fn time(command: &mut Command) -> Result<Duration> {
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = begun.elapsed();
    ensure!(matches!(status.code(), Some(0 | 2)), "{command:?}: {status}");
    Ok(took)
}

/// Returns the middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Milliseconds, for a table.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
