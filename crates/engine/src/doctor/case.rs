//! What every check looks at, with the questions that several ask of it.

use super::told::{Remedy, Symptom};
use crate::Look;
use keyshoal_core::activation::UNKNOWN;
use keyshoal_core::knowledge::{Generation, GenerationOrigin};
use keyshoal_core::{
    AgentId, AgentView, Examination, Finding, FindingKind, Fingerprint, Knowledge, Observation, ProfileId,
    Severity, StoreId, StoreView, Timestamp,
};
use std::collections::BTreeSet;

/// How many things of a kind are listed by name.
const MOST: usize = 12;

/// One installation, looked at and examined.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What was seen and judged.
    pub look: &'a Look,
    /// What was found besides.
    pub facts: &'a Examination,
}

impl<'a> Case<'a> {
    /// Returns what was seen.
    pub fn observed(&self) -> &'a Observation {
        &self.look.observed
    }

    /// Returns what is remembered.
    pub fn known(&self) -> &'a Knowledge {
        &self.look.knowledge
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        self.look.now
    }

    /// Returns the base store.
    pub fn base(&self) -> Option<&'a StoreView> {
        self.observed().store(&StoreId::Base)
    }

    /// Returns the base store's present value of a profile.
    pub fn base_value(&self, profile: &ProfileId) -> Option<Fingerprint> {
        self.base()?.profiles.get(profile)?.material.fingerprint()
    }

    /// Returns when the base store's present value was first seen there.
    pub fn since(&self, profile: &ProfileId) -> Option<Timestamp> {
        self.generation(profile).map(|generation| generation.first_seen)
    }

    /// Returns when the base store got its present value of a profile, where it is known to have had another before. A first value says
    /// nothing: it was there when the installation was first looked at.
    pub fn rotated(&self, profile: &ProfileId) -> Option<Timestamp> {
        let generation = self.generation(profile)?;
        let all = self.known().generations.get(profile)?;
        let earlier = |one: &&Generation| {
            one.fingerprint != generation.fingerprint
                && one.first_seen <= generation.first_seen
                && one.origin != GenerationOrigin::Residue
        };
        all.iter().find(earlier).map(|_| generation.first_seen)
    }

    /// Returns the newest of those times, with its profile.
    pub fn last_rotation(&self) -> Option<(&'a ProfileId, Timestamp)> {
        let profiles = self.base()?.profiles.keys();
        profiles.filter_map(|id| Some((id, self.rotated(id)?))).max_by_key(|(_, at)| *at)
    }

    /// Returns when the gateway last read its stores, as far as our memory and a log of its own tell.
    pub fn last_read(&self) -> Option<Timestamp> {
        let log = &self.facts.log;
        let logged = log.events.iter().filter(|event| log.own && event.kind.reads_stores());
        let remembered = self.known().activated.as_ref().filter(|activated| activated.digest != UNKNOWN);
        let remembered = remembered.map(|activated| activated.at);
        logged.map(|event| event.at).chain(remembered).max()
    }

    /// Returns the agents that keep their profiles in a store.
    pub fn agents_of(&self, store: &StoreId) -> Vec<AgentId> {
        let agents = self.observed().agents.iter().filter(|agent| agent.store == *store);
        agents.map(|agent| agent.id.clone()).collect()
    }

    /// Returns the findings of these kinds as symptoms, equal ones of several agents joined.
    pub fn findings(&self, kinds: &[FindingKind]) -> Vec<Symptom> {
        self.findings_that(|one| kinds.contains(&one.finding) && one.severity > Severity::Fine)
    }

    /// Returns the findings of which this is true as symptoms, equal ones of several agents joined.
    pub fn findings_that(&self, wanted: impl Fn(&Finding) -> bool) -> Vec<Symptom> {
        let mut symptoms: Vec<Symptom> = Vec::new();
        for one in self.look.judgement.findings.iter().filter(|one| wanted(one)) {
            let message = match &one.profile {
                Some(profile) => format!("{profile} {}", one.message),
                None => one.message.clone(),
            };
            let same = symptoms.iter_mut().find(|other| {
                other.message == message && other.fix == one.fix && other.severity == one.severity
            });
            match same {
                Some(other) => other.agents.extend(one.agent.clone()),
                None => symptoms.push(Symptom {
                    severity: one.severity,
                    agents: one.agent.iter().cloned().collect(),
                    message,
                    evidence: Vec::new(),
                    fix: one.fix.clone(),
                    remedy: matches!(
                        one.fix.as_deref(),
                        Some("keyshoal sync" | "keyshoal sync --allow-device")
                    )
                    .then_some(Remedy::Sync),
                }),
            }
        }
        symptoms
    }

    /// Returns the agents that hold a value of a profile which a finding of this kind is about.
    pub fn found_with(&self, kind: FindingKind, profile: &ProfileId) -> BTreeSet<AgentId> {
        let findings = self.look.judgement.findings.iter();
        let of = findings.filter(|one| one.finding == kind && one.profile.as_ref() == Some(profile));
        of.filter_map(|one| one.agent.clone()).collect()
    }

    /// Returns who uses which value of a profile: their own, or the base store's where they inherit. The base store's value comes first,
    /// then the others in the roster's order.
    pub fn holders(&self, profile: &ProfileId) -> Vec<(Fingerprint, Vec<&'a AgentView>)> {
        let base = self.base_value(profile);
        let mut holders: Vec<(Fingerprint, Vec<&AgentView>)> =
            base.map(|value| (value, Vec::new())).into_iter().collect();
        for agent in &self.observed().agents {
            let own = self.observed().profile(&agent.store, profile);
            let own = own.and_then(|view| view.material.fingerprint());
            let inherited = base.filter(|_| self.observed().capabilities.reads_through);
            let Some(value) = own.or(inherited) else { continue };
            match holders.iter_mut().find(|(known, _)| *known == value) {
                Some((_, agents)) => agents.push(agent),
                None => holders.push((value, vec![agent])),
            }
        }
        holders.retain(|(_, agents)| !agents.is_empty());
        holders
    }

    fn generation(&self, profile: &ProfileId) -> Option<&'a Generation> {
        let value = self.base_value(profile)?;
        let all = self.known().generations.get(profile)?;
        all.iter().rev().find(|one| one.fingerprint == value)
    }
}

/// Lists names, the first of them.
pub fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<T> = names.into_iter().collect();
    let first: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(MOST) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Lists agents, the first of them.
pub fn agents<'a>(agents: impl IntoIterator<Item = &'a AgentId>) -> String {
    list(agents.into_iter().map(AgentId::as_str))
}

/// Returns a time as people read it, to the second: of two stores, the later one counts.
pub fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Returns a time as people read it, to the minute.
pub fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
