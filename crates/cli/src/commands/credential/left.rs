//! What the removal of a credential leaves: its value in the vault, and perhaps agents with nothing to send.

use super::restore;
use crate::commands::flow::Flow;
use crate::commands::shared;
use crate::error::CommandError;
use crate::ui::{Text, Ui};
use keyshoal_core::vault::VaultCredential;
use keyshoal_core::{AgentView, Candidate, Standing};
use keyshoal_engine::{AskPolicy, LookOptions};

/// Says where its value stays, and warns of the agents whose models need the provider, and that would have no other credential for it.
pub fn warn(ui: &mut Ui, flow: &Flow<'_>, credential: &VaultCredential) -> Result<(), CommandError> {
    let options = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
    let look = shared::look(ui, &flow.installation, &options)?;
    let owner = flow.instance().agents.iter().find(|agent| Some(agent.uid) == credential.agent);
    ui.say(&Text::of(format!(
        "what is taken back is not lost: {}",
        restore::kept(&credential.profile, owner.map(|agent| &agent.id))
    )));
    let agents = look.observed.agents.iter().filter(|agent| agent.enabled && agent.unknown.is_none());
    let left: Vec<&str> =
        agents.filter(|agent| is_left(flow, credential, agent)).map(|agent| agent.id.as_str()).collect();
    if left.is_empty() {
        return Ok(());
    }
    let (provider, who) = (&credential.provider, left.join(", "));
    ui.warn(&format!(
        "nothing is left to send to {provider} for {who}, whose models need it; keyshoal credential set {provider}   gives a key to all, \
         keyshoal model set MODEL   takes another model"
    ));
    Ok(())
}

fn is_left(flow: &Flow<'_>, credential: &VaultCredential, agent: &AgentView) -> bool {
    if !agent.needs.contains_key(&credential.provider) {
        return false;
    }
    let of_it = |one: &&VaultCredential| one.profile == credential.profile && one.uid != credential.uid;
    let known = flow.instance().agents.iter().find(|one| one.id == agent.id);
    let stays = match credential.agent {
        // Its own value stays with it.
        None => flow
            .credentials()
            .filter(of_it)
            .any(|one| known.is_some_and(|known| one.agent == Some(known.uid))),
        Some(whose) if known.is_some_and(|known| known.uid == whose) => {
            // It gets what all share.
            flow.credentials().filter(of_it).any(|one| one.agent.is_none())
        }
        Some(_) => true,
    };
    let other = |one: &Candidate| {
        matches!(one.standing, Standing::First | Standing::Later)
            && one.profile.as_ref() != Some(&credential.profile)
    };
    !stays && !agent.candidates.get(&credential.provider).is_some_and(|all| all.iter().any(other))
}
