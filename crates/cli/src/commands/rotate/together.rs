//! One new value for several instances of the vault.

mod allowed;
mod before;
mod chosen;
mod reach;
mod staged;
mod way;

use super::book::{self, Part, VaultBook};
use super::stop::Stop;
use super::{RotateArgs, at_work, due, show, ways};
use crate::commands::flow::{self, Flow};
use crate::commands::{Context, shared};
use crate::document::{RotateDocument, RotationsDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::vault as opening;
use crate::ui::Ui;
use allowed::{refuse_what_is_of_one, require_somebody};
use keyshoal_core::Fingerprint;
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_engine::rotate::{
    Ended, Member, RotateOptions, RotateReport, Rotation, Wave, go_forward_together, roll_back_together,
    rotate_together,
};
use keyshoal_local::Installation;
use keyshoal_vault::{AtWork, Author, Vault};
use reach::reach;
use std::sync::Arc;
use way::Way;

/// One of the instances.
struct House<'a> {
    instance: VaultInstance,
    credential: VaultCredential,
    /// Its installation and the vault, or why it cannot be reached from here.
    flow: Result<Flow<'a>, String>,
}

impl House<'_> {
    fn part(&self) -> Part<'_> {
        let installation = self.flow.as_ref().ok().map(|flow| &flow.installation);
        Part { instance: &self.instance, credential: &self.credential, installation }
    }

    fn named(&self) -> (&VaultInstance, &VaultCredential) {
        (&self.instance, &self.credential)
    }

    fn member(&self, rotation: Rotation) -> Member<'_, Installation> {
        Member {
            name: self.instance.name.clone(),
            ports: self.flow.as_ref().map(|flow| &flow.installation).map_err(Clone::clone),
            rotation,
            report: RotateReport::default(),
            ended: None,
        }
    }

    /// Returns what would be done there, with the value before and the new one, as far as they are known.
    fn planned(
        &self,
        waves: &[Wave],
        old: Option<Fingerprint>,
        new: Option<Fingerprint>,
    ) -> (&str, Option<&str>, RotateDocument) {
        let document = RotateDocument::planned(&self.credential.profile, waves).between(old, new);
        (&self.instance.name, self.away(), document)
    }

    /// Says why it cannot be reached from here, if so.
    fn away(&self) -> Option<&str> {
        self.flow.as_ref().err().map(String::as_str)
    }
}

/// Does it for the instances that were named.
pub fn cmd(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &RotateArgs,
    stop: &Stop,
) -> Result<Outcome, CommandError> {
    refuse_what_is_of_one(context, args)?;
    let vault = Arc::new(opening::open_vault(ui, context.world, context.globals)?);
    let named = chosen::named(&vault, &args.instances)?;
    if args.due {
        let of = due::Of { name: args.name.as_deref(), agent: None };
        return due::report(ui, &vault, &named, args.max_age, &of);
    }
    let meant = chosen::meant(ui, named, args)?;
    let mut open = Vec::new();
    for (instance, credential) in &meant {
        open.extend(
            book::open_rotation(&vault, instance, credential)?.map(|one| (instance.name.clone(), one)),
        );
    }
    if args.resume || args.finish || args.rollback {
        let id = chosen::the_one(&open, args)?;
        return go_on(ui, context, args, &vault, &id, stop);
    }
    if let Some((name, open)) = &before::before(&vault, &meant)?.in_the_way {
        if !args.flow.dry_run {
            let author = opening::author(context.world, None);
            drop(at_work_on(&vault, &author, meant.iter().map(|(instance, one)| (instance, one)))?);
        }
        let profile = meant.first().map(|(_, one)| one.profile.as_str()).unwrap_or_default();
        return Err(super::under_way(name, &ways::command_there(profile, name), open));
    }
    staged::staged(ui, context, args, &vault, meant, stop)
}

/// Begins to work on all of them. Refused while another process is at one.
fn at_work_on<'a>(
    vault: &Vault,
    author: &Author,
    parts: impl Iterator<Item = (&'a VaultInstance, &'a VaultCredential)>,
) -> Result<Vec<AtWork>, CommandError> {
    let begin = |(instance, credential): (&VaultInstance, &VaultCredential)| {
        let name = format!("{} of {}", credential.profile, instance.name);
        at_work::begin(vault, author, &name, credential.uid)
    };
    parts.map(begin).collect()
}

/// Goes on with rotations that go together, or gives them up, whichever instance they were found by.
pub fn go_on(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &RotateArgs,
    vault: &Arc<Vault>,
    id: &str,
    stop: &Stop,
) -> Result<Outcome, CommandError> {
    refuse_what_is_of_one(context, args)?;
    let author = opening::author(context.world, args.flow.why.as_deref());
    let mut houses = Vec::new();
    let mut rows = Vec::new();
    for instance in vault.instances()? {
        for row in vault.open_rotations(&instance.id)? {
            if chosen::whole_of(&row)? != id {
                continue;
            }
            // One that was taken back from all agents there has nothing to go on with.
            let of = flow::credentials_of(&instance).find(|one| one.uid == row.credential).cloned();
            let Some(credential) = of else { continue };
            let flow = reach(ui, context, &args.flow, vault, &instance);
            houses.push(House { instance: instance.clone(), credential, flow });
            rows.push(row);
        }
    }
    require_somebody(&houses)?;
    let _at_work = match args.flow.dry_run {
        true => Vec::new(),
        false => at_work_on(vault, &author, houses.iter().map(House::named))?,
    };
    let parts = houses.iter().map(House::part).zip(rows).collect();
    let (book, rotations) = VaultBook::resume(vault, &author, parts)?;
    let options = super::options(args);
    let options = if args.finish { RotateOptions { grace: Some(0), ..options } } else { options };
    let newer = rotations.iter().all(|one| one.state.keeps_newer(one.stage));
    let way = match (args.rollback, args.resume && newer) {
        (true, _) => Way::Back,
        (_, true) => Way::Forward,
        _ => Way::On,
    };
    let (options, asks) = match way {
        Way::Back => (RotateOptions { offline: true, ..options }, !newer),
        Way::Forward => (options, true),
        Way::On => (options, false),
    };
    if way != Way::Back {
        way::refuse_strangers(ui, &houses, &rotations, way)?;
    }
    if args.flow.dry_run && !asks {
        return way::foresee(ui, &houses, rotations, &options);
    }
    knows(stop, vault, &houses);
    let mut dead = false;
    if asks {
        let told = way::told(ui, args, &houses, &rotations, way)?;
        let agreed = match args.flow.dry_run {
            true => Some(Outcome::Attention),
            false => shared::agree_expressly(ui, way.question(), args.flow.yes)?,
        };
        if let Some(outcome) = agreed {
            if outcome == Outcome::Attention {
                ui.document(&told.document)?;
            }
            return Ok(outcome);
        }
        dead = told.dead;
    }
    let outcome = run(ui, &houses, book, rotations, &options, way)?;
    Ok(if dead { Outcome::Attention } else { outcome })
}

/// One stands for all: they go on, or back, together.
fn knows(stop: &Stop, vault: &Arc<Vault>, houses: &[House<'_>]) {
    if let Some(first) = houses.first() {
        stop.knows(vault, &first.instance.id, first.credential.uid);
    }
}

/// Goes on, or back, and shows what came of it.
fn run(
    ui: &mut Ui,
    houses: &[House<'_>],
    mut book: VaultBook<'_>,
    rotations: Vec<Rotation>,
    options: &RotateOptions,
    way: Way,
) -> Result<Outcome, CommandError> {
    let member = |(house, rotation)| House::member(house, rotation);
    let mut members: Vec<_> = houses.iter().zip(rotations).map(member).collect();
    let progress = ui.progress();
    let mut lines = Vec::new();
    let mut tell = |event: keyshoal_engine::rotate::Event<'_>| show::event(&progress, &mut lines, &event);
    let ended = match way {
        Way::Back => roll_back_together(&mut members, &mut book, options, &mut tell),
        Way::Forward => go_forward_together(&mut members, &mut book, options, &mut tell),
        Way::On => rotate_together(&mut members, &mut book, options, &mut tell),
    };
    drop(progress);
    lines.iter().for_each(|line| ui.say(line));
    let ended = ended.map_err(|error| {
        let error = CommandError::from(error);
        let Some(first) = members.first() else { return error };
        let command = ways::command_there(first.rotation.profile.as_str(), &first.name);
        ways::add(error, &book, &command, first.rotation.stage)
    })?;
    ui.data(&show::together(&members, &ended, ui.width()));
    ui.document(&RotationsDocument::of(&members, &ended))?;
    let fine = match &ended {
        Ended::Finished | Ended::Grace { .. } => {
            members.iter().all(|member| member.report.failures.is_empty())
        }
        Ended::RolledBack { asked, clean, .. } => *asked && *clean,
        _ => false,
    };
    let fine = fine && members.iter().all(|member| member.report.nothing_open());
    Ok(Outcome::attention_if(!fine))
}
