//! What only a vault has, in a payload: there, marked, and within its bounds.

mod bindings;

use crate::stage::*;
use keyshoal_core::vault::*;
use keyshoal_core::{AgentId, CredentialKind, InstanceId, ProfileId, ProviderId, Secret, StoreId};
use keyshoal_transfer::manifest::*;
use keyshoal_transfer::vaulted::{Word, hear};
use keyshoal_transfer::{Facts, ImportPlan, Payload, preview};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const PROFILE: &str = "anthropic:default";

fn agent(at: u128, id: &str, enabled: bool) -> VaultAgent {
    let (uid, id) = (AgentUid(Uuid::from_u128(at)), AgentId::new(id));
    let models = ModelChoice::default();
    VaultAgent { uid, id, name: None, enabled, default: at == 1, models, workspace: None }
}

fn version(number: u32, state: VersionState) -> VaultVersion {
    let (by, why) = ("ada@home".to_owned(), Some(format!("reason {number}")));
    VaultVersion { number, state, created: now(), since: now(), by, why, expires: None }
}

fn credential(at: u128, agent: Option<u128>, versions: Vec<VaultVersion>) -> VaultCredential {
    VaultCredential {
        uid: CredentialUid(Uuid::from_u128(at)),
        profile: ProfileId::new(PROFILE),
        provider: ProviderId::new("anthropic"),
        kind: CredentialKind::ApiKey,
        agent: agent.map(|at| AgentUid(Uuid::from_u128(at))),
        versions,
    }
}

/// Shared: version 2 after 1. stocks: an override that waits. ops: disabled, with an override.
fn instance() -> VaultInstance {
    use VersionState::{Current, Previous};
    VaultInstance {
        id: InstanceId::new("i"),
        organisation: "default".into(),
        name: "home".into(),
        state_dir: None,
        config: None,
        delivery: Delivery::Inline,
        models: ModelChoice::default(),
        agents: vec![
            agent(1, "main", true),
            agent(2, "ops", false),
            agent(3, "stocks", true),
            agent(4, "new", true),
        ],
        bindings: Vec::new(),
        credentials: vec![
            credential(10, None, vec![version(1, Previous), version(2, Current)]),
            credential(11, Some(3), vec![version(1, Current)]),
            credential(12, Some(2), vec![version(1, Current)]),
            credential(13, Some(4), vec![version(1, Current)]),
        ],
        order: Vec::new(),
        channels: Vec::new(),
        revision: 7,
    }
}

fn word(instance: &VaultInstance) -> Word<'_> {
    let value = |at: u128, number: u32, key: &str| {
        let entry = format!(r#"{{"type":"api_key","provider":"anthropic","key":"{key}"}}"#);
        (CredentialUid(Uuid::from_u128(at)), number, Secret::new(entry))
    };
    Word {
        instance,
        values: vec![
            value(10, 1, "shared-1"),
            value(10, 2, "shared-2"),
            value(11, 1, "stocks-own"),
            value(12, 1, "ops-own"),
            value(13, 1, "new-own"),
        ],
        entries: vec![(AgentId::new("ops"), Secret::new(r#"{"id":"ops","tools":{"a":1}}"#))],
        kept: BTreeSet::new(),
    }
}

fn own(id: &str) -> StoreId {
    StoreId::Agent(AgentId::new(id))
}

fn planned(payload: &Payload) -> ImportPlan {
    let facts = Facts {
        name: "home",
        organisation: "default",
        existing: &[],
        verdicts: &BTreeMap::new(),
        answers: &BTreeMap::new(),
        prints: &prints(),
        in_place: false,
    };
    let mut next = 100;
    preview(payload, &facts, &mut || {
        next += 1;
        Uuid::from_u128(next)
    })
}

/// The values of the plan's credentials, by their agents, and whether they wait.
fn values(plan: &ImportPlan) -> Vec<(String, String, bool)> {
    let of = |one: &keyshoal_transfer::PlannedCredential| {
        let whose = one.agent.and_then(|uid| plan.agent(uid)).map_or("all", |agent| agent.id.as_str());
        let entry: serde_json::Value = serde_json::from_str(one.entry.reveal_secret()).unwrap();
        (whose.to_owned(), entry["key"].as_str().unwrap().to_owned(), one.waits)
    };
    plan.credentials.iter().map(of).collect()
}

#[test]
fn the_vaults_word_goes_before_what_stores_hold_and_comes_back() {
    let instance = instance();
    let mut payload = bare(&["main", "stocks"]);
    // The base store is behind, and so is a copy of it.
    key(&mut payload, StoreId::Base, PROFILE, "shared-1");
    key(&mut payload, own("main"), PROFILE, "shared-1");
    hear(&mut payload, &word(&instance));
    let back = read(&clear(&payload), None).unwrap();
    assert_same(&payload, &back);
    let plan = planned(&back);
    let roster: Vec<_> = plan.agents.iter().map(|agent| (agent.id.as_str(), agent.enabled)).collect();
    assert_eq!(roster, [("main", true), ("ops", false), ("stocks", true)]);
    let all = |whose: &str, key: &str, waits| (whose.to_owned(), key.to_owned(), waits);
    assert_eq!(
        values(&plan),
        [all("all", "shared-2", false), all("stocks", "stocks-own", true), all("ops", "ops-own", true)]
    );
    assert!(plan.questions.is_empty() && plan.dropped.is_empty());
    let origin = plan.credentials[0].origin.clone().unwrap();
    assert_eq!((origin.by.as_str(), origin.why.as_deref()), ("ada@home", Some("reason 2")));
    assert_eq!(plan.entries[0].name, "ops");
    // The agent that the config does not have yet is said, with its key.
    assert!(plan.left_out.iter().any(|one| one.what == "agent new"), "{:?}", plan.left_out);
}

#[test]
fn what_the_vault_does_not_know_is_said_or_asked_about() {
    let instance = instance();
    let mut payload = bare(&["main", "stocks"]);
    key(&mut payload, StoreId::Base, PROFILE, "somebodys");
    key(&mut payload, own("main"), PROFILE, "mains-own");
    hear(&mut payload, &word(&instance));
    let plan = planned(&payload);
    assert_eq!(plan.questions.len(), 1, "a key of main's own is asked about as ever");
    let said = plan.left_out.iter().filter(|one| one.what.contains("anthropic:default of base")).count();
    assert_eq!(said, 1, "{:?}", plan.left_out);
    // A mark makes it meant.
    let mut payload = bare(&["main", "stocks"]);
    key(&mut payload, own("main"), PROFILE, "mains-own");
    let kept = BTreeSet::from([(AgentId::new("main"), ProfileId::new(PROFILE))]);
    hear(&mut payload, &Word { kept, ..word(&instance) });
    let plan = planned(&payload);
    assert!(plan.questions.is_empty());
    assert!(values(&plan).contains(&("main".to_owned(), "mains-own".to_owned(), false)));
}

/// Adds a profile that refers to Keyshoal's private file.
fn refers(payload: &mut Payload, store: StoreId, profile: &str, id: &str) {
    let reference = format!(r#"{{"source":"file","provider":"keyshoal","id":"{id}"}}"#);
    let text = format!(r#"{{"type":"api_key","provider":"anthropic","keyRef":{reference},"extra":1}}"#);
    entry(payload, store, profile, &text);
}

fn held(payload: &Payload, store: StoreId) -> serde_json::Value {
    let part =
        payload.manifest.profiles.iter().find(|one| one.store == store && one.profile.as_str() == PROFILE);
    serde_json::from_str(payload.value(part.unwrap().entry).unwrap().reveal_secret()).unwrap()
}

#[test]
fn a_reference_becomes_what_it_led_to_whoever_holds_it() {
    let instance = instance();
    let of = |at: u128| format!("/agents/{}~1{PROFILE}", Uuid::from_u128(at));
    // The vault has renamed "old" to "new", and the config has not.
    let mut payload = bare(&["main", "stocks", "old"]);
    refers(&mut payload, own("old"), "anthropic:gone", "/shared/anthropic:gone");
    refers(&mut payload, StoreId::Base, PROFILE, "/shared/anthropic:default");
    refers(&mut payload, own("main"), PROFILE, "/shared/anthropic:default");
    refers(&mut payload, own("stocks"), PROFILE, &of(3));
    refers(&mut payload, own("old"), PROFILE, &of(4));
    let kept = BTreeSet::from([(AgentId::new("main"), ProfileId::new(PROFILE))]);
    hear(&mut payload, &Word { kept, ..word(&instance) });
    payload.close();
    let back = read(&clear(&payload), None).unwrap();
    assert_same(&payload, &back);
    let wanted = [
        (StoreId::Base, "shared-2"),
        (own("main"), "shared-2"),
        (own("stocks"), "stocks-own"),
        (own("old"), "new-own"),
    ];
    for (store, key) in wanted {
        let entry = held(&back, store.clone());
        assert_eq!((entry["key"].as_str(), entry.get("keyRef")), (Some(key), None), "{store}");
    }
    let gone = back.manifest.left_out.iter().filter(|one| one.what.contains("anthropic:gone")).count();
    assert_eq!((gone, back.manifest.profiles.iter().filter(|one| one.store == own("old")).count()), (1, 1));
}

#[test]
fn an_override_that_was_taken_back_is_a_copy_of_what_all_share() {
    let mut instance = instance();
    instance.credentials[1].versions[0].state = VersionState::Retired;
    let mut payload = bare(&["main", "stocks"]);
    key(&mut payload, own("main"), PROFILE, "stocks-own");
    key(&mut payload, own("stocks"), PROFILE, "stocks-own");
    hear(&mut payload, &word(&instance));
    assert_eq!(held(&payload, own("stocks"))["key"], "shared-2");
    assert_eq!(held(&payload, own("main"))["key"], "stocks-own", "of main the vault has taken nothing back");
}

#[test]
fn a_login_in_the_place_of_a_key_is_said_and_so_is_a_key_in_the_place_of_a_login() {
    let mut instance = instance();
    let login =
        r#"{"type":"oauth","provider":"anthropic","access":"a","refresh":"r","expires":4000000000000}"#;
    let mut payload = bare(&["main", "stocks"]);
    entry(&mut payload, StoreId::Base, PROFILE, login);
    hear(&mut payload, &word(&instance));
    assert_eq!(held(&payload, StoreId::Base)["key"], "shared-2");
    let said = |payload: &Payload, what: &str| {
        payload.manifest.left_out.iter().any(|one| one.what.starts_with(what))
    };
    assert!(said(&payload, "what the store holds of anthropic:default of base"));
    instance.credentials[0].kind = CredentialKind::OAuth;
    let mut payload = bare(&["main", "stocks"]);
    key(&mut payload, StoreId::Base, PROFILE, "somebodys");
    hear(&mut payload, &word(&instance));
    assert_eq!(held(&payload, StoreId::Base)["key"], "somebodys");
    assert!(said(&payload, "the vault's login anthropic:default of base"));
    assert_eq!(payload.manifest.profiles[0].meant, None, "nobody has said that the key is meant");
}

#[test]
fn an_agent_that_only_the_config_still_has_is_disabled() {
    let instance = instance();
    let mut payload = bare(&["ops", "main", "stocks"]);
    key(&mut payload, own("ops"), PROFILE, "ops-own");
    hear(&mut payload, &word(&instance));
    let back = read(&clear(&payload), None).unwrap();
    let agents = back.manifest.agents.iter().map(|one| (one.id.as_str(), one.enabled, one.default));
    assert_eq!(
        agents.collect::<Vec<_>>(),
        [("ops", false, false), ("main", true, true), ("stocks", true, false)]
    );
    assert_eq!(back.manifest.entries[0].name, "ops");
}

#[test]
fn what_the_vault_says_of_a_value_is_said_of_no_other_and_fits() {
    let mut instance = instance();
    let version = &mut instance.credentials[1].versions[0];
    (version.expires, version.why) = (Some(now()), Some("é".repeat(3000)));
    let heard = |kept: BTreeSet<(AgentId, ProfileId)>| {
        let mut payload = bare(&["main", "stocks"]);
        key(&mut payload, own("stocks"), PROFILE, "kept");
        hear(&mut payload, &Word { kept, ..word(&instance) });
        read(&clear(&payload), None).unwrap().manifest.profiles[0].meant.clone().unwrap()
    };
    assert_eq!(heard(BTreeSet::from([(AgentId::new("stocks"), ProfileId::new(PROFILE))])), Meant::default());
    let meant = heard(BTreeSet::new());
    assert_eq!((meant.expires, meant.origin.unwrap().why), (Some(now()), Some("é".repeat(2048))));
}

/// Without a vault nothing of the form has changed: releases from before read it, and this one reads theirs.
#[test]
fn a_payload_without_a_vault_is_as_it_was() {
    let mut payload = bare(&["main"]);
    key(&mut payload, StoreId::Base, PROFILE, "k");
    let manifest = serde_json::to_string(&payload.manifest).unwrap();
    for word in ["enabled", "meant", "delivery", "entries"] {
        assert!(!manifest.contains(word), "{word}: {manifest}");
    }
    assert_eq!(serde_json::from_str::<Manifest>(&manifest).unwrap(), payload.manifest);
}

#[test]
fn what_nobody_would_write_is_refused() {
    let instance = instance();
    let heard = || {
        let mut payload = bare(&["main", "stocks"]);
        hear(&mut payload, &word(&instance));
        payload
    };
    assert!(read(&clear(&heard()), None).is_ok());
    type Spoil = fn(&mut Payload);
    let spoils: [(&str, Spoil); 4] = [
        ("disabled", |payload| payload.manifest.agents.iter_mut().for_each(|one| one.enabled = false)),
        ("no agent that is disabled", |payload| payload.manifest.entries[0].name = "main".into()),
        ("is no JSON", |payload| {
            let number = payload.manifest.entries[0].value.0 as usize;
            payload.values[number] = Secret::new("tools:");
        }),
        ("far too much", |payload| {
            let meant = payload.manifest.profiles[0].meant.as_mut().unwrap();
            meant.origin.as_mut().unwrap().why = Some("x".repeat(5000));
        }),
    ];
    for (reason, spoil) in spoils {
        let mut payload = heard();
        spoil(&mut payload);
        let lock = keyshoal_transfer::Lock::Clear;
        let error = keyshoal_transfer::write(&payload, lock, keyshoal_transfer::Form::Binary, Vec::new());
        let said = error.unwrap_err().to_string();
        assert!(said.contains(reason), "{reason}: {said}");
    }
}
