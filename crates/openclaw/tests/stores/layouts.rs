//! Which layout an installation has, and where its stores are.

use super::*;
use keyshoal_core::instance::ActivationWay;
use keyshoal_core::{AgentId, StoreHealth};
use keyshoal_openclaw::Environment;
use keyshoal_openclaw::layout::{GatewayWord, Release, Resolved, resolve};
use serde_json::json;
use std::fs;

fn environment(dir: &Path) -> Environment {
    Environment { home: Some(dir.to_owned()), ..Environment::default() }
}

fn resolved(dir: &Path, word: Option<&GatewayWord>) -> Resolved {
    resolved_in(dir, &environment(dir), word)
}

fn resolved_in(dir: &Path, env: &Environment, word: Option<&GatewayWord>) -> Resolved {
    let loc = keyshoal_openclaw::locate::locate(env, Some(dir), None).unwrap();
    let config = keyshoal_openclaw::config::load(&loc, env).unwrap();
    resolve(&loc, &config, word, &|| None).unwrap()
}

fn word(version: &str) -> GatewayWord {
    GatewayWord { version: Some(version.to_owned()), state_dir: None }
}

fn agent_dir(dir: &Path, id: &str) -> std::path::PathBuf {
    dir.join("agents").join(id).join("agent")
}

fn codes(resolved: &Resolved) -> Vec<&str> {
    resolved.notices.iter().map(|notice| notice.code.as_str()).collect()
}

#[test]
fn every_layout_is_recognised_and_every_store_found() {
    for layout in LAYOUTS {
        let dir = tempfile::tempdir().unwrap();
        sample(layout, dir.path());
        let found = resolved(dir.path(), None);
        assert_eq!(found.layout, layout, "{:?}", found.evidence);
        assert_eq!(found.capabilities.read_only, None);
        assert_eq!(read_key(&found.base, ID).as_deref(), Some("base-1"), "{layout}");
        let stocks = StoreId::Agent("stocks".into());
        assert_eq!(read_key(found.store(&stocks).unwrap(), ID).as_deref(), Some("stocks-1"), "{layout}");
        let shared = matches!(layout, Layout::SharedTable | Layout::SharedRow);
        let main = if shared { StoreId::Agent("main".into()) } else { StoreId::Base };
        let ids: Vec<_> = found.agents.iter().map(|(_, store, _)| store.clone()).collect();
        assert_eq!(ids, [main, stocks], "{layout}");
        assert_eq!(found.program_writes_to, StoreId::Base);
        assert_eq!((found.orphans.len(), codes(&found)), (0, vec![]), "{layout}");
        assert!(found.agents.iter().all(|(_, _, file)| file.read().unwrap().read_only.is_none()));
    }
}

#[test]
fn releases_map_to_layouts_as_measured() {
    let table = [
        ("2026.3.28", Layout::JsonFile),
        ("2026.4.7", Layout::JsonFile),
        ("2026.4.8", Layout::JsonWithState),
        ("2026.6.1", Layout::JsonWithState),
        ("2026.6.5", Layout::AgentSqlite),
        ("2026.7.35", Layout::AgentSqlite),
        ("2026.8.1-beta.1", Layout::AgentSqlite),
        ("2026.8.1-beta.2", Layout::SharedTable),
        ("2026.8.1-beta.3", Layout::SharedTable),
        ("2026.8.1", Layout::SharedRow),
        ("2026.8.2", Layout::SharedRow),
        ("2026.9.1-beta.1", Layout::SharedTable),
        ("2026.9.1", Layout::SharedRow),
        ("v2026.9.6", Layout::SharedRow),
    ];
    for (version, layout) in table {
        assert_eq!(Release::parse(version).unwrap().layout(), layout, "{version}");
    }
    for nothing in ["", "latest", "2026.9", "2026.x.1"] {
        assert_eq!(Release::parse(nothing), None, "{nothing}");
    }
}

#[test]
fn what_a_layout_can_do_depends_on_the_release() {
    let dir = tempfile::tempdir().unwrap();
    sample(Layout::SharedRow, dir.path());
    let ways = |version| resolved(dir.path(), Some(&word(version))).capabilities;
    assert_eq!(ways("2026.9.6").activation[0], ActivationWay::AuthRefresh);
    assert_eq!(ways("2026.9.4").activation, [ActivationWay::SecretsReload]);
    assert_eq!(ways("2026.8.2").cooldown_lingers_seconds, 30);
    assert_eq!(ways("2026.9.6").cooldown_lingers_seconds, 0);
    assert!(ways("2026.9.6").prefers_inheritance);
    let json = ways("2026.3.28");
    assert!(json.reads_through && !json.oauth_reads_through);
}

#[test]
fn a_live_gateways_word_goes_first_unless_it_speaks_of_another_state_directory() {
    let dir = tempfile::tempdir().unwrap();
    sample(Layout::SharedRow, dir.path());
    assert_eq!(resolved(dir.path(), Some(&word("2026.3.28"))).layout, Layout::JsonFile);
    let elsewhere = GatewayWord { state_dir: Some("/elsewhere".into()), ..word("2026.3.28") };
    assert_eq!(resolved(dir.path(), Some(&elsewhere)).layout, Layout::SharedRow);
}

/// A directory with a config and no store, as a release leaves it before its first credential.
#[test]
fn where_no_store_is_the_installed_release_decides_and_where_none_is_known_no_store_is_made() {
    let of = |config: &str, installed: Option<&str>| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("openclaw.json"), config).unwrap();
        let env = environment(dir.path());
        let loc = keyshoal_openclaw::locate::locate(&env, Some(dir.path()), None).unwrap();
        let config = keyshoal_openclaw::config::load(&loc, &env).unwrap();
        resolve(&loc, &config, None, &|| installed.map(str::to_owned)).unwrap()
    };
    for (version, layout) in [
        ("2026.3.28", Layout::JsonFile),
        ("2026.5.28", Layout::JsonWithState),
        ("2026.6.11", Layout::AgentSqlite),
        ("2026.9.6", Layout::SharedRow),
    ] {
        let found = of("{}", Some(version));
        assert_eq!((found.layout, found.version.as_deref()), (layout, Some(version)));
        assert_eq!(found.no_new_store, None, "{version}");
    }
    assert!(of("{}", None).no_new_store.is_some());
    let touched = r#"{ "meta": { "lastTouchedVersion": "2026.6.11" } }"#;
    assert_eq!(of(touched, None).layout, Layout::AgentSqlite);
    assert_eq!(
        of(touched, Some("2026.9.6")).layout,
        Layout::SharedRow,
        "it was updated before its first credential"
    );
    assert_eq!(of(touched, Some("2026.3.28")).layout, Layout::AgentSqlite, "another program wrote it");
    assert_eq!(of(touched, None).no_new_store, None);
}

#[test]
fn files_stay_what_they_are_and_an_installed_release_that_does_not_read_them_is_told() {
    let dir = tempfile::tempdir().unwrap();
    sample(Layout::JsonFile, dir.path());
    fs::write(dir.path().join("openclaw.json"), "{}").unwrap();
    let env = environment(dir.path());
    let loc = keyshoal_openclaw::locate::locate(&env, Some(dir.path()), None).unwrap();
    let config = keyshoal_openclaw::config::load(&loc, &env).unwrap();
    let with = |version: &'static str| resolve(&loc, &config, None, &|| Some(version.to_owned())).unwrap();
    let newer = with("2026.9.6");
    assert_eq!((newer.layout, newer.version.as_deref()), (Layout::JsonFile, None));
    assert_eq!(codes(&newer), ["not_migrated"]);
    let own = with("2026.3.28");
    assert_eq!(
        (own.layout, own.version.as_deref(), codes(&own)),
        (Layout::JsonFile, Some("2026.3.28"), vec![])
    );
}

#[test]
fn leftovers_never_decide_and_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    sample(Layout::SharedRow, dir.path());
    let old =
        json!({ "profiles": { ID: { "type": "api_key", "provider": "openai", "key": "old" } } }).to_string();
    fs::write(agent_dir(dir.path(), "stocks").join("auth-profiles.json"), &old).unwrap();
    fs::write(agent_dir(dir.path(), "main").join("auth.json"), "{}").unwrap();
    let found = resolved(dir.path(), None);
    assert_eq!(found.layout, Layout::SharedRow);
    assert_eq!(codes(&found), ["leftover_json", "leftover_json"]);
    assert!(found.base.read().unwrap().leftover.is_some());
    let (_, _, stocks) = &found.agents[1];
    assert!(stocks.read().unwrap().leftover.is_some());
    assert_eq!(read_key(stocks, ID).as_deref(), Some("stocks-1"));

    // Tables of the shared layout in a state database of 2026.6, which nobody reads.
    let dir = tempfile::tempdir().unwrap();
    sample(Layout::AgentSqlite, dir.path());
    let db = rusqlite::Connection::open(dir.path().join("state/openclaw.sqlite")).unwrap();
    db.execute("INSERT INTO auth_profile_stores VALUES ('shared', ?1, 1)", [&old]).unwrap();
    drop(db);
    assert_eq!(resolved(dir.path(), None).layout, Layout::AgentSqlite);
}

#[test]
fn without_the_ownership_row_the_main_agents_database_is_shared() {
    let dir = tempfile::tempdir().unwrap();
    sample(Layout::SharedRow, dir.path());
    let sql = |sql: &str| {
        let db = rusqlite::Connection::open(dir.path().join("state/openclaw.sqlite")).unwrap();
        db.execute(sql, []).unwrap();
    };
    sql(
        "UPDATE config_machine_state SET value_json = '{\"location\":\"legacy-main\"}' WHERE state_key = 'auth.sharedStore'",
    );
    let found = resolved(dir.path(), None);
    assert_eq!((found.layout, found.agents[0].1.clone()), (Layout::AgentSqlite, StoreId::Base));
    assert!(found.base.path().ends_with("agents/main/agent/openclaw-agent.sqlite"));
    assert_eq!(found.base.read().unwrap().health, StoreHealth::Empty);
    // The release is the same, and so is what wakes its gateway.
    assert_eq!(found.capabilities.activation[0], ActivationWay::AuthRefresh);
    sql("DELETE FROM config_machine_state WHERE state_key = 'auth.sharedStore'");
    assert_eq!(resolved(dir.path(), None).layout, Layout::AgentSqlite);
    sql("INSERT INTO config_machine_state VALUES ('auth.sharedStore', '{\"location\":\"moon\"}', 1)");
    assert!(resolved(dir.path(), None).capabilities.read_only.is_some());
}

#[test]
fn what_is_newer_than_we_know_is_only_read() {
    let dir = tempfile::tempdir().unwrap();
    Installation::new(Layout::Unknown).api_key(StoreId::Base, ID, "k").write(dir.path()).unwrap();
    let found = resolved(dir.path(), None);
    assert_eq!(found.layout, Layout::Unknown);
    assert!(found.capabilities.read_only.unwrap().contains("newer"));
    let read = found.base.read().unwrap();
    assert_eq!(read.health, StoreHealth::NewerSchema { found: 99, known: 18 });
    assert_eq!(key_of(&read.contents, ID).as_deref(), Some("k"));
    assert!(edit(&found.base, &[set(ID, "2")]).is_err());
}

#[test]
fn without_any_database_it_is_json_and_the_state_file_tells_which() {
    let dir = tempfile::tempdir().unwrap();
    let main = agent_dir(dir.path(), "main");
    json_store(&main, "{\"profiles\":{}}");
    assert_eq!(resolved(dir.path(), None).layout, Layout::JsonFile);
    fs::write(main.join("auth-state.json"), "{}").unwrap();
    assert_eq!(resolved(dir.path(), None).layout, Layout::JsonWithState);
    let touched = |version: &str| {
        let config = json!({ "meta": { "lastTouchedVersion": version } }).to_string();
        fs::write(dir.path().join("openclaw.json"), config).unwrap();
        resolved(dir.path(), None).layout
    };
    assert_eq!(touched("2026.3.28"), Layout::JsonFile);
    assert_eq!(touched("2026.9.6"), Layout::JsonWithState, "not migrated yet: the files are what there is");
    fs::remove_dir_all(dir.path().join("agents")).unwrap();
    assert_eq!(touched("2026.9.6"), Layout::SharedRow, "nothing there yet");
    // The last JSON releases made a state database with the same schema as the first SQLite ones.
    let old = tempfile::tempdir().unwrap();
    sample(Layout::AgentSqlite, old.path());
    fs::create_dir_all(dir.path().join("state")).unwrap();
    fs::copy(old.path().join("state/openclaw.sqlite"), dir.path().join("state/openclaw.sqlite")).unwrap();
    assert_eq!(touched("2026.6.1"), Layout::JsonWithState);
    assert_eq!(touched("2026.6.11"), Layout::AgentSqlite);
}

#[test]
fn a_default_agent_that_is_not_main_is_where_the_program_writes() {
    for (layout, expected) in [
        (Layout::JsonFile, StoreId::Agent("stocks".into())),
        (Layout::AgentSqlite, StoreId::Agent("stocks".into())),
        (Layout::SharedRow, StoreId::Base),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let agents = match layout {
            Layout::SharedRow => json!({ "entries": { "ops": {}, "stocks": { "default": true } } }),
            _ => json!({ "list": [{ "id": "ops" }, { "id": "stocks", "default": true }] }),
        };
        Installation::new(layout)
            .api_key(StoreId::Base, ID, "base-1")
            .api_key(StoreId::Agent("stocks".into()), ID, "stocks-1")
            .config(json!({ "agents": agents }))
            .write(dir.path())
            .unwrap();
        let found = resolved(dir.path(), None);
        assert_eq!(found.program_writes_to, expected, "{layout}");
        // Main is in no roster and yet the base, and no orphan.
        assert_eq!(read_key(&found.base, ID).as_deref(), Some("base-1"), "{layout}");
        assert_eq!((found.agents.len(), found.orphans.len()), (2, 0));
    }
}

#[test]
fn stores_that_are_one_file_have_one_id_and_strangers_are_orphans() {
    for layout in LAYOUTS {
        let dir = tempfile::tempdir().unwrap();
        Installation::new(layout)
            .agent("a")
            .agent("b")
            .api_key(StoreId::Base, ID, "base-1")
            .api_key(StoreId::Agent("a".into()), ID, "a-1")
            .api_key(StoreId::Agent("gone".into()), ID, "gone-1")
            .api_key(StoreId::Agent("openclaw".into()), ID, "never")
            .write(dir.path())
            .unwrap();
        fs::remove_dir_all(dir.path().join("agents/b")).ok();
        std::os::unix::fs::symlink(dir.path().join("agents/a"), dir.path().join("agents/b")).unwrap();
        let config = fs::read_to_string(dir.path().join("openclaw.json")).unwrap();
        // In the SQLite samples the stranger has a roster entry only because its store was named.
        assert!(!config.contains("gone"));
        let found = resolved(dir.path(), None);
        let a = StoreId::Agent("a".into());
        let of = |id: &str| {
            found.agents.iter().find(|(agent, _, _)| *agent == AgentId::new(id)).unwrap().1.clone()
        };
        assert_eq!((of("a"), of("b")), (a.clone(), a), "{layout}");
        assert_eq!(codes(&found), ["shared_agent_store"]);
        let orphans: Vec<_> = found.orphans.iter().map(|orphan| orphan.id.as_str()).collect();
        assert_eq!(orphans, ["gone"], "{layout}");
        assert_eq!(found.orphans[0].profiles, [ProfileId::new(ID)]);
    }
}

/// Redirects the main store to the directory of agent stocks and to one of its own, and returns whose store the base is.
fn redirected(layout: Layout, version: &str, names: &[&str]) -> (Option<String>, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    sample(layout, dir.path());
    let mut env = environment(dir.path());
    env.vars.insert("OPENCLAW_STATE_DIR".to_owned(), dir.path().display().to_string());
    for (name, agent) in [("OPENCLAW_AGENT_DIR", "stocks"), ("PI_CODING_AGENT_DIR", "main")] {
        if names.contains(&name) {
            env.vars.insert(name.to_owned(), agent_dir(dir.path(), agent).display().to_string());
        }
    }
    let found = resolved_in(dir.path(), &env, Some(&word(version)));
    let said = found.notices.iter().filter(|notice| notice.code == "ignored_variable");
    let said = said.map(|notice| notice.message.split(' ').next().unwrap().to_owned()).collect();
    (read_key(&found.base, ID), said)
}

#[test]
fn a_redirected_main_store_is_the_base_where_the_release_obeys() {
    const BOTH: [&str; 2] = ["OPENCLAW_AGENT_DIR", "PI_CODING_AGENT_DIR"];
    let base = |layout, version| redirected(layout, version, &BOTH);
    let key = |key: &str| Some(key.to_owned());
    assert_eq!(base(Layout::JsonFile, "2026.3.28"), (key("stocks-1"), vec![]));
    assert_eq!(base(Layout::JsonWithState, "2026.5.7"), (key("stocks-1"), vec![]));
    let neither = BOTH.map(str::to_owned).to_vec();
    assert_eq!(base(Layout::JsonWithState, "2026.5.28"), (key("base-1"), neither.clone()));
    assert_eq!(base(Layout::AgentSqlite, "2026.6.11"), (key("base-1"), neither));
}

#[test]
fn where_main_still_owns_the_shared_store_later_releases_obey_one_variable() {
    let base = |name: &str| {
        let dir = tempfile::tempdir().unwrap();
        sample(Layout::SharedRow, dir.path());
        let db = rusqlite::Connection::open(dir.path().join("state/openclaw.sqlite")).unwrap();
        db.execute("DELETE FROM config_machine_state WHERE state_key = 'auth.sharedStore'", []).unwrap();
        let mut env = environment(dir.path());
        let elsewhere = agent_dir(dir.path(), "stocks");
        env.vars.insert("OPENCLAW_STATE_DIR".to_owned(), dir.path().display().to_string());
        env.vars.insert(name.to_owned(), elsewhere.display().to_string());
        let found = resolved_in(dir.path(), &env, None);
        assert_eq!(found.layout, Layout::AgentSqlite);
        found.base.path().parent().unwrap().strip_prefix(dir.path()).unwrap().to_owned()
    };
    assert_eq!(base("OPENCLAW_AGENT_DIR"), Path::new("agents/stocks/agent"));
    assert_eq!(base("PI_CODING_AGENT_DIR"), Path::new("agents/main/agent"));
}

#[test]
fn without_a_word_the_layout_says_which_variables_count() {
    for (layout, key) in [(Layout::JsonFile, "stocks-1"), (Layout::AgentSqlite, "base-1")] {
        let dir = tempfile::tempdir().unwrap();
        sample(layout, dir.path());
        let mut env = environment(dir.path());
        let elsewhere = agent_dir(dir.path(), "stocks");
        env.vars.insert("OPENCLAW_STATE_DIR".to_owned(), dir.path().display().to_string());
        env.vars.insert("OPENCLAW_AGENT_DIR".to_owned(), elsewhere.display().to_string());
        let found = resolved_in(dir.path(), &env, None);
        assert_eq!(read_key(&found.base, ID).as_deref(), Some(key), "{layout}");
        let redirected = layout == Layout::JsonFile;
        let ids: Vec<_> = found.agents.iter().map(|(_, store, _)| store.clone()).collect();
        let (main, stocks) = (StoreId::Agent("main".into()), StoreId::Agent("stocks".into()));
        let expected = if redirected { [main, StoreId::Base] } else { [StoreId::Base, stocks] };
        assert_eq!(ids, expected, "{layout}");
    }
}

#[test]
fn ids_that_try_to_leave_the_directory_stay_inside() {
    let dir = tempfile::tempdir().unwrap();
    let list = json!([{ "id": "../../etc" }, { "id": "a/../../b" }, { "id": "日本" }, { "id": "x\u{0}y" }]);
    Installation::new(Layout::JsonFile)
        .config(json!({ "agents": { "list": list } }))
        .write(dir.path())
        .unwrap();
    let found = resolved(dir.path(), None);
    for (id, _, file) in &found.agents {
        assert!(file.path().starts_with(dir.path().join("agents")), "{id}: {}", file.path().display());
        assert!(!file.path().to_string_lossy().contains(".."));
    }
}

#[test]
fn archives_of_a_migration_are_read_and_a_leftover_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let old = |key: &str| {
        json!({ "profiles": { ID: { "type": "api_key", "provider": "openai", "key": key } } }).to_string()
    };
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    put("auth-profiles.json.migrated-2026-09-01-0b5e", &old("first"));
    put("auth-profiles.json.sqlite-import.7.bak", &old("second"));
    put("auth-profiles.json.migrated-broken", "{");
    put("auth-profiles.json", &old("leftover"));
    put("auth-profiles.json.lock", "{}");
    let found = keyshoal_openclaw::store::archives(dir.path());
    let keys: Vec<_> = found.iter().map(|archive| key_of(&archive.contents, ID)).collect();
    assert_eq!(keys, [Some("first".to_owned()), None, Some("second".to_owned())]);
}
