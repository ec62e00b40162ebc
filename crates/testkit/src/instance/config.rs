//! `openclaw.json` as each release wants it.

use super::{AGENTS, GATEWAY_TOKEN, Instance, PROFILE, PROVIDER};
use anyhow::Result;
use serde_json::{Value, json};

/// What the config says about the profile's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    Unsaid,
    /// `auth.profiles.<id>.mode: "token"`, as `paste-token` leaves it.
    Token,
}

/// How the stores are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// By the release's own command for automation where it has one; in JSON files otherwise, as type `api_key`.
    ApiKey,
    /// In JSON files as type `token`, with the config's mode saying so: an installation that was rotated by `paste-token` before.
    Token,
}

/// Writes the config. `auth` is the section of that name, where the program's own commands have written one.
pub(crate) fn write(instance: &Instance, provider_port: u16, auth: Option<&Value>) -> Result<()> {
    let mut config = document(instance, provider_port);
    if let Some(auth) = auth {
        config["auth"] = auth.clone();
    }
    let path = instance.config_path();
    std::fs::write(&path, serde_json::to_string_pretty(&config)?)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

/// Returns the `auth` section that this mode stands for.
pub(crate) fn auth_section(mode: Mode) -> Option<Value> {
    (mode == Mode::Token)
        .then(|| json!({ "profiles": { PROFILE: { "provider": PROVIDER, "mode": "token" } } }))
}

fn document(instance: &Instance, provider_port: u16) -> Value {
    let release = instance.release();
    let state = instance.state_dir();
    let workspace = |agent: &str| state.join(format!("workspace-{agent}")).display().to_string();
    let model = json!({
        "id": "mock-1", "name": "mock-1", "reasoning": false, "input": ["text"], "contextWindow": 128_000, "maxTokens": 4096,
        "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 },
    });
    let mut provider = json!({
        "baseUrl": format!("http://127.0.0.1:{provider_port}/v1"), "api": "openai-completions", "models": [model],
    });
    if release.json_stores() {
        // Else an agent without a credential is served with none, because the provider is on this machine.
        provider["auth"] = json!("token");
    }
    let mut config = json!({
        "gateway": {
            "mode": "local", "bind": "loopback", "port": instance.port(),
            "auth": { "mode": "token", "token": GATEWAY_TOKEN },
            "http": { "endpoints": { "chatCompletions": { "enabled": true } } },
            "controlUi": { "enabled": false },
        },
        "models": { "mode": "merge", "providers": { PROVIDER: provider } },
        "agents": { "defaults": {
            "model": { "primary": format!("{PROVIDER}/mock-1") }, "skipBootstrap": true,
            "heartbeat": { "every": "0m" }, "timeoutSeconds": 60,
        } },
        "discovery": { "mdns": { "mode": "off" } },
        "update": { "checkOnStart": false },
        "logging": { "level": "debug", "file": state.join("gateway.jsonl").display().to_string() },
    });
    if release.entries() {
        let entry = |agent: &str| match agent {
            "main" => json!({ "workspace": workspace(agent), "default": true }),
            _ => json!({ "workspace": workspace(agent) }),
        };
        config["agents"]["entries"] =
            AGENTS.iter().map(|agent| ((*agent).to_owned(), entry(agent))).collect();
        config["telemetry"] = json!({ "enabled": false });
    } else {
        let entry =
            |agent: &&str| json!({ "id": agent, "workspace": workspace(agent), "default": *agent == "main" });
        config["agents"]["list"] = AGENTS.iter().map(entry).collect();
    }
    config
}
