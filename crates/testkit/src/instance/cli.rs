//! The commands of the real program, as a person would give them.

use super::{Instance, PROFILE, PROVIDER};
use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

/// What a command said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Instance {
    /// Runs `openclaw` with these arguments and this standard input.
    pub fn cli(&self, args: &[&str], stdin: &str) -> Result<Said> {
        self.cli_on(&self.config_path(), args, stdin)
    }

    /// The same with another config file.
    pub fn cli_on(&self, config: &Path, args: &[&str], stdin: &str) -> Result<Said> {
        let mut child = self
            .openclaw()
            .env("OPENCLAW_CONFIG_PATH", config)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("openclaw {}", args.join(" ")))?;
        if let Some(mut pipe) = child.stdin.take() {
            // It may have ended without reading: its exit code says more than our broken pipe.
            let _ = pipe.write_all(stdin.as_bytes());
        }
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
    }

    /// Rotates the key of one agent with the program's own command: what a person does, and what reaches one store only. On the releases
    /// without `paste-api-key` the agent is always the default one, and the profile becomes a `token`.
    pub fn rotate_by_cli(&self, agent: &str, key: &str) -> Result<()> {
        if !self.release().paste_api_key() {
            ensure!(agent == "main", "{} can write the default agent only", self.release());
            return self.paste_token(key);
        }
        let (before, after): (&[&str], &[&str]) =
            if self.release().entries() { (&[], &["--agent", agent]) } else { (&["--agent", agent], &[]) };
        let mut args = vec!["models", "auth"];
        args.extend_from_slice(before);
        args.push("paste-api-key");
        args.extend_from_slice(after);
        args.extend_from_slice(&["--provider", PROVIDER, "--profile-id", PROFILE]);
        let said = self.cli(&args, &format!("{key}\n"))?;
        ensure!(said.code == Some(0), "openclaw {} failed:\n{}\n{}", args.join(" "), said.out, said.err);
        Ok(())
    }

    /// Types a key into `paste-token`, which wants a terminal: `script` gives it one.
    fn paste_token(&self, key: &str) -> Result<()> {
        let line = format!(
            "stty cols 200; exec '{}' '{}' models auth paste-token --provider {PROVIDER} --profile-id {PROFILE}",
            self.real.node.display(),
            self.real.entry.display(),
        );
        let mut command = self.openclaw();
        let environment: Vec<_> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect();
        command = self.command("/usr/bin/script".as_ref());
        let mut child = command
            .envs(environment)
            .env("SHELL", "/bin/sh")
            .args(["-q", "-e", "-c", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("script (of util-linux) is needed to type into a command")?;
        let (Some(mut keys), Some(mut screen)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("no pipes")
        };
        let mut seen = Vec::new();
        let mut typed = false;
        let mut piece = [0; 4096];
        loop {
            // Ends when the program does: the terminal then closes.
            let size = screen.read(&mut piece).unwrap_or(0);
            if size == 0 {
                break;
            }
            seen.extend_from_slice(&piece[..size]);
            if !typed && seen.windows(11).any(|it| it == b"Paste token") {
                keys.write_all(key.as_bytes())?;
                keys.flush()?;
                // Its prompt takes a burst for one paste: the return key has to come by itself.
                std::thread::sleep(std::time::Duration::from_millis(400));
                keys.write_all(b"\r")?;
                keys.flush()?;
                typed = true;
            }
        }
        let status = child.wait()?;
        ensure!(status.success() && typed, "paste-token failed:\n{}", String::from_utf8_lossy(&seen));
        Ok(())
    }
}
