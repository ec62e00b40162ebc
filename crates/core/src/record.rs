//! What is kept of a look: enough to tell later what was before and what after, without any secret.

use crate::{
    AgentId, CredentialKind, FindingKind, Judgement, Layout, Observation, ProfileId, ProviderId, Standing,
    StoreHealth, StoreId, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One look, for the memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookRecord {
    /// The layout.
    pub layout: Layout,
    /// OpenClaw's version, where it is known.
    pub version: Option<String>,
    /// When the running gateway was started; `None` where none runs, or nobody knows.
    pub gateway_since: Option<Timestamp>,
    /// Every store, by its name (`base`, or the agent's id after `agent:`).
    pub stores: BTreeMap<String, StoreRecord>,
    /// What each agent sends first, per provider, by its fingerprint as it is shown.
    pub sends: BTreeMap<AgentId, BTreeMap<ProviderId, Option<String>>>,
    /// What was not fine.
    pub findings: Vec<(Option<AgentId>, Option<ProfileId>, FindingKind)>,
    /// How far the program's log went, at the first look and at the newest that saw this; `None` where there was none.
    #[serde(default)]
    pub log: Option<LogSpan>,
}

/// How far a log went between two looks that saw the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSpan {
    /// At the first of them.
    pub first: LogPlace,
    /// At the newest of them.
    pub last: LogPlace,
}

/// A place in the program's log: the end of the file at a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogPlace {
    /// The file.
    pub path: String,
    /// Which file it really was: another one may take its name.
    pub inode: u64,
    /// Its length, in bytes.
    pub size: u64,
    /// Whether it is this installation's alone.
    pub own: bool,
}

/// One store of a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRecord {
    /// Its file or database.
    pub path: String,
    /// When it was last changed. Not a difference by itself: the program writes there with every use.
    pub modified: Option<Timestamp>,
    /// Why it could not be read, if so.
    pub unreadable: Option<String>,
    /// Its profiles: type, and the value's fingerprint as it is shown.
    pub profiles: BTreeMap<ProfileId, (CredentialKind, Option<String>)>,
    /// Its own order, per provider.
    pub order: BTreeMap<ProviderId, Vec<ProfileId>>,
    /// OpenClaw's words for the marks that hold profiles back.
    pub marks: BTreeMap<ProfileId, String>,
}

impl LookRecord {
    /// Takes it from what was seen and judged.
    pub fn of(observed: &Observation, judgement: &Judgement) -> Self {
        let sends = |agent: &crate::AgentView| {
            let first = |candidates: &Vec<crate::Candidate>| {
                candidates
                    .iter()
                    .find(|one| one.standing == Standing::First)?
                    .material
                    .fingerprint()
                    .map(|print| print.short())
            };
            agent.candidates.iter().map(|(provider, all)| (provider.clone(), first(all))).collect()
        };
        let not_fine = judgement.findings.iter().filter(|one| one.severity != crate::Severity::Fine);
        Self {
            layout: observed.instance.layout,
            version: observed.instance.openclaw_version.clone(),
            gateway_since: observed
                .instance
                .gateway
                .started
                .filter(|_| observed.instance.gateway.running == Some(true)),
            stores: observed.stores.iter().map(|(id, store)| (name(id), StoreRecord::of(store))).collect(),
            sends: observed.agents.iter().map(|agent| (agent.id.clone(), sends(agent))).collect(),
            findings: not_fine.map(|one| (one.agent.clone(), one.profile.clone(), one.finding)).collect(),
            log: None,
        }
    }

    /// Says how far the program's log goes now.
    #[must_use]
    pub fn with_log(self, now: Option<LogPlace>) -> Self {
        Self { log: now.map(|now| LogSpan { first: now.clone(), last: now }), ..self }
    }

    /// Goes on from an earlier record that says the same: the log began where it did then.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        if let (Some(log), Some(before)) = (&mut self.log, &earlier.log) {
            log.first = before.first.clone();
        }
        self
    }

    /// Returns the record without what changes by mere use: two that are equal so say the same.
    pub fn essence(&self) -> Self {
        let mut essence = self.clone();
        for store in essence.stores.values_mut() {
            store.modified = None;
        }
        essence.log = None;
        essence
    }
}

impl StoreRecord {
    fn of(store: &crate::StoreView) -> Self {
        let marks = store.usage.iter().filter_map(|(profile, usage)| {
            let (_, why) = usage.disabled.as_ref().or(usage.cooldown.as_ref())?;
            Some((profile.clone(), why.clone()))
        });
        Self {
            path: store.path.clone(),
            modified: store.modified,
            unreadable: match &store.health {
                StoreHealth::Unreadable(why) => Some(why.clone()),
                StoreHealth::NewerSchema { found, .. } => Some(format!("its schema is {found}")),
                StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => None,
            },
            profiles: store
                .profiles
                .iter()
                .map(|(id, view)| {
                    (id.clone(), (view.kind.clone(), view.material.fingerprint().map(|print| print.short())))
                })
                .collect(),
            order: store.order.clone(),
            marks: marks.collect(),
        }
    }
}

fn name(store: &StoreId) -> String {
    match store {
        StoreId::Base => "base".to_owned(),
        StoreId::Agent(agent) => format!("agent:{agent}"),
    }
}
