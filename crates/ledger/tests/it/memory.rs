//! The memory against a model: whatever is learned in whatever order, and however often it is opened again.

use crate::world::{at, keys, print};
use keyshoal_core::knowledge::{Activated, Generation, GenerationOrigin, KeptBy, KeptMark};
use keyshoal_core::{
    AgentId, Ask, CredentialKind, Endpoint, Fact, Fingerprint, Knowledge, ProfileId, ProviderId, Timestamp,
    Verdict, VerdictKind,
};
use keyshoal_ledger::{Ledger, OpenMode};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Move {
    Learn(Vec<Fact>),
    Confirm(ProfileId, Fingerprint),
    Reopen,
}

fn a_value() -> impl Strategy<Value = Fingerprint> {
    (1..6_u8).prop_map(print)
}

fn a_profile() -> impl Strategy<Value = ProfileId> {
    prop_oneof![Just(ProfileId::from("anthropic:default")), Just(ProfileId::from("openai:work"))]
}

fn an_agent() -> impl Strategy<Value = AgentId> {
    prop_oneof![Just(AgentId::from("main")), Just(AgentId::from("stocks"))]
}

fn a_verdict() -> impl Strategy<Value = Fact> {
    let kinds = [VerdictKind::Ok, VerdictKind::InvalidKey, VerdictKind::Timeout, VerdictKind::NotAsked];
    let url = prop_oneof![Just(None), Just(Some("http://127.0.0.1:9".to_owned()))];
    (a_value(), prop::sample::select(kinds.to_vec()), 0..40_i64, url).prop_map(
        |(fingerprint, kind, when, base_url)| {
            let endpoint =
                Endpoint { provider: ProviderId::from("openai"), api: None, base_url, model: None };
            let ask = Ask { fingerprint, kind: CredentialKind::ApiKey, endpoint };
            Fact::Verdict { ask, verdict: Verdict { http_status: Some(401), ..Verdict::new(kind, at(when)) } }
        },
    )
}

fn a_fact() -> impl Strategy<Value = Fact> {
    let origin = prop_oneof![
        3 => Just(GenerationOrigin::Seen),
        1 => Just(GenerationOrigin::Written),
        1 => Just(GenerationOrigin::Residue)
    ];
    let by = prop_oneof![Just(KeptBy::Person), Just(KeptBy::Acceptance)];
    prop_oneof![
        5 => (a_profile(), a_value(), origin)
            .prop_map(|(profile, fingerprint, origin)| Fact::Generation { profile, fingerprint, origin }),
        2 => (an_agent(), a_profile(), a_value())
            .prop_map(|(agent, profile, fingerprint)| Fact::Sighting { agent, profile, fingerprint }),
        2 => a_verdict(),
        3 => (an_agent(), a_profile(), a_value(), by)
            .prop_map(|(agent, profile, fingerprint, by)| Fact::Kept { agent, profile, fingerprint, by }),
        1 => (an_agent(), a_profile()).prop_map(|(agent, profile)| Fact::KeptUndone { agent, profile }),
        2 => (an_agent(), a_profile(), a_value())
            .prop_map(|(agent, profile, fingerprint)| Fact::MayReplace { agent, profile, fingerprint }),
        1 => "[ab]{2}".prop_map(|digest| Fact::Activated { digest }),
    ]
}

fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => prop::collection::vec(a_fact(), 0..6).prop_map(Move::Learn),
        1 => (a_profile(), a_value()).prop_map(|(profile, value)| Move::Confirm(profile, value)),
        2 => Just(Move::Reopen),
    ]
}

/// What should be known, kept as plain values.
#[derive(Default)]
struct Model {
    known: Knowledge,
}

impl Model {
    fn learn(&mut self, facts: &[Fact], now: Timestamp) {
        let is_residue =
            |fact: &&Fact| matches!(fact, Fact::Generation { origin: GenerationOrigin::Residue, .. });
        for fact in facts.iter().filter(|fact| !is_residue(fact)).chain(facts.iter().filter(is_residue)) {
            self.take(fact, now);
        }
    }

    fn take(&mut self, fact: &Fact, now: Timestamp) {
        match fact.clone() {
            Fact::Generation { profile, fingerprint, origin } => {
                self.generation(profile, Generation { fingerprint, first_seen: now, origin });
            }
            Fact::Sighting { agent, profile, fingerprint } => {
                self.known.first_seen.entry((agent, profile, fingerprint)).or_insert(now);
            }
            Fact::Verdict { ask, verdict } => {
                let key = (ask.fingerprint, ask.endpoint.key());
                let newer = self.known.verdicts.get(&key).is_none_or(|old| verdict.at >= old.at);
                if newer && verdict.kind != VerdictKind::NotAsked {
                    self.known.verdicts.insert(key, verdict);
                }
            }
            Fact::Kept { agent, profile, fingerprint, by } => {
                let key = (agent, profile);
                let old = self.known.kept.get(&key);
                match by {
                    KeptBy::Person => drop(self.known.replace.remove(&key)),
                    KeptBy::Acceptance => {
                        let by_person = old.is_some_and(|mark| mark.by == KeptBy::Person);
                        if by_person || self.known.replace.get(&key) == Some(&fingerprint) {
                            return;
                        }
                    }
                }
                if old.is_none_or(|mark| (mark.fingerprint, mark.by) != (fingerprint, by)) {
                    self.known.kept.insert(key, KeptMark { fingerprint, by, since: now });
                }
            }
            Fact::KeptUndone { agent, profile } => drop(self.known.kept.remove(&(agent, profile))),
            Fact::MayReplace { agent, profile, fingerprint } => {
                let key = (agent, profile);
                self.known.kept.remove(&key);
                self.known.replace.insert(key, fingerprint);
            }
            Fact::Activated { digest } => self.known.activated = Some(Activated { digest, at: now }),
        }
    }

    fn generation(&mut self, profile: ProfileId, new: Generation) {
        let all = self.known.generations.entry(profile).or_default();
        let residues = all.iter().take_while(|one| one.origin == GenerationOrigin::Residue).count();
        let place = all.iter().position(|one| one.fingerprint == new.fingerprint);
        match (new.origin, place) {
            (GenerationOrigin::Residue, None) => all.insert(residues, new),
            (GenerationOrigin::Residue, Some(_)) => {}
            (_, None) => all.push(new),
            // The first value ever seen was only known from a copy.
            (GenerationOrigin::Seen, Some(place)) if residues == all.len() => {
                let old = all.remove(place);
                all.push(Generation { origin: GenerationOrigin::Seen, ..old });
            }
            (GenerationOrigin::Seen, Some(_)) => {}
            (GenerationOrigin::Written, Some(place)) => {
                Self::to_the_end(all, place, GenerationOrigin::Written)
            }
        }
    }

    fn to_the_end(all: &mut Vec<Generation>, place: usize, origin: GenerationOrigin) {
        if place + 1 == all.len() && all[place].origin != GenerationOrigin::Residue {
            return;
        }
        let old = all.remove(place);
        let origin = if old.origin == GenerationOrigin::Residue { origin } else { old.origin };
        all.push(Generation { origin, ..old });
    }

    fn confirm(&mut self, profile: ProfileId, fingerprint: Fingerprint, now: Timestamp) {
        let all = self.known.generations.entry(profile).or_default();
        match all.iter().position(|one| one.fingerprint == fingerprint) {
            Some(place) => Self::to_the_end(all, place, GenerationOrigin::Seen),
            None => {
                all.push(Generation { fingerprint, first_seen: now, origin: GenerationOrigin::Seen });
            }
        }
    }
}

/// Plays the moves against the ledger and the model. `open` gives the ledger anew, where it can be opened again.
fn play(
    mut ledger: Ledger,
    moves: Vec<Move>,
    reopen: Option<&dyn Fn() -> Ledger>,
) -> Result<Model, TestCaseError> {
    let mut model = Model::default();
    for (second, one) in moves.into_iter().enumerate() {
        let now = at(second as i64);
        match one {
            Move::Learn(facts) => {
                ledger.learn(&facts, now).unwrap();
                model.learn(&facts, now);
            }
            Move::Confirm(profile, value) => {
                ledger.confirm_generation(&profile, value, now).unwrap();
                model.confirm(profile, value, now);
            }
            Move::Reopen => {
                if let Some(reopen) = reopen {
                    drop(ledger);
                    ledger = reopen();
                }
            }
        }
        prop_assert_eq!(&ledger.knowledge().unwrap(), &model.known);
    }
    Ok(model)
}

proptest! {
    #[test]
    fn remembers_what_the_model_remembers(moves in prop::collection::vec(a_move(), 1..24)) {
        play(Ledger::ephemeral(&keys()).unwrap(), moves, None)?;
    }
}

proptest! {
    // Every durable write waits for the disk.
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn remembers_it_on_disk(moves in prop::collection::vec(a_move(), 1..16)) {
        let dir = tempfile::tempdir().unwrap();
        let open = || Ledger::open(dir.path(), &keys(), OpenMode::ReadWrite).unwrap();
        let model = play(open(), moves, Some(&open))?;
        let reader = Ledger::open(dir.path(), &keys(), OpenMode::ReadOnly).unwrap();
        prop_assert_eq!(&reader.knowledge().unwrap(), &model.known);
    }
}
