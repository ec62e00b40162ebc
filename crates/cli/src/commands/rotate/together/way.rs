//! Which way rotations of several instances go, and what a person is told of it before.

use super::House;
use crate::commands::rotate::bound::Bound;
use crate::commands::rotate::{RotateArgs, foreseen, planned, said, show, strangers, ways};
use crate::document::RotationsDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::ui::{Text, Tone, Ui};
use keyshoal_engine::rotate::{Ended, RotateOptions, Rotation, Stage, found};
use std::collections::BTreeSet;

/// Which way they go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// On from where they stand.
    On,
    /// Back to the version before.
    Back,
    /// Forward to the newer version again.
    Forward,
}

impl Way {
    /// Returns what is asked.
    pub fn question(self) -> &'static str {
        match self {
            Self::Back => "go back?",
            Self::On | Self::Forward => "go forward?",
        }
    }

    fn bound(self, rotation: &Rotation, kept: bool) -> Bound {
        match self {
            Self::Forward => Bound::forward("everybody", rotation.old, Some(rotation.new)),
            Self::On | Self::Back => {
                Bound::back(rotation.stage, "everybody", (rotation.old, Some(rotation.new)), kept)
            }
        }
    }
}

/// What a person is told before they go back, or forward again.
pub struct Told {
    /// Agents would fail with the value that they go to.
    pub dead: bool,
    /// What would be done, in each instance.
    pub document: RotationsDocument,
}

/// Shows where each stands and would go, with what is known of that value and who is left as it is; of a dry run, what it would do.
pub fn told(
    ui: &mut Ui,
    args: &RotateArgs,
    houses: &[House<'_>],
    rotations: &[Rotation],
    way: Way,
) -> Result<Told, CommandError> {
    // The newer version stays at hand for all of them or for none.
    let kept = rotations.iter().all(|one| one.stage >= Stage::Published && !one.stage.is_over());
    let (mut asked, mut dead) = (BTreeSet::new(), false);
    let (mut each, mut would) = (Vec::new(), Vec::new());
    for (house, rotation) in houses.iter().zip(rotations) {
        let (instance, credential) = house.named();
        let stands = planned::stand(&instance.name, house.away(), rotation);
        let (name, away, mut there) = house.planned(&[], rotation.old, Some(rotation.new));
        if let Ok(flow) = &house.flow {
            let bound = way.bound(rotation, kept);
            ui.say(&stands.plain(format!("; {}", bound.words)));
            if let Some(to) = bound.to.filter(|to| asked.insert(*to)) {
                let said = said::say(ui, flow, credential, to, args.flow.offline)?;
                if let Some(why) = said.dead {
                    ui.warn(&format!("the agents would fail with that value: {why}"));
                    dead = true;
                }
                there = there.told(&said.now);
            }
            let its_own = [rotation.old, Some(rotation.new)];
            let seen = strangers::tell(ui, flow, credential, &bound, &its_own, args.flow.dry_run)?;
            let head = Text::of(format!("{name}: ")).and(Tone::Strong, "dry run: ");
            let back = way == Way::Back;
            would.push(head.plain(bound.would(&credential.profile, None, back, !seen.strange.is_empty())));
            there = there.beside(&seen.strange).found(&seen.found);
        } else {
            ui.say(&stands);
        }
        each.push((name, away, there));
    }
    if args.flow.dry_run {
        ui.data(&would);
    }
    Ok(Told { dead, document: RotationsDocument::planned(each.into_iter()) })
}

/// Refuses to go on, or forward again, where somebody else has put another value in any of them where all have it from.
pub fn refuse_strangers(
    ui: &mut Ui,
    houses: &[House<'_>],
    rotations: &[Rotation],
    way: Way,
) -> Result<(), CommandError> {
    for (house, rotation) in houses.iter().zip(rotations) {
        let meant = way == Way::Forward || rotation.stage < Stage::Proven;
        let Some(flow) = house.flow.as_ref().ok().filter(|_| meant) else { continue };
        let (instance, credential) = house.named();
        let command = ways::command_there(credential.profile.as_str(), &instance.name);
        let under_way = (way == Way::On).then_some(command.as_str());
        let look = strangers::look(ui, flow)?;
        let place = format!("{}: ", instance.name);
        strangers::refuse(instance, credential, &look, rotation.new, &place, under_way)?;
    }
    Ok(())
}

/// Shows of a dry run what going on with them, or ending them, would do. Where nothing would be done, it ends as the command would.
pub fn foresee(
    ui: &mut Ui,
    houses: &[House<'_>],
    rotations: Vec<Rotation>,
    options: &RotateOptions,
) -> Result<Outcome, CommandError> {
    let waits = rotations.iter().map(|one| foreseen::waits(one, options));
    if let Some(ended) = waits.collect::<Option<Vec<Ended>>>().and_then(last) {
        let mut members = Vec::new();
        for (house, rotation) in houses.iter().zip(rotations) {
            let mut member = house.member(rotation);
            if let Some(flow) =
                house.flow.as_ref().ok().filter(|_| member.rotation.stage == Stage::RolledBack)
            {
                member.report.found = found(&strangers::look(ui, flow)?, &member.rotation.profile, None);
            }
            members.push(member);
        }
        ui.data(&show::together(&members, &ended, ui.width()));
        ui.document(&RotationsDocument::of(&members, &ended))?;
        return Ok(Outcome::attention_if(members.iter().any(|member| !member.report.nothing_open())));
    }
    let (mut each, mut would) = (Vec::new(), Vec::new());
    for (house, rotation) in houses.iter().zip(&rotations) {
        let (instance, credential) = house.named();
        let Ok(flow) = &house.flow else {
            ui.say(&planned::stand(&instance.name, house.away(), rotation));
            each.push(house.planned(&[], rotation.old, Some(rotation.new)));
            continue;
        };
        if rotation.stage >= Stage::Proven {
            ui.say(&planned::stand(&instance.name, None, rotation));
        }
        let head = Text::toned(Tone::Strong, instance.name.as_str());
        let head = head.plain(format!(" ({})", credential.profile));
        let there = foreseen::ahead(ui, flow, credential, rotation, options, head)?;
        would.push(Text::of(format!("{}: dry run: {}", instance.name, foreseen::would(rotation, options))));
        each.push((instance.name.as_str(), None, there));
    }
    ui.data(&would);
    ui.document(&RotationsDocument::planned(each.into_iter()))?;
    Ok(Outcome::Attention)
}

/// Returns the end that comes last: they wait for each other.
fn last(ends: Vec<Ended>) -> Option<Ended> {
    ends.into_iter().max_by_key(|ended| match ended {
        Ended::Grace { until } | Ended::RolledBack { until: Some(until), .. } => Some(*until),
        _ => None,
    })
}
