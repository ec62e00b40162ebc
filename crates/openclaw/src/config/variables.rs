//! The variables that a gateway of this config would see, in the program's own precedence.

use super::notes::{Look, Notes};
use super::{ConfigError, dotenv, substitute};
use crate::Environment;
use crate::locate::Locations;
use keyshoal_core::Secret;
use std::collections::BTreeMap;

/// The layers, the strongest first: process, `.env` files, config.
pub(super) struct Variables<'a> {
    process: &'a Environment,
    /// `<stateDir>/.env`, then `~/.config/openclaw/gateway.env`.
    pub(super) dotenv: BTreeMap<String, Secret>,
    config: BTreeMap<String, Secret>,
}

impl<'a> Variables<'a> {
    /// Reads the files.
    pub(super) fn read(
        locations: &Locations,
        env: &'a Environment,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let mut dotenv = dotenv::read(&locations.state_dir.join(".env"), warnings)?;
        if locations.state_dir == locations.home.join(".openclaw") || env.get("OPENCLAW_STATE_DIR").is_none()
        {
            let gateway = locations.home.join(".config").join("openclaw").join("gateway.env");
            for (key, value) in dotenv::read(&gateway, warnings)? {
                dotenv.entry(key).or_insert(value);
            }
        }
        Ok(Self { process: env, dotenv, config: BTreeMap::new() })
    }

    /// Takes what the config puts into the environment before any variable in it is replaced.
    pub(super) fn take_config(&mut self, root: &Look<'_>, notes: &mut Notes<'_>) {
        self.config = config_layer(root, notes);
    }

    /// Looks a variable up. A blank one of a stronger layer hides those of `.env`, but not the config's.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let outer = match self.process.vars.get(name) {
            Some(value) => Some(value.clone()),
            None => self.dotenv.get(name).map(|value| value.reveal_secret().to_owned()),
        };
        match outer {
            Some(value) if !value.trim().is_empty() => Some(value),
            blank => self.config.get(name).map(|value| value.reveal_secret().to_owned()).or(blank),
        }
    }
}

/// Returns what `env.vars` and `env` put into the environment. Values that name other variables set nothing.
pub(super) fn config_layer(root: &Look<'_>, notes: &mut Notes<'_>) -> BTreeMap<String, Secret> {
    let mut found = BTreeMap::new();
    let Some(env) = root.object_at("env", notes) else { return found };
    let vars = env.object_at("vars", notes);
    let direct = env.entries().filter(|(key, _)| !matches!(*key, "vars" | "shellEnv"));
    for (key, look) in vars.iter().flat_map(Look::entries).chain(direct) {
        let Some(value) = look.value.as_str() else {
            look.complain("text", notes);
            continue;
        };
        let key = key.trim();
        if !value.trim().is_empty() && dotenv::is_portable(key) && !substitute::has_variable(value) {
            found.insert(key.to_owned(), Secret::new(value));
        }
    }
    found
}
