//! The one question about a copied state directory: whose is it?

use super::Context;
use crate::arguments::AdoptWord;
use crate::error::CommandError;
use crate::root;
use crate::ui::{Text, Tone, Ui};
use keyshoal_ledger::{Adopt, Identity};
use keyshoal_local::Installation;

/// Asks whose a copied directory is, where that is not certain. Returns whether something may be written.
pub fn settle(ui: &mut Ui, context: &Context<'_>, installation: &Installation) -> Result<bool, CommandError> {
    let found = installation.identity();
    if found.is_certain() {
        return Ok(true);
    }
    let other_key = matches!(found, Identity::OtherKey { .. });
    if other_key && context.globals.adopt == Some(AdoptWord::Moved) {
        // Its fingerprints stay incomparable whatever a person says.
        let mut error = CommandError::user(format!("--adopt moved does not help: {found}"));
        error.hints = ways_with_other_keys(context)?;
        return Err(error);
    }
    if let Some(word) = context.globals.adopt {
        let way = match word {
            AdoptWord::New => Adopt::AsNew,
            AdoptWord::Moved => Adopt::AsMoved,
        };
        return Ok(installation.adopt(way)?.is_certain());
    }
    let own = Text::of("an instance of its own (it gets an id of its own)");
    let moved = Text::of("the same instance at another place");
    let question = [Text::toned(Tone::Doubt, "? ").plain(found.to_string())];
    let (answers, ways) = match found {
        Identity::OtherKey { .. } => (vec![own], vec![Adopt::AsNew]),
        _ => (vec![own, moved], vec![Adopt::AsNew, Adopt::AsMoved]),
    };
    if let Some(chosen) = ui.choose(&question, &answers)? {
        let now = installation.adopt(ways[chosen])?;
        return Ok(now.is_certain());
    }
    if other_key {
        ui.warn("nothing was written: the keys at hand are not those that the memory of this state directory was written with");
        for way in ways_with_other_keys(context)? {
            ui.show(&Text::toned(Tone::Strong, "  → ").plain(way));
        }
        return Ok(false);
    }
    ui.warn(
        "nothing was written: say whose this state directory is, at a terminal, or with --adopt new (an instance of its own) or --adopt moved (the same one)",
    );
    Ok(false)
}

/// Says what can be done where the keys at hand are not those that the memory was written with, one line each.
fn ways_with_other_keys(context: &Context<'_>) -> Result<Vec<String>, CommandError> {
    let dir = root::keys_dir_or_default(context.world, context.globals)?;
    Ok(vec![
        format!("the keys at hand are in {}; --keys-dir DIR   names those that wrote it", dir.display()),
        "where those are lost: --adopt new   makes it an instance of its own, which no vault knows yet; keyshoal instance add --name NAME   takes it in under a name that is free, keyshoal instance join NAME   as what the vault has of it already"
            .to_owned(),
    ])
}
