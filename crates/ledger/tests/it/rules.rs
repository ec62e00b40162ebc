//! The rules of the memory, each in the story that it is there for.

use crate::world::{agent, at, generation, kept, may_replace, open, print, profile, seen, values};
use keyshoal_core::Fact;
use keyshoal_core::knowledge::{GenerationOrigin, KeptBy};
use keyshoal_ledger::{Keys, Ledger, LedgerError, OpenMode};

/// A restored backup brings an earlier key back: it must be seen as one, until a person says that it is right.
#[test]
fn a_source_that_fell_back_stays_visible_until_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for (second, value) in [1, 2, 3, 1, 1].into_iter().enumerate() {
        ledger.learn(&[seen("p", value)], at(second as i64)).unwrap();
    }
    assert_eq!(values(&ledger, "p"), [1, 2, 3]);
    let knowledge = ledger.knowledge().unwrap();
    assert_eq!(knowledge.generations_behind(&profile("p"), print(1)), Some(2));

    ledger.confirm_generation(&profile("p"), print(1), at(9)).unwrap();
    assert_eq!(values(&ledger, "p"), [2, 3, 1]);
    let first = &ledger.knowledge().unwrap().generations[&profile("p")][2];
    assert_eq!(first.first_seen, at(0), "it was first seen when it was first seen");
}

/// `set` and `rollback` write on somebody's word: what they write is the newest.
#[test]
fn what_we_wrote_into_the_source_is_the_newest() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    ledger.learn(&[seen("p", 1), seen("p", 2)], at(0)).unwrap();
    ledger.learn(&[generation("p", 1, GenerationOrigin::Written)], at(1)).unwrap();
    ledger.learn(&[seen("p", 1)], at(2)).unwrap();
    assert_eq!(values(&ledger, "p"), [2, 1]);
}

/// Copies in models.json are of the past, but one may be of the present value: that is no fallback.
#[test]
fn residue_is_older_than_all_that_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let residue = |value| generation("p", value, GenerationOrigin::Residue);
    ledger.learn(&[residue(5), residue(7), seen("p", 5)], at(0)).unwrap();
    assert_eq!(values(&ledger, "p"), [7, 5]);
    ledger.learn(&[seen("p", 6), residue(8)], at(1)).unwrap();
    assert_eq!(values(&ledger, "p"), [7, 8, 5, 6]);
    ledger.learn(&[seen("p", 7)], at(2)).unwrap();
    assert_eq!(values(&ledger, "p"), [7, 8, 5, 6], "the source fell back to what was residue");

    // The residue was learned by an earlier look, when the source could not be read.
    ledger.learn(&[residue(1)], at(3)).unwrap();
    ledger
        .learn(
            &[generation("q", 1, GenerationOrigin::Residue), generation("q", 2, GenerationOrigin::Residue)],
            at(3),
        )
        .unwrap();
    ledger.learn(&[seen("q", 1)], at(4)).unwrap();
    assert_eq!(values(&ledger, "q"), [2, 1]);
}

/// A person's word is never undone by what a provider says.
#[test]
fn a_persons_word_outranks_an_acceptance() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let key = (agent("a"), profile("p"));
    ledger.learn(&[kept("a", "p", 1, KeptBy::Person), kept("a", "p", 2, KeptBy::Acceptance)], at(0)).unwrap();
    assert_eq!(ledger.knowledge().unwrap().kept[&key].by, KeptBy::Person);

    ledger.learn(&[may_replace("a", "p", 2), kept("a", "p", 2, KeptBy::Acceptance)], at(1)).unwrap();
    let knowledge = ledger.knowledge().unwrap();
    assert_eq!((knowledge.kept.get(&key), knowledge.replace.get(&key)), (None, Some(&print(2))));

    // Another value that is accepted was never meant.
    ledger.learn(&[kept("a", "p", 3, KeptBy::Acceptance)], at(2)).unwrap();
    assert_eq!(ledger.knowledge().unwrap().kept[&key].fingerprint, print(3));

    ledger.learn(&[kept("a", "p", 2, KeptBy::Person)], at(3)).unwrap();
    assert!(ledger.knowledge().unwrap().replace.is_empty());
}

/// `status` looks again and again: an unchanged instance must not cost a write each time.
#[test]
fn looking_again_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let look = [
        seen("p", 1),
        Fact::Sighting { agent: agent("a"), profile: profile("p"), fingerprint: print(1) },
        kept("a", "p", 1, KeptBy::Acceptance),
    ];
    ledger.learn(&look, at(0)).unwrap();
    let log = dir.path().join(".keyshoal/ledger.sqlite-wal");
    let before = std::fs::read(&log).unwrap();
    assert!(!before.is_empty(), "the first look was not written");
    for second in 1..30 {
        ledger.learn(&look, at(second)).unwrap();
    }
    assert!(std::fs::read(&log).unwrap() == before, "something was written");
}

#[test]
fn a_reader_writes_nothing_and_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let reader = Ledger::open(dir.path(), &Keys::ephemeral().unwrap(), OpenMode::ReadOnly).unwrap();
    assert!(reader.is_ephemeral());
    reader.learn(&[seen("p", 1)], at(0)).unwrap();
    assert_eq!(values(&reader, "p"), [1]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    drop(open(dir.path()));
    let reader = Ledger::open(dir.path(), &crate::world::keys(), OpenMode::ReadOnly).unwrap();
    assert!(matches!(reader.learn(&[seen("p", 1)], at(0)), Err(LedgerError::ReadOnly { .. })));
}

/// Far beyond use: values not seen for half a year, and more generations than any key ever had.
#[test]
fn the_memory_does_not_grow_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let value = |number: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        keyshoal_core::Fingerprint::from_bytes(bytes)
    };
    let facts: Vec<Fact> = (0..1200)
        .map(|number| Fact::Generation {
            profile: profile("p"),
            fingerprint: value(number),
            origin: GenerationOrigin::Seen,
        })
        .chain([Fact::Sighting { agent: agent("a"), profile: profile("p"), fingerprint: value(0) }])
        .collect();
    ledger.learn(&facts, at(0)).unwrap();
    ledger.expire(at(86_400), 30).unwrap();
    let knowledge = ledger.knowledge().unwrap();
    let all = &knowledge.generations[&profile("p")];
    assert_eq!((all.len(), all[0].fingerprint, all[999].fingerprint), (1000, value(200), value(1199)));
    assert_eq!(knowledge.first_seen.len(), 1);
    ledger.expire(at(86_400 * 181), 30).unwrap();
    assert_eq!(ledger.knowledge().unwrap().first_seen.len(), 0);
}
