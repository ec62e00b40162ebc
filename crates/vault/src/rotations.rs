//! Rotations that are under way or over: a row each, changed by compare-and-set, so that a crash leaves the last step that was done.

use crate::load::checked;
use crate::session::{Row, Session, Value, values};
use crate::vault::{at_revision, make};
use crate::write::Pen;
use crate::{Author, Cause, Change, Vault, VaultError, queries};
use keyshoal_core::vault::CredentialUid;
use keyshoal_core::{InstanceId, Timestamp};
use keyshoal_seal::{IntegrityKey, same_tag};

/// One rotation of one credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Its id, made by whoever begins it.
    pub id: String,
    /// Of which instance.
    pub instance: InstanceId,
    /// Of which credential. Each has at most one that is not finished.
    pub credential: CredentialUid,
    /// Where it stands, in its owner's words.
    pub stage: String,
    /// What its owner remembers, as JSON text without secrets.
    pub state: String,
    /// When it began.
    pub created: Timestamp,
    /// When it last moved.
    pub updated: Timestamp,
    /// When it ended, well or not.
    pub finished: Option<Timestamp>,
    /// Goes up by one with every step. A step names the revision that it was made from.
    pub revision: u64,
}

/// A rotation that begins.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRotation {
    /// Its id.
    pub id: String,
    /// Of which instance.
    pub instance: InstanceId,
    /// The revision of the instance that it was made for.
    pub expected_revision: u64,
    /// Of which credential.
    pub credential: CredentialUid,
    /// Where it stands.
    pub stage: String,
    /// What its owner remembers.
    pub state: String,
    /// What changes with its first step.
    pub changes: Vec<Change>,
}

/// Where a rotation stands from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationStep {
    /// Which rotation.
    pub id: String,
    /// The revision that the step was made from.
    pub expected_revision: u64,
    /// The stage from now on.
    pub stage: String,
    /// What its owner remembers from now on.
    pub state: String,
    /// Whether it is over.
    pub finished: bool,
}

impl Vault {
    /// Returns the rotations of an instance, the oldest first.
    pub fn rotations(&self, instance: &InstanceId) -> Result<Vec<Rotation>, VaultError> {
        self.database.read(|db| {
            let of = checked(db, &self.tags, instance)?;
            let rows = db.query(queries::ROTATIONS, &values![instance.as_str()])?;
            of.check_rotations(&rows)?;
            rows.iter().map(|row| rotation(row, &self.tags)).collect()
        })
    }

    /// Returns those of an instance that are not finished, the oldest first.
    pub fn open_rotations(&self, instance: &InstanceId) -> Result<Vec<Rotation>, VaultError> {
        let all = self.rotations(instance)?;
        Ok(all.into_iter().filter(|one| one.finished.is_none()).collect())
    }

    /// Returns one rotation. `None` when there is none with this id.
    pub fn rotation(&self, id: &str) -> Result<Option<Rotation>, VaultError> {
        self.database.read(|db| find(db, &self.tags, id))
    }

    /// Begins rotations, each of another instance, and makes the changes that belong to their first step: all or none. Refused while
    /// another rotation of one of the credentials is not finished. Each rotation has revision 1.
    pub fn begin_rotations(
        &self,
        new: Vec<NewRotation>,
        who: &Author,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(now, |pen| new.into_iter().try_for_each(|one| begin(pen, one, who, now)))
    }

    /// Takes rotations one step on, each of another instance, and makes the changes that belong to the step: all or none. Each comes with
    /// the changes there and the revision of the instance that they are for. Without changes an instance keeps its revision, whichever
    /// that is; a rotation's goes up by one.
    pub fn step_rotations(
        &self,
        steps: Vec<(RotationStep, u64, Vec<Change>)>,
        who: &Author,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(now, |pen| {
            let mut steps = steps.into_iter();
            steps.try_for_each(|(step, revision, changes)| take_on(pen, &step, revision, changes, who, now))
        })
    }
}

fn begin(pen: &Pen<'_>, new: NewRotation, who: &Author, now: Timestamp) -> Result<(), Cause> {
    let NewRotation { id, instance, expected_revision, credential, stage, state, changes } = new;
    let before = at_revision(pen, &instance, expected_revision)?;
    if !before.credentials.iter().any(|one| one.uid == credential) {
        return Err(Cause::refused(format!("there is no credential {credential}")));
    }
    if let Some(open) = pen.db.one(queries::OPEN_ROTATION_OF, &values![credential.to_string()])? {
        return Err(Cause::refused(format!("rotation {} of it is not finished", open.text(0)?)));
    }
    if !changes.is_empty() {
        make(pen, before, changes, who, Vec::new())?;
    }
    let row =
        values![id, instance.as_str(), credential.to_string(), stage, state, now, now, None::<i64>, 1_i64];
    let tag = tag(pen.tags, &row);
    pen.db.touch(queries::NEW_ROTATION, &[row.as_slice(), &values![tag.as_slice()]].concat())?;
    pen.tag(&instance)
}

fn take_on(
    pen: &Pen<'_>,
    step: &RotationStep,
    expected_revision: u64,
    changes: Vec<Change>,
    who: &Author,
    now: Timestamp,
) -> Result<(), Cause> {
    let of = find(pen.db, pen.tags, &step.id)?
        .ok_or_else(|| Cause::refused(format!("there is no rotation {}", step.id)))?;
    if let Some(finished) = of.finished {
        return Err(Cause::refused(format!("rotation {} ended at {finished}", step.id)));
    }
    let conflict = || Cause::RotationMoved {
        id: step.id.clone(),
        stage: of.stage.clone(),
        expected: step.expected_revision,
        found: of.revision,
    };
    if of.revision != step.expected_revision {
        return Err(conflict());
    }
    if !changes.is_empty() {
        let before = at_revision(pen, &of.instance, expected_revision)?;
        make(pen, before, changes, who, Vec::new())?;
    }
    let next = of.revision + 1;
    let number = |revision| i64::try_from(revision).map_err(|_| conflict());
    let finished = step.finished.then_some(now);
    let (stage, state) = (step.stage.as_str(), step.state.as_str());
    let tag = tag(
        pen.tags,
        &values![
            step.id.as_str(),
            of.instance.as_str(),
            of.credential.to_string(),
            stage,
            state,
            of.created,
            now,
            finished,
            number(next)?
        ],
    );
    let touched = pen.db.execute(
        queries::SET_ROTATION,
        &values![
            step.id.as_str(),
            number(of.revision)?,
            stage,
            state,
            now,
            finished,
            number(next)?,
            tag.as_slice()
        ],
    )?;
    if touched != 1 {
        return Err(conflict());
    }
    pen.tag(&of.instance)
}

fn find(db: &dyn Session, tags: &IntegrityKey, id: &str) -> Result<Option<Rotation>, Cause> {
    db.one(queries::ROTATION, &values![id])?.map(|row| rotation(&row, tags)).transpose()
}

/// Where a row has its tag.
const TAG: usize = 9;

/// Reads one, and refuses it when somebody has changed it.
pub(crate) fn rotation(row: &Row, tags: &IntegrityKey) -> Result<Rotation, Cause> {
    if !same_tag(&tag(tags, &row.values()[..TAG]), row.bytes(TAG)?) {
        return Err(Cause::Altered(format!("rotation {}", row.text(0)?)));
    }
    Ok(Rotation {
        id: row.string(0)?,
        instance: InstanceId::new(row.string(1)?),
        credential: CredentialUid(row.uid(2)?),
        stage: row.string(3)?,
        state: row.string(4)?,
        created: row.time(5)?,
        updated: row.time(6)?,
        finished: row.maybe_time(7)?,
        revision: row.counted(8)?,
    })
}

fn tag(tags: &IntegrityKey, row: &[Value]) -> [u8; 32] {
    tags.tag("keyshoal vault rotation v1", |parts| row.iter().for_each(|value| parts.push(&value.bytes())))
}
