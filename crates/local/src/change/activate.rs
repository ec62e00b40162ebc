//! Making the running gateway read its stores again, and proving it as far as the gateway lets us.

mod connect;
mod restart;
mod said;

pub(crate) use said::UNSAID;

use crate::{Installation, clock};
use connect::Connected;
use keyshoal_core::instance::ActivationWay;
use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome, AgentId, Observation, planner};
use keyshoal_openclaw::config::{self, Config};
use keyshoal_openclaw::gateway::{self, Client, GatewayError, wait_ready};
use std::time::Duration;

/// Longest wait for a gateway that has just begun: up to 82 s were seen on a busy machine.
const STARTING: Duration = Duration::from_secs(90);

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
        let may_restart = mode == ActivationMode::Restart;
        if need == ActivationNeed::Restart && may_restart {
            return self.restart_now();
        }
        if need == ActivationNeed::Restart {
            // What a reload can bring to the other agents, it shall.
            let reloads = planner::activation_need(observed) == ActivationNeed::Reload;
            let reloaded =
                reloads && self.reload(observed, &seen.config).is_ok_and(|outcome| is_done(&outcome));
            let what = if reloaded { "the gateway has read its stores again, and " } else { "" };
            return not_done(
                &format!(
                    "{what}only a restart makes the gateway see all of this change; allow it with --activate restart, or run `keyshoal restart`"
                ),
                true,
            );
        }
        let refused = match self.reload(observed, &seen.config) {
            Ok(outcome) => return outcome,
            Err(refused) => refused,
        };
        if may_restart {
            return self.restart_now();
        }
        self.without_reload(observed, &seen.config, refused)
    }

    /// Reloads without a restart. Fails where this gateway cannot be asked to, and says why.
    fn reload(
        &self,
        observed: &Observation,
        config: &Config,
    ) -> Result<ActivationOutcome, Option<GatewayError>> {
        let mut answer = self.connect(observed, config);
        if let Err(GatewayError::NotRunning { port }) = answer
            && gateway::discover(&self.locations, config, &self.env).running == Some(true)
        {
            // Its process lives and does not listen yet: what it has read so far may be what stood there before.
            answer = wait_ready(port, STARTING).and_then(|()| self.connect(observed, config));
        }
        let Connected { mut client, certain } = match answer {
            Ok(connected) => connected,
            Err(error @ (GatewayError::NotRunning { .. } | GatewayError::Timeout { .. })) => {
                return Ok(self.silent(config, &error));
            }
            Err(error) => return Err(Some(error)),
        };
        self.remember_word(client.word(), &observed.instance.gateway);
        let log = self.log_place();
        for way in &observed.capabilities.activation {
            match call(&mut client, *way, observed) {
                None | Some(Err(GatewayError::NoSuchMethod { .. })) => {}
                Some(Ok(())) if certain => {
                    let done = ActivationOutcome::Done { way: *way, at: clock::now() };
                    return Ok(self.unresolved_by(&mut client).unwrap_or(done));
                }
                Some(Ok(())) => {
                    return Ok(ActivationOutcome::Unknown { reason: connect::uncertain(&client) });
                }
                Some(Err(error)) => {
                    // All or nothing: the gateway keeps its last good values, so another way would fail alike.
                    let why = self.blocking().unwrap_or_else(|| self.said(&error, log.as_ref()));
                    return Ok(not_done(&format!("{error}; {why}"), false));
                }
            }
        }
        Err(None)
    }

    /// Nothing answered any more: whether that is because no gateway runs is looked at again.
    fn silent(&self, config: &Config, error: &GatewayError) -> ActivationOutcome {
        let now = gateway::discover(&self.locations, config, &self.env);
        if now.running == Some(false) {
            return ActivationOutcome::GatewayDown;
        }
        let why = now.unknown_because.or_else(|| {
            now.pid.map(|pid| {
                format!("its process {pid} runs, and may be starting or busy: try again in a minute")
            })
        });
        let why = why.unwrap_or_else(|| error.hint());
        ActivationOutcome::Unknown { reason: format!("{error}; {why}") }
    }

    /// What is left where the gateway could not be asked and must not be restarted.
    fn without_reload(
        &self,
        observed: &Observation,
        config: &Config,
        refused: Option<GatewayError>,
    ) -> ActivationOutcome {
        let elsewhere = matches!(
            refused,
            Some(
                GatewayError::Remote { .. }
                    | GatewayError::OtherStateDir { .. }
                    | GatewayError::Unreachable { .. }
            )
        );
        if elsewhere && let Some(error) = refused {
            return ActivationOutcome::Unknown { reason: format!("{error}; {}", error.hint()) };
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

fn is_done(outcome: &ActivationOutcome) -> bool {
    matches!(outcome, ActivationOutcome::Done { .. })
}

fn not_done(reason: &str, needs_restart: bool) -> ActivationOutcome {
    ActivationOutcome::NotDone { reason: reason.to_owned(), needs_restart }
}
