//! Any changes in any order, against a model that is as simple as can be.

use crate::world::{House, agent, agent_uid, at, author, credential, credential_uid, id, new, value};
use keyshoal_core::vault::VersionState::{self, Current, Pending, Previous, Retired};
use keyshoal_core::vault::{VaultAgent, VaultInstance};
use keyshoal_vault::{Cause, Change, Vault};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody does. Numbers are agents and credentials, of which there may be none.
#[derive(Clone, Debug)]
enum Deed {
    Add { agent: u8, name: u8, default: bool },
    Rename { agent: u8, name: u8 },
    Enable { agent: u8, enabled: bool },
    Default { agent: u8 },
    Remove { agent: u8 },
    Put { credential: u8, profile: u8, agent: Option<u8> },
    Stage { credential: u8 },
    Unstage { credential: u8 },
    Publish { credential: u8 },
    RollBack { credential: u8 },
    Exchange { credential: u8 },
    Retire { credential: u8 },
    Drop { credential: u8 },
}

fn deed() -> impl Strategy<Value = Deed> {
    let (agent, name, credential) = (0_u8..4, 0_u8..4, 0_u8..5);
    prop_oneof![
        3 => (agent.clone(), name.clone(), any::<bool>()).prop_map(|(agent, name, default)| Deed::Add { agent, name, default }),
        1 => (agent.clone(), name).prop_map(|(agent, name)| Deed::Rename { agent, name }),
        1 => (agent.clone(), any::<bool>()).prop_map(|(agent, enabled)| Deed::Enable { agent, enabled }),
        1 => agent.clone().prop_map(|agent| Deed::Default { agent }),
        1 => agent.clone().prop_map(|agent| Deed::Remove { agent }),
        4 => (credential.clone(), 0_u8..2, prop::option::of(agent))
            .prop_map(|(credential, profile, agent)| Deed::Put { credential, profile, agent }),
        5 => credential.clone().prop_map(|credential| Deed::Stage { credential }),
        1 => credential.clone().prop_map(|credential| Deed::Unstage { credential }),
        5 => credential.clone().prop_map(|credential| Deed::Publish { credential }),
        2 => credential.clone().prop_map(|credential| Deed::RollBack { credential }),
        2 => credential.clone().prop_map(|credential| Deed::Exchange { credential }),
        1 => credential.clone().prop_map(|credential| Deed::Retire { credential }),
        1 => credential.prop_map(|credential| Deed::Drop { credential }),
    ]
}

/// The roster by uid (name, enabled, default), and of each credential its profile, its agent and the pointers to its versions.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    agents: BTreeMap<u8, (u8, bool, bool)>,
    credentials: BTreeMap<u8, Pointers>,
    /// The text of every version that ever was.
    texts: BTreeMap<(u8, u32), String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Pointers {
    profile: u8,
    agent: Option<u8>,
    last: u32,
    current: Option<u32>,
    pending: Option<u32>,
    previous: Option<u32>,
}

impl Model {
    /// Does it, or tells that it makes no sense and leaves everything as it is.
    fn deed(&mut self, deed: &Deed, text: &str) -> bool {
        match *deed {
            Deed::Add { agent, name, default } => {
                if self.agents.contains_key(&agent) || self.is_called(name) {
                    return false;
                }
                if default {
                    self.agents.values_mut().for_each(|one| one.2 = false);
                }
                self.agents.insert(agent, (name, true, default));
            }
            Deed::Rename { agent, name } => {
                let taken = self.agents.iter().any(|(uid, one)| *uid != agent && one.0 == name);
                match self.agents.get_mut(&agent) {
                    Some(one) if !taken => one.0 = name,
                    _ => return false,
                }
            }
            Deed::Enable { agent, enabled } => match self.agents.get_mut(&agent) {
                Some(one) => one.1 = enabled,
                None => return false,
            },
            Deed::Default { agent } => {
                if !self.agents.contains_key(&agent) {
                    return false;
                }
                self.agents.iter_mut().for_each(|(uid, one)| one.2 = *uid == agent);
            }
            Deed::Remove { agent } => {
                if self.agents.remove(&agent).is_none() {
                    return false;
                }
                for one in self.credentials.values_mut().filter(|one| one.agent == Some(agent)) {
                    (one.current, one.pending, one.previous) = (None, None, None);
                }
            }
            Deed::Put { credential, profile, agent } => {
                let known = self.credentials.contains_key(&credential);
                let same =
                    |one: &&Pointers| one.current.is_some() && (one.profile, one.agent) == (profile, agent);
                let homeless = agent.is_some_and(|agent| !self.agents.contains_key(&agent));
                if known || homeless || self.credentials.values().find(same).is_some() {
                    return false;
                }
                let new =
                    Pointers { profile, agent, last: 1, current: Some(1), pending: None, previous: None };
                self.credentials.insert(credential, new);
                self.texts.insert((credential, 1), text.to_owned());
            }
            Deed::Stage { credential } => match self.live(credential) {
                Some(one) if one.pending.is_none() => {
                    one.last += 1;
                    one.pending = Some(one.last);
                    let number = one.last;
                    self.texts.insert((credential, number), text.to_owned());
                }
                _ => return false,
            },
            Deed::Unstage { credential } => match self.live(credential) {
                Some(one) if one.pending.is_some() => one.pending = None,
                _ => return false,
            },
            Deed::Publish { credential } => match self.live(credential) {
                Some(one) if one.pending.is_some() => {
                    (one.previous, one.current, one.pending) = (one.current, one.pending, None);
                }
                _ => return false,
            },
            Deed::RollBack { credential } => match self.live(credential) {
                Some(one) if one.previous.is_some() => (one.current, one.previous) = (one.previous, None),
                _ => return false,
            },
            Deed::Exchange { credential } => match self.live(credential) {
                Some(one) if one.previous.is_some() => {
                    (one.current, one.previous) = (one.previous, one.current);
                }
                _ => return false,
            },
            Deed::Retire { credential } => match self.live(credential) {
                Some(one) if one.previous.is_some() => one.previous = None,
                _ => return false,
            },
            Deed::Drop { credential } => match self.live(credential) {
                Some(one) => (one.current, one.pending, one.previous) = (None, None, None),
                None => return false,
            },
        }
        true
    }

    fn is_called(&self, name: u8) -> bool {
        self.agents.values().any(|one| one.0 == name)
    }

    fn live(&mut self, credential: u8) -> Option<&mut Pointers> {
        self.credentials.get_mut(&credential).filter(|one| one.current.is_some())
    }

    fn state(&self, credential: u8, number: u32) -> VersionState {
        let one = &self.credentials[&credential];
        match Some(number) {
            it if it == one.current => Current,
            it if it == one.pending => Pending,
            it if it == one.previous => Previous,
            _ => Retired,
        }
    }
}

fn change(deed: &Deed, text: &str) -> Change {
    let uid = |credential: u8| credential_uid(u128::from(credential));
    let agent_of = |agent: u8| agent_uid(u128::from(agent));
    let named = |name: u8| format!("agent-{name}");
    match *deed {
        Deed::Add { agent: of, name, default } => {
            Change::AddAgent(VaultAgent { default, ..agent(u128::from(of), &named(name)) })
        }
        Deed::Rename { agent, name } => {
            Change::RenameAgent { agent: agent_of(agent), id: named(name).as_str().into() }
        }
        Deed::Enable { agent, enabled } => Change::EnableAgent { agent: agent_of(agent), enabled },
        Deed::Default { agent } => Change::SetDefaultAgent(agent_of(agent)),
        Deed::Remove { agent } => Change::RemoveAgent(agent_of(agent)),
        Deed::Put { credential: number, profile, agent } => {
            credential(u128::from(number), &format!("anthropic:{profile}"), agent.map(agent_of), text)
        }
        Deed::Stage { credential } => {
            Change::StageVersion { credential: uid(credential), value: value(text), expires: None }
        }
        Deed::Unstage { credential } => Change::Unstage(uid(credential)),
        Deed::Publish { credential } => Change::Publish(uid(credential)),
        Deed::RollBack { credential } => Change::RollBack(uid(credential)),
        Deed::Exchange { credential } => Change::Exchange(uid(credential)),
        Deed::Retire { credential } => Change::RetirePrevious(uid(credential)),
        Deed::Drop { credential } => Change::DropCredential(uid(credential)),
    }
}

/// Holds the vault against the model, and what must hold of any vault.
fn compare(vault: &Vault, model: &Model, revision: u64) {
    let instance: VaultInstance = vault.instance(&id("one")).unwrap();
    assert_eq!(instance.revision, revision);
    let agents: BTreeMap<_, _> =
        instance.agents.iter().map(|one| (one.uid, (one.id.to_string(), one.enabled, one.default))).collect();
    let wanted = model
        .agents
        .iter()
        .map(|(uid, one)| (agent_uid(u128::from(*uid)), (format!("agent-{}", one.0), one.1, one.2)));
    assert_eq!(agents, wanted.collect());
    assert!(instance.agents.iter().filter(|one| one.default).count() <= 1);

    let values = vault.values(&id("one")).unwrap();
    let found: BTreeMap<_, _> =
        values.iter().map(|one| ((one.credential, one.number), (one.state, one.value.clone()))).collect();
    let wanted = model.texts.iter().map(|((credential, number), text)| {
        let state = model.state(*credential, *number);
        ((credential_uid(u128::from(*credential)), *number), (state, value(text)))
    });
    assert_eq!(found, wanted.collect());
    let mut live = BTreeSet::new();
    for one in &instance.credentials {
        let count = |state| one.versions.iter().filter(|version| version.state == state).count();
        assert!(count(Current) <= 1 && count(Pending) <= 1 && count(Previous) <= 1, "{one:?}");
        if count(Current) == 1 {
            assert!(live.insert((one.agent, one.profile.clone())), "two credentials in one place: {one:?}");
        } else {
            assert_eq!(count(Retired), one.versions.len(), "{one:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn any_changes_in_any_order(batches in prop::collection::vec((prop::collection::vec(deed(), 1..5), any::<bool>(), any::<bool>()), 1..14)) {
        let (house, mut vault) = House::new();
        vault.add_instance(&new("one"), Vec::new(), &author(), at(0)).unwrap();
        let (mut model, mut revision, mut texts) = (Model::default(), 1, 0);
        for (batch, stale, reopen) in batches {
            if reopen {
                vault = house.open();
            }
            let (mut next, mut sense, mut changes) = (model.clone(), true, Vec::new());
            for deed in &batch {
                texts += 1;
                let text = format!("text-{texts}");
                sense = sense && next.deed(deed, &text);
                changes.push(change(deed, &text));
            }
            let expected = if stale { revision + 1 } else { revision };
            let made = vault.change(&id("one"), expected, changes, &author(), at(i64::from(texts)));
            match made {
                Err(error) if stale => prop_assert!(matches!(error.cause, Cause::Conflict { .. }), "{error}"),
                Err(error) => prop_assert!(!sense && matches!(error.cause, Cause::Refused(_)), "{batch:?}: {error}"),
                Ok(new) => {
                    prop_assert!(sense && !stale, "{batch:?}");
                    prop_assert_eq!(new, revision + 1);
                    (model, revision) = (next, new);
                }
            }
            compare(&vault, &model, revision);
        }
        prop_assert_eq!(vault.verify().unwrap().problems, []);
    }
}
