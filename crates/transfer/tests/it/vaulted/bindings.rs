//! Bindings of disabled agents keep the vault's order.

use super::*;
use proptest::prelude::*;

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
