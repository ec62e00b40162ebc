//! Values whose grace time is over: who comes by with the vault open retires them. Nobody has to come back for that a day later.

use super::stands;
use crate::error::CommandError;
use keyshoal_core::vault::{VaultCredential, VaultInstance, VaultVersion, VersionState};
use keyshoal_core::{InstanceId, ProfileId, Timestamp};
use keyshoal_engine::rotate::{Stage, State};
use keyshoal_vault::{AtWork, Author, Cause, Change, Rotation, RotationStep, Vault};

/// A rotation that is not finished, with what it remembers.
struct Open {
    row: Rotation,
    state: State,
}

/// Retires what of an instance is over, with what of other instances goes with it. Returns the profiles.
pub fn retire(
    vault: &Vault,
    instance: &InstanceId,
    author: &Author,
    now: Timestamp,
) -> Result<Vec<ProfileId>, CommandError> {
    let mut retired = Vec::new();
    for one in open(vault, instance)?.into_iter().filter(|one| one.is_over(now)) {
        let credential = one.row.credential;
        let all = whole(vault, one)?;
        if !all.iter().all(|part| part.is_over(now)) {
            continue;
        }
        let Some(_at_work) = at_work(vault, &all, author, now)? else { continue };
        let (mut steps, mut named) = (Vec::new(), None);
        for part in all {
            let instance = vault.instance(&part.row.instance)?;
            let retires = part.of(&instance).and_then(|of| Some((of.profile.clone(), part.retires(of)?)));
            let (profile, change) = retires.unzip();
            if part.row.credential == credential {
                named = profile;
            }
            steps.push((part.last_step(), instance.revision, change.into_iter().collect()));
        }
        vault.step_rotations(steps, author, now)?;
        retired.extend(named);
    }
    Ok(retired)
}

impl Open {
    /// Tells whether every agent has the present value, and nothing keeps the one before, or the newer one, any longer.
    fn is_over(&self, now: Timestamp) -> bool {
        let waits = Stage::parse(&self.row.stage).is_some_and(|stage| self.state.only_waits(stage));
        waits && self.state.until.is_some_and(|until| until <= now)
    }

    fn of<'i>(&self, instance: &'i VaultInstance) -> Option<&'i VaultCredential> {
        instance.credentials.iter().find(|one| one.uid == self.row.credential)
    }

    /// Retires the value that it keeps. One that came after it is not its own to retire, nor is anything left of what was dropped.
    fn retires(&self, of: &VaultCredential) -> Option<Change> {
        let proven = self.state.proven?;
        let own = |one: &&VaultVersion| one.state == VersionState::Previous && one.since <= proven;
        of.versions.iter().find(own).map(|_| Change::RetirePrevious(of.uid))
    }

    fn last_step(self) -> RotationStep {
        let Rotation { id, revision, state, stage, .. } = self.row;
        let back = Stage::parse(&stage) == Some(Stage::RolledBack);
        let stage = if back { stage } else { Stage::Finished.as_str().to_owned() };
        RotationStep { id, expected_revision: revision, stage, state, finished: true }
    }
}

fn open(vault: &Vault, instance: &InstanceId) -> Result<Vec<Open>, CommandError> {
    vault
        .open_rotations(instance)?
        .into_iter()
        .map(|row| Ok(Open { state: stands::state_of(&row)?, row }))
        .collect()
}

/// Returns a rotation with its parts in other instances, where it is one over several.
fn whole(vault: &Vault, one: Open) -> Result<Vec<Open>, CommandError> {
    let Some(together) = &one.state.together else { return Ok(vec![one]) };
    let mut all = Vec::new();
    for instance in vault.instances()? {
        all.extend(open(vault, &instance.id)?);
    }
    all.retain(|part| part.state.together.as_ref().is_some_and(|part| part.id == together.id));
    Ok(all)
}

/// Keeps others from working on them; `None` where somebody does already.
fn at_work(
    vault: &Vault,
    all: &[Open],
    author: &Author,
    now: Timestamp,
) -> Result<Option<Vec<AtWork>>, CommandError> {
    let begun = all.iter().map(|part| vault.work_on_rotation(part.row.credential, author, now));
    match begun.collect::<Result<Vec<_>, _>>() {
        Ok(begun) => Ok(Some(begun)),
        Err(error) if matches!(error.cause, Cause::AtWork(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::due::{self, AtHand};
    use super::*;
    use keyshoal_core::vault::CredentialUid;
    use keyshoal_core::{CredentialKind, Secret};
    use keyshoal_engine::rotate::Together;
    use keyshoal_seal::KeyEncryptionKey;
    use keyshoal_vault::{KeySource, NewCredential, NewInstance, NewKey, NewRotation, ORGANISATION};

    const NOW: i64 = 1_790_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(NOW + second).unwrap()
    }

    fn author() -> Author {
        Author { by: "ann@there".to_owned(), why: None }
    }

    fn value(text: &str) -> Secret {
        Secret::new(format!(r#"{{"type":"api_key","provider":"acme","key":"{text}"}}"#))
    }

    fn id(name: &str) -> InstanceId {
        InstanceId::new(name.to_owned())
    }

    /// An instance with one credential whose rotation stands there.
    fn add(
        vault: &Vault,
        name: &str,
        stage: Stage,
        until: Option<i64>,
        together: Option<&str>,
    ) -> CredentialUid {
        let uid = CredentialUid(uuid::Uuid::new_v4());
        let new = NewInstance {
            id: id(name),
            organisation: ORGANISATION.to_owned(),
            name: name.to_owned(),
            state_dir: None,
            config: None,
        };
        let credential = NewCredential {
            uid,
            profile: "acme:default".into(),
            provider: "acme".into(),
            kind: CredentialKind::ApiKey,
            agent: None,
            value: value("one"),
            expires: None,
            origin: None,
        };
        vault.add_instance(&new, vec![Change::PutCredential(credential)], &author(), at(-90)).unwrap();
        let state = State {
            proven: until.map(|until| at(until - 60)),
            until: until.map(at),
            together: together.map(|id| Together { id: id.to_owned(), wave: 0 }),
            ..State::default()
        };
        let staged = NewRotation {
            id: format!("rotation-{name}"),
            instance: id(name),
            expected_revision: vault.instance(&id(name)).unwrap().revision,
            credential: uid,
            stage: stage.as_str().to_owned(),
            state: serde_json::to_string(&state).unwrap(),
            changes: vec![
                Change::StageVersion { credential: uid, value: value("two"), expires: None },
                Change::Publish(uid),
            ],
        };
        vault.begin_rotations(vec![staged], &author(), at(-80)).unwrap();
        uid
    }

    fn keeps_the_one_before(vault: &Vault, name: &str) -> bool {
        let instance = vault.instance(&id(name)).unwrap();
        let versions = instance.credentials.iter().flat_map(|one| &one.versions);
        versions.filter(|version| version.state == VersionState::Previous).count() == 1
    }

    fn vault(dir: &tempfile::TempDir) -> Vault {
        let key = KeyEncryptionKey::from_bytes([7; 32]);
        let source = KeySource::File { path: "/keys/one".to_owned() };
        let path = dir.path().join("kept/vault.sqlite");
        Vault::create(&path, &NewKey { key, source }, &author(), at(-100)).unwrap()
    }

    #[test]
    fn what_was_set_in_the_grace_time_leaves_its_own_way_back() {
        let dir = tempfile::tempdir().unwrap();
        let vault = vault(&dir);
        let credential = add(&vault, "home", Stage::Proven, Some(0), None);
        let gone = add(&vault, "gone", Stage::Proven, Some(0), None);
        let change = |name: &str, changes| {
            let revision = vault.instance(&id(name)).unwrap().revision;
            vault.change(&id(name), revision, changes, &author(), at(-10)).unwrap();
        };
        let staged = Change::StageVersion { credential, value: value("three"), expires: None };
        change("home", vec![staged, Change::Publish(credential)]);
        change("gone", vec![Change::DropCredential(gone)]);
        for name in ["home", "gone"] {
            assert_eq!(retire(&vault, &id(name), &author(), at(0)).unwrap(), Vec::<ProfileId>::new());
            assert!(vault.rotations(&id(name)).unwrap().iter().all(|row| row.finished.is_some()), "{name}");
        }
        assert!(keeps_the_one_before(&vault, "home"));
    }

    #[test]
    fn what_is_over_everywhere_is_retired_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let vault = vault(&dir);
        let over = [
            ("alone", Stage::Proven, Some(0), None),
            ("one-of-two", Stage::Proven, Some(-5), Some("two")),
            ("other-of-two", Stage::Proven, Some(0), Some("two")),
        ];
        let kept = [
            ("waits", Stage::Proven, Some(1), None),
            ("unproven", Stage::Published, Some(-5), None),
            ("opened-for-its-way-back", Stage::Proven, None, None),
            ("with-one-that-waits", Stage::Proven, Some(-5), Some("late")),
            ("waits-with-one", Stage::Proven, Some(1), Some("late")),
            ("with-one-that-fails", Stage::Proven, Some(-5), Some("failed")),
            ("fails-with-one", Stage::RolledBack, Some(-5), Some("failed")),
        ];
        for (name, stage, until, together) in over.into_iter().chain(kept) {
            add(&vault, name, stage, until, together);
        }
        // What rotate --due says that the next sync retires is that.
        for (name, ..) in over.into_iter().chain(kept) {
            let row = vault.open_rotations(&id(name)).unwrap().remove(0);
            let said = due::at_hand(&row, &due::together(&vault, &row).unwrap()).unwrap();
            let by_itself = matches!(said, Some(AtHand::Until(until)) if until <= at(0));
            assert_eq!(by_itself, over.iter().any(|one| one.0 == name), "{name}: {said:?}");
        }
        let worked_on = add(&vault, "worked-on", Stage::Proven, Some(-5), None);
        let at_work = vault.work_on_rotation(worked_on, &author(), at(0)).unwrap();
        let retired = |name: &str| retire(&vault, &id(name), &author(), at(0)).unwrap().len();
        for (name, ..) in kept {
            assert_eq!((retired(name), keeps_the_one_before(&vault, name)), (0, true), "{name}");
        }
        assert_eq!((retired("worked-on"), keeps_the_one_before(&vault, "worked-on")), (0, true));
        drop(at_work);
        assert_eq!((retired("worked-on"), keeps_the_one_before(&vault, "worked-on")), (1, false));
        assert_eq!((retired("alone"), retired("alone")), (1, 0));
        assert_eq!((retired("one-of-two"), retired("other-of-two")), (1, 0), "one step retires both");
        for (name, ..) in over {
            assert!(!keeps_the_one_before(&vault, name), "{name}");
            let rows = vault.rotations(&id(name)).unwrap();
            assert!(
                rows.iter().all(|row| row.finished.is_some() && row.stage == Stage::Finished.as_str()),
                "{name}"
            );
        }
    }
}
