//! What only a vault has, in a payload: there, marked, and within its bounds.

use crate::stage::*;
use keyshoal_core::vault::*;
use keyshoal_core::{AgentId, CredentialKind, InstanceId, ProfileId, ProviderId, Secret, StoreId};
use keyshoal_transfer::manifest::*;
use keyshoal_transfer::vaulted::{Word, hear};
use keyshoal_transfer::{Facts, ImportPlan, Payload, preview};
use proptest::prelude::*;
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

/// A binding of the type that the vault does not look after.
fn acp(agent: &str) -> BindingPart {
    let matching = serde_json::json!({ "channel": "x" });
    BindingPart { agent: AgentId::new(agent), kind: Some("acp".to_owned()), matching, comment: None }
}

#[test]
fn a_binding_of_the_config_is_told_of_by_its_place_there() {
    let mut instance = instance();
    let matching = serde_json::json!({ "channel": "x" });
    instance.bindings = vec![VaultBinding { agent: AgentUid(Uuid::from_u128(2)), matching, comment: None }];
    let mut payload = bare(&["main", "stocks"]);
    payload.manifest.bindings = vec![acp("main")];
    hear(&mut payload, &word(&instance));
    let plan = planned(&payload);
    assert_eq!(plan.bindings.len(), 1);
    assert!(
        plan.warnings.iter().any(|one| one.starts_with("bindings[0] is of type acp")),
        "{:?}",
        plan.warnings
    );
}

proptest! {
    #[test]
    fn bindings_of_disabled_agents_keep_the_place_that_the_vault_gives_them(
        drawn in proptest::collection::vec((1_u128..4, 0_u8..3, any::<bool>()), 0..9),
    ) {
        let mut instance = instance();
        let mut payload = bare(&["main", "stocks"]);
        payload.manifest.bindings.clear();
        for (agent, channel, followed) in drawn {
            let (uid, matching) = (AgentUid(Uuid::from_u128(agent)), serde_json::json!({ "channel": channel }));
            instance.bindings.push(VaultBinding { agent: uid, matching: matching.clone(), comment: None });
            let agent = instance.agents.iter().find(|one| one.uid == uid).unwrap();
            // The config has those of who is in the roster, and some that the vault has nothing to do with.
            if agent.enabled {
                let part = BindingPart { agent: agent.id.clone(), kind: None, matching, comment: None };
                payload.manifest.bindings.push(part);
            }
            payload.manifest.bindings.extend(followed.then(|| acp("main")));
        }
        hear(&mut payload, &word(&instance));
        let plan = planned(&payload);
        let there = plan.bindings.iter().map(|one| (plan.agent(one.agent).unwrap().id.clone(), one.matching.clone()));
        let id = |uid| instance.agents.iter().find(|one| one.uid == uid).unwrap().id.clone();
        let here = instance.bindings.iter().map(|one| (id(one.agent), one.matching.clone()));
        prop_assert_eq!(there.collect::<Vec<_>>(), here.collect::<Vec<_>>());
    }
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
