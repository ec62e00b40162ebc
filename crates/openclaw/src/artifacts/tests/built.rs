use super::*;
use keyshoal_core::vault::{
    AgentUid, CredentialUid, ModelChoice, VaultAgent, VaultCredential, VaultInstance, VaultVersion,
    VersionState,
};
use keyshoal_core::{AgentId, InstanceId};
use std::collections::BTreeMap;
use uuid::Uuid;

fn agent(number: usize, enabled: bool) -> VaultAgent {
    VaultAgent {
        uid: AgentUid(Uuid::from_u128(number as u128)),
        id: AgentId::new(format!("agent-{number}")),
        name: None,
        enabled,
        default: number == 0,
        models: ModelChoice::default(),
        workspace: None,
    }
}

/// `whose`: 0 for everybody's, else the agent of this number and one less.
fn credential(number: usize, profile: usize, whose: usize, state: VersionState) -> VaultCredential {
    let version = VaultVersion {
        number: 1,
        state,
        created: now(),
        since: now(),
        by: "test".into(),
        why: None,
        expires: None,
    };
    VaultCredential {
        uid: CredentialUid(Uuid::from_u128(1000 + number as u128)),
        profile: ProfileId::new(format!("acme:{profile}")),
        provider: ProviderId::new("acme"),
        kind: CredentialKind::ApiKey,
        agent: whose.checked_sub(1).map(|number| AgentUid(Uuid::from_u128(number as u128))),
        versions: vec![version],
    }
}

fn instances() -> impl Strategy<Value = (Layout, VaultInstance)> {
    let agents = proptest::collection::vec(any::<bool>(), 1..6);
    let credentials = proptest::collection::btree_map((0_usize..4, 0_usize..7), any::<bool>(), 0..12);
    (0_usize..5, agents, credentials).prop_map(|(layout, agents, credentials)| {
        let credentials = credentials.into_iter().enumerate();
        let instance = VaultInstance {
            id: InstanceId::new("one"),
            organisation: "default".into(),
            name: "one".into(),
            state_dir: None,
            config: None,
            delivery: Default::default(),
            models: ModelChoice::default(),
            agents: agents.into_iter().enumerate().map(|(number, on)| agent(number, on)).collect(),
            bindings: Vec::new(),
            credentials: credentials
                .map(|(number, ((profile, whose), current))| {
                    let state = if current { VersionState::Current } else { VersionState::Retired };
                    credential(number, profile, whose, state)
                })
                .collect(),
            order: Vec::new(),
            channels: Vec::new(),
            revision: 1,
        };
        (LAYOUTS[layout], instance)
    })
}

fn key(uid: CredentialUid) -> String {
    format!("key-{uid}")
}

proptest! {
    #[test]
    fn no_enabled_agent_is_left_out_and_each_has_what_is_meant_for_it((layout, instance) in instances()) {
        let entry = |one: &VaultCredential| {
            let text = json!({ "type": "api_key", "provider": "acme", "key": key(one.uid) });
            (one.uid, Secret::new(text.to_string()))
        };
        let values: BTreeMap<_, _> = instance.credentials.iter().map(entry).collect();
        let made = build_auth_artifacts(layout, &instance, &values, now()).unwrap();
        let enabled: Vec<_> = instance.agents.iter().filter(|agent| agent.enabled).collect();
        prop_assert_eq!(made.iter().map(|one| &one.agent).collect::<Vec<_>>(), enabled.iter().map(|one| &one.id).collect::<Vec<_>>());
        prop_assert_eq!(&made, &build_auth_artifacts(layout, &instance, &values, now()).unwrap());
        for (agent, one) in enabled.iter().zip(&made) {
            prop_assert!(one.left_out.is_empty());
            let current = || instance.credentials.iter().filter(|one| one.current().is_some());
            let mut wanted: BTreeMap<&ProfileId, CredentialUid> =
                current().filter(|one| one.agent.is_none()).map(|one| (&one.profile, one.uid)).collect();
            wanted.extend(current().filter(|one| one.agent == Some(agent.uid)).map(|one| (&one.profile, one.uid)));
            prop_assert_eq!(&one.profiles, &wanted.keys().map(|id| (*id).clone()).collect::<Vec<_>>());
            let text = one.artifact.store.reveal_secret();
            for credential in &instance.credentials {
                let meant = wanted.values().any(|uid| *uid == credential.uid);
                prop_assert_eq!(text.contains(&key(credential.uid)), meant);
            }
        }
    }
}
