//! The cells of the rows below an instance, in the order of their columns, without the instance's id and without what is sealed.

use crate::Cause;
use crate::load::{STATES, word};
use crate::session::{Value, json, values};
use keyshoal_core::vault::{VaultAgent, VaultBinding, VaultCredential, VaultVersion};

pub(crate) fn agent(place: usize, agent: &VaultAgent) -> Result<Vec<Value>, Cause> {
    Ok(values![
        agent.uid.to_string(),
        number(place)?,
        agent.id.as_str(),
        agent.name.as_deref(),
        agent.enabled,
        agent.default,
        json(&agent.models)?,
        agent.workspace.as_deref()
    ]
    .into())
}

pub(crate) fn binding(place: usize, binding: &VaultBinding) -> Result<Vec<Value>, Cause> {
    Ok(values![
        number(place)?,
        binding.agent.to_string(),
        json(&binding.matching)?,
        binding.comment.as_deref()
    ]
    .into())
}

pub(crate) fn credential(place: usize, credential: &VaultCredential) -> Result<Vec<Value>, Cause> {
    Ok(values![
        credential.uid.to_string(),
        number(place)?,
        credential.profile.as_str(),
        credential.provider.as_str(),
        credential.kind.as_str(),
        credential.agent.map(|agent| agent.to_string()),
        credential.current().is_none()
    ]
    .into())
}

pub(crate) fn version(credential: &str, version: &VaultVersion) -> Vec<Value> {
    values![
        credential,
        i64::from(version.number),
        word(&STATES, &version.state),
        version.created,
        version.since,
        version.by.as_str(),
        version.why.as_deref(),
        version.expires
    ]
    .into()
}

/// Puts the instance's id behind a row's own, as the tables of agents and credentials have it.
pub(crate) fn of_instance(cells: &[Value], instance: &Value) -> Vec<Value> {
    let (own, rest) = cells.split_at(1);
    [own, std::slice::from_ref(instance), rest].concat()
}

pub(crate) fn number<T: TryInto<i64>>(of: T) -> Result<i64, Cause> {
    of.try_into().map_err(|_| Cause::refused("there are too many of them"))
}
