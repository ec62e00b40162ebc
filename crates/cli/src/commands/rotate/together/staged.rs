//! A new value for several instances, from the beginning.

use super::allowed::{canary, require_somebody};
use super::reach::reach;
use super::way::Way;
use super::{House, at_work_on, before, chosen, knows, run};
use crate::commands::rotate::back::print_of;
use crate::commands::rotate::book::VaultBook;
use crate::commands::rotate::stop::Stop;
use crate::commands::rotate::{self, RotateArgs, planned, strangers, ways};
use crate::commands::{Context, credential, flow, shared};
use crate::document::RotationsDocument;
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::root::vault as opening;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::Fact;
use keyshoal_core::vault::{VaultCredential, VaultInstance, VersionState};
use keyshoal_engine::ports::Remember as _;
use keyshoal_engine::rotate::{State, Strange, Together, Wave, plan_waves, wave_of_each};
use keyshoal_vault::Vault;
use std::sync::Arc;

/// Stages a new value in all of them and goes on from there.
pub fn staged(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &RotateArgs,
    vault: &Arc<Vault>,
    meant: Vec<(VaultInstance, VaultCredential)>,
    stop: &Stop,
) -> Result<Outcome, CommandError> {
    let name = args.name.as_deref().unwrap_or_default();
    let to = format!("rotate {name} --instances {}", args.instances.join(","));
    let secret = credential::value::read(ui, &args.value, name, &to)?;
    let options = rotate::options(args);
    let meant = chosen::without(ui, vault, meant, &secret)?;
    if meant.is_empty() {
        ui.data(&[Text::toned(Tone::Good, "✓ ").plain("nothing was changed: all of them have it already")]);
        ui.document(&RotationsDocument::unchanged())?;
        return Ok(Outcome::Fine);
    }
    let waits = |meant: &[(VaultInstance, VaultCredential)]| {
        let found = before::before(vault, meant)?;
        match found.in_the_way {
            Some((name, open)) => {
                let profile = meant.first().map(|(_, one)| one.profile.as_str()).unwrap_or_default();
                Err(rotate::under_way(&name, &ways::command_there(profile, &name), &open))
            }
            None => Ok(found.waiting),
        }
    };
    let replaces = !waits(&meant)?.is_empty();
    let mut houses = Vec::new();
    for (instance, credential) in meant.clone() {
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
    let (mut inner, mut strange): (Vec<Vec<Wave>>, Vec<Vec<Strange>>) = (Vec::new(), Vec::new());
    for house in &houses {
        let Ok(flow) = &house.flow else {
            inner.push(Vec::new());
            strange.push(Vec::new());
            continue;
        };
        let (instance, credential) = house.named();
        let look = strangers::look(ui, flow)?;
        let new = flow.installation.enter(secret.clone(), None);
        strangers::refuse(instance, credential, &look, new, &format!("{}: ", instance.name), None)?;
        inner.push(plan_waves(&look, &credential.profile, &options.sizes));
        strange.push(strangers::of(instance, credential, &look, &[Some(new)]));
    }
    let of = waves.iter().max().map_or(1, |last| last + 1);
    for (((house, inner), strange), wave) in houses.iter().zip(&inner).zip(&strange).zip(&waves) {
        let lines =
            planned::plan_there(&house.instance.name, &house.credential, house.away(), inner, (*wave, of));
        let stay = strangers::lines(&house.credential.profile, strange);
        lines.iter().chain(&stay).for_each(|line| ui.say(line));
    }
    if replaces {
        ui.say(&Text::of(
            "  the value before the present one, or the newer one that was taken back, is retired once the new one is current, and is no way back any more but by credential restore",
        ));
    }
    let all = houses.iter().zip(&inner).zip(&strange);
    let document = RotationsDocument::planned(all.map(|((house, inner), strange)| {
        let Ok(flow) = &house.flow else { return house.planned(inner, None, None) };
        let current = print_of(&house.credential, VersionState::Current, &flow.installation.held_prints());
        let (name, away, there) =
            house.planned(inner, current, Some(flow.installation.enter(secret.clone(), None)));
        (name, away, there.beside(strange))
    }));
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
        parts.push((house.part(), State { together, grace: options.grace, ..State::default() }, value));
    }
    let author = opening::author(context.world, args.flow.why.as_deref());
    let _at_work = at_work_on(vault, &author, houses.iter().map(House::named))?;
    knows(stop, vault, &houses);
    before::close(vault, &author, waits(&meant)?)?;
    let (book, rotations) = VaultBook::begin(vault, &author, parts)?;
    for (house, rotation) in houses.iter().zip(&rotations).filter(|_| options.offline) {
        if let Ok(flow) = &house.flow {
            flow.installation.learn(&[Fact::Overruled { fingerprint: rotation.new }])?;
        }
    }
    run(ui, &houses, book, rotations, &options, Way::On)
}
