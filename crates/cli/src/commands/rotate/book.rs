//! Rotations as the vault keeps them: one, or those of several instances that go together.

use super::{meanwhile, stands};
use crate::commands::flow::Flow;
use crate::error::CommandError;
use crate::root::holdings;
use keyshoal_core::vault::{CredentialUid, VaultCredential, VaultInstance, VersionState};
use keyshoal_core::{AgentId, Fingerprint, InstanceId, Secret};
use keyshoal_engine::ports::PortError;
use keyshoal_engine::rotate::{Book, Books, Pointer, Rotation, Stage, State};
use keyshoal_local::Installation;
use keyshoal_vault::{Author, Change, NewRotation, RotationStep, Vault, VaultError};
use std::collections::BTreeSet;

/// One instance's part in a rotation.
#[derive(Clone, Copy)]
pub struct Part<'f> {
    /// The instance, as it was read.
    pub instance: &'f VaultInstance,
    /// The credential.
    pub credential: &'f VaultCredential,
    /// Its installation, where that can be reached from here.
    pub installation: Option<&'f Installation>,
}

impl<'f> Part<'f> {
    /// Returns the part of an installation that is open.
    pub fn of(flow: &'f Flow<'_>, credential: &'f VaultCredential) -> Self {
        Part { instance: flow.instance(), credential, installation: Some(&flow.installation) }
    }
}

/// Rotations in the vault.
pub struct VaultBook<'f> {
    vault: &'f Vault,
    author: &'f Author,
    pages: Vec<Page<'f>>,
}

/// One of them.
struct Page<'f> {
    instance: InstanceId,
    installation: Option<&'f Installation>,
    credential: CredentialUid,
    id: String,
    revision: u64,
    /// The agents that have the pending version, as was written last.
    agents: BTreeSet<AgentId>,
    /// A person went back, as was written last.
    asked_back: bool,
}

/// Finds the rotation of a credential that is not over.
pub fn open_rotation(
    vault: &Vault,
    instance: &VaultInstance,
    credential: &VaultCredential,
) -> Result<Option<keyshoal_vault::Rotation>, CommandError> {
    Ok(vault.open_rotations(&instance.id)?.into_iter().find(|one| one.credential == credential.uid))
}

impl<'f> VaultBook<'f> {
    /// Stages a value in each instance and opens the rotations for it: all or none.
    pub fn begin(
        vault: &'f Vault,
        author: &'f Author,
        parts: Vec<(Part<'f>, State, Secret)>,
    ) -> Result<(Self, Vec<Rotation>), CommandError> {
        let staged = parts.into_iter().map(|(part, state, value)| {
            let credential = part.credential.uid;
            (part, Stage::Staged, state, vec![Change::StageVersion { credential, value, expires: None }])
        });
        Self::open(vault, author, staged.collect())
    }

    /// Opens one anew that is over, for the way back: its version before is still at hand.
    pub fn reopen(
        vault: &'f Vault,
        author: &'f Author,
        part: Part<'f>,
    ) -> Result<(Self, Vec<Rotation>), CommandError> {
        Self::open(vault, author, vec![(part, Stage::Proven, State::default(), Vec::new())])
    }

    /// Goes on with what was opened before.
    pub fn resume(
        vault: &'f Vault,
        author: &'f Author,
        open: Vec<(Part<'f>, keyshoal_vault::Rotation)>,
    ) -> Result<(Self, Vec<Rotation>), CommandError> {
        let mut stands = Vec::new();
        let mut pages = Vec::new();
        for (part, open) in open {
            let (stage, state) = stands::of(&open, part.credential)?;
            pages.push(Page::of(part, &open.id, open.revision, &state));
            stands.push((stage, state));
        }
        Self { vault, author, pages }.read(stands)
    }

    /// Returns where a rotation stands that somebody else has taken on meanwhile, if one has.
    pub fn taken_on(&self) -> Option<keyshoal_vault::Rotation> {
        let found = |page: &Page<'_>| {
            let found = self.vault.rotation(&page.id).ok().flatten()?;
            (found.revision != page.revision).then_some(found)
        };
        self.pages.iter().find_map(found)
    }

    fn open(
        vault: &'f Vault,
        author: &'f Author,
        parts: Vec<(Part<'f>, Stage, State, Vec<Change>)>,
    ) -> Result<(Self, Vec<Rotation>), CommandError> {
        let (mut new, mut pages, mut stands) = (Vec::new(), Vec::new(), Vec::new());
        for (part, stage, state, changes) in parts {
            let id = uuid::Uuid::new_v4().to_string();
            new.push(NewRotation {
                id: id.clone(),
                instance: part.instance.id.clone(),
                expected_revision: part.instance.revision,
                credential: part.credential.uid,
                stage: stage.as_str().to_owned(),
                state: text(&state)?,
                changes,
            });
            pages.push(Page::of(part, &id, 1, &state));
            stands.push((part.credential, stage, state));
        }
        meanwhile::whatever_else_changes(|| {
            for (new, (credential, ..)) in new.iter_mut().zip(&stands) {
                if let Some(revision) = meanwhile::revision_of(vault, &new.instance, credential)? {
                    new.expected_revision = revision;
                }
            }
            vault.begin_rotations(new.clone(), author, keyshoal_local::clock::now())
        })?;
        let stands = stands.into_iter().map(|(_, stage, state)| (stage, state)).collect();
        Self { vault, author, pages }.read(stands)
    }

    /// Puts together what the engine knows of each, from the vault as it is now.
    fn read(self, stands: Vec<(Stage, State)>) -> Result<(Self, Vec<Rotation>), CommandError> {
        let mut rotations: Vec<Option<Rotation>> = vec![None; stands.len()];
        let mut new = None;
        // Only an installation knows fingerprints; the value is the same everywhere.
        for here in [true, false] {
            for (at, page) in self.pages.iter().enumerate() {
                if page.installation.is_some() == here {
                    let rotation = page.rotation(self.vault, stands[at].clone(), new)?;
                    new = new.or(Some(rotation.new));
                    rotations[at] = Some(rotation);
                }
            }
        }
        Ok((self, rotations.into_iter().flatten().collect()))
    }
}

impl<'f> Page<'f> {
    fn of(part: Part<'f>, id: &str, revision: u64, state: &State) -> Self {
        Page {
            instance: part.instance.id.clone(),
            installation: part.installation,
            credential: part.credential.uid,
            id: id.to_owned(),
            revision,
            agents: state.agents.clone(),
            asked_back: state.is_asked_back(),
        }
    }

    fn rotation(
        &self,
        vault: &Vault,
        (stage, mut state): (Stage, State),
        known: Option<Fingerprint>,
    ) -> Result<Rotation, CommandError> {
        let instance = vault.instance(&self.instance)?;
        let mut prints = std::collections::BTreeMap::new();
        if let Some(installation) = self.installation {
            installation.hold(&holdings::holdings(vault, &instance, None)?)?;
            prints = installation.held_prints();
        }
        let credential = instance.credentials.iter().find(|one| one.uid == self.credential);
        let credential =
            credential.ok_or_else(|| CommandError::user("the credential is in the vault no more"))?;
        let standing = |id: &AgentId| self.installation.is_some_and(|there| there.is_standing(id));
        stands::drop_who_left(&mut state, &instance, credential, &standing);
        let print = |state: VersionState| -> Option<Fingerprint> {
            let version = credential.versions.iter().find(|version| version.state == state)?;
            prints.get(&(credential.uid, version.number)).copied()
        };
        let pending = print(VersionState::Pending);
        let current = print(VersionState::Current);
        let (new, old) = match stage {
            Stage::Staged | Stage::Tested | Stage::Publishing => (pending, current),
            Stage::RolledBack if state.keeps => (print(VersionState::Previous), current),
            // What failed, or was given up, was retired last.
            Stage::RolledBack => {
                let retired = credential.versions.iter().filter(|one| one.state == VersionState::Retired);
                let last = retired.max_by_key(|one| (one.since, one.number));
                (last.and_then(|one| prints.get(&(credential.uid, one.number)).copied()), current)
            }
            _ => (current, print(VersionState::Previous)),
        };
        let new = new.or(known.filter(|_| self.installation.is_none())).ok_or_else(|| {
            CommandError::user(format!("the vault has no value of {} to go on with", credential.profile))
                .hint(format!("keyshoal status   says what the agents of {} hold", instance.name))
        })?;
        let agent = credential.agent.and_then(|uid| instance.agents.iter().find(|agent| agent.uid == uid));
        Ok(Rotation {
            profile: credential.profile.clone(),
            provider: credential.provider.clone(),
            kind: credential.kind.clone(),
            agent: agent.map(|agent| agent.id.clone()),
            new,
            old,
            stage,
            state,
        })
    }

    fn change(&self, pointer: Pointer) -> Vec<Change> {
        let credential = self.credential;
        match pointer {
            Pointer::Stays => Vec::new(),
            Pointer::Publish => vec![Change::Publish(credential)],
            Pointer::Unstage => vec![Change::Unstage(credential)],
            Pointer::RollBack => vec![Change::RollBack(credential)],
            Pointer::Exchange => vec![Change::Exchange(credential)],
            Pointer::RetirePrevious => vec![Change::RetirePrevious(credential)],
        }
    }
}

impl Books for VaultBook<'_> {
    fn step(&mut self, steps: &[(usize, &Rotation, Pointer)]) -> Result<(), PortError> {
        let mut written = Vec::new();
        for (at, rotation, pointer) in steps {
            let page = &self.pages[*at];
            let step = RotationStep {
                id: page.id.clone(),
                expected_revision: page.revision,
                stage: rotation.stage.as_str().to_owned(),
                state: text(&rotation.state).map_err(|error| failed(error.message))?,
                finished: rotation.state.is_over(rotation.stage),
            };
            written.push((step, 0, page.change(*pointer)));
        }
        meanwhile::whatever_else_changes(|| {
            for ((_, revision, changes), (at, ..)) in written.iter_mut().zip(steps) {
                if !changes.is_empty() {
                    *revision = self.vault.instance(&self.pages[*at].instance)?.revision;
                }
            }
            self.vault.step_rotations(written.clone(), self.author, keyshoal_local::clock::now())
        })
        .map_err(port)?;
        for (at, rotation, pointer) in steps {
            let page = &mut self.pages[*at];
            page.revision += 1;
            // Nothing else of a rotation changes what the vault wants.
            let wants = *pointer != Pointer::Stays
                || page.agents != rotation.state.agents
                || page.asked_back != rotation.is_asked_back();
            page.agents.clone_from(&rotation.state.agents);
            page.asked_back = rotation.is_asked_back();
            if let Some(installation) = page.installation.filter(|_| wants) {
                let instance = self.vault.instance(&page.instance).map_err(port)?;
                let hearing = holdings::holdings(self.vault, &instance, None);
                installation.hold(&hearing.map_err(|error| failed(error.message))?)?;
            }
        }
        Ok(())
    }
}

impl Book for VaultBook<'_> {
    fn step(&mut self, rotation: &Rotation, pointer: Pointer) -> Result<(), PortError> {
        Books::step(self, &[(0, rotation, pointer)])
    }
}

/// Returns what a rotation remembers as the vault keeps it.
pub fn text(state: &State) -> Result<String, CommandError> {
    serde_json::to_string(state).map_err(|error| CommandError::internal(error.to_string()))
}

fn port(error: VaultError) -> PortError {
    PortError { message: error.to_string(), hint: None, retryable: error.is_retryable() }
}

fn failed(message: String) -> PortError {
    PortError { message, hint: None, retryable: false }
}
