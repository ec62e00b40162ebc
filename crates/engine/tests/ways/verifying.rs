//! What is proven, and what a turn through the gateway adds.

use crate::fake::*;
use keyshoal_core::*;
use keyshoal_engine::verify::{AgentState, Gap};
use keyshoal_engine::{AskPolicy, LookOptions, VerifyOptions, VerifyReport, look, verify};

pub fn verified(fake: &Fake, through_gateway: bool) -> VerifyReport {
    send(&mut fake.0.borrow_mut());
    let seen = look(fake, &LookOptions::default(), &mut |_| {}).unwrap();
    fake.asked();
    verify(fake, seen, &VerifyOptions { through_gateway, ..VerifyOptions::default() }, &mut |_| {})
}

pub fn state(report: &VerifyReport, id: &str) -> AgentState {
    report.agents.iter().find(|one| one.id == agent(id)).unwrap().state()
}

fn gap(report: &VerifyReport, id: &str) -> Option<Gap> {
    report.agents.iter().find(|one| one.id == agent(id)).unwrap().gap()
}

pub fn name(model: &str) -> ModelName {
    ModelName { provider: ACME.into(), model: model.to_owned() }
}

/// Has an agent's turn end so.
pub fn turn(fake: Fake, id: &str, outcome: TurnOutcome) -> Fake {
    fake.with(|state| {
        let turn =
            Turn { agent: agent(id), begun: at(1), ended: at(2), expected: Some(name("big")), outcome };
        state.turns.insert(agent(id), turn);
    })
}

pub fn two() -> Fake {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 2).has(&of("stocks"), 1);
    read(fake).says(1, VerdictKind::InvalidKey).says(2, VerdictKind::Ok)
}

/// Every store was written before the gateway began, so that it has what they hold.
pub fn read(fake: Fake) -> Fake {
    fake.with(|state| state.observed.stores.values_mut().for_each(|store| store.modified = Some(at(400))))
}

#[test]
fn a_thousand_agents_with_twenty_keys_are_twenty_questions() {
    let names: Vec<String> = (0..1000).map(|at| format!("a{at}")).collect();
    let agents: Vec<&str> = std::iter::once("main").chain(names.iter().map(String::as_str)).collect();
    let mut fake = Fake::json(&agents).has(&StoreId::Base, 0).says(0, VerdictKind::Ok);
    for (at, name) in names.iter().enumerate() {
        let value = u8::try_from(at % 20).unwrap();
        fake = fake.has(&of(name), value).says(value, VerdictKind::Ok);
    }
    let fake = read(fake);
    let report = verified(&fake, false);
    assert!(report.is_proven(), "{:?}", report.summary());
    assert_eq!((report.asked, fake.asked().len(), report.agents.len()), (20, 20, 1001));
}

#[test]
fn one_rejected_value_fails_the_agents_that_send_it_and_no_other() {
    let report = verified(&two(), false);
    assert_eq!((state(&report, "main"), state(&report, "stocks")), (AgentState::Proven, AgentState::Failing));
    assert!(!report.is_proven());
}

#[test]
fn a_bad_credential_is_never_sent_through_the_gateway() {
    let by = TurnOutcome::Answered { by: Some(name("big")) };
    let fake = turn(turn(two(), "main", by.clone()), "stocks", by);
    let report = verified(&fake, true);
    let turn_of =
        |id: &str| report.agents.iter().find(|one| one.id == agent(id)).unwrap().turn.clone().unwrap();
    assert!(matches!(turn_of("stocks").outcome, TurnOutcome::NotAsked { .. }));
    assert!(matches!(turn_of("main").outcome, TurnOutcome::Answered { .. }));
    assert_eq!(state(&report, "main"), AgentState::Proven);
}

#[test]
fn a_refusal_of_what_the_provider_accepts_means_that_it_was_not_activated() {
    let fake = turn(two(), "main", TurnOutcome::AuthFailed { why: "401".to_owned() });
    let report = verified(&fake, true);
    assert_eq!(
        (state(&report, "main"), gap(&report, "main")),
        (AgentState::Failing, Some(Gap::NotActivated))
    );
}

#[test]
fn a_fallback_and_silence_are_no_proof() {
    let fake = turn(two(), "main", TurnOutcome::Answered { by: Some(name("small")) });
    let report = verified(&fake, true);
    let by = name("small");
    assert_eq!(
        (state(&report, "main"), gap(&report, "main")),
        (AgentState::Unproven, Some(Gap::Fallback { by }))
    );
    for outcome in [
        TurnOutcome::Failed { why: "no answer in time".to_owned() },
        TurnOutcome::NotAsked { reason: "the gateway is down".to_owned() },
    ] {
        let report = verified(&turn(two(), "main", outcome), true);
        assert_eq!((state(&report, "main"), gap(&report, "main")), (AgentState::Unproven, None));
    }
}

#[test]
fn a_reference_is_proven_by_a_turn_alone() {
    let reference = SecretRef { source: SecretSource::File, provider: "x".into(), id: "key".into() };
    let material = Material::Ref { reference, fingerprint: print(9), known: false };
    let fake = Fake::json(&["main"]).has(&StoreId::Base, 2).with(|state| {
        let base = state.observed.stores.get_mut(&StoreId::Base).unwrap();
        base.profiles.insert(profile(P), ProfileView { material, ..api_key(2) });
    });
    let report = verified(&fake, false);
    assert_eq!((state(&report, "main"), report.asked), (AgentState::Unproven, 0));
    let fake = turn(fake, "main", TurnOutcome::Answered { by: Some(name("big")) });
    assert_eq!(state(&verified(&fake, true), "main"), AgentState::Proven);
}

#[test]
fn a_model_that_the_credential_does_not_reach_fails_its_agent_alone() {
    let fake = two().says(1, VerdictKind::Ok).with(|state| {
        let need = |agent: &mut AgentView, model: &str| {
            let purpose = (model == "embed").then(|| "memory".to_owned());
            let needs = agent.needs.entry(ACME.into()).or_default();
            needs.push(Need { model: model.to_owned(), purpose });
        };
        for (at, models) in [(0, ["big", "embed"]), (1, ["secret", "big"])] {
            models.iter().for_each(|model| need(&mut state.observed.agents[at], model));
        }
        state.models.insert("secret".to_owned(), VerdictKind::ModelUnavailable);
        state.models.insert("embed".to_owned(), VerdictKind::InvalidKey);
    });
    send(&mut fake.0.borrow_mut());
    let seen = look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
    let shallow = verify(&fake, seen.clone(), &VerifyOptions::default(), &mut |_| {});
    assert!(shallow.is_proven(), "{:?}", shallow.agents);
    let deep = verify(&fake, seen, &VerifyOptions { deep: true, ..VerifyOptions::default() }, &mut |_| {});
    assert_eq!(
        (state(&deep, "main"), state(&deep, "stocks")),
        (AgentState::Proven, AgentState::Failing),
        "{:#?}",
        deep.agents[1]
    );
    let models: Vec<&str> = deep.agents[1].proofs[0].models.iter().map(|one| one.model.as_str()).collect();
    assert_eq!(models, ["big", "secret"], "special work is not asked of a model that chats");
}

#[test]
fn who_sends_no_key_is_proven_only_by_a_server_that_wants_none() {
    for (says, state_of, finding) in [
        (VerdictKind::Ok, AgentState::Proven, 0),
        (VerdictKind::Missing, AgentState::Failing, 1),
        (VerdictKind::Connect, AgentState::Unproven, 0),
    ] {
        let fake = Fake::json(&["main"]).says(Fingerprint::NO_KEY.as_bytes()[0], says).with(|state| {
            let bare = Candidate {
                profile: None,
                place: Place::NoKey,
                kind: None,
                material: Material::Absent,
                standing: Standing::First,
                because: String::new(),
                leads_to: None,
                pinned_by_sessions: Vec::new(),
            };
            let main = &mut state.observed.agents[0];
            main.candidates.insert(ACME.into(), vec![bare]);
            main.needs.insert(ACME.into(), vec!["big".into()]);
        });
        let seen = look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
        assert_eq!(seen.judgement.count(FindingKind::Missing), 0, "nobody was asked");
        let report = verify(&fake, seen, &VerifyOptions::default(), &mut |_| {});
        assert_eq!(state(&report, "main"), state_of, "{says:?}");
        assert_eq!(fake.asked(), [Fingerprint::NO_KEY.as_bytes()[0]], "once");
        // What was said is remembered by a plain look, and asked again by one that asks about everything.
        let plain = look(&fake, &LookOptions::default(), &mut |_| {}).unwrap();
        assert_eq!(plain.judgement.count(FindingKind::Missing), finding, "{says:?}");
        fake.asked();
        let all = LookOptions { ask: AskPolicy::Now, ask_all: true, ..LookOptions::default() };
        look(&fake, &all, &mut |_| {}).unwrap();
        assert_eq!(fake.asked(), [Fingerprint::NO_KEY.as_bytes()[0]]);
    }
}

#[test]
fn a_stale_copy_needs_no_new_key_but_the_sources() {
    let fake = two().generations(&[1, 2]);
    let advice = |fake: &Fake| {
        let report = verified(fake, false);
        let stocks = report.agents.iter().find(|one| one.id == agent("stocks")).unwrap();
        stocks.proofs[0].verdict.advice.clone()
    };
    assert!(advice(&fake).unwrap().contains("keyshoal sync"));
    // Where the source's own is rejected, a sync would not help.
    let fake = fake.says(2, VerdictKind::InvalidKey);
    assert!(advice(&fake).is_none_or(|advice| !advice.contains("sync")));
}
