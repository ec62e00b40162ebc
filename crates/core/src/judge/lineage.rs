//! The generations of the source's values: which came after which, and whether the present one is the newest.

use super::Sight;
use crate::knowledge::{Generation, GenerationOrigin};
use crate::{
    AgentId, CredentialKind, Fingerprint, Knowledge, Line, Observation, ProfileId, ProfileView, ProviderId,
    StoreId,
};
use std::collections::BTreeSet;

/// Returns the profile of the same provider whose earlier value this is, where it stands under another id: what was copied into another
/// profile before a rotation is as old as the profile that it came from.
pub fn earlier_value_of<'a>(
    observed: &Observation,
    knowledge: &'a Knowledge,
    provider: &ProviderId,
    value: Fingerprint,
) -> Option<&'a ProfileId> {
    let base = |profile: &ProfileId| observed.profile(&StoreId::Base, profile);
    let is_earlier = |(profile, all): &(&ProfileId, &Vec<Generation>)| {
        let present = base(profile).filter(|view| view.provider == *provider);
        let present = present.and_then(|view| view.material.fingerprint());
        present.is_some_and(|present| present != value) && all.iter().any(|one| one.fingerprint == value)
    };
    let shared = observed.store(&StoreId::Base)?.profiles.values();
    if shared.into_iter().any(|view| view.material.fingerprint() == Some(value)) {
        return None;
    }
    knowledge.generations.iter().find(is_earlier).map(|(profile, _)| profile)
}

impl Sight<'_> {
    /// Returns the source's generations of a profile, oldest first, with the source's present value where it belongs.
    ///
    /// A base store that is about to be replaced had its present value as well. A value that a person confirmed, or that the
    /// ledger does not know yet, is the newest.
    fn line(&self, profile: &ProfileId) -> Vec<Fingerprint> {
        if let Some(line) = self.desired.wish.as_ref().and_then(|wish| wish.shared.get(profile)) {
            return self.line_of_vault(profile, line);
        }
        let mut line: Vec<Fingerprint> = self
            .knowledge
            .generations
            .get(profile)
            .into_iter()
            .flatten()
            .map(|one| one.fingerprint)
            .collect();
        let Some(value) = self.desired.values.get(profile) else { return line };
        if value.store != Some(StoreId::Base)
            && let Some(base) = self.observed.profile(&StoreId::Base, profile)
            && base.kind != CredentialKind::OAuth
            && let Some(present) = base.material.fingerprint()
            && present != value.fingerprint
            && !line.contains(&present)
        {
            line.push(present);
        }
        if self.source_is_newest(profile) || !line.contains(&value.fingerprint) {
            line.push(value.fingerprint);
        }
        line
    }

    /// The same, where a vault is the source: what the vault has had, and before that what the source held until the vault came.
    ///
    /// What came into the base store since, without the vault, is none of its generations: somebody has put it there.
    fn line_of_vault(&self, profile: &ProfileId, vaults: &Line) -> Vec<Fingerprint> {
        let all = self.knowledge.generations.get(profile).into_iter().flatten();
        let before = all.filter(|one| one.first_seen < vaults.since && !vaults.has_had(one.fingerprint));
        let mut line: Vec<Fingerprint> = before.map(|one| one.fingerprint).collect();
        line.extend(&vaults.known);
        line.extend(vaults.value.as_ref().map(|value| value.fingerprint));
        line
    }

    /// Tells whether the source's present value counts as the newest even if it was an earlier one.
    pub(super) fn source_is_newest(&self, profile: &ProfileId) -> bool {
        self.desired.is_confirmed(profile) || self.provider_prefers_source(profile)
    }

    /// Tells whether the provider accepts the source's value and rejects the newest that it ever had.
    fn provider_prefers_source(&self, profile: &ProfileId) -> bool {
        let Some(value) = self.desired.values.get(profile) else { return false };
        let Some(newest) = self.newest_seen(profile) else { return false };
        newest != value.fingerprint
            && self.endpoints(&value.provider).iter().all(|endpoint| {
                self.knowledge.verdict_kind(value.fingerprint, endpoint).is_accepted()
                    && self.knowledge.verdict_kind(newest, endpoint).is_dead()
            })
    }

    /// Returns the newest value that was seen in or written to the source. Residue never counts: it is only ever older.
    pub fn newest_seen(&self, profile: &ProfileId) -> Option<Fingerprint> {
        self.knowledge
            .generations
            .get(profile)?
            .iter()
            .rev()
            .find(|one| one.origin != GenerationOrigin::Residue)
            .map(|one| one.fingerprint)
    }

    /// Returns how many generations before the source's present value this one was; `None` when it was not one.
    pub fn generations_behind(&self, profile: &ProfileId, value: Fingerprint) -> Option<usize> {
        let source = self.desired.values.get(profile)?.fingerprint;
        let line = self.line(profile);
        let now = line.iter().rposition(|one| *one == source)?;
        let then = line.iter().rposition(|one| *one == value)?;
        if then >= now {
            return None;
        }
        // What people see alike is one value: it may have stood in a store, and have been referred to.
        let shown: BTreeSet<[u8; 4]> = line[then..now].iter().map(Fingerprint::seen).collect();
        let present = usize::from(shown.contains(&source.seen()));
        Some((shown.len() - present).max(1))
    }

    /// Tells whether an earlier value was accepted after the source got its present one, of which that is not known.
    ///
    /// Then the source may have gone back to a value from before all that is remembered, and the copies may be the newer ones.
    pub fn outlives_the_source(
        &self,
        agent: &AgentId,
        profile: &ProfileId,
        view: &ProfileView,
        value: Fingerprint,
    ) -> bool {
        let Some(source) = self.desired.values.get(profile) else { return false };
        let all = self.knowledge.generations.get(profile).into_iter().flatten();
        let appeared =
            all.filter(|one| one.fingerprint == source.fingerprint).map(|one| one.first_seen).next();
        let accepted =
            self.verdict(agent, &view.provider, value).filter(|verdict| verdict.kind.is_accepted());
        let owner = source.store.as_ref().map(|store| self.owner(store));
        let proven = std::iter::once(agent.clone())
            .chain(owner)
            .any(|agent| self.source_verdict(&agent, profile).is_accepted());
        !proven
            && !self.desired.is_confirmed(profile)
            && accepted.zip(appeared).is_some_and(|(verdict, appeared)| verdict.at >= appeared)
    }

    /// Tells whether a vault has had this value after its present one.
    pub(super) fn is_newer(&self, profile: &ProfileId, value: Fingerprint) -> bool {
        let line = self.desired.wish.as_ref().and_then(|wish| wish.shared.get(profile));
        line.is_some_and(|line| line.newer.contains(&value))
    }

    /// Tells whether the source ever had this value.
    pub fn is_generation(&self, profile: &ProfileId, value: Fingerprint) -> bool {
        self.line(profile).contains(&value)
    }

    pub(super) fn is_known(&self, profile: &ProfileId, value: Fingerprint) -> bool {
        self.knowledge
            .generations
            .get(profile)
            .is_some_and(|all| all.iter().any(|one| one.fingerprint == value))
    }
}
