//! The way back of a rotation of one installation, and the way forward again while the newer value is at hand.

use super::alone::{Alone, one, shown};
use super::book::{Part, VaultBook};
use super::{at_work, said, stands, ways};
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
    let Alone { flow, credential, options, .. } = alone;
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
    let (to, what) = match stage {
        Stage::Staged | Stage::Tested => (None, "given up: no agent has the new value yet".to_owned()),
        Stage::Publishing => (print(VersionState::Current), "given up: the new value is retired".to_owned()),
        Stage::RolledBack => (print(VersionState::Current), format!("{} gets it", alone.whom())),
        Stage::Published | Stage::Proven | Stage::Finished => (
            print(VersionState::Previous),
            format!(
                "the present one ({}) stays at hand for the grace time",
                shown_as(print(VersionState::Current))
            ),
        ),
    };
    // Who says once more what is done already is told so.
    let done = open.as_ref().is_some_and(stands::keeps_newer) && stage == Stage::RolledBack;
    let dead = match done {
        true => None,
        false => {
            let head = match to {
                Some(to) => format!(": {} goes back to {to}; ", alone.whom()),
                None => ": ".to_owned(),
            };
            let (old, new) = match stage {
                Stage::Staged | Stage::Tested | Stage::Publishing => {
                    (print(VersionState::Current), print(VersionState::Pending))
                }
                Stage::RolledBack => (to, None),
                Stage::Published | Stage::Proven | Stage::Finished => (to, print(VersionState::Current)),
            };
            let document = RotateDocument::planned(&credential.profile, &[]).between(old, new);
            match alone.agreed(ui, &format!("{head}{what}"), to, document, "go back?")? {
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
    let to = print(alone, VersionState::Previous);
    let what = format!(
        ": {} goes forward to {} again; the present one ({}) stays at hand for the grace time",
        alone.whom(),
        shown_as(to),
        shown_as(print(alone, VersionState::Current))
    );
    let document = RotateDocument::planned(&credential.profile, &[]);
    let document = document.between(print(alone, VersionState::Current), to);
    if let Agreed::No(outcome) = alone.agreed(ui, &what, to, document, "go forward?")? {
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
    /// Shows the way, says what is known of the value that it leads to, and asks.
    fn agreed(
        &self,
        ui: &mut Ui,
        what: &str,
        to: Option<Fingerprint>,
        document: RotateDocument,
        question: &str,
    ) -> Result<Agreed, CommandError> {
        let Alone { flow, credential, args, .. } = self;
        ui.say(&Text::toned(Tone::Strong, credential.profile.as_str()).plain(what));
        let said = to.map(|to| said::say(ui, flow, credential, to, args.flow.offline)).transpose()?;
        let dead = said.as_ref().and_then(|said| said.dead);
        if let Some(why) = dead {
            ui.warn(&format!("the agents would fail with that value: {why}"));
        }
        let planned = document.told(said.as_ref().map_or(&[], |said| &said.now));
        if args.flow.dry_run {
            let way =
                if args.resume { "forward to the newer version again" } else { "back to the version before" };
            ui.data(&[Text::of(format!("would bring {} {way}, everywhere", credential.profile))]);
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

fn shown_as(value: Option<Fingerprint>) -> String {
    value.map_or_else(|| "a value".to_owned(), |value| value.to_string())
}
