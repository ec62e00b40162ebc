//! Restarting the gateway, where a person allows it, and seeing that it was restarted.

use super::not_done;
use crate::{Installation, clock};
use keyshoal_core::instance::ActivationWay;
use keyshoal_core::{ActivationOutcome, GatewayView};
use keyshoal_openclaw::config::Config;
use keyshoal_openclaw::gateway::{self, GatewayError, is_ready};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a gateway that restarts, and for the command that restarts it.
const RESTART: Duration = Duration::from_secs(180);
/// How long the old process may be there after a command that has ended: some commands only ask for the restart.
const OLD_PROCESS: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);

impl Installation {
    /// Restarts the gateway by the person's own command, else by RPC, and waits until it is ready.
    pub(crate) fn restart_now(&self) -> ActivationOutcome {
        let Some(seen) = self.seen() else {
            return ActivationOutcome::Unknown { reason: "the installation was not looked at".into() };
        };
        if let Some(why) = seen.observed.config_refused() {
            return not_done(
                &format!("with this config the gateway would not start again: {why}; mend that first"),
                false,
            );
        }
        // What was seen earlier may have ended since: only what runs now can be restarted.
        let before = gateway::discover(&self.locations, &seen.config, &self.env);
        if before.running == Some(false) {
            return ActivationOutcome::GatewayDown;
        }
        if let Some(command) = &self.options.restart_command {
            return self.restart_by_command(command, &before, &seen.config);
        }
        let asked = self
            .connect(&seen.observed, &seen.config)
            .and_then(|connected| connected.client.restart("credentials changed", RESTART));
        match asked {
            Ok(asked) => {
                let after = gateway::discover(&self.locations, &seen.config, &self.env);
                if same_process(&before, &after) && !asked.announced {
                    return not_done(
                        "the gateway accepted the request, and its process still runs without having gone down: nothing shows that \
                         it was restarted",
                        true,
                    );
                }
                ActivationOutcome::Done { way: ActivationWay::RestartRpc, at: clock::now() }
            }
            Err(error @ GatewayError::NotRunning { .. }) => self.silent(&seen.config, &error),
            Err(error) => not_done(
                &format!(
                    "{error}; give the command that restarts it: --restart-command 'systemctl --user restart openclaw-gateway'"
                ),
                true,
            ),
        }
    }

    fn restart_by_command(&self, command: &str, before: &GatewayView, config: &Config) -> ActivationOutcome {
        if let Err(reason) = run(command, RESTART) {
            return not_done(&reason, true);
        }
        let ended = Instant::now();
        let after = loop {
            let now = gateway::discover(&self.locations, config, &self.env);
            let old = same_process(before, &now);
            if old && ended.elapsed() > OLD_PROCESS {
                return not_done(
                    "the restart command ended without an error, but the same gateway process still runs: nothing was restarted",
                    true,
                );
            }
            // A gateway with TLS cannot be asked whether it is ready.
            if !old && now.running == Some(true) && (config.gateway.tls || is_ready(self.port(&now, config)))
            {
                break now;
            }
            if ended.elapsed() > RESTART {
                let why = now.unknown_because.unwrap_or_else(|| "it may still be starting".into());
                let reason = format!(
                    "the restart command ended without an error, and no gateway was ready within {} s: {why}",
                    RESTART.as_secs()
                );
                return ActivationOutcome::Unknown { reason };
            }
            std::thread::sleep(PAUSE);
        };
        if config.gateway.tls {
            let reason = "another gateway process runs; over TLS it was not asked whether it is ready".into();
            return ActivationOutcome::Unknown { reason };
        }
        if before.pid.is_none() || after.pid.is_none() {
            return ActivationOutcome::Unknown {
                reason: "the restart command ended without an error and a gateway is ready, but its process cannot be seen from here, \
                         so nothing shows that it is another one"
                    .into(),
            };
        }
        ActivationOutcome::Done { way: ActivationWay::RestartCommand, at: clock::now() }
    }
}

fn same_process(before: &GatewayView, after: &GatewayView) -> bool {
    before.pid.is_some() && before.pid == after.pid && before.started == after.started
}

/// Runs the person's own command. One that does not end is left alone: it may be the gateway itself.
#[expect(clippy::disallowed_methods, reason = "the one command that is run is the person's own")]
fn run(command: &str, limit: Duration) -> Result<(), String> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .env_remove(crate::harden::MALLOC_PERTURB)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("the restart command could not be started: {error}"))?;
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(result) = ended(&mut child)? {
            return result;
        }
        std::thread::sleep(PAUSE.min(limit));
    }
    Err(format!(
        "the restart command has not ended within {} s and was left running; give one that returns, such as systemctl restart",
        limit.as_secs()
    ))
}

fn ended(child: &mut Child) -> Result<Option<Result<(), String>>, String> {
    let status = child.try_wait().map_err(|error| format!("the restart command was lost: {error}"))?;
    Ok(status.map(|status| {
        if status.success() { Ok(()) } else { Err(format!("the restart command failed ({status})")) }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_waited_for_and_not_for_ever() {
        assert_eq!(run("true", RESTART), Ok(()));
        assert!(run("exit 3", RESTART).unwrap_err().contains("failed"));
        let began = Instant::now();
        let why = run("exec 2>&-; sleep 5", Duration::from_millis(50)).unwrap_err();
        assert!(why.contains("has not ended") && began.elapsed() < Duration::from_secs(4), "{why}");
    }

    #[test]
    fn a_process_is_known_by_number_and_beginning() {
        let one = GatewayView { pid: Some(7), ..GatewayView::default() };
        let later = GatewayView { started: Some(clock::now()), ..one.clone() };
        assert!(same_process(&one, &one));
        assert!(!same_process(&one, &later), "the number was given again");
        assert!(!same_process(&GatewayView::default(), &GatewayView::default()), "nothing was seen");
    }
}
