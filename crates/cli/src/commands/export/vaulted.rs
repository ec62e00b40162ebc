//! What only the vault has of an instance: it goes into the payload too.

use crate::commands::{Context, shared};
use crate::error::CommandError;
use crate::root::OpenFor;
use crate::root::holdings::{self, Need};
use crate::ui::Ui;
use keyshoal_core::AgentId;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_engine::ports::Remember as _;
use keyshoal_openclaw::config;
use keyshoal_openclaw::locate::Locations;
use keyshoal_transfer::vaulted::{Word, hear as put};
use keyshoal_transfer::{Payload, gather_disabled};
use keyshoal_vault::ENTRIES;

/// Puts it in, where a vault says what is right here. One that does not open is an error: the payload would lack what nobody sees.
pub fn hear(
    ui: &mut Ui,
    context: &Context<'_>,
    locations: &Locations,
    mut payload: Payload,
) -> Result<Payload, CommandError> {
    if !locations.state_dir.join(".keyshoal").is_dir() {
        return Ok(payload);
    }
    let wanted = OpenFor { offline: true, vault: Need::Not, ..OpenFor::default() };
    let installation = shared::open(ui, context, wanted)?;
    if installation.instance_id().is_none() {
        return Err(CommandError::io(format!(
            "what is remembered of {} cannot be read ({}), so it is not known whether a vault says what is right here",
            locations.state_dir.display(),
            installation.notes().join("; ")
        ))
        .hint("run it as the user whose installation it is, with that user's keys (--keys-dir)"));
    }
    let Some(held) = holdings::hold(ui, context.world, context.globals, &installation, Need::Certainly)?
    else {
        return Ok(payload);
    };
    let (vault, instance) = (&held.vault, &held.instance);
    let values = vault.values(&instance.id)?;
    let documents = vault.documents(&instance.id)?;
    let kept = installation.knowledge()?.kept;
    let word = Word {
        instance,
        values: values.into_iter().map(|one| (one.credential, one.number, one.value)).collect(),
        entries: documents
            .into_iter()
            .filter_map(|(name, text)| Some((AgentId::new(name.strip_prefix(ENTRIES)?), text)))
            // What cannot be read of what it includes is left out by whom it is handed to.
            .map(|(id, text)| (id, config::in_full(locations, &text).unwrap_or(text)))
            .collect(),
        kept: kept.into_iter().filter(|(_, mark)| mark.by == KeptBy::Person).map(|(of, _)| of).collect(),
    };
    put(&mut payload, &word);
    gather_disabled(payload, locations, &context.world.environment, &instance.agents)
        .map_err(|error| CommandError::io(error.to_string()))
}
