//! What the gateway knows.

use crate::fake::*;
use keyshoal_core::instance::ActivationWay;
use keyshoal_core::*;
use keyshoal_engine::{Outcome, Progress, SyncOptions, Unattended};
use std::time::Duration;

fn rotated() -> Fake {
    Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 2)
        .has(&of("stocks"), 1)
        .generations(&[1, 2])
        .says(2, VerdictKind::Ok)
        .says(1, VerdictKind::InvalidKey)
}

#[test]
fn a_reload_that_was_not_done_is_never_fine_and_is_made_up_for() {
    let refused = ActivationOutcome::NotDone {
        reason: "no credentials for the gateway".to_owned(),
        needs_restart: false,
    };
    let fake = rotated().with(|state| state.activation = Some(refused));
    let report = fake.expect(Outcome::Attention);
    assert_eq!(report.receipts[0].durable, StepState::Done);
    assert_eq!(report.receipts[0].answered, StepState::NotAsked);
    assert_eq!(fake.sends("stocks"), Some(print(1)));
    // The files are right now; asked again, the gateway alone is brought up.
    let fake = fake.with(|state| state.activation = None);
    let report = fake.expect(Outcome::NothingToDo);
    assert!(matches!(report.activation, ActivationOutcome::Done { .. }));
    assert_eq!(fake.sends("stocks"), Some(print(2)));
    assert_eq!(fake.expect(Outcome::NothingToDo).activation, ActivationOutcome::NotNeeded);
}

#[test]
fn an_activation_that_cannot_be_proven_needs_attention() {
    let fake = rotated().with(|state| {
        state.activation = Some(ActivationOutcome::Unknown { reason: "no answer in time".to_owned() });
    });
    fake.expect(Outcome::Attention);
    // Nobody knows what it has read, but it is not what the stores hold now: the next look says so, and the next sync tells it.
    let known = fake.0.borrow().knowledge.activated.clone().unwrap();
    assert_ne!(known.digest, activation::digest(&fake.0.borrow().observed));
    let fake = fake.with(|state| state.activation = None);
    fake.sync();
    assert_eq!(fake.sends("stocks"), Some(print(2)));
}

#[test]
fn a_gateway_that_is_down_needs_nothing() {
    let fake = rotated().with(|state| state.observed.instance.gateway.running = Some(false));
    let report = fake.expect(Outcome::Done);
    assert_eq!(report.activation, ActivationOutcome::NotNeeded);
    // Whichever begins later reads what stands there now, also where it writes into its stores while it begins.
    let fake = fake.with(|state| {
        let gateway = &mut state.observed.instance.gateway;
        (gateway.running, gateway.started) = (Some(true), Some(at(2000)));
        state.observed.stores.get_mut(&StoreId::Base).unwrap().modified = Some(at(3000));
        state.now = at(4000);
        state.log.clear();
    });
    fake.expect(Outcome::NothingToDo);
    assert_eq!(fake.log().iter().filter(|line| *line == "activate").count(), 0);
}

#[test]
fn nothing_is_touched_when_the_person_says_so() {
    let fake = rotated();
    let none = SyncOptions { activate: ActivationMode::None, ..options() };
    let report = fake.sync_by(&none, &mut Unattended);
    assert_eq!((report.outcome, fake.sends("stocks")), (Outcome::Attention, Some(print(1))));
}

#[test]
fn a_change_behind_the_gateways_back_is_activated_by_the_next_sync() {
    let fake = rotated();
    fake.sync();
    // The program's own command rotates both, without telling its gateway.
    let fake = fake.with(|state| {
        state.put(&StoreId::Base, 5);
        state.put(&of("stocks"), 5);
    });
    let fake = fake.says(5, VerdictKind::Ok);
    let report = fake.expect(Outcome::NothingToDo);
    assert!(matches!(report.activation, ActivationOutcome::Done { .. }));
    assert_eq!(fake.sends("stocks"), Some(print(5)));
}

#[test]
fn a_file_that_nobody_could_read_when_the_gateway_did_is_read_again_when_asked() {
    let reference = SecretRef { source: SecretSource::File, provider: "mine".into(), id: "/acme".into() };
    let led = |value: Option<u8>, modified| Referred {
        path: "/srv/mine.json".to_owned(),
        modified: Some(at(modified)),
        value: value.map(print),
        nowhere: None,
    };
    let fake = Fake::json(&["main"]).has(&StoreId::Base, 2).with(|state| {
        let base = state.observed.stores.get_mut(&StoreId::Base).unwrap();
        let view = base.profiles.get_mut(&profile(P)).unwrap();
        view.material = Material::Ref { reference: reference.clone(), fingerprint: print(9), known: false };
        state.observed.referred.insert(reference.clone(), led(None, 10));
        state.observed.instance.gateway.started = Some(at(1));
    });
    fake.sync();
    assert_eq!(fake.sync().activation, ActivationOutcome::NotNeeded);
    let later = |state: &mut State| {
        state.observed.referred.insert(reference.clone(), led(Some(4), 2000));
        state.now = at(3000);
    };
    let fake = fake.with(later);
    let ways = fake.0.borrow().observed.capabilities.activation.clone();
    // Nothing is known to be wrong, so nothing is restarted for it.
    let fake = fake.with(|state| state.observed.capabilities.activation = vec![ActivationWay::RestartRpc]);
    assert_eq!(fake.sync().activation, ActivationOutcome::NotNeeded);
    let fake = fake.with(|state| state.observed.capabilities.activation = ways);
    assert!(matches!(fake.sync().activation, ActivationOutcome::Done { .. }));
    assert_eq!(fake.sync().activation, ActivationOutcome::NotNeeded);
}

#[test]
fn what_others_wrote_meanwhile_is_activated_too() {
    let fake = rotated().with(|state| {
        // An unrelated profile of the same store, written after our write and after the reload.
        state.meddle_after_apply.push_back(Box::new(|state| {
            let other = ProfileView { provider: ProviderId::from("zeta"), ..api_key(6) };
            state.observed.stores.get_mut(&of("stocks")).unwrap().profiles.insert(profile("zeta:x"), other);
        }));
    });
    fake.expect(Outcome::Done);
    assert_eq!(fake.log().iter().filter(|line| *line == "activate").count(), 2);
    assert_eq!(fake.expect(Outcome::NothingToDo).activation, ActivationOutcome::NotNeeded);
}

#[test]
fn a_shared_cooldown_that_the_release_cannot_forget_is_waited_for() {
    let fake =
        Fake::shared(&["main", "stocks"]).has(&StoreId::Base, 2).says(2, VerdictKind::Ok).with(|state| {
            state.observed.capabilities.cooldown_lingers_seconds = 30;
            let usage = UsageView {
                last_failure: Some(at(990)),
                error_count: 1,
                cooldown: Some((at(1020), "auth".to_owned())),
                ..UsageView::default()
            };
            state.observed.stores.get_mut(&StoreId::Base).unwrap().usage.insert(profile(P), usage);
        });
    let mut said = Vec::new();
    keyshoal_engine::sync(&fake, &options(), &mut Unattended, &mut |one| said.push(one)).unwrap();
    assert_eq!(fake.0.borrow().slept, Duration::from_secs(21));
    assert!(said.contains(&Progress::WaitingForCooldown { seconds: 21 }));
    let log = fake.log();
    let place = |word: &str| log.iter().position(|line| line == word).unwrap();
    assert!(place("activate") < place("sleep") && place("sleep") < place("answered"), "{log:?}");
}
