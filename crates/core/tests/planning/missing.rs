//! Agents that have nothing to send, and stores that nobody can read.

use super::world::*;
use keyshoal_core::candidate::Place;
use keyshoal_core::*;

fn candidate(place: Place, standing: Standing) -> Candidate {
    Candidate {
        profile: matches!(place, Place::Local | Place::Inherited).then(|| profile(P)),
        place,
        kind: Some(CredentialKind::ApiKey),
        material: Material::Inline(print(1)),
        standing,
        because: String::new(),
        leads_to: None,
        pinned_by_sessions: Vec::new(),
    }
}

/// Returns what is said of stocks, which needs acme and has these candidates for it.
fn missing(candidates: Vec<Candidate>) -> Option<String> {
    let mut world = World::json(&["main", "stocks"]);
    let stocks = &mut world.observed.agents[1];
    let drawing = Need { model: "paint".into(), purpose: Some("making images".into()) };
    stocks.needs.insert(ACME.into(), vec!["large".into(), drawing]);
    stocks.candidates.insert(ACME.into(), candidates);
    let judged = world.judged();
    let mut found = judged.findings.into_iter().filter(|one| one.finding == FindingKind::Missing);
    let one = found.next()?;
    assert_eq!(found.next(), None);
    assert_eq!((&one.agent, &one.provider), (&Some(agent("stocks")), &Some(ACME.into())));
    assert_eq!(one.severity, Severity::Attention);
    assert!(one.fix.is_some());
    Some(one.message)
}

#[test]
fn what_is_sent_is_not_missing() {
    for standing in [Standing::First, Standing::Later] {
        assert_eq!(missing(vec![candidate(Place::Inherited, standing)]), None);
    }
    // Nor is what will be sent soon, or has a finding of its own.
    let cooling = OutReason::CoolingDown { until: at(2_000_000), reason: "rate_limit".into() };
    for told in [cooling, OutReason::Fenced, OutReason::Expired { at: at(1) }, OutReason::InvalidExpires] {
        assert_eq!(missing(vec![candidate(Place::Local, Standing::Out(told))]), None);
    }
}

#[test]
fn no_credential_at_all_is_missing_and_says_what_for() {
    let nothing = "needs acme for large, paint (making images) and has no credential for it";
    let hidden = "; the environment of the running gateway cannot be seen from here and may hold one";
    let expected = Some(format!("{nothing}{hidden}"));
    assert_eq!(missing(Vec::new()), expected);
    // A stale copy that no request uses is none, nor is an entry that holds nothing.
    assert_eq!(
        missing(vec![candidate(Place::ModelsFile, Standing::Out(OutReason::LowerPrecedence))]),
        expected
    );
    assert_eq!(
        missing(vec![candidate(Place::ConfigKey, Standing::Out(OutReason::MissingCredential))]),
        expected
    );
}

#[test]
fn credentials_that_are_all_left_out_are_named_with_the_reason() {
    let out = |place, reason| candidate(place, Standing::Out(reason));
    let variable = Place::Environment { name: "ACME_KEY".into(), layer: ".env".into() };
    let said = missing(vec![
        out(Place::Local, OutReason::NotInOrder),
        out(variable, OutReason::LowerPrecedence),
        out(Place::Inherited, OutReason::ModeMismatch { wanted: CredentialKind::Token }),
    ])
    .unwrap();
    let why = "OpenClaw uses none of its credentials for it: acme:default (not in the order), ACME_KEY (what comes before it leads \
               to nothing), acme:default (auth.profiles in the config wants the type token)";
    assert_eq!(said, format!("needs acme for large, paint (making images), and {why}"));
}

#[test]
fn where_a_store_cannot_be_read_nothing_is_called_missing_and_nothing_fine() {
    let mut world = World::shared(&["main", "stocks"]).local("stocks", 1);
    world.store(&StoreId::Base).health = StoreHealth::Unreadable("malformed".into());
    for agent in &mut world.observed.agents {
        agent.unknown = Some("the store cannot be read".into());
        agent.needs.insert(ACME.into(), vec!["large".into()]);
    }
    let judged = world.judged();
    assert_eq!(judged.count(FindingKind::Missing), 0);
    for id in ["main", "stocks"] {
        let id = agent(id);
        let findings: Vec<_> = judged.of_agent(&id).collect();
        assert!(
            findings
                .iter()
                .any(|one| one.finding == FindingKind::Unreadable && one.severity == Severity::Attention)
        );
        assert!(findings.iter().all(|one| one.severity != Severity::Fine), "{findings:?}");
    }
}

#[test]
fn a_type_that_the_config_does_not_want_is_mentioned_whatever_else_is_said() {
    let mut world = World::shared(&["main", "stocks", "lone"]).base(2).local("stocks", 1);
    world = world.put(&of("lone"), "acme:own", api_key(7));
    world.observed.modes.insert(profile(P), CredentialKind::Token);
    world.observed.modes.insert(profile("acme:own"), CredentialKind::OAuth);
    let judged = world.judged();
    let said = |id: &str, of: &str| judged.of(&agent(id), &profile(of)).unwrap().clone();
    for (one, kind) in [
        (said("stocks", P), FindingKind::Foreign),
        (said("lone", "acme:own"), FindingKind::Kept),
        (said("main", P), FindingKind::Inherited),
    ] {
        assert_eq!((one.finding, one.severity), (kind, Severity::Attention));
        assert!(
            one.message.contains("its type is api_key, but auth.profiles in the config wants"),
            "{}",
            one.message
        );
        assert!(one.fix.is_some());
    }
}

#[test]
fn a_time_in_seconds_is_told_with_the_question_whether_it_is_one() {
    let mut world = World::json(&["main"]).base(2);
    let view = ProfileView { kind: CredentialKind::Token, expires: Some(at(1_790_000)), ..api_key(2) };
    world.store(&StoreId::Base).profiles.insert(profile(P), view);
    let told = |now: i64| {
        let judged = judge(&world.observed, &world.desired, &world.knowledge, at(now));
        let over = judged.findings.iter().find(|one| one.finding == FindingKind::Expired);
        over.unwrap().message.clone()
    };
    assert!(told(1_790_000_000).contains("in seconds?"), "1970, seen in 2026");
    assert!(!told(1_800_000).contains("in seconds?"), "a while ago");
}
