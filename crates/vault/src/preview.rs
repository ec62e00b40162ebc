//! What changes would make of an instance, before anything is written.

use crate::apply::Work;
use crate::values::Value;
use crate::{Author, Cause, Change};
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{Secret, Timestamp};
use std::collections::BTreeMap;

/// An instance as changes would make it.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The instance.
    pub instance: VaultInstance,
    /// The values that would come in.
    pub fresh: Vec<Value>,
    /// The documents that would be put, or removed (`None`).
    pub documents: BTreeMap<String, Option<Secret>>,
}

/// Makes changes of an instance that was read, and writes nothing. Refuses what writing would refuse.
pub fn preview(
    instance: &VaultInstance,
    changes: &[Change],
    who: &Author,
    now: Timestamp,
) -> Result<Preview, Cause> {
    let mut work = Work::new(instance.clone(), who, now);
    changes.iter().cloned().try_for_each(|change| work.apply(change))?;
    let Work { instance, fresh, documents, .. } = work;
    let state = |one: &crate::apply::Fresh| {
        let credential = instance.credentials.iter().find(|known| known.uid == one.credential)?;
        Some(credential.versions.iter().find(|version| version.number == one.number)?.state)
    };
    let fresh = fresh
        .iter()
        .filter_map(|one| {
            Some(Value {
                credential: one.credential,
                number: one.number,
                state: state(one)?,
                value: one.value.clone(),
            })
        })
        .collect();
    Ok(Preview { instance, fresh, documents })
}
