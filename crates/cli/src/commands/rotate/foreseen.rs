//! What going on with a rotation, or ending it, would do from where it stands: for a dry run.

use super::alone::{Alone, shown};
use super::{planned, strangers};
use crate::commands::flow::Flow;
use crate::document::RotateDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::vault::VaultCredential;
use keyshoal_engine::rotate::{Ended, RotateOptions, RotateReport, Rotation, Stage, found, plan_waves};

/// Shows it. Where nothing would be done, it ends as the command would.
pub fn show(
    ui: &mut Ui,
    alone: &Alone<'_>,
    rotation: &Rotation,
    options: &RotateOptions,
) -> Result<Outcome, CommandError> {
    let Alone { flow, credential, .. } = alone;
    if let Some(ended) = waits(rotation, options) {
        let mut report = RotateReport::default();
        if rotation.stage == Stage::RolledBack {
            report.found = found(&strangers::look(ui, flow)?, &rotation.profile, rotation.agent.as_ref());
        }
        return shown(ui, rotation, &report, &ended);
    }
    let head = Text::toned(Tone::Strong, credential.profile.as_str());
    let document = ahead(ui, flow, credential, rotation, options, head)?;
    ui.data(&[Text::toned(Tone::Strong, "dry run: ").plain(would(rotation, options))]);
    ui.document(&document)?;
    Ok(Outcome::Attention)
}

/// Shows what is left to be done of it in one instance, and who is left as it is.
pub fn ahead(
    ui: &mut Ui,
    flow: &Flow<'_>,
    credential: &VaultCredential,
    rotation: &Rotation,
    options: &RotateOptions,
    head: Text,
) -> Result<RotateDocument, CommandError> {
    let look = strangers::look(ui, flow)?;
    let left = match rotation.stage {
        Stage::Staged | Stage::Tested if rotation.agent.is_none() => {
            plan_waves(&look, &rotation.profile, &options.sizes)
        }
        _ => rotation.state.waves.get(rotation.state.done..).unwrap_or_default().to_vec(),
    };
    planned::on(head, credential, rotation, &left).iter().for_each(|line| ui.say(line));
    let document = RotateDocument::planned(&rotation.profile, &left);
    let document = document.between(rotation.old, Some(rotation.new));
    if rotation.stage >= Stage::Proven && !rotation.state.going_back {
        // No store is written.
        return Ok(document);
    }
    let strange = strangers::of(flow.instance(), credential, &look, &[rotation.old, Some(rotation.new)]);
    strangers::lines(&rotation.profile, &strange).iter().for_each(|line| ui.say(line));
    Ok(document.beside(&strange))
}

/// Says what would be done.
pub fn would(rotation: &Rotation, options: &RotateOptions) -> String {
    let Rotation { profile, new, old, .. } = rotation;
    let old = old.map_or_else(|| "the value before".to_owned(), |old| old.to_string());
    let now = keyshoal_local::clock::now();
    let back = rotation.stage == Stage::RolledBack;
    let (other, stays) = match back {
        true => (format!("the newer value ({new})"), old.clone()),
        false => (format!("the value before ({old})"), new.to_string()),
    };
    match rotation.state.waits(rotation.stage, options, now) {
        Some((until, _)) if now < until => {
            format!("would keep {other} of {profile} at hand until {}", render::age::moment(until))
        }
        Some(_) => format!("would retire {other} of {profile}; {stays} stays"),
        None if back => format!("would go on bringing {profile} back to {old}, everywhere"),
        None => format!("would go on with {profile}: {new} in place of {old}"),
    }
}

/// Returns how it ends where nothing is left but to wait, and nothing of that changes.
pub fn waits(rotation: &Rotation, options: &RotateOptions) -> Option<Ended> {
    let now = keyshoal_local::clock::now();
    let (until, is_known) = rotation.state.waits(rotation.stage, options, now)?;
    (is_known && now < until).then(|| match rotation.stage {
        Stage::RolledBack => Ended::RolledBack {
            why: rotation.state.halted.clone().unwrap_or_default(),
            asked: rotation.is_asked_back(),
            clean: true,
            until: Some(until),
        },
        _ => Ended::Grace { until },
    })
}
