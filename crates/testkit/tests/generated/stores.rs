//! Documents of stores, and the commands that make what they stand in.

use super::*;
use keyshoal_core::{AgentId, CredentialKind, Layout, ProfileId, ProviderId, Secret};
use keyshoal_openclaw::artifacts::{Artifact, Entry, RefsFile, Value as Held, artifact};
use keyshoal_openclaw::init::{self, Makes, RunWith, Stdin, Step};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The provider of all profiles here; the program knows it from the config.
const PROVIDER: &str = "mockai";
const OWN: &str = "mockai:own";
const OWN_KEY: &str = "sk-testkit-own-\"quoted\"-001";
const NEXT_KEY: &str = "sk-testkit-own-\\next-002";
const SHARED: &str = "mockai:default";
const SHARED_KEY: &str = "sk-testkit-shared-00000000000001";

#[test]
fn documents_are_those_of_2026_3_28() -> Result<()> {
    files("2026.3.28")
}

#[test]
fn documents_are_those_of_2026_5_28() -> Result<()> {
    files("2026.5.28")
}

#[test]
fn stores_and_documents_are_those_of_2026_6_11() -> Result<()> {
    cells("2026.6.11")
}

#[test]
fn stores_and_documents_are_those_of_2026_8_2() -> Result<()> {
    cells("2026.8.2")
}

#[test]
fn stores_and_documents_are_those_of_2026_9_6() -> Result<()> {
    cells("2026.9.6")
}

/// An installation with agents main and stocks, and nothing else.
fn made(version: &str) -> Result<(Instance, Layout)> {
    let instance = Instance::empty(version)?;
    let agents = match instance.release().entries() {
        true => json!({ "entries": { "main": { "default": true }, "stocks": {} } }),
        false => json!({ "list": [{ "id": "main", "default": true }, { "id": "stocks" }] }),
    };
    std::fs::write(
        instance.config_path(),
        json!({ "gateway": { "mode": "local" }, "agents": agents }).to_string(),
    )?;
    let layout = release(&instance)?.layout();
    Ok((instance, layout))
}

fn order(ids: &[&str]) -> Vec<(ProviderId, Vec<ProfileId>)> {
    match ids {
        [] => Vec::new(),
        ids => vec![(ProviderId::new(PROVIDER), ids.iter().map(|id| ProfileId::new(*id)).collect())],
    }
}

/// The document of agent stocks: a key of its own, a token, a reference, and a login where agents get one.
fn document(
    layout: Layout,
    file: &mut RefsFile,
    own_key: &str,
    ids: &[&str],
) -> Result<(Artifact, BTreeSet<String>)> {
    let provider = ProviderId::new(PROVIDER);
    let reference =
        file.put(&ProfileId::new("mockai:ref"), Some("stocks"), Secret::new("sk-testkit-ref-001"));
    let mut entries = Vec::new();
    for (id, held) in [
        (OWN, Held::ApiKey(Secret::new(own_key))),
        ("mockai:token", Held::Token(Secret::new("tok-testkit-0000000001"), Some(4_000_000_000_000))),
        ("mockai:ref", Held::Ref(CredentialKind::ApiKey, reference)),
    ] {
        entries.push(Entry::of(layout, &ProfileId::new(id), &provider, &held)?);
    }
    let login = json!({
        "type": "oauth", "provider": PROVIDER, "access": "at-testkit", "refresh": "rt-testkit", "expires": 4_000_000_000_000_i64,
    });
    let now = keyshoal_core::time::from_millis(1_795_000_000_000).context("no time")?;
    let login = Entry::new(layout, &ProfileId::new("mockai:login"), &Secret::new(login.to_string()), now);
    ensure!(login.is_ok() == (layout == Layout::SharedRow), "{login:?}");
    entries.extend(login.ok());
    let given: Vec<&Entry> = entries.iter().collect();
    let ids_given = given.iter().map(|entry| entry.id().as_str().to_owned()).collect();
    Ok((artifact(layout, &given, &order(ids))?, ids_given))
}

fn refs_file(instance: &Instance) -> Result<RefsFile> {
    let path = instance.state_dir().join("refs.json");
    let text = std::fs::read_to_string(instance.config_path())?;
    let mut config: Value = serde_json::from_str(&text)?;
    config["secrets"] =
        json!({ "providers": { "keyshoal": { "source": "file", "path": path, "mode": "json" } } });
    std::fs::write(instance.config_path(), config.to_string())?;
    Ok(RefsFile::new("keyshoal")?)
}

fn put_refs(instance: &Instance, file: &RefsFile) -> Result<()> {
    private(&instance.state_dir().join("refs.json"), file.text()?.reveal_secret())
}

fn private(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Lets the program set an order, with which it writes what it has understood of a store.
fn set_order(instance: &Instance, ids: &[&str]) -> Result<()> {
    let mut args = vec!["models", "auth", "order", "set", "--provider", PROVIDER, "--agent", "stocks"];
    args.extend_from_slice(ids);
    let said = instance.cli(&args, "")?;
    ensure!(said.code == Some(0), "{said:?}");
    Ok(())
}

const ORDER: &[&str] = &["mockai:token", "mockai:own"];

/// The program lists exactly the profiles of a document, and when it writes them itself the bytes are the same.
fn files(version: &str) -> Result<()> {
    let (instance, layout) = made(version)?;
    let mut refs = refs_file(&instance)?;
    let dir = instance.agent_dir("stocks");
    std::fs::create_dir_all(&dir)?;
    let (without, ids) = document(layout, &mut refs, OWN_KEY, &[])?;
    put_refs(&instance, &refs)?;
    let store = dir.join("auth-profiles.json");
    private(&store, without.store.reveal_secret())?;
    let status = json_of(&instance, &["models", "status", "--agent", "stocks", "--json"])?;
    let counts =
        &status["auth"]["providers"].as_array().into_iter().flatten().find(|one| one["provider"] == PROVIDER);
    let counts = counts.with_context(|| status.to_string())?["profiles"].clone();
    ensure!(counts["count"] == ids.len() && counts["apiKey"] == 2 && counts["token"] == 1, "{counts}");
    let labels: BTreeSet<String> = counts["labels"]
        .as_array()
        .context("no labels")?
        .iter()
        .filter_map(|label| Some(label.as_str()?.split(['=', ' ']).next()?.to_owned()))
        .collect();
    ensure!(labels == ids, "{labels:?}");

    set_order(&instance, ORDER)?;
    let (with, _) = document(layout, &mut refs, OWN_KEY, ORDER)?;
    let theirs = std::fs::read_to_string(&store)?;
    ensure!(theirs == with.store.reveal_secret(), "{theirs}\n{}", with.store.reveal_secret());
    let state = std::fs::read_to_string(dir.join("auth-state.json")).ok();
    ensure!(state.as_deref() == with.state.as_ref().map(Secret::reveal_secret), "{state:?}");
    Ok(())
}

/// The program's own commands make its databases; then the same holds of their cells.
fn cells(version: &str) -> Result<()> {
    let (instance, layout) = made(version)?;
    let config = std::fs::read_to_string(instance.config_path())?;
    let (provider, profile) = (ProviderId::new(PROVIDER), ProfileId::new(SHARED));
    let own = [AgentId::new("stocks")];
    for step in init::steps(release(&instance)?, Some((&provider, &profile)), &own)? {
        run(&instance, &step)?;
        ensure!(std::fs::read_to_string(instance.config_path())? == config, "{step:?} changed the config");
    }
    if layout == Layout::SharedRow {
        let db = Connection::open(instance.state_dir().join("state/openclaw.sqlite"))?;
        let row = |key: &str| -> Result<Option<String>> {
            let sql = "SELECT value_json FROM config_machine_state WHERE state_key = ?1";
            Ok(db.query_row(sql, [key], |row| row.get(0)).optional()?)
        };
        ensure!(
            row("auth.sharedStore")?.as_deref() == Some(r#"{"location":"state-db"}"#),
            "{:?}",
            row("auth.sharedStore")?
        );
        let entry = Entry::of(layout, &profile, &provider, &Held::ApiKey(Secret::new(SHARED_KEY)))?;
        let ours = artifact(layout, &[&entry], &[])?;
        ensure!(
            row("authProfiles.store")?.as_deref() == Some(ours.store.reveal_secret()),
            "{:?}",
            row("authProfiles.store")?
        );
    }

    let mut refs = refs_file(&instance)?;
    let (without, ids) = document(layout, &mut refs, OWN_KEY, &[])?;
    put_refs(&instance, &refs)?;
    let path = database(&instance, "stocks");
    {
        let db = Connection::open(&path)?;
        let sql = "INSERT INTO auth_profile_store (store_key, store_json, updated_at) VALUES ('primary', ?1, 1) \
                   ON CONFLICT (store_key) DO UPDATE SET store_json = ?1";
        db.execute(sql, params![without.store.reveal_secret()])?;
    }
    let listed = json_of(&instance, &["models", "auth", "list", "--agent", "stocks", "--json"])?;
    let listed: BTreeSet<String> = listed["profiles"]
        .as_array()
        .with_context(|| listed.to_string())?
        .iter()
        .filter_map(|profile| profile["id"].as_str().map(str::to_owned))
        .collect();
    let shared = (layout == Layout::SharedRow).then(|| SHARED.to_owned());
    ensure!(listed == ids.iter().cloned().chain(shared).collect(), "{listed:?}");

    set_order(&instance, ORDER)?;
    let (with, _) = document(layout, &mut refs, OWN_KEY, ORDER)?;
    let db = Connection::open(&path)?;
    let cell = |sql: &str| -> Result<String> { Ok(db.query_row(sql, [], |row| row.get(0))?) };
    let theirs = cell("SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'")?;
    ensure!(theirs == with.store.reveal_secret(), "{theirs}\n{}", with.store.reveal_secret());
    let theirs = cell("SELECT state_json FROM auth_profile_state WHERE state_key = 'primary'")?;
    ensure!(Some(theirs.as_str()) == with.state.as_ref().map(Secret::reveal_secret), "{theirs}");

    // An order leaves the store's own cell alone; another key makes the program write that too.
    db.execute("UPDATE auth_profile_store SET updated_at = 1", [])?;
    let (before, after): (&[&str], &[&str]) = match layout {
        Layout::SharedRow => (&[], &["--agent", "stocks"]),
        _ => (&["--agent", "stocks"], &[]),
    };
    let paste = [
        &["models", "auth"],
        before,
        &["paste-api-key"],
        after,
        &["--provider", PROVIDER, "--profile-id", OWN],
    ];
    let said = instance.cli(&paste.concat(), &format!("{NEXT_KEY}\n"))?;
    ensure!(said.code == Some(0), "{said:?}");
    let written: i64 = db.query_row("SELECT updated_at FROM auth_profile_store", [], |row| row.get(0))?;
    ensure!(written > 1, "the program wrote nothing");
    let (with, _) = document(layout, &mut refs, NEXT_KEY, ORDER)?;
    let theirs = cell("SELECT store_json FROM auth_profile_store WHERE store_key = 'primary'")?;
    ensure!(theirs == with.store.reveal_secret(), "{theirs}\n{}", with.store.reveal_secret());
    Ok(())
}

fn database(instance: &Instance, agent: &str) -> PathBuf {
    instance.agent_dir(agent).join("openclaw-agent.sqlite")
}

/// Runs a step, and sees that it makes what it says.
fn run(instance: &Instance, step: &Step) -> Result<()> {
    let scratch = tempfile::tempdir_in(instance.scratch())?;
    let config = match step.config {
        RunWith::Installation => instance.config_path(),
        RunWith::Nothing => scratch.path().join("openclaw.json"),
    };
    let argv: Vec<&str> = step.argv.iter().map(String::as_str).collect();
    ensure!(!step.argv.iter().any(|word| word.contains(SHARED_KEY)), "{argv:?}");
    let stdin = match &step.stdin {
        Stdin::Nothing => String::new(),
        Stdin::ApiKey(profile) => {
            ensure!(profile.as_str() == SHARED, "{profile}");
            format!("{SHARED_KEY}\n")
        }
    };
    let made = match &step.makes {
        Makes::AgentDatabase(agent) => database(instance, agent.as_str()),
        Makes::BaseStore if instance.release().shared_row() => {
            instance.state_dir().join("state/openclaw.sqlite")
        }
        Makes::BaseStore => database(instance, "main"),
    };
    ensure!(!made.exists(), "{} was there before {argv:?}", made.display());
    let said = instance.cli_on(&config, &argv, &stdin)?;
    ensure!(said.code == Some(0), "{argv:?}: {said:?}");
    ensure!(made.exists(), "{argv:?} made no {}: {said:?}", made.display());
    Ok(())
}
