//! `keyshoal vault repair`: what is damaged, where it can be had again, and mending it.

use super::keeping;
use crate::commands::{Context, identity, instance, shared};
use crate::document::VaultDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::holdings::Need;
use crate::root::vault::{self, BackupKey};
use crate::root::{OpenFor, locations};
use crate::ui::{Answer, Text, Tone, Ui};
use keyshoal_core::vault::Delivery;
use keyshoal_core::{Fingerprint, ProfileId, Secret};
use keyshoal_local::Installation;
use keyshoal_openclaw::store::StoredProfile;
use keyshoal_transfer::Facts;
use keyshoal_vault::{Change, Mend, NewInstance, ORGANISATION, Origin, Shown, Sources, Vault};
use std::path::PathBuf;

/// Arguments of `vault repair`.
#[derive(Clone, Debug, clap::Args)]
pub struct RepairArgs {
    /// Take what is damaged from this backup of the same vault, where it has that
    #[arg(long, value_name = "BACKUP")]
    pub from: Option<PathBuf>,
    /// Where the backup's key is, if not where the backup says.
    #[command(flatten)]
    pub key: BackupKey,
    /// Also take out what only another installation could give back
    #[arg(long)]
    pub take_out: bool,
    /// Show what would be done, do nothing (exit code 2 where there is something to do)
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
}

/// Says what is damaged, asks, and mends it.
pub(super) fn repair(ui: &mut Ui, context: &Context<'_>, args: &RepairArgs) -> Result<Outcome, CommandError> {
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    let key = args.key.options();
    let backup = match &args.from {
        Some(file) => {
            let keys = keeping::keys(ui, context, file, &key, keeping::Absent::Refused)?.0;
            Some(Vault::read_backup(file, &keys)?)
        }
        None if key.is_empty() => None,
        None => return Err(CommandError::usage("where the key comes from is said of a backup (--from)")),
    };
    let author = vault::author(context.world, Some("repair"));
    let now = keyshoal_local::clock::now();
    let installation = bound(ui, context, &vault)?;
    let print = |profile: &ProfileId, entry: &Secret| -> Option<Fingerprint> {
        let stored = StoredProfile::parse(profile, entry).ok()?;
        stored.material(installation.as_ref()?.fingerprints()).fingerprint()
    };
    let same = |profile: &ProfileId, one: &Secret, other: &Secret| {
        let found = print(profile, one);
        found.is_some() && found == print(profile, other)
    };
    let shown = match &installation {
        Some(installation) => {
            let (new, delivery, changes) = seen(context, installation)?;
            let shown = Shown::new(&new, delivery, changes, &author, now, &same);
            Some(shown.map_err(|cause| CommandError::user(cause.to_string()))?)
        }
        None => None,
    };
    let sources = Sources { shown: shown.as_ref(), backup: backup.as_ref(), take_out: args.take_out };
    let mends = vault.try_repair(sources, &author, now)?;
    ui.data(&render::vault::mends(&mends));
    let document = VaultDocument::of("repair", vault.path());
    let left = mends.iter().any(Mend::needs_attention);
    if mends.iter().all(|mend| mend.from == Origin::Left) || args.dry_run {
        ui.document(&document.mended(&mends, None))?;
        return Ok(Outcome::attention_if(!mends.is_empty()));
    }
    if !args.yes && !agreed(ui)? {
        ui.document(&document.mended(&mends, None))?;
        return Ok(Outcome::Attention);
    }
    let kept = vault.keep_aside(now)?;
    vault.repair(sources, &mends, &author, now)?;
    ui.say(&Text::toned(Tone::Good, "✓ repaired").plain(format!(
        "; the damaged file is kept as {}. keyshoal diff   shows what the vault would change",
        kept.display()
    )));
    ui.document(&document.mended(&mends, Some(&kept)))?;
    Ok(Outcome::attention_if(left))
}

fn agreed(ui: &mut Ui) -> Result<bool, CommandError> {
    let answer = ui.ask(&[Text::of("repair the vault so?")], true)?;
    ui.say(&Text::of(match answer {
        Some(Answer::Yes) => return Ok(true),
        Some(Answer::No) => "nothing was changed",
        None => "nothing was changed: nobody is there to ask. Agree with --yes",
    }));
    Ok(false)
}

/// Opens the installation that the options name, where this vault is the one that says what is right there.
fn bound(ui: &mut Ui, context: &Context<'_>, vault: &Vault) -> Result<Option<Installation>, CommandError> {
    let found = locations(context.world, context.globals);
    if !found.is_ok_and(|found| keyshoal_openclaw::files::exists(&found.state_dir)) {
        ui.say(&Text::of("no installation is here to be looked at (--state-dir names one)"));
        return Ok(None);
    }
    let opened = OpenFor { offline: true, vault: Need::Not, ..OpenFor::default() };
    let installation = shared::open(ui, context, opened)?;
    if installation.vault_id()?.as_deref() != Some(vault.id()) {
        ui.say(&Text::of(format!(
            "{} has nothing to do with this vault",
            installation.state_dir().display()
        )));
        return Ok(None);
    }
    Ok(identity::settle(ui, context, &installation)?.then_some(installation))
}

/// Looks at what an installation's agents hold: as if it were taken in, but that nothing of it is judged.
fn seen(
    context: &Context<'_>,
    installation: &Installation,
) -> Result<(NewInstance, Delivery, Vec<Change>), CommandError> {
    let id = installation
        .instance_id()
        .ok_or_else(|| CommandError::io("this installation's memory cannot be read"))?;
    let host = instance::hostname();
    let facts = Facts {
        name: &host,
        organisation: ORGANISATION,
        existing: &[],
        verdicts: &Default::default(),
        answers: &Default::default(),
        prints: installation.fingerprints(),
        in_place: true,
    };
    let plan = instance::plan(context, installation, &id, &facts)?;
    let new = NewInstance {
        id,
        organisation: plan.organisation.clone(),
        name: plan.name.clone(),
        state_dir: Some(installation.state_dir().display().to_string()),
        config: Some(installation.config_path().display().to_string()),
    };
    Ok((new, plan.delivery, instance::changes_of(plan)))
}
