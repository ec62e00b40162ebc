//! A small installation for the checks' tests: main and two agents that inherit, all well.

use super::{Case, Check, Told};
use crate::Look;
use crate::source::desired_of;
use keyshoal_core::instance::{ActivationWay, Capabilities, GatewayView, Instance};
use keyshoal_core::knowledge::{Generation, GenerationOrigin};
use keyshoal_core::*;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const P: &str = "acme:default";

/// A moment, in seconds.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The time of every test.
pub const NOW: i64 = 100 * 86_400;

/// The value of this number.
pub fn print(value: u8) -> Fingerprint {
    Fingerprint::from_bytes([value; 16])
}

pub fn own(id: &str) -> StoreId {
    StoreId::Agent(id.into())
}

pub fn api_key(value: u8) -> ProfileView {
    ProfileView {
        provider: "acme".into(),
        kind: CredentialKind::ApiKey,
        material: Material::Inline(print(value)),
        expires: None,
        account: None,
        copy_to_agents: false,
    }
}

pub fn store(path: &str) -> StoreView {
    StoreView {
        path: path.to_owned(),
        health: StoreHealth::Ok,
        read_only: None,
        profiles: BTreeMap::new(),
        order: BTreeMap::new(),
        last_good: BTreeMap::new(),
        usage: BTreeMap::new(),
        leftover: None,
        modified: Some(at(NOW - 86_400)),
    }
}

pub fn candidate(value: u8, place: Place, standing: Standing) -> Candidate {
    Candidate {
        profile: Some(P.into()),
        place,
        kind: Some(CredentialKind::ApiKey),
        material: Material::Inline(print(value)),
        standing,
        because: String::new(),
        leads_to: None,
        pinned_by_sessions: Vec::new(),
    }
}

pub fn endpoint() -> Endpoint {
    Endpoint::public("acme")
}

/// What the checks of a test look at.
pub struct World {
    pub observed: Observation,
    pub known: Knowledge,
    pub facts: Examination,
    look: Option<Look>,
}

impl World {
    pub fn new() -> Self {
        let agent = |id: &str| {
            let base = id == "main";
            let place = if base { Place::Local } else { Place::Inherited };
            AgentView {
                id: id.into(),
                name: None,
                default: base,
                enabled: true,
                store: if base { StoreId::Base } else { own(id) },
                agent_dir: format!("/srv/agents/{id}/agent"),
                needs: BTreeMap::from([("acme".into(), vec!["small".into()])]),
                unknown: None,
                unneeded: BTreeMap::new(),
                candidates: BTreeMap::from([("acme".into(), vec![candidate(2, place, Standing::First)])]),
                endpoints: BTreeMap::from([("acme".into(), endpoint())]),
            }
        };
        let mut base = store("/srv/agents/main/agent/auth-profiles.json");
        base.profiles.insert(P.into(), api_key(2));
        let stores = BTreeMap::from([
            (StoreId::Base, base),
            (own("stocks"), store("/srv/agents/stocks/agent/auth-profiles.json")),
            (own("ops"), store("/srv/agents/ops/agent/auth-profiles.json")),
        ]);
        let observed = Observation {
            at: at(NOW),
            instance: Instance {
                id: None,
                state_dir: "/srv".into(),
                config_path: "/srv/openclaw.json".into(),
                openclaw_version: Some("2026.5.28".into()),
                layout: Layout::JsonWithState,
                layout_evidence: Vec::new(),
                gateway: GatewayView {
                    running: Some(true),
                    pid: Some(7),
                    started: Some(at(NOW - 3600)),
                    ..GatewayView::default()
                },
            },
            capabilities: Capabilities {
                reads_through: true,
                oauth_reads_through: true,
                prefers_inheritance: false,
                usage_kept_by_owner: false,
                makes_stores: true,
                signs_in_agents: true,
                follows_secret_files: true,
                wants_device: false,
                read_only: None,
                activation: vec![ActivationWay::SecretsReload],
                cooldown_lingers_seconds: 0,
            },
            stores,
            agents: ["main", "stocks", "ops"].map(agent).into(),
            program_writes_to: StoreId::Base,
            modes: BTreeMap::new(),
            config_keys: BTreeMap::new(),
            declared: BTreeMap::new(),
            referred: BTreeMap::new(),
            orphans: Vec::new(),
            notices: Vec::new(),
            earlier: Vec::new(),
        };
        let mut world =
            Self { observed, known: Knowledge::default(), facts: Examination::default(), look: None };
        world.generations(P, &[(1, NOW - 30 * 86_400), (2, NOW - 86_400)]);
        world.facts.owner = Some(1000);
        world.judge();
        world
    }

    /// Gives the base store's profile these generations, oldest first.
    pub fn generations(&mut self, profile: &str, all: &[(u8, i64)]) {
        let generation = |(value, seen): &(u8, i64)| Generation {
            fingerprint: print(*value),
            first_seen: at(*seen),
            origin: GenerationOrigin::Seen,
        };
        self.known.generations.insert(profile.into(), all.iter().map(generation).collect());
    }

    /// Changes it and judges again.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self.judge();
        self
    }

    /// Gives an agent a value of its own.
    pub fn copy(mut self, id: &str, value: u8) -> Self {
        self.store(&own(id)).profiles.insert(P.into(), api_key(value));
        let agent = self.agent(id);
        agent.candidates.insert("acme".into(), vec![candidate(value, Place::Local, Standing::First)]);
        self.judge();
        self
    }

    pub fn store(&mut self, id: &StoreId) -> &mut StoreView {
        self.observed.stores.get_mut(id).unwrap()
    }

    pub fn agent(&mut self, id: &str) -> &mut AgentView {
        self.observed.agents.iter_mut().find(|agent| agent.id.as_str() == id).unwrap()
    }

    /// Has the provider say this of a value, an hour ago.
    pub fn said(&mut self, value: u8, kind: VerdictKind) {
        self.known.verdicts.insert((print(value), endpoint().key()), Verdict::new(kind, at(NOW - 3600)));
    }

    fn judge(&mut self) {
        let observed = Arc::new(self.observed.clone());
        let desired = desired_of(&observed, None, &Scope::default()).unwrap();
        let judgement = judge(&observed, &desired, &self.known, at(NOW));
        self.look = Some(Look {
            observed,
            knowledge: self.known.clone(),
            desired,
            judgement,
            now: at(NOW),
            config: None,
            then: Ok(None),
            held: Vec::new(),
            not_remembered: None,
            asked: std::collections::BTreeSet::new(),
        });
    }

    pub fn case(&self) -> Case<'_> {
        Case { look: self.look.as_ref().unwrap(), facts: &self.facts }
    }

    pub fn told(&self, check: &Check) -> Told {
        (check.run)(&self.case())
    }
}

/// Tells whether a check finds nothing here.
pub fn is_clean(check: &Check, world: &World) {
    let told = world.told(check);
    assert!(told.symptoms.is_empty(), "{told:#?}");
}

/// Returns the one thing that a check finds here, which must hold these words.
pub fn finds(check: &Check, world: &World, words: &[&str]) -> super::Symptom {
    let told = world.told(check);
    assert_eq!(told.symptoms.len(), 1, "{told:#?}");
    let text = format!("{:?}", told.symptoms[0]);
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
    told.symptoms.into_iter().next().unwrap()
}
