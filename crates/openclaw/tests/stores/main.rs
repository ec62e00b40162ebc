//! The stores, as a caller of the crate sees them: every layout, hostile contents, other writers at work.
#![expect(clippy::disallowed_methods, reason = "tests look at files directly")]
#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod competition;
mod databases;
mod edits;
mod hostile;
mod late;
mod layouts;
mod mounted;

use keyshoal_core::{CredentialKind, Layout, ProfileId, Secret, StoreId};
use keyshoal_openclaw::sample::Installation;
use keyshoal_openclaw::store::{
    Edit, ReadStore, StoreContents, StoreError, StoreFile, StoredSecret, WriteRules, Written,
};
use std::path::Path;
use std::time::SystemTime;

/// Every layout that may be written.
const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

const ID: &str = "openai:default";

fn rules() -> WriteRules {
    WriteRules::new(SystemTime::now(), true)
}

fn inline(text: &str) -> StoredSecret {
    StoredSecret::Inline(Secret::new(text))
}

fn set(id: &str, key: &str) -> Edit {
    Edit::SetSecret {
        profile: ProfileId::new(id),
        kind: CredentialKind::ApiKey,
        secret: inline(key),
        expires: None,
    }
}

/// Makes edits, whatever stands there.
fn edit(store: &StoreFile, edits: &[Edit]) -> Result<Written, StoreError> {
    store.update(&rules(), &mut |_| Ok(edits.to_vec()))
}

fn key_of(contents: &StoreContents, id: &str) -> Option<String> {
    match &contents.profiles.get(&ProfileId::new(id))?.secret {
        StoredSecret::Inline(secret) => Some(secret.reveal_secret().to_owned()),
        _ => None,
    }
}

fn read_key(store: &StoreFile, id: &str) -> Option<String> {
    key_of(&store.read().unwrap().contents, id)
}

/// A JSON store with this text.
fn json_store(dir: &Path, text: &str) -> StoreFile {
    std::fs::create_dir_all(dir).unwrap();
    std::fs::write(dir.join("auth-profiles.json"), text).unwrap();
    StoreFile::json(dir, false)
}

/// The base store and agent `stocks`'s of a sample of this layout, each with one key.
fn sample(layout: Layout, dir: &Path) -> (StoreFile, StoreFile) {
    let stocks = StoreId::Agent("stocks".into());
    Installation::new(layout)
        .agent("stocks")
        .api_key(StoreId::Base, ID, "base-1")
        .api_key(stocks, ID, "stocks-1")
        .write(dir)
        .unwrap();
    let agent = |id: &str| dir.join("agents").join(id).join("agent");
    let state = dir.join("state/openclaw.sqlite");
    match layout {
        Layout::JsonFile => (StoreFile::json(agent("main"), false), StoreFile::json(agent("stocks"), false)),
        Layout::JsonWithState => {
            (StoreFile::json(agent("main"), true), StoreFile::json(agent("stocks"), true))
        }
        _ => {
            let db = |id| StoreFile::agent_sqlite(agent(id).join("openclaw-agent.sqlite"));
            let base = match layout {
                Layout::AgentSqlite => db("main"),
                Layout::SharedTable => StoreFile::shared_table(state),
                _ => StoreFile::shared_row(state),
            };
            (base, db("stocks").owned_by("stocks".into()))
        }
    }
}

fn reason(read: &ReadStore) -> &str {
    match &read.health {
        keyshoal_core::StoreHealth::Unreadable(reason) => reason,
        other => panic!("{other:?}"),
    }
}
