//! The way back of a rotation of one installation, and the way forward again while the newer value is at hand.

use super::alone::{Alone, one, shown};
use super::book::{Part, VaultBook};
use super::bound::Bound;
use super::{at_work, foreseen, said, stands, strangers, ways};
use crate::commands::credential::restore;
use crate::commands::shared;
use crate::document::RotateDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render::instance;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::Fingerprint;
use keyshoal_core::vault::{VaultCredential, VaultVersion, VersionState};
use keyshoal_engine::ports::Observe as _;
use keyshoal_engine::rotate::{RotateOptions, Stage, go_forward, roll_back};
use keyshoal_vault::Rotation;

/// Gives a rotation up, or goes back to the version before. The newer one stays at hand.
pub fn back(ui: &mut Ui, alone: &Alone<'_>, open: Option<Rotation>) -> Result<Outcome, CommandError> {
    let Alone { flow, credential, args, options, .. } = alone;
    let stage = match &open {
        Some(open) => stands::of(open, credential)?.0,
        None => Stage::Proven,
    };
    let print = |state| print(alone, state);
    // A vault that is older than the stores has only staged what they hold: whoever gives it up goes back as from where it was being brought.
    let ahead =
        matches!(stage, Stage::Staged | Stage::Tested) && is_held(alone, print(VersionState::Pending))?;
    let stage = if ahead { Stage::Publishing } else { stage };
    if open.is_none() && !credential.versions.iter().any(|one| one.state == VersionState::Previous) {
        let stands = |one: &VaultVersion| format!("version {} is {}", one.number, instance::state(one.state));
        let stand: Vec<String> = credential.versions.iter().map(stands).collect();
        return Err(CommandError::user(format!(
            "{} has no version to go back to: {}. What was before is retired when its rotation is finished, and by a repair of the vault that cannot prove it",
            credential.profile,
            stand.join(", ")
        ))
        .hint(format!(
            "{}   brings the value that was in use last back, where the vault still has it",
            restore_of(alone)
        )));
    }
    let (old, new) = match stage {
        Stage::Staged | Stage::Tested | Stage::Publishing => {
            (print(VersionState::Current), print(VersionState::Pending))
        }
        Stage::RolledBack => (print(VersionState::Current), None),
        Stage::Published | Stage::Proven | Stage::Finished => {
            (print(VersionState::Previous), print(VersionState::Current))
        }
    };
    // Who says once more what is done already is told so.
    let done = open.as_ref().is_some_and(stands::keeps_newer) && stage == Stage::RolledBack;
    if done && args.flow.dry_run {
        let part = Part::of(flow, credential);
        let parts = open.into_iter().map(|open| (part, open)).collect();
        let (_, rotation) = one(VaultBook::resume(&flow.held.vault, flow.author(), parts)?)?;
        return foreseen::show(ui, alone, &rotation, options);
    }
    let dead = match done {
        true => None,
        false => {
            let bound = Bound::back(stage, alone.whom(), (old, new), true);
            let document = RotateDocument::planned(&credential.profile, &[]).between(old, new);
            match alone.agreed(ui, &bound, [old, new], document, "go back?")? {
                Agreed::Yes { dead } => dead,
                Agreed::No(outcome) => return Ok(outcome),
            }
        }
    };
    let (vault, profile) = (&flow.held.vault, credential.profile.as_str());
    let _at_work = at_work::begin(vault, flow.author(), profile, credential.uid)?;
    let part = Part::of(flow, credential);
    let (mut book, mut rotation) = one(match open {
        Some(open) => VaultBook::resume(vault, flow.author(), vec![(part, open)])?,
        None => VaultBook::reopen(vault, flow.author(), part)?,
    })?;
    if ahead {
        rotation.stage = stage;
    }
    let options = RotateOptions { offline: true, ..(*options).clone() };
    let (report, ended) = alone.doing(ui, &mut book, &mut rotation, |book, rotation, tell| {
        roll_back(&flow.installation, book, rotation, &options, tell)
    })?;
    let outcome = shown(ui, &rotation, &report, &ended)?;
    failing(ui, alone, dead, outcome)
}

/// Tells whether a store holds a value under the name of the credential.
fn is_held(alone: &Alone<'_>, value: Option<Fingerprint>) -> Result<bool, CommandError> {
    let observed = alone.flow.installation.observe()?;
    let mut views =
        observed.stores.values().filter_map(|store| store.profiles.get(&alone.credential.profile));
    let is_it = |there: Fingerprint| value.is_some_and(|value| there.is_seen_as(value));
    Ok(views.any(|view| view.material.fingerprint().is_some_and(is_it)))
}

/// Goes forward again to the newer value.
pub fn forward(ui: &mut Ui, alone: &Alone<'_>, open: Rotation) -> Result<Outcome, CommandError> {
    let Alone { flow, credential, options, .. } = alone;
    let (old, new) = (print(alone, VersionState::Current), print(alone, VersionState::Previous));
    if let Some(new) = new {
        alone.refuse_strangers(ui, new, None)?;
    }
    let bound = Bound::forward(alone.whom(), old, new);
    let document = RotateDocument::planned(&credential.profile, &[]).between(old, new);
    if let Agreed::No(outcome) = alone.agreed(ui, &bound, [old, new], document, "go forward?")? {
        return Ok(outcome);
    }
    let (vault, profile) = (&flow.held.vault, credential.profile.as_str());
    let _at_work = at_work::begin(vault, flow.author(), profile, credential.uid)?;
    let part = Part::of(flow, credential);
    let (mut book, mut rotation) = one(VaultBook::resume(vault, flow.author(), vec![(part, open)])?)?;
    let (report, ended) = alone.doing(ui, &mut book, &mut rotation, |book, rotation, tell| {
        go_forward(&flow.installation, book, rotation, options, tell)
    })?;
    shown(ui, &rotation, &report, &ended)
}

fn restore_of(alone: &Alone<'_>) -> String {
    let agents = &alone.flow.instance().agents;
    let owner = agents.iter().find(|agent| Some(agent.uid) == alone.credential.agent);
    restore::command(&alone.credential.profile, owner.map(|agent| &agent.id))
}

/// What a person says to a way.
enum Agreed {
    /// It is gone; why the agents would fail with the value, where that is known.
    Yes { dead: Option<&'static str> },
    /// Nothing is changed.
    No(Outcome),
}

impl Alone<'_> {
    /// Shows the way, says what is known of the value that it leads to and who is left as it is, and asks.
    fn agreed(
        &self,
        ui: &mut Ui,
        bound: &Bound,
        its_own: [Option<Fingerprint>; 2],
        document: RotateDocument,
        question: &str,
    ) -> Result<Agreed, CommandError> {
        let Alone { flow, credential, args, .. } = self;
        let profile = &credential.profile;
        ui.say(&Text::toned(Tone::Strong, profile.as_str()).plain(format!(": {}", bound.words)));
        let said = bound.to.map(|to| said::say(ui, flow, credential, to, args.flow.offline)).transpose()?;
        let dead = said.as_ref().and_then(|said| said.dead);
        if let Some(why) = dead {
            ui.warn(&format!("the agents would fail with that value: {why}"));
        }
        let there = strangers::tell(ui, flow, credential, bound, &its_own, args.flow.dry_run)?;
        let said = said.map(|said| said.now).unwrap_or_default();
        let planned = document.told(&said).beside(&there.strange).found(&there.found);
        if args.flow.dry_run {
            let whose = self.agent().map(|agent| &agent.id);
            let mut would = bound.would(profile, whose, !args.resume, !there.strange.is_empty());
            if self.agent().is_some_and(|agent| !agent.enabled) {
                would.push_str(" in the vault; the agent is disabled, so no store holds it");
            }
            ui.data(&[Text::toned(Tone::Strong, "dry run: ").plain(would)]);
            ui.document(&planned)?;
            return Ok(Agreed::No(Outcome::Attention));
        }
        match shared::agree_expressly(ui, question, args.flow.yes)? {
            None => Ok(Agreed::Yes { dead }),
            Some(outcome) => {
                if outcome == Outcome::Attention {
                    ui.document(&planned)?;
                }
                Ok(Agreed::No(outcome))
            }
        }
    }
}

/// Says of agents that are on a value that is dead that they fail: they are back, and that is not well.
fn failing(
    ui: &mut Ui,
    alone: &Alone<'_>,
    dead: Option<&'static str>,
    outcome: Outcome,
) -> Result<Outcome, CommandError> {
    let Some(why) = dead else { return Ok(outcome) };
    let command = ways::command_of(alone.flow.instance(), alone.credential);
    ui.say(&Text::toned(Tone::Bad, "✗ ").plain(format!(
        "the agents fail with it: {why}; {command} --resume   goes forward to the newer value again, and {command}   takes another one"
    )));
    Ok(Outcome::Attention)
}

fn print(alone: &Alone<'_>, state: VersionState) -> Option<Fingerprint> {
    print_of(alone.credential, state, &alone.flow.installation.held_prints())
}

/// Returns the fingerprint of a credential's version in this state.
pub fn print_of(
    credential: &VaultCredential,
    state: VersionState,
    prints: &std::collections::BTreeMap<(keyshoal_core::vault::CredentialUid, u32), Fingerprint>,
) -> Option<Fingerprint> {
    let version = credential.versions.iter().find(|version| version.state == state)?;
    prints.get(&(credential.uid, version.number)).copied()
}
