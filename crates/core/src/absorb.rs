//! How facts become knowledge. The ledger does the same with rows; this is the model it is held against.
//!
//! The rules, where a fact meets what is known already:
//!
//! - Generations stand in the order in which the source first had them, residue before all that was seen. A value that is *seen*
//!   in the source again keeps its place, so that a source that fell back to an earlier value stays visible. A value that
//!   was *written* was somebody's will: it becomes the newest.
//! - Of the facts of one call, residue comes last: what the source has now is no residue.
//! - A person's word outranks an acceptance, and a later word of a person an earlier one. `MayReplace` ends a kept mark, a person's
//!   `Kept` ends a `MayReplace`, the replacement uses it up, and an acceptance of just the value that may be replaced changes nothing.
//! - The newest verdict counts; `NotAsked` is none.

use crate::knowledge::{Activated, Generation, GenerationOrigin, KeptBy, KeptMark};
use crate::{Ask, Fact, Fingerprint, Knowledge, ProfileId, Timestamp, Verdict, VerdictKind, ids::AgentId};

impl Knowledge {
    /// Takes facts in. What is known already changes nothing.
    pub fn absorb(&mut self, facts: &[Fact], now: Timestamp) {
        let (residue, others): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|fact| is_residue(fact));
        for fact in others.into_iter().chain(residue) {
            self.absorb_one(fact, now);
        }
    }

    fn absorb_one(&mut self, fact: &Fact, now: Timestamp) {
        match fact.clone() {
            Fact::Generation { profile, fingerprint, origin } => {
                self.absorb_generation(profile, Generation { fingerprint, first_seen: now, origin });
            }
            Fact::Sighting { agent, profile, fingerprint } => {
                self.first_seen.entry((agent, profile, fingerprint)).or_insert(now);
            }
            Fact::Verdict { ask, verdict } => self.absorb_verdict(&ask, verdict),
            Fact::Overruled { fingerprint } => self.verdicts.retain(|(value, _), _| *value != fingerprint),
            Fact::Kept { agent, profile, fingerprint, by } => {
                self.absorb_kept((agent, profile), KeptMark { fingerprint, by, since: now });
            }
            Fact::KeptUndone { agent, profile } => {
                self.kept.remove(&(agent, profile));
            }
            Fact::MayReplace { agent, profile, fingerprint } => {
                self.kept.remove(&(agent.clone(), profile.clone()));
                self.replace.insert((agent, profile), fingerprint);
            }
            Fact::Replaced { agent, profile, fingerprint } => {
                let whose = (agent, profile);
                if self.replace.get(&whose) == Some(&fingerprint) {
                    self.replace.remove(&whose);
                }
            }
            Fact::Delivered { store, profile, fingerprint } => {
                self.delivered.insert((store, profile), fingerprint);
            }
            Fact::Writing { store, profile } => {
                self.delivered.remove(&(store, profile));
            }
            Fact::Activated { digest } => self.activated = Some(Activated { digest, at: now }),
        }
    }

    fn absorb_generation(&mut self, profile: ProfileId, new: Generation) {
        let all = self.generations.entry(profile).or_default();
        let residues = all.iter().take_while(|one| one.origin == GenerationOrigin::Residue).count();
        let place = all.iter().position(|one| one.fingerprint == new.fingerprint);
        match (new.origin, place) {
            (GenerationOrigin::Residue, None) => all.insert(residues, new),
            (GenerationOrigin::Residue, Some(_)) => {}
            (_, None) => all.push(new),
            // Whatever was seen after it stays the newer one.
            (GenerationOrigin::Seen, Some(_)) if residues < all.len() => {}
            // The first value that is seen was known from a copy: then that copy was of the present value.
            (_, Some(place)) => {
                let mut old = all.remove(place);
                if old.origin == GenerationOrigin::Residue {
                    old.origin = new.origin;
                }
                all.push(old);
            }
        }
    }

    fn absorb_verdict(&mut self, ask: &Ask, verdict: Verdict) {
        let key = (ask.fingerprint, ask.endpoint.key());
        let newer = self.verdicts.get(&key).is_none_or(|known| known.at <= verdict.at);
        if newer && verdict.kind != VerdictKind::NotAsked {
            self.verdicts.insert(key, verdict);
        }
    }

    fn absorb_kept(&mut self, whose: (AgentId, ProfileId), mark: KeptMark) {
        let same = |known: &KeptMark| (known.fingerprint, known.by) == (mark.fingerprint, mark.by);
        let known = self.kept.get(&whose);
        match mark.by {
            KeptBy::Person => {
                self.replace.remove(&whose);
            }
            KeptBy::Acceptance => {
                let by_person = known.is_some_and(|known| known.by == KeptBy::Person);
                let may_go = |value: &Fingerprint| *value == mark.fingerprint;
                if by_person || self.replace.get(&whose).is_some_and(may_go) {
                    return;
                }
            }
        }
        if !known.is_some_and(same) {
            self.kept.insert(whose, mark);
        }
    }
}

fn is_residue(fact: &Fact) -> bool {
    matches!(fact, Fact::Generation { origin: GenerationOrigin::Residue, .. })
}
