//! Runs that are limited to somebody: what they teach, and what they must not say of the rest.

use crate::fake::*;
use keyshoal_core::knowledge::{Generation, GenerationOrigin, KeptBy};
use keyshoal_core::*;
use keyshoal_engine::{LookOptions, Outcome, SyncOptions, look};
use std::collections::BTreeSet;

const OTHER: &str = "zeta:default";

fn limited(from: &str, agents: &[&str], providers: &[&str]) -> SyncOptions {
    let mut options = options();
    options.look.from = Some(agent(from));
    options.look.scope.agents = agents.iter().map(|id| agent(id)).collect();
    options.look.scope.providers = providers.iter().map(|id| ProviderId::from(*id)).collect();
    options
}

fn seen(values: &[u8]) -> Vec<Generation> {
    let one = |value: &u8| Generation {
        fingerprint: print(*value),
        first_seen: at(i64::from(*value)),
        origin: GenerationOrigin::Seen,
    };
    values.iter().map(one).collect()
}

#[test]
fn who_confirms_one_provider_has_said_nothing_of_another() {
    let fake = Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 2)
        .generations(&[1, 2])
        .with(|state| {
            let other = |value| ProfileView { provider: ProviderId::from("zeta"), ..api_key(value) };
            for (store, value) in [(StoreId::Base, 11), (of("stocks"), 12)] {
                let store = state.observed.stores.get_mut(&store).unwrap();
                store.profiles.insert(profile(OTHER), other(value));
            }
            state.knowledge.generations.insert(profile(OTHER), seen(&[11, 12]));
        });
    for options in [limited("base", &[], &[ACME]), limited("base", &["main"], &[])] {
        fake.sync_by(&options, &mut Script::default());
        let look = look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
        let state = look.judgement.sources.get(&profile(OTHER));
        assert!(matches!(state, Some(SourceState::Reverted { newest }) if *newest == print(12)), "{state:?}");
    }
}

#[test]
fn what_goes_from_one_agent_to_another_is_no_value_of_the_source() {
    let fake = Fake::json(&["main", "stocks", "academic"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 1)
        .has(&of("academic"), 9)
        .generations(&[1])
        .says(1, VerdictKind::Ok)
        .says(9, VerdictKind::Ok);
    let report = fake.sync_by(&limited("academic", &["stocks"], &[]), &mut Script::default());
    assert_eq!((report.outcome, fake.value(&of("stocks"))), (Outcome::Done, Some(print(9))));
    assert_eq!(fake.0.borrow().knowledge.known_values(&profile(P)), BTreeSet::from([print(1)]));
    assert_eq!(fake.0.borrow().knowledge.kept[&(agent("stocks"), profile(P))].by, KeptBy::Person);
    // Neither is the source said to have gone back, nor is what the person wanted taken for drift.
    fake.sync();
    fake.expect(Outcome::NothingToDo);
    assert_eq!(fake.value(&of("academic")), Some(print(9)));
}

#[test]
fn a_value_that_reached_the_base_store_is_its_newest() {
    let fake = Fake::json(&["main", "stocks", "academic"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 1)
        .has(&of("academic"), 9)
        .generations(&[1])
        .says(9, VerdictKind::Ok);
    let report = fake.sync_by(&limited("academic", &[], &[]), &mut Script::default());
    assert_eq!((report.outcome, fake.value(&StoreId::Base)), (Outcome::Done, Some(print(9))));
    assert_eq!(fake.0.borrow().knowledge.generations_behind(&profile(P), print(9)), Some(0));
    fake.expect(Outcome::NothingToDo);
}

#[test]
fn a_permission_to_replace_ends_with_the_value() {
    let fake = Fake::json(&["main", "stocks"])
        .has(&StoreId::Base, 1)
        .has(&of("stocks"), 7)
        .says(1, VerdictKind::Ok)
        .says(7, VerdictKind::Ok)
        .with(|state| {
            state.knowledge.replace.insert((agent("stocks"), profile(P)), print(7));
        });
    fake.expect(Outcome::Done);
    assert_eq!(fake.value(&of("stocks")), Some(print(1)));
    // Somebody puts it there again, on purpose this time.
    let fake = fake.has(&of("stocks"), 7);
    fake.sync();
    assert_eq!(fake.value(&of("stocks")), Some(print(7)));
}

#[test]
fn nothing_is_fine_while_the_source_cannot_be_read() {
    let fake = Fake::json(&["main", "stocks"]).has(&of("stocks"), 7).with(|state| {
        let base = state.observed.stores.get_mut(&StoreId::Base).unwrap();
        base.health = StoreHealth::Unreadable("unexpected end".to_owned());
    });
    let mut only = options();
    only.look.scope.agents = BTreeSet::from([agent("stocks")]);
    let report = fake.sync_by(&only, &mut Script::default());
    assert_eq!((report.outcome, fake.writes()), (Outcome::Attention, 0));
    let said = report.after.judgement.of(&agent("stocks"), &profile(P)).unwrap();
    assert!(said.message.contains("cannot be read"), "{}", said.message);
}

#[test]
fn an_agent_whose_store_cannot_be_read_is_no_source() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).with(|state| {
        let store = state.observed.stores.get_mut(&of("stocks")).unwrap();
        store.health = StoreHealth::Unreadable("unexpected end".to_owned());
    });
    let options = limited("stocks", &[], &[]);
    let error = keyshoal_engine::sync(&fake, &options, &mut Script::default(), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("/state/stocks cannot be read: unexpected end"), "{error}");
}
