//! References into files of the person's own that lead nowhere: told, whoever refers so.

use crate::world::*;
use keyshoal_core::*;

fn reference() -> SecretRef {
    SecretRef { source: SecretSource::File, provider: "mine".into(), id: "/acme".into() }
}

/// Main and stocks refer to the file, and ops inherits.
fn referring(nowhere: Option<&str>) -> World {
    let material = Material::Ref { fingerprint: print(9), reference: reference(), known: false };
    let view = ProfileView { material, ..api_key(9) };
    let mut world = World::json(&["main", "stocks", "ops"])
        .put(&StoreId::Base, P, view.clone())
        .put(&of("stocks"), P, view)
        .source_from(&StoreId::Base);
    let value = nowhere.is_none().then(|| print(1));
    let led = Referred {
        path: "/srv/mine.json".into(),
        modified: Some(at(1)),
        value,
        nowhere: nowhere.map(str::to_owned),
    };
    world.observed.referred.insert(reference(), led);
    world.observed.instance.gateway.pid = Some(7);
    world
}

fn told(world: &World) -> Vec<(Severity, String)> {
    let judged = world.judged();
    let missing = judged.findings.iter().filter(|one| one.finding == FindingKind::Missing);
    missing.map(|one| (one.severity, one.message.clone())).collect()
}

#[test]
fn a_reference_that_openclaw_cannot_follow_is_told_with_who_refers_so() {
    assert_eq!(told(&referring(None)), []);
    let world = referring(Some("/srv/mine.json does not exist"));
    let [(severity, text)] = &told(&world)[..] else { panic!("{:?}", told(&world)) };
    assert_eq!(*severity, Severity::Attention);
    assert!(text.contains("acme:default of stocks, acme:default of what all inherit"), "{text}");
    assert!(
        text.ends_with("/acme of secrets.providers.mine leads nowhere: /srv/mine.json does not exist"),
        "{text}"
    );
    assert!(world.judged().needs_attention() && world.planned().is_empty());
}

#[test]
fn where_the_gateway_is_in_a_container_nobody_can_tell() {
    let mut world = referring(Some("/srv/mine.json does not exist"));
    world.observed.instance.gateway.running = Some(true);
    for (pid, severity) in [(None, Severity::Info), (Some(7), Severity::Attention)] {
        world.observed.instance.gateway.pid = pid;
        assert_eq!(told(&world)[0].0, severity);
    }
}
