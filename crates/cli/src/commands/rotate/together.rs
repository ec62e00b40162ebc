//! One new value for several instances of the vault.

mod chosen;
mod reach;

use super::book::{self, Part, VaultBook};
use super::{RotateArgs, due, show};
use crate::commands::flow::{self, Flow};
use crate::commands::{Context, credential, shared};
use crate::document::RotationsDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::vault as opening;
use crate::ui::Ui;
use keyshoal_core::ProfileId;
use keyshoal_core::vault::{VaultCredential, VaultInstance};
use keyshoal_engine::rotate::{
    Ended, Member, RotateOptions, RotateReport, Rotation, State, Together, Wave, plan_waves,
    roll_back_together, rotate_together, wave_of_each,
};
use keyshoal_engine::{AskPolicy, LookOptions};
use keyshoal_local::Installation;
use keyshoal_vault::Vault;
use reach::reach;
use std::sync::Arc;

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

    fn member(&self, rotation: Rotation) -> Member<'_, Installation> {
        Member {
            name: self.instance.name.clone(),
            ports: self.flow.as_ref().map(|flow| &flow.installation).map_err(Clone::clone),
            rotation,
            report: RotateReport::default(),
            ended: None,
        }
    }

    fn planned<'w>(&'w self, waves: &'w [Wave]) -> (&'w str, Option<&'w str>, &'w ProfileId, &'w [Wave]) {
        (&self.instance.name, self.away(), &self.credential.profile, waves)
    }

    /// Says why it cannot be reached from here, if so.
    fn away(&self) -> Option<&str> {
        self.flow.as_ref().err().map(String::as_str)
    }
}

/// Does it for the instances that were named.
pub fn cmd(ui: &mut Ui, context: &Context<'_>, args: &RotateArgs) -> Result<Outcome, CommandError> {
    refuse_what_is_of_one(context, args)?;
    let vault = Arc::new(opening::open_vault(ui, context.world, context.globals)?);
    let named = chosen::named(&vault, &args.instances)?;
    if args.due {
        return due::report(ui, &vault, &named, args.max_age);
    }
    let meant = chosen::meant(named, args)?;
    let mut open = Vec::new();
    for (instance, credential) in &meant {
        open.extend(
            book::open_rotation(&vault, instance, credential)?.map(|one| (instance.name.clone(), one)),
        );
    }
    if args.resume || args.finish || args.rollback {
        let id = chosen::the_one(&open, args)?;
        return go_on(ui, context, args, &vault, &id);
    }
    if let Some((name, open)) = open.first() {
        return Err(under_way(name, open));
    }
    staged(ui, context, args, &vault, meant)
}

/// Says that there is a rotation already.
pub fn under_way(name: &str, open: &keyshoal_vault::Rotation) -> CommandError {
    CommandError::user(format!("{name}: a rotation is under way ({})", open.stage))
        .hint("keyshoal rotate … --resume   goes on with it; --finish   closes it; --rollback   gives it up")
}

/// Goes on with rotations that go together, or gives them up, whichever instance they were found by.
pub fn go_on(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &RotateArgs,
    vault: &Arc<Vault>,
    id: &str,
) -> Result<Outcome, CommandError> {
    refuse_what_is_of_one(context, args)?;
    let author = opening::author(context.world, args.flow.why.as_deref());
    let mut houses = Vec::new();
    let mut rows = Vec::new();
    for instance in vault.instances()? {
        for row in vault.rotations(&instance.id)?.into_iter().filter(|row| row.finished.is_none()) {
            if book::state_of(&row)?.together.is_none_or(|together| together.id != id) {
                continue;
            }
            let credential = instance.credentials.iter().find(|one| one.uid == row.credential).cloned();
            let credential =
                credential.ok_or_else(|| CommandError::user("the credential is in the vault no more"))?;
            let flow = reach(ui, context, &args.flow, vault, &instance);
            houses.push(House { instance: instance.clone(), credential, flow });
            rows.push(row);
        }
    }
    require_somebody(&houses)?;
    let parts = houses.iter().map(House::part).zip(rows).collect();
    let (book, rotations) = VaultBook::resume(vault, &author, parts)?;
    let options = super::options(args);
    let options = if args.finish { RotateOptions { grace: 0, ..options } } else { options };
    if args.flow.dry_run {
        show::stand(houses.iter().map(|house| (house.instance.name.as_str(), house.away())), &rotations)
            .iter()
            .for_each(|line| ui.say(line));
        ui.document(&RotationsDocument::planned(houses.iter().map(|house| house.planned(&[]))))?;
        return Ok(Outcome::Attention);
    }
    if !args.rollback {
        return run(ui, &houses, book, rotations, &options, false);
    }
    for (house, rotation) in houses.iter().zip(&rotations) {
        let Ok(flow) = &house.flow else { continue };
        if !super::back::agreed_to_old(ui, args, &flow.installation, rotation)? {
            return Ok(Outcome::Attention);
        }
    }
    run(ui, &houses, book, rotations, &RotateOptions { offline: true, ..options }, true)
}

/// Stages a new value in all of them and goes on from there.
fn staged(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &RotateArgs,
    vault: &Arc<Vault>,
    meant: Vec<(VaultInstance, VaultCredential)>,
) -> Result<Outcome, CommandError> {
    let secret = credential::value::read(ui, &args.value, args.name.as_deref().unwrap_or_default())?;
    let options = super::options(args);
    let mut houses = Vec::new();
    for (instance, credential) in meant {
        let flow = reach(ui, context, &args.flow, vault, &instance);
        houses.push(House { instance, credential, flow });
    }
    // What can be reached comes first: the canary is among it.
    houses.sort_by_key(|house| house.flow.is_err());
    require_somebody(&houses)?;
    if chosen::is_all(args) {
        chosen::require_one_value(vault, houses.iter().map(House::part))?;
    }
    let canary = canary(&houses, args)?;
    let waves = wave_of_each(houses.len(), canary, &options.sizes.percent);
    let mut inner: Vec<Vec<Wave>> = Vec::new();
    for house in &houses {
        inner.push(match &house.flow {
            Ok(flow) => {
                let look = LookOptions { ask: AskPolicy::Offline, ..LookOptions::default() };
                let look = shared::look(ui, &flow.installation, &look)?;
                plan_waves(&look, &house.credential.profile, &options.sizes)
            }
            Err(_) => Vec::new(),
        });
    }
    let of = waves.iter().max().map_or(1, |last| last + 1);
    for ((house, inner), wave) in houses.iter().zip(&inner).zip(&waves) {
        let lines =
            show::plan_there(&house.instance.name, &house.credential, house.away(), inner, (*wave, of));
        lines.iter().for_each(|line| ui.say(line));
    }
    let document =
        RotationsDocument::planned(houses.iter().zip(&inner).map(|(house, inner)| house.planned(inner)));
    if args.flow.dry_run {
        ui.document(&document)?;
        return Ok(Outcome::Attention);
    }
    if let Some(outcome) = shared::agree(ui, "rotate?", args.flow.yes)? {
        if outcome == Outcome::Attention {
            ui.document(&document)?;
        }
        return Ok(outcome);
    }
    let id = uuid::Uuid::new_v4().to_string();
    let mut parts = Vec::new();
    for (house, wave) in houses.iter().zip(&waves) {
        let credential = &house.credential;
        let before = flow::entry_of(vault, &house.instance.id, credential.uid)?;
        let value =
            credential::entry::with_secret(before.as_ref(), &credential.provider, &credential.kind, &secret)?;
        let together = Some(Together { id: id.clone(), wave: *wave });
        parts.push((house.part(), State { together, ..State::default() }, value));
    }
    let author = opening::author(context.world, args.flow.why.as_deref());
    let (book, rotations) = VaultBook::begin(vault, &author, parts)?;
    run(ui, &houses, book, rotations, &options, false)
}

/// Goes on, or back, and shows what came of it.
fn run(
    ui: &mut Ui,
    houses: &[House<'_>],
    mut book: VaultBook<'_>,
    rotations: Vec<Rotation>,
    options: &RotateOptions,
    back: bool,
) -> Result<Outcome, CommandError> {
    let member = |(house, rotation)| House::member(house, rotation);
    let mut members: Vec<_> = houses.iter().zip(rotations).map(member).collect();
    let progress = ui.progress();
    let mut lines = Vec::new();
    let mut tell = |event: keyshoal_engine::rotate::Event<'_>| show::event(&progress, &mut lines, &event);
    let ended = match back {
        true => roll_back_together(&mut members, &mut book, options, &mut tell),
        false => rotate_together(&mut members, &mut book, options, &mut tell),
    };
    drop(progress);
    lines.iter().for_each(|line| ui.say(line));
    let ended = ended?;
    ui.data(&show::together(&members, &ended));
    ui.document(&RotationsDocument::of(&members, &ended))?;
    let fine = match &ended {
        Ended::Finished | Ended::Grace { .. } => {
            members.iter().all(|member| member.report.failures.is_empty())
        }
        Ended::RolledBack { clean, .. } => *clean && back,
        _ => false,
    };
    Ok(Outcome::attention_if(!fine))
}

/// Refuses what can be right for one gateway only: a token is shown to its own gateway, and to no other.
fn refuse_what_is_of_one(context: &Context<'_>, args: &RotateArgs) -> Result<(), CommandError> {
    let name = match (&context.globals.gateway_token_file, &args.flow.activate.restart_command) {
        (Some(_), _) => "--gateway-token-file",
        (None, Some(_)) => "--restart-command",
        (None, None) => return Ok(()),
    };
    Err(CommandError::usage(format!(
        "{name} is for one gateway, and this rotation is over several instances"
    ))
    .hint("leave it out: each gateway's token is found in its own config, and a reload needs no restart"))
}

/// Refuses to begin where nothing of it could be done from here.
fn require_somebody(houses: &[House<'_>]) -> Result<(), CommandError> {
    if houses.iter().any(|house| house.flow.is_ok()) {
        return Ok(());
    }
    let why = houses.iter().filter_map(|house| Some(format!("{}: {}", house.instance.name, house.away()?)));
    Err(CommandError::user(format!(
        "none of the instances can be reached from here: {}",
        why.collect::<Vec<_>>().join("; ")
    )))
}

/// Returns which instance comes first: the one that was named, else the first.
fn canary(houses: &[House<'_>], args: &RotateArgs) -> Result<usize, CommandError> {
    let name = match args.canary.as_slice() {
        [] => return Ok(0),
        [name] => name,
        _ => return Err(CommandError::usage("with --instances, --canary names one instance")),
    };
    let at = houses.iter().position(|house| house.instance.name == *name).ok_or_else(|| {
        CommandError::user(format!("{name:?} is none of the instances that rotate"))
            .hint("with --instances, --canary names the instance that comes first")
    })?;
    match houses[at].away() {
        None => Ok(at),
        Some(why) => Err(CommandError::user(format!("{name} cannot come first: {why}"))),
    }
}
