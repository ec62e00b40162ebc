//! What a watch measures: from its reports to the families of `/metrics`.

use super::events::Shared;
use keyshoal_core::{
    ActivationOutcome, AgentView, FindingKind, Nature, ProfileId, StepState, StoreId, Timestamp, VerdictKind,
};
use keyshoal_engine::verify::Role;
use keyshoal_engine::watch::checks::{Sends, sends};
use keyshoal_engine::watch::{Alarms, Report};
use keyshoal_engine::{Look, SyncReport, VerifyReport};
use keyshoal_metrics::Registry;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Measures.
pub struct Measures {
    registry: Registry,
    shared: Rc<Shared>,
    /// What agents sent at the newest look.
    known: Option<Sends>,
    /// When the newest change of it was seen that nobody has verified yet.
    change: Option<Timestamp>,
}

impl Measures {
    /// Begins. The result labels of counters begin at 0, so that an increase can be seen.
    pub fn new(registry: Registry, shared: Rc<Shared>) -> Self {
        registry.set("keyshoal_build_info", &[env!("CARGO_PKG_VERSION")], 1.0);
        for result in ["ok", "failed"] {
            registry.add("keyshoal_looks_total", &[result], 0);
        }
        for result in ["done", "attention", "failed"] {
            registry.add("keyshoal_runs_total", &[result], 0);
        }
        for nature in ["passing", "lasting"] {
            registry.set("keyshoal_alarms_active", &[nature], 0.0);
        }
        Self { registry, shared, known: None, change: None }
    }

    /// Takes a report in.
    pub fn take(&mut self, report: &Report<'_>, now: Timestamp) {
        match report {
            Report::Looked(look) => self.looked(look),
            Report::LookFailed(_) => self.look_failed(),
            Report::Verified(report) => self.verified(report, now),
            Report::Repaired(report) => self.repaired(report),
            Report::RepairFailed(_) => self.registry.add("keyshoal_runs_total", &["failed"], 1),
            Report::Alarms { standing, .. } => self.alarms(standing),
            Report::Waiting | Report::Attention(_) | Report::Fight { .. } => {}
        }
    }

    fn looked(&mut self, look: &Look) {
        let registry = &self.registry;
        registry.add("keyshoal_looks_total", &["ok"], 1);
        registry.set("keyshoal_last_look_timestamp_seconds", &[], seconds(look.now));
        registry.set("keyshoal_agents", &[], count(look.observed.agents.len()));
        let gateway = &look.observed.instance.gateway;
        let elsewhere = gateway.other_state_dir.is_some();
        for (family, is) in [
            ("keyshoal_gateway_up", gateway.running),
            ("keyshoal_gateway_elsewhere", (elsewhere || gateway.running.is_some()).then_some(elsewhere)),
        ] {
            registry.replace(family, is.map(|is| (Vec::new(), if is { 1.0 } else { 0.0 })));
        }
        registry.replace(
            "keyshoal_findings",
            FindingKind::ALL.map(|kind| {
                let found = look.judgement.findings.iter().filter(|finding| finding.finding == kind).count();
                (vec![kind.as_str()], count(found))
            }),
        );
        let held = held(look);
        let series = |number: fn(&Held<'_>) -> Option<f64>| {
            held.iter().filter_map(move |one| {
                Some((vec![one.agent.id.as_str(), one.profile.as_str()], number(one)?))
            })
        };
        registry.replace("keyshoal_credential_generation_age_seconds", series(|one| one.age));
        registry.replace("keyshoal_credential_expiry_timestamp_seconds", series(|one| one.expires));
        registry.replace("keyshoal_cooldown_until_timestamp_seconds", series(|one| one.cooldown));
        let sends = sends(&look.observed);
        let changed = self.shared.changed.take();
        if self.known.as_ref().is_some_and(|known| *known != sends) {
            // Where no event told of it (it came while a verification was under way), it was first seen now.
            self.change = changed.or(Some(look.now));
        }
        self.known = Some(sends);
    }

    /// What was found before is not known to be so any more: a number that stays would say that all is well.
    fn look_failed(&self) {
        self.registry.add("keyshoal_looks_total", &["failed"], 1);
        let unreadable = FindingKind::Unreadable.as_str();
        self.registry.replace("keyshoal_findings", [(vec![unreadable], 1.0)]);
    }

    fn repaired(&mut self, report: &SyncReport) {
        let result = if report.outcome.needs_attention() { "attention" } else { "done" };
        self.registry.add("keyshoal_runs_total", &[result], 1);
        self.known = Some(sends(&report.after.observed));
        let done = report.receipts.iter().filter(|receipt| receipt.durable == StepState::Done);
        if let Some(last) = done.map(|receipt| receipt.at).max() {
            self.stage("durable", last);
        }
        if let ActivationOutcome::Done { at, .. } = &report.activation {
            self.stage("activated", *at);
        }
    }

    fn verified(&mut self, report: &VerifyReport, now: Timestamp) {
        self.registry.set("keyshoal_last_verification_timestamp_seconds", &[], seconds(now));
        // Many agents share an answer.
        let mut answers = BTreeSet::new();
        let mut accepted = Vec::new();
        for agent in &report.agents {
            for proof in &agent.proofs {
                let (provider, verdict) = (proof.provider.as_str(), &proof.verdict);
                if matches!(proof.role, Role::First | Role::Nothing) && says_something(verdict.kind) {
                    let is = if verdict.kind == VerdictKind::Ok { 1.0 } else { 0.0 };
                    accepted.push((vec![agent.id.as_str(), provider], is));
                }
                let request = verdict.request_id.as_deref();
                if verdict.kind.was_asked()
                    && answers.insert((provider, proof.fingerprint, verdict.at, request))
                {
                    self.registry.add("keyshoal_verdicts_total", &[provider, verdict.kind.as_str()], 1);
                    if let Some(millis) = verdict.latency_ms.and_then(|millis| u32::try_from(millis).ok()) {
                        let seconds = f64::from(millis) / 1000.0;
                        self.registry.observe("keyshoal_provider_answer_seconds", &[provider], seconds);
                    }
                }
            }
        }
        self.registry.replace("keyshoal_credential_accepted", accepted);
        self.stage("verified", now);
        self.change = None;
    }

    fn alarms(&self, standing: &Alarms) {
        for (nature, word) in [(Nature::Passing, "passing"), (Nature::Lasting, "lasting")] {
            let told = standing.standing().filter(|one| one.told && one.condition.nature == nature).count();
            self.registry.set("keyshoal_alarms_active", &[word], count(told));
        }
    }

    /// Notes how long the newest change took to get so far.
    fn stage(&self, stage: &str, at: Timestamp) {
        if let Some(change) = self.change {
            let took = at.duration_since(change).as_secs_f64().max(0.0);
            self.registry.observe("keyshoal_propagation_seconds", &[stage], took);
        }
    }
}

/// Tells whether a verdict says whether a credential works: a provider that gave no answer has not refused it.
fn says_something(kind: VerdictKind) -> bool {
    use VerdictKind::{NotAsked, Unknown, UnresolvedRef};
    !kind.is_passing() && !matches!(kind, Unknown | UnresolvedRef | NotAsked)
}

/// One profile that an agent may send, with its times.
struct Held<'a> {
    agent: &'a AgentView,
    profile: &'a ProfileId,
    age: Option<f64>,
    expires: Option<f64>,
    cooldown: Option<f64>,
}

fn held(look: &Look) -> Vec<Held<'_>> {
    let mut all = Vec::new();
    for agent in &look.observed.agents {
        let mut profiles = BTreeSet::new();
        for candidate in agent.candidates.values().flatten() {
            let Some(profile) = candidate.profile.as_ref().filter(|profile| profiles.insert(*profile)) else {
                continue;
            };
            let stores = [&agent.store, &StoreId::Base];
            let view = stores.iter().find_map(|store| look.observed.profile(store, profile));
            let cooldown = stores.iter().find_map(|store| {
                look.observed.store(store)?.usage.get(profile)?.in_force(look.now).map(|(until, _)| *until)
            });
            let since = candidate.material.fingerprint().and_then(|value| {
                let own = look.knowledge.first_seen.get(&(agent.id.clone(), profile.clone(), value)).copied();
                let all = look.knowledge.generations.get(profile).map_or(&[][..], Vec::as_slice).iter();
                own.or_else(|| all.rev().find(|one| one.fingerprint == value).map(|one| one.first_seen))
            });
            all.push(Held {
                agent,
                profile,
                age: since.map(|since| look.now.duration_since(since).as_secs_f64().max(0.0)),
                expires: view.and_then(|view| view.expires).map(seconds),
                cooldown: cooldown.map(seconds),
            });
        }
    }
    all
}

fn seconds(at: Timestamp) -> f64 {
    at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64().round()
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
