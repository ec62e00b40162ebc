//! Every vault that was ever written can be read.

use crate::world::{
    House, agent_uid, at, author, change, credential_uid, furnish, id, key, open, ring, rotation, stage,
    value,
};
use keyshoal_core::vault::VersionState::{Current, Pending, Previous};
use keyshoal_vault::{Cause, Change, KeyState, Vault};
use rusqlite::Connection;
use std::fmt::Write as _;
use std::path::Path;

const FIXTURES: &[(i64, &str)] = &[(1, include_str!("../fixtures/vault-v1.sql"))];

/// Writes a vault as a dump says.
fn restore(dump: &str) -> House {
    let house = House { dir: tempfile::tempdir().unwrap() };
    let path = house.path();
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    Connection::open(&path).unwrap().execute_batch(dump).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    house
}

#[test]
fn vaults_of_every_version_are_read_whole() {
    for (version, dump) in FIXTURES {
        let house = restore(dump);
        let mut vault = Vault::open(&house.path(), ring(&[1, 2])).unwrap();
        assert_eq!(vault.verify().unwrap().problems, [], "schema {version}");
        let instance = vault.instance(&id("one")).unwrap();
        assert_eq!(
            (instance.revision, instance.agents.len(), instance.channels.as_slice()),
            (3, 2, ["telegram".to_owned()].as_slice())
        );
        assert_eq!(instance.agents[1].uid, agent_uid(2));
        assert_eq!(instance.credentials[1].agent, Some(agent_uid(2)));
        let values = vault.values(&id("one")).unwrap();
        let shown: Vec<_> = values.iter().map(|one| (one.number, one.state, &one.value)).collect();
        let (first, second, third, own) =
            (value("shared-one"), value("second"), value("third"), value("own-one"));
        assert_eq!(
            shown,
            [(1, Previous, &first), (2, Current, &second), (3, Pending, &third), (1, Current, &own)]
        );
        assert_eq!(
            vault.documents(&id("one")).unwrap(),
            [("channels/telegram".to_owned(), value("bot-one"))]
        );
        assert_eq!(vault.rotations(&id("one")).unwrap()[0].stage, "staged");
        assert_eq!(
            vault.events(Some(&id("one")), 1).unwrap()[0].what,
            "version 3 of credential anthropic:default staged"
        );
        // It goes on from there: the change of its key was not finished.
        change(&vault, "one", vec![Change::Publish(credential_uid(1))]).unwrap();
        vault.rekey(&key(2), &author(), at(9), &mut |_| ()).unwrap();
        drop(vault);
        let vault = Vault::open(&house.path(), ring(&[2])).unwrap();
        assert_eq!(vault.verify().unwrap().problems, []);
        assert_eq!(vault.status().unwrap().keys[0].state, KeyState::Retired);
    }
}

/// What is brought forward has the tables of a new vault.
#[test]
fn forward_leads_to_the_schema_of_a_new_vault() {
    let (new, _vault) = House::new();
    let wanted = schema(&new.path());
    for (version, dump) in FIXTURES {
        let house = restore(dump);
        Vault::open(&house.path(), ring(&[1, 2])).unwrap();
        assert_eq!(schema(&house.path()), wanted, "schema {version}");
    }
    let newest = FIXTURES.iter().map(|(version, _)| *version).max();
    assert_eq!(
        newest,
        Some(wanted.0),
        "a released schema has a fixture: the helper `write_the_fixture` makes one"
    );
}

fn schema(path: &Path) -> (i64, Vec<(String, Option<String>)>) {
    let database = Connection::open(path).unwrap();
    let version = database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let mut asked = database.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let tables = asked.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    (version, tables.collect::<Result<_, _>>().unwrap())
}

#[test]
fn what_is_no_vault_of_ours_is_refused_untouched() {
    let refused = |sql: &str| {
        let (house, vault) = House::new();
        drop(vault);
        house.meddle(sql);
        let before = std::fs::read(house.path()).unwrap();
        let error = Vault::open(&house.path(), ring(&[1])).unwrap_err();
        assert_eq!(std::fs::read(house.path()).unwrap(), before, "{error}");
        error.cause
    };
    assert!(matches!(refused("PRAGMA application_id = 7"), Cause::NotOurs));
    assert!(matches!(refused("PRAGMA user_version = 99"), Cause::Newer { found: 99, .. }));
    assert!(matches!(refused("PRAGMA user_version = 0"), Cause::Corrupt(_)));
    let (house, vault) = House::new();
    drop(vault);
    for text in ["", "no database at all, but long enough to look into: ".repeat(99).as_str()] {
        std::fs::write(house.path(), text).unwrap();
        let error = Vault::open(&house.path(), ring(&[1])).unwrap_err();
        assert!(matches!(error.cause, Cause::Corrupt(_)), "{error}");
    }
    std::fs::remove_file(house.path()).unwrap();
    assert!(matches!(Vault::open(&house.path(), ring(&[1])).unwrap_err().cause, Cause::Missing));
    assert!(!house.path().exists());
}

#[test]
fn what_others_could_touch_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (house, vault) = House::new();
    drop(vault);
    let mode =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    let error = || Vault::open(&house.path(), ring(&[1])).unwrap_err();
    mode(&house.path(), 0o640);
    assert!(error().to_string().contains("chmod 600"), "{}", error());
    mode(&house.path(), 0o600);
    mode(house.path().parent().unwrap(), 0o770);
    assert!(error().to_string().contains("chmod 700"), "{}", error());
    mode(house.path().parent().unwrap(), 0o700);
    drop(house.open());
    let real = house.dir.path().join("real.sqlite");
    std::fs::rename(house.path(), &real).unwrap();
    symlink(&real, house.path()).unwrap();
    assert!(matches!(error().cause, Cause::NotPlain), "{}", error());
}

/// Makes the fixture of the newest schema anew: only while that is not released.
#[test]
#[ignore = "writes a fixture"]
fn write_the_fixture() {
    let (house, mut vault) = House::new();
    furnish(&vault, "one", 0);
    change(&vault, "one", vec![stage(1, "second"), Change::Publish(credential_uid(1))]).unwrap();
    let begun = rotation("r1", "one", 2, 1, vec![stage(1, "third")]);
    vault.begin_rotations(vec![begun], &author(), at(3)).unwrap();
    let stop = |step| assert_ne!(step, keyshoal_vault::RekeyStep::Wrapped { done: 2, total: 5 });
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        vault.rekey_in_batches(&key(2), &author(), at(5), 1, &mut { stop })
    }));
    stopped.unwrap_err();
    drop(open(&house.path()));
    let (version, schema) = schema(&house.path());
    let database = Connection::open(house.path()).unwrap();
    let one = |sql: &str| -> String { database.query_row(sql, [], |row| row.get(0)).unwrap() };
    let application: i64 = database.pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
    let mut dump = format!(
        "-- A vault of schema {version}, with keys of bytes 1 and 2, in the middle of a change of its key.\nPRAGMA application_id = {application};\nPRAGMA user_version = {version};\nPRAGMA foreign_keys = OFF;\n"
    );
    // Tables in the order in which they were made, then what is on them.
    let made: Vec<String> = {
        let mut asked =
            database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").unwrap();
        asked.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    made.iter().for_each(|sql| writeln!(dump, "{sql};").unwrap());
    for (table, _) in schema.iter().filter(|(name, sql)| {
        sql.as_deref().is_some_and(|sql| sql.starts_with("CREATE TABLE")) && !name.starts_with("sqlite_")
    }) {
        let columns = one(&format!(
            "SELECT group_concat('quote(' || name || ')', ' || '', '' || ') FROM pragma_table_info('{table}')"
        ));
        let mut asked = database.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
        for row in asked.query_map([], |row| row.get::<_, String>(0)).unwrap() {
            writeln!(dump, "INSERT INTO {table} VALUES ({});", row.unwrap()).unwrap();
        }
    }
    let path = format!("{}/tests/fixtures/vault-v{version}.sql", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(path, dump).unwrap();
}
