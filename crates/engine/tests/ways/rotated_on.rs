//! When a rotation may go on, and what is said where it may not.

use crate::fake::*;
use crate::rotating::*;
use keyshoal_core::*;
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::rotate::{self, *};
use std::collections::BTreeSet;

fn ids(all: &[&str]) -> BTreeSet<AgentId> {
    all.iter().map(|id| agent(id)).collect()
}

/// What comes of a prompt to an agent whose config puts a model of this provider first.
fn turn(id: &str, first: &str, outcome: TurnOutcome) -> Turn {
    let expected = Some(ModelName { provider: first.into(), model: "m".into() });
    Turn { expected, outcome, ..Turn::not_asked(agent(id), at(1000), "") }
}

fn answered(by: &str) -> TurnOutcome {
    TurnOutcome::Answered { by: Some(ModelName { provider: by.into(), model: "m".into() }) }
}

/// Each of these agents has a turn of its own, and needs a model of the provider.
fn prompted(fake: Fake, turn_of: impl Fn(&str) -> Turn) -> Fake {
    fake.with(|state| {
        for number in 0..state.observed.agents.len() {
            let one = &mut state.observed.agents[number];
            one.needs.insert(ACME.into(), vec!["acme/m".into()]);
            let turn = turn_of(one.id.as_str());
            state.turns.insert(one.id.clone(), turn);
        }
    })
}

fn through_gateway(fake: &Fake, budget: usize) -> (RotateReport, Ended) {
    let options = RotateOptions { through_gateway: true, error_budget: budget, ..at_once() };
    run(&mut Vault::new(fake), &options).unwrap()
}

#[test]
fn who_needs_it_behind_another_providers_model_is_shown_by_its_providers_word_and_named() {
    let first = |id: &str| if id == "desk" { "other" } else { ACME };
    let fake = prompted(fleet(), |id| turn(id, first(id), answered(first(id))));
    let (report, ended) = through_gateway(&fake, 0);
    assert!(matches!(ended, Ended::Finished) && report.failures.is_empty(), "{ended:?} {report:?}");
    assert_eq!(report.behind, ids(&["desk"]));

    // The provider's word is what counts, and it is asked for.
    let fake =
        prompted(fleet().says(NEW, VerdictKind::RateLimited), |id| turn(id, "other", answered("other")));
    let mut vault = Vault { record: (Stage::Publishing, rotate::State::default()), ..Vault::new(&fake) };
    let options = RotateOptions { through_gateway: true, ..at_once() };
    let (_, ended) = run(&mut vault, &options).unwrap();
    assert!(matches!(ended, Ended::Halted { .. }), "{ended:?}");

    // Where a third one answered, or nobody, the new value may have been tried before that.
    let failed = TurnOutcome::Failed { why: "all models failed".into() };
    for outcome in [answered("third"), failed, TurnOutcome::NotAsked { reason: "no gateway".into() }] {
        let fake = prompted(fleet(), |id| turn(id, "other", outcome.clone()));
        let (report, ended) = through_gateway(&fake, 0);
        assert!(matches!(ended, Ended::Halted { .. }), "{outcome:?}: {ended:?}");
        assert!(report.behind.is_empty() && report.failures.iter().all(|one| !one.certain), "{report:?}");
    }
}

/// Its provider breaks down once this wave has the new value.
fn breaks_down_in(wave: usize) -> (Vec<u8>, Ended, Stage) {
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let options = RotateOptions { error_budget: 3, ..at_once() };
    let (_, ended) = rotate(&fake, &mut vault, &mut rotation, &options, &mut |event| {
        if matches!(event, Event::Wave { number, .. } if number == wave) {
            fake.0.borrow_mut().says.insert(NEW, VerdictKind::ProviderDown);
        }
    })
    .unwrap();
    (held(&fake), ended, vault.record.0)
}

#[test]
fn a_wave_of_which_nobody_is_shown_to_work_halts_whatever_the_budget() {
    let (held, ended, stage) = breaks_down_in(1);
    assert!(matches!(&ended, Ended::Halted { why } if why.contains("nobody of this wave")), "{ended:?}");
    assert_eq!((held, stage), (vec![OLD, NEW, OLD, OLD, OLD], Stage::Publishing));
    let (held, ended, stage) = breaks_down_in(2);
    assert!(matches!(ended, Ended::Halted { .. }), "{ended:?}");
    assert_eq!((held, stage), (vec![OLD, NEW, NEW, OLD, OLD], Stage::Publishing));
}

#[test]
fn who_could_not_be_told_of_counts_once_over_all_waves() {
    let names = ["main", "a", "b", "c", "d", "e"];
    let fleet = || {
        let fake = Fake::json(&names).has(&StoreId::Base, OLD).says(OLD, VerdictKind::Ok);
        let fake = names[1..].iter().fold(fake, |fake, id| fake.has(&of(id), OLD));
        let fake = fake.says(NEW, VerdictKind::Ok).with(|state| state.follow = true);
        prompted(fake, |id| match ["b", "d"].contains(&id) {
            true => turn(id, ACME, TurnOutcome::NotAsked { reason: "busy".into() }),
            false => turn(id, ACME, answered(ACME)),
        })
    };
    let go = |budget| {
        let fake = fleet();
        let sizes = Sizes { canaries: ids(&["a", "b"]), percent: vec![80] };
        let options = RotateOptions { through_gateway: true, error_budget: budget, sizes, ..at_once() };
        let (report, ended) = run(&mut Vault::new(&fake), &options).unwrap();
        (held(&fake), report, ended)
    };
    let (held, _, ended) = go(1);
    assert!(matches!(ended, Ended::Halted { .. }), "{ended:?}");
    assert_eq!(held, [OLD, NEW, NEW, NEW, NEW, OLD]);
    let (held, report, ended) = go(2);
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
    assert_eq!((held, report.failures.len()), (vec![NEW; 6], 2));
}

#[test]
fn a_rotation_that_goes_back_by_itself_says_who_is_on_a_value_that_is_dead() {
    // Nobody knew it: it is asked about before everybody is brought back to it.
    let fake = fleet().says(OLD, VerdictKind::Revoked);
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let (report, ended) = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |event| {
        if let Event::Wave { number: 1, .. } = event {
            fake.0.borrow_mut().says.insert(NEW, VerdictKind::Billing);
        }
    })
    .unwrap();
    assert!(matches!(ended, Ended::RolledBack { asked: false, clean: false, .. }), "{ended:?}");
    assert_eq!(held(&fake), [OLD, NEW, OLD, OLD, OLD]);
    let dead: Vec<_> = report.dead.iter().map(|(id, kind)| (id.as_str(), *kind)).collect();
    let revoked = VerdictKind::Revoked;
    assert_eq!(dead, [("desk", revoked), ("labs", revoked), ("main", revoked), ("ops", revoked)]);

    // Nobody had the newer one, so all are back at once: where that leaves them is said as well.
    let fake = fleet().says(OLD, VerdictKind::Revoked);
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let endpoint = fake.0.borrow().observed.agents[0].endpoints[&ProviderId::from(ACME)].clone();
    let (report, ended) = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |event| {
        if matches!(&event, Event::Step(one) if one.stage == Stage::Publishing) {
            fake.0.borrow_mut().says.insert(NEW, VerdictKind::InvalidKey);
            let ask =
                Ask { fingerprint: print(NEW), kind: CredentialKind::ApiKey, endpoint: endpoint.clone() };
            let verdict = Verdict::new(VerdictKind::InvalidKey, at(1000));
            fake.learn(&[Fact::Verdict { ask, verdict }]).unwrap();
        }
    })
    .unwrap();
    assert!(matches!(ended, Ended::RolledBack { asked: false, clean: true, .. }), "{ended:?}");
    assert_eq!((held(&fake), report.dead.len()), (vec![OLD; 5], 5));

    // A value before that is accepted is no matter.
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let (report, ended) = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |event| {
        if let Event::Wave { number: 1, .. } = event {
            fake.0.borrow_mut().says.insert(NEW, VerdictKind::InvalidKey);
        }
    })
    .unwrap();
    assert!(matches!(ended, Ended::RolledBack { clean: true, .. }) && report.dead.is_empty(), "{ended:?}");
}

#[test]
fn what_somebody_put_into_an_agents_own_store_stays_and_holds_up_nobody_else() {
    const OTHER: u8 = 9;
    // Nobody was asked about it yet.
    let fake = fleet().has(&of("stocks"), OTHER);
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let (report, ended) = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |_| {}).unwrap();
    assert!(matches!(ended, Ended::Finished), "{ended:?}");
    assert_eq!(held(&fake), [NEW, OTHER, NEW, NEW, NEW]);
    let strange = Strange { place: of("stocks"), value: print(OTHER), agents: vec![agent("stocks")] };
    assert_eq!(report.strange, [strange]);
    assert!(report.failures.is_empty() && !report.nothing_open(), "{:?}", report.failures);
}

#[test]
fn an_agent_that_is_in_no_roster_is_not_proven_to_work() {
    let fake = fleet();
    let mut vault = Vault::new(&fake);
    let mut rotation = Rotation { agent: Some(agent("gone")), ..vault.rotation() };
    let (_, ended) = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |_| {}).unwrap();
    let Ended::Halted { why } = &ended else { panic!("{ended:?}") };
    assert!(why.contains("gone is in no roster"), "{why}");
    assert_eq!(vault.record.0, Stage::Published);
}

#[test]
fn what_was_said_of_a_value_a_moment_ago_is_not_asked_again() {
    let fake = fleet();
    let endpoint = fake.0.borrow().observed.agents[0].endpoints[&ProviderId::from(ACME)].clone();
    let said = vec![(endpoint, Verdict::new(VerdictKind::Ok, at(1000)))];
    let options = RotateOptions { tested: Some(said), ..at_once() };
    // Whoever asked once more would hear nothing.
    let fake = fake.says(NEW, VerdictKind::Timeout);
    let mut vault = Vault::new(&fake);
    let (report, ended) = run(&mut vault, &options).unwrap();
    assert!(matches!(ended, Ended::Halted { .. }), "{ended:?}");
    assert_eq!((report.tested.len(), vault.record.0), (1, Stage::Publishing));
}

#[test]
fn what_somebody_puts_there_meanwhile_is_not_called_the_value_before() {
    const OTHER: u8 = 9;
    let fake = fleet().says(OTHER, VerdictKind::Ok);
    let mut vault = Vault::new(&fake);
    let mut rotation = vault.rotation();
    let (report, ended) = rotate(&fake, &mut vault, &mut rotation, &at_once(), &mut |event| {
        if let Event::Wave { number: 3, .. } = event {
            fake.0
                .borrow_mut()
                .meddle_before_apply
                .push_back(Box::new(|state| state.put(&StoreId::Base, OTHER)));
        }
    })
    .unwrap();
    assert!(matches!(ended, Ended::RolledBack { asked: false, .. }), "{ended:?}");
    assert_eq!(held(&fake), [OTHER, OLD, OLD, OLD, OTHER]);
    let agents = vec![agent("main"), agent("desk")];
    let strange = Strange { place: StoreId::Base, value: print(OTHER), agents };
    assert_eq!(
        strange.way_in(&profile(P)),
        "keyshoal credential adopt base acme:default   takes it into the vault"
    );
    assert_eq!(report.strange, [strange]);
}
