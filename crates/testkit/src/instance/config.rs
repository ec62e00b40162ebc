//! `openclaw.json` as each release wants it.

use super::{AGENTS, GATEWAY_TOKEN, Instance, PROFILE, PROVIDER};
use anyhow::Result;
use serde_json::{Value, json};

/// How the stores are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// By the release's own command for automation where it has one; in JSON files otherwise, as type `api_key`.
    ApiKey,
    /// In JSON files as type `token`, with the config's mode saying so: an installation that was rotated by `paste-token` before.
    Token,
}

/// Writes a fresh config.
pub(crate) fn write(instance: &Instance, provider_port: u16, seed: Seed) -> Result<()> {
    let mut config = document(instance, provider_port);
    let mode = match seed {
        Seed::Token => Some("token"),
        // Its command writes this entry at the first use, and the gateway restarts for it: an installation in use has it.
        Seed::ApiKey if instance.release().paste_api_key() && instance.release().json_stores() => {
            Some("api_key")
        }
        Seed::ApiKey => None,
    };
    if let Some(mode) = mode {
        config["auth"] = json!({ "profiles": { PROFILE: { "provider": PROVIDER, "mode": mode } } });
    }
    save(instance, &config)
}

/// Makes the config of a copied state directory its own. Nothing else changes: the program compares a config with the last one it
/// knew, and takes back one that lost what it had written there.
pub(crate) fn adopt(instance: &Instance, made_in: &str, provider_port: u16) -> Result<()> {
    let text = std::fs::read_to_string(instance.config_path())?;
    let text = text.replace(made_in, &instance.state_dir().display().to_string());
    let mut config: Value = serde_json::from_str(&text)?;
    config["gateway"]["port"] = json!(instance.port());
    config["models"]["providers"][PROVIDER]["baseUrl"] =
        json!(format!("http://127.0.0.1:{provider_port}/v1"));
    for entry in std::fs::read_dir(instance.state_dir())? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("openclaw.json.")) {
            std::fs::remove_file(path)?;
        }
    }
    save(instance, &config)
}

fn save(instance: &Instance, config: &Value) -> Result<()> {
    let path = instance.config_path();
    std::fs::write(&path, serde_json::to_string_pretty(config)?)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
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
        // It watches the skills' folders all the time it runs; no test changes one.
        "skills": { "load": { "watch": false } },
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
