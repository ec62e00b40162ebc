//! The memory against the model of it in `core`: whatever is learned in whatever order, and however often it is opened again.

use crate::world::{at, keys, print};
use keyshoal_core::knowledge::{GenerationOrigin, KeptBy};
use keyshoal_core::{
    AgentId, Ask, CredentialKind, Endpoint, Fact, Fingerprint, Knowledge, ProfileId, StoreId, Verdict,
    VerdictKind,
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
            let endpoint = Endpoint { base_url, ..Endpoint::public("openai") };
            let ask = Ask { fingerprint, kind: CredentialKind::ApiKey, endpoint };
            Fact::Verdict { ask, verdict: Verdict { http_status: Some(401), ..Verdict::new(kind, at(when)) } }
        },
    )
}

fn a_store() -> impl Strategy<Value = StoreId> {
    prop_oneof![Just(StoreId::Base), an_agent().prop_map(StoreId::Agent)]
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
        1 => a_value().prop_map(|fingerprint| Fact::Overruled { fingerprint }),
        1 => (an_agent(), a_profile()).prop_map(|(agent, profile)| Fact::KeptUndone { agent, profile }),
        2 => (an_agent(), a_profile(), a_value())
            .prop_map(|(agent, profile, fingerprint)| Fact::MayReplace { agent, profile, fingerprint }),
        2 => (an_agent(), a_profile(), a_value())
            .prop_map(|(agent, profile, fingerprint)| Fact::Replaced { agent, profile, fingerprint }),
        1 => (a_store(), a_profile(), prop::option::of(a_value())).prop_map(
            |(store, profile, fingerprint)| Fact::Delivered { store, profile, fingerprint }
        ),
        1 => (a_store(), a_profile()).prop_map(|(store, profile)| Fact::Writing { store, profile }),
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

/// Plays the moves against the ledger and the model. `open` gives the ledger anew, where it can be opened again.
fn play(
    mut ledger: Ledger,
    moves: Vec<Move>,
    reopen: Option<&dyn Fn() -> Ledger>,
) -> Result<Knowledge, TestCaseError> {
    let mut model = Knowledge::default();
    for (second, one) in moves.into_iter().enumerate() {
        let now = at(second as i64);
        match one {
            Move::Learn(facts) => {
                ledger.learn(&facts, now).unwrap();
                model.absorb(&facts, now);
            }
            Move::Confirm(profile, value) => {
                ledger.confirm_generation(&profile, value, now).unwrap();
                let origin = GenerationOrigin::Written;
                model.absorb(&[Fact::Generation { profile, fingerprint: value, origin }], now);
            }
            Move::Reopen => {
                if let Some(reopen) = reopen {
                    drop(ledger);
                    ledger = reopen();
                }
            }
        }
        prop_assert_eq!(&ledger.knowledge().unwrap(), &model);
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
        prop_assert_eq!(&reader.knowledge().unwrap(), &model);
    }
}
