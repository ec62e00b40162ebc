//! `keyshoal.import.v1`: what an import would make.

use super::export::{LeftOutDocument, StaysDocument, TotalsDocument};
use crate::commands::import::{Access, Broken, Made};
use crate::render::import::conflict_words;
use keyshoal_core::{
    AgentId, CredentialKind, Fingerprint, InstanceId, ProfileId, ProviderId, Timestamp, VerdictKind,
};
use keyshoal_transfer::preview::{Conflict, DropReason, Question, QuestionReason};
use keyshoal_transfer::{ImportPlan, PlannedCredential};
use serde::Serialize;
use std::path::PathBuf;

/// What `import --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct ImportDocument {
    schema: &'static str,
    applied: bool,
    removes: Option<RemovesDocument>,
    made: Option<MadeDocument>,
    name: String,
    sealed: &'static str,
    source: SourceDocument,
    agents: Vec<AgentLine>,
    shared: Vec<CredentialLine>,
    overrides: Vec<CredentialLine>,
    dropped: Vec<DroppedLine>,
    questions: Vec<QuestionLine>,
    order: Vec<OrderLine>,
    bindings: usize,
    channels: Vec<String>,
    files: Option<TotalsDocument>,
    stays: Vec<StaysDocument>,
    left_out: Vec<LeftOutDocument>,
    conflicts: Vec<ConflictLine>,
    warnings: Vec<String>,
}

/// What goes before anything is made.
#[derive(Clone, Debug, Serialize)]
struct RemovesDocument {
    state_dir: PathBuf,
    instance: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct SourceDocument {
    state_dir: String,
    openclaw_version: Option<String>,
    layout: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct AgentLine {
    id: AgentId,
    name: Option<String>,
    default: bool,
    enabled: bool,
    model: Option<String>,
    fallbacks: Vec<String>,
    workspace: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct CredentialLine {
    profile: ProfileId,
    provider: ProviderId,
    r#type: CredentialKind,
    fingerprint: Fingerprint,
    agent: Option<AgentId>,
    held_by: Vec<AgentId>,
    waits: bool,
    since: Option<Timestamp>,
    by: Option<String>,
    why: Option<String>,
    by_reference: bool,
    expires: Option<Timestamp>,
    verdict: Option<VerdictKind>,
}

#[derive(Clone, Debug, Serialize)]
struct DroppedLine {
    profile: ProfileId,
    fingerprint: Fingerprint,
    agents: Vec<AgentId>,
    why: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct QuestionLine {
    profile: ProfileId,
    provider: ProviderId,
    fingerprint: Fingerprint,
    agents: Vec<AgentId>,
    verdict: Option<VerdictKind>,
    shared_fingerprint: Option<Fingerprint>,
    shared_verdict: Option<VerdictKind>,
    why: &'static str,
    proposal: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct OrderLine {
    provider: ProviderId,
    profiles: Vec<ProfileId>,
}

#[derive(Clone, Debug, Serialize)]
struct ConflictLine {
    conflict: &'static str,
    message: String,
}

impl ImportDocument {
    /// Makes it.
    pub fn of(plan: &ImportPlan, sealed: &'static str, applied: bool) -> Self {
        Self {
            schema: "keyshoal.import.v1",
            applied,
            removes: None,
            made: None,
            name: plan.name.clone(),
            sealed,
            source: SourceDocument {
                state_dir: plan.source.state_dir.clone(),
                openclaw_version: plan.source.release.clone(),
                layout: plan.source.layout.as_str(),
            },
            agents: agents(plan),
            shared: plan.shared().map(|one| credential(plan, one)).collect(),
            overrides: plan.overrides().map(|one| credential(plan, one)).collect(),
            dropped: dropped(plan),
            questions: plan.questions.iter().map(question).collect(),
            order: plan
                .order
                .iter()
                .map(|(provider, profiles)| OrderLine {
                    provider: provider.clone(),
                    profiles: profiles.clone(),
                })
                .collect(),
            bindings: plan.bindings.len(),
            channels: plan.channels.iter().map(|channel| channel.name.clone()).collect(),
            files: plan.files.map(TotalsDocument::of),
            stays: StaysDocument::all(&plan.stays),
            left_out: LeftOutDocument::all(&plan.left_out),
            conflicts: plan.conflicts.iter().map(conflict).collect(),
            warnings: plan.warnings.clone(),
        }
    }

    /// Adds what is removed first: what an import that broke off had made.
    #[must_use]
    pub fn removing(mut self, broken: Option<&Broken>) -> Self {
        self.removes = broken.map(|broken| RemovesDocument {
            state_dir: broken.dir().to_owned(),
            instance: broken.name().map(str::to_owned),
        });
        self
    }

    /// Adds what was made.
    pub fn made(self, made: MadeDocument) -> Self {
        Self { made: Some(made), ..self }
    }
}

/// What an import made.
#[derive(Clone, Debug, Serialize)]
pub struct MadeDocument {
    instance: InstanceId,
    state_dir: String,
    config: String,
    vault: String,
    openclaw_version: Option<String>,
    bind: &'static str,
    token: &'static str,
    files: u64,
    writes: usize,
    logins: usize,
    sign_in: Vec<String>,
    waits: Vec<String>,
    attention: Vec<String>,
    proven: Option<bool>,
    readable_by_others: Vec<String>,
    watch: bool,
    backup: Option<String>,
    notes: Vec<String>,
}

impl MadeDocument {
    /// Makes it.
    pub fn of(made: &Made) -> Self {
        let shown = |path: &PathBuf| path.display().to_string();
        let (bind, token) = match made.access {
            Access::NewToken => ("loopback", "made"),
            Access::Kept => ("loopback", "kept"),
            Access::Elsewhere => ("elsewhere", "kept"),
        };
        Self {
            instance: made.instance.clone(),
            state_dir: shown(&made.state_dir),
            config: shown(&made.config),
            vault: shown(&made.vault),
            openclaw_version: made.release.clone(),
            bind,
            token,
            files: made.files,
            writes: made.writes,
            logins: made.logins,
            sign_in: made.sign_in.clone(),
            waits: made.waits.clone(),
            attention: made.findings.clone(),
            proven: made.proven,
            readable_by_others: made.open.iter().map(shown).collect(),
            watch: made.watch,
            backup: made.backup.as_ref().map(shown),
            notes: made.notes.clone(),
        }
    }
}

fn agents(plan: &ImportPlan) -> Vec<AgentLine> {
    let agents = plan.agents.iter().map(|agent| AgentLine {
        id: agent.id.clone(),
        name: agent.name.clone(),
        default: agent.default,
        enabled: agent.enabled,
        model: agent.models.primary.clone(),
        fallbacks: agent.models.fallbacks.clone(),
        workspace: agent.workspace.clone(),
    });
    agents.collect()
}

fn credential(plan: &ImportPlan, one: &PlannedCredential) -> CredentialLine {
    CredentialLine {
        profile: one.profile.clone(),
        provider: one.provider.clone(),
        r#type: one.kind.clone(),
        fingerprint: one.fingerprint,
        agent: one.agent.and_then(|uid| plan.agent(uid)).map(|agent| agent.id.clone()),
        held_by: one.held_by.clone(),
        waits: one.waits,
        since: one.origin.as_ref().map(|origin| origin.created),
        by: one.origin.as_ref().map(|origin| origin.by.clone()),
        why: one.origin.as_ref().and_then(|origin| origin.why.clone()),
        by_reference: one.reference.is_some(),
        expires: one.expires,
        verdict: one.verdict,
    }
}

fn dropped(plan: &ImportPlan) -> Vec<DroppedLine> {
    let dropped = plan.dropped.iter().map(|one| DroppedLine {
        profile: one.profile.clone(),
        fingerprint: one.fingerprint,
        agents: one.agents.clone(),
        why: match one.why {
            DropReason::Stale => "stale",
            DropReason::SameLogin => "same_login",
            DropReason::Answered => "answered",
        },
    });
    dropped.collect()
}

fn question(question: &Question) -> QuestionLine {
    QuestionLine {
        profile: question.profile.clone(),
        provider: question.provider.clone(),
        fingerprint: question.fingerprint,
        agents: question.agents.clone(),
        verdict: question.verdict,
        shared_fingerprint: question.shared.map(|(fingerprint, _)| fingerprint),
        shared_verdict: question.shared.and_then(|(_, verdict)| verdict),
        why: match question.why {
            QuestionReason::Dead => "dead",
            QuestionReason::Unknown => "unknown",
            QuestionReason::LaterLogin => "later_login",
        },
        proposal: "override",
    }
}

fn conflict(conflict: &Conflict) -> ConflictLine {
    let word = match conflict {
        Conflict::NameTaken { .. } => "name_taken",
        Conflict::SameInstance { .. } => "same_instance",
        Conflict::Config { .. } => "config",
    };
    ConflictLine { conflict: word, message: conflict_words(conflict) }
}
