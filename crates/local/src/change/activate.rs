//! Making the running gateway read its stores again, and proving it as far as the gateway lets us.

use crate::{Installation, clock};
use keyshoal_core::instance::ActivationWay;
use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome, AgentId, Observation, planner};
use keyshoal_openclaw::config::{self, Config};
use keyshoal_openclaw::gateway;
use keyshoal_openclaw::gateway::{
    Client, ConnectOptions, Credentials, DeviceIdentity, GatewayError, wait_ready,
};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Longest wait for an ordinary answer. A reload takes up to a second on a busy machine; 22 s were seen once.
const ANSWER: Duration = Duration::from_secs(30);
/// Longest wait for a gateway that restarts.
const RESTART: Duration = Duration::from_secs(180);

impl Installation {
    /// Makes the gateway see the stores, within what the person allows.
    pub fn activate_now(&self, need: ActivationNeed, mode: ActivationMode) -> ActivationOutcome {
        let Some(seen) = self.seen() else {
            return ActivationOutcome::Unknown { reason: "the installation was not looked at".into() };
        };
        let observed = &seen.observed;
        let mut need = need;
        if observed.instance.gateway.running == Some(false) {
            // A person may have thought about a question for long: what has begun meanwhile holds what stood there before.
            let now = gateway::discover(&self.locations, &seen.config, &self.env);
            if now.running == Some(false) {
                return ActivationOutcome::GatewayDown;
            }
            need = need.max(planner::activation_need(observed));
        }
        if need == ActivationNeed::None {
            return ActivationOutcome::NotNeeded;
        }
        if mode == ActivationMode::None {
            return not_done(
                "it was not asked for (--activate none); run `keyshoal restart` or reload it yourself",
                false,
            );
        }
        if need == ActivationNeed::Restart && mode != ActivationMode::Restart {
            return not_done(
                "only a restart makes the gateway see this change; allow it with --activate restart, or run `keyshoal restart`",
                true,
            );
        }
        if mode == ActivationMode::Restart {
            return self.restart_now(observed);
        }
        self.reload(observed, &seen.config)
    }

    fn reload(&self, observed: &Observation, config: &Config) -> ActivationOutcome {
        let mut refused = None;
        match self.connect(observed, config) {
            Ok(mut client) => {
                self.remember_word(client.word());
                for way in &observed.capabilities.activation {
                    match call(&mut client, *way, observed) {
                        None => continue,
                        Some(Ok(())) => return ActivationOutcome::Done { way: *way, at: clock::now() },
                        Some(Err(GatewayError::NoSuchMethod { .. })) => continue,
                        Some(Err(error)) => {
                            // All or nothing: the gateway keeps its last good values, so another way would fail alike.
                            let why = self.blocking().unwrap_or_else(|| error.hint());
                            return not_done(&format!("{error}; {why}"), false);
                        }
                    }
                }
            }
            Err(GatewayError::NotRunning { .. }) => return ActivationOutcome::GatewayDown,
            Err(error) => refused = Some(error),
        }
        if observed.capabilities.activation.contains(&ActivationWay::ConfigTouch) {
            return self.touch(config, refused);
        }
        let reason = refused.map_or_else(
            || "this release has no way to reload credentials; run `keyshoal restart`".to_owned(),
            |error| format!("{error}; {}", error.hint()),
        );
        not_done(&reason, true)
    }

    /// Without a connection: a changed value on a hot path of the config makes these releases read their stores again.
    fn touch(&self, config: &Config, refused: Option<GatewayError>) -> ActivationOutcome {
        let why = refused.map_or_else(String::new, |error| format!(" ({error}; {})", error.hint()));
        if config.gateway.reload_mode.as_deref().is_some_and(|mode| mode == "off" || mode == "restart") {
            return not_done(&format!("gateway.reload.mode forbids a reload by a config change{why}"), true);
        }
        let now = format!("{:.3}", clock::now());
        match config::edit::Editor::new(&self.locations, &self.env).set_meta_touched(&now) {
            Ok(_) => ActivationOutcome::Unknown {
                reason: format!(
                    "meta.lastTouchedAt of {} was changed, which makes a running gateway of this release read its stores again within seconds; \
                     without the gateway's word this is not proven{why}",
                    config.path.display()
                ),
            },
            Err(error) => not_done(&format!("{error}{why}"), false),
        }
    }

    /// Connects with what the config, the environment or the caller gives; a device identity only if the person allowed one.
    pub fn connect(&self, observed: &Observation, config: &Config) -> Result<Client, GatewayError> {
        let port = observed
            .instance
            .gateway
            .port
            .or(config.gateway.port)
            .unwrap_or(gateway::discovery::DEFAULT_PORT);
        let device = match (&self.options.allow_device, &self.keys_dir) {
            (true, dir) => Some(DeviceIdentity::load_or_create(&dir.join("device.json"))?),
            (false, _) => None,
        };
        let credentials = Credentials::find(config, &self.env, self.options.gateway_token.clone());
        Client::connect(&ConnectOptions { port, credentials, device, timeout: ANSWER, now: clock::now() })
    }

    /// Restarts the gateway by the person's own command, else by RPC, and waits until it is ready.
    pub fn restart_now(&self, observed: &Observation) -> ActivationOutcome {
        let Some(seen) = self.seen() else {
            return ActivationOutcome::Unknown { reason: "the installation was not looked at".into() };
        };
        let port = observed
            .instance
            .gateway
            .port
            .or(seen.config.gateway.port)
            .unwrap_or(gateway::discovery::DEFAULT_PORT);
        let before = observed.instance.gateway.clone();
        let way = if let Some(command) = &self.options.restart_command {
            if let Err(reason) = run(command) {
                return not_done(&reason, true);
            }
            ActivationWay::RestartCommand
        } else {
            match self
                .connect(observed, &seen.config)
                .and_then(|client| client.restart("credentials changed", RESTART))
            {
                Ok(_) => ActivationWay::RestartRpc,
                Err(GatewayError::NotRunning { .. }) => return ActivationOutcome::GatewayDown,
                Err(error) => {
                    return not_done(
                        &format!(
                            "{error}; give the command that restarts it: --restart-command 'systemctl --user restart openclaw-gateway'"
                        ),
                        true,
                    );
                }
            }
        };
        if let Err(error) = wait_ready(port, RESTART) {
            return ActivationOutcome::Unknown { reason: format!("the restart was asked for, but {error}") };
        }
        let after = gateway::discover(&self.locations, &seen.config, &self.env);
        let same_process = before.pid.is_some() && before.pid == after.pid && before.started == after.started;
        if same_process && way == ActivationWay::RestartCommand {
            return not_done(
                "the restart command ended without an error, but the same gateway process still runs: nothing was restarted",
                true,
            );
        }
        if way == ActivationWay::RestartCommand && (before.pid.is_none() || after.pid.is_none()) {
            return ActivationOutcome::Unknown {
                reason: "the restart command ended without an error and a gateway is ready, but its process cannot be seen from here, \
                         so nothing shows that it is another one"
                    .into(),
            };
        }
        ActivationOutcome::Done { way, at: clock::now() }
    }
}

fn call(client: &mut Client, way: ActivationWay, observed: &Observation) -> Option<Result<(), GatewayError>> {
    match way {
        ActivationWay::AuthRefresh => {
            let any = observed.agents.iter().find(|agent| agent.default).or(observed.agents.first());
            let agent = any.map_or_else(|| AgentId::from("main"), |agent| agent.id.clone());
            Some(client.auth_refresh(&agent).map(drop))
        }
        ActivationWay::SecretsReload => Some(client.secrets_reload().map(drop)),
        ActivationWay::ConfigTouch | ActivationWay::RestartRpc | ActivationWay::RestartCommand => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "the one command that is run is the person's own")]
fn run(command: &str) -> Result<(), String> {
    let status = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status()
        .map_err(|error| format!("the restart command could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the restart command failed ({status})")) }
}

fn not_done(reason: &str, needs_restart: bool) -> ActivationOutcome {
    ActivationOutcome::NotDone { reason: reason.to_owned(), needs_restart }
}
