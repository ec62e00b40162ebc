//! What the tests are about: a small vault, and changes of it.

use keyshoal_core::vault::{AgentUid, CredentialUid, ModelChoice, VaultAgent, VaultInstance};
use keyshoal_core::{CredentialKind, InstanceId, ProfileId, ProviderId, Secret, Timestamp};
use keyshoal_seal::{KeyEncryptionKey, Keyring};
use keyshoal_vault::{
    Author, Change, KeySource, NewCredential, NewInstance, NewKey, NewRotation, ORGANISATION, Vault,
};
use std::path::{Path, PathBuf};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

pub(crate) fn key(byte: u8) -> NewKey {
    let source = KeySource::File { path: format!("/keys/{byte}.key") };
    NewKey { key: KeyEncryptionKey::from_bytes([byte; 32]), source }
}

pub(crate) fn ring(bytes: &[u8]) -> Keyring {
    bytes.iter().map(|byte| key(*byte).key).collect()
}

pub(crate) fn author() -> Author {
    Author { by: "ann@there".to_owned(), why: Some("because".to_owned()) }
}

/// A directory with a vault in it.
pub(crate) struct House {
    pub(crate) dir: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> (Self, Vault) {
        let house = Self { dir: tempfile::tempdir().unwrap() };
        let vault = Vault::create(&house.path(), &key(1), &author(), at(0)).unwrap();
        (house, vault)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("kept/vault.sqlite")
    }

    pub(crate) fn open(&self) -> Vault {
        open(&self.path())
    }

    pub(crate) fn open_with(&self, keys: &[u8]) -> Vault {
        Vault::open(&self.path(), ring(keys)).unwrap()
    }

    /// Changes the file as somebody does who has SQLite and no key.
    pub(crate) fn meddle(&self, sql: &str) -> usize {
        let database = rusqlite::Connection::open(self.path()).unwrap();
        database.pragma_update(None, "foreign_keys", false).unwrap();
        let changed = database.execute(sql, []).unwrap();
        database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        changed
    }
}

pub(crate) fn open(path: &Path) -> Vault {
    Vault::open(path, ring(&[1])).unwrap()
}

pub(crate) fn id(name: &str) -> InstanceId {
    InstanceId::new(format!("instance-{name}"))
}

pub(crate) fn new(name: &str) -> NewInstance {
    NewInstance {
        id: id(name),
        organisation: ORGANISATION.to_owned(),
        name: name.to_owned(),
        state_dir: Some(format!("/home/{name}/.openclaw")),
        config: None,
    }
}

pub(crate) fn agent_uid(number: u128) -> AgentUid {
    AgentUid(uuid(0xa000 + number))
}

pub(crate) fn credential_uid(number: u128) -> CredentialUid {
    CredentialUid(uuid(0xc000 + number))
}

fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

pub(crate) fn agent(number: u128, name: &str) -> VaultAgent {
    VaultAgent {
        uid: agent_uid(number),
        id: name.into(),
        name: None,
        enabled: true,
        default: false,
        models: ModelChoice::default(),
        workspace: None,
    }
}

pub(crate) fn value(text: &str) -> Secret {
    Secret::new(format!(r#"{{"type":"api_key","provider":"anthropic","key":"{text}","later":[1]}}"#))
}

pub(crate) fn credential(number: u128, profile: &str, agent: Option<AgentUid>, text: &str) -> Change {
    Change::PutCredential(NewCredential {
        uid: credential_uid(number),
        profile: ProfileId::from(profile),
        provider: ProviderId::from("anthropic"),
        kind: CredentialKind::ApiKey,
        agent,
        value: value(text),
        expires: None,
        origin: None,
    })
}

pub(crate) fn stage(number: u128, text: &str) -> Change {
    Change::StageVersion { credential: credential_uid(number), value: value(text), expires: None }
}

/// A rotation of a credential that begins.
pub(crate) fn rotation(
    name: &str,
    instance: &str,
    expected_revision: u64,
    credential: u128,
    changes: Vec<Change>,
) -> NewRotation {
    NewRotation {
        id: name.to_owned(),
        instance: id(instance),
        expected_revision,
        credential: credential_uid(credential),
        stage: "staged".to_owned(),
        state: "{}".to_owned(),
        changes,
    }
}

/// Takes an instance in with two agents, a shared credential (1), an override (2) of the second agent, and a document.
pub(crate) fn furnish(vault: &Vault, name: &str, salt: u128) -> VaultInstance {
    let base = salt * 16;
    let binding = keyshoal_core::vault::VaultBinding {
        agent: agent_uid(base + 2),
        matching: serde_json::json!({"channel": "telegram"}),
        comment: None,
    };
    let changes = vec![
        Change::AddAgent(VaultAgent { default: true, ..agent(base + 1, "main") }),
        Change::AddAgent(agent(base + 2, "stocks")),
        Change::SetBindings(vec![binding]),
        credential(base + 1, "anthropic:default", None, &format!("shared-{name}")),
        credential(base + 2, "anthropic:default", Some(agent_uid(base + 2)), &format!("own-{name}")),
        Change::PutDocument { name: "channels/telegram".to_owned(), value: value(&format!("bot-{name}")) },
    ];
    vault.add_instance(&new(name), changes, &author(), at(1)).unwrap();
    vault.instance(&id(name)).unwrap()
}

pub(crate) fn change(
    vault: &Vault,
    name: &str,
    changes: Vec<Change>,
) -> Result<u64, keyshoal_vault::VaultError> {
    let revision = vault.instance(&id(name)).unwrap().revision;
    vault.change(&id(name), revision, changes, &author(), at(2))
}
