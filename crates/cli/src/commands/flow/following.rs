//! What the vault takes from the installation by itself: where it is, the channels, which the config decides, and what that was when it was
//! as the vault wants it.

use crate::error::CommandError;
use crate::root::holdings::{self, DELIVERED, Held};
use crate::ui::{Text, Ui};
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{ConfigHeld, HeldWhy, InstanceId, Secret};
use keyshoal_engine::ports::Observe as _;
use keyshoal_local::Installation;
use keyshoal_openclaw::config::by_hand::Decided;
use keyshoal_openclaw::files::real_path;
use keyshoal_vault::{Author, CHANNELS, Change, Vault};
use std::collections::BTreeMap;
use std::path::Path;

/// Tells whether something that the vault wants stands in an included file.
pub fn is_included(held: &[ConfigHeld]) -> bool {
    held.iter().any(|one| matches!(one.why, HeldWhy::Included { .. }))
}

/// Has the vault know where the instance is, where that was moved. What leads to the same directory is no other place.
pub fn place(
    ui: &mut Ui,
    installation: &Installation,
    held: &mut Held,
    author: &Author,
) -> Result<(), CommandError> {
    let Some(change) = moved(installation, &held.instance) else { return Ok(()) };
    let now = keyshoal_local::clock::now();
    held.vault.change(&held.instance.id, held.instance.revision, vec![change], author, now)?;
    held.instance = held.vault.instance(&held.instance.id)?;
    ui.say(&Text::of(format!(
        "the vault knows {} in {} from now on",
        held.instance.name,
        installation.state_dir().display()
    )));
    Ok(())
}

/// Returns the change by which the vault would know where the instance is; `None` where it does.
pub fn moved(installation: &Installation, known: &VaultInstance) -> Option<Change> {
    let here = installation.state_dir();
    let same = |there: &Path| there == here || real_path(there).is_some_and(|it| real_path(here) == Some(it));
    if known.state_dir.as_deref().is_some_and(|there| same(Path::new(there))) {
        return None;
    }
    Some(Change::SetPlace {
        state_dir: Some(here.display().to_string()),
        config: Some(installation.config_path().display().to_string()),
    })
}

/// Has the vault hold the channels as the config has them, so that a config that is lost can be made again with them, and remember what it
/// decided, where the config is as it wants it. The installation has heard the vault's present word.
pub fn follow(
    installation: &Installation,
    vault: &Vault,
    id: &InstanceId,
    author: &Author,
) -> Result<(), CommandError> {
    let instance = vault.instance(id)?;
    let documents: BTreeMap<String, Secret> = vault.documents(id)?.into_iter().collect();
    let mut changes = channels(installation, &documents)?;
    if installation.config_edit()?.is_none() && !is_included(&installation.config_held()) {
        changes.extend(delivered(&instance, &documents)?);
    }
    if !changes.is_empty() {
        vault.change(id, instance.revision, changes, author, keyshoal_local::clock::now())?;
    }
    Ok(())
}

/// A config without channels, or that is not there, says nothing of them.
fn channels(
    installation: &Installation,
    documents: &BTreeMap<String, Secret>,
) -> Result<Vec<Change>, CommandError> {
    let Some(standing) = installation.standing_channels()? else { return Ok(Vec::new()) };
    let name = |channel: &str| format!("{CHANNELS}{channel}");
    let is_new = |channel: &str, text: &Secret| documents.get(&name(channel)) != Some(text);
    let news = standing.iter().filter(|(channel, text)| is_new(channel, text));
    let news = news.map(|(channel, text)| Change::PutDocument { name: name(channel), value: text.clone() });
    let known = documents.keys().filter_map(|name| name.strip_prefix(CHANNELS));
    let gone = known.filter(|channel| !standing.contains_key(*channel));
    Ok(news.chain(gone.map(|channel| Change::RemoveDocument(name(channel)))).collect())
}

fn delivered(
    instance: &VaultInstance,
    documents: &BTreeMap<String, Secret>,
) -> Result<Option<Change>, CommandError> {
    let wish = holdings::config_wish(instance, documents)?;
    let now = Decided::of(&wish.wanted);
    if wish.last.as_ref() == Some(&now) {
        return Ok(None);
    }
    let text = serde_json::to_string(&now).map_err(|error| CommandError::internal(error.to_string()))?;
    Ok(Some(Change::PutDocument { name: DELIVERED.to_owned(), value: Secret::new(text) }))
}
