//! What a person kept and somebody else wrote over: told, and never of what Keyshoal itself took away.

use crate::fake::*;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::*;
use keyshoal_engine::{LookOptions, SetRequest, Unattended, look, set};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const AGENTS: [&str; 3] = ["main", "stocks", "academic"];

/// One thing that happens to an agent that is not the source, or to all.
#[derive(Clone, Debug)]
enum Step {
    /// A person says that its value is its own.
    Keep(usize),
    /// A person takes that back.
    Undo(usize),
    /// Somebody copies the source's store over the agent's.
    Copy(usize),
    /// Somebody puts back what the agent had from the source at first.
    Restore(usize),
    /// Somebody signs the agent in with a new key of its own.
    Own(usize),
    /// A person gives the agent a key of its own with `set`; or the source's.
    Set(usize, bool),
    /// A person says that its value may be replaced, and syncs.
    Replace(usize),
    /// The source gets a new key.
    Rotate,
    /// A person syncs.
    Sync,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 1..AGENTS.len();
    let step = prop_oneof![
        4 => who().prop_map(Step::Keep),
        1 => who().prop_map(Step::Undo),
        3 => who().prop_map(Step::Copy),
        2 => who().prop_map(Step::Restore),
        2 => who().prop_map(Step::Own),
        2 => (who(), any::<bool>()).prop_map(|(who, own)| Step::Set(who, own)),
        2 => who().prop_map(Step::Replace),
        1 => Just(Step::Rotate),
        2 => Just(Step::Sync),
    ];
    proptest::collection::vec(step, 1..16)
}

/// What a careful observer would know: which value a person's word is about, and which the source ever had.
struct Life {
    fake: Fake,
    marks: BTreeMap<usize, Fingerprint>,
    sources: BTreeSet<Fingerprint>,
    next: u8,
}

impl Life {
    fn begin() -> Self {
        let fake = Fake::json(&AGENTS).has(&StoreId::Base, 1).has(&of("stocks"), 1).has(&of("academic"), 9);
        let fake = fake.says(1, VerdictKind::Ok).says(9, VerdictKind::Ok);
        look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
        Self { fake, marks: BTreeMap::new(), sources: BTreeSet::from([print(1)]), next: 20 }
    }

    fn fresh(&mut self) -> u8 {
        self.next += 1;
        self.fake.0.borrow_mut().says.insert(self.next, VerdictKind::Ok);
        self.next
    }

    fn held(&self, who: usize) -> Fingerprint {
        let own = self.fake.value(&of(AGENTS[who]));
        own.or_else(|| self.fake.value(&StoreId::Base)).unwrap()
    }

    fn put(&self, store: &StoreId, value: Fingerprint) {
        self.fake.0.borrow_mut().put(store, value.as_bytes()[0]);
    }

    fn learn(&self, facts: &[Fact]) {
        let mut state = self.fake.0.borrow_mut();
        let now = state.now;
        state.knowledge.absorb(facts, now);
    }

    fn step(&mut self, step: &Step) {
        let source = self.fake.value(&StoreId::Base).unwrap();
        match *step {
            Step::Keep(who) => {
                let Some(fingerprint) = self.fake.value(&of(AGENTS[who])) else { return };
                let (agent, profile) = (agent(AGENTS[who]), profile(P));
                self.learn(&[Fact::Kept { agent, profile, fingerprint, by: KeptBy::Person }]);
                self.marks.insert(who, fingerprint);
            }
            Step::Undo(who) => {
                self.learn(&[Fact::KeptUndone { agent: agent(AGENTS[who]), profile: profile(P) }]);
                self.marks.remove(&who);
            }
            Step::Copy(who) => self.put(&of(AGENTS[who]), source),
            Step::Restore(who) => self.put(&of(AGENTS[who]), print(1)),
            Step::Own(who) => {
                let value = self.fresh();
                self.put(&of(AGENTS[who]), print(value));
            }
            Step::Set(who, own) => {
                let value = if own { self.fresh() } else { source.as_bytes()[0] };
                let mut sync = options();
                sync.look.scope.agents.insert(agent(AGENTS[who]));
                let (target, fingerprint) = (P.to_owned(), print(value));
                let request = SetRequest { target, fingerprint, kind: None, expires: None, sync };
                set(&self.fake, &request, &mut Unattended, &mut |_| {}).unwrap();
                assert_eq!(self.fake.value(&of(AGENTS[who])), Some(print(value)));
                if own || self.marks.contains_key(&who) {
                    self.marks.insert(who, print(value));
                }
            }
            Step::Replace(who) => {
                let Some(fingerprint) = self.fake.value(&of(AGENTS[who])) else { return };
                let (agent, profile) = (agent(AGENTS[who]), profile(P));
                self.learn(&[Fact::MayReplace { agent, profile, fingerprint }]);
                self.marks.remove(&who);
                self.fake.sync();
            }
            Step::Rotate => {
                let value = self.fresh();
                self.put(&StoreId::Base, print(value));
                self.sources.insert(print(value));
            }
            Step::Sync => drop(self.fake.sync()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn it_is_told_just_while_a_person_s_value_is_gone_by_another_hand(steps in steps()) {
        let mut life = Life::begin();
        for step in &steps {
            life.step(step);
            let look = look(&life.fake, &LookOptions::default(), &mut |_| {}).unwrap();
            for (who, id) in AGENTS.iter().enumerate().skip(1) {
                let told = look.judgement.of_agent(&agent(id)).any(|one| {
                    one.finding == FindingKind::Overwritten && one.severity == Severity::Attention
                });
                let held = life.held(who);
                let gone = life.marks.get(&who).is_some_and(|mark| *mark != held && life.sources.contains(&held));
                prop_assert_eq!(told, gone, "{}: {:?}", id, step);
            }
        }
    }
}
