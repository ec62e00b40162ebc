//! References into the file that Keyshoal delivers, where that file is lost and no vault says what stood there.

use crate::world::*;
use keyshoal_core::*;

/// A profile that refers into the file; `known`: the file has a value there.
fn referring(id: &str, value: u8, known: bool) -> ProfileView {
    let reference = SecretRef { source: SecretSource::File, provider: "keyshoal".into(), id: id.into() };
    ProfileView { material: Material::Ref { reference, fingerprint: print(value), known }, ..api_key(value) }
}

fn shared(known: bool) -> ProfileView {
    referring("/shared/acme:default", 1, known)
}

fn override_of(known: bool) -> ProfileView {
    referring("/agents/uid~1acme:default", 2, known)
}

/// Main and stocks refer to what all share, academic to what it alone was given, and ops inherits.
fn released(known: bool) -> World {
    World::json(&["main", "stocks", "ops", "academic"])
        .put(&StoreId::Base, P, shared(known))
        .put(&of("stocks"), P, shared(known))
        .put(&of("academic"), P, override_of(known))
}

#[test]
fn what_leads_nowhere_is_told_of_everybody_with_a_way_out_that_works_there() {
    let world = released(false).source_from(&StoreId::Base);
    for (agent, way) in [
        ("main", "keyshoal set acme:default   "),
        ("stocks", "keyshoal set acme:default   "),
        ("ops", "keyshoal set acme:default   "),
        ("academic", "keyshoal set acme:default --agent academic   "),
    ] {
        let found = world.found(agent);
        assert_eq!((found.finding, found.severity), (FindingKind::Missing, Severity::Attention), "{agent}");
        assert!(found.message.contains("holds nothing there"), "{agent}: {}", found.message);
        assert!(found.fix.as_ref().unwrap().starts_with(way), "{agent}: {found:?}");
    }
    assert!(world.planned().is_empty(), "nothing is spread that is not there");
}

/// Nothing is said of requests that a gateway answers from its memory, and nothing is hidden of its next start.
#[test]
fn what_a_gateway_does_with_it_is_said_as_far_as_it_is_known() {
    for (running, says) in [
        (Some(false), "does not start so"),
        (Some(true), "until it restarts, and does not start then"),
        (None, "until it restarts, and does not start then"),
    ] {
        let mut world = released(false).source_from(&StoreId::Base);
        world.observed.instance.gateway.running = running;
        let read = activation::digest(&World::json(&["main"]).base(9).observed);
        world.knowledge.activated = Some(knowledge::Activated { digest: read, at: at(1) });
        for agent in ["main", "academic"] {
            assert!(world.found(agent).message.contains(says), "{running:?}: {}", world.found(agent).message);
        }
        let findings = world.judged().findings;
        let held = findings.iter().find(|one| one.finding == FindingKind::NotActivated);
        assert!(!held.is_some_and(|one| one.message.contains("older values")), "{held:?}");
        assert_eq!(held.is_some(), running != Some(false), "{running:?}");
    }
}

#[test]
fn one_that_leads_to_a_value_is_what_it_was() {
    let world = released(true).source_from(&StoreId::Base);
    let found = ["main", "stocks", "ops", "academic"].map(|agent| world.finding(agent));
    use FindingKind::{InSync, Inherited, Kept};
    assert_eq!(found, [InSync, InSync, Inherited, Kept]);
    assert!(world.planned().is_empty());
    let rotated = released(true).base(3).generations(&[1, 3]).source_from(&StoreId::Base);
    assert_eq!(rotated.writes(), ["replace stocks"], "what all shared before is an earlier value");
}

#[test]
fn a_key_that_is_given_again_reaches_who_shared_it_and_replaces_no_override() {
    let world = released(false).given(7);
    assert_eq!(world.writes(), ["replace base", "replace stocks"]);
    let found = world.found("academic");
    assert_eq!((found.finding, found.severity), (FindingKind::Missing, Severity::Attention));
    let then = World::json(&["main", "stocks"]).base(7).put(&of("stocks"), P, shared(false));
    assert_eq!(then.clone().source_from(&StoreId::Base).writes(), ["replace stocks"]);
    let kept = then.kept("stocks", 1, knowledge::KeptBy::Person).source_from(&StoreId::Base);
    assert!(kept.planned().is_empty(), "a person said that it stays");
    assert_eq!(kept.finding("stocks"), FindingKind::Missing);
}
