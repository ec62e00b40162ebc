//! One example for each rule about a local copy.

use crate::world::*;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::plan::{Proposal, Why};
use keyshoal_core::*;

#[test]
fn an_equal_copy_is_in_step_and_an_absent_one_inherits() {
    let world = World::json(&["main", "stocks", "ops"]).base(2).local("stocks", 2);
    assert_eq!(world.finding("main"), FindingKind::InSync);
    assert_eq!(world.finding("stocks"), FindingKind::InSync);
    assert_eq!(world.finding("ops"), FindingKind::Inherited);
    assert!(!world.judged().needs_attention());
    assert!(world.planned().is_empty());
}

#[test]
fn a_profile_that_holds_nothing_gets_the_sources_value() {
    let empty = || ProfileView { material: Material::Absent, ..api_key(0) };
    for world in [World::json(&["main", "stocks"]), World::shared(&["main", "stocks"])] {
        let world = world.base(2).put(&of("stocks"), P, empty());
        let found = world.found("stocks");
        assert_eq!((found.finding, found.fix.as_deref()), (FindingKind::Missing, Some("keyshoal sync")));
        assert_eq!(world.writes(), ["insert stocks"]);
        let kept = world.clone().kept("stocks", 9, KeptBy::Person);
        assert!(kept.writes().is_empty(), "whoever marked it means it");
        assert!(kept.found("stocks").fix.unwrap().starts_with("keyshoal keep --undo stocks"));
        let rejected = world.clone().said(2, VerdictKind::Revoked);
        assert!(rejected.writes().is_empty(), "a dead value is not spread");
        let login = world.put(&of("stocks"), P, ProfileView { kind: CredentialKind::OAuth, ..empty() });
        assert!(login.writes().is_empty(), "a login is never made of a key");
    }
}

#[test]
fn an_earlier_generation_is_stale_whatever_its_provider_says() {
    let world = World::json(&["main", "stocks"])
        .base(3)
        .local("stocks", 1)
        .generations(&[1, 2, 3])
        .said(1, VerdictKind::Ok)
        .said(3, VerdictKind::Ok);
    let found = world.found("stocks");
    assert_eq!(found.finding, FindingKind::Stale);
    assert!(found.message.contains("of two rotations ago"), "{}", found.message);
    let plan = world.planned();
    let Action::Replace { expect, value, why, reset_cooldown, .. } = &plan.actions[0] else {
        panic!("{plan:?}")
    };
    assert_eq!((*expect, *value, *reset_cooldown), (print(1), print(3), true));
    assert_eq!(*why, Why::EarlierGeneration { behind: 2 });
    assert_eq!(plan.activation, ActivationNeed::Reload);
}

#[test]
fn a_rejected_value_is_stale_only_beside_an_accepted_source() {
    let world = World::json(&["main", "stocks"]).base(2).local("stocks", 7).said(7, VerdictKind::Revoked);
    assert_eq!(world.finding("stocks"), FindingKind::Foreign);
    assert!(world.writes().is_empty());
    let world = world.said(2, VerdictKind::Ok);
    assert_eq!(world.finding("stocks"), FindingKind::Stale);
    assert_eq!(world.writes(), ["replace stocks"]);
    assert!(world.planned().questions.is_empty(), "nothing is unsettled");
}

#[test]
fn trouble_that_is_not_death_never_justifies_a_replacement() {
    for kind in [
        VerdictKind::Billing,
        VerdictKind::RateLimited,
        VerdictKind::MissingScope,
        VerdictKind::ModelUnavailable,
        VerdictKind::Policy,
        VerdictKind::Timeout,
        VerdictKind::ProviderDown,
        VerdictKind::UnexpectedAnswer,
        VerdictKind::MalformedKey,
        VerdictKind::Unknown,
        VerdictKind::NotAsked,
    ] {
        let world = World::json(&["main", "stocks"])
            .base(2)
            .local("stocks", 7)
            .said(7, kind)
            .said(2, VerdictKind::Ok);
        assert_eq!(world.finding("stocks"), FindingKind::Foreign, "{kind:?}");
        assert!(world.writes().is_empty(), "{kind:?}");
    }
}

#[test]
fn an_accepted_difference_is_an_override_and_is_remembered() {
    let world = World::json(&["main", "academic"])
        .base(2)
        .local("academic", 9)
        .said(9, VerdictKind::Ok)
        .said(2, VerdictKind::Ok);
    assert_eq!(world.finding("academic"), FindingKind::Kept);
    assert!(world.writes().is_empty());
    assert_eq!(
        world.judged().learned,
        [Fact::Kept {
            agent: agent("academic"),
            profile: profile(P),
            fingerprint: print(9),
            by: KeptBy::Acceptance
        }]
    );
    let plan = world.planned();
    let Question::Differing { others, .. } = &plan.questions[0] else { panic!("{plan:?}") };
    assert_eq!(others[0].proposal, Proposal::Keep);
    // Once it is remembered, nobody is asked again.
    let world = world.kept("academic", 9, KeptBy::Acceptance);
    assert!(world.planned().questions.is_empty() && world.judged().learned.is_empty());
}

#[test]
fn an_accepted_override_that_dies_is_asked_about_and_never_replaced() {
    let world = World::json(&["main", "academic"])
        .base(2)
        .local("academic", 9)
        .kept("academic", 9, KeptBy::Acceptance)
        .said(9, VerdictKind::Revoked)
        .said(2, VerdictKind::Ok);
    let found = world.found("academic");
    assert_eq!((found.finding, found.severity), (FindingKind::Kept, Severity::Attention));
    assert!(world.writes().is_empty());
    assert_eq!(world.planned().questions.len(), 1);
    // The mark was for that value; another one is judged afresh.
    let world = world.local("academic", 8).said(8, VerdictKind::InvalidKey);
    assert_eq!(world.writes(), ["replace academic"]);
}

#[test]
fn a_persons_keep_holds_for_every_later_value_even_a_dead_one() {
    let world = World::json(&["main", "academic"])
        .base(2)
        .local("academic", 1)
        .kept("academic", 9, KeptBy::Person)
        .generations(&[1, 2])
        .said(1, VerdictKind::Revoked)
        .said(7, VerdictKind::Revoked)
        .said(2, VerdictKind::Ok);
    for (value, kind) in [(1, FindingKind::Overwritten), (7, FindingKind::Kept)] {
        let world = world.clone().local("academic", value);
        let found = world.found("academic");
        assert_eq!((found.finding, found.severity), (kind, Severity::Attention));
        let plan = world.planned();
        assert!(plan.is_empty() && plan.questions.is_empty(), "{plan:?}");
    }
}

#[test]
fn permission_holds_for_the_value_that_the_person_saw() {
    let mut world = World::json(&["main", "stocks"]).base(2).local("stocks", 7);
    world.knowledge.replace.insert((agent("stocks"), profile(P)), print(7));
    assert_eq!(world.writes(), ["replace stocks"]);
    let world = world.local("stocks", 6);
    assert!(world.writes().is_empty(), "it changed since");
}

#[test]
fn foreign_values_are_replaced_only_when_the_command_includes_them() {
    let mut world = World::json(&["main", "stocks"]).base(2).local("stocks", 7);
    assert_eq!(world.finding("stocks"), FindingKind::Foreign);
    assert_eq!(world.planned().questions.len(), 1);
    assert!(world.writes().is_empty());
    world.desired.include_foreign = true;
    assert_eq!(world.writes(), ["replace stocks"]);
}

#[test]
fn a_reference_is_left_alone() {
    let mut by_name = api_key(7);
    by_name.material = Material::Ref {
        reference: SecretRef {
            source: SecretSource::Env,
            provider: "default".to_owned(),
            id: "ACME_KEY".to_owned(),
        },
        fingerprint: print(7),
        known: false,
    };
    let world = World::json(&["main", "stocks"])
        .base(2)
        .put(&of("stocks"), P, by_name)
        .generations(&[7, 2])
        .said(2, VerdictKind::Ok);
    let found = world.found("stocks");
    assert_eq!((found.finding, found.severity), (FindingKind::Foreign, Severity::Info));
    assert!(world.planned().is_empty());
}

#[test]
fn removal_is_preferred_where_the_layout_reads_through_and_nothing_lies_in_the_way() {
    let drifted = World::shared(&["main", "stocks"]).base(2).local("stocks", 1).generations(&[1, 2]);
    assert_eq!(drifted.writes(), ["remove stocks"]);
    let mut leftover = drifted.clone();
    leftover.store(&of("stocks")).leftover = Some("/store/auth-profiles.json".to_owned());
    assert_eq!(
        leftover.writes(),
        ["replace stocks"],
        "an empty store beside a leftover JSON stops the agent"
    );
    let mut json = World::json(&["main", "stocks"]).base(2).local("stocks", 1).generations(&[1, 2]);
    assert_eq!(json.writes(), ["replace stocks"]);
    json.observed.capabilities.prefers_inheritance = true;
    assert_eq!(json.writes(), ["remove stocks"]);
    json.observed.capabilities.reads_through = false;
    assert_eq!(json.writes(), ["replace stocks"]);
}

#[test]
fn a_type_that_the_config_does_not_want_is_mended_without_touching_the_value() {
    let mut world = World::json(&["main", "stocks"]).base(2).local("stocks", 2);
    world.observed.modes.insert(profile(P), CredentialKind::Token);
    assert_eq!(world.finding("main"), FindingKind::ModeMismatch);
    assert_eq!(world.finding("stocks"), FindingKind::ModeMismatch);
    assert_eq!(world.writes(), ["fix base", "fix stocks"]);
    // What is replaced anyway gets the right type with it.
    let world = world.local("stocks", 1).generations(&[1, 2]);
    let plan = world.planned();
    let Action::Replace { kind, .. } = &plan.actions[1] else { panic!("{plan:?}") };
    assert_eq!(*kind, CredentialKind::Token);
}

#[test]
fn an_override_of_the_wrong_type_is_advised_to_be_set_again_and_not_to_be_given_up() {
    let mut world = World::json(&["main", "academic"]).base(2).local("academic", 9);
    world = world.kept("academic", 9, KeptBy::Person);
    world.observed.modes.insert(profile(P), CredentialKind::Token);
    let found = world.found("academic");
    assert_eq!((found.finding, found.severity), (FindingKind::Kept, Severity::Attention));
    assert_eq!(found.fix.as_deref(), Some("keyshoal set acme:default --agent academic --type token"));
}

#[test]
fn what_cannot_be_read_or_must_not_be_written_is_reported_and_left() {
    let drifted = World::json(&["main", "stocks"]).base(2).local("stocks", 1).generations(&[1, 2]);
    let mut unreadable = drifted.clone();
    unreadable.store(&of("stocks")).health = StoreHealth::Unreadable("unexpected end".to_owned());
    let judged = unreadable.judged();
    let found: Vec<_> = judged.of_agent(&agent("stocks")).map(|one| one.finding).collect();
    assert_eq!(found, [FindingKind::Unreadable]);
    assert!(unreadable.writes().is_empty());

    let mut read_only = drifted.clone();
    read_only.store(&of("stocks")).read_only = Some("it is a bind mount".to_owned());
    assert_eq!(read_only.finding("stocks"), FindingKind::Stale);
    assert!(read_only.writes().is_empty());

    let mut unknown = drifted;
    unknown.observed.instance.layout = Layout::Unknown;
    assert!(unknown.writes().is_empty());
    assert!(unknown.judged().needs_attention());
}

#[test]
fn each_endpoint_is_believed_for_its_own_agents_only() {
    let mut world = World::json(&["main", "stocks", "lab"]).base(2).local("stocks", 7).local("lab", 7);
    let mut proxy = endpoint(ACME);
    proxy.base_url = Some("https://proxy.example".to_owned());
    world.observed.agents[2].endpoints.insert(ProviderId::from(ACME), proxy);
    world.observed.agents[0].endpoints.insert(ProviderId::from(ACME), endpoint(ACME));
    world.observed.agents[1].endpoints.insert(ProviderId::from(ACME), endpoint(ACME));
    let world = world.said(7, VerdictKind::InvalidKey).said(2, VerdictKind::Ok);
    assert_eq!(world.finding("stocks"), FindingKind::Stale);
    assert_eq!(world.finding("lab"), FindingKind::Foreign, "its proxy was not asked");
    assert_eq!(world.writes(), ["replace stocks"]);
}

#[test]
fn the_scope_limits_what_is_planned_and_asked() {
    let mut world = World::json(&["main", "stocks", "ops"])
        .base(2)
        .local("stocks", 1)
        .local("ops", 1)
        .generations(&[1, 2]);
    world.desired.scope.agents.insert(agent("ops"));
    assert_eq!(world.writes(), ["replace ops"]);
    world.desired.scope.providers.insert(ProviderId::from("other"));
    assert!(world.writes().is_empty());
}

#[test]
fn an_expired_token_is_dead_without_asking() {
    let token = |value: u8, expires: i64| ProfileView {
        kind: CredentialKind::Token,
        expires: Some(at(expires)),
        ..api_key(value)
    };
    let world = World::json(&["main", "stocks"])
        .put(&StoreId::Base, P, token(2, 2_000_000))
        .put(&of("stocks"), P, token(7, 999_999))
        .said(2, VerdictKind::Ok);
    assert_eq!(world.finding("stocks"), FindingKind::Stale);
    // And an expired source is a dead one.
    let world = world.put(&StoreId::Base, P, token(2, 999_999));
    assert_eq!(world.finding("main"), FindingKind::SourceRejected);
    assert!(world.writes().is_empty());
}

#[test]
fn a_needed_provider_without_any_credential_is_missing() {
    let mut world = World::json(&["main", "stocks"]).base(2);
    world.observed.agents[1].needs.insert(ProviderId::from("openai"), vec!["gpt".into()]);
    let judged = world.judged();
    let missing: Vec<_> = judged.findings.iter().filter(|one| one.finding == FindingKind::Missing).collect();
    assert_eq!(missing.len(), 1);
    assert_eq!(missing[0].agent, Some(agent("stocks")));
}

#[test]
fn where_two_agents_share_a_store_a_mark_of_either_counts() {
    let mut world = World::json(&["main", "stocks", "twin"]).base(2).local("stocks", 1).generations(&[1, 2]);
    world.observed.stores.remove(&of("twin"));
    world.observed.agents[2].store = of("stocks");
    assert_eq!(world.writes(), ["replace stocks"]);
    let world = world.kept("twin", 1, KeptBy::Person);
    assert_eq!((world.finding("stocks"), world.finding("twin")), (FindingKind::Kept, FindingKind::Kept));
    assert!(world.writes().is_empty());
}

#[test]
fn an_agent_that_the_gateway_goes_on_refusing_needs_a_restart() {
    let mut world = World::new(Layout::SharedRow, false, &["main", "stocks"]).base(2);
    world.store(&of("stocks")).leftover = Some("/store/auth-profiles.json".to_owned());
    let told = activation::digest(&world.observed);
    world.knowledge.activated = Some(knowledge::Activated { digest: told, at: now() });
    assert_eq!(world.planned().activation, ActivationNeed::None, "nothing to tell");
    assert!(world.judged().needs_attention(), "it is refused");

    world.store(&of("stocks")).leftover = None;
    assert_eq!(world.planned().activation, ActivationNeed::Restart);
    let judged = world.judged();
    let found = judged.findings.iter().find(|one| one.finding == FindingKind::NotActivated).unwrap();
    assert!(found.message.contains("refused stocks"), "{}", found.message);
    assert_eq!(found.fix.as_deref(), Some("keyshoal restart"));

    // A write that a reload would bring to the others does not make the restart unnecessary.
    let written = world.clone().local("main", 1).generations(&[1, 2]);
    assert_eq!(written.planned().activation, ActivationNeed::Restart);

    world.observed.instance.gateway.started =
        Some(now().checked_add(jiff::SignedDuration::from_secs(1)).unwrap());
    assert_eq!(world.planned().activation, ActivationNeed::None, "it has restarted since");
}

#[test]
fn a_gateway_of_which_nothing_is_known_may_hold_older_values() {
    let mut world = World::new(Layout::SharedRow, false, &["main", "stocks"]).base(1);
    let told = activation::digest(&world.observed);
    world.knowledge.activated = Some(knowledge::Activated { digest: told, at: now() });
    let mut world = world.base(2);
    for (running, need) in [
        (Some(true), ActivationNeed::Reload),
        (None, ActivationNeed::Reload),
        (Some(false), ActivationNeed::None),
    ] {
        world.observed.instance.gateway.running = running;
        assert_eq!(world.planned().activation, need, "{running:?}");
    }
}
