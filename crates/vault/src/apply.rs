//! What changes make of an instance: a pure step before anything is written.

mod credentials;
mod roster;

use crate::{Cause, Change};
use keyshoal_core::vault::{CredentialUid, VaultInstance};
use keyshoal_core::{Secret, Timestamp};
use std::collections::BTreeMap;

/// An instance on its way.
pub(crate) struct Work<'a> {
    pub(crate) instance: VaultInstance,
    /// The values that came in, to be sealed.
    pub(crate) fresh: Vec<Fresh>,
    /// The documents that were put, or removed (`None`).
    pub(crate) documents: BTreeMap<String, Option<Secret>>,
    /// What happened, a sentence for each change.
    pub(crate) said: Vec<String>,
    by: &'a str,
    why: Option<&'a str>,
    now: Timestamp,
}

/// A value that came in.
pub(crate) struct Fresh {
    pub(crate) credential: CredentialUid,
    pub(crate) number: u32,
    pub(crate) value: Secret,
}

impl<'a> Work<'a> {
    pub(crate) fn new(instance: VaultInstance, author: &'a crate::Author, now: Timestamp) -> Self {
        Self {
            instance,
            fresh: Vec::new(),
            documents: BTreeMap::new(),
            said: Vec::new(),
            by: &author.by,
            why: author.why.as_deref(),
            now,
        }
    }

    /// Makes one change, or says why it makes no sense.
    pub(crate) fn apply(&mut self, change: Change) -> Result<(), Cause> {
        let said = match change {
            Change::AddAgent(agent) => self.add_agent(agent)?,
            Change::RenameAgent { agent, id } => self.rename_agent(agent, id)?,
            Change::SetAgent { agent, name, workspace } => {
                let one = self.agent(agent)?;
                (one.name, one.workspace) = (name, workspace);
                format!("agent {} described", one.id)
            }
            Change::EnableAgent { agent, enabled } => {
                let one = self.agent(agent)?;
                one.enabled = enabled;
                format!("agent {} {}", one.id, if enabled { "enabled" } else { "disabled" })
            }
            Change::RemoveAgent(agent) => self.remove_agent(agent)?,
            Change::OrderAgents(agents) => self.order_agents(&agents)?,
            Change::SetDefaultAgent(agent) => self.set_default_agent(agent)?,
            Change::SetModels { agent: None, models } => {
                self.instance.models = models;
                "models of all agents set".to_owned()
            }
            Change::SetModels { agent: Some(agent), models } => {
                let one = self.agent(agent)?;
                one.models = models;
                format!("models of agent {} set", one.id)
            }
            Change::SetBindings(bindings) => self.set_bindings(bindings)?,
            Change::SetOrder { provider, profiles } => {
                let said = format!("order of {provider} set");
                self.instance.order.retain(|(known, _)| *known != provider);
                if !profiles.is_empty() {
                    self.instance.order.push((provider, profiles));
                }
                said
            }
            Change::SetDelivery(delivery) => {
                self.instance.delivery = delivery;
                format!("delivery set to {}", crate::load::word(&crate::load::DELIVERIES, &delivery))
            }
            Change::SetName(name) => {
                named(&name, "an instance's name")?;
                self.instance.name = name;
                format!("named {}", self.instance.name)
            }
            Change::SetPlace { state_dir, config } => {
                (self.instance.state_dir, self.instance.config) = (state_dir, config);
                let place = self.instance.state_dir.as_deref();
                place.map_or_else(|| "in no place that is known".to_owned(), |it| format!("moved to {it}"))
            }
            Change::PutCredential(new) => self.put_credential(new)?,
            Change::StageVersion { credential, value, expires } => self.stage(credential, value, expires)?,
            Change::Restage { credential, number, value } => self.restage(credential, number, value)?,
            Change::Unstage(credential) => self.unstage(credential)?,
            Change::Publish(credential) => self.publish(credential)?,
            Change::RollBack(credential) => self.roll_back(credential)?,
            Change::Exchange(credential) => self.exchange(credential)?,
            Change::RetirePrevious(credential) => self.retire_previous(credential)?,
            Change::DropCredential(credential) => self.drop_credential(credential)?,
            Change::PutDocument { name, value } => {
                named(&name, "a document's name")?;
                let said = format!("document {name} put");
                self.document(name, Some(value));
                said
            }
            Change::RemoveDocument(name) => {
                let said = format!("document {name} removed");
                self.document(name, None);
                said
            }
        };
        self.said.push(said);
        Ok(())
    }

    fn document(&mut self, name: String, value: Option<Secret>) {
        if let Some(channel) = name.strip_prefix(crate::load::CHANNELS) {
            self.instance.channels.retain(|known| known != channel);
            if value.is_some() {
                self.instance.channels.push(channel.to_owned());
                self.instance.channels.sort();
            }
        }
        self.documents.insert(name, value);
    }
}

/// Refuses a name that is none: empty, far too long, or with control characters in it.
pub(crate) fn named(name: &str, what: &str) -> Result<(), Cause> {
    if name.trim().is_empty() || name.len() > 512 || name.chars().any(char::is_control) {
        return Err(Cause::refused(format!("{what} is 1 to 512 bytes long and has no control characters")));
    }
    Ok(())
}
