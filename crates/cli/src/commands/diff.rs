//! `keyshoal diff`: what `sync` would do.

use super::rotate::half_done;
use super::{Context, shared};
use crate::arguments::ScopeArgs;
use crate::document::DiffDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::{self, OpenFor};
use crate::ui::{Text, Tone, Ui};
use crate::view::status::StatusView;
use keyshoal_core::{Finding, FindingKind};
use keyshoal_engine::{SyncOptions, SyncReport, Unattended};

/// Arguments of `diff`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  keyshoal diff
  keyshoal diff --provider anthropic --offline

Values that differ are asked about once at their provider, as sync does; --offline does without.")]
pub struct DiffArgs {
    /// What to limit it to.
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// Plans and shows; exit code 2 when there is something to do or to decide, a rotation is half done, or an import has not ended.
pub fn cmd_diff(ui: &mut Ui, context: &Context<'_>, args: &DiffArgs) -> Result<Outcome, CommandError> {
    let wanted = OpenFor { offline: args.scope.offline, ..OpenFor::default() };
    let (installation, held) = shared::open_held(ui, context, wanted)?;
    let options = SyncOptions { dry_run: true, ..args.scope.sync_options() };
    let progress = ui.progress();
    let report =
        keyshoal_engine::sync(&installation, &options, &mut Unattended, &mut shared::shown(&progress))?;
    drop(progress);
    args.scope.check(&report.look)?;
    shared::warn_not_remembered(ui, &report.look);
    let left = left_over(&report);
    let rotations = held.as_ref().map(half_done).transpose()?.unwrap_or_default();
    let import = root::unfinished_import(installation.state_dir());
    let open = import.is_some() || !rotations.is_empty();
    let mut lines = render::plan::lines(&report.plan);
    let nothing = report.plan.is_empty() && report.plan.questions.is_empty();
    if nothing && (open || !left.is_empty()) {
        lines.clear();
    }
    if !left.is_empty() {
        lines.push(Text::toned(Tone::Strong, if nothing { "Findings" } else { "Left" }));
        let view = StatusView::of(&report.look.observed, &report.look.knowledge, &report.look.desired, &left);
        lines.extend(render::findings::attention(&view, ui.width()));
    } else if nothing && open {
        lines.push(Text::of("nothing to do in the stores"));
    }
    lines.extend(render::status::half_done(&rotations));
    lines.extend(render::status::unfinished_imports(import, ui.width()));
    ui.data(&lines);
    let needed = open || report.outcome.needs_attention();
    let outcome = Outcome::attention_if(needed);
    ui.document(&DiffDocument::of(&report.plan, &left, rotations, import.is_some()))?;
    Ok(outcome)
}

/// Returns what needs attention and neither the plan nor a question is about.
fn left_over(report: &SyncReport) -> Vec<Finding> {
    use FindingKind::{Foreign, Kept, Shadowing, SourceRejected, SourceReverted};
    let plan = &report.plan;
    let asked = |one: &Finding| {
        matches!(one.finding, Foreign | Kept | Shadowing | SourceRejected | SourceReverted)
            && plan.questions.iter().any(|question| Some(question.profile()) == one.profile.as_ref())
    };
    let mended = |one: &Finding| {
        !plan.is_empty() && one.fix.as_ref().is_some_and(|fix| fix.starts_with("keyshoal sync"))
    };
    report.look.attention().filter(|one| !asked(one) && !mended(one)).cloned().collect()
}
