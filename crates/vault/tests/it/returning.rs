//! What no row is left of: it comes back from the backup, or is said to be lost.

use crate::repairing::{changes, copy, dump, furnished, meddler, mend, same, wanted};
use crate::world::{House, at, author, change, credential, id, new, ring};
use keyshoal_core::Secret;
use keyshoal_core::vault::VersionState;
use keyshoal_vault::{Change, Origin, Shown, Sources, Vault};

/// Takes every row of an instance away.
fn gone(house: &House, name: &str) {
    let connection = meddler(house);
    let of = format!("WHERE instance = 'instance-{name}'");
    let versions = format!("credential IN (SELECT uid FROM credentials {of})");
    connection.execute(&format!("DELETE FROM versions WHERE {versions}"), []).unwrap();
    for table in ["rotations", "bindings", "documents", "credentials", "agents"] {
        connection.execute(&format!("DELETE FROM {table} {of}"), []).unwrap();
    }
    connection.execute("DELETE FROM instances WHERE id = ?1", [format!("instance-{name}")]).unwrap();
}

#[test]
fn an_instance_of_which_no_row_is_left_comes_back_from_the_backup() {
    let (house, mut vault) = furnished();
    let file = house.dir.path().join("one.backup");
    vault.backup(&file, &author(), at(5), &mut |_| ()).unwrap();
    let backup = Vault::read_backup(&file, &ring(&[1])).unwrap();
    let from = Sources { shown: None, backup: Some(&backup), take_out: false };
    let before = dump(&meddler(&house));
    gone(&house, "one");
    assert_eq!(vault.try_repair(Sources::default(), &author(), at(9)).unwrap()[0].from, Origin::Nowhere);
    let mends = mend(&vault, from, "one is gone");
    assert_eq!(mends.len(), 1, "{mends:?}");
    assert!(mends[0].from == Origin::Backup && !mends[0].needs_attention(), "{mends:?}");
    assert!(dump(&meddler(&house)) == before);
    assert_eq!(vault.verify().unwrap().problems, []);

    // The vault has another key since, and the instance was changed: what was changed is lost, and said to be.
    change(&vault, "one", vec![credential(30, "anthropic:later", None, "later")]).unwrap();
    vault.rekey(&crate::world::key(2), &author(), at(6), &mut |_| ()).unwrap();
    gone(&house, "one");
    let mends = mend(&vault, from, "one is gone again");
    assert!(mends[0].needs_attention() && mends[0].lost.is_some(), "{mends:?}");
    assert_eq!(vault.verify().unwrap().problems, []);
    assert_eq!(wanted(&vault, "one").0, wanted(&backup, "one").0);
    let one = vault.instance(&id("one")).unwrap();
    let states = one.credentials.iter().flat_map(|one| &one.versions).map(|version| version.state);
    assert!(!states.into_iter().any(|state| matches!(state, VersionState::Pending | VersionState::Previous)));

    // What somebody removed stays away.
    vault.remove_instance(&id("one"), one.revision, &author(), at(11)).unwrap();
    assert_eq!(vault.try_repair(from, &author(), at(12)).unwrap(), []);
    gone(&house, "two");
    mend(&vault, from, "two is gone");
    let names: Vec<String> = vault.instances().unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["two"]);
}

#[test]
fn what_a_disabled_agent_had_in_the_config_is_said_to_be_lost_or_comes_from_the_backup() {
    let (house, vault) = furnished();
    let stocks = vault.instance(&id("one")).unwrap().agents[1].uid;
    let entry = Secret::new(r#"{"id":"stocks","tools":{"profile":"coding"}}"#);
    let put = Change::PutDocument { name: "entries/stocks".to_owned(), value: entry.clone() };
    change(&vault, "one", vec![Change::EnableAgent { agent: stocks, enabled: false }, put]).unwrap();
    let file = house.dir.path().join("one.backup");
    vault.backup(&file, &author(), at(5), &mut |_| ()).unwrap();
    let backup = Vault::read_backup(&file, &ring(&[1])).unwrap();
    let early = copy(&house);
    change(&vault, "one", vec![credential(30, "anthropic:later", None, "later")]).unwrap();
    // Without the disabled agent, and without what only the vault has: as the installation shows it.
    let mut of = vault.instance(&id("one")).unwrap();
    of.agents.truncate(1);
    of.bindings.clear();
    of.credentials.retain(|one| one.agent.is_none());
    let mut shown = changes(&vault, &of);
    shown
        .retain(|change| !matches!(change, Change::PutDocument { name, .. } if name.starts_with("entries/")));
    let shown = Shown::new(&new("one"), Default::default(), shown, &author(), at(8), &same).unwrap();
    // The roster is altered as well. Only the backup of just that state proves what was there.
    let damage = "DELETE FROM documents WHERE name = 'entries/stocks';
        UPDATE agents SET workspace = '/x' WHERE id = 'main' AND instance = 'instance-one'";
    let cases = [
        (&house, None, Origin::Nowhere),
        (&house, Some(&backup), Origin::Backup),
        (&early, Some(&backup), Origin::Proven),
    ];
    for (house, backup, from) in cases {
        let other = copy(house);
        meddler(&other).execute_batch(damage).unwrap();
        let vault = other.open();
        let mends = mend(&vault, Sources { shown: Some(&shown), backup, take_out: false }, "an entry");
        let said = mends.iter().find(|mend| mend.what == "document entries/stocks");
        let said = said.unwrap_or_else(|| panic!("{mends:?}"));
        assert_eq!((said.from, said.lost.is_some()), (from, backup.is_none()), "{mends:?}");
        let kept =
            vault.documents(&id("one")).unwrap().into_iter().find(|(name, _)| name == "entries/stocks");
        assert_eq!(kept.map(|(_, text)| text), backup.map(|_| entry.clone()));
        assert_eq!(vault.verify().unwrap().problems, []);
    }
    // That row alone: the history tells how it was, and the tag proves all the rest.
    let other = copy(&house);
    meddler(&other).execute("DELETE FROM documents WHERE name = 'entries/stocks'", []).unwrap();
    let vault = other.open();
    let before = vault.instance(&id("one")).unwrap_err().to_string();
    let mends = mend(&vault, Sources { shown: Some(&shown), backup: None, take_out: false }, "that row");
    let lost: Vec<_> = mends.iter().filter(|mend| mend.needs_attention()).map(|mend| &mend.what).collect();
    assert_eq!(lost, ["document entries/stocks"], "{before} {mends:?}");
    let one = vault.instance(&id("one")).unwrap();
    let states = |one: &keyshoal_core::vault::VaultInstance| -> Vec<VersionState> {
        one.credentials.iter().flat_map(|one| &one.versions).map(|version| version.state).collect()
    };
    assert_eq!(states(&one), states(&house.open().instance(&id("one")).unwrap()));
    assert_eq!((vault.rotations(&id("one")).unwrap().len(), vault.verify().unwrap().problems), (1, vec![]));
}
