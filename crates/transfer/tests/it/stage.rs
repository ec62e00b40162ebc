//! Payloads to test with, and what is done with them.

use keyshoal_core::vault::{Delivery, ModelChoice};
use keyshoal_core::{Layout, ProfileId, Secret, StoreId, Timestamp};
use keyshoal_openclaw::agent_id;
use keyshoal_seal::{FingerprintKey, KeyFile, OneTimeCode, RecipientKey};
use keyshoal_transfer::manifest::*;
use keyshoal_transfer::{Form, Incoming, Key, Limits, Lock, Payload, ReadError, Tail, open, write};
use std::io::Read;
use std::path::Path;

pub fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

pub fn prints() -> FingerprintKey {
    KeyFile::from_bytes([1; 32]).fingerprint_key(b"test")
}

pub fn recipient() -> RecipientKey {
    KeyFile::from_bytes([2; 32]).recipient_key()
}

pub fn code() -> OneTimeCode {
    OneTimeCode::random().unwrap()
}

/// An instance with these agents and nothing else.
pub fn bare(agents: &[&str]) -> Payload {
    let agents = agents.iter().enumerate().map(|(at, id)| AgentPart {
        id: agent_id::normalize(id),
        name: None,
        default: at == 0,
        models: ModelChoice::default(),
        workspace: None,
        agent_dir: None,
        enabled: true,
    });
    let manifest = Manifest {
        made: now(),
        source: Source {
            instance: None,
            state_dir: "/home/ada/.openclaw".into(),
            config: "/home/ada/.openclaw/openclaw.json".into(),
            release: Some("2026.9.6".into()),
            layout: Layout::SharedRow,
        },
        agents: agents.collect(),
        models: ModelChoice::default(),
        bindings: Vec::new(),
        channels: Vec::new(),
        providers: Vec::new(),
        profiles: Vec::new(),
        order: Vec::new(),
        config: None,
        included: Vec::new(),
        variables: Vec::new(),
        delivery: Delivery::Inline,
        entries: Vec::new(),
        logins: Logins::Stay,
        left_out: Vec::new(),
        stays: Vec::new(),
        values: 0,
        files: None,
    };
    Payload { manifest, values: Vec::new(), files: Vec::new(), draft: None }
}

/// Adds a value.
pub fn value(payload: &mut Payload, text: &str) -> ValueRef {
    payload.add(Secret::new(text))
}

/// Adds a profile with its whole entry.
pub fn entry(payload: &mut Payload, store: StoreId, profile: &str, entry: &str) {
    let entry = value(payload, entry);
    payload.manifest.profiles.push(ProfilePart {
        store,
        profile: ProfileId::new(profile),
        entry,
        meant: None,
    });
}

/// Adds an API key of anthropic.
pub fn key(payload: &mut Payload, store: StoreId, profile: &str, key: &str) {
    entry(payload, store, profile, &format!(r#"{{"type":"api_key","provider":"anthropic","key":"{key}"}}"#));
}

pub fn written(payload: &Payload, lock: Lock<'_>, form: Form) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(payload, lock, form, &mut bytes).unwrap();
    bytes
}

pub fn clear(payload: &Payload) -> Vec<u8> {
    written(payload, Lock::Clear, Form::Binary)
}

pub fn opened<'r>(bytes: impl Read + 'r) -> Result<Incoming<'r>, ReadError> {
    open(bytes, Limits::default(), Tail::Refused)
}

/// Reads a payload that is not sealed.
pub fn read(bytes: &[u8], drafts: Option<&Path>) -> Result<Payload, ReadError> {
    opened(bytes)?.read(Key::Nothing, drafts)
}

/// Compares everything but where files lie.
pub fn assert_same(one: &Payload, other: &Payload) {
    assert_eq!(one.manifest, other.manifest);
    assert!(one.values == other.values, "values differ");
    let bare = |payload: &Payload| {
        let files = payload.files.iter().cloned().map(|mut file| {
            file.at = None;
            file
        });
        files.collect::<Vec<_>>()
    };
    assert_eq!(bare(one), bare(other));
}
