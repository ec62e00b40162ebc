//! The plan of an import: a value that can be shown, counted and tested, with everything that the vault needs to carry it out.

use crate::manifest::{LeftOut, Logins, Source, Stays, Totals};
use keyshoal_core::vault::{
    AgentUid, CredentialUid, Delivery, ModelChoice, Origin, VaultAgent, VaultBinding, VaultCredential,
    VaultInstance, VaultVersion, VersionState,
};
use keyshoal_core::{
    AgentId, CredentialKind, Fingerprint, InstanceId, ProfileId, ProviderId, Secret, SecretRef, Timestamp,
    VerdictKind,
};
use keyshoal_openclaw::config::{doors, named_places};
use std::path::{Component, Path};

/// What an import would make.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    /// What the instance shall be called.
    pub name: String,
    /// Whose it shall be.
    pub organisation: String,
    /// Where it comes from.
    pub source: Source,
    /// What agents use that name no model of their own.
    pub models: ModelChoice,
    /// Every agent of the payload; who is disabled is in no roster.
    pub agents: Vec<VaultAgent>,
    /// Bindings to these agents.
    pub bindings: Vec<VaultBinding>,
    /// `channels` of the config.
    pub channels: Vec<Setting>,
    /// `models.providers` of the config.
    pub providers: Vec<Setting>,
    /// The variables of `.env`.
    pub variables: Vec<Setting>,
    /// The config's text, into which what the vault owns is merged.
    pub config: Option<Secret>,
    /// The texts of files that it includes, by relative paths.
    pub included: Vec<Setting>,
    /// Shared credentials, then overrides.
    pub credentials: Vec<PlannedCredential>,
    /// Values that come to nothing.
    pub dropped: Vec<Dropped>,
    /// Values that a person decides about.
    pub questions: Vec<Question>,
    /// Which profiles come first, per provider.
    pub order: Vec<(ProviderId, Vec<ProfileId>)>,
    /// Files that come along.
    pub files: Option<Totals>,
    /// What stays where it is.
    pub stays: Vec<Stays>,
    /// What the old machine left out.
    pub left_out: Vec<LeftOut>,
    /// How a vault delivered the keys on the old machine.
    pub delivery: Delivery,
    /// What became of logins on the old machine.
    pub logins: Logins,
    /// What the config held of disabled agents, by their ids.
    pub entries: Vec<Setting>,
    /// Why it cannot be taken.
    pub conflicts: Vec<Conflict>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Something with a name whose content may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its content: JSON, or text.
    pub value: Secret,
}

/// A credential that the vault would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCredential {
    /// Its id.
    pub uid: CredentialUid,
    /// OpenClaw's id of the profile.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// Whose override it is; `None` when all share it.
    pub agent: Option<AgentUid>,
    /// The agents that hold this value on the old machine in stores of their own.
    pub held_by: Vec<AgentId>,
    /// Its value, for people.
    pub fingerprint: Fingerprint,
    /// The secret that it names, where it holds none itself.
    pub reference: Option<SecretRef>,
    /// When its time is over.
    pub expires: Option<Timestamp>,
    /// Only a vault had it on the old machine: it waits until its agent's store can hold it.
    pub waits: bool,
    /// What that vault says of it.
    pub origin: Option<Origin>,
    /// What its provider said of it.
    pub verdict: Option<VerdictKind>,
    /// Its whole entry, as JSON text.
    pub entry: Secret,
}

/// A value that comes to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The profile.
    pub profile: ProfileId,
    /// Who holds it.
    pub agents: Vec<AgentId>,
    /// The value.
    pub fingerprint: Fingerprint,
    /// Why.
    pub why: DropReason,
}

/// Says why a value comes to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Its provider rejects it and accepts the shared one.
    Stale,
    /// It is an earlier state of the shared login, which has one owner.
    SameLogin,
    /// A person said so.
    Answered,
}

/// A value that a person decides about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The profile.
    pub profile: ProfileId,
    /// Its provider.
    pub provider: ProviderId,
    /// The value in question.
    pub fingerprint: Fingerprint,
    /// Who holds it.
    pub agents: Vec<AgentId>,
    /// What its provider said of it.
    pub verdict: Option<VerdictKind>,
    /// The shared value, and what its provider said of that.
    pub shared: Option<(Fingerprint, Option<VerdictKind>)>,
    /// Why it is one.
    pub why: QuestionReason,
    /// The overrides that keeping it means, one for each agent.
    pub overrides: Vec<PlannedCredential>,
}

/// Says why a value is in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionReason {
    /// It is rejected, and so is the shared one, or nobody knows of that.
    Dead,
    /// Nobody knows whether it is accepted.
    Unknown,
    /// It is a later state of the shared login.
    LaterLogin,
}

/// What a person answers to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// The agents keep it as overrides. It is what happens when nobody answers.
    Override,
    /// They use the shared value, or none.
    Shared,
}

/// Says why an import cannot be taken. Nothing is ever overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another instance is called so.
    NameTaken {
        /// The name.
        name: String,
    },
    /// The instance is in the vault already.
    SameInstance {
        /// Its id.
        id: InstanceId,
        /// What it is called there.
        name: String,
    },
    /// The config cannot be read, or includes what does not come along.
    Config {
        /// Why.
        why: String,
    },
}

/// Settings beside the workspaces of single agents that move with the state directory.
pub(super) const MOVED: [&str; 2] = ["agents.defaults.workspace", "logging.file"];

/// Returns the same place below another directory.
fn moved(path: &Path, from: &Path, to: &Path) -> Option<String> {
    let below = path.strip_prefix(from).ok()?;
    let plain = below.components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| to.join(below).display().to_string())
}

impl ImportPlan {
    /// Returns the credentials that all agents would share.
    pub fn shared(&self) -> impl Iterator<Item = &PlannedCredential> {
        self.credentials.iter().filter(|one| one.agent.is_none())
    }

    /// Returns the overrides.
    pub fn overrides(&self) -> impl Iterator<Item = &PlannedCredential> {
        self.credentials.iter().filter(|one| one.agent.is_some())
    }

    /// Returns what agents are called.
    pub fn agent(&self, uid: AgentUid) -> Option<&VaultAgent> {
        self.agents.iter().find(|agent| agent.uid == uid)
    }

    /// Moves workspaces that lay below the old state directory to the same place below another one. Others stay as they are.
    pub fn move_workspaces(&mut self, state_dir: &Path) {
        let from = Path::new(&self.source.state_dir);
        for workspace in self.agents.iter_mut().filter_map(|agent| agent.workspace.as_mut()) {
            if let Some(moved) = moved(Path::new(workspace.as_str()), from, state_dir) {
                *workspace = moved;
            }
        }
    }

    /// Returns what else of the config's own text names a place below the old state directory and has the same place below another one:
    /// the way there, and the new place.
    pub fn moved_settings(&self, state_dir: &Path) -> Vec<(&'static str, String)> {
        let from = Path::new(&self.source.state_dir);
        let named = self.config.as_ref().map(named_places).unwrap_or_default();
        let new = |way: &'static str| {
            let (_, path) = named.iter().find(|(named, _)| named == way)?;
            Some((way, moved(path, from, state_dir)?))
        };
        MOVED.into_iter().filter_map(new).collect()
    }

    /// Says which settings of the config let others in at the gateway although it binds to loopback and asks for a token.
    pub fn doors(&self) -> Vec<String> {
        let named = self.config.as_ref().map(doors).unwrap_or_default();
        named.into_iter().map(|one| format!("{one} and stays so: it lets others in at the gateway, which is bound to loopback by itself; take it out unless it is meant")).collect()
    }

    /// Answers every open question with keeping the value, so that nothing is lost.
    pub fn keep_what_is_open(&mut self) {
        let questions = std::mem::take(&mut self.questions);
        self.credentials.extend(questions.into_iter().flat_map(|question| question.overrides));
    }

    /// Returns the instance as a vault would have it, without its secrets. Every credential has one version, which is current.
    ///
    /// Questions that are still open are kept as overrides.
    pub fn instance(&self, id: InstanceId, by: &str, now: Timestamp) -> VaultInstance {
        let open = self.questions.iter().flat_map(|question| &question.overrides);
        let credential = |one: &PlannedCredential| VaultCredential {
            uid: one.uid,
            profile: one.profile.clone(),
            provider: one.provider.clone(),
            kind: one.kind.clone(),
            agent: one.agent,
            versions: vec![VaultVersion {
                number: 1,
                state: VersionState::Current,
                created: one.origin.as_ref().map_or(now, |origin| origin.created.min(now)),
                since: now,
                by: one.origin.as_ref().map_or(by, |origin| &origin.by).to_owned(),
                why: match &one.origin {
                    Some(origin) => origin.why.clone(),
                    None => Some(format!("imported from {}", self.source.state_dir)),
                },
                expires: one.expires,
            }],
        };
        VaultInstance {
            id,
            organisation: self.organisation.clone(),
            name: self.name.clone(),
            state_dir: None,
            config: None,
            delivery: Delivery::Inline,
            models: self.models.clone(),
            agents: self.agents.clone(),
            bindings: self.bindings.clone(),
            credentials: self.credentials.iter().chain(open).map(credential).collect(),
            order: self.order.clone(),
            channels: self.channels.iter().map(|channel| channel.name.clone()).collect(),
            revision: 0,
        }
    }
}
