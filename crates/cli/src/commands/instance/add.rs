//! Taking an installation into the vault, where it is: nothing of it changes but whose word counts.

use crate::commands::flow::following;
use crate::commands::{Context, identity, shared};
use crate::document::{ImportDocument, InstanceDocument};
use crate::error::CommandError;
use crate::exit::Outcome;
use crate::render;
use crate::root::holdings::{self, Need};
use crate::root::{OpenFor, vault};
use crate::ui::{Text, Tone, Ui};
use crate::view::status::StatusView;
use keyshoal_core::judge::Remedy;
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{Fact, Fingerprint, InstanceId, ProfileId, VerdictKind};
use keyshoal_engine::ports::{Observe as _, Remember as _};
use keyshoal_engine::{Look, LookOptions};
use keyshoal_local::Installation;
use keyshoal_transfer::manifest::Logins;
use keyshoal_transfer::{Choice, Conflict, Facts, GatherOptions, ImportPlan, gather, preview};
use keyshoal_vault::{Author, CHANNELS, Change, ENTRIES, NewCredential, NewInstance, Vault};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What was asked for.
pub struct Add<'a> {
    pub name: Option<&'a str>,
    pub organisation: &'a str,
    pub offline: bool,
    pub dry_run: bool,
    pub yes: bool,
}

/// Shows what would be taken in, asks, and takes it in.
pub fn add(ui: &mut Ui, context: &Context<'_>, wanted: &Add<'_>) -> Result<Outcome, CommandError> {
    let opened = OpenFor { offline: wanted.offline, vault: Need::Not, ..OpenFor::default() };
    let installation = shared::open(ui, context, opened)?;
    if !identity::settle(ui, context, &installation)? {
        return Ok(Outcome::Attention);
    }
    let id = installation.instance_id().ok_or_else(|| {
        CommandError::io(
            "this installation's memory cannot be written, so no vault could know which one it is",
        )
    })?;
    let author = vault::author(context.world, Some("taken in where it is"));
    let vault = vault::open_vault(ui, context.world, context.globals)?;
    if let Some(known) = vault.instances()?.into_iter().find(|known| known.id == id) {
        return again(ui, &installation, &vault, &known, wanted, &author);
    }
    let options = LookOptions { ask: shared::ask_policy(wanted.offline), ..LookOptions::default() };
    let mut look = shared::look(ui, &installation, &options)?;
    // What is dropped here for being refused is gone with the next sync.
    look.make_sure(&installation, options.ask, &mut |_| {});
    let existing = vault.instances()?;
    let (verdicts, answers) = (verdicts(&look), answers(&look));
    let host = hostname();
    let facts = Facts {
        name: wanted.name.unwrap_or(&host),
        organisation: wanted.organisation,
        existing: &existing,
        verdicts: &verdicts,
        answers: &answers,
        prints: installation.fingerprints(),
        in_place: true,
    };
    let plan = plan(context, &installation, &id, &facts)?;
    ui.data(&render::import::preview(&plan, "directory", ui.width()));
    if let Some(name) = plan.conflicts.iter().find_map(taken) {
        ui.say(&Text::of(format!(
            "keyshoal instance join {name}   if this installation is that one, and its memory (.keyshoal) is lost"
        )));
    }
    if !plan.conflicts.is_empty() || wanted.dry_run {
        ui.document(&ImportDocument::of(&plan, "directory", false))?;
        return Ok(Outcome::attention_if(!plan.conflicts.is_empty()));
    }
    let question = "take this into the vault, whose word counts here from then on?";
    if let Some(outcome) = shared::agree(ui, question, wanted.yes)? {
        ui.document(&ImportDocument::of(&plan, "directory", false))?;
        return Ok(outcome);
    }
    let now = keyshoal_local::clock::now();
    let new = NewInstance {
        id: id.clone(),
        organisation: plan.organisation.clone(),
        name: plan.name.clone(),
        state_dir: Some(installation.state_dir().display().to_string()),
        config: Some(installation.config_path().display().to_string()),
    };
    let delivery = Change::SetDelivery(plan.delivery);
    let changes = changes_of(plan).into_iter().chain([delivery]).collect();
    vault.add_instance(&new, changes, &author, now)?;
    bind(ui, &installation, &vault, &vault.instance(&id)?, &author)
}

fn taken(conflict: &Conflict) -> Option<&str> {
    match conflict {
        Conflict::NameTaken { name } => Some(name),
        _ => None,
    }
}

/// Has the word of a vault that knows the instance count again. Where it counts already, nothing changes.
fn again(
    ui: &mut Ui,
    installation: &Installation,
    vault: &Vault,
    known: &VaultInstance,
    wanted: &Add<'_>,
    author: &Author,
) -> Result<Outcome, CommandError> {
    let counts = installation.vault_id()?.is_some_and(|id| id == vault.id());
    if wanted.dry_run {
        // Only then its values have fingerprints here.
        installation.hold(&holdings::holdings(vault, known, None)?)?;
        ui.data(&render::instance::whole(known, &installation.held_prints()));
        ui.document(&InstanceDocument::of(known, &installation.held_prints()))?;
        let what = if counts { "counts here" } else { "would count here again" };
        ui.say(&Text::of(format!("{} is in the vault already, whose word {what}", known.name)));
        return Ok(Outcome::Fine);
    }
    if !counts {
        let question = format!("have the vault's word count again for {}?", known.name);
        if let Some(outcome) = shared::agree(ui, &question, wanted.yes)? {
            ui.document(&InstanceDocument::of(known, &installation.held_prints()))?;
            return Ok(outcome);
        }
    }
    bind(ui, installation, vault, known, author)
}

/// Has the vault's word count from now on.
pub(super) fn bind(
    ui: &mut Ui,
    installation: &Installation,
    vault: &Vault,
    instance: &VaultInstance,
    author: &Author,
) -> Result<Outcome, CommandError> {
    installation.set_vault_id(Some(vault.id()))?;
    if let Some(moved) = following::moved(installation, instance) {
        let now = keyshoal_local::clock::now();
        vault.change(&instance.id, instance.revision, vec![moved], author, now)?;
    }
    let instance = &vault.instance(&instance.id)?;
    installation.hold(&holdings::holdings(vault, instance, None)?)?;
    // What the vault misses of the config it takes the next time.
    let _ = following::follow(installation, vault, &instance.id, author);
    let prints = installation.held_prints();
    // What the vault gives single agents is its own to change: it was marked so that nobody took it away while no vault counted. A mark
    // of another value is a person's word of since.
    let (known, wish) = (installation.knowledge()?, installation.wish()?);
    let own = wish.iter().flat_map(|wish| &wish.own);
    let ours = own.filter(|(whose, line)| {
        let mark = known.kept.get(whose).map(|mark| mark.fingerprint);
        mark.is_some() && mark == line.wanted()
    });
    let marks =
        ours.map(|((agent, profile), _)| Fact::KeptUndone { agent: agent.clone(), profile: profile.clone() });
    installation.learn(&marks.collect::<Vec<_>>())?;
    ui.data(&render::instance::whole(instance, &prints));
    ui.say(&Text::toned(Tone::Good, "✓ ").plain(format!(
        "{} is in the vault, and the vault says what is right here from now on; keyshoal diff   shows what it would change",
        instance.name
    )));
    say_what_is_open(ui, installation);
    ui.document(&InstanceDocument::of(instance, &prints))?;
    Ok(Outcome::Fine)
}

/// Says what needs attention now that the vault's word counts: it is in the vault all the same.
fn say_what_is_open(ui: &mut Ui, installation: &Installation) {
    let look = match shared::look(ui, installation, &LookOptions::default()) {
        Ok(look) => look,
        Err(error) => return ui.warn(&format!("whether something is open is not known: {error}")),
    };
    let view = StatusView::of(&look.observed, &look.knowledge, &look.desired, &look.judgement.findings);
    let open = render::findings::attention(&view, ui.width());
    if !open.is_empty() {
        ui.say(&Text::toned(Tone::Strong, "What is open"));
        open.iter().for_each(|line| ui.say(line));
    }
}

/// Returns what this machine is called.
pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Decides what becomes shared and what an override, by what is known of this installation.
pub fn plan(
    context: &Context<'_>,
    installation: &Installation,
    id: &InstanceId,
    facts: &Facts<'_>,
) -> Result<ImportPlan, CommandError> {
    let options = GatherOptions {
        context: false,
        logins: Logins::Stay,
        in_place: true,
        instance: Some(id.clone()),
        now: keyshoal_local::clock::now(),
        closed: false,
    };
    let mut payload = gather(installation.locations(), &context.world.environment, &options)
        .map_err(|error| CommandError::io(error.to_string()))?;
    // It goes on as it is, so there is nothing to warn of.
    let delivery = std::mem::take(&mut payload.manifest.delivery);
    // One that has never run has written nowhere which release it is; a look knows more.
    if payload.manifest.source.release.is_none() {
        payload.manifest.source.release = installation.observe()?.instance.openclaw_version.clone();
    }
    let mut plan = preview(&payload, facts, &mut Uuid::new_v4);
    plan.delivery = delivery;
    plan.keep_what_is_open();
    Ok(plan)
}

/// What providers said of each value: an acceptance counts, wherever it was given.
fn verdicts(look: &Look) -> BTreeMap<Fingerprint, VerdictKind> {
    let mut all: BTreeMap<Fingerprint, VerdictKind> = BTreeMap::new();
    for ((fingerprint, _), verdict) in &look.knowledge.verdicts {
        let known = all.entry(*fingerprint).or_insert(verdict.kind);
        if verdict.kind.is_accepted() {
            *known = verdict.kind;
        }
    }
    all
}

/// What is known of copies without asking anybody: an earlier value of the source is none of an agent's own.
fn answers(look: &Look) -> BTreeMap<(ProfileId, Fingerprint), Choice> {
    let mut all = BTreeMap::new();
    for ((_, profile), judged) in &look.judgement.copies {
        let Some(fingerprint) = judged.fingerprint else { continue };
        if matches!(judged.remedy, Remedy::Replace(_) | Remedy::Remove(_)) {
            all.insert((profile.clone(), fingerprint), Choice::Shared);
        }
    }
    all
}

/// Returns the changes that make of an empty instance what a plan says.
pub fn changes_of(plan: ImportPlan) -> Vec<Change> {
    let default = plan.agents.iter().find(|agent| agent.default).map(|agent| agent.uid);
    let mut changes: Vec<Change> = plan
        .agents
        .into_iter()
        .map(|mut agent| {
            agent.default = false;
            Change::AddAgent(agent)
        })
        .collect();
    changes.extend(default.map(Change::SetDefaultAgent));
    changes.push(Change::SetModels { agent: None, models: plan.models });
    changes.push(Change::SetBindings(plan.bindings));
    changes
        .extend(plan.order.into_iter().map(|(provider, profiles)| Change::SetOrder { provider, profiles }));
    changes.extend(plan.credentials.into_iter().map(|one| {
        Change::PutCredential(NewCredential {
            uid: one.uid,
            profile: one.profile,
            provider: one.provider,
            kind: one.kind,
            agent: one.agent,
            value: one.entry,
            expires: one.expires,
            origin: one.origin,
        })
    }));
    changes.extend(
        plan.entries
            .into_iter()
            .map(|one| Change::PutDocument { name: format!("{ENTRIES}{}", one.name), value: one.value }),
    );
    changes.extend(
        plan.channels
            .into_iter()
            .map(|one| Change::PutDocument { name: format!("{CHANNELS}{}", one.name), value: one.value }),
    );
    changes
}
