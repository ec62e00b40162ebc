//! The store module of the real program by itself, hammering one store: a whole day of a gateway's writes in seconds.

use crate::Instance;
use anyhow::{Context, Result, ensure};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};

/// The real store module at work. It stops when it is told or dropped.
#[derive(Debug)]
pub struct RealWriter {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl RealWriter {
    /// Starts it on the store of an agent. Only for 2026.3.28, whose way of writing every JSON release shares or improves on.
    pub fn start(instance: &Instance, agent: &str, profile: &str) -> Result<Self> {
        let script = instance.scratch().join("real_store.mjs");
        std::fs::write(&script, include_str!("real_store.mjs"))?;
        let mut child = instance
            .command(&instance.real().node)
            .arg(&script)
            .arg(instance.real().entry.with_file_name("dist"))
            .arg(instance.state_dir())
            .args([agent, profile])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = BufReader::new(child.stdout.take().context("no pipe")?);
        let mut writer = Self { child, out };
        let mut line = String::new();
        while !line.starts_with("ready") {
            line.clear();
            ensure!(writer.out.read_line(&mut line)? > 0, "the real store module did not start");
        }
        Ok(writer)
    }

    /// Lets it finish what it does, and returns how many updates it made.
    pub fn stop(mut self) -> Result<u64> {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.out.read_to_string(&mut text)?;
        let last = text.lines().last().context("it ended without its count")?;
        let count: serde_json::Value = serde_json::from_str(last)?;
        count["ok"].as_u64().context("no count")
    }
}

impl Drop for RealWriter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
