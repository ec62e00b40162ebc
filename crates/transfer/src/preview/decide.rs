//! What is shared and what is an override, profile by profile.

use super::Facts;
use super::plan::{Choice, DropReason, Dropped, PlannedCredential, Question, QuestionReason};
use crate::entry;
use crate::manifest::Meant;
use crate::payload::Payload;
use keyshoal_core::vault::{AgentUid, CredentialUid};
use keyshoal_core::{
    AgentId, CredentialKind, Fingerprint, ProfileId, Secret, StoreId, VerdictKind, time::from_millis,
};
use keyshoal_openclaw::store::{StoredProfile, StoredSecret};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What was decided.
#[derive(Default)]
pub(super) struct Decided {
    pub credentials: Vec<PlannedCredential>,
    pub dropped: Vec<Dropped>,
    pub questions: Vec<Question>,
}

/// One value as one store holds it.
struct Held<'a> {
    store: &'a StoreId,
    stored: StoredProfile,
    entry: &'a Secret,
    fingerprint: Fingerprint,
    meant: Option<&'a Meant>,
}

impl Held<'_> {
    /// Tells whether it is one agent's by somebody's word.
    fn is_override(&self) -> bool {
        self.meant.is_some() && *self.store != StoreId::Base
    }

    fn expires(&self) -> Option<i64> {
        self.stored.expires.as_ref().and_then(|expires| expires.as_ref().ok().copied())
    }
}

pub(super) fn credentials(
    payload: &Payload,
    facts: &Facts<'_>,
    uids: &BTreeMap<&AgentId, AgentUid>,
    new_uid: &mut dyn FnMut() -> Uuid,
) -> Decided {
    let mut run = Run {
        facts,
        uids,
        enabled: payload.manifest.agents.iter().filter(|agent| agent.enabled).count(),
        new_uid,
        shared: Vec::new(),
        overrides: Vec::new(),
        rest: Decided::default(),
    };
    for (profile, held) in by_profile(payload, facts) {
        run.profile(&profile, &held);
    }
    let Run { mut shared, overrides, rest, .. } = run;
    shared.extend(overrides);
    Decided { credentials: shared, ..rest }
}

/// Sorts all values by their profiles, in the order in which those stand.
fn by_profile<'a>(payload: &'a Payload, facts: &Facts<'_>) -> Vec<(ProfileId, Vec<Held<'a>>)> {
    let mut sorted: Vec<(ProfileId, Vec<Held<'a>>)> = Vec::new();
    let mut places: BTreeMap<&ProfileId, usize> = BTreeMap::new();
    for part in &payload.manifest.profiles {
        // Every entry was checked when the payload was read or gathered.
        let Some(entry) = payload.value(part.entry) else { continue };
        let Ok(stored) = entry::check(&part.profile, entry) else { continue };
        let Some(fingerprint) = stored.material(facts.prints).fingerprint() else { continue };
        let place = *places.entry(&part.profile).or_insert_with(|| {
            sorted.push((part.profile.clone(), Vec::new()));
            sorted.len() - 1
        });
        let (store, meant) = (&part.store, part.meant.as_ref());
        sorted[place].1.push(Held { store, stored, entry, fingerprint, meant });
    }
    sorted
}

struct Run<'a> {
    facts: &'a Facts<'a>,
    uids: &'a BTreeMap<&'a AgentId, AgentUid>,
    /// How many agents are in the roster.
    enabled: usize,
    new_uid: &'a mut dyn FnMut() -> Uuid,
    shared: Vec<PlannedCredential>,
    overrides: Vec<PlannedCredential>,
    rest: Decided,
}

/// What becomes of a value that differs.
enum Fate {
    Override,
    Drop(DropReason),
    Ask(QuestionReason),
}

impl Run<'_> {
    fn profile(&mut self, profile: &ProfileId, held: &[Held<'_>]) {
        // Equal values of different types or providers are different credentials.
        type Value = (Fingerprint, CredentialKind, String);
        let value = |one: &Held<'_>| -> Value {
            (one.fingerprint, one.stored.kind.clone(), one.stored.provider.as_str().to_owned())
        };
        let base = held.iter().find(|one| *one.store == StoreId::Base);
        let mut groups: Vec<(Value, Vec<&Held<'_>>)> = Vec::new();
        for one in held.iter().filter(|one| *one.store != StoreId::Base && !one.is_override()) {
            match groups.iter_mut().find(|(of, _)| *of == value(one)) {
                Some((_, group)) => group.push(one),
                None => groups.push((value(one), vec![one])),
            }
        }
        let everybody = |group: &[&Held<'_>]| group.len() == self.enabled;
        let shared = match (base, groups.as_slice()) {
            (Some(base), _) => Some(base),
            (None, [(_, group)]) if everybody(group) => group.first().copied(),
            (None, _) => None,
        };
        if let Some(shared) = shared {
            let same = |(of, _): &(Value, Vec<&Held<'_>>)| *of == value(shared);
            let copies = groups.iter().filter(|group| same(group)).flat_map(|(_, group)| agents(group));
            let planned = self.planned(profile, shared, None, copies.collect());
            self.shared.push(planned);
            groups.retain(|group| !same(group));
        }
        for (_, group) in groups {
            self.group(profile, shared, &group);
        }
        for one in held.iter().filter(|one| one.is_override()) {
            let waits = one.meant.is_some_and(|meant| meant.waits);
            let held_by = if waits { Vec::new() } else { agents(&[one]) };
            let planned = self.planned(profile, one, self.uid(one.store), held_by);
            self.overrides.push(planned);
        }
    }

    fn group(&mut self, profile: &ProfileId, shared: Option<&Held<'_>>, group: &[&Held<'_>]) {
        let Some(first) = group.first() else { return };
        let fingerprint = first.fingerprint;
        let answer = self.facts.answers.get(&(profile.clone(), fingerprint)).copied();
        let fate = match (self.fate(shared, first), answer) {
            (Fate::Ask(_), Some(Choice::Override)) => Fate::Override,
            (Fate::Ask(_), Some(Choice::Shared)) => Fate::Drop(DropReason::Answered),
            (fate, _) => fate,
        };
        if let Fate::Drop(why) = fate {
            let (profile, agents) = (profile.clone(), agents(group));
            self.rest.dropped.push(Dropped { profile, agents, fingerprint, why });
            return;
        }
        let overrides: Vec<PlannedCredential> =
            group.iter().map(|one| self.planned(profile, one, self.uid(one.store), agents(&[one]))).collect();
        let Fate::Ask(why) = fate else {
            self.overrides.extend(overrides);
            return;
        };
        self.rest.questions.push(Question {
            profile: profile.clone(),
            provider: first.stored.provider.clone(),
            fingerprint,
            agents: agents(group),
            verdict: self.verdict(fingerprint),
            shared: shared.map(|one| (one.fingerprint, self.verdict(one.fingerprint))),
            why,
            overrides,
        });
    }

    fn fate(&self, shared: Option<&Held<'_>>, own: &Held<'_>) -> Fate {
        let dead = |one: &Held<'_>| self.verdict(one.fingerprint).is_some_and(VerdictKind::is_dead);
        let accepted = |one: &Held<'_>| self.verdict(one.fingerprint) == Some(VerdictKind::Ok);
        if let Some(shared) = shared
            && self.is_same_login(shared, own)
            && !(dead(shared) && accepted(own))
        {
            return match own.expires() > shared.expires() {
                true => Fate::Ask(QuestionReason::LaterLogin),
                false => Fate::Drop(DropReason::SameLogin),
            };
        }
        match shared {
            Some(shared) if dead(own) && accepted(shared) => Fate::Drop(DropReason::Stale),
            _ if dead(own) => Fate::Ask(QuestionReason::Dead),
            _ if accepted(own) => Fate::Override,
            Some(_) => Fate::Ask(QuestionReason::Unknown),
            // There is nothing that it differs from.
            None => Fate::Override,
        }
    }

    /// Tells whether both are states of one account's login.
    fn is_same_login(&self, one: &Held<'_>, other: &Held<'_>) -> bool {
        let login = |held: &Held<'_>| held.stored.kind == CredentialKind::OAuth;
        let account = |held: &Held<'_>| held.stored.account(self.facts.prints);
        login(one)
            && login(other)
            && one.stored.provider == other.stored.provider
            && account(one).is_some()
            && account(one) == account(other)
    }

    fn verdict(&self, fingerprint: Fingerprint) -> Option<VerdictKind> {
        self.facts.verdicts.get(&fingerprint).copied()
    }

    fn uid(&self, store: &StoreId) -> Option<AgentUid> {
        match store {
            StoreId::Base => None,
            StoreId::Agent(id) => self.uids.get(id).copied(),
        }
    }

    fn planned(
        &mut self,
        profile: &ProfileId,
        held: &Held<'_>,
        agent: Option<AgentUid>,
        held_by: Vec<AgentId>,
    ) -> PlannedCredential {
        let reference = match &held.stored.secret {
            StoredSecret::Ref(reference) => Some(reference.clone()),
            _ => None,
        };
        PlannedCredential {
            uid: CredentialUid((self.new_uid)()),
            profile: profile.clone(),
            provider: held.stored.provider.clone(),
            kind: held.stored.kind.clone(),
            agent,
            held_by,
            fingerprint: held.fingerprint,
            reference,
            expires: held.expires().and_then(from_millis).or(held.meant.and_then(|meant| meant.expires)),
            waits: held.meant.is_some_and(|meant| meant.waits),
            origin: held.meant.and_then(|meant| meant.origin.clone()),
            verdict: self.verdict(held.fingerprint),
            entry: held.entry.clone(),
        }
    }
}

fn agents(group: &[&Held<'_>]) -> Vec<AgentId> {
    let one = |held: &&Held<'_>| match held.store {
        StoreId::Base => None,
        StoreId::Agent(id) => Some(id.clone()),
    };
    group.iter().filter_map(one).collect()
}
