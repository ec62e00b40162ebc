//! The status screen as a value.

use super::rotations::HalfDone;
use super::sends::{Sends, gather};
use crate::root::UnfinishedImport;
use keyshoal_core::observation::{Notice, Orphan};
use keyshoal_core::{
    AgentId, Desired, Finding, FindingKind, Fingerprint, Instance, Knowledge, Observation, ProfileId,
    ProviderId, Severity, StoreId, Timestamp, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that `status` shows.
#[derive(Clone, Debug)]
pub struct StatusView {
    /// When it was looked at.
    pub at: Timestamp,
    /// The installation.
    pub instance: Instance,
    /// Why nothing may be written, if so.
    pub read_only: Option<String>,
    /// One per profile that any agent has, by provider and name.
    pub columns: Vec<Column>,
    /// One per agent, in the roster's order.
    pub rows: Vec<AgentRow>,
    /// What agents send first.
    pub sends: Vec<Sends>,
    /// Everything that is not fine, the worst first.
    pub findings: Vec<Finding>,
    /// Directories that no agent owns.
    pub orphans: Vec<Orphan>,
    /// Further things to know.
    pub notices: Vec<Notice>,
    /// Rotations that are half done.
    pub rotations: Vec<HalfDone>,
    /// An import into the state directory has not ended.
    pub unfinished_import: Option<UnfinishedImport>,
    /// No provider was ever asked about any value here.
    pub never_asked: bool,
}

/// One profile of the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its id.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// The source's value.
    pub source: Option<Fingerprint>,
    /// What its provider last said of that.
    pub verdict: Option<Verdict>,
}

/// One agent and its profiles.
#[derive(Clone, Debug)]
pub struct AgentRow {
    /// Its id.
    pub id: AgentId,
    /// Commands without `--agent` mean this one.
    pub default: bool,
    /// It is enabled.
    pub enabled: bool,
    /// Its profiles.
    pub cells: BTreeMap<ProfileId, Cell>,
    /// It needs attention. That what others inherit of it is rejected is no matter of its own, where none of its models needs it.
    pub wrong: bool,
}

/// One agent's profile.
#[derive(Clone, Debug)]
pub struct Cell {
    /// What matters most about it.
    pub finding: Finding,
    /// What else is to be said about it.
    pub also: Vec<FindingKind>,
    /// The value is the base store's, not a copy of the agent's own.
    pub inherited: bool,
    /// It is what the agent sends first to this provider.
    pub first: bool,
}

impl StatusView {
    /// Arranges what was seen and judged.
    pub fn of(
        observation: &Observation,
        knowledge: &Knowledge,
        desired: &Desired,
        findings: &[Finding],
    ) -> Self {
        let row = |agent: &keyshoal_core::AgentView| AgentRow {
            id: agent.id.clone(),
            default: agent.default,
            enabled: agent.enabled,
            cells: cells(observation, agent, findings),
            wrong: findings.iter().any(|one| is_wrong(agent, one)),
        };
        let mut notable: Vec<Finding> =
            findings.iter().filter(|one| one.severity != Severity::Fine).cloned().collect();
        notable.sort_by_key(|one| std::cmp::Reverse(one.severity));
        Self {
            at: observation.at,
            instance: observation.instance.clone(),
            read_only: observation.capabilities.read_only.clone(),
            columns: columns(observation, knowledge, desired, findings),
            rows: observation.agents.iter().map(row).collect(),
            sends: gather(observation, knowledge, findings),
            findings: notable,
            orphans: observation.orphans.clone(),
            notices: observation.notices.clone(),
            rotations: Vec::new(),
            unfinished_import: None,
            never_asked: knowledge.verdicts.is_empty(),
        }
    }

    /// Returns how many agents are as they should be (deliberate overrides included).
    pub fn in_sync(&self) -> usize {
        self.rows.len() - self.drifted()
    }

    /// Returns how many agents need attention.
    pub fn drifted(&self) -> usize {
        self.rows.iter().filter(|row| row.wrong).count()
    }

    /// Tells whether `sync` would mend any of it.
    pub fn is_mended_by_sync(&self) -> bool {
        let mends = |one: &Finding| {
            one.severity == Severity::Attention
                && one.fix.as_ref().is_some_and(|fix| fix.starts_with("keyshoal sync"))
        };
        self.read_only.is_none() && self.findings.iter().any(mends)
    }

    /// Tells whether anything needs attention (exit code 2).
    pub fn needs_attention(&self) -> bool {
        self.findings.iter().any(|one| one.severity == Severity::Attention)
            || !self.rotations.is_empty()
            || self.unfinished_import.is_some()
            || self.notices.iter().any(|one| one.code == Notice::CONFIG_REFUSED)
    }
}

fn is_wrong(agent: &keyshoal_core::AgentView, finding: &Finding) -> bool {
    let its_own = finding.finding != FindingKind::SourceRejected
        || finding.provider.as_ref().is_none_or(|provider| agent.may_need(provider));
    finding.severity == Severity::Attention && finding.agent.as_ref() == Some(&agent.id) && its_own
}

fn columns(
    observation: &Observation,
    knowledge: &Knowledge,
    desired: &Desired,
    findings: &[Finding],
) -> Vec<Column> {
    let mut made: BTreeSet<(ProviderId, ProfileId)> = BTreeSet::new();
    for store in observation.stores.values() {
        made.extend(store.profiles.iter().map(|(id, profile)| (profile.provider.clone(), id.clone())));
    }
    made.extend(desired.values.iter().map(|(id, value)| (value.provider.clone(), id.clone())));
    for one in findings {
        if let (Some(provider), Some(profile), Some(_)) = (&one.provider, &one.profile, &one.agent) {
            made.insert((provider.clone(), profile.clone()));
        }
    }
    let base = |profile: &ProfileId| {
        let material = &observation.profile(&StoreId::Base, profile)?.material;
        material.fingerprint().filter(|_| material.leads_nowhere().is_none())
    };
    let verdict = |source: Fingerprint, provider: &ProviderId| {
        let mut endpoints = observation.agents.iter().filter_map(|agent| agent.endpoints.get(provider));
        endpoints.find_map(|endpoint| knowledge.verdict(source, endpoint)).cloned()
    };
    made.into_iter()
        .map(|(provider, profile)| {
            let wanted = desired.values.get(&profile).map(|value| value.fingerprint);
            let source = wanted.or_else(|| base(&profile));
            let verdict = source.and_then(|source| verdict(source, &provider));
            Column { profile, provider, source, verdict }
        })
        .collect()
}

fn cells(
    observation: &Observation,
    agent: &keyshoal_core::AgentView,
    findings: &[Finding],
) -> BTreeMap<ProfileId, Cell> {
    let mut made: BTreeMap<ProfileId, Cell> = BTreeMap::new();
    for one in findings.iter().filter(|one| one.agent.as_ref() == Some(&agent.id)) {
        let Some(profile) = &one.profile else { continue };
        let sent = one.provider.as_ref().and_then(|provider| agent.first(provider));
        let first = sent.is_some_and(|sent| sent.profile.as_ref() == Some(profile));
        let inherited = agent.store != StoreId::Base && observation.profile(&agent.store, profile).is_none();
        match made.get_mut(profile) {
            None => {
                made.insert(
                    profile.clone(),
                    Cell { finding: one.clone(), also: Vec::new(), inherited, first },
                );
            }
            Some(cell) if rank(one) > rank(&cell.finding) => {
                cell.also.push(cell.finding.finding);
                cell.finding = one.clone();
            }
            Some(cell) => cell.also.push(one.finding),
        }
    }
    made
}

/// Says which of several findings stands in the table: the worse one, and a cause before its consequences.
fn rank(finding: &Finding) -> (Severity, bool) {
    let consequence = matches!(finding.finding, FindingKind::CoolingDown | FindingKind::NotActivated);
    (finding.severity, !consequence)
}
