//! Rotations as the vault keeps them.

use crate::commands::flow::Flow;
use crate::error::CommandError;
use crate::root::holdings;
use keyshoal_core::vault::{VaultCredential, VersionState};
use keyshoal_core::{Fingerprint, Secret};
use keyshoal_engine::ports::{PortError, Remember as _};
use keyshoal_engine::rotate::{Book, Pointer, Rotation, Stage, State};
use keyshoal_vault::{Change, RotationStep, VaultError};

/// One rotation in the vault.
pub struct VaultBook<'f, 'a> {
    flow: &'f Flow<'a>,
    credential: keyshoal_core::vault::CredentialUid,
    id: String,
    revision: u64,
}

/// Finds the rotation of a credential that is not over.
pub fn open_rotation(
    flow: &Flow<'_>,
    credential: &VaultCredential,
) -> Result<Option<keyshoal_vault::Rotation>, CommandError> {
    let all = flow.held.vault.rotations(&flow.instance().id)?;
    Ok(all.into_iter().find(|one| one.finished.is_none() && one.credential == credential.uid))
}

/// Says why the value that would be gone back to is dead, as far as is remembered.
pub fn death_of_old(flow: &Flow<'_>, rotation: &Rotation) -> Result<Option<&'static str>, CommandError> {
    let knowledge = flow.installation.knowledge()?;
    let of_old = knowledge.verdicts.iter().filter(|((value, _), _)| Some(*value) == rotation.old);
    let newest = of_old.map(|(_, verdict)| verdict).max_by_key(|verdict| verdict.at);
    Ok(newest.filter(|verdict| verdict.kind.is_dead()).map(|verdict| verdict.kind.clause()))
}

impl<'f, 'a> VaultBook<'f, 'a> {
    /// Stages a value and opens a rotation for it, in one.
    pub fn begin(
        flow: &'f Flow<'a>,
        credential: &VaultCredential,
        value: Secret,
    ) -> Result<(Self, Rotation), CommandError> {
        let id = uuid::Uuid::new_v4().to_string();
        let changes = vec![Change::StageVersion { credential: credential.uid, value, expires: None }];
        let state = text(&State::default())?;
        let instance = flow.instance();
        flow.held.vault.begin_rotation(
            &id,
            &instance.id,
            instance.revision,
            credential.uid,
            (Stage::Staged.as_str(), &state),
            changes,
            flow.author(),
            keyshoal_local::clock::now(),
        )?;
        let book = Self { flow, credential: credential.uid, id, revision: 1 };
        let rotation = book.rotation(Stage::Staged, State::default())?;
        Ok((book, rotation))
    }

    /// Goes on with one that was opened before.
    pub fn resume(
        flow: &'f Flow<'a>,
        credential: &VaultCredential,
        open: keyshoal_vault::Rotation,
    ) -> Result<(Self, Rotation), CommandError> {
        let stage = Stage::parse(&open.stage).ok_or_else(|| {
            CommandError::user(format!(
                "rotation {} stands at {}, which this version does not know",
                open.id, open.stage
            ))
            .hint("use the newest keyshoal")
        })?;
        let state: State = serde_json::from_str(&open.state).map_err(|_| {
            CommandError::internal(format!("what rotation {} remembers cannot be read", open.id))
        })?;
        let book = Self { flow, credential: credential.uid, id: open.id, revision: open.revision };
        let rotation = book.rotation(stage, state)?;
        Ok((book, rotation))
    }

    /// Opens one anew that is over, for the way back: its version before is still at hand.
    pub fn reopen(
        flow: &'f Flow<'a>,
        credential: &VaultCredential,
    ) -> Result<(Self, Rotation), CommandError> {
        let id = uuid::Uuid::new_v4().to_string();
        let state = text(&State::default())?;
        let instance = flow.instance();
        flow.held.vault.begin_rotation(
            &id,
            &instance.id,
            instance.revision,
            credential.uid,
            (Stage::Proven.as_str(), &state),
            Vec::new(),
            flow.author(),
            keyshoal_local::clock::now(),
        )?;
        let book = Self { flow, credential: credential.uid, id, revision: 1 };
        let rotation = book.rotation(Stage::Proven, State::default())?;
        Ok((book, rotation))
    }

    /// Puts together what the engine knows of it, from the vault as it is now.
    fn rotation(&self, stage: Stage, state: State) -> Result<Rotation, CommandError> {
        let instance = self.flow.held.vault.instance(&self.flow.instance().id)?;
        self.flow.installation.hold(&holdings::holdings(&self.flow.held.vault, &instance, None)?)?;
        let prints = self.flow.installation.held_prints();
        let credential = instance.credentials.iter().find(|one| one.uid == self.credential);
        let credential =
            credential.ok_or_else(|| CommandError::user("the credential is in the vault no more"))?;
        let print = |state: VersionState| -> Option<Fingerprint> {
            let version = credential.versions.iter().find(|version| version.state == state)?;
            prints.get(&(credential.uid, version.number)).copied()
        };
        let pending = print(VersionState::Pending);
        let current = print(VersionState::Current);
        let (new, old) = match stage {
            Stage::Staged | Stage::Tested | Stage::Publishing => (pending, current),
            _ => (current, print(VersionState::Previous)),
        };
        let new = new.ok_or_else(|| {
            CommandError::user(format!("the vault has no value of {} to go on with", credential.profile))
                .hint("keyshoal rotate … --rollback   gives the rotation up")
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
}

impl Book for VaultBook<'_, '_> {
    fn step(&mut self, rotation: &Rotation, pointer: Pointer) -> Result<(), PortError> {
        let credential = self.credential;
        let changes = match pointer {
            Pointer::Stays => Vec::new(),
            Pointer::Publish => vec![Change::Publish(credential)],
            Pointer::Unstage => vec![Change::Unstage(credential)],
            Pointer::RollBack => vec![Change::RollBack(credential)],
            Pointer::RetirePrevious => vec![Change::RetirePrevious(credential)],
        };
        let vault = &self.flow.held.vault;
        let id = &self.flow.instance().id;
        let instance = vault.instance(id).map_err(port)?;
        let step = RotationStep {
            id: self.id.clone(),
            expected_revision: self.revision,
            stage: rotation.stage.as_str().to_owned(),
            state: text(&rotation.state).map_err(|error| failed(error.message))?,
            finished: rotation.stage.is_over(),
        };
        let now = keyshoal_local::clock::now();
        let (_, revision) =
            vault.step_rotation(&step, instance.revision, changes, self.flow.author(), now).map_err(port)?;
        self.revision = revision;
        let instance = vault.instance(id).map_err(port)?;
        let hearing = holdings::holdings(vault, &instance, None).map_err(|error| failed(error.message))?;
        self.flow.installation.hold(&hearing)
    }
}

fn text(state: &State) -> Result<String, CommandError> {
    serde_json::to_string(state).map_err(|error| CommandError::internal(error.to_string()))
}

fn port(error: VaultError) -> PortError {
    PortError { message: error.to_string(), hint: None, retryable: error.is_retryable() }
}

fn failed(message: String) -> PortError {
    PortError { message, hint: None, retryable: false }
}
