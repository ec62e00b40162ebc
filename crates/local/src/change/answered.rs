//! Asking each agent that was written for, through the running gateway.

use crate::Installation;
use keyshoal_core::{Plan, StepState};
use keyshoal_openclaw::config::model::ConfigKey;
use keyshoal_openclaw::gateway::ProbeStatus;

impl Installation {
    /// Asks, where the release can be asked in a way that can be believed. One answer per action.
    pub(super) fn ask_agents(&self, plan: &Plan) -> Vec<StepState> {
        let skipped = |reason: &str| StepState::Skipped { reason: reason.to_owned() };
        let Some(seen) = self.seen() else { return vec![StepState::NotAsked; plan.actions.len()] };
        let mut client = match self.connect(&seen.observed, &seen.config) {
            Ok(connected) if connected.client.has("models.probe") => connected.client,
            Ok(_) => {
                let device = if seen.observed.capabilities.wants_device { " --allow-device" } else { "" };
                let text = format!(
                    "this release's gateway cannot be asked about one credential; a prompt to every agent tells: keyshoal verify --through-gateway{device}"
                );
                return vec![skipped(&text); plan.actions.len()];
            }
            Err(error) => return vec![skipped(&error.to_string()); plan.actions.len()],
        };
        plan.actions
            .iter()
            .map(|action| {
                let Some(agent) = action.agent() else { return StepState::NotAsked };
                let profile = action.profile();
                let declared = seen.config.providers.get(action.provider());
                if let Some(ConfigKey::Profile(pinned)) = declared.and_then(|one| one.api_key.as_ref())
                    && pinned != profile
                {
                    return skipped(&format!("the config makes every agent use {pinned} there"));
                }
                match client.probe(action.provider(), agent, Some(profile)) {
                    Ok(answer) => match answer.of(profile) {
                        Some(ProbeStatus::Ok) => StepState::Done,
                        Some(status) => StepState::Failed {
                            reason: answer.error.clone().unwrap_or_else(|| status.words()),
                        },
                        None => skipped("the gateway's answer is about other profiles"),
                    },
                    Err(error) => skipped(&error.to_string()),
                }
            })
            .collect()
    }
}
