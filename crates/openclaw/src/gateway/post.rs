//! Posting a message into a channel's conversation, by the gateway's own `send`.

use super::{Client, GatewayError, wire::line};
use keyshoal_core::Post;
use serde_json::{Value, json};
use std::time::Duration;

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The channel took it.
    Taken {
        /// The channel's id of the message, where the gateway tells it.
        message: Option<String>,
    },
    /// The gateway or the channel refused it, in their own words, without secrets.
    Refused(String),
}

impl Client {
    /// Posts a text (every release has `send`). The gateway also keeps it in the agent's session of that conversation.
    ///
    /// `run` must be different for every message: the gateway posts nothing twice under one.
    ///
    /// # Errors
    /// When there was no answer: then nobody knows whether it was posted.
    pub fn post(
        &mut self,
        post: &Post,
        text: &str,
        run: &str,
        limit: Duration,
    ) -> Result<Posted, GatewayError> {
        let params = json!({
            "channel": post.channel,
            "accountId": post.account,
            "to": post.to,
            "message": text,
            "agentId": post.agent.as_str(),
            "idempotencyKey": run,
        });
        match self.call_within("send", &params, limit) {
            Ok(answer) => Ok(judge(&answer)),
            Err(GatewayError::Call { message, .. }) => Ok(Posted::Refused(line(&message))),
            Err(error) => Err(error),
        }
    }
}

/// A message that has an id has been taken; an answer without any says nothing of a message.
fn judge(answer: &Value) -> Posted {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|id| !id.is_empty()).map(line);
    match text("messageId") {
        Some(id) => Posted::Taken { message: Some(id) },
        None => Posted::Refused("the gateway names no message that the channel took".into()),
    }
}
