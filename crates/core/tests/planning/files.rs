//! Files of secrets of the person's own: what the gateway has of them, as far as each can be read.

use crate::world::*;
use keyshoal_core::activation::{Held, certain, digest, held};
use keyshoal_core::knowledge::Activated;
use keyshoal_core::*;
use proptest::prelude::*;

/// When the gateway was made to read.
const READ: i64 = 50;

/// What a reference leads to, as far as it can be read, and when its file was written.
type Led = (Option<u8>, i64);

fn reference(index: usize) -> SecretRef {
    SecretRef { source: SecretSource::File, provider: "mine".into(), id: format!("/{index}") }
}

fn path(index: usize) -> String {
    format!("/srv/{index}.json")
}

/// A gateway that runs since 10, and whose stores and config refer to these in turn.
fn referring(led: &[Led]) -> World {
    let mut world = World::json(&["main"]).base(2);
    world.observed.instance.gateway.started = Some(at(10));
    for index in 0..led.len() {
        let material = Material::Ref { fingerprint: print(9), reference: reference(index), known: false };
        if index % 2 == 1 {
            world.observed.config_keys.insert(ProviderId::from(format!("acme{index}").as_str()), material);
            continue;
        }
        let view = ProfileView { material, ..api_key(9) };
        world.store(&StoreId::Base).profiles.insert(profile(&format!("acme:{index}")), view);
    }
    lead(&mut world, led);
    world
}

fn lead(world: &mut World, led: &[Led]) {
    for (index, (value, modified)) in led.iter().enumerate() {
        let one = Referred { path: path(index), modified: Some(at(*modified)), value: value.map(print) };
        world.observed.referred.insert(reference(index), one);
    }
}

fn know(world: &mut World, digest: String) {
    world.knowledge.activated = Some(Activated { digest, at: at(READ) });
}

/// Takes out of a digest what it says of files.
fn without_files(digest: &str) -> String {
    digest.split_once('~').map_or(digest, |(before, _)| before).to_owned()
}

fn severity(world: &World) -> Option<Severity> {
    let judged = world.judged();
    let mut found = judged.findings.iter().filter(|one| one.finding == FindingKind::NotActivated);
    found.next().map(|one| one.severity)
}

#[test]
fn one_reference_that_leads_nowhere_hides_no_other() {
    let mut world = referring(&[(Some(1), 5), (None, 5)]);
    let known = digest(&world.observed);
    know(&mut world, known);
    assert_eq!(severity(&world), None);
    lead(&mut world, &[(Some(3), 60), (None, 5)]);
    assert_eq!(severity(&world), Some(Severity::Attention));
    assert_eq!(world.planned().activation, ActivationNeed::Reload);
}

#[test]
fn a_file_that_changed_before_files_counted_is_not_known_and_no_alarm() {
    let mut world = referring(&[(Some(1), 5)]);
    let known = without_files(&digest(&world.observed));
    know(&mut world, known);
    assert_eq!((held(&world.observed, &world.knowledge), severity(&world)), (Held::Current, None));
    lead(&mut world, &[(Some(3), 60)]);
    assert_eq!(severity(&world), Some(Severity::Info));
    assert!(world.planned().is_empty() && !world.judged().needs_attention());
    // A gateway that has begun since has read it, and what is not known is never remembered as read.
    assert_eq!(certain(&world.observed, &world.knowledge), None);
    world.observed.instance.gateway.started = Some(at(55));
    assert_eq!((severity(&world), certain(&world.observed, &world.knowledge)), (Some(Severity::Info), None));
    world.observed.instance.gateway.started = Some(at(70));
    assert_eq!(severity(&world), None);
    // None runs: the next one reads what stands there, and from then on the file counts.
    world.observed.instance.gateway.running = Some(false);
    let known = certain(&world.observed, &world.knowledge).unwrap();
    world.observed.instance.gateway.running = Some(true);
    world.observed.instance.gateway.started = Some(at(10));
    know(&mut world, known);
    lead(&mut world, &[(Some(4), 80)]);
    assert_eq!(severity(&world), Some(Severity::Attention));
}

/// A restart read the file, and nobody looked after it: that the file says something else since is no question of another entry.
#[test]
fn a_file_that_changes_long_after_a_restart_is_an_alarm() {
    let mut world = referring(&[(Some(1), 5)]);
    let known = digest(&world.observed);
    know(&mut world, known);
    world.observed.instance.gateway.started = Some(at(READ + 10));
    for (written, told) in [(READ + 70, Severity::Info), (READ + 400, Severity::Attention)] {
        lead(&mut world, &[(Some(2), written)]);
        assert_eq!(severity(&world), Some(told), "{written}");
    }
    // Another entry of the same file.
    lead(&mut world, &[(Some(1), READ + 400)]);
    assert_eq!(severity(&world), None);
}

/// The line in a gateway's log of the read that we asked for comes a moment after its answer.
#[test]
fn the_logs_word_of_our_own_read_is_no_later_read() {
    let mut world = referring(&[(Some(1), 5)]);
    let known = digest(&world.observed);
    know(&mut world, known);
    world.observed.instance.gateway.read = Some(at(READ + 1));
    lead(&mut world, &[(Some(2), READ + 2)]);
    assert_eq!(severity(&world), Some(Severity::Attention));
    // A later one is another, and may have read it.
    world.observed.instance.gateway.read = Some(at(READ + 9));
    assert_eq!(severity(&world), None);
}

fn led() -> impl Strategy<Value = Led> {
    (proptest::option::weighted(0.7, 1_u8..4), 1_i64..100)
}

proptest! {
    #[test]
    fn each_file_counts_for_itself(pairs in proptest::collection::vec((led(), led()), 1..5), old in any::<bool>()) {
        let (then, now): (Vec<Led>, Vec<Led>) = pairs.iter().copied().unzip();
        let mut world = referring(&then);
        let all = digest(&world.observed);
        know(&mut world, if old { without_files(&all) } else { all });
        lead(&mut world, &now);
        let named = |then: &Led| then.0.filter(|_| !old);
        let changed = pairs.iter().any(|(then, now)| named(then).is_some_and(|one| now.0.is_some_and(|now| now != one)));
        let unnamed: Vec<i64> = pairs
            .iter()
            .filter(|(then, now)| named(then).is_none() && now.0.is_some() && now.1 > READ)
            .map(|(_, now)| now.1)
            .collect();
        let told = match held(&world.observed, &world.knowledge) {
            Held::Current => None,
            Held::Older => Some((Severity::Attention, None)),
            Held::Unknown { written } => Some((Severity::Info, written.map(|(_, at)| at))),
        };
        let expected = match (changed, unnamed.iter().max()) {
            (true, _) => Some((Severity::Attention, None)),
            (false, Some(last)) => Some((Severity::Info, Some(at(*last)))),
            (false, None) => None,
        };
        prop_assert_eq!(told, expected);
        prop_assert_eq!(severity(&world), expected.map(|(severity, _)| severity));
    }

    /// What a start lets be remembered again says no more and no less than before.
    #[test]
    fn to_remember_again_makes_nothing_fine(
        pairs in proptest::collection::vec((led(), led()), 1..5),
        old in any::<bool>(),
        began in 1_i64..100,
    ) {
        let (then, now): (Vec<Led>, Vec<Led>) = pairs.into_iter().unzip();
        let mut world = referring(&then);
        let all = digest(&world.observed);
        know(&mut world, if old { without_files(&all) } else { all });
        lead(&mut world, &now);
        world.observed.instance.gateway.started = Some(at(began));
        if let Some(digest) = certain(&world.observed, &world.knowledge) {
            prop_assert_eq!(held(&world.observed, &world.knowledge), Held::Current);
            world.knowledge.activated = Some(Activated { digest, at: at(100) });
            prop_assert_eq!(held(&world.observed, &world.knowledge), Held::Current);
        }
    }
}
