//! The one question about a copied state directory: whose is it?

use super::Context;
use crate::arguments::AdoptWord;
use crate::error::CommandError;
use crate::ui::{Text, Tone, Ui};
use keyshoal_ledger::{Adopt, Identity};
use keyshoal_local::Installation;

/// Asks whose a copied directory is, where that is not certain. Returns whether something may be written.
pub fn settle(ui: &mut Ui, context: &Context<'_>, installation: &Installation) -> Result<bool, CommandError> {
    let found = installation.identity();
    if found.is_certain() {
        return Ok(true);
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
    ui.warn(
        "nothing was written: say whose this state directory is, at a terminal, or with --adopt new (an instance of its own) or --adopt moved (the same one)",
    );
    Ok(false)
}
