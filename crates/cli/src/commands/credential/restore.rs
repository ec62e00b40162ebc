//! `keyshoal credential restore`: a value that is retired, and that the vault still has, becomes the present one again.

use super::{entry, value};
use crate::commands::flow::{self, Flow, FlowArgs};
use crate::commands::rotate;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::vault::{CredentialUid, Origin, VaultAgent, VaultCredential, VaultVersion, VersionState};
use keyshoal_core::{AgentId, CredentialKind, ProfileId, Secret};
use keyshoal_openclaw::store::{StoredProfile, StoredSecret};
use keyshoal_vault::{Change, KEPT_DAYS, NewCredential};
use std::collections::BTreeMap;

/// Returns the command that does it.
pub fn command(profile: &ProfileId, agent: Option<&AgentId>) -> String {
    let whose = agent.map(|agent| format!(" --agent {agent}")).unwrap_or_default();
    format!("keyshoal credential restore {profile}{whose}")
}

/// Says what becomes of a value that is retired.
pub fn kept(profile: &ProfileId, agent: Option<&AgentId>) -> String {
    format!("the vault keeps it for {KEPT_DAYS} days: {}   brings it back", command(profile, agent))
}

/// Makes an earlier value the present one again: as a version of its own, which is as old as the value.
pub fn restore(
    ui: &mut Ui,
    flow: Flow<'_>,
    how: &FlowArgs,
    name: &str,
    agent: Option<&str>,
    wanted: Option<u32>,
) -> Result<Outcome, CommandError> {
    let agent = agent.map(|agent| flow.agent(agent).cloned()).transpose()?;
    let credential = had(&flow, name, agent.as_ref())?;
    let credential = credential.ok_or_else(|| flow.no_credential(name, agent.as_ref()))?;
    let profile = credential.profile.clone();
    let live = credential.current().is_some();
    if live {
        rotate::refuse_half_done(&flow.held, &credential)?;
    }
    let (version, secret, entry) = chosen(&flow, &credential, wanted, agent.as_ref())?;
    let print = flow.installation.held_prints().get(&(credential.uid, version.number)).copied();
    let shown = print.map_or_else(String::new, |print| format!(" ({print})"));
    let why = version.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    ui.say(&Text::toned(Tone::Strong, profile.as_str()).plain(format!(
        ": version {}{shown} again, which {} gave on {}{why}",
        version.number,
        version.by,
        version.created.strftime("%Y-%m-%d")
    )));
    match secret {
        StoredSecret::Inline(secret) => {
            let (provider, kind) = (&credential.provider, &credential.kind);
            value::try_it(ui, &flow, &secret, provider, kind, agent.as_ref(), flow::asks(how))?;
        }
        _ => ui.say(&Text::of("it is a reference of your own, so its provider was not asked")),
    }
    let changes = match live {
        true => vec![
            Change::Restage { credential: credential.uid, number: version.number, value: entry },
            Change::Publish(credential.uid),
        ],
        false => vec![Change::PutCredential(NewCredential {
            uid: CredentialUid(uuid::Uuid::new_v4()),
            profile,
            provider: credential.provider,
            kind: credential.kind,
            agent: credential.agent,
            value: entry,
            expires: version.expires,
            origin: Some(Origin {
                created: version.created,
                by: flow.author().by.clone(),
                why: flow.author().why.clone().or_else(|| Some("back after it was removed".to_owned())),
            }),
        })],
    };
    flow.go(ui, "credential", changes)
}

/// Finds a credential by its profile or provider, also one that was removed: then the one that was last.
pub fn had(
    flow: &Flow<'_>,
    name: &str,
    agent: Option<&VaultAgent>,
) -> Result<Option<VaultCredential>, CommandError> {
    if let Some(live) = flow.credential(name, agent)? {
        return Ok(Some(live.clone()));
    }
    let whose = agent.map(|agent| agent.uid);
    let all = flow.instance().credentials.iter().filter(|one| one.agent == whose);
    let exact = all.clone().filter(|one| one.profile.as_str() == name);
    let over = |one: &&VaultCredential| one.versions.iter().map(|version| version.since).max();
    if let Some(found) = exact.max_by_key(over) {
        return Ok(Some(found.clone()));
    }
    let mut by_profile: BTreeMap<&ProfileId, &VaultCredential> = BTreeMap::new();
    for one in all.filter(|one| one.provider.as_str() == name) {
        let known = by_profile.entry(&one.profile).or_insert(one);
        if over(&one) > over(&*known) {
            *known = one;
        }
    }
    match by_profile.len() {
        0 | 1 => Ok(by_profile.into_values().next().cloned()),
        _ => {
            let names: Vec<&str> = by_profile.keys().map(|profile| profile.as_str()).collect();
            Err(CommandError::user(format!("{name} had several profiles: {}; name one", names.join(", "))))
        }
    }
}

/// Returns the version that is named, or the one that was in use last beside the present value, with what it holds.
fn chosen(
    flow: &Flow<'_>,
    credential: &VaultCredential,
    wanted: Option<u32>,
    agent: Option<&VaultAgent>,
) -> Result<(VaultVersion, StoredSecret, Secret), CommandError> {
    let profile = &credential.profile;
    let whose = agent.map(|agent| format!(" --agent {}", agent.id)).unwrap_or_default();
    let list = format!("keyshoal credential show {profile}{whose}   lists what the vault has");
    let values = flow.held.vault.values(&flow.instance().id)?;
    let of_it: BTreeMap<u32, Secret> = values
        .into_iter()
        .filter(|one| one.credential == credential.uid)
        .map(|one| (one.number, one.value))
        .collect();
    let current = credential.current().and_then(|version| of_it.get(&version.number));
    let earlier = credential.versions.iter().filter(|version| {
        let differs = |value| !entry::is_same(profile, current, value);
        matches!(version.state, VersionState::Previous | VersionState::Retired)
            && of_it.get(&version.number).is_some_and(differs)
    });
    let found = match wanted {
        Some(number) => {
            let present = credential.current().is_some_and(|version| version.number == number);
            earlier.clone().find(|version| version.number == number).ok_or_else(|| {
                let why = match present || of_it.contains_key(&number) {
                    true => format!("version {number} of {profile} is the present value, or a staged one"),
                    false => format!(
                        "the vault has no version {number} of {profile}: what is retired is forgotten after {KEPT_DAYS} days"
                    ),
                };
                CommandError::user(why).hint(list.clone())
            })?
        }
        None => earlier
            .max_by_key(|version| (version.state == VersionState::Previous, version.since, version.number))
            .ok_or_else(|| {
                CommandError::user(format!(
                    "the vault has no earlier value of {profile}: there was none, or it was retired more than {KEPT_DAYS} days ago"
                ))
                .hint(list)
                .hint(format!("keyshoal rotate {profile}{whose}   takes a value that you have"))
            })?,
    };
    let value = of_it.get(&found.number).cloned();
    let value = value.ok_or_else(|| CommandError::internal("the vault has a version without a value"))?;
    let stored = StoredProfile::parse(profile, &value)
        .map_err(|why| CommandError::user(format!("version {} is no entry: {why}", found.number)))?;
    if stored.kind == CredentialKind::OAuth {
        return Err(CommandError::user(format!(
            "{profile} is a login, which has one owner: the program itself"
        )));
    }
    Ok((found.clone(), stored.secret, value))
}
