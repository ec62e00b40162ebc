//! One new value for several instances: whatever fails, and wherever the process ends, whoever goes on ends with one value everywhere, and
//! a run that says that all is done tells the truth.

use crate::fake::*;
use crate::rotating::{NEW, OLD, Vault, at_once, fleet, held};
use keyshoal_core::*;
use keyshoal_engine::ports::PortError;
use keyshoal_engine::rotate::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The vault of several instances: what is written in one step is written of all or none.
struct Vaults<'f> {
    all: Vec<Vault<'f>>,
    /// After so many steps the process ends: before the step is written, or right after it.
    ends: Option<(usize, bool)>,
    steps: usize,
}

impl<'f> Vaults<'f> {
    fn new(fakes: &'f [Fake]) -> Self {
        let waves = wave_of_each(fakes.len(), 0, &[50]);
        let one = |(fake, wave)| {
            let mut vault = Vault::new(fake);
            vault.record.1.together = Some(Together { id: "both".to_owned(), wave });
            vault
        };
        Self { all: fakes.iter().zip(waves).map(one).collect(), ends: None, steps: 0 }
    }

    fn members(&self, away: &BTreeSet<usize>) -> Vec<Member<'f, Fake>> {
        let one = |(at, vault): (usize, &Vault<'f>)| Member {
            name: at.to_string(),
            ports: if away.contains(&at) { Err("it is elsewhere".to_owned()) } else { Ok(vault.fake) },
            rotation: vault.rotation(),
            report: RotateReport::default(),
            ended: None,
        };
        self.all.iter().enumerate().map(one).collect()
    }

    fn stages(&self) -> Vec<Stage> {
        self.all.iter().map(|vault| vault.record.0).collect()
    }
}

impl Books for Vaults<'_> {
    fn step(&mut self, steps: &[(usize, &Rotation, Pointer)]) -> Result<(), PortError> {
        let ended = || PortError { message: "the process ended".into(), hint: None, retryable: false };
        self.steps += 1;
        let ends = self.ends.filter(|(at, _)| *at == self.steps);
        // What has ended writes nothing more.
        if ends == Some((self.steps, false)) || self.ends.is_some_and(|(at, _)| at < self.steps) {
            return Err(ended());
        }
        for (at, rotation, pointer) in steps {
            self.all[*at].write(rotation, *pointer);
        }
        if ends.is_some() { Err(ended()) } else { Ok(()) }
    }
}

/// Stores of their own, one shared row, and stores of their own again.
fn houses() -> [Fake; 4] {
    let row = || {
        let fake = Fake::shared(&["main", "stocks", "ops"]).has(&StoreId::Base, OLD);
        fake.says(OLD, VerdictKind::Ok).says(NEW, VerdictKind::Ok).with(|state| state.follow = true)
    };
    [fleet(), row(), fleet(), row()]
}

fn once(vaults: &mut Vaults<'_>, away: &BTreeSet<usize>, way: Way) -> Result<Ended, RotateError> {
    let options = RotateOptions { error_budget: way.budget, ..at_once() };
    let mut members = vaults.members(away);
    let fakes: Vec<&Fake> = vaults.all.iter().map(|vault| vault.fake).collect();
    let waves: Vec<usize> =
        members.iter().map(|one| one.rotation.state.together.as_ref().unwrap().wave).collect();
    let mut back = way.back || members.iter().any(|one| one.rotation.stage == Stage::RolledBack);
    let mut tell = |event: Event<'_>| {
        match event {
            Event::Instance { name, .. } => {
                let at: usize = name.parse().unwrap();
                if let Some((of, kind)) = way.spoilt
                    && of == at
                {
                    fakes[at].0.borrow_mut().says.insert(NEW, kind);
                }
            }
            Event::Step(rotation) => back |= rotation.stage == Stage::RolledBack,
            Event::Wave { .. } | Event::Progress(_) => return,
        }
        // Nobody of a later wave has the value before everybody of the earlier ones, wherever they are.
        for later in 0..fakes.len() {
            let has = held(fakes[later]).contains(&NEW);
            let earlier = (0..fakes.len()).filter(|one| waves[*one] < waves[later]);
            for one in earlier {
                assert!(back || !has || !held(fakes[one]).contains(&OLD), "{later} has it before {one}");
            }
        }
    };
    let ended = match way.back {
        true => roll_back_together(&mut members, vaults, &options, &mut tell),
        false => rotate_together(&mut members, vaults, &options, &mut tell),
    };
    tells_the_truth(&fakes, &ended);
    ended
}

/// How one process goes about it.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    back: bool,
    budget: usize,
    /// The provider takes the new value no more, or says nothing of it, once this instance has its turn.
    spoilt: Option<(usize, VerdictKind)>,
}

/// Who is told that it is done finds one value everywhere.
fn tells_the_truth(fakes: &[&Fake], ended: &Result<Ended, RotateError>) {
    let all: BTreeSet<u8> = fakes.iter().flat_map(|fake| held(fake)).collect();
    assert!(all.is_subset(&BTreeSet::from([OLD, NEW])), "{all:?}");
    let only = match ended {
        Ok(Ended::Finished | Ended::Grace { .. }) => NEW,
        Ok(Ended::RolledBack { clean: true, .. }) => OLD,
        _ => return,
    };
    assert_eq!(all, BTreeSet::from([only]), "{ended:?}");
}

#[test]
fn the_canary_comes_first_and_the_value_is_tried_once() {
    let fakes = houses();
    let mut vaults = Vaults::new(&fakes);
    let ended = once(&mut vaults, &BTreeSet::new(), Way::default()).unwrap();
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
    assert_eq!(vaults.stages(), [Stage::Finished; 4]);
    // Every instance asks what its agents send; only the first asked before, for all of them.
    let asked: Vec<usize> =
        fakes.iter().map(|fake| fake.asked().iter().filter(|one| **one == NEW).count()).collect();
    assert!(asked[0] > asked[2], "{asked:?}");
}

#[test]
fn a_value_that_is_rejected_reaches_no_instance() {
    let fakes = houses().map(|fake| fake.says(NEW, VerdictKind::InvalidKey));
    let mut vaults = Vaults::new(&fakes);
    assert!(matches!(once(&mut vaults, &BTreeSet::new(), Way::default()), Err(RotateError::Value(_))));
    assert_eq!(vaults.stages(), [Stage::RolledBack; 4]);
    assert!(vaults.all.iter().all(|vault| vault.pending.is_none() && vault.current == OLD));
    assert!(fakes.iter().all(|fake| fake.writes() == 0));
}

#[test]
fn one_that_fails_brings_all_back_and_one_that_is_silent_holds_up_the_rest() {
    let fakes = houses();
    let mut vaults = Vaults::new(&fakes);
    let way = Way { spoilt: Some((1, VerdictKind::Revoked)), ..Way::default() };
    let ended = once(&mut vaults, &BTreeSet::new(), way).unwrap();
    assert!(matches!(ended, Ended::RolledBack { clean: true, .. }), "{ended:?}");
    assert_eq!(vaults.stages(), [Stage::RolledBack; 4]);

    let fakes = houses();
    let mut vaults = Vaults::new(&fakes);
    let way = Way { spoilt: Some((1, VerdictKind::ProviderDown)), ..Way::default() };
    let ended = once(&mut vaults, &BTreeSet::new(), way).unwrap();
    assert!(matches!(ended, Ended::Halted { .. }), "{ended:?}");
    assert_eq!(vaults.stages(), [Stage::Proven, Stage::Published, Stage::Tested, Stage::Tested]);
}

#[test]
fn failures_of_all_instances_count_against_one_budget() {
    let run = |budget| {
        let one = || {
            let fake = Fake::json(&["main"]).has(&StoreId::Base, OLD).says(NEW, VerdictKind::Ok);
            fake.with(|state| state.follow = true)
        };
        let fakes = [one(), one()];
        let mut vaults = Vaults::new(&fakes);
        let mut members = vaults.members(&BTreeSet::new());
        let options = RotateOptions { error_budget: budget, ..at_once() };
        rotate_together(&mut members, &mut vaults, &options, &mut |event| {
            if let Event::Instance { name, .. } = event {
                let at: usize = name.parse().unwrap();
                fakes[at].0.borrow_mut().says.insert(NEW, VerdictKind::Revoked);
            }
        })
        .unwrap()
    };
    assert!(matches!(run(1), Ended::RolledBack { .. }));
    assert!(matches!(run(2), Ended::Finished));
}

#[test]
fn what_is_elsewhere_never_counts_as_proven() {
    let fakes = houses();
    let mut vaults = Vaults::new(&fakes);
    let ended = once(&mut vaults, &BTreeSet::from([3]), Way::default()).unwrap();
    assert!(matches!(&ended, Ended::Elsewhere { names } if *names == ["3"]), "{ended:?}");
    assert_eq!(vaults.stages(), [Stage::Proven, Stage::Proven, Stage::Proven, Stage::Staged]);
    assert!(vaults.all[0].previous.is_some(), "the value before is at hand while one is not proven");
    // Somebody goes on where that one is, and nothing else.
    let ended = once(&mut vaults, &BTreeSet::from([0, 1, 2]), Way::default()).unwrap();
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
}

#[test]
fn one_that_comes_late_and_is_refused_the_value_brings_the_others_back() {
    let fakes = houses();
    let mut vaults = Vaults::new(&fakes);
    once(&mut vaults, &BTreeSet::from([3]), Way::default()).unwrap();
    fakes[3].0.borrow_mut().says.insert(NEW, VerdictKind::InvalidKey);
    let ended = once(&mut vaults, &BTreeSet::new(), Way::default()).unwrap();
    assert!(matches!(ended, Ended::RolledBack { clean: true, .. }), "{ended:?}");
    assert_eq!(vaults.stages(), [Stage::RolledBack; 4]);
}

fn ways() -> impl Strategy<Value = (Way, Option<(usize, bool)>, BTreeSet<usize>)> {
    let kinds = prop::sample::select(vec![VerdictKind::Revoked, VerdictKind::ProviderDown]);
    let spoilt = prop::option::weighted(0.3, (0_usize..4, kinds));
    let way = (prop::bool::weighted(0.2), 0_usize..4, spoilt);
    let way = way.prop_map(|(back, budget, spoilt)| Way { back, budget, spoilt });
    let away = prop::collection::btree_set(0_usize..4, 0..3);
    (way, prop::option::of((1_usize..20, any::<bool>())), away)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Processes end, providers change their minds, instances are out of reach; at last somebody goes on undisturbed.
    #[test]
    fn whoever_goes_on_ends_with_one_value_everywhere(tries in prop::collection::vec(ways(), 0..5)) {
        let fakes = houses();
        let mut vaults = Vaults::new(&fakes);
        for (way, ends, away) in tries {
            vaults.ends = ends.map(|(steps, after)| (vaults.steps + steps, after));
            let _ = once(&mut vaults, &away, way);
        }
        vaults.ends = None;
        for fake in &fakes {
            fake.0.borrow_mut().says.insert(NEW, VerdictKind::Ok);
        }
        let ended = once(&mut vaults, &BTreeSet::new(), Way::default()).unwrap();
        prop_assert!(matches!(ended, Ended::Finished | Ended::RolledBack { clean: true, .. }), "{ended:?}");
        prop_assert!(vaults.all.iter().all(|vault| vault.record.1.is_over(vault.record.0)));
        let currents: BTreeSet<u8> = vaults.all.iter().map(|vault| vault.current).collect();
        prop_assert_eq!(currents.len(), 1);
        prop_assert!(vaults.all.iter().all(|vault| vault.pending.is_none()));
    }
}
