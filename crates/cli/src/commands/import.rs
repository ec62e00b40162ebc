//! `keyshoal import`: what an exported payload, or a copied state directory, would become here; and then it becomes that.

mod check;
mod source;
mod take;
mod vaulted;

use super::Context;
use crate::document::ImportDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::{Answer, Text, Ui};
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{Fingerprint, ProfileId, VerdictKind};
use keyshoal_seal::{FingerprintKey, KeyFile};
use keyshoal_transfer::{Choice, Facts, ImportPlan, Payload, preview};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
pub use take::{Access, Broken, Made};
use uuid::Uuid;

/// Arguments of `import`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal import home.payload --dry-run       show what it would make
  keyshoal import home.payload --check         ask the providers which of differing values are alive
  keyshoal import home.payload                 show it, ask, and make it: in the vault, and in OpenClaw's state directory
  keyshoal import home.payload --yes --watch-service --backup /mnt/backup/first.backup
  keyshoal import -                            paste it
  keyshoal import /mnt/old/.openclaw           a state directory that was copied over

Nothing is overwritten: a state directory that holds an installation is refused (keyshoal instance add takes that one in). The source
stays as it is. Where something fails, nothing is left of what had been begun. What a killed import has left is removed by the next one,
which says so first, and not where others have changed any of it since; keyshoal sync ends one that had only stores left to write.
Databases are made by OpenClaw's own program alone: by the one on the PATH or of --openclaw; without it, what needs them waits until OpenClaw has started once. A value of an agent that differs from the shared one is dropped only where its
provider rejects it and accepts the shared one; an accepted one becomes an override; any other is asked about, and kept as an override
when nobody answers.")]
pub struct ImportArgs {
    /// A payload, a state directory, or - for standard input
    #[arg(value_name = "PAYLOAD|DIR|-")]
    pub from: PathBuf,
    /// What the instance shall be called [default: the machine's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Whose it shall be
    #[arg(long, value_name = "NAME", default_value = keyshoal_vault::ORGANISATION)]
    pub organisation: String,
    /// A file with the one-time code [default: a hidden prompt]
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
    /// The key file that opens what was sealed for this machine [default: recipient.key beside the keys]
    #[arg(long, value_name = "FILE", conflicts_with = "code_file")]
    pub recipient_key: Option<PathBuf>,
    /// Of a state directory, move its logins here, each into one store; the old machine must not run any more then
    #[arg(long)]
    pub move_logins: bool,
    /// Ask the providers about values that differ between agents
    #[arg(long)]
    pub check: bool,
    /// Do not ask providers whether every agent is served afterwards
    #[arg(long, conflicts_with = "check")]
    pub offline: bool,
    /// OpenClaw's program, which makes its own databases [default: openclaw on the PATH]
    #[arg(long, value_name = "PATH")]
    pub openclaw: Option<PathBuf>,
    /// Then install the watch (keyshoal watch install-service)
    #[arg(long, conflicts_with = "dry_run")]
    pub watch_service: bool,
    /// Then back the vault up into this new file (keyshoal vault backup)
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub backup: Option<PathBuf>,
    /// Show what would be made, make nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Agree to it, and keep every value in question as an override; a vault is made where there is none
    #[arg(long, short, conflicts_with = "dry_run")]
    pub yes: bool,
}

/// Reads, shows, asks, and takes.
pub fn cmd_import(ui: &mut Ui, context: &Context<'_>, args: &ImportArgs) -> Result<Outcome, CommandError> {
    // The directory of the payload's files is let go of last.
    let source::Read { drafts: _drafts, payload, sealed } = source::read(ui, context, args)?;
    let prints = KeyFile::ephemeral()
        .map_err(|error| CommandError::io(error.to_string()))?
        .fingerprint_key(b"keyshoal import");
    // A program that is none is found out before anything is made.
    let program = take::program(context, args)?;
    let vault = vaulted::open(ui, context, args)?;
    let broken = Broken::find(context, args, vault.as_ref())?;
    let mut existing = match &vault {
        Some(vault) => vault.instances()?,
        None => Vec::new(),
    };
    existing.retain(|one| broken.as_ref().is_none_or(|broken| !broken.is_of(one)));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = args.name.as_deref().unwrap_or(&host);
    let mut known = Known {
        name,
        organisation: &args.organisation,
        program: program.as_ref(),
        existing: &existing,
        prints,
        verdicts: BTreeMap::new(),
        answers: BTreeMap::new(),
    };
    let mut plan = known.plan(&payload);
    if args.check {
        known.verdicts = check::ask(context, &payload, &plan)?;
        plan = known.plan(&payload);
    }
    let document = |plan: &ImportPlan| ImportDocument::of(plan, sealed, false).removing(broken.as_ref());
    let removes = broken.iter().flat_map(|broken| broken.said().wrapped(ui.width(), 4));
    ui.data(&removes.collect::<Vec<_>>());
    ui.data(&render::import::preview(&plan, sealed, ui.width()));
    if let Some(program) = &program {
        program.require_fit(&plan)?;
    }
    let may = plan.conflicts.is_empty();
    let attention = Outcome::attention_if(!may || !plan.questions.is_empty());
    if args.dry_run || !may {
        ui.document(&document(&plan))?;
        return Ok(attention);
    }
    if !args.yes && !ui.can_ask() {
        ui.document(&document(&plan))?;
        ui.say(&Text::of("Nothing was made: agree with --yes."));
        return Ok(Outcome::Attention);
    }
    let state_dir = match &broken {
        Some(broken) => broken.dir().to_owned(),
        None => take::place::free(context)?,
    };
    if !args.yes {
        known.answer(ui, &plan)?;
        plan = known.plan(&payload);
        let mut question: Vec<Text> = broken.iter().map(Broken::said).collect();
        question.push(Text::of(format!("It goes to {}.", state_dir.display())));
        if vault.is_none() {
            question.push(vaulted::offer(context)?);
        }
        question.push(render::import::question(&plan));
        if ui.ask(&question, false)? != Some(Answer::Yes) {
            ui.say(&Text::of("Nothing was made."));
            return Ok(Outcome::Fine);
        }
    }
    plan.keep_what_is_open();
    if let Some(broken) = broken {
        broken.remove(ui, context, vault.as_ref())?;
        take::place::free(context)?;
    }
    let fresh = vault.is_none();
    let vault = match vault {
        Some(vault) => vault,
        None => vaulted::make(ui, context)?,
    };
    let vault = Arc::new(vault);
    take::take(ui, context, take::Agreed { plan, payload, sealed, state_dir, vault, fresh, program, args })
}

/// What is known beside the payload, as it grows.
struct Known<'a> {
    name: &'a str,
    organisation: &'a str,
    program: Option<&'a take::Program>,
    existing: &'a [VaultInstance],
    prints: FingerprintKey,
    verdicts: BTreeMap<Fingerprint, VerdictKind>,
    answers: BTreeMap<(ProfileId, Fingerprint), Choice>,
}

impl Known<'_> {
    fn plan(&self, payload: &Payload) -> ImportPlan {
        let facts = Facts {
            name: self.name,
            organisation: self.organisation,
            existing: self.existing,
            verdicts: &self.verdicts,
            answers: &self.answers,
            prints: &self.prints,
            in_place: false,
        };
        let mut plan = preview(payload, &facts, &mut Uuid::new_v4);
        plan.warnings.extend(self.program.and_then(|program| program.on_an_earlier_config(&plan)));
        plan.warnings.extend(take::no_place_for_logins(self.program, &plan));
        plan
    }

    fn answer(&mut self, ui: &mut Ui, plan: &ImportPlan) -> Result<(), CommandError> {
        for question in &plan.questions {
            let keep = ui.ask(&render::import::about(plan, question), true)? == Some(Answer::Yes);
            let choice = if keep { Choice::Override } else { Choice::Shared };
            self.answers.insert((question.profile.clone(), question.fingerprint), choice);
        }
        Ok(())
    }
}
