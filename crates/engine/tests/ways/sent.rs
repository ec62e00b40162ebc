//! What is proven depends on what the running gateway sends, and on what the models of an agent need.

use crate::fake::*;
use crate::verifying::{name, read, state, turn, two, verified};
use keyshoal_core::*;
use keyshoal_engine::verify::{AgentState, CheckResult, GatewayState, five};
use keyshoal_engine::watch::conditions;
use keyshoal_engine::{LookOptions, VerifyOptions, VerifyReport, look, verify};
use std::collections::BTreeSet;

/// The key works, and the agents do not send it.
#[test]
fn what_the_running_gateway_does_not_have_proves_nobody() {
    let fine = two().says(1, VerdictKind::Ok);
    assert!(verified(&fine, false).is_proven());
    let behind = fine.with(|state| {
        state.knowledge.activated = Some(knowledge::Activated { digest: "another".to_owned(), at: at(600) });
    });
    let report = verified(&behind, false);
    assert_eq!((report.gateway.state, report.summary().proven), (GatewayState::Behind, 0));
    assert_eq!(report.gateway.fix.as_deref(), Some("keyshoal sync"));
    let checks = five(&report, &[], None);
    let check = |id: &str| checks.iter().find(|check| check.id == id).unwrap();
    assert_eq!(check("agents_accepted").result, CheckResult::No);
    assert!(check("agents_accepted").evidence[0].contains("does not have it yet"));

    let gone = behind.with(|state| state.observed.instance.gateway.running = Some(false));
    let report = verified(&gone, false);
    assert_eq!(
        (report.gateway.state, state(&report, "main")),
        (GatewayState::NotRunning, AgentState::Accepted)
    );
    assert!(report.is_accepted() && !report.is_proven(), "nobody sends it: {:?}", report.summary());
    assert!(report.gateway.message.as_ref().unwrap().contains("no gateway runs"));
    let checks = five(&report, &[], None);
    let accepted = checks.iter().find(|check| check.id == "agents_accepted").unwrap();
    assert_eq!(accepted.result, CheckResult::NotTested);
    assert!(accepted.reason.contains("no gateway runs"), "{accepted:?}");

    let hidden = gone.with(|state| {
        state.observed.instance.gateway.running = None;
        state.observed.instance.gateway.unknown_because = Some("it wants TLS".to_owned());
    });
    hidden.sync();
    let report = verified(&hidden, false);
    assert_eq!(
        (report.gateway.state, report.summary().accepted),
        (GatewayState::Unknown, 2),
        "it may not run"
    );
    let gone = hidden;

    let split = gone.with(|state| {
        state.knowledge.activated = None;
        state.observed.instance.gateway =
            GatewayView { other_state_dir: Some("/elsewhere".to_owned()), ..GatewayView::default() };
    });
    let report = verified(&split, false);
    assert_eq!((report.gateway.state, report.summary().proven), (GatewayState::Elsewhere, 0));
    assert!(report.gateway.message.unwrap().contains("/elsewhere"));
}

/// A turn tells that what the gateway sends is good, and not which value it is: an earlier one may be good still, or good again.
#[test]
fn an_answer_through_a_gateway_that_is_behind_does_not_tell_by_which_value() {
    let answered = || TurnOutcome::Answered { by: Some(name("big")) };
    let fake = turn(turn(two().says(1, VerdictKind::Ok), "stocks", answered()), "main", answered());
    let refused = turn(fake, "main", TurnOutcome::AuthFailed { why: "401".to_owned() });
    assert_eq!(verified(&refused, true).gateway.state, GatewayState::Behind);
    // Somebody makes the earlier key valid again at the provider: every agent answers, by a key that no store holds.
    let again = turn(refused, "main", answered());
    let report = verified(&again, true);
    assert_eq!((report.gateway.state, report.summary().proven), (GatewayState::Behind, 0));
    assert!(report.gateway.message.unwrap().contains("does not tell by which value"));
    again.sync();
    assert!(verified(&again, true).is_proven());
}

#[test]
fn a_question_that_nobody_answers_keeps_no_gateway_from_reading_its_stores() {
    let fake = Fake::json(&["main", "stocks"]).has(&StoreId::Base, 1).has(&of("stocks"), 9).with(|state| {
        state.knowledge.activated = Some(knowledge::Activated { digest: "another".to_owned(), at: at(600) });
    });
    fake.sync();
    assert!(fake.log().contains(&"activate".to_owned()), "{:?}", fake.log());
}

/// Nothing is remembered, and the stores were written after the gateway began.
#[test]
fn what_the_gateway_holds_is_asked_where_it_is_not_known() {
    let fake = two().says(1, VerdictKind::Ok).with(|state| {
        state.observed.stores.get_mut(&StoreId::Base).unwrap().modified = Some(at(800));
    });
    let report = verified(&fake, false);
    assert_eq!((report.gateway.state, report.summary().accepted), (GatewayState::Unknown, 2));
    assert!(report.is_accepted() && !report.is_proven(), "the keys work, and nobody knows who sends them");
    assert!(report.gateway.message.as_ref().unwrap().contains("not known"));
    for way in ["--through-gateway", "keyshoal sync"] {
        assert!(report.gateway.words().contains(way), "{:?}", report.gateway);
    }
    let said = |report: &VerifyReport| five(report, &[], None)[1].clone();
    assert_eq!((said(&report).id, said(&report).result), ("agents_accepted", CheckResult::NotTested));
    assert!(said(&report).reason.contains("not known whether the running gateway sends it"));
    let fake = fake.generations(&[1, 2]).has(&of("stocks"), 2);
    let report = verified(&fake, false);
    let told = |report: &VerifyReport| five(report, &[], None).last().unwrap().result;
    assert!(matches!(told(&report), CheckResult::NotTested), "{:?}", told(&report));
    // Whoever was asked has answered, and nothing is left to be said.
    let by = TurnOutcome::Answered { by: Some(name("big")) };
    let fake = turn(turn(fake, "main", by.clone()), "stocks", by);
    let report = verified(&fake, true);
    assert!(report.gateway.message.is_none() && report.is_proven(), "{:?}", report.summary());
    assert_eq!(said(&report).result, CheckResult::Yes);
    // A refusal of what the provider accepts tells; the next sync has it read again.
    let fake = turn(fake, "main", TurnOutcome::AuthFailed { why: "401".to_owned() });
    let report = verified(&fake, true);
    assert_eq!((report.gateway.state, state(&report, "main")), (GatewayState::Behind, AgentState::Failing));
    fake.sync();
    assert!(fake.log().contains(&"activate".to_owned()));
}

/// A dead key of a provider that only one agent's models name.
#[test]
fn what_no_model_of_an_agent_needs_does_not_fail_it() {
    let fake = two().has(&of("stocks"), 2);
    let fake = read(fake).says(9, VerdictKind::Revoked).with(|state| {
        for agent in &mut state.observed.agents {
            let dead = Candidate {
                profile: Some(profile("other:default")),
                place: Place::Inherited,
                kind: Some(CredentialKind::ApiKey),
                material: Material::Inline(print(9)),
                standing: Standing::First,
                because: String::new(),
                leads_to: None,
                pinned_by_sessions: Vec::new(),
            };
            agent.candidates.insert("other".into(), vec![dead]);
            agent.endpoints.insert("other".into(), Endpoint::public("other"));
            agent.needs.insert(ACME.into(), vec!["big".into()]);
        }
        state.observed.agents[1].needs.insert("other".into(), vec!["small".into()]);
    });
    let report = verified(&fake, false);
    assert_eq!((state(&report, "main"), state(&report, "stocks")), (AgentState::Proven, AgentState::Failing));
    let all = report.rejected_unneeded();
    assert_eq!((all.len(), &all[0].1[..]), (1, &[&agent("main")][..]));

    let nobody = fake.with(|state| {
        state.observed.agents[1].needs.remove(&ProviderId::from("other"));
    });
    let report = verified(&nobody, false);
    assert_eq!((report.summary().proven, report.summary().failing), (2, 0));
    assert!(!report.is_accepted(), "something that was asked about was rejected");
    let names: Vec<_> =
        report.rejected_unneeded().into_iter().flat_map(|(_, agents)| agents.clone()).collect();
    assert_eq!(names, [&agent("main"), &agent("stocks")]);
    // Neither does it where that provider alone is looked at.
    let scope = Scope { providers: BTreeSet::from(["other".into()]), ..Scope::default() };
    let seen = look(&nobody, &LookOptions::default(), &mut |_| {}).unwrap();
    let alone = verify(&nobody, seen, &VerifyOptions { scope, ..VerifyOptions::default() }, &mut |_| {});
    assert_eq!((alone.summary().failing, alone.rejected_unneeded().len()), (0, 1));
    let alarms = conditions::of_verify(&report).seen;
    assert_eq!(alarms.len(), 1, "told of once: {alarms:?}");
    assert!(alarms.keys().all(|id| id.agent.is_none()), "{alarms:?}");
    // It keeps no agent from being asked through the gateway.
    let by = || TurnOutcome::Answered { by: Some(name("big")) };
    let report = verified(&turn(turn(nobody, "main", by()), "stocks", by()), true);
    assert_eq!(report.summary().proven, 2, "{:?}", report.agents);
}
