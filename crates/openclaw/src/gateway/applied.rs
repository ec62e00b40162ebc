//! What a gateway works by: the config that it has applied, and the references that lead nowhere for it.

use super::wire::line;
use super::{Client, GatewayError};
use keyshoal_core::ProfileId;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The answer to `config.get`: two names in the gateway's own terms, without the config. They are equal once it works by what the
/// file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigState {
    /// What the file says, as the gateway last read it.
    pub on_disk: String,
    /// What it works by.
    pub applied: String,
}

impl ConfigState {
    /// Tells whether it works by a file that has changed since `before`. The gateway keeps an answer until it notices a change, so equal
    /// names alone say nothing right after a write.
    pub fn took_up(&self, before: &Self) -> bool {
        self.on_disk != before.on_disk && self.on_disk == self.applied
    }
}

/// A profile whose reference the gateway cannot follow: turns with it fail, or go on with an earlier value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The database of the agent that would send it, which need not be where the profile stands.
    pub store: PathBuf,
    /// The profile.
    pub profile: ProfileId,
    /// Why, in the gateway's words, which name no secret.
    pub reason: String,
}

impl Client {
    /// Asks which config the gateway has applied (2026.8 and later; `None` where it does not say).
    pub fn config_state(&mut self) -> Result<Option<ConfigState>, GatewayError> {
        let answer = self.call("config.get", &json!({}))?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(text("configRevisionHash")
            .zip(text("appliedConfigHash"))
            .map(|(on_disk, applied)| ConfigState { on_disk, applied }))
    }

    /// Asks which profiles' references the gateway cannot follow (2026.8 and later; earlier releases refuse to reload then). A reload is
    /// confirmed all the same.
    pub fn unresolved(&mut self) -> Result<Vec<Unresolved>, GatewayError> {
        let answer = self.call("status", &json!({}))?;
        let owners = answer.get("degradedSecretOwners").and_then(Value::as_array);
        Ok(owners.into_iter().flatten().filter_map(unresolved).collect())
    }
}

/// The owner of a profile is named by a JSON list: its store and its id.
fn unresolved(owner: &Value) -> Option<Unresolved> {
    let text = |key: &str| owner.get(key).and_then(Value::as_str);
    let (store, profile): (PathBuf, String) = match text("ownerKind")? {
        "account" => serde_json::from_str(text("ownerId")?).ok()?,
        _ => return None,
    };
    let reason = text("reason").map_or_else(|| "it does not say why".to_owned(), line);
    Some(Unresolved { store, profile: ProfileId::from(profile.as_str()), reason })
}
