//! An installation's vault: opened, and its word handed to the installation.

use super::World;
use super::vault::{self, AGAIN};
use crate::arguments::Globals;
use crate::error::{CommandError, ErrorKind};
use crate::ui::Ui;
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{AgentId, Secret};
use keyshoal_engine::ports::PortError;
use keyshoal_engine::rotate::State;
use keyshoal_local::vaulted::{HeldVersion, Holdings};
use keyshoal_local::{ConfigWish, Installation};
use keyshoal_openclaw::config::generate::Wanted;
use keyshoal_vault::{CHANNELS, Cause, ENTRIES, KeyRecord, KeySource, KeyState, Preview, Vault};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

/// The ids that renamed agents still have in the config: a JSON object from the new id to the old one.
pub const RENAMES: &str = "renames";
/// What the vault decided of the config when that was last so.
pub const DELIVERED: &str = "delivered";

const RELEASE: &str = "keyshoal instance release   goes on without the vault";
const LOST: &str = "keyshoal instance release   goes on without the vault, if it or its key is lost for good";
const GIVE: &str = "--passphrase-fd 3 3< FILE   gives it to a command";
const WHY: &str = "keyshoal vault verify   says why";

/// Says how much a command needs the vault of its installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// It does without where the vault does not open, and says so. A person at a terminal is asked for a passphrase, and need not give it.
    #[default]
    IfAtHand,
    /// It writes: without the vault's word it must not.
    Certainly,
    /// It has nothing to do with what is right.
    Not,
}

/// A vault that was opened, and the instance in it.
pub struct Held {
    /// The vault.
    pub vault: Arc<Vault>,
    /// The instance, as it was read.
    pub instance: VaultInstance,
}

/// Opens the vault that says what is right for an installation, and lets the installation hear it. `None` where no vault does.
pub fn hold(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    installation: &Installation,
    need: Need,
) -> Result<Option<Held>, CommandError> {
    let Some(id) = installation.vault_id()? else { return Ok(None) };
    let at_hand = need == Need::IfAtHand && (ui.can_ask() || is_at_hand(world, globals).unwrap_or(true));
    let found = match need {
        Need::Not => return Ok(None),
        Need::Certainly => find(ui, world, globals, installation, &id, need),
        Need::IfAtHand if at_hand => find(ui, world, globals, installation, &id, need),
        Need::IfAtHand => Err(vault::not_given().hint(GIVE)),
    };
    // A vault that opens, and then one value of it does not, is not heard either.
    let heard = found.and_then(|held| {
        let wanted = holdings(&held.vault, &held.instance, None).map_err(lost)?;
        installation.hold(&wanted)?;
        Ok(held)
    });
    match heard {
        Ok(held) => Ok(Some(held)),
        // Who breaks the question off wants no answer without the vault either.
        Err(error) if need == Need::IfAtHand && error.signal.is_none() => {
            let lost_only = error.hints.iter().all(|hint| hint == LOST);
            let why = lost_only.then(|| WHY.to_owned()).into_iter();
            let ways: Vec<String> = why.chain(error.hints).collect();
            installation.vault_unheard(error.message.clone(), ways.join("; "));
            ui.warn(&format!(
                "the vault that says what is right here could not be opened: {}; what follows is judged by the stores alone",
                error.message
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Adds what to do where the vault is lost for good: not to what may go by itself.
fn lost(error: CommandError) -> CommandError {
    match error.hints.iter().any(|hint| hint == AGAIN) {
        true => error,
        false => error.hint(LOST),
    }
}

fn find(
    ui: &mut Ui,
    world: &World,
    globals: &Globals,
    installation: &Installation,
    id: &str,
    need: Need,
) -> Result<Held, CommandError> {
    let path = vault::vault_path(world, globals)?;
    if !vault::has_vault(world, globals)? {
        return Err(CommandError::config(format!(
            "the vault {id} says what is right for this installation, and {} is not there",
            path.display()
        ))
        .hint("name the vault with --vault, or restore it: keyshoal vault restore BACKUP")
        .hint(LOST));
    }
    let vault = vault::open_asking(ui, world, globals, need == Need::IfAtHand).map_err(|error| {
        // Who gave none has it.
        let not_given = error.message == vault::not_given().message;
        if not_given { error.hint(GIVE) } else { lost(error) }
    })?;
    if vault.id() != id {
        return Err(CommandError::config(format!(
            "{} is another vault ({}) than the one that says what is right here ({id})",
            path.display(),
            vault.id()
        ))
        .hint("name the right one with --vault")
        .hint(LOST));
    }
    let instance = installation.instance_id().ok_or_else(|| {
        CommandError::io(
            "this installation's memory cannot be written, so the vault does not know which one it is",
        )
    })?;
    let instance = vault.instance(&instance).map_err(|error| {
        let is_gone = matches!(error.cause, Cause::NoInstance(_));
        let made = CommandError::from(error);
        match is_gone {
            true => made.hint("keyshoal instance add   takes it in again").hint(RELEASE),
            false => lost(made),
        }
    })?;
    Ok(Held { instance, vault: Arc::new(vault) })
}

/// Has an installation hear every change that others make in its vault from now on.
pub fn listen(installation: &Installation, held: Held) {
    let Held { vault, instance } = held;
    // The same revision of another file of the vault may say something else.
    let heard = (instance.revision, vault.times_anew(), rotations_of(&vault, &instance).unwrap_or_default());
    let heard = Mutex::new(heard);
    let failed = |error: CommandError| PortError {
        message: error.message,
        hint: error.hints.into_iter().next(),
        retryable: error.kind != ErrorKind::Config,
    };
    installation.listen(move |anew| {
        let now = vault.instance(&instance.id).map_err(|error| failed(error.into()))?;
        let rotations = rotations_of(&vault, &now).map_err(failed)?;
        let state = (now.revision, vault.times_anew(), rotations);
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if !anew && *heard == state {
            return Ok(None);
        }
        let news = holdings(&vault, &now, None).map_err(failed)?;
        *heard = state;
        Ok(Some(news))
    });
}

/// Where the rotations of an instance stand that are not over.
fn rotations_of(vault: &Vault, instance: &VaultInstance) -> Result<Vec<(String, u64)>, CommandError> {
    let all = vault.open_rotations(&instance.id)?;
    Ok(all.into_iter().map(|one| (one.id, one.revision)).collect())
}

/// Tells whether nobody has to be asked for the vault's key, be it there or lost.
fn is_at_hand(world: &World, globals: &Globals) -> Result<bool, CommandError> {
    if !vault::has_vault(world, globals)? || globals.passphrase_fd.is_some() {
        return Ok(true);
    }
    let keys = Vault::keys(&vault::vault_path(world, globals)?)?;
    let asks = |key: &KeyRecord| matches!(key.source, KeySource::Passphrase { .. });
    Ok(!keys.iter().filter(|key| key.state != KeyState::Retired).any(asks))
}

/// Puts together what an installation is to hear: of an instance as it is, or as changes would make it.
pub fn holdings(
    vault: &Vault,
    instance: &VaultInstance,
    preview: Option<&Preview>,
) -> Result<Holdings, CommandError> {
    let instance = preview.map_or(instance, |preview| &preview.instance).clone();
    let held = |value: &keyshoal_vault::Value| HeldVersion {
        credential: value.credential,
        number: value.number,
        entry: value.value.clone(),
    };
    let mut values: Vec<HeldVersion> = vault.values(&instance.id)?.iter().map(held).collect();
    values.extend(preview.iter().flat_map(|preview| &preview.fresh).map(held));
    let mut documents: BTreeMap<String, Secret> = vault.documents(&instance.id)?.into_iter().collect();
    for (name, text) in preview.iter().flat_map(|preview| &preview.documents) {
        match text {
            Some(text) => drop(documents.insert(name.clone(), text.clone())),
            None => drop(documents.remove(name)),
        }
    }
    let config = Some(config_wish(&instance, &documents)?);
    let mut holdings = Holdings {
        instance,
        values,
        config,
        waves: BTreeMap::new(),
        given: BTreeSet::new(),
        rotating: BTreeSet::new(),
        taken_back: BTreeSet::new(),
        proposed: preview.is_some(),
    };
    rotating(vault, &mut holdings)?;
    Ok(holdings)
}

/// Returns what a vault wants of the config.
pub fn config_wish(
    instance: &VaultInstance,
    documents: &BTreeMap<String, Secret>,
) -> Result<ConfigWish, CommandError> {
    let mut wanted = Wanted::of(instance).map_err(|error| CommandError::user(error.to_string()))?;
    let named = |prefix: &'static str| {
        documents
            .iter()
            .filter_map(move |(name, text)| Some((name.strip_prefix(prefix)?.to_owned(), text.clone())))
    };
    // What was taken back is declared no more, unless another credential has its id.
    wanted.gone_profiles = instance
        .credentials
        .iter()
        .map(|credential| credential.profile.clone())
        .filter(|profile| !wanted.profiles.contains_key(profile))
        .collect();
    wanted.channels = named(CHANNELS).collect();
    wanted.kept = named(ENTRIES).map(|(id, text)| (AgentId::new(id), text)).collect();
    if let Some(text) = documents.get(RENAMES) {
        wanted.renamed = renames(text)?;
    }
    let mut known: BTreeSet<AgentId> = instance.agents.iter().map(|agent| agent.id.clone()).collect();
    known.extend(wanted.renamed.values().cloned());
    // One that cannot be read says nothing of who has changed what.
    let last = documents.get(DELIVERED).and_then(|text| serde_json::from_str(text.reveal_secret()).ok());
    Ok(ConfigWish { wanted, known, last })
}

/// Reads which agents still have an earlier id in the config.
pub fn renames(text: &Secret) -> Result<BTreeMap<AgentId, AgentId>, CommandError> {
    serde_json::from_str(text.reveal_secret())
        .map_err(|_| CommandError::internal("the vault's list of renamed agents is none"))
}

/// Adds what the rotations want that are not over.
fn rotating(vault: &Vault, holdings: &mut Holdings) -> Result<(), CommandError> {
    for rotation in vault.open_rotations(&holdings.instance.id)? {
        let state: State = serde_json::from_str(&rotation.state).unwrap_or_default();
        let credential = holdings.instance.credentials.iter().find(|one| one.uid == rotation.credential);
        let whose = credential.and_then(|one| Some((one.agent?, one.profile.clone())));
        let agent = whose.and_then(|(uid, profile)| {
            let agent = holdings.instance.agents.iter().find(|one| one.uid == uid)?;
            Some((agent.id.clone(), profile))
        });
        holdings.rotating.extend(agent);
        if state.going_back && state.is_asked_back() {
            holdings.taken_back.insert(rotation.credential);
        }
        holdings.waves.insert(rotation.credential, state.agents);
    }
    Ok(())
}
