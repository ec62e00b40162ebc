//! Rotations: whatever happens between two steps, no agent ever holds anything but the value before or the new one, and whoever goes on
//! ends where one uninterrupted rotation ends.

use crate::fake::*;
use keyshoal_core::*;
use keyshoal_engine::ports::PortError;
use keyshoal_engine::rotate::{self, *};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub const OLD: u8 = 1;
pub const NEW: u8 = 5;

/// A vault with one credential, as rotations see it: every step is one write.
pub struct Vault<'f> {
    pub fake: &'f Fake,
    /// Which version is where: pending, current, previous.
    pub pending: Option<u8>,
    pub current: u8,
    pub previous: Option<u8>,
    /// What was written down last.
    pub record: (Stage, rotate::State),
    /// After so many steps the process ends: before the step is written, or right after it.
    pub ends: Option<(usize, bool)>,
    pub steps: usize,
}

impl<'f> Vault<'f> {
    pub fn new(fake: &'f Fake) -> Self {
        let mut vault = Self {
            fake,
            pending: Some(NEW),
            current: OLD,
            previous: None,
            record: (Stage::Staged, rotate::State::default()),
            ends: None,
            steps: 0,
        };
        vault.tell();
        vault
    }

    /// Lets the instance hear what is wanted now.
    pub fn tell(&mut self) {
        let value = |number: u8| SourceValue {
            provider: ProviderId::from(ACME),
            kind: CredentialKind::ApiKey,
            fingerprint: print(number),
            is_ref: false,
            expires: None,
            account: None,
            store: None,
        };
        let mut known: Vec<Fingerprint> =
            [OLD, NEW].into_iter().filter(|one| *one != self.current).map(print).collect();
        known.push(print(self.current));
        let newer = [OLD, NEW].into_iter().filter(|one| *one > self.current).map(print).collect();
        let provider = ProviderId::from(ACME);
        let staged = self.pending.map(print).into_iter().collect();
        let line = Line { value: Some(value(self.current)), known, newer, staged, provider, since: at(1) };
        let own = self.pending.map(|pending| Line { value: Some(value(pending)), ..line.clone() });
        let agents = self.record.1.agents.iter();
        let own: BTreeMap<_, _> =
            agents.filter_map(|agent| Some(((agent.clone(), profile(P)), own.clone()?))).collect();
        let early = own.keys().cloned().collect();
        let shared = BTreeMap::from([(profile(P), line)]);
        let state = &self.record.1;
        let taken_back =
            (state.going_back && state.is_asked_back()).then(|| profile(P)).into_iter().collect();
        self.fake.0.borrow_mut().wish = Some(Wish { shared, own, early, taken_back, ..Wish::default() });
    }

    pub fn rotation(&self) -> Rotation {
        let (stage, state) = self.record.clone();
        Rotation {
            profile: profile(P),
            provider: ProviderId::from(ACME),
            kind: CredentialKind::ApiKey,
            agent: None,
            new: print(NEW),
            old: Some(print(OLD)),
            stage,
            state,
        }
    }

    /// Writes a step down.
    pub fn write(&mut self, rotation: &Rotation, pointer: Pointer) {
        match pointer {
            Pointer::Stays => {}
            Pointer::Publish => {
                self.previous = Some(self.current);
                self.current = self.pending.take().expect("there is a pending version");
            }
            Pointer::Unstage => drop(self.pending.take()),
            Pointer::RollBack => self.current = self.previous.take().expect("there is a version before"),
            Pointer::Exchange => {
                let before = self.previous.replace(self.current);
                self.current = before.expect("there is a version before");
            }
            Pointer::RetirePrevious => self.previous = None,
        }
        self.record = (rotation.stage, rotation.state.clone());
        self.tell();
    }
}

impl Book for Vault<'_> {
    fn step(&mut self, rotation: &Rotation, pointer: Pointer) -> Result<(), PortError> {
        let ended = || PortError { message: "the process ended".into(), hint: None, retryable: false };
        self.steps += 1;
        let ends = self.ends.filter(|(at, _)| *at == self.steps);
        if ends == Some((self.steps, false)) {
            return Err(ended());
        }
        self.write(rotation, pointer);
        if ends.is_some() { Err(ended()) } else { Ok(()) }
    }
}

pub fn fleet() -> Fake {
    let agents = ["main", "stocks", "ops", "labs", "desk"];
    let fake = Fake::json(&agents).has(&StoreId::Base, OLD).has(&of("stocks"), OLD).has(&of("ops"), OLD);
    fake.has(&of("labs"), OLD)
        .says(OLD, VerdictKind::Ok)
        .says(NEW, VerdictKind::Ok)
        .with(|state| state.follow = true)
}

/// The values that the agents hold, in the roster's order.
pub fn held(fake: &Fake) -> Vec<u8> {
    let ids: Vec<AgentId> = fake.0.borrow().observed.agents.iter().map(|agent| agent.id.clone()).collect();
    ids.iter().filter_map(|id| Some(fake.sends(id.as_str())?.as_bytes()[0])).collect()
}

pub fn at_once() -> RotateOptions {
    RotateOptions { grace: Some(0), ..RotateOptions::default() }
}

pub fn run(vault: &mut Vault<'_>, options: &RotateOptions) -> Result<(RotateReport, Ended), RotateError> {
    let mut rotation = vault.rotation();
    let fake = vault.fake;
    rotate(fake, vault, &mut rotation, options, &mut |event| {
        if let Event::Step(_) = event {
            assert!(held(fake).iter().all(|value| [OLD, NEW].contains(value)));
        }
    })
}

#[test]
fn it_goes_in_waves_and_ends_with_everybody_on_the_new_value() {
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let mut seen = Vec::new();
    let done = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |event| {
        if let Event::Wave { agents, .. } = event {
            seen.push((agents.len(), held(&fake)));
        }
    });
    assert!(matches!(done.unwrap().1, Ended::Finished));
    assert_eq!(held(&fake), [NEW; 5]);
    assert_eq!((vault.current, vault.pending, vault.previous), (NEW, None, None));
    // The canary; then up to half; then everybody. Before each, only those before it have it.
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert_eq!(seen[0], (1, vec![OLD; 5]));
    assert_eq!(seen[1].1, [OLD, NEW, OLD, OLD, OLD]);
    assert_eq!(seen[2].0, 0);
}

#[test]
fn where_all_share_one_row_it_is_one_step() {
    let agents = ["main", "stocks", "ops"];
    let fake = Fake::shared(&agents)
        .has(&StoreId::Base, OLD)
        .says(NEW, VerdictKind::Ok)
        .with(|state| state.follow = true);
    let mut vault = Vault::new(&fake);
    let (report, ended) = run(&mut vault, &at_once()).unwrap();
    assert!(matches!(ended, Ended::Finished));
    assert_eq!(report.runs.len(), 1);
    for id in agents {
        assert_eq!(fake.sends(id), Some(print(NEW)));
    }
}

#[test]
fn a_value_that_is_rejected_reaches_nobody() {
    let fake = fleet().says(NEW, VerdictKind::InvalidKey);
    let mut vault = Vault::new(&fake);
    assert!(matches!(run(&mut vault, &at_once()), Err(RotateError::Value(_))));
    assert_eq!(held(&fake), [OLD; 5]);
    assert_eq!((vault.current, vault.pending, vault.record.0), (OLD, None, Stage::RolledBack));
    assert_eq!(fake.writes(), 0);
}

/// Has the provider change its mind once the canary has the new value.
fn spoilt(kind: VerdictKind, budget: usize) -> (Vec<u8>, Ended, Stage, u8) {
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let options = RotateOptions { error_budget: budget, ..at_once() };
    let (_, ended) = rotate(&fake, &mut vault, &mut rotation, &options, &mut |event| {
        if matches!(event, Event::Wave { number: 1, .. }) {
            fake.0.borrow_mut().says.insert(NEW, kind);
        }
    })
    .unwrap();
    (held(&fake), ended, vault.record.0, vault.current)
}

#[test]
fn agents_that_fail_bring_everybody_back_and_silence_halts() {
    let (held, ended, stage, current) = spoilt(VerdictKind::Revoked, 0);
    assert!(matches!(ended, Ended::RolledBack { clean: true, .. }), "{ended:?}");
    assert_eq!((held, stage, current), (vec![OLD; 5], Stage::RolledBack, OLD));

    // One may fail; the next wave has two.
    let (held, ended, _, current) = spoilt(VerdictKind::Revoked, 1);
    assert!(matches!(ended, Ended::RolledBack { asked: false, .. }), "{ended:?}");
    assert_eq!((held, current), (vec![OLD; 5], OLD));

    let (held, ended, stage, current) = spoilt(VerdictKind::ProviderDown, 0);
    assert!(matches!(ended, Ended::Halted { .. }), "{ended:?}");
    assert_eq!((held, stage, current), (vec![OLD, NEW, OLD, OLD, OLD], Stage::Publishing, OLD));
}

#[test]
fn the_way_back_leads_home_from_every_stage_and_needs_no_provider() {
    for steps in 1..12 {
        let fake = fleet();
        let mut vault = Vault::new(&fake);
        vault.ends = Some((steps, true));
        let finished = run(&mut vault, &RotateOptions { grace: Some(3600), ..at_once() }).is_ok();
        vault.ends = None;
        let asked = fake.asked().len();
        let mut rotation = vault.rotation();
        let options = RotateOptions { offline: true, ..at_once() };
        let (_, ended) = roll_back(&fake, &mut vault, &mut rotation, &options, &mut |_| {}).unwrap();
        assert!(
            matches!(ended, Ended::RolledBack { asked: true, clean: true, .. }),
            "after {steps}: {ended:?}"
        );
        assert_eq!(held(&fake), [OLD; 5], "after {steps} of {asked}");
        assert_eq!(vault.current, OLD);
        assert!(fake.asked().is_empty(), "nobody is asked on the way back");
        if finished {
            return;
        }
    }
    panic!("no rotation of twelve steps");
}

#[test]
fn the_value_before_stays_at_hand_for_its_time() {
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let (_, ended) = run(&mut vault, &RotateOptions { grace: Some(3600), ..at_once() }).unwrap();
    assert!(matches!(ended, Ended::Grace { .. }));
    assert_eq!((vault.current, vault.previous, vault.record.0), (NEW, Some(OLD), Stage::Proven));
    fake.0.borrow_mut().now = at(1000 + 3601);
    let (_, ended) = run(&mut vault, &RotateOptions { grace: Some(3600), ..at_once() }).unwrap();
    assert!(matches!(ended, Ended::Finished));
    assert_eq!(vault.previous, None);
}

#[test]
fn whoever_goes_on_keeps_the_time_that_was_said_and_another_time_is_remembered() {
    const HOURS: i64 = 3600;
    for ends in (1..12).map(Some).chain([None]) {
        let fake = fleet();
        let mut vault = Vault::new(&fake);
        vault.record.1.grace = Some(48 * HOURS);
        vault.ends = ends.map(|steps| (steps, true));
        let on = RotateOptions::default();
        let _ = run(&mut vault, &on);
        vault.ends = None;
        let (_, ended) = run(&mut vault, &on).unwrap();
        let Ended::Grace { until } = ended else { panic!("{ends:?}: {ended:?}") };
        assert_eq!((until, vault.record.1.until), (at(1000 + 48 * HOURS), Some(until)), "{ends:?}");
        // Another time counts from when it was proven, and for those who come later as well.
        fake.0.borrow_mut().now = at(1000 + HOURS);
        let (_, ended) = run(&mut vault, &RotateOptions { grace: Some(2 * HOURS), ..on.clone() }).unwrap();
        let Ended::Grace { until } = ended else { panic!("{ends:?}: {ended:?}") };
        assert_eq!((until, vault.record.1.until), (at(1000 + 2 * HOURS), Some(until)), "{ends:?}");
        fake.0.borrow_mut().now = until;
        let (_, ended) = run(&mut vault, &on).unwrap();
        assert!(matches!(ended, Ended::Finished), "{ends:?}: {ended:?}");
    }
}

#[test]
fn without_a_provider_nothing_counts_as_proven() {
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let (_, ended) = run(&mut vault, &RotateOptions { offline: true, ..at_once() }).unwrap();
    assert!(matches!(ended, Ended::Unproven), "{ended:?}");
    assert_eq!((held(&fake), vault.record.0), (vec![NEW; 5], Stage::Published));
    let (_, ended) = run(&mut vault, &at_once()).unwrap();
    assert!(matches!(ended, Ended::Finished));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The process ends at any steps, before or after what it wrote down; whoever comes next goes on.
    #[test]
    fn whoever_goes_on_ends_where_one_rotation_ends(ends in prop::collection::vec((1_usize..10, any::<bool>()), 0..6)) {
        let fake = fleet();
        let mut vault = Vault::new(&fake);
        for end in ends {
            vault.ends = Some((vault.steps + end.0, end.1));
            let _ = run(&mut vault, &at_once());
            prop_assert!(held(&fake).iter().all(|value| [OLD, NEW].contains(value)));
        }
        vault.ends = None;
        let (_, ended) = run(&mut vault, &at_once()).unwrap();
        prop_assert!(matches!(ended, Ended::Finished));
        prop_assert_eq!(held(&fake), vec![NEW; 5]);
        prop_assert_eq!((vault.current, vault.pending, vault.previous), (NEW, None, None));
    }
}
