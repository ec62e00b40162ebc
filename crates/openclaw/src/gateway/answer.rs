//! Asking an agent through the gateway, and judging what it says by content, never by status alone.

use super::{Client, GatewayError, wire::line};
use keyshoal_core::AgentId;
use serde_json::{Value, json};
use std::time::Duration;

/// What came of a question to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The agent's model answered.
    Answered {
        /// What it said, cut to a line.
        text: String,
        /// Which provider answered, as the gateway says: a fallback may have stepped in.
        provider: Option<String>,
        /// With which model, as the gateway says.
        model: Option<String>,
    },
    /// The provider refused the agent's credential, or the agent has none.
    AuthFailed(String),
    /// Something else went wrong, in the gateway's own words.
    Failed(String),
}

impl Client {
    /// Asks an agent something, in a session of its own that is removed afterwards, and judges its answer.
    ///
    /// `run` must be different for every question. This costs a turn: tokens, and seconds.
    pub fn ask(
        &mut self,
        agent: &AgentId,
        prompt: &str,
        run: &str,
        limit: Duration,
    ) -> Result<Answer, GatewayError> {
        let session = format!("agent:{agent}:keyshoal-{run}");
        let params = json!({
            "message": prompt,
            "agentId": agent.as_str(),
            "sessionKey": session,
            "deliver": false,
            "timeout": limit.as_secs().max(1),
            "idempotencyKey": run,
        });
        let result = self.call_to_end("agent", &params, limit);
        // Whatever came of it, nothing of ours stays in the person's list of sessions. That it could not be removed changes no answer.
        let _ = self.call("sessions.delete", &json!({ "key": session, "deleteTranscript": true }));
        match result {
            Ok(answer) => Ok(judge(&answer)),
            Err(GatewayError::Call { message, .. }) => Ok(failure(&message)),
            Err(error) => Err(error),
        }
    }
}

/// Judges the final answer of `agent`. Up to 2026.5 a refused key comes as `status: "ok"` around the provider's error text.
pub fn judge(answer: &Value) -> Answer {
    let text = |at: &str| answer.pointer(at).and_then(Value::as_str);
    let said: Vec<&str> = answer
        .pointer("/result/payloads")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(|payload| payload.get("isReasoning").and_then(Value::as_bool) != Some(true))
        .filter_map(|payload| payload.get("text").and_then(Value::as_str))
        .collect();
    let said = said.join(" ");
    let is_error = text("/result/meta/stopReason") == Some("error")
        || answer.pointer("/result/meta/error").is_some_and(|error| !error.is_null())
        || text("/status").is_some_and(|status| status != "ok");
    if is_error {
        let why = text("/result/meta/error/message").or(text("/error")).or(text("/summary"));
        return failure(if said.is_empty() { why.unwrap_or("no answer") } else { &said });
    }
    let spent = answer.pointer("/result/meta/agentMeta/usage").is_some_and(|usage| {
        ["output", "total"].iter().any(|key| usage.get(key).and_then(Value::as_u64).is_some_and(|n| n > 0))
    });
    if said.trim().is_empty() {
        return Answer::Failed("the agent said nothing".into());
    }
    // Without a token spent, what stands there is the gateway's text, not a model's.
    if !spent && sounds_like_auth(&said) {
        return Answer::AuthFailed(line(&said));
    }
    Answer::Answered {
        text: line(&said),
        provider: text("/result/meta/agentMeta/provider").map(line),
        model: text("/result/meta/agentMeta/model").map(line),
    }
}

fn failure(why: &str) -> Answer {
    if sounds_like_auth(why) { Answer::AuthFailed(line(why)) } else { Answer::Failed(line(why)) }
}

fn sounds_like_auth(text: &str) -> bool {
    let text = text.to_lowercase();
    ["401", "403", "api key", "apikey", "auth", "unauthorized", "credential", "invalid key", "token expired"]
        .iter()
        .any(|word| text.contains(word))
}
