//! `keyshoal.diff.v1`: a plan, by fingerprints.

use super::status::FindingDocument;
use crate::view::rotations::HalfDone;
use keyshoal_core::plan::Group;
use keyshoal_core::{
    Action, ActivationNeed, AgentId, ConfigEdit, Finding, Fingerprint, Plan, ProfileId, ProviderId, Question,
};
use serde::Serialize;

/// What `diff --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct DiffDocument {
    schema: &'static str,
    #[serde(flatten)]
    plan: PlanDocument,
    findings: Vec<FindingDocument>,
    rotations: Vec<HalfDone>,
    unfinished_import: bool,
}

impl DiffDocument {
    /// Makes it, with the findings that the plan does not mend.
    pub fn of(plan: &Plan, left: &[Finding], rotations: Vec<HalfDone>, unfinished_import: bool) -> Self {
        let findings = left.iter().map(FindingDocument::of).collect();
        let plan = PlanDocument::of(plan);
        Self { schema: "keyshoal.diff.v1", plan, findings, rotations, unfinished_import }
    }
}

/// A plan inside of a document.
#[derive(Clone, Debug, Serialize)]
pub struct PlanDocument {
    actions: Vec<ActionDocument>,
    config: Option<ConfigEdit>,
    questions: Vec<QuestionDocument>,
    activation: ActivationNeed,
}

impl PlanDocument {
    /// Makes it.
    pub fn of(plan: &Plan) -> Self {
        Self {
            actions: plan.actions.iter().chain(&plan.joining.actions).map(ActionDocument::of).collect(),
            config: plan.config.clone(),
            questions: plan.questions.iter().map(QuestionDocument::of).collect(),
            activation: plan.activation.max(plan.joining.activation),
        }
    }
}

/// One action.
#[derive(Clone, Debug, Serialize)]
pub struct ActionDocument {
    action: &'static str,
    store: String,
    agent: Option<AgentId>,
    profile: ProfileId,
    provider: ProviderId,
    from: Option<Fingerprint>,
    to: Option<Fingerprint>,
    r#type: Option<String>,
    why: String,
}

impl ActionDocument {
    /// Makes it.
    pub fn of(action: &Action) -> Self {
        let (name, from, to, kind) = match action {
            Action::Replace { expect, value, kind, .. } => {
                ("replace", Some(*expect), Some(*value), Some(kind))
            }
            Action::RemoveShadow { expect, inherits, .. } => {
                ("remove_shadow", Some(*expect), Some(*inherits), None)
            }
            Action::Remove { expect, .. } => ("remove", Some(*expect), None, None),
            Action::Insert { value, kind, .. } => ("insert", None, Some(*value), Some(kind)),
            Action::FixType { expect, kind, .. } => ("fix_type", Some(*expect), Some(*expect), Some(kind)),
            Action::ResetCooldown { expect, .. } => ("reset_cooldown", Some(*expect), Some(*expect), None),
        };
        Self {
            action: name,
            store: action.store().to_string(),
            agent: action.agent().cloned(),
            profile: action.profile().clone(),
            provider: action.provider().clone(),
            from,
            to,
            r#type: kind.map(|kind| kind.as_str().to_owned()),
            why: crate::render::plan::why(action),
        }
    }
}

/// One question.
#[derive(Clone, Debug, Serialize)]
pub struct QuestionDocument {
    question: &'static str,
    profile: ProfileId,
    provider: ProviderId,
    groups: Vec<Group>,
    text: String,
}

impl QuestionDocument {
    /// Makes it; the source's value is the first group.
    pub fn of(question: &Question) -> Self {
        let (name, profile, provider, groups) = match question {
            Question::Differing { profile, provider, source, others, .. } => {
                ("differing", profile, provider, [vec![source.clone()], others.clone()].concat())
            }
            Question::WhichSource { profile, provider, base, written } => {
                ("which_source", profile, provider, vec![base.clone(), written.clone()])
            }
            Question::SourceReverted { profile, provider, now, newest } => {
                ("source_reverted", profile, provider, vec![now.clone(), newest.clone()])
            }
            Question::SourceRejected { profile, provider, source, .. } => {
                ("source_rejected", profile, provider, vec![source.clone()])
            }
        };
        let lines = crate::render::question::lines(question);
        let text = lines.iter().map(|line| line.to_plain().trim().to_owned()).collect::<Vec<_>>().join("; ");
        Self { question: name, profile: profile.clone(), provider: provider.clone(), groups, text }
    }
}
