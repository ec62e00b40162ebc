//! openclaw.json: reading, understanding and safely editing it.
//!
//! [`load`] reads the file as OpenClaw does: JSON5, `$include`, `<stateDir>/.env`, `${VAR}`. What it returns is what Keyshoal
//! needs to know, not a validation of everything: OpenClaw's own schema is far stricter.

mod agents;
mod auth;
mod bindings;
pub mod by_hand;
mod channels;
mod conversation;
mod doors;
pub mod dotenv;
pub mod edit;
mod error;
pub mod generate;
pub mod import;
mod include;
mod inline;
pub mod model;
mod models;
mod notes;
mod outline;
mod outside;
mod places;
mod providers;
mod raw;
mod roots;
mod secrets;
mod special;
mod standing;
mod substitute;
mod text;
mod transport;
mod variables;

use crate::locate::{self, Locations};
use crate::{Environment, files};
pub use doors::doors;
pub use error::ConfigError;
pub use inline::{Inlined, in_full, includes, inline};
use keyshoal_core::Secret;
pub use model::Config;
use models::ModelNames;
pub use models::provider_id;
use notes::{Look, Notes, Steps};
pub use outline::outline;
pub use places::named_places;
pub use raw::{RawConfig, has_entries, plain_json, raw};
use secrets::Resolver;
use serde_json::Value;
use std::path::Path;
use variables::Variables;

/// The largest root file that is read.
const LARGEST_ROOT: u64 = 16 << 20;

/// Reads and understands the config of an installation.
///
/// A file that does not exist is what OpenClaw runs on defaults with: [`Config::exists`] is false then. What a person should
/// know but OpenClaw would live with stands in [`Config::warnings`]; what makes the roster uncertain is an error.
pub fn load(locations: &Locations, env: &Environment) -> Result<Config, ConfigError> {
    read(locations, env, false)
}

/// Tells whether a warning of a config says that OpenClaw refuses it as a whole, so that a gateway would not start with it.
pub fn is_refusal(warning: &str) -> bool {
    warning.contains("OpenClaw refuses the config") || warning.contains("OpenClaw refuses such a config")
}

/// The same, with the places of the bindings.
pub fn load_with_places(locations: &Locations, env: &Environment) -> Result<Config, ConfigError> {
    read(locations, env, true)
}

/// The same of a text that is to stand in the file and does not yet.
pub fn load_text(locations: &Locations, env: &Environment, text: &Secret) -> Result<Config, ConfigError> {
    understand(locations, env, Some(text.reveal_secret().as_bytes()), false)
}

fn read(locations: &Locations, env: &Environment, placed: bool) -> Result<Config, ConfigError> {
    let file = files::OpenFile::open(&locations.config_path)?;
    let bytes = file.map(|file| file.bytes(LARGEST_ROOT)).transpose()?;
    understand(locations, env, bytes.as_deref(), placed)
}

fn understand(
    locations: &Locations,
    env: &Environment,
    bytes: Option<&[u8]>,
    placed: bool,
) -> Result<Config, ConfigError> {
    let path = &locations.config_path;
    let mut notes = Notes::new(path);
    let value = match bytes {
        Some(bytes) => {
            let text = text::decode(path, bytes, &mut notes)?;
            notes.keep_text(text);
            text::parse(path, text)?
        }
        None => Value::Object(serde_json::Map::new()),
    };
    if !value.is_object() {
        let place = notes.place(&Steps::default());
        return Err(ConfigError::invalid(place, "the config is not an object", text::WAY_OUT));
    }
    let text = notes.text().unwrap_or_default();
    let included = include::resolve(value, text, locations)?;
    notes.keep_included(included.texts);
    let mut value = included.value;
    included.warnings.into_iter().for_each(|warning| notes.say(warning));

    let mut file_warnings = Vec::new();
    let mut variables = Variables::read(locations, env, &mut file_warnings)?;
    file_warnings.into_iter().for_each(|warning| notes.say(warning));
    variables.take_config(&Look::root(&value), &mut notes);
    substitute::substitute(&mut value, &|name| variables.get(name), &mut notes);

    let root = Look::root(&value);
    let env = variables::config_layer(&root, &mut notes);
    let meta = root.object_at("meta", &mut notes);
    let touched_version = meta.and_then(|meta| meta.text_at("lastTouchedVersion", &mut notes));
    roots::warn_of_strangers(&root, touched_version.as_deref(), &mut notes);
    let names = ModelNames::new(&root, touched_version.as_deref(), &mut notes);
    let roster = agents::read(&root, locations, &names, &mut notes)?;
    let auth = auth::read(&root, &mut notes);
    let secrets = Resolver { root: &root, variables: &variables, locations };
    let providers = providers::read(&root, &auth, &secrets, &mut notes);
    let gateway = auth::gateway(&root, &secrets, &mut notes);
    let mut bindings = bindings::read(&root, &mut notes);
    if placed {
        bindings::place(&mut bindings, &notes);
    }
    bindings::warn_of_strangers(&bindings, &roster, touched_version.as_deref(), &mut notes);
    let session_store =
        root.object_at("session", &mut notes).and_then(|session| session.text_at("store", &mut notes));
    let jobs_file = root.object_at("cron", &mut notes).and_then(|cron| cron.text_at("store", &mut notes));
    let jobs_file =
        jobs_file.and_then(|named| locate::resolve(Path::new(&named), Some(&locations.home)).ok());
    let jobs_file = jobs_file.unwrap_or_else(|| locations.state_dir.join("cron").join("jobs.json"));
    let outside = outside::read(&root, &locations.home, &mut notes);
    agents::refuse_shared_directories(&roster.agents, &bindings, locations, &mut notes)?;
    Ok(Config {
        path: path.clone(),
        exists: bytes.is_some(),
        includes: included.files,
        agents: roster.agents,
        roster_form: roster.form,
        roster_implied: roster.implied,
        default_marks: roster.default_marks,
        system_agent: agents::system_agent(&root, &mut notes),
        explicit_ownership: roster.explicit_ownership,
        profiles: auth.profiles,
        order: auth.order,
        providers,
        gateway,
        env,
        dotenv: variables.dotenv,
        bindings,
        channels: channels::read(&root),
        cli_backends: agents::cli_backends(&root),
        session_store,
        jobs_file,
        secret_providers: outside.secret_providers,
        log_file: outside.log_file,
        names,
        touched_version,
        warnings: notes.into_warnings(),
    })
}

#[cfg(test)]
mod tests;
