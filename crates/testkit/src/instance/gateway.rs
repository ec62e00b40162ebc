//! The gateway process of an instance.

use super::Instance;
use crate::{cache, http};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A gateway that lives as long as this value.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
}

impl Gateway {
    /// Starts it and waits until `/readyz` says so.
    pub(super) fn start(instance: &Instance) -> Result<Self> {
        let log = File::options().create(true).append(true).open(instance.gateway_log())?;
        let child = instance
            .openclaw()
            .args(["gateway", "run", "--port", &instance.port.to_string()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting the gateway")?;
        let mut gateway = Self { child };
        let patience = Instant::now() + Duration::from_secs(240);
        loop {
            let answer = http::request(instance.port, "GET", "/readyz", &[], "", Duration::from_secs(5));
            if answer.is_ok_and(|(status, _)| status == 200) {
                return Ok(gateway);
            }
            if gateway.pid().is_none() || Instant::now() > patience {
                let said = std::fs::read_to_string(instance.gateway_log()).unwrap_or_default();
                let tail: Vec<&str> = said.lines().rev().take(30).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                bail!("the gateway of {} did not become ready:\n{}", instance.release(), tail.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Returns its process id while it lives.
    pub(super) fn pid(&mut self) -> Option<u32> {
        matches!(self.child.try_wait(), Ok(None)).then(|| self.child.id())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let Some(pid) = self.pid().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())) else {
            return;
        };
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let patience = Instant::now() + Duration::from_secs(15);
        while self.pid().is_some() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Instance {
    /// Prepares `openclaw` itself. It stays one process with the id we know: its wrapper and its own restarts do not start others.
    pub(super) fn openclaw(&self) -> std::process::Command {
        let mut command = self.command(&self.real.node);
        command
            .arg(&self.real.entry)
            .env("OPENCLAW_NODE_OPTIONS_READY", "1")
            .env("OPENCLAW_NODE_EXTRA_CA_CERTS_READY", "1")
            .env("OPENCLAW_NO_RESPAWN", "1")
            .env("NODE_OPTIONS", "--disable-warning=ExperimentalWarning")
            .env("OPENCLAW_PACKAGED_COMPILE_CACHE_RESPAWNED", "1")
            // Halves the time of every command; kept beside the releases, not below their HOME.
            .env("NODE_COMPILE_CACHE", cache::cache_dir().join("compiled"));
        command
    }
}
