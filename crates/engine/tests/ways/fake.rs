//! An instance, its gateway, its provider and its ledger, in memory. It honours the contract of the ports, and misbehaves on demand.

use keyshoal_core::instance::ActivationWay;
use keyshoal_core::knowledge::{Generation, GenerationOrigin};
use keyshoal_core::*;
use keyshoal_engine::decide::{Decide, Decision};
use keyshoal_engine::ports::*;
use keyshoal_engine::{Answer, AskPolicy, LookOptions, Outcome, SyncOptions, SyncReport};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub const P: &str = "acme:default";
pub const ACME: &str = "acme";

pub fn print(value: u8) -> Fingerprint {
    Fingerprint::from_bytes([value; 16])
}

pub fn agent(id: &str) -> AgentId {
    AgentId::from(id)
}

pub fn profile(id: &str) -> ProfileId {
    ProfileId::from(id)
}

pub fn of(id: &str) -> StoreId {
    StoreId::Agent(agent(id))
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
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

/// Something that somebody else does while a run is under way.
type Meddling = Box<dyn FnOnce(&mut State)>;

/// Everything that the fake remembers.
pub struct State {
    pub observed: Observation,
    pub knowledge: Knowledge,
    /// What the provider would say of a value.
    pub says: BTreeMap<u8, VerdictKind>,
    /// What the gateway holds.
    pub gateway: BTreeMap<StoreId, StoreView>,
    pub now: Timestamp,
    pub activation: Option<ActivationOutcome>,
    /// What comes of asking a model.
    pub models: BTreeMap<String, VerdictKind>,
    /// What was kept of each look.
    pub looks: Vec<record::LookRecord>,
    /// What the vault wants, where there is one.
    pub wish: Option<Wish>,
    /// Every look finds the agents sending what their stores hold.
    pub follow: bool,
    /// What comes of a prompt to an agent.
    pub turns: BTreeMap<AgentId, Turn>,
    pub memory_full: bool,
    pub meddle_before_apply: VecDeque<Meddling>,
    pub meddle_after_apply: VecDeque<Meddling>,
    /// What happened, in order.
    pub log: Vec<String>,
    pub asked: Vec<u8>,
    /// The same, with the base URL of whom.
    pub asked_at: Vec<(u8, Option<String>)>,
    pub slept: Duration,
    open: Option<RunId>,
}

impl State {
    pub fn put(&mut self, store: &StoreId, value: u8) {
        let view = self.observed.stores.get_mut(store).unwrap();
        view.profiles.insert(profile(P), api_key(value));
        view.modified = Some(self.now);
    }

    pub fn value(&self, store: &StoreId) -> Option<Fingerprint> {
        self.observed.profile(store, &profile(P))?.material.fingerprint()
    }

    /// Returns what the gateway sends for an agent.
    pub fn sends(&self, id: &str) -> Option<Fingerprint> {
        let store = self.observed.agent(&agent(id))?.store.clone();
        let own = self.gateway.get(&store).and_then(|store| store.profiles.get(&profile(P)));
        own.or_else(|| self.gateway.get(&StoreId::Base)?.profiles.get(&profile(P)))?.material.fingerprint()
    }
}

pub struct Fake(pub RefCell<State>);

impl Fake {
    /// Makes a JSON layout in which `main` owns the base store.
    pub fn json(agents: &[&str]) -> Self {
        Self::new(Layout::JsonFile, agents)
    }

    /// Makes a layout with a shared row that is nobody's own, in which removal is preferred.
    pub fn shared(agents: &[&str]) -> Self {
        Self::new(Layout::SharedRow, agents)
    }

    fn new(layout: Layout, agents: &[&str]) -> Self {
        let sqlite = layout.is_sqlite();
        let mut stores = BTreeMap::from([(StoreId::Base, store("base"))]);
        let mut views = Vec::new();
        for id in agents {
            let place = if *id == "main" && !sqlite { StoreId::Base } else { of(id) };
            stores.entry(place.clone()).or_insert_with(|| store(id));
            let endpoint = Endpoint::public(ACME);
            views.push(AgentView {
                id: agent(id),
                name: None,
                default: views.is_empty(),
                enabled: true,
                store: place,
                agent_dir: format!("/agents/{id}"),
                needs: BTreeMap::new(),
                unknown: None,
                unneeded: BTreeMap::new(),
                candidates: BTreeMap::new(),
                endpoints: BTreeMap::from([(ProviderId::from(ACME), endpoint)]),
            });
        }
        let observed = Observation {
            at: at(1000),
            instance: Instance {
                id: None,
                state_dir: "/state".to_owned(),
                config_path: "/state/openclaw.json".to_owned(),
                openclaw_version: None,
                layout,
                layout_evidence: Vec::new(),
                gateway: GatewayView {
                    running: Some(true),
                    started: Some(at(500)),
                    ..GatewayView::default()
                },
            },
            capabilities: Capabilities {
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
            },
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
        Self(RefCell::new(State {
            gateway: observed.stores.clone(),
            observed,
            knowledge: Knowledge::default(),
            says: BTreeMap::new(),
            now: at(1000),
            activation: None,
            models: BTreeMap::new(),
            looks: Vec::new(),
            wish: None,
            follow: false,
            turns: BTreeMap::new(),
            memory_full: false,
            meddle_before_apply: VecDeque::new(),
            meddle_after_apply: VecDeque::new(),
            log: Vec::new(),
            asked: Vec::new(),
            asked_at: Vec::new(),
            slept: Duration::ZERO,
            open: None,
        }))
    }

    pub fn with(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.0.borrow_mut());
        self
    }

    /// Puts a key where the program would, and lets the gateway know as at its start.
    pub fn has(self, store: &StoreId, value: u8) -> Self {
        self.with(|state| {
            state.put(store, value);
            state.gateway = state.observed.stores.clone();
        })
    }

    pub fn says(self, value: u8, kind: VerdictKind) -> Self {
        self.with(|state| {
            state.says.insert(value, kind);
        })
    }

    pub fn generations(self, values: &[u8]) -> Self {
        let seen = |value: &u8| Generation {
            fingerprint: print(*value),
            first_seen: at(i64::from(*value)),
            origin: GenerationOrigin::Seen,
        };
        let all = values.iter().map(seen).collect();
        self.with(|state| {
            state.knowledge.generations.insert(profile(P), all);
        })
    }

    pub fn value(&self, store: &StoreId) -> Option<Fingerprint> {
        self.0.borrow().value(store)
    }

    pub fn sends(&self, id: &str) -> Option<Fingerprint> {
        self.0.borrow().sends(id)
    }

    pub fn log(&self) -> Vec<String> {
        self.0.borrow().log.clone()
    }

    pub fn writes(&self) -> usize {
        self.0.borrow().log.iter().filter(|line| line.starts_with("wrote")).count()
    }

    pub fn asked(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().asked)
    }

    /// Syncs as `sync --yes` does.
    pub fn sync(&self) -> SyncReport {
        self.sync_by(&options(), &mut Script::default())
    }

    pub fn sync_by(&self, options: &SyncOptions, decide: &mut dyn Decide) -> SyncReport {
        keyshoal_engine::sync(self, options, decide, &mut |_| {}).unwrap()
    }

    /// Syncs with a person at the terminal who gives these decisions, one after the other, then plain yes.
    pub fn sync_with(&self, decisions: Vec<Decision>) -> (SyncReport, Script) {
        let mut script = Script { decisions: decisions.into(), seen: Vec::new() };
        let report = self.sync_by(&SyncOptions { assume_yes: false, ..options() }, &mut script);
        (report, script)
    }

    pub fn expect(&self, outcome: Outcome) -> SyncReport {
        let report = self.sync();
        assert_eq!(report.outcome, outcome, "{:#?}\n{:#?}", report.receipts, report.after.judgement.findings);
        report
    }
}

pub fn options() -> SyncOptions {
    SyncOptions {
        look: LookOptions { ask: AskPolicy::Now, ..LookOptions::default() },
        assume_yes: true,
        ..SyncOptions::default()
    }
}

fn store(id: &str) -> StoreView {
    StoreView {
        path: format!("/state/{id}"),
        health: StoreHealth::Ok,
        read_only: None,
        profiles: BTreeMap::new(),
        order: BTreeMap::new(),
        last_good: BTreeMap::new(),
        usage: BTreeMap::new(),
        leftover: None,
        modified: Some(at(400)),
    }
}

/// A person who answers by a script, and remembers what was shown.
#[derive(Default)]
pub struct Script {
    pub decisions: VecDeque<Decision>,
    pub seen: Vec<Plan>,
}

impl Decide for Script {
    fn decide(&mut self, plan: &Plan, _: &Judgement) -> Decision {
        self.seen.push(plan.clone());
        self.decisions.pop_front().unwrap_or_else(Decision::yes)
    }
}

pub fn answer(value: u8, proposal: keyshoal_core::plan::Proposal) -> Decision {
    Decision::answer(vec![Answer::Value { profile: profile(P), fingerprint: print(value), proposal }])
}

impl Observe for Fake {
    fn observe(&self) -> Result<Arc<Observation>, PortError> {
        let mut state = self.0.borrow_mut();
        if state.follow {
            send(&mut state);
        }
        Ok(Arc::new(state.observed.clone()))
    }

    fn wish(&self) -> Result<Option<Wish>, PortError> {
        Ok(self.0.borrow().wish.clone())
    }
}

impl PromptAgents for Fake {
    fn prompt(&self, agents: &[AgentId], _: &mut dyn FnMut(usize)) -> Vec<Turn> {
        let state = self.0.borrow();
        let turn = |agent: &AgentId| state.turns.get(agent).cloned();
        let none = |agent: &AgentId| Turn::not_asked(agent.clone(), state.now, "no gateway");
        agents.iter().map(|agent| turn(agent).unwrap_or_else(|| none(agent))).collect()
    }
}

impl AskProviders for Fake {
    fn complete(&self, asks: &BTreeSet<(Ask, String)>) -> Vec<((Ask, String), Verdict)> {
        let state = self.0.borrow();
        let says = |(_, model): &(Ask, String)| {
            let kind = state.models.get(model).copied().unwrap_or(VerdictKind::Ok);
            Verdict::new(kind, state.now)
        };
        asks.iter().map(|asked| (asked.clone(), says(asked))).collect()
    }

    fn ask(&self, asks: &BTreeSet<Ask>) -> Vec<(Ask, Verdict)> {
        let mut state = self.0.borrow_mut();
        let mut answers = Vec::new();
        for ask in asks {
            let value = ask.fingerprint.as_bytes()[0];
            state.asked.push(value);
            state.asked_at.push((value, ask.endpoint.base_url.clone()));
            let kind = state.says.get(&value).copied().unwrap_or(VerdictKind::Unknown);
            answers.push((ask.clone(), Verdict::new(kind, state.now)));
        }
        answers
    }
}

impl Remember for Fake {
    fn knowledge(&self) -> Result<Knowledge, PortError> {
        Ok(self.0.borrow().knowledge.clone())
    }

    fn keep_look(&self, record: &record::LookRecord) -> Result<(), PortError> {
        self.0.borrow_mut().looks.push(record.clone());
        Ok(())
    }

    fn learn(&self, facts: &[Fact]) -> Result<(), PortError> {
        let mut state = self.0.borrow_mut();
        if state.memory_full {
            let message = "the ledger cannot be written: no space left".to_owned();
            return Err(PortError { message, hint: None, retryable: false });
        }
        let now = state.now;
        state.knowledge.absorb(facts, now);
        Ok(())
    }
}

impl Change for Fake {
    fn settle(&self) -> Result<Option<RunId>, PortError> {
        let mut state = self.0.borrow_mut();
        state.log.push("settle".to_owned());
        Ok(state.knowledge.open_run.take().map(|run| run.id))
    }

    fn begin(&self, command: &str, plan: &Plan) -> Result<RunId, PortError> {
        let mut state = self.0.borrow_mut();
        assert!(state.open.is_none() && state.knowledge.open_run.is_none(), "one run at a time");
        assert!(!plan.actions.is_empty(), "a run writes something");
        let run = RunId::new(format!("run-{}", state.log.len()));
        state.log.push(format!("begin {command}"));
        state.open = Some(run.clone());
        Ok(run)
    }

    fn apply(&self, _: &RunId, plan: &Plan, progress: &mut dyn FnMut(usize, usize)) -> Vec<Receipt> {
        let mut state = self.0.borrow_mut();
        if let Some(meddle) = state.meddle_before_apply.pop_front() {
            meddle(&mut state);
        }
        let mut receipts = Vec::new();
        for (index, action) in plan.actions.iter().enumerate() {
            let after = simulate(&state.observed, action);
            let durable = if after.stores == state.observed.stores {
                let held = state.observed.profile(action.store(), action.profile());
                let found = held.and_then(|view| view.material.fingerprint());
                StepState::Conflict {
                    found: found.map_or_else(|| "nothing".to_owned(), |print| print.short()),
                }
            } else {
                state.observed = after;
                let now = state.now;
                state.observed.stores.get_mut(action.store()).unwrap().modified = Some(now);
                state.log.push(format!("wrote {}", action.store()));
                StepState::Done
            };
            progress(index + 1, plan.actions.len());
            receipts.push(Receipt {
                action: action.clone(),
                durable,
                merged_writes: 0,
                at: state.now,
                activated: ActivationOutcome::NotNeeded,
                accepted: None,
                answered: StepState::NotAsked,
            });
        }
        if let Some(meddle) = state.meddle_after_apply.pop_front() {
            meddle(&mut state);
        }
        receipts
    }

    fn activate(&self, need: ActivationNeed, mode: ActivationMode) -> ActivationOutcome {
        let mut state = self.0.borrow_mut();
        state.log.push("activate".to_owned());
        if let Some(outcome) = &state.activation {
            return outcome.clone();
        }
        if need == ActivationNeed::None {
            return ActivationOutcome::NotNeeded;
        }
        if state.observed.instance.gateway.running == Some(false) {
            return ActivationOutcome::GatewayDown;
        }
        if mode == ActivationMode::None {
            let reason = "it was not allowed".to_owned();
            return ActivationOutcome::NotDone { reason, needs_restart: false };
        }
        state.gateway = state.observed.stores.clone();
        ActivationOutcome::Done { way: ActivationWay::SecretsReload, at: state.now }
    }

    fn answered(&self, plan: &Plan) -> Vec<StepState> {
        let mut state = self.0.borrow_mut();
        state.log.push("answered".to_owned());
        let one = |action: &Action| {
            let Some(agent) = action.agent() else { return StepState::NotAsked };
            let value = state.sends(agent.as_str());
            let kind = value.and_then(|value| state.says.get(&value.as_bytes()[0]).copied());
            match kind {
                Some(VerdictKind::Ok) => StepState::Done,
                Some(kind) => StepState::Failed { reason: kind.short().to_owned() },
                None => StepState::NotAsked,
            }
        };
        plan.actions.iter().map(one).collect()
    }

    fn finish(&self, run: &RunId, receipts: &[Receipt]) -> Result<(), PortError> {
        let mut state = self.0.borrow_mut();
        assert_eq!(state.open.take().as_ref(), Some(run), "the run that was begun is finished");
        state.log.push(format!("finish {}", receipts.len()));
        Ok(())
    }
}

impl Clock for Fake {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    fn sleep(&self, time: Duration) {
        let mut state = self.0.borrow_mut();
        state.slept += time;
        state.now = state.now.checked_add(time).unwrap();
        state.log.push("sleep".to_owned());
    }
}

/// Makes every agent send what its own store holds of the profile, else what the base store does.
pub fn send(state: &mut State) {
    let held = |store: &StoreId| state.observed.profile(store, &profile(P)).cloned();
    let base = held(&StoreId::Base);
    let own: Vec<_> = state.observed.agents.iter().map(|agent| held(&agent.store)).collect();
    for (agent, own) in state.observed.agents.iter_mut().zip(own) {
        let place = if own.is_some() { Place::Local } else { Place::Inherited };
        let candidate = own.or_else(|| base.clone()).map(|view| Candidate {
            profile: Some(profile(P)),
            place,
            kind: Some(view.kind),
            material: view.material,
            standing: Standing::First,
            because: String::new(),
            leads_to: None,
            pinned_by_sessions: Vec::new(),
        });
        agent.candidates.insert(ACME.into(), candidate.into_iter().collect());
    }
}
