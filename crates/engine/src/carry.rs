//! Carrying the own values of an agent that is no more over to another: after a rename they still stand under the old id.

use crate::ports::{PortError, Ports};
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::{
    Action, ActivationMode, ActivationNeed, ActivationOutcome, AgentId, CredentialKind, Fact, Fingerprint,
    Knowledge, Observation, Plan, ProfileId, ProviderId, Receipt, RunId, StepState, StoreId, activation,
    planner,
};

/// One value that could be carried over. The port that applies it must know the secret of the fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// Its profile.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// Which value.
    pub fingerprint: Fingerprint,
}

/// Says what came of it.
#[derive(Clone, Debug)]
pub struct Carried {
    /// The run, when anything was written.
    pub run: Option<RunId>,
    /// What is known of each write.
    pub receipts: Vec<Receipt>,
    /// What was left where it is, and why.
    pub left: Vec<(ProfileId, String)>,
    /// Whether the gateway knows.
    pub activation: ActivationOutcome,
}

impl Carried {
    /// Tells whether every write was done.
    pub fn is_done(&self) -> bool {
        self.receipts.iter().all(|receipt| receipt.durable == StepState::Done)
    }
}

/// Gives an agent of the roster these values as its own, journaled as every run, and marks them as deliberate. Nothing that it has is
/// replaced, and neither logins nor earlier values of the source are carried.
pub fn carry<P: Ports + ?Sized>(
    ports: &P,
    to: &AgentId,
    values: &[Own],
    mode: ActivationMode,
) -> Result<Carried, PortError> {
    let observed = ports.observe()?;
    let knowledge = ports.knowledge()?;
    let store = store_of(&observed, to)?;
    let mut actions = Vec::new();
    let mut left = Vec::new();
    for own in values {
        match why_not(&observed, &knowledge, &store, own) {
            Some(why) => left.push((own.profile.clone(), why)),
            None => actions.push(Action::Insert {
                store: store.clone(),
                profile: own.profile.clone(),
                provider: own.provider.clone(),
                value: own.fingerprint,
                kind: own.kind.clone(),
            }),
        }
    }
    if actions.is_empty() {
        return Ok(Carried {
            run: None,
            receipts: Vec::new(),
            left,
            activation: ActivationOutcome::NotNeeded,
        });
    }
    let plan = Plan { actions, ..Plan::default() };
    let run = ports.begin("quarantine", &plan)?;
    let mut receipts = ports.apply(&run, &plan, &mut |_, _| {});
    let done = receipts.iter().filter(|receipt| receipt.durable == StepState::Done);
    let mut facts: Vec<Fact> = done.filter_map(|receipt| kept(to, &receipt.action)).collect();
    let activation = match (facts.is_empty(), observed.instance.gateway.running) {
        (true, _) => ActivationOutcome::NotNeeded,
        (false, Some(false)) => ports.activate(ActivationNeed::None, mode),
        (false, _) => ports.activate(planner::activation_need(&observed), mode),
    };
    if matches!(activation, ActivationOutcome::Done { .. }) {
        facts.push(Fact::Activated { digest: activation::digest(&*ports.observe()?) });
    }
    for receipt in &mut receipts {
        receipt.activated = activation.clone();
    }
    let learned = ports.learn(&facts);
    // The journal is closed whatever else failed.
    ports.finish(&run, &receipts)?;
    learned?;
    Ok(Carried { run: Some(run), receipts, left, activation })
}

fn kept(to: &AgentId, action: &Action) -> Option<Fact> {
    let Action::Insert { profile, value, .. } = action else { return None };
    let (agent, profile, fingerprint) = (to.clone(), profile.clone(), *value);
    Some(Fact::Kept { agent, profile, fingerprint, by: KeptBy::Person })
}

fn store_of(observed: &Observation, to: &AgentId) -> Result<StoreId, PortError> {
    let refused = |message: String| PortError { message, hint: None, retryable: false };
    let agent = observed.agent(to).ok_or_else(|| refused(format!("there is no agent {to}")))?;
    if agent.store == StoreId::Base {
        return Err(refused(format!(
            "what {to} holds is what the other agents inherit; nothing was changed"
        )));
    }
    match observed.not_writable(&agent.store) {
        Some(why) => Err(refused(format!("the store of {to} must not be written: {why}"))),
        None => Ok(agent.store.clone()),
    }
}

/// Says why a value stays where it is, if so.
fn why_not(observed: &Observation, knowledge: &Knowledge, store: &StoreId, own: &Own) -> Option<String> {
    let base = observed.profile(&StoreId::Base, &own.profile).and_then(|view| view.material.fingerprint());
    if !matches!(own.kind, CredentialKind::ApiKey | CredentialKind::Token) {
        return Some("a login is never copied; sign in again".to_owned());
    }
    if observed.profile(store, &own.profile).is_some() {
        return Some("the agent has one of its own".to_owned());
    }
    if base == Some(own.fingerprint) {
        return Some("it is what the agents inherit".to_owned());
    }
    let earlier = knowledge.generations_behind(&own.profile, own.fingerprint).is_some();
    earlier.then(|| "it is an earlier value of what the agents inherit".to_owned())
}
