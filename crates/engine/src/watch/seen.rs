//! What a watch cares about in a look.

use super::state::{Seen, Write};
use crate::look::Look;
use crate::sync::{config_place, need_when_asked};
use keyshoal_core::{Action, ActivationNeed, Finding, Severity, Timestamp, activation};
use std::collections::BTreeMap;

/// Names the write of an action.
pub(super) fn write_of(action: &Action) -> Write {
    let over = match action {
        Action::Replace { expect, .. }
        | Action::RemoveShadow { expect, .. }
        | Action::Remove { expect, .. }
        | Action::FixType { expect, .. } => Some(*expect),
        Action::Insert { .. } | Action::ResetCooldown { .. } => None,
    };
    Write { store: action.store().clone(), profile: action.profile().clone(), over }
}

/// Names the write of the config.
pub(super) fn write_of_config() -> Write {
    let (store, profile) = config_place();
    Write { store, profile, over: None }
}

/// Returns what a watch cares about in a look.
pub fn seen(look: &Look) -> Seen {
    let attention = |one: &&Finding| one.severity == Severity::Attention;
    let modified: BTreeMap<String, Timestamp> = look
        .observed
        .stores
        .values()
        .filter_map(|store| Some((store.path.clone(), store.modified?)))
        .collect();
    let plan = look.plan();
    Seen {
        activation: need_when_asked(look, &plan) != ActivationNeed::None,
        digest: told(look),
        planned: plan
            .actions
            .iter()
            .map(write_of)
            .chain(plan.config.as_ref().map(|_| write_of_config()))
            .collect(),
        attention: look.judgement.findings.iter().filter(attention).map(sentence).collect(),
        modified,
    }
}

/// Names what a gateway may have to be told, and which process that gateway is.
fn told(look: &Look) -> String {
    let gateway = &look.observed.instance.gateway;
    let began = gateway.started.map(|began| began.to_string());
    format!("{} {:?} {began:?}", activation::digest(&look.observed), gateway.pid)
}

/// Says a finding in one sentence.
pub(super) fn sentence(finding: &Finding) -> String {
    let whose = match (&finding.agent, &finding.profile) {
        (Some(agent), Some(profile)) => format!("{agent} {profile}: "),
        (Some(agent), None) => format!("{agent}: "),
        (None, Some(profile)) => format!("{profile}: "),
        (None, None) => String::new(),
    };
    format!("{whose}{}", finding.message)
}
