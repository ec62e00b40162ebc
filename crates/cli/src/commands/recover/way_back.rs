//! Which command takes back in the vault what a run was to bring to the stores.

use crate::commands::rotate::with_others;
use crate::error::CommandError;
use crate::root::holdings::Held;
use keyshoal_core::vault::{Delivery, VaultCredential, VersionState};
use keyshoal_core::{AgentId, ProfileId};
use keyshoal_local::RunDetail;

const RELEASE: &str = "keyshoal instance release   goes on without the vault, if it or its key is lost for good; then keyshoal recover goes by the run's journal";

/// Names it, as far as that is known without the vault. One line each.
pub fn way_back(run: &RunDetail, held: Option<&Held>) -> Result<Vec<String>, CommandError> {
    match held {
        Some(held) => Ok(vec![known(run, held)?]),
        None => Ok(vec![unheard(run), RELEASE.to_owned()]),
    }
}

fn known(run: &RunDetail, held: &Held) -> Result<String, CommandError> {
    match run.summary.command.as_str() {
        "rotate" => {
            let open = held.vault.open_rotations(&held.instance.id)?.into_iter();
            // What moved last before this run is what it was for: others may wait for their grace time.
            let open = open.filter(|one| one.updated <= run.summary.begun);
            let open = open.max_by_key(|one| one.updated);
            let rotating = open.as_ref().map(|one| one.credential);
            let credential = held.instance.credentials.iter().find(|one| Some(one.uid) == rotating);
            let place = credential.or_else(|| changed(run, held)).and_then(|one| place(held, one));
            let Some((profile, agent)) = place else { return Ok(opposite("rotate")) };
            let others = open.as_ref().map_or("", with_others);
            Ok(format!("{}{others}", rolled_back(profile, agent)))
        }
        "credential" => {
            let changed = changed(run, held);
            let named = changed.and_then(|one| Some((one, place(held, one)?)));
            let Some((credential, place)) = named else { return Ok(opposite("credential")) };
            let before = credential.versions.iter().any(|one| one.state == VersionState::Previous);
            Ok(match (place, before) {
                ((profile, None), _) if credential.current().is_none() => {
                    format!(
                        "keyshoal credential set {profile}   gives it to all again, with a value that you have"
                    )
                }
                ((profile, Some(agent)), _) if credential.current().is_none() => format!(
                    "keyshoal credential override {agent} {profile}   gives it to {agent} again, with a value that you have"
                ),
                ((profile, agent), true) => rolled_back(profile, agent),
                ((profile, None), false) => {
                    format!("keyshoal credential remove {profile}   takes it back from every agent")
                }
                ((profile, Some(agent)), false) => format!(
                    "keyshoal credential override {agent} {profile} --remove   takes it back: {agent} shares what all share"
                ),
            })
        }
        "instance set" => Ok(delivered(match held.instance.delivery {
            Delivery::Refs => "inline",
            Delivery::Inline => "refs",
        })),
        other => Ok(opposite(other)),
    }
}

/// The same where the vault is not open: whose credential it was is in no journal.
fn unheard(run: &RunDetail) -> String {
    let mut profiles = run.steps.iter().map(|step| step.profile.as_str());
    let first = profiles.next().filter(|first| profiles.all(|other| other == *first));
    let back = format!(
        "keyshoal rotate {} --rollback   makes the version before current again; add --agent AGENT for an override",
        first.unwrap_or("PROFILE")
    );
    match run.summary.command.as_str() {
        "rotate" => back,
        "credential" => format!(
            "{back}. What was not there before goes with keyshoal credential remove PROFILE, or keyshoal credential override AGENT PROFILE --remove"
        ),
        "instance set" => delivered("inline|refs"),
        other => opposite(other),
    }
}

fn rolled_back(profile: &ProfileId, agent: Option<&AgentId>) -> String {
    let whose = agent.map(|agent| format!(" --agent {agent}")).unwrap_or_default();
    format!("keyshoal rotate {profile}{whose} --rollback   makes the version before current again")
}

fn delivered(before: &str) -> String {
    format!("keyshoal instance set --delivery {before}   goes back to how values reached the stores before")
}

fn opposite(command: &str) -> String {
    match command {
        "agent" | "model" | "binding" | "credential" | "rotate" => {
            format!(
                "make the opposite change with keyshoal {command}: it goes into the vault, and from there to the stores"
            )
        }
        _ => format!(
            "{command} changed nothing in the vault: to have something else in the stores, change it there, with keyshoal credential, \
             agent, model or binding"
        ),
    }
}

/// Returns the credential that the vault had changed last when a run began: the vault is changed before the stores.
fn changed<'h>(run: &RunDetail, held: &'h Held) -> Option<&'h VaultCredential> {
    let last = |one: &VaultCredential| {
        one.versions.iter().map(|version| version.since).filter(|since| *since <= run.summary.begun).max()
    };
    held.instance.credentials.iter().filter(|one| last(one).is_some()).max_by_key(|one| last(one))
}

/// Returns a credential's profile, and whose override it is. `None` where that agent is in the vault no more.
fn place<'h>(held: &'h Held, of: &'h VaultCredential) -> Option<(&'h ProfileId, Option<&'h AgentId>)> {
    let Some(uid) = of.agent else { return Some((&of.profile, None)) };
    let agent = held.instance.agents.iter().find(|agent| agent.uid == uid)?;
    Some((&of.profile, Some(&agent.id)))
}
