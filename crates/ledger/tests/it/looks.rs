//! Looks of the past.

use crate::world::open;
use keyshoal_core::record::{LogPlace, LookRecord, StoreRecord};
use keyshoal_core::{CredentialKind, Layout, Timestamp};
use std::collections::BTreeMap;

#[test]
fn looks_are_kept_while_they_differ_and_the_newest_hundred_stay() {
    let record = |value: u32, modified: i64| LookRecord {
        layout: Layout::JsonFile,
        version: Some("2026.3.28".to_owned()),
        gateway_since: None,
        stores: BTreeMap::from([(
            "base".to_owned(),
            StoreRecord {
                path: format!("/store/{value}"),
                modified: Timestamp::from_second(modified).ok(),
                unreadable: None,
                profiles: BTreeMap::from([(
                    "acme:default".into(),
                    (CredentialKind::ApiKey, Some(format!("{value:08x}"))),
                )]),
                order: BTreeMap::new(),
                marks: BTreeMap::new(),
            },
        )]),
        sends: BTreeMap::new(),
        findings: Vec::new(),
        log: None,
    };
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let at = |second: i64| Timestamp::from_second(second).unwrap();
    ledger.keep_look(&record(1, 5), at(100)).unwrap();
    ledger.keep_look(&record(1, 6), at(101)).unwrap();
    let looks = ledger.looks(9).unwrap();
    assert_eq!(
        (looks.len(), looks[0].first, looks[0].last),
        (1, at(100), at(100)),
        "use alone is no difference"
    );
    ledger.keep_look(&record(1, 7), at(200)).unwrap();
    let looks = ledger.looks(9).unwrap();
    assert_eq!((looks.len(), looks[0].first, looks[0].last), (1, at(100), at(200)));
    assert_eq!(looks[0].record, record(1, 7));
    for value in 2..150 {
        ledger.keep_look(&record(value, 8), at(200 + i64::from(value))).unwrap();
    }
    let looks = ledger.looks(500).unwrap();
    assert_eq!((looks.len(), &looks[0].record), (100, &record(149, 8)));
    assert_eq!(ledger.looks(2).unwrap().len(), 2);
}

#[test]
fn a_look_that_stays_knows_where_the_log_was_first_and_where_it_is_now() {
    let record = |size: u64| {
        let place = LogPlace { path: "/log".to_owned(), inode: 7, size, own: true };
        LookRecord {
            layout: Layout::JsonFile,
            version: None,
            gateway_since: None,
            stores: BTreeMap::new(),
            sends: BTreeMap::new(),
            findings: Vec::new(),
            log: None,
        }
        .with_log(Some(place))
    };
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for (size, second) in [(10, 100), (20, 130), (30, 200)] {
        ledger.keep_look(&record(size), Timestamp::from_second(second).unwrap()).unwrap();
    }
    let looks = ledger.looks(9).unwrap();
    let log = looks[0].record.log.as_ref().unwrap();
    assert_eq!((looks.len(), log.first.size, log.last.size), (1, 10, 30), "what a log says is no difference");
}
