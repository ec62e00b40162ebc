//! How facts become knowledge. The ledger does the same with rows; this is the model it is held against.

use crate::knowledge::{Activated, Generation, GenerationOrigin, KeptMark};
use crate::{Fact, Knowledge, ProfileId, Timestamp, Verdict};

impl Knowledge {
    /// Takes facts in, in order. What is known already changes nothing.
    pub fn absorb(&mut self, facts: &[Fact], now: Timestamp) {
        for fact in facts {
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
            Fact::Verdict { ask, verdict } => {
                let key = (ask.fingerprint, ask.endpoint.key());
                let newer = |known: &Verdict| known.at <= verdict.at;
                if self.verdicts.get(&key).is_none_or(newer) {
                    self.verdicts.insert(key, verdict);
                }
            }
            Fact::Kept { agent, profile, fingerprint, by } => {
                self.replace.remove(&(agent.clone(), profile.clone()));
                self.kept.insert((agent, profile), KeptMark { fingerprint, by, since: now });
            }
            Fact::KeptUndone { agent, profile } => {
                self.kept.remove(&(agent, profile));
            }
            Fact::MayReplace { agent, profile, fingerprint } => {
                self.kept.remove(&(agent.clone(), profile.clone()));
                self.replace.insert((agent, profile), fingerprint);
            }
            Fact::Activated { digest } => self.activated = Some(Activated { digest, at: now }),
        }
    }

    fn absorb_generation(&mut self, profile: ProfileId, new: Generation) {
        let all = self.generations.entry(profile).or_default();
        let known = all.iter().any(|one| one.fingerprint == new.fingerprint);
        match new.origin {
            GenerationOrigin::Residue if !known => {
                let at = all.iter().take_while(|one| one.origin == GenerationOrigin::Residue).count();
                all.insert(at, new);
            }
            GenerationOrigin::Seen if !known => all.push(new),
            GenerationOrigin::Written
                if all.last().is_none_or(|last| last.fingerprint != new.fingerprint) =>
            {
                all.push(new)
            }
            _ => {}
        }
    }
}
