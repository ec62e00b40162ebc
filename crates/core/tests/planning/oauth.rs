//! OAuth logins are never copied; a dead copy of the owner's may be removed.

use crate::world::*;
use keyshoal_core::plan::Why;
use keyshoal_core::*;

const LATER: i64 = 2_000_000;
const PAST: i64 = 999_000;

#[test]
fn a_dead_copy_of_the_owners_login_becomes_inheritance_where_the_layout_can() {
    let world = World::shared(&["main", "stocks"]).put(&StoreId::Base, P, login(2, Some(50), LATER)).put(
        &of("stocks"),
        P,
        login(1, Some(50), PAST),
    );
    let plan = world.planned();
    let Action::RemoveShadow { why, inherits, .. } = &plan.actions[0] else { panic!("{plan:?}") };
    assert_eq!((why, *inherits), (&Why::DeadOAuthCopy, print(2)));

    let mut json = World::json(&["main", "stocks"]).put(&StoreId::Base, P, login(2, Some(50), LATER)).put(
        &of("stocks"),
        P,
        login(1, Some(50), PAST),
    );
    assert!(json.writes().is_empty());
    let found = json.found("stocks");
    assert_eq!(found.finding, FindingKind::Shadowing);
    assert!(found.fix.unwrap().contains("API key"), "the way out of this release is named");
    json.desired.include_foreign = true;
    assert!(json.writes().is_empty());
}

#[test]
fn the_way_to_sign_in_is_one_that_the_release_has() {
    for signs_in_agents in [true, false] {
        let mut world = World::json(&["main", "stocks"]).put(&StoreId::Base, P, login(2, Some(50), LATER));
        world = world.put(&of("stocks"), P, login(1, Some(50), PAST));
        world.observed.capabilities.signs_in_agents = signs_in_agents;
        let fix = world.found("stocks").fix.unwrap();
        assert_eq!(fix.contains("openclaw models auth --agent stocks login"), signs_in_agents, "{fix}");
        assert!(!fix.contains("login --agent"), "{fix}");
        assert_eq!(fix.contains("keyshoal set acme:key --agent stocks"), !signs_in_agents, "{fix}");
    }
}

#[test]
fn a_copy_of_the_owners_login_needs_attention_and_goes_when_a_person_says_so() {
    let mut world = World::shared(&["main", "stocks"]).put(&StoreId::Base, P, login(2, Some(50), LATER)).put(
        &of("stocks"),
        P,
        login(2, Some(50), LATER),
    );
    let found = world.found("stocks");
    assert_eq!((found.finding, found.severity), (FindingKind::Shadowing, Severity::Attention));
    assert!(world.writes().is_empty(), "nobody has agreed to it");
    world.desired.approved.insert((agent("stocks"), profile(P), print(2)));
    assert_eq!(world.writes(), ["remove stocks"]);
}

#[test]
fn a_login_to_another_account_is_nobodys_business() {
    let world = World::shared(&["main", "stocks"]).put(&StoreId::Base, P, login(2, Some(50), LATER)).put(
        &of("stocks"),
        P,
        login(1, Some(51), PAST),
    );
    assert!(world.planned().is_empty());
    assert_eq!(world.finding("stocks"), FindingKind::Kept);
}

#[test]
fn a_login_of_an_unknown_account_that_only_needs_renewal_is_asked_about() {
    let unknown = World::shared(&["main", "stocks"]).put(&StoreId::Base, P, login(2, None, LATER)).put(
        &of("stocks"),
        P,
        login(1, None, PAST),
    );
    assert!(unknown.writes().is_empty());
    assert_eq!(unknown.planned().questions.len(), 1);
    // It was the owner's once, or its provider rejects it: then it is certainly a dead copy.
    assert_eq!(unknown.clone().generations(&[1, 2]).writes(), ["remove stocks"]);
    assert_eq!(unknown.clone().said(1, VerdictKind::Revoked).writes(), ["remove stocks"]);
    // Or the person says so.
    let mut approved = unknown;
    approved.desired.approved.insert((agent("stocks"), profile(P), print(1)));
    assert_eq!(approved.writes(), ["remove stocks"]);
}

#[test]
fn a_dead_copy_is_not_removed_in_favour_of_a_dead_login() {
    let world = World::shared(&["main", "stocks"]).put(&StoreId::Base, P, login(2, Some(50), PAST)).put(
        &of("stocks"),
        P,
        login(1, Some(50), PAST),
    );
    assert!(world.writes().is_empty());
}

#[test]
fn a_key_beside_a_login_is_never_written_over() {
    for (base, local) in [(login(2, None, LATER), api_key(1)), (api_key(2), login(1, None, PAST))] {
        let mut world = World::shared(&["main", "stocks"])
            .put(&StoreId::Base, P, base)
            .put(&of("stocks"), P, local)
            .generations(&[1, 2])
            .said(1, VerdictKind::Revoked)
            .said(2, VerdictKind::Ok);
        assert_eq!(world.finding("stocks"), FindingKind::Foreign);
        world.desired.include_foreign = true;
        assert!(world.writes().is_empty());
    }
}

#[test]
fn a_fence_is_untouchable() {
    let fenced = ProfileView { material: Material::Fenced, ..login(1, Some(50), PAST) };
    let mut world = World::shared(&["main", "stocks"]).put(&StoreId::Base, P, login(2, Some(50), LATER)).put(
        &of("stocks"),
        P,
        fenced,
    );
    world.desired.include_foreign = true;
    assert!(world.writes().is_empty());
    assert_eq!(world.found("stocks").severity, Severity::Info);
}
