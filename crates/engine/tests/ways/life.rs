//! A long life: rotations, overrides, restored backups, revocations and syncs in any order.

use crate::fake::*;
use keyshoal_core::*;
use keyshoal_engine::{AskPolicy, LookOptions, Outcome, look};
use proptest::prelude::*;
use std::collections::BTreeMap;

const AGENTS: [&str; 4] = ["main", "stocks", "ops", "academic"];

/// One thing that happens to an instance.
#[derive(Clone, Debug)]
enum Step {
    /// The base store gets a new key; the provider rejects the old one at once, or lets both live for a while.
    Rotate { grace: bool },
    /// The provider ends the grace of all old keys.
    EndGrace,
    /// A person gives an agent a key of its own, which the provider accepts.
    Override { agent: usize },
    /// The provider revokes every override.
    RevokeOverrides,
    /// An agent's store is restored from a backup: it holds some earlier key of the base store.
    RestoreAgent { agent: usize, generation: usize },
    /// The base store is restored from a backup.
    RestoreBase { generation: usize },
    /// The provider revokes the base store's present key.
    RevokeBase,
    /// Somebody looks.
    Look,
    /// Somebody syncs, with `--yes`.
    Sync,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => any::<bool>().prop_map(|grace| Step::Rotate { grace }),
        1 => Just(Step::EndGrace),
        2 => (1..AGENTS.len()).prop_map(|agent| Step::Override { agent }),
        1 => Just(Step::RevokeOverrides),
        2 => (1..AGENTS.len(), 0..8_usize).prop_map(|(agent, generation)| Step::RestoreAgent { agent, generation }),
        1 => (0..8_usize).prop_map(|generation| Step::RestoreBase { generation }),
        1 => Just(Step::RevokeBase),
        3 => Just(Step::Look),
        5 => Just(Step::Sync),
    ];
    proptest::collection::vec(step, 1..24)
}

/// What a careful observer would know.
struct Life {
    fake: Fake,
    /// Every key that the base store ever had, oldest first.
    keys: Vec<u8>,
    next_key: u8,
    next_override: u8,
    /// Overrides that stand in a store, and whether somebody looked while they were accepted beside a usable source.
    overrides: BTreeMap<usize, (u8, bool)>,
}

impl Life {
    fn begin(shared: bool) -> Self {
        let fake = if shared { Fake::shared(&AGENTS) } else { Fake::json(&AGENTS) };
        let mut fake = fake.has(&StoreId::Base, 1).says(1, VerdictKind::Ok);
        for id in &AGENTS[1..3] {
            fake = fake.has(&of(id), 1);
        }
        // Without a first look nobody could tell an old key from a deliberate one.
        look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
        Self { fake, keys: vec![1], next_key: 2, next_override: 100, overrides: BTreeMap::new() }
    }

    fn base(&self) -> u8 {
        self.fake.value(&StoreId::Base).unwrap().as_bytes()[0]
    }

    fn live(&self, value: u8) -> bool {
        self.fake.0.borrow().says.get(&value) == Some(&VerdictKind::Ok)
    }

    fn say(&self, value: u8, kind: VerdictKind) {
        self.fake.0.borrow_mut().says.insert(value, kind);
    }

    fn put(&self, store: &StoreId, value: u8) {
        self.fake.0.borrow_mut().put(store, value);
    }

    /// Remembers which overrides were seen as such: accepted, beside a source that may be spread.
    fn note_accepted(&mut self, judgement: &Judgement) {
        if judgement.sources.get(&profile(P)) != Some(&SourceState::Usable) {
            return;
        }
        for (agent, (value, seen)) in &mut self.overrides {
            let here = self.fake.value(&of(AGENTS[*agent])) == Some(print(*value));
            let live = self.fake.0.borrow().says.get(value) == Some(&VerdictKind::Ok);
            *seen |= here && live;
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Rotate { grace } => {
                if !grace {
                    self.say(self.base(), VerdictKind::InvalidKey);
                }
                let key = self.next_key;
                self.next_key += 1;
                self.keys.push(key);
                self.say(key, VerdictKind::Ok);
                self.put(&StoreId::Base, key);
            }
            Step::EndGrace => {
                let base = self.base();
                for key in self.keys.iter().filter(|key| **key != base) {
                    self.say(*key, VerdictKind::Revoked);
                }
            }
            Step::Override { agent } => {
                let value = self.next_override;
                self.next_override += 1;
                self.say(value, VerdictKind::Ok);
                self.put(&of(AGENTS[*agent]), value);
                self.overrides.insert(*agent, (value, false));
            }
            Step::RevokeOverrides => {
                for (value, _) in self.overrides.values() {
                    self.say(*value, VerdictKind::Revoked);
                }
            }
            Step::RestoreAgent { agent, generation } => {
                self.put(&of(AGENTS[*agent]), self.keys[generation % self.keys.len()]);
                self.overrides.remove(agent);
            }
            Step::RestoreBase { generation } => {
                self.put(&StoreId::Base, self.keys[generation % self.keys.len()]);
            }
            Step::RevokeBase => self.say(self.base(), VerdictKind::Revoked),
            Step::Look => {
                let options = LookOptions { ask: AskPolicy::Now, ..LookOptions::default() };
                let look = look(&self.fake, &options, &mut |_| {}).unwrap();
                self.note_accepted(&look.judgement);
            }
            Step::Sync => self.sync()?,
        }
        let mut state = self.fake.0.borrow_mut();
        state.now = state.now.checked_add(std::time::Duration::from_secs(60)).unwrap();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), TestCaseError> {
        let base = self.base();
        let before = self.fake.writes();
        let report = self.fake.sync();
        self.note_accepted(&report.look.judgement);
        prop_assert_eq!(self.base(), base, "the source is never written");
        if !self.live(base) {
            prop_assert_eq!(self.fake.writes(), before, "a dead source was spread");
        }
        for receipt in &report.receipts {
            if let Action::Replace { value, .. } = &receipt.action {
                prop_assert_eq!(*value, print(base));
            }
        }
        for (agent, (value, seen)) in &self.overrides {
            let held = self.fake.value(&of(AGENTS[*agent]));
            prop_assert!(!seen || held == Some(print(*value)), "the override of {} is gone", AGENTS[*agent]);
        }
        let gone: Vec<usize> = self
            .overrides
            .iter()
            .filter(|(agent, (value, _))| self.fake.value(&of(AGENTS[**agent])) != Some(print(*value)))
            .map(|(agent, _)| *agent)
            .collect();
        for agent in gone {
            self.overrides.remove(&agent);
        }
        if matches!(report.outcome, Outcome::Done | Outcome::NothingToDo) {
            for (index, id) in AGENTS.iter().enumerate() {
                let sends = self.fake.sends(id).unwrap();
                let own = self.overrides.get(&index).map(|(value, _)| print(*value));
                // A key that came and went between two looks is as foreign as any other.
                let unseen = !self.fake.0.borrow().knowledge.known_values(&profile(P)).contains(&sends);
                prop_assert!(
                    sends == print(base) || Some(sends) == own || unseen,
                    "{id} sends {sends} after {:?}",
                    report.outcome
                );
            }
        }
        let written = self.fake.writes();
        self.fake.sync();
        prop_assert_eq!(self.fake.writes(), written, "a second sync wrote again");
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn overrides_live_dead_sources_stay_and_fine_means_fine(shared in any::<bool>(), steps in steps()) {
        let mut life = Life::begin(shared);
        for step in &steps {
            life.step(step)?;
        }
    }
}
