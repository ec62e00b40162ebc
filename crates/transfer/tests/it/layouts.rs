//! Every layout: everything comes along, and the source stays as it was, byte for byte.

use crate::stage::*;
use keyshoal_core::{AgentId, Layout, ProfileId, StoreId};
use keyshoal_openclaw::Environment;
use keyshoal_openclaw::locate::locate;
use keyshoal_openclaw::sample::Installation;
use keyshoal_transfer::manifest::{Logins, Part};
use keyshoal_transfer::{Form, GatherOptions, Key, Lock, Payload, gather};
use serde_json::json;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];
const NEW: &str = "sk-ant-api03-planted-new-8d1f";
const OLD: &str = "sk-ant-api03-planted-old-77aa";
const ACCESS: &str = "planted-access-31";
const REFRESH: &str = "planted-refresh-32";
const BOT: &str = "planted-bot-token-33";
const PLANTED: [&str; 6] = [NEW, OLD, ACCESS, REFRESH, BOT, "planted in a note"];

fn house(layout: Layout) -> TempDir {
    let home = TempDir::new().unwrap();
    let state = home.path().join("state");
    let login = json!({ "type": "oauth", "provider": "openai-codex", "access": ACCESS, "refresh": REFRESH,
                        "expires": 4_000_000_000_000_i64, "email": "ada@example.com", "unknownField": [1.50, "ü"] });
    Installation::new(layout)
        .agent("stocks")
        .agent("ops")
        .config(json!({
            "channels": { "telegram": { "botToken": BOT } },
            "bindings": [{ "agentId": "Stocks", "match": { "channel": "telegram", "peer": { "kind": "direct", "id": "7" } } }],
            "auth": { "order": { "anthropic": ["anthropic:default"] } },
            "models": { "providers": { "acme": { "baseUrl": "https://acme.test/v1", "apiKey": "${ACME}", "models": [] } } },
        }))
        .api_key(StoreId::Base, "anthropic:default", NEW)
        .profile(StoreId::Base, "openai-codex:me", login)
        .api_key(StoreId::Agent("stocks".into()), "anthropic:default", OLD)
        .state(StoreId::Base, json!({ "order": { "openai-codex": ["openai-codex:me"] } }))
        .write(&state)
        .unwrap();
    std::fs::write(state.join(".env"), "ACME=planted-acme-34\n").unwrap();
    let notes = state.join("workspace-stocks/notes");
    std::fs::create_dir_all(&notes).unwrap();
    std::fs::write(notes.join("a.md"), "planted in a note").unwrap();
    std::fs::write(notes.join("run.sh"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(notes.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(notes.join("memory.sqlite"), "not to be opened").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", notes.join("link")).unwrap();
    let sessions = state.join("agents/ops/sessions");
    std::fs::create_dir_all(&sessions).unwrap();
    std::fs::write(sessions.join("1.jsonl"), "{}\n".repeat(50_000)).unwrap();
    home
}

fn gathered(home: &Path, context: bool, logins: Logins) -> Payload {
    let env = Environment { home: Some(home.to_owned()), ..Environment::default() };
    let locations = locate(&env, Some(&home.join("state")), None).unwrap();
    gather(
        &locations,
        &env,
        &GatherOptions { context, logins, in_place: false, instance: None, now: now(), closed: false },
    )
    .unwrap()
}

/// Everything that can be seen of a tree but when it was last read.
fn tree(root: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)> {
    let mut seen = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let meta = std::fs::symlink_metadata(&path).unwrap();
        let bytes = if meta.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
        if meta.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        seen.insert(path, (meta.mode(), meta.mtime(), meta.mtime_nsec(), bytes));
    }
    seen
}

#[test]
fn everything_comes_back_and_the_source_is_untouched() {
    for layout in LAYOUTS {
        let home = house(layout);
        let before = tree(home.path());
        for context in [false, true] {
            let payload = gathered(home.path(), context, Logins::Move);
            let (code, key) = (code(), recipient());
            for (lock, given) in [
                (Lock::Clear, Key::Nothing),
                (Lock::Code(&code), Key::Code(&code)),
                (Lock::Recipient(&key.recipient()), Key::Recipient(&key)),
            ] {
                for form in [Form::Binary, Form::Text] {
                    let bytes = written(&payload, lock, form);
                    let drafts = TempDir::new().unwrap();
                    let back = opened(bytes.as_slice()).unwrap().read(given, Some(drafts.path())).unwrap();
                    assert_same(&payload, &back);
                    for (from, to) in payload.files.iter().zip(&back.files) {
                        let (from, to) = (from.at.as_ref().unwrap(), to.at.as_ref().unwrap());
                        assert_eq!(std::fs::read(from).unwrap(), std::fs::read(to).unwrap());
                    }
                    assert!(
                        matches!(lock, Lock::Clear)
                            || form == Form::Text
                            || PLANTED.iter().all(|planted| {
                                !bytes.windows(planted.len()).any(|window| window == planted.as_bytes())
                            }),
                        "{layout}: a sealed payload shows what is in it"
                    );
                    drop(back);
                    assert_eq!(
                        std::fs::read_dir(drafts.path()).unwrap().count(),
                        0,
                        "the draft goes with the payload"
                    );
                }
            }
        }
        assert_eq!(before, tree(home.path()), "{layout}");
    }
}

#[test]
fn what_is_gathered_is_what_stands_there() {
    for layout in LAYOUTS {
        let home = house(layout);
        let payload = gathered(home.path(), true, Logins::Move);
        let manifest = &payload.manifest;
        let agents: Vec<&str> = manifest.agents.iter().map(|agent| agent.id.as_str()).collect();
        assert_eq!(agents, ["main", "stocks", "ops"], "{layout}");
        assert_eq!(manifest.source.layout, layout);
        let found = |store: StoreId, profile: &str| {
            let part = manifest
                .profiles
                .iter()
                .find(|one| one.store == store && one.profile == ProfileId::new(profile))
                .unwrap();
            payload.value(part.entry).unwrap().reveal_secret().to_owned()
        };
        assert!(found(StoreId::Base, "anthropic:default").contains(NEW));
        assert!(found(StoreId::Agent("stocks".into()), "anthropic:default").contains(OLD));
        let login = found(StoreId::Base, "openai-codex:me");
        assert!(
            login.contains(REFRESH) && login.contains("unknownField"),
            "{layout}: whole entries come along"
        );
        assert_eq!(manifest.bindings[0].agent, AgentId::new("stocks"));
        assert_eq!(manifest.channels[0].name, "telegram");
        assert_eq!(manifest.providers[0].name, "acme");
        let acme = payload.value(manifest.providers[0].value).unwrap();
        assert!(acme.reveal_secret().contains("${ACME}"), "variables stay as they are written");
        assert_eq!(manifest.variables[0].name, "ACME");
        let text = std::fs::read_to_string(home.path().join("state/openclaw.json")).unwrap();
        assert_eq!(payload.value(manifest.config.unwrap()).unwrap().reveal_secret(), text);
        assert!(manifest.order.iter().any(|one| one.store == Some(StoreId::Base)));
        let files: Vec<(&str, u32)> =
            payload.files.iter().map(|file| (file.path.as_str(), file.mode)).collect();
        assert_eq!(files, [("notes/a.md", 0o600), ("notes/run.sh", 0o700), ("1.jsonl", 0o600)], "{layout}");
        assert_eq!(payload.files[2].part, Part::Sessions);
        for left in ["notes/link", "notes/memory.sqlite"] {
            assert!(manifest.left_out.iter().any(|one| one.what.contains(left)), "{left}");
        }
    }
}

#[test]
fn refresh_tokens_stay_unless_the_logins_move() {
    for layout in LAYOUTS {
        let home = house(layout);
        let payload = gathered(home.path(), false, Logins::Stay);
        let bytes = clear(&payload);
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(REFRESH) && holds(ACCESS), "{layout}");
        assert!(payload.manifest.left_out.iter().any(|one| one.why.contains("sign in")), "{layout}");
        let stays: Vec<&str> = payload.manifest.stays.iter().map(|one| one.what.as_str()).collect();
        assert!(stays.contains(&"workspace") && stays.contains(&"sessions"), "{layout}: {stays:?}");
        assert_eq!(stays.contains(&"database"), layout.is_sqlite(), "{layout}");
    }
}

#[test]
fn equal_input_gives_equal_bytes() {
    for layout in LAYOUTS {
        let home = house(layout);
        let once = || clear(&gathered(home.path(), true, Logins::Stay));
        assert_eq!(once(), once(), "{layout}");
        let code = code();
        let sealed = || written(&gathered(home.path(), true, Logins::Stay), Lock::Code(&code), Form::Binary);
        assert_ne!(sealed(), sealed(), "{layout}: a salt is never used twice");
    }
}

#[test]
fn a_store_that_cannot_be_read_is_no_empty_one() {
    for layout in LAYOUTS {
        let home = house(layout);
        let state = home.path().join("state");
        let (json, database) = (
            state.join("agents/stocks/agent/auth-profiles.json"),
            state.join("agents/stocks/agent/openclaw-agent.sqlite"),
        );
        let path = if layout.is_sqlite() { database } else { json };
        std::fs::write(&path, "{\"version\":1,\"prof").unwrap();
        let env = Environment { home: Some(home.path().to_owned()), ..Environment::default() };
        let locations = locate(&env, Some(&state), None).unwrap();
        let options = GatherOptions {
            context: false,
            logins: Logins::Stay,
            in_place: false,
            instance: None,
            now: now(),
            closed: false,
        };
        let error = gather(&locations, &env, &options).unwrap_err().to_string();
        assert!(error.contains("stocks"), "{layout}: {error}");
    }
}
