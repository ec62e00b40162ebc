//! A damaged vault, mended by its installation or a backup: what was good stays as it was, what was bad is right again or said to be lost.

use crate::world::{House, at, author, change, credential, credential_uid, furnish, id, new, ring, stage};
use keyshoal_core::vault::{VaultInstance, VersionState};
use keyshoal_core::{ProfileId, Secret};
use keyshoal_vault::{Change, Mend, NewCredential, NewRotation, Origin, Shown, Sources, Vault};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeMap;

pub(crate) fn same(_: &ProfileId, one: &Secret, other: &Secret) -> bool {
    one == other
}

/// What an installation would be taken in as that holds exactly what the vault wants, under other ids.
pub(crate) fn changes(vault: &Vault, of: &VaultInstance) -> Vec<Change> {
    let values = vault.values(&of.id).unwrap();
    let fresh = |uid: uuid::Uuid| uuid::Uuid::from_u128(uid.as_u128() ^ 0xffff_0000);
    let mut made: Vec<Change> = Vec::new();
    for agent in &of.agents {
        let mut agent = agent.clone();
        agent.uid.0 = fresh(agent.uid.0);
        made.push(Change::AddAgent(agent));
    }
    let mut bindings = of.bindings.clone();
    bindings.iter_mut().for_each(|binding| binding.agent.0 = fresh(binding.agent.0));
    made.push(Change::SetBindings(bindings));
    made.push(Change::SetModels { agent: None, models: of.models.clone() });
    for one in &of.credentials {
        let current =
            values.iter().find(|value| value.credential == one.uid && value.state == VersionState::Current);
        let Some(current) = current else { continue };
        let mut agent = one.agent;
        agent.iter_mut().for_each(|agent| agent.0 = fresh(agent.0));
        let mut uid = one.uid;
        uid.0 = fresh(uid.0);
        made.push(Change::PutCredential(NewCredential {
            uid,
            profile: one.profile.clone(),
            provider: one.provider.clone(),
            kind: one.kind.clone(),
            agent,
            value: current.value.clone(),
            expires: None,
            origin: None,
        }));
    }
    made.extend(
        vault.documents(&of.id).unwrap().into_iter().map(|(name, value)| Change::PutDocument { name, value }),
    );
    made
}

/// What agents shall hold: by profile and agent, and the roster, the bindings, the documents.
pub(crate) type Wanted = (
    BTreeMap<(String, Option<String>), Secret>,
    Vec<(String, bool, bool)>,
    Vec<(String, String)>,
    Vec<(String, Secret)>,
);

pub(crate) fn wanted(vault: &Vault, name: &str) -> Wanted {
    let of = vault.instance(&id(name)).unwrap();
    let called = |uid| of.agents.iter().find(|agent| agent.uid == uid).map(|agent| agent.id.to_string());
    let mut held = BTreeMap::new();
    for value in
        vault.values(&of.id).unwrap().into_iter().filter(|value| value.state == VersionState::Current)
    {
        let one = of.credentials.iter().find(|one| one.uid == value.credential).unwrap();
        held.insert((one.profile.to_string(), one.agent.map(|uid| called(uid).unwrap())), value.value);
    }
    let roster = of.agents.iter().map(|agent| (agent.id.to_string(), agent.enabled, agent.default)).collect();
    let bindings =
        of.bindings.iter().map(|one| (called(one.agent).unwrap(), one.matching.to_string())).collect();
    (held, roster, bindings, vault.documents(&of.id).unwrap())
}

/// Two instances: "one" with versions in every state, an override, a document and a rotation; "two" beside it.
pub(crate) fn furnished() -> (House, Vault) {
    let (house, vault) = House::new();
    furnish(&vault, "one", 0);
    furnish(&vault, "two", 1);
    let uid = credential_uid(1);
    for text in ["second", "third"] {
        change(&vault, "one", vec![stage(1, text), Change::Publish(uid)]).unwrap();
    }
    change(&vault, "one", vec![stage(1, "fourth")]).unwrap();
    let revision = vault.instance(&id("one")).unwrap().revision;
    let new = NewRotation {
        id: "r-one".to_owned(),
        instance: id("one"),
        expected_revision: revision,
        credential: uid,
        stage: "staged".to_owned(),
        state: "{}".to_owned(),
        changes: Vec::new(),
    };
    vault.begin_rotations(vec![new], &author(), at(3)).unwrap();
    (house, vault)
}

pub(crate) fn meddler(house: &House) -> Connection {
    let connection = Connection::open(house.path()).unwrap();
    connection
        .execute_batch(
            "PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON",
        )
        .unwrap();
    connection
}

/// Everything that stands in the tables of instances, without row numbers.
pub(crate) fn dump(connection: &Connection) -> BTreeMap<&'static str, Vec<String>> {
    let tables = ["instances", "agents", "bindings", "credentials", "versions", "documents", "rotations"];
    let rows = |table: &str| {
        let mut asked = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = asked.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            (0..columns)
                .map(|at| row.get::<_, Cell>(at).map(|cell| format!("{cell:?}")))
                .collect::<Result<Vec<_>, _>>()
        };
        let mut all: Vec<String> =
            asked.query_map([], row).unwrap().map(|row| row.unwrap().join(" ")).collect();
        all.sort();
        all
    };
    tables.map(|table| (table, rows(table))).into()
}

pub(crate) fn mend(vault: &Vault, sources: Sources<'_>, what: &str) -> Vec<Mend> {
    let mends = vault.try_repair(sources, &author(), at(9)).unwrap_or_else(|error| panic!("{what}: {error}"));
    if !mends.is_empty() && what.contains("instances") {
        let aside = vault.keep_aside(at(9)).unwrap_or_else(|error| panic!("{what}: {error}"));
        let kept = Connection::open(&aside)
            .unwrap()
            .query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0));
        kept.unwrap_or_else(|error| panic!("{what}: {error}"));
        std::fs::remove_file(aside).unwrap();
    }
    vault.repair(sources, &mends, &author(), at(9)).unwrap_or_else(|error| panic!("{what}: {error}"));
    mends
}

/// A copy of the vault's file at another place.
pub(crate) fn copy(house: &House) -> House {
    let other = House { dir: tempfile::tempdir().unwrap() };
    std::fs::create_dir(other.path().parent().unwrap()).unwrap();
    let of = Connection::open(house.path()).unwrap();
    of.execute("VACUUM INTO ?1", [other.path().to_str().unwrap()]).unwrap();
    std::fs::set_permissions(other.path(), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    other
}

/// Which rows are damaged: the other instance has the same kinds.
fn of_one(table: &str) -> &'static str {
    match table {
        "instances" | "events" => "TRUE",
        "versions" => "credential IN (SELECT uid FROM credentials WHERE instance <> 'instance-two')",
        _ => "instance <> 'instance-two'",
    }
}

/// Every way to damage one cell, and every row taken away, of what belongs to instances and to the history.
fn damages(connection: &Connection) -> Vec<(String, Vec<Cell>)> {
    let mut all = Vec::new();
    for table in
        ["instances", "agents", "bindings", "credentials", "versions", "documents", "rotations", "events"]
    {
        let mut asked =
            connection.prepare(&format!("SELECT rowid, * FROM {table} WHERE {}", of_one(table))).unwrap();
        let columns: Vec<String> = asked.column_names().skip(1).map(str::to_owned).collect();
        let rows = asked
            .query_map([], |row| (0..=columns.len()).map(|at| row.get(at)).collect::<Result<Vec<Cell>, _>>());
        for row in rows.unwrap().map(Result::unwrap) {
            all.push((format!("DELETE FROM {table} WHERE rowid = ?1"), vec![row[0].clone()]));
            for (column, cell) in columns.iter().zip(&row[1..]) {
                let other = match cell {
                    Cell::Null => Cell::Text("x".to_owned()),
                    Cell::Integer(number) => Cell::Integer(number + 1),
                    Cell::Text(text) => Cell::Text(format!("{text}x")),
                    Cell::Blob(bytes) => Cell::Blob(bytes.iter().map(|byte| byte ^ 1).collect()),
                    Cell::Real(_) => unreachable!(),
                };
                let sql = format!("UPDATE {table} SET {column} = ?1 WHERE rowid = ?2");
                all.push((sql, vec![other, row[0].clone()]));
            }
        }
    }
    all
}

/// What is wrong with a vault after a mend, of what was asked for; nothing when all is well.
struct Faults(Vec<String>);

impl Faults {
    fn expect(&mut self, holds: bool, what: &str, mends: &[Mend]) {
        if !holds {
            self.0.push(format!("{what}: {mends:?}"));
        }
    }
}

#[test]
fn any_row_that_was_damaged_is_mended_by_its_installation() {
    let (house, vault) = furnished();
    let (one, two) = (vault.instance(&id("one")).unwrap(), vault.instance(&id("two")).unwrap());
    let (of_one, of_two) = (changes(&vault, &one), changes(&vault, &two));
    let (want_one, want_two) = (wanted(&vault, "one"), wanted(&vault, "two"));
    let before = dump(&meddler(&house));
    drop(vault);
    let (mut tried, mut exact, mut faults) = (0, 0, Faults(Vec::new()));
    for (sql, values) in damages(&meddler(&house)) {
        let other = copy(&house);
        let what = format!("{sql} {values:?}");
        let connection = meddler(&other);
        if connection.execute(&sql, params_from_iter(&values)).is_err() {
            continue;
        }
        drop(connection);
        tried += 1;
        let vault = other.open();
        let harmless = vault.verify().unwrap().problems.is_empty();
        // Each instance is mended from its own installation.
        let mut mends = Vec::new();
        for (name, changes) in [("one", &of_one), ("two", &of_two)] {
            let shown =
                Shown::new(&new(name), Default::default(), changes.clone(), &author(), at(8), &same).unwrap();
            mends.extend(mend(&vault, Sources { shown: Some(&shown), backup: None, take_out: false }, &what));
        }
        let problems = vault.verify().unwrap().problems;
        faults.expect(problems.is_empty(), &format!("{what} {problems:?}"), &mends);
        if !problems.is_empty() {
            continue;
        }
        faults.expect(harmless || !mends.is_empty(), &format!("nothing seen: {what}"), &mends);
        let wants = (wanted(&vault, "one"), wanted(&vault, "two")) == (want_one.clone(), want_two.clone());
        faults.expect(wants, &format!("wants other things: {what}"), &mends);
        if mends.iter().all(|mend| matches!(mend.from, Origin::Proven | Origin::Left)) {
            exact += 1;
            faults.expect(dump(&meddler(&other)) == before, &format!("not as it was: {what}"), &mends);
        }
        // It is a vault like any other: it can be changed, and has nothing left to mend.
        change(&vault, "one", vec![credential(30, "anthropic:later", None, "later")]).unwrap();
        let again = vault.try_repair(Sources::default(), &author(), at(10)).unwrap();
        faults.expect(again.is_empty(), &format!("again {again:?}: {what}"), &mends);
    }
    assert!(faults.0.is_empty(), "{} of {tried}:\n{}", faults.0.len(), faults.0.join("\n"));
    assert!(tried > 200 && exact * 4 > tried, "{exact} of {tried}");
}

#[test]
fn a_backup_puts_everything_back_as_it_was() {
    let (house, vault) = furnished();
    let file = house.dir.path().join("one.backup");
    vault.backup(&file, &author(), at(5), &mut |_| ()).unwrap();
    let backup = Vault::read_backup(&file, &ring(&[1])).unwrap();
    let before = dump(&meddler(&house));
    drop(vault);
    let mut faults = Faults(Vec::new());
    for (sql, values) in damages(&meddler(&house)) {
        let other = copy(&house);
        let what = format!("{sql} {values:?}");
        let of_instance = !sql.contains("events") && !sql.contains("rotations") && !sql.contains("tag =");
        let connection = meddler(&other);
        if !of_instance || connection.execute(&sql, params_from_iter(&values)).is_err() {
            continue;
        }
        drop(connection);
        let vault = other.open();
        let mends = mend(&vault, Sources { shown: None, backup: Some(&backup), take_out: false }, &what);
        let problems = vault.verify().unwrap().problems;
        faults.expect(problems.is_empty(), &format!("{what} {problems:?}"), &mends);
        if problems.is_empty() {
            faults.expect(dump(&meddler(&other)) == before, &format!("not as it was: {what}"), &mends);
        }
    }
    assert!(faults.0.is_empty(), "{}:\n{}", faults.0.len(), faults.0.join("\n"));
}
