//! Small worlds to judge.

use keyshoal_core::instance::ActivationWay;
use keyshoal_core::knowledge::{Generation, GenerationOrigin, KeptBy, KeptMark};
use keyshoal_core::*;
use std::collections::{BTreeMap, BTreeSet};

/// The time of every test.
pub fn now() -> Timestamp {
    at(1_000_000)
}

/// A moment, in seconds.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The value of this number.
pub fn print(value: u8) -> Fingerprint {
    Fingerprint::from_bytes([value; 16])
}

pub fn agent(id: &str) -> AgentId {
    AgentId::from(id)
}

pub fn profile(id: &str) -> ProfileId {
    ProfileId::from(id)
}

/// The store of an agent of its own.
pub fn of(id: &str) -> StoreId {
    StoreId::Agent(agent(id))
}

pub const P: &str = "acme:default";
pub const ACME: &str = "acme";

pub fn endpoint(provider: &str) -> Endpoint {
    Endpoint::public(provider)
}

pub fn api_key(value: u8) -> ProfileView {
    ProfileView {
        provider: ProviderId::from(ACME),
        kind: CredentialKind::ApiKey,
        material: Material::Inline(print(value)),
        expires: None,
        account: None,
        copy_to_agents: false,
    }
}

pub fn login(value: u8, account: Option<u8>, expires: i64) -> ProfileView {
    ProfileView {
        kind: CredentialKind::OAuth,
        account: account.map(print),
        expires: Some(at(expires)),
        ..api_key(value)
    }
}

pub fn empty_store() -> StoreView {
    StoreView {
        path: "/store".to_owned(),
        health: StoreHealth::Ok,
        read_only: None,
        profiles: BTreeMap::new(),
        order: BTreeMap::new(),
        last_good: BTreeMap::new(),
        usage: BTreeMap::new(),
        leftover: None,
        modified: None,
    }
}

/// Everything that a judgement is made of, easy to change.
#[derive(Clone)]
pub struct World {
    pub observed: Observation,
    pub knowledge: Knowledge,
    pub desired: Desired,
}

/// Prints what matters, a line for each store.
impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { observed, knowledge, desired } = self;
        writeln!(f, "{:?} {:?} modes {:?}", observed.instance.layout, observed.capabilities, observed.modes)?;
        for (id, store) in &observed.stores {
            writeln!(
                f,
                "store {id}: {:?} read_only {:?} leftover {:?}",
                store.health, store.read_only, store.leftover
            )?;
            for (profile, view) in &store.profiles {
                writeln!(f, "  {profile}: {view:?}")?;
            }
            writeln!(f, "  usage {:?}", store.usage)?;
        }
        for agent in &observed.agents {
            writeln!(f, "agent {} in {}: {:?}", agent.id, agent.store, agent.endpoints)?;
        }
        writeln!(f, "{knowledge:?}")?;
        writeln!(f, "{desired:?}")
    }
}

impl World {
    /// Makes an instance whose agent `main` owns the base store, in a JSON layout.
    pub fn json(agents: &[&str]) -> Self {
        Self::new(Layout::JsonFile, true, agents)
    }

    /// Makes an instance whose base store is a shared row that is no agent's own.
    pub fn shared(agents: &[&str]) -> Self {
        Self::new(Layout::SharedRow, false, agents)
    }

    pub fn new(layout: Layout, main_owns_base: bool, agents: &[&str]) -> Self {
        let mut stores = BTreeMap::from([(StoreId::Base, empty_store())]);
        let mut views = Vec::new();
        for (index, id) in agents.iter().enumerate() {
            let store = if *id == "main" && main_owns_base { StoreId::Base } else { of(id) };
            stores.entry(store.clone()).or_insert_with(empty_store);
            views.push(AgentView {
                id: agent(id),
                name: None,
                default: index == 0,
                enabled: true,
                store,
                agent_dir: format!("/agents/{id}"),
                needs: BTreeMap::new(),
                unknown: None,
                unneeded: BTreeMap::new(),
                candidates: BTreeMap::new(),
                endpoints: BTreeMap::new(),
            });
        }
        let observed = Observation {
            at: now(),
            instance: Instance {
                id: None,
                state_dir: "/state".to_owned(),
                config_path: "/state/openclaw.json".to_owned(),
                openclaw_version: None,
                layout,
                layout_evidence: Vec::new(),
                gateway: GatewayView { running: Some(true), ..GatewayView::default() },
            },
            capabilities: capabilities(layout),
            stores,
            agents: views,
            program_writes_to: StoreId::Base,
            modes: BTreeMap::new(),
            config_keys: BTreeMap::new(),
            declared: BTreeMap::new(),
            referred: BTreeMap::new(),
            orphans: Vec::new(),
            notices: Vec::new(),
            earlier: Vec::new(),
        };
        let desired = Desired {
            source: SourceOf::Store(StoreId::Base),
            values: BTreeMap::new(),
            scope: Scope::default(),
            include_foreign: false,
            accepted_only: false,
            approved: BTreeSet::new(),
            source_confirmed: false,
            confirmed: BTreeSet::new(),
            wish: None,
        };
        Self { observed, knowledge: Knowledge::default(), desired }
    }

    pub fn store(&mut self, id: &StoreId) -> &mut StoreView {
        self.observed.stores.get_mut(id).unwrap()
    }

    /// Puts a profile into a store. What the base store has is the source, until `source_from` says otherwise.
    pub fn put(mut self, store: &StoreId, id: &str, view: ProfileView) -> Self {
        self.store(store).profiles.insert(profile(id), view);
        self.source_from(&StoreId::Base)
    }

    /// Puts an API key for the usual profile into the base store.
    pub fn base(self, value: u8) -> Self {
        self.put(&StoreId::Base, P, api_key(value))
    }

    /// Puts an API key for the usual profile into an agent's store.
    pub fn local(self, id: &str, value: u8) -> Self {
        self.put(&of(id), P, api_key(value))
    }

    /// Takes the right values from this store, over the base store's.
    pub fn source_from(mut self, store: &StoreId) -> Self {
        self.desired.source = SourceOf::Store(store.clone());
        self.desired.values.clear();
        for from in [&StoreId::Base, store] {
            for (id, view) in &self.observed.stores[from].profiles {
                let Some(fingerprint) = view.material.fingerprint() else { continue };
                if matches!(view.kind, CredentialKind::Unknown(_)) || view.material.leads_nowhere().is_some()
                {
                    continue;
                }
                let value = SourceValue {
                    provider: view.provider.clone(),
                    kind: view.kind.clone(),
                    fingerprint,
                    is_ref: matches!(view.material, Material::Ref { .. }),
                    expires: view.expires,
                    account: view.account,
                    store: Some(from.clone()),
                };
                self.desired.values.insert(id.clone(), value);
            }
        }
        self
    }

    /// Takes the right values from an agent because a person said so (`--from`).
    pub fn taken_from(self, id: &str) -> Self {
        let mut world = self.source_from(&of(id));
        world.desired.source_confirmed = true;
        world
    }

    /// Gives a new value for the usual profile.
    pub fn given(mut self, value: u8) -> Self {
        self.desired.source = SourceOf::Given;
        let value = SourceValue {
            provider: ProviderId::from(ACME),
            kind: CredentialKind::ApiKey,
            fingerprint: print(value),
            is_ref: false,
            expires: None,
            account: None,
            store: None,
        };
        self.desired.values = BTreeMap::from([(profile(P), value)]);
        self
    }

    /// Lets the provider say something of a value.
    pub fn said(mut self, value: u8, kind: VerdictKind) -> Self {
        let key = (print(value), endpoint(ACME).key());
        self.knowledge.verdicts.insert(key, Verdict::new(kind, now()));
        self
    }

    /// Has the ledger know these generations of the usual profile, oldest first.
    pub fn generations(mut self, values: &[u8]) -> Self {
        let seen = |value: &u8| Generation {
            fingerprint: print(*value),
            first_seen: at(i64::from(*value)),
            origin: GenerationOrigin::Seen,
        };
        self.knowledge.generations.insert(profile(P), values.iter().map(seen).collect());
        self
    }

    pub fn kept(mut self, id: &str, value: u8, by: KeptBy) -> Self {
        let mark = KeptMark { fingerprint: print(value), by, since: at(1) };
        self.knowledge.kept.insert((agent(id), profile(P)), mark);
        self
    }

    /// Sets a cooldown of this reason that is still in force, caused by a failure of long ago.
    pub fn cooling(mut self, store: &StoreId, reason: &str) -> Self {
        let usage = UsageView {
            last_failure: Some(at(1)),
            error_count: 3,
            cooldown: Some((at(1_000_060), reason.to_owned())),
            ..UsageView::default()
        };
        self.store(store).usage.insert(profile(P), usage);
        self
    }

    pub fn judged(&self) -> Judgement {
        judge(&self.observed, &self.desired, &self.knowledge, now())
    }

    pub fn planned(&self) -> Plan {
        plan(&self.observed, &self.desired, &self.knowledge, now())
    }

    /// Returns what the usual profile of an agent was found to be.
    pub fn finding(&self, id: &str) -> FindingKind {
        self.found(id).finding
    }

    pub fn found(&self, id: &str) -> Finding {
        self.judged().of(&agent(id), &profile(P)).cloned().unwrap()
    }

    /// Returns the plan's writes in short: `replace stocks`, `remove research`, …
    pub fn writes(&self) -> Vec<String> {
        self.planned().actions.iter().map(short).collect()
    }
}

pub fn short(action: &Action) -> String {
    let verb = match action {
        Action::Replace { .. } => "replace",
        Action::RemoveShadow { .. } | Action::Remove { .. } => "remove",
        Action::Insert { .. } => "insert",
        Action::FixType { .. } => "fix",
        Action::ResetCooldown { .. } => "reset",
    };
    format!("{verb} {}", action.store())
}

pub fn capabilities(layout: Layout) -> Capabilities {
    let sqlite = layout.is_sqlite();
    Capabilities {
        reads_through: true,
        oauth_reads_through: sqlite,
        prefers_inheritance: sqlite,
        usage_kept_by_owner: sqlite,
        makes_stores: !sqlite,
        signs_in_agents: true,
        follows_secret_files: true,
        wants_device: false,
        read_only: None,
        activation: vec![ActivationWay::SecretsReload],
        cooldown_lingers_seconds: 0,
    }
}
