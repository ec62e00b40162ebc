//! openclaw.json: reading, understanding and safely editing it.
//!
//! [`load`] reads the file as OpenClaw does: JSON5, `$include`, `<stateDir>/.env`, `${VAR}`. What it returns is what Keyshoal
//! needs to know, not a validation of everything: OpenClaw's own schema is far stricter.

mod agents;
mod auth;
mod error;
pub mod model;
mod models;
mod notes;
mod substitute;
mod text;

use crate::locate::Locations;
use crate::{Environment, files};
pub use error::ConfigError;
pub use model::Config;
pub use models::provider_id;
use notes::{Look, Notes};
use serde_json::Value;

/// The largest root file that is read.
const LARGEST_ROOT: u64 = 16 << 20;

/// Reads and understands the config of an installation.
///
/// A file that does not exist is what OpenClaw runs on defaults with: [`Config::exists`] is false then. What a person should
/// know but OpenClaw would live with stands in [`Config::warnings`]; what makes the roster uncertain is an error.
pub fn load(locations: &Locations, env: &Environment) -> Result<Config, ConfigError> {
    let path = &locations.config_path;
    let bytes = files::read(path, LARGEST_ROOT)?;
    let exists = bytes.is_some();
    let mut notes = Notes::new(path);
    let value = match &bytes {
        Some(bytes) => {
            let text = text::decode(path, bytes, &mut notes)?;
            notes.keep_text(text);
            text::parse(path, text)?
        }
        None => Value::Object(serde_json::Map::new()),
    };
    let _ = env;
    let root = Look::root(&value);
    let meta = root.object_at("meta", &mut notes);
    let touched_version = meta.and_then(|meta| meta.text_at("lastTouchedVersion", &mut notes));
    let roster = agents::read(&root, locations, touched_version.as_deref(), &mut notes)?;
    let auth = auth::read(&root, &mut notes);
    let providers = models::read(&root, &auth, &mut notes);
    let gateway = auth::gateway(&root, &mut notes);
    let bindings = agents::bindings(&root, &mut notes);
    agents::refuse_shared_directories(&roster.agents, &bindings, locations, &mut notes)?;
    Ok(Config {
        path: path.clone(),
        exists,
        includes: Vec::new(),
        agents: roster.agents,
        roster_form: roster.form,
        explicit_ownership: roster.explicit_ownership,
        profiles: auth.profiles,
        order: auth.order,
        providers,
        gateway,
        env: Default::default(),
        dotenv: Default::default(),
        bindings,
        touched_version,
        warnings: notes.into_warnings(),
    })
}
