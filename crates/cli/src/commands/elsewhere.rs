//! The installation of an instance of the vault, where it is on this machine.

use super::Context;
use crate::root::{self, OpenFor};
use crate::ui::Ui;
use keyshoal_core::vault::VaultInstance;
use keyshoal_local::Installation;
use std::path::PathBuf;

/// Opens it, or says why it cannot be reached from here. Nobody is asked anything.
pub fn installation(
    ui: &mut Ui,
    context: &Context<'_>,
    wanted: OpenFor,
    instance: &VaultInstance,
) -> Result<Installation, String> {
    let state_dir = instance.state_dir.as_ref().map(PathBuf::from).ok_or("the vault knows no place of it")?;
    if !keyshoal_openclaw::files::is_dir(&state_dir) {
        return Err(format!(
            "there is no {} on this machine (where it was moved: keyshoal --state-dir DIR sync   has the vault know)",
            state_dir.display()
        ));
    }
    let mut globals = context.globals.clone();
    let mut world = context.world.clone();
    // The environment may name another installation's config.
    world.environment.vars.remove("OPENCLAW_CONFIG_PATH");
    globals.config = instance.config.as_ref().map(PathBuf::from);
    globals.state_dir = Some(state_dir);
    let installation = root::open(&world, &globals, wanted).map_err(|error| error.message)?;
    for note in installation.notes() {
        ui.warn(&format!("{}: {note}", instance.name));
    }
    if !installation.identity().is_certain() {
        return Err(format!("it is not certain whose state directory this is: {}", installation.identity()));
    }
    if installation.instance_id().as_ref() != Some(&instance.id) {
        return Err("another instance is in its state directory".to_owned());
    }
    Ok(installation)
}
