//! Taking an agent out of the roster, and into it again.

use crate::commands::flow::{self, Flow, FlowArgs};
use crate::commands::{Context, shared};
use crate::document::RunDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Text, Ui};
use keyshoal_core::Plan;
use keyshoal_core::judge::when_moved_aside;
use keyshoal_core::vault::VaultAgent;
use keyshoal_engine::Outcome as Ended;
use keyshoal_vault::{Change, ENTRIES};

/// Enables or disables it.
pub fn enable(
    ui: &mut Ui,
    context: &Context<'_>,
    agent: &str,
    enabled: bool,
    how: &FlowArgs,
) -> Result<Outcome, CommandError> {
    let flow = flow::begin(ui, context, how)?;
    let found = flow.agent(agent)?.clone();
    if !enabled {
        refuse_default(&flow, &found)?;
    } else if !found.enabled {
        say_what_was_lost(ui, &flow, &found)?;
    }
    flow.go(ui, "agent", vec![Change::EnableAgent { agent: found.uid, enabled }])
}

/// Says what a disabled agent had and the vault has no more, since it was damaged.
fn say_what_was_lost(ui: &mut Ui, flow: &Flow<'_>, found: &VaultAgent) -> Result<(), CommandError> {
    if flow.document(&format!("{ENTRIES}{}", found.id))?.is_none() {
        ui.warn(&format!(
            "the vault does not have what {} had in the config: it comes back without limits on its tools and without an identity",
            found.id
        ));
    }
    match flow.held.vault.lost_overrides(flow.instance(), &found.id) {
        Ok(lost) => lost.iter().for_each(|profile| {
            ui.warn(&format!(
                "{profile} of {id} alone was lost when the vault was damaged: {id} comes back with what all share; keyshoal credential override {id} {profile} \
                 gives it its own",
                id = found.id
            ));
        }),
        Err(error) => ui.warn(&format!("what {} had of its own before is not known: {error}", found.id)),
    }
    Ok(())
}

/// Refuses to take the default agent away: on the newest releases nobody answers then what no binding names.
fn refuse_default(flow: &Flow<'_>, agent: &VaultAgent) -> Result<(), CommandError> {
    if !agent.default || !agent.enabled {
        return Ok(());
    }
    let mut others = flow.instance().agents.iter().filter(|other| other.enabled && other.uid != agent.uid);
    let Some(other) = others.next() else { return Ok(()) };
    Err(CommandError::user(format!(
        "{} is the default agent: nobody would answer what no binding names; nothing was changed",
        agent.id
    ))
    .hint(format!(
        "keyshoal agent set {} --default   lets another answer that (or any other agent); then this again",
        other.id
    )))
}

/// Disables it first, so that nothing of it is left anywhere; only then the vault forgets it.
pub fn remove(
    ui: &mut Ui,
    context: &Context<'_>,
    agent: &str,
    how: &FlowArgs,
) -> Result<Outcome, CommandError> {
    let flow = flow::begin(ui, context, how)?;
    let found = flow.agent(agent)?.clone();
    refuse_default(&flow, &found)?;
    let own = super::own_of(flow.instance(), &found);
    if !found.enabled && !how.dry_run {
        // Nothing of it stands anywhere, so the way of every change has nothing to ask about.
        let question =
            format!("have the vault forget {}{own}? What it forgets is not brought back.", found.id);
        if let Some(outcome) = shared::agree_expressly(ui, &question, how.yes)? {
            ui.document(&RunDocument::new("agent", &Plan::default()).attention(outcome != Outcome::Fine))?;
            return Ok(outcome);
        }
    }
    let (flow, report) =
        flow.run(ui, "agent", vec![Change::EnableAgent { agent: found.uid, enabled: false }])?;
    let outcome = flow.show(ui, "agent", &report)?;
    if how.dry_run {
        ui.say(&Text::of(format!("then the vault would forget {}{own}", found.id)));
        return Ok(outcome);
    }
    if matches!(report.outcome, Ended::NothingToDo | Ended::Done) {
        flow.note(vec![Change::RemoveAgent(found.uid)]).map_err(CommandError::for_good)?;
        ui.say(&Text::of(format!("{} is in the vault no more", found.id)));
        ui.say(&Text::of(format!(
            "what else stands in its directory is left; keyshoal quarantine {} moves it aside{}",
            found.id,
            when_moved_aside(&report.after.observed)
        )));
    }
    Ok(outcome)
}
