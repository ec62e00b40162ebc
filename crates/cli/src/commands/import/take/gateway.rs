//! The config that the vault wants of a new installation, with what its gateway needs to start safely.

use crate::error::CommandError;
use keyshoal_core::Secret;
use keyshoal_core::vault::{REFERENCES, VaultInstance};
use keyshoal_openclaw::Environment;
use keyshoal_openclaw::config::edit::{Editor, Wrote};
use keyshoal_openclaw::config::generate::{GatewayDefaults, Sources, Wanted, generate};
use keyshoal_openclaw::config::raw;
use keyshoal_openclaw::layout::Release;
use keyshoal_openclaw::locate::Locations;
use keyshoal_transfer::ImportPlan;
use serde_json::Value;

/// By which release a config is made where nobody says which one runs.
const EARLY: &str = "2026.3.28";
/// The variables that give a gateway its token or password.
const VARIABLES: [&str; 4] = [
    "OPENCLAW_GATEWAY_TOKEN",
    "OPENCLAW_GATEWAY_PASSWORD",
    "CLAWDBOT_GATEWAY_TOKEN",
    "CLAWDBOT_GATEWAY_PASSWORD",
];
const LOOPBACK: &str = "loopback";

/// What stands in the config of how clients reach the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A token that was made here.
    NewToken,
    /// What the payload's config had.
    Kept,
    /// This machine is a client of a gateway elsewhere, as the old one was.
    Elsewhere,
}

/// Moves what the config names below the old state directory, and tells whether it names a workspace for all agents.
pub fn moved_settings(
    locations: &Locations,
    env: &Environment,
    plan: &ImportPlan,
) -> Result<bool, CommandError> {
    let wrong = |error: &dyn std::fmt::Display| CommandError::user(error.to_string());
    let editor = Editor::new(locations, env);
    for (way, place) in plan.moved_settings(&locations.state_dir) {
        let pointer = format!("/{}", way.replace('.', "/"));
        editor.set_value(&pointer, &Value::from(place)).map_err(|error| wrong(&error))?;
    }
    let config = raw(locations).map_err(|error| wrong(&error))?;
    Ok(config.is_some_and(|config| {
        config.value.pointer("/agents/defaults/workspace").is_some_and(Value::is_string)
    }))
}

/// Makes the config what the vault wants, bound to loopback, with a token.
pub fn write(
    locations: &Locations,
    env: &Environment,
    instance: &VaultInstance,
    plan: &ImportPlan,
    release: Option<Release>,
) -> Result<Access, CommandError> {
    let wrong = |error: &dyn std::fmt::Display| CommandError::user(error.to_string());
    let mut wanted = Wanted::of(instance).map_err(|error| wrong(&error))?;
    wanted.channels = plan.channels.iter().map(|one| (one.name.clone(), one.value.clone())).collect();
    wanted.usual_stores = true;
    wanted.without_retired = true;
    // The stores hold the keys themselves here; the file of the old machine is not there.
    wanted.secret_files.insert(REFERENCES.to_owned(), None);
    let there = raw(locations).map_err(|error| wrong(&error))?.map(|config| config.value);
    let access = access(there.as_ref(), plan);
    wanted.gateway = match access {
        Access::Elsewhere => None,
        Access::Kept => {
            Some(GatewayDefaults { bind: Some(LOOPBACK.to_owned()), ..GatewayDefaults::default() })
        }
        Access::NewToken => Some(GatewayDefaults {
            bind: Some(LOOPBACK.to_owned()),
            token: Some(token()?),
            ..GatewayDefaults::default()
        }),
    };
    let told = plan.source.release.as_deref().and_then(Release::parse);
    let release = release.or(told).or_else(|| Release::parse(EARLY));
    let release = release.ok_or_else(|| CommandError::internal("a release that is none"))?;
    let sources = Sources::read(locations).map_err(|error| wrong(&error))?;
    let generated = generate(locations, &sources, release, &wanted).map_err(|error| wrong(&error))?;
    if let Some(left) = generated.held.first() {
        return Err(CommandError::user(format!(
            "{}: what the vault changes stands in a file that the config includes",
            left.place
        )));
    }
    match Editor::new(locations, env).write_generated(sources.digest(), &generated) {
        Ok(Wrote::Done(_) | Wrote::Nothing) => Ok(access),
        Ok(Wrote::Meanwhile) => Err(CommandError::io(format!(
            "somebody else has changed {} meanwhile",
            locations.config_path.display()
        ))),
        Err(error) => Err(wrong(&error)),
    }
}

/// Says what becomes of the way in: whatever the config names stays, be it a value, a variable or a reference.
fn access(config: Option<&Value>, plan: &ImportPlan) -> Access {
    let at = |pointer: &str| config.and_then(|config| config.pointer(pointer));
    let text = |pointer: &str| at(pointer).and_then(Value::as_str);
    if text("/gateway/mode") == Some("remote") {
        return Access::Elsewhere;
    }
    let named =
        |pointer: &str| at(pointer).is_some_and(|value| value.as_str() != Some("") && !value.is_null());
    let other = text("/gateway/auth/mode").is_some_and(|mode| mode != "token" && mode != "none");
    let variable = plan.variables.iter().any(|one| VARIABLES.contains(&one.name.as_str()));
    match variable || named("/gateway/auth/token") || named("/gateway/auth/password") || other {
        true => Access::Kept,
        false => Access::NewToken,
    }
}

fn token() -> Result<Secret, CommandError> {
    let bytes = keyshoal_seal::random::<24>().map_err(|error| CommandError::io(error.to_string()))?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
