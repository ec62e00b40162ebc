//! Putting prompts to agents through this installation's own gateway.

use crate::{Installation, clock};
use keyshoal_core::{AgentId, ModelName, Turn, TurnOutcome};
use keyshoal_engine::ports::PromptAgents;
use keyshoal_openclaw::gateway::{Answer, Client, GatewayError};
use std::time::Duration;

/// Short, so that it costs little, and plain, so that any model can answer it.
const PROMPT: &str = "This is a check of your connection. Reply with the one word: pong";
/// A first turn after the gateway's start takes up to 15 s, and a slow model its time.
const LIMIT: Duration = Duration::from_secs(120);

impl PromptAgents for Installation {
    fn prompt(&self, agents: &[AgentId], done: &mut dyn FnMut(usize)) -> Vec<Turn> {
        let mut client = None;
        let mut turns = Vec::with_capacity(agents.len());
        for agent in agents {
            turns.push(self.turn(&mut client, agent));
            done(turns.len());
        }
        turns
    }
}

impl Installation {
    /// Puts one prompt, over the connection that is there or a new one.
    fn turn(&self, client: &mut Option<Client>, agent: &AgentId) -> Turn {
        let begun = clock::now();
        let not_asked = |reason: String| Turn::not_asked(agent.clone(), begun, reason);
        let Some(seen) = self.seen() else { return not_asked("nothing was looked at".to_owned()) };
        if client.is_none() {
            match self.connect(&seen.observed, &seen.config) {
                Ok(connected) => *client = Some(connected.client),
                Err(error) => return not_asked(format!("{error} ({})", error.hint())),
            }
        }
        let Some(connected) = client else { return not_asked("there is no connection".to_owned()) };
        let run = format!("{}-{}", begun.as_nanosecond(), agent);
        let outcome = match connected.ask(agent, PROMPT, &run, LIMIT) {
            Ok(Answer::Answered { provider, model, .. }) => TurnOutcome::Answered {
                by: provider
                    .zip(model)
                    .map(|(provider, model)| ModelName { provider: provider.as_str().into(), model }),
            },
            Ok(Answer::AuthFailed(why)) => TurnOutcome::AuthFailed { why },
            Ok(Answer::Failed(why)) => TurnOutcome::Failed { why },
            Err(error @ (GatewayError::NoAdmin { .. } | GatewayError::NoCredential { .. })) => {
                TurnOutcome::NotAsked { reason: format!("{error} ({})", error.hint()) }
            }
            Err(error) => {
                // Whatever comes next on it may belong to this question.
                *client = None;
                TurnOutcome::Failed { why: error.to_string() }
            }
        };
        let entry = seen.config.agents.iter().find(|entry| entry.id == *agent);
        let first = entry.and_then(|entry| entry.models.iter().find(|model| model.chat && !model.fallback));
        let expected =
            first.map(|first| ModelName { provider: first.provider.clone(), model: first.model.clone() });
        Turn { agent: agent.clone(), begun, ended: clock::now(), expected, outcome }
    }
}
