//! Seeded state directories. Where a release has a command for it, the real program writes the credentials; that takes half a minute, so
//! the result is kept in the cache and copied for every test.

use crate::cache::{cache_dir, hold};
use crate::instance::{
    AGENTS, Instance, KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, PROVIDER, Seed, adopt_config,
};
use crate::real::RealOpenClaw;
use crate::stores;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Counts up whenever what a template holds changes: older ones are then not used any more.
const REVISION: u32 = 2;

/// Fills the stores of a new instance.
pub(crate) fn fill(instance: &Instance, seed: Seed, provider_port: u16) -> Result<()> {
    if instance.release().json_stores() {
        for agent in AGENTS {
            write_json_store(instance, agent, seed)?;
        }
        return Ok(());
    }
    let template = ready(&instance.release().to_string())?;
    copy_dir(&template.join("state"), &instance.state_dir())?;
    let was = std::fs::read_to_string(template.join("made-in")).context("a template without its origin")?;
    adopt_config(instance, &was, provider_port)?;
    stores::move_registry(instance, &was, &instance.state_dir().display().to_string())
}

fn key_of(agent: &str) -> &'static str {
    if agent == KEPT_AGENT { KEPT_KEY } else { OLD_KEY }
}

/// Writes a JSON store as years of use leave one: fields nobody knows, a profile of another provider, an order.
fn write_json_store(instance: &Instance, agent: &str, seed: Seed) -> Result<()> {
    let dir = instance.agent_dir(agent);
    std::fs::create_dir_all(&dir)?;
    std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o700))?;
    let (kind, field) = if seed == Seed::Token { ("token", "token") } else { ("api_key", "key") };
    let store = match agent {
        "ops" => json!({ "version": 1, "profiles": {} }),
        _ => json!({
            "version": 1,
            "profiles": {
                "unrelated:work": { "type": "api_key", "provider": "unrelated", "key": "sk-unrelated" },
                PROFILE: { "type": kind, "provider": PROVIDER, field: key_of(agent), "displayName": agent },
            },
        }),
    };
    let mut store = store;
    let state = json!({ "order": { PROVIDER: [PROFILE] }, "lastGood": { PROVIDER: PROFILE } });
    if agent == "stocks" {
        if instance.release().auth_state_file() {
            let mut state = state;
            state["version"] = json!(1);
            write_private(&dir.join("auth-state.json"), &state)?;
        } else {
            store["order"] = state["order"].clone();
            store["lastGood"] = state["lastGood"].clone();
        }
    }
    write_private(&dir.join("auth-profiles.json"), &store)
}

fn write_private(path: &Path, value: &Value) -> Result<()> {
    std::fs::write(path, format!("{}\n", serde_json::to_string_pretty(value)?))?;
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Returns the template of a release, made now when it is missing.
fn ready(version: &str) -> Result<std::path::PathBuf> {
    let templates = cache_dir().join("templates");
    std::fs::create_dir_all(&templates)?;
    let place = templates.join(format!("{version}-r{REVISION}"));
    if place.is_dir() {
        return Ok(place);
    }
    let _one_maker = hold(&format!("template-{version}"))?;
    if place.is_dir() {
        return Ok(place);
    }
    let maker = Instance::bare(RealOpenClaw::new(version)?, Seed::ApiKey, 9)?;
    // Local stores first and the inherited one last: once an id is inherited, the command of the newer releases writes there
    // whichever agent it is told.
    for agent in ["stocks", "research", KEPT_AGENT, "main"] {
        maker.rotate_by_cli(agent, key_of(agent)).with_context(|| format!("seeding {agent} of {version}"))?;
    }
    let new = tempfile::Builder::new().prefix(".new-").tempdir_in(&templates)?;
    copy_dir(&maker.state_dir(), &new.path().join("state"))?;
    std::fs::write(new.path().join("made-in"), maker.state_dir().display().to_string())?;
    std::fs::rename(new.keep(), &place)?;
    Ok(place)
}

fn copy_dir(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, std::fs::metadata(from)?.permissions())?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_dir(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
