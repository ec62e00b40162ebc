//! What an import would make of a payload. It is decided here, purely, shown, and only then done by whoever has the vault.

mod asks;
mod config;
mod decide;
mod logins;
mod plan;
mod told;

pub use asks::{Asked, asks};
pub use logins::{MovedLogin, Moving};
pub use plan::{
    Choice, Conflict, DropReason, Dropped, ImportPlan, PlannedCredential, Question, QuestionReason, Setting,
};

use crate::manifest::Named;
use crate::payload::Payload;
use keyshoal_core::vault::{AgentUid, VaultAgent, VaultBinding, VaultInstance};
use keyshoal_core::{AgentId, Fingerprint, Fingerprints, ProfileId, ProviderId, StoreId, VerdictKind};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is known beside the payload.
pub struct Facts<'a> {
    /// What the instance shall be called.
    pub name: &'a str,
    /// Whose it shall be.
    pub organisation: &'a str,
    /// What the vault has of that organisation already.
    pub existing: &'a [VaultInstance],
    /// What providers said about values.
    pub verdicts: &'a BTreeMap<Fingerprint, VerdictKind>,
    /// What a person answered to [`ImportPlan::questions`] of an earlier preview.
    pub answers: &'a BTreeMap<(ProfileId, Fingerprint), Choice>,
    /// The key of fingerprints, the same as for the verdicts and the answers.
    pub prints: &'a dyn Fingerprints,
    /// Whether the installation goes on where it is, with its config as it is.
    pub in_place: bool,
}

/// Decides what would become of a payload that was read or gathered. `new_uid` is asked for an id for every agent, in the roster's order,
/// and then for every credential.
///
/// What the base store has of a profile is shared. An agent's own value that differs is: dropped, where its provider rejects it and
/// accepts the shared one; an override, where its provider accepts it; else a question, which left alone keeps it as an override. So every
/// value of the payload is in the plan: shared, an override, dropped with the reason, or in a question.
pub fn preview(payload: &Payload, facts: &Facts<'_>, new_uid: &mut dyn FnMut() -> Uuid) -> ImportPlan {
    let manifest = &payload.manifest;
    let agents: Vec<VaultAgent> = manifest
        .agents
        .iter()
        .map(|agent| VaultAgent {
            uid: AgentUid(new_uid()),
            id: agent.id.clone(),
            name: agent.name.clone(),
            enabled: agent.enabled,
            default: agent.default,
            models: agent.models.clone(),
            workspace: agent.workspace.clone(),
        })
        .collect();
    let uids: BTreeMap<&AgentId, AgentUid> = agents.iter().map(|agent| (&agent.id, agent.uid)).collect();
    let bindings = manifest.bindings.iter().filter(|binding| binding.is_route()).filter_map(|binding| {
        Some(VaultBinding {
            agent: *uids.get(&binding.agent)?,
            matching: binding.matching.clone(),
            comment: binding.comment.clone(),
        })
    });
    let settings = |all: &[Named]| {
        let one = |named: &Named| {
            Some(Setting { name: named.name.clone(), value: payload.value(named.value)?.clone() })
        };
        all.iter().filter_map(one).collect::<Vec<_>>()
    };
    let bindings = bindings.collect();
    let config = config::settle(payload, facts.in_place);
    let decided = decide::credentials(payload, facts, &uids, new_uid);
    let mut plan = ImportPlan {
        name: facts.name.to_owned(),
        organisation: facts.organisation.to_owned(),
        source: manifest.source.clone(),
        models: manifest.models.clone(),
        bindings,
        channels: settings(&manifest.channels),
        providers: settings(&manifest.providers),
        variables: settings(&manifest.variables),
        config: config.text,
        included: config.included,
        credentials: decided.credentials,
        dropped: decided.dropped,
        questions: decided.questions,
        order: order(payload),
        files: manifest.files,
        stays: manifest.stays.clone(),
        left_out: manifest.left_out.clone(),
        delivery: manifest.delivery,
        logins: manifest.logins,
        entries: settings(&manifest.entries),
        conflicts: conflicts(payload, facts).into_iter().chain(config.refused).collect(),
        warnings: Vec::new(),
        agents,
    };
    plan.warnings = told::warnings(payload, &plan, facts.in_place);
    plan.warnings.extend(config.words);
    plan
}

/// The base store's order goes before the config's, as in the program.
fn order(payload: &Payload) -> Vec<(ProviderId, Vec<ProfileId>)> {
    let mut order: BTreeMap<ProviderId, Vec<ProfileId>> = BTreeMap::new();
    for store in [None, Some(StoreId::Base)] {
        for one in payload.manifest.order.iter().filter(|one| one.store == store) {
            order.insert(one.provider.clone(), one.profiles.clone());
        }
    }
    order.into_iter().collect()
}

fn conflicts(payload: &Payload, facts: &Facts<'_>) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for known in facts.existing.iter().filter(|known| known.organisation == facts.organisation) {
        if known.name == facts.name {
            conflicts.push(Conflict::NameTaken { name: known.name.clone() });
        }
    }
    for known in facts.existing {
        if payload.manifest.source.instance.as_ref() == Some(&known.id) {
            conflicts.push(Conflict::SameInstance { id: known.id.clone(), name: known.name.clone() });
        }
    }
    conflicts
}
