//! What stands in damaged rows, as far as it can be read, and the earlier states that are likely.

use crate::load::{self, STATES};
use crate::repair::{Shown, raw::Raw};
use crate::session::Row;
use keyshoal_core::vault::{
    CredentialUid, VaultAgent, VaultCredential, VaultInstance, VaultVersion, VersionState,
};
use keyshoal_core::{CredentialKind, ProfileId, ProviderId};
use std::collections::BTreeMap;

/// What stands there, as far as it can be read.
pub(super) struct Standing {
    pub(super) instance: VaultInstance,
    /// The name that the history has for it.
    name: Option<String>,
}

impl Standing {
    pub(super) fn of(raw: &Raw, organisation: &str, shown: Option<&Shown<'_>>, name: Option<String>) -> Self {
        let own = raw.own.as_ref();
        let text = |at: usize| own.and_then(|row| row.maybe_string(at).ok().flatten());
        let here = shown.map(|shown| &shown.instance);
        let mut agents: Vec<(i64, VaultAgent)> = raw
            .agents
            .iter()
            .filter(|row| is_own(raw, row, 8) || here.is_some_and(|here| in_roster(here, row)))
            .filter_map(|row| Some((row.integer(1).ok()?, load::agent(row).ok()?)))
            .collect();
        agents.sort_by_key(|(place, _)| *place);
        let bindings = raw.bindings.iter().filter(|row| is_own(raw, row, 4));
        let parsed = own.and_then(|row| {
            Some((
                row.json(6).ok()?,
                row.json(7).ok()?,
                load::from_word(&load::DELIVERIES, row.text(5).ok()?).ok()?,
            ))
        });
        let (models, order, delivery) = parsed.unwrap_or_else(|| {
            here.map(|here| (here.models.clone(), here.order.clone(), here.delivery)).unwrap_or_default()
        });
        let instance = VaultInstance {
            id: raw.id.clone(),
            organisation: organisation.to_owned(),
            name: text(2)
                .or_else(|| name.clone())
                .or_else(|| here.map(|here| here.name.clone()))
                .unwrap_or_default(),
            state_dir: text(3),
            config: text(4),
            delivery,
            models,
            order,
            agents: agents.into_iter().map(|(_, agent)| agent).collect(),
            bindings: bindings.filter_map(|row| load::binding(row).ok()).collect(),
            credentials: credentials(raw),
            channels: Vec::new(),
            revision: own.and_then(|row| row.counted(8).ok()).unwrap_or_default(),
        };
        Self { instance, name }
    }

    /// Returns earlier states that are likely: each part as it stands, or as it is confirmed.
    pub(super) fn variants(&self, confirmed: Option<&VaultInstance>) -> Vec<VaultInstance> {
        let mut all = vec![self.instance.clone()];
        if let Some(name) = &self.name {
            let named: Vec<_> =
                all.iter().map(|one| VaultInstance { name: name.clone(), ..one.clone() }).collect();
            all.extend(named);
        }
        let Some(other) = confirmed else { return all };
        let parts: [fn(&mut VaultInstance, &VaultInstance); 5] = [
            |one, other| {
                one.state_dir.clone_from(&other.state_dir);
                one.config.clone_from(&other.config);
                one.delivery = other.delivery;
                one.models.clone_from(&other.models);
            },
            |one, other| one.order.clone_from(&other.order),
            |one, other| one.agents.clone_from(&other.agents),
            |one, other| one.bindings.clone_from(&other.bindings),
            |one, other| one.credentials.clone_from(&other.credentials),
        ];
        for part in parts {
            let mut more = all.clone();
            more.iter_mut().for_each(|one| part(one, other));
            all.extend(more);
        }
        all.dedup();
        all
    }
}

fn is_own(raw: &Raw, row: &Row, instance: usize) -> bool {
    row.text(instance).ok() == Some(raw.id.as_str())
}

/// Tells whether a row that belongs to nobody may be one of the roster's.
fn in_roster(here: &VaultInstance, row: &Row) -> bool {
    row.text(2).is_ok_and(|id| here.agents.iter().any(|agent| agent.id.as_str() == id))
}

/// Every credential of which something stands there: its row, or a version that opens as one of this instance.
fn credentials(raw: &Raw) -> Vec<VaultCredential> {
    let mut versions: BTreeMap<uuid::Uuid, Vec<VaultVersion>> = BTreeMap::new();
    for row in &raw.versions {
        if let (Ok(uid), Some(version)) = (row.uid(0), version(row)) {
            versions.entry(uid).or_default().push(version);
        }
    }
    let mut all: Vec<(i64, VaultCredential)> = Vec::new();
    for row in &raw.credentials {
        let Ok(uid) = row.uid(0) else { continue };
        let owner = row
            .maybe_text(5)
            .ok()
            .flatten()
            .map(|_| keyshoal_core::vault::AgentUid(row.uid(5).unwrap_or_default()));
        let text = |at: usize| row.string(at).unwrap_or_default();
        let one = VaultCredential {
            uid: CredentialUid(uid),
            profile: ProfileId::new(text(2)),
            provider: ProviderId::new(text(3)),
            kind: CredentialKind::parse(&text(4)),
            agent: owner,
            versions: versions.remove(&uid).unwrap_or_default(),
        };
        // What has no versions says nothing.
        all.push((row.integer(1).unwrap_or(i64::MAX), one));
    }
    all.sort_by_key(|(place, _)| *place);
    let mut all: Vec<VaultCredential> = all.into_iter().map(|(_, one)| one).collect();
    // Versions whose credential is gone: whose they were shows by what they hold.
    all.extend(versions.into_iter().map(|(uid, versions)| VaultCredential {
        uid: CredentialUid(uid),
        profile: ProfileId::new(""),
        provider: ProviderId::new(""),
        kind: CredentialKind::parse(""),
        agent: None,
        versions,
    }));
    all
}

fn version(row: &Row) -> Option<VaultVersion> {
    Some(VaultVersion {
        number: row.counted(1).ok()?,
        state: row
            .text(2)
            .ok()
            .and_then(|word| load::from_word(&STATES, word).ok())
            .unwrap_or(VersionState::Retired),
        created: row.time(3).ok()?,
        since: row.time(4).or_else(|_| row.time(3)).ok()?,
        by: row.string(5).unwrap_or_default(),
        why: row.maybe_string(6).ok().flatten(),
        expires: row.maybe_time(7).ok().flatten(),
    })
}
