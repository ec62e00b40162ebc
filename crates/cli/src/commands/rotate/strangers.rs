//! What somebody else has put where a rotation would bring a value: a person decides about it, and no rotation writes over it.

use super::bound::Bound;
use super::show;
use crate::commands::flow::Flow;
use crate::commands::shared;
use crate::error::CommandError;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_core::{AgentId, Finding, Fingerprint, ProfileId, StoreId};
use keyshoal_engine::rotate::{Strange, found, strange};
use keyshoal_engine::{AskPolicy, Look, LookOptions};

/// Looks, and asks nobody.
pub fn look(ui: &mut Ui, flow: &Flow<'_>) -> Result<Look, CommandError> {
    let offline = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
    shared::look(ui, &flow.installation, &offline)
}

/// Returns what stands there and stays, but for the values that the rotation itself is about.
pub fn of(
    instance: &VaultInstance,
    credential: &VaultCredential,
    look: &Look,
    its_own: &[Option<Fingerprint>],
) -> Vec<Strange> {
    let agent = instance.agents.iter().find(|agent| Some(agent.uid) == credential.agent);
    let mut all = strange(look, &credential.profile, agent.map(|agent| &agent.id));
    all.retain(|one| !its_own.contains(&Some(one.value)));
    all
}

/// Returns a line for each in a plan.
pub fn lines(profile: &ProfileId, all: &[Strange]) -> Vec<Text> {
    let line = |one: &Strange| {
        let names: Vec<&str> = one.agents.iter().map(AgentId::as_str).collect();
        Text::toned(Tone::Doubt, "  ? left as it is: ").plain(format!(
            "{} with {}, which somebody else has put there ({})",
            names.join(", "),
            one.value,
            one.way_in(profile)
        ))
    };
    all.iter().map(line).collect()
}

/// What stands in the stores beside what a way back, or forward again, leads to.
pub struct There {
    /// What somebody else has put there, which stays.
    pub strange: Vec<Strange>,
    /// What needs attention, where nothing is brought to anybody: what is only given up in the vault says nothing of the stores.
    pub found: Vec<Finding>,
}

/// Looks for it, and tells of it where that is not said later.
pub fn tell(
    ui: &mut Ui,
    flow: &Flow<'_>,
    credential: &VaultCredential,
    bound: &Bound,
    its_own: &[Option<Fingerprint>],
    dry_run: bool,
) -> Result<There, CommandError> {
    let look = look(ui, flow)?;
    let (instance, profile) = (flow.instance(), &credential.profile);
    let agent = instance.agents.iter().find(|agent| Some(agent.uid) == credential.agent);
    let strange = of(instance, credential, &look, its_own);
    let (lines, found) = match bound.to {
        Some(_) => (lines(profile, &strange), Vec::new()),
        None => {
            let found = found(&look, profile, agent.map(|agent| &agent.id));
            (if dry_run { show::found_lines(&found, ui.width()) } else { Vec::new() }, found)
        }
    };
    lines.iter().for_each(|line| ui.say(line));
    Ok(There { strange, found })
}

/// Refuses where such a value stands where the new one would go: nobody who has it from there would get that. The `place` says in which of
/// several instances that is, and `under_way` by which command a rotation is given up that has begun.
pub fn refuse(
    instance: &VaultInstance,
    credential: &VaultCredential,
    look: &Look,
    new: Fingerprint,
    place: &str,
    under_way: Option<&str>,
) -> Result<(), CommandError> {
    let profile = &credential.profile;
    let all = of(instance, credential, look, &[Some(new)]).into_iter();
    // What an agent has in a store of its own holds up nobody else.
    let mut meant = all.filter(|one| one.place == StoreId::Base || credential.agent.is_some());
    let Some(found) = meant.next() else { return Ok(()) };
    let names: Vec<&str> = found.agents.iter().map(AgentId::as_str).collect();
    let error = CommandError::user(format!(
        "{place}{} would not get the new value: what stands there is {}, which is not what the vault has of {profile}; nothing was changed",
        names.join(", "),
        found.value
    ));
    let way_in = found.way_in(profile);
    let error = error.hint(match under_way {
        Some(command) => {
            format!("{command} --rollback   gives the rotation up, and leaves that value; then {way_in}")
        }
        None => way_in,
    });
    Err(error.hint(match &found.place {
        StoreId::Base => {
            format!("keyshoal sync --profile {profile} --include foreign   brings the vault's value there instead")
        }
        StoreId::Agent(agent) => {
            format!("keyshoal replace {agent} {profile}   and keyshoal sync   bring the vault's value there instead")
        }
    }))
}
