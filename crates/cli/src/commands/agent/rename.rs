//! Giving an agent another id: it keeps everything that the vault has for it.

use crate::commands::Context;
use crate::commands::flow::{self, Flow, FlowArgs};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::holdings::{self, RENAMES};
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::judge::sign_in;
use keyshoal_core::vault::{VaultAgent, VaultInstance};
use keyshoal_core::{
    AgentId, AgentView, CredentialKind, Observation, ProviderId, Secret, StepState, StoreId,
};
use keyshoal_engine::Outcome as Ended;
use keyshoal_engine::ports::Observe as _;
use keyshoal_vault::{Change, ENTRIES};
use std::path::Path;

/// Renames it in the vault and the config, gives it its credentials under the new id, and moves what stands under the old one aside.
pub fn rename(
    ui: &mut Ui,
    context: &Context<'_>,
    agent: &str,
    to: &str,
    how: &FlowArgs,
) -> Result<Outcome, CommandError> {
    let flow = flow::begin(ui, context, how)?;
    let found = flow.agent(agent)?.clone();
    let id = super::new_id(to, |id| format!("keyshoal agent rename {agent} {id}"))?;
    let mut renames = match flow.document(RENAMES)? {
        Some(text) => holdings::renames(&text)?,
        None => std::collections::BTreeMap::new(),
    };
    // It may have been renamed before, and the config does not know that yet.
    let observed = flow.installation.observe()?;
    let is_there = observed.agent(&found.id).is_some();
    require_all_known(&flow, &observed, &found.id)?;
    let old: AgentId = renames.remove(&found.id).filter(|_| !is_there).unwrap_or_else(|| found.id.clone());
    renames.insert(id.clone(), old.clone());
    let text = serde_json::to_string(&renames).map_err(|error| CommandError::internal(error.to_string()))?;
    let mut changes = vec![
        Change::RenameAgent { agent: found.uid, id: id.clone() },
        Change::PutDocument { name: RENAMES.to_owned(), value: Secret::new(text) },
    ];
    let kept = format!("{ENTRIES}{}", found.id);
    if let Some(entry) = flow.document(&kept)?.filter(|_| !found.enabled && id != found.id) {
        changes.push(Change::PutDocument { name: format!("{ENTRIES}{id}"), value: entry });
        changes.push(Change::RemoveDocument(kept));
    }
    flow.require(&changes)?;
    ui.say(&renaming(flow.instance(), &found, &id));
    let logins = logins_left(&flow, &observed, &found.id);
    if let (Some((logins, provider)), Some(agent)) = (&logins, observed.agent(&found.id)) {
        let new = AgentView { id: id.clone(), ..agent.clone() };
        ui.warn(&format!(
            "{logins}, a login of its own, does not go over: a login is never copied. It stays with what stands under {}, and {id} has none: \
             {}",
            found.id,
            sign_in(&observed.capabilities, &new, provider)
        ));
    }
    changes.extend(super::workspace::pinned(ui, &flow, &found)?);
    if let Some(sessions) = flow.installation.sessions_of(&found.id) {
        ui.say(&Text::of(format!(
            "its sessions stay in {}: OpenClaw begins new ones for {id}",
            sessions.display()
        )));
    }
    if (how.dry_run || !how.yes) && flow.installation.may_be_open(&observed, old.as_str()) {
        ui.say(&Text::of(format!(
            "what else stands under {old} stays there: a gateway may have its database open; keyshoal quarantine {old}   moves it aside once \
             that is stopped"
        )));
    }
    let (flow, report) = flow.run(ui, "agent", changes)?;
    let outcome = flow.show(ui, "agent", &report)?;
    // Somebody may have renamed it in the config before.
    let by_hand = !is_there && observed.agent(&id).is_some() && !how.dry_run;
    let is_agreed = matches!(report.outcome, Ended::NothingToDo | Ended::Done);
    let is_renamed = matches!(report.config, Some(StepState::Done)) || by_hand && is_agreed;
    if !is_renamed {
        return Ok(outcome);
    }
    if flow.installation.has_directory_of(old.as_str()) {
        match flow.installation.set_aside(old.as_str()) {
            Ok(moved) => {
                let with = logins.map_or_else(String::new, |(logins, _)| format!(", with {logins}"));
                ui.say(&Text::of(format!(
                    "{} is in {} now{with}; keyshoal quarantine --undo {old} moves it back",
                    moved.from, moved.to
                )));
            }
            Err(error) => {
                let way = error
                    .hint
                    .map_or_else(String::new, |hint| format!("; {hint} (keyshoal quarantine {old})"));
                let what =
                    format!("what else stands under {old} could not be moved aside: {}{way}", error.message);
                ui.say(&Text::toned(Tone::Doubt, "! ").plain(what));
            }
        }
    }
    Ok(outcome)
}

/// Refuses where the agent's own store holds what the vault has never had: under its new id the agent would send what all share.
fn require_all_known(flow: &Flow<'_>, observed: &Observation, id: &AgentId) -> Result<(), CommandError> {
    let Some(wish) = flow.installation.wish()? else { return Ok(()) };
    let own = observed.agent(id).filter(|agent| agent.store != StoreId::Base);
    let store = own.and_then(|agent| observed.store(&agent.store));
    let unknown = store.into_iter().flat_map(|store| &store.profiles).find(|(profile, view)| {
        let held = view.material.fingerprint().filter(|_| view.kind != CredentialKind::OAuth);
        held.is_some_and(|held| !wish.has_had(profile, held))
    });
    match unknown {
        None => Ok(()),
        Some((profile, _)) => Err(CommandError::user(format!(
            "{id} has a {profile} of its own that the vault does not have, and would be without it under another id; nothing was changed"
        ))
        .hint(format!("keyshoal credential adopt {id} {profile}   takes it into the vault; then this again"))
        .hint(format!("keyshoal replace {id} {profile}, keyshoal sync   give it what all share"))),
    }
}

/// Names the logins that stand in the agent's own store and stay there. One whose place the config names (`agentDir`) keeps that.
fn logins_left(flow: &Flow<'_>, observed: &Observation, id: &AgentId) -> Option<(String, ProviderId)> {
    let agent = observed.agent(id).filter(|agent| agent.store != StoreId::Base)?;
    let usual = flow.installation.state_dir().join("agents").join(id.as_str()).join("agent");
    if Path::new(&agent.agent_dir) != usual {
        return None;
    }
    let own = observed.store(&agent.store)?.profiles.iter();
    let logins: Vec<_> = own.filter(|(_, view)| view.kind == CredentialKind::OAuth).collect();
    let names: Vec<&str> = logins.iter().map(|(profile, _)| profile.as_str()).collect();
    let (_, first) = logins.first()?;
    Some((names.join(", "), first.provider.clone()))
}

/// Says what a rename keeps: the plan below it shows the same as what goes under one id and comes under the other.
fn renaming(instance: &VaultInstance, agent: &VaultAgent, to: &AgentId) -> Text {
    let own = flow::credentials_of(instance).filter(|one| one.agent == Some(agent.uid));
    let own = own.filter(|one| one.kind != CredentialKind::OAuth);
    let own: Vec<&str> = own.map(|one| one.profile.as_str()).collect();
    let keys = match own.as_slice() {
        [] => "what all share".to_owned(),
        own => format!("its own {}", own.join(", ")),
    };
    Text::toned(Tone::Strong, format!("{} becomes {to}", agent.id)).plain(format!(
        ": it keeps its credentials ({keys}), models and bindings; they go over to the new id"
    ))
}
