//! The launch: stores and config by the one flow, looked at afterwards, asked about; then watch and backup.

use super::{Agreed, Made};
use crate::arguments::PolicyWord;
use crate::commands::flow::{Flow, FlowArgs};
use crate::commands::{Context, shared, watch};
use crate::error::CommandError;
use crate::root::holdings::{self, Held};
use crate::root::{self, vault};
use crate::ui::Ui;
use keyshoal_core::StepState;
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{CredentialKind, Finding, FindingKind, Severity};
use keyshoal_engine::SyncReport;
use keyshoal_engine::verify::{VerifyOptions, verify};
use keyshoal_local::Installation;
use keyshoal_vault::Author;
use std::sync::Arc;

/// Brings the new installation to what the vault wants, and looks at what came of it.
pub fn launch(
    ui: &mut Ui,
    agreed: &Agreed<'_>,
    parts: (Installation, VaultInstance),
    how: &FlowArgs,
    author: Author,
    made: &mut Made,
) -> Result<(), CommandError> {
    let (installation, instance) = parts;
    installation.hold(&holdings::holdings(&agreed.vault, &instance, None)?)?;
    let held = Held { vault: Arc::clone(&agreed.vault), instance };
    let flow = Flow::of(installation, held, how, author);
    let (flow, report) = flow.run(ui, "import", Vec::new())?;
    failed(&report)?;
    made.writes = report.receipts.len();
    let after = &report.after;
    for finding in &after.judgement.findings {
        let said = match &finding.agent {
            Some(agent) => format!("{agent}: {}", finding.message),
            None => finding.message.clone(),
        };
        // What waits for OpenClaw's first start here is no fault of the import.
        let waits = finding.severity == Severity::Info || after.observed.base_is_to_be_made();
        if finding.finding == FindingKind::Pending && finding.kind == Some(CredentialKind::OAuth) {
            made.sign_in.push(signing_in(finding));
        } else if finding.finding == FindingKind::Pending && waits {
            made.waits.push(said);
        } else if finding.severity == Severity::Attention {
            made.findings.push(said);
        }
    }
    made.open = root::open_to_others(&made.state_dir);
    if !agreed.args.offline {
        let options = VerifyOptions::default();
        let progress = ui.progress();
        let proof = verify(&flow.installation, report.after, &options, &mut shared::shown(&progress));
        made.proven = Some(proof.is_accepted());
    }
    Ok(())
}

/// Says which login is not here, and how it comes.
fn signing_in(finding: &Finding) -> String {
    let profile = finding.profile.as_ref().map(ToString::to_string).unwrap_or_default();
    let whose = finding.agent.as_ref().map(|agent| format!(" of {agent}")).unwrap_or_default();
    format!("{profile}{whose}: {}", finding.fix.as_deref().unwrap_or(&finding.message))
}

/// Finds the first write that did not come off.
fn failed(report: &SyncReport) -> Result<(), CommandError> {
    let states = report.receipts.iter().map(|receipt| &receipt.durable).chain(&report.config);
    for state in states {
        match state {
            StepState::Failed { reason } => return Err(CommandError::io(reason.clone())),
            StepState::Conflict { found } => {
                return Err(CommandError::io(format!("somebody else wrote into it meanwhile: {found}")));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Installs the watch and makes the backup, where they were asked for. A failure of either leaves the import as it is.
pub fn offer(
    ui: &mut Ui,
    context: &Context<'_>,
    agreed: &Agreed<'_>,
    made: &mut Made,
) -> Result<(), CommandError> {
    if agreed.args.watch_service {
        let policy = (agreed.args.yes || !ui.can_ask()).then_some(PolicyWord::Report);
        let wanted = watch::InstallServiceArgs { policy, print: false };
        match watch::install(ui, context, &wanted) {
            Ok(done) => made.watch = done == crate::exit::Outcome::Fine,
            Err(error) => made.findings.push(format!("the watch was not installed: {}", error.message)),
        }
    }
    if let Some(file) = &agreed.args.backup {
        let author = vault::author(context.world, Some("after an import"));
        let done = agreed.vault.backup(file, &author, keyshoal_local::clock::now(), &mut |_| {});
        match done {
            Ok(_) => made.backup = Some(file.clone()),
            Err(error) => made.findings.push(format!("no backup was made: {error}")),
        }
    }
    Ok(())
}
