//! What the tests are about: a small world of agents, profiles and values, and directories to keep it in.

use keyshoal_core::{
    AgentId, Ask, CredentialKind, Endpoint, Fact, Fingerprint, ProfileId, Secret, StoreId, Timestamp,
    Verdict, VerdictKind,
    knowledge::{GenerationOrigin, KeptBy},
};
use keyshoal_ledger::{JournalStep, Keys, Ledger, OpenMode};
use keyshoal_seal::KeyFile;
use std::path::Path;

pub(crate) fn keys() -> Keys {
    Keys { seal: KeyFile::from_bytes([1; 32]), fingerprint: KeyFile::from_bytes([2; 32]) }
}

pub(crate) fn open(state_dir: &Path) -> Ledger {
    Ledger::open(state_dir, &keys(), OpenMode::ReadWrite).unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(crate) fn print(byte: u8) -> Fingerprint {
    Fingerprint::from_bytes([byte; 16])
}

pub(crate) fn profile(id: &str) -> ProfileId {
    ProfileId::from(id)
}

pub(crate) fn agent(id: &str) -> AgentId {
    AgentId::from(id)
}

pub(crate) fn generation(id: &str, value: u8, origin: GenerationOrigin) -> Fact {
    Fact::Generation { profile: profile(id), fingerprint: print(value), origin }
}

pub(crate) fn seen(id: &str, value: u8) -> Fact {
    generation(id, value, GenerationOrigin::Seen)
}

pub(crate) fn kept(agent_id: &str, id: &str, value: u8, by: KeptBy) -> Fact {
    Fact::Kept { agent: agent(agent_id), profile: profile(id), fingerprint: print(value), by }
}

pub(crate) fn may_replace(agent_id: &str, id: &str, value: u8) -> Fact {
    Fact::MayReplace { agent: agent(agent_id), profile: profile(id), fingerprint: print(value) }
}

pub(crate) fn endpoint(provider: &str) -> Endpoint {
    Endpoint::public(provider)
}

pub(crate) fn verdict(value: u8, provider: &str, kind: VerdictKind, when: Timestamp) -> Fact {
    let endpoint = endpoint(provider);
    let ask = Ask { fingerprint: print(value), kind: CredentialKind::ApiKey, endpoint };
    Fact::Verdict { ask, verdict: Verdict::new(kind, when) }
}

/// The values of the source of one profile, oldest first.
pub(crate) fn values(ledger: &Ledger, id: &str) -> Vec<u8> {
    let knowledge = ledger.knowledge().unwrap();
    let all = knowledge.generations.get(&profile(id)).cloned().unwrap_or_default();
    all.iter().map(|one| one.fingerprint.as_bytes()[0]).collect()
}

pub(crate) fn step(store: StoreId, before: &str, after: &str) -> JournalStep {
    JournalStep {
        store,
        profile: profile("anthropic:default"),
        action: "replace".to_owned(),
        pre_fingerprint: Some(print(1)),
        post_fingerprint: Some(print(2)),
        rests_on: Some(print(2)),
        pre_image: Some(Secret::new(before)),
        post_image: Some(Secret::new(after)),
    }
}

/// Brings everything into the ledger's file, and removes its log.
pub(crate) fn empty_log(file: &Path) {
    let database = rusqlite::Connection::open(file).unwrap();
    database.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
    database.close().unwrap();
    assert!(!file.with_extension("sqlite-wal").exists());
}

/// Copies a directory as `cp -a` does.
pub(crate) fn copy(from: &Path, to: &Path) {
    let status = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(status.success());
}
