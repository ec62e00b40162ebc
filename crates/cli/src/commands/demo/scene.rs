//! The demo's installation: five agents, one provider emulator, every kind of drift, one override.

use crate::arguments::Cli;
use crate::error::CommandError;
use crate::root;
use keyshoal_core::{Layout, StoreId};
use keyshoal_emulator::{Behaviour, Config, Emulator};
use keyshoal_openclaw::sample::Installation;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The file with the key that the demo sets.
pub const NEW_KEY_FILE: &str = "gemini-key.txt";

// None of these has ever been a key of anybody's.
const ANTHROPIC_NEW: &str = "sk-ant-api03-demo-new-000000000000000000000001";
const ANTHROPIC_OLD: &str = "sk-ant-api03-demo-old-000000000000000000000002";
const ANTHROPIC_OWN: &str = "sk-ant-api03-demo-own-000000000000000000000003";
const OPENAI: &str = "sk-proj-demo-shared-00000000000000000000000004";
const OPENAI_OTHER: &str = "sk-proj-demo-other-00000000000000000000000005";
const OPENROUTER: &str = "sk-or-v1-demo-00000000000000000000000000000006";
const GEMINI: &str = "AIzaSyDemo00000000000000000000000000007";

/// The installation and its provider.
pub struct Scene {
    home: PathBuf,
    _emulator: Emulator,
}

impl Scene {
    /// Sets it up in an empty directory.
    pub fn set(home: &Path) -> Result<Self, CommandError> {
        let emulator = Emulator::start(Config { control: false, ..Config::default() })
            .map_err(|error| CommandError::io(format!("the provider emulator does not start: {error}")))?;
        for key in [ANTHROPIC_NEW, ANTHROPIC_OWN, OPENAI, OPENROUTER, GEMINI] {
            emulator.accept(key);
        }
        emulator.reject(ANTHROPIC_OLD, Behaviour::Revoked);
        emulator.reject(OPENAI_OTHER, Behaviour::RateLimited { retry_after: 60 });
        installation(&emulator.base_url()).write(&home.join("openclaw")).map_err(|error| {
            CommandError::io(format!("the demo's installation could not be written: {error}"))
        })?;
        root::write_file(&home.join(NEW_KEY_FILE), &format!("{GEMINI}\n"))?;
        let copy = json!({ "providers": { "anthropic": { "apiKey": ANTHROPIC_OLD } } });
        root::write_file(&home.join("openclaw/agents/stocks/agent/models.json"), &format!("{copy:#}\n"))?;
        Ok(Self { home: home.to_owned(), _emulator: emulator })
    }

    /// Points a command line at it.
    pub fn point(&self, cli: &mut Cli) {
        cli.globals.state_dir = Some(self.home.join("openclaw"));
        cli.globals.config = Some(self.home.join("openclaw/openclaw.json"));
        cli.globals.keys_dir = Some(self.home.join("keys"));
        if let Some(crate::arguments::Command::Set(args)) = &mut cli.command {
            args.from_file = args.from_file.take().map(|file| self.home.join(file));
        }
    }
}

fn installation(provider: &str) -> Installation {
    let own = |id: &str| StoreId::Agent(id.into());
    let now = keyshoal_local::clock::now().as_millisecond();
    let hour = 3_600_000;
    let login = |access: &str, refresh: &str, expires: i64| {
        json!({ "type": "oauth", "provider": "openai-codex", "access": access, "refresh": refresh, "expires": expires,
                "email": "demo@example.com" })
    };
    let cooldown = json!({ "usageStats": { "anthropic:default": {
        "errorCount": 2, "cooldownUntil": now + hour, "cooldownReason": "auth", "lastFailureAt": now - 60_000 } } });
    Installation::new(Layout::SharedRow)
        .config(config(provider))
        .agent("ops")
        .agent("stocks")
        .agent("research")
        .agent("academic")
        .agent("retired")
        // What all inherit.
        .api_key(StoreId::Base, "anthropic:default", ANTHROPIC_NEW)
        .api_key(StoreId::Base, "openai:default", OPENAI)
        .api_key(StoreId::Base, "openrouter:default", OPENROUTER)
        .profile(StoreId::Base, "openai-codex:demo", login("access-new", "refresh-new", now + 240 * hour))
        // Stale, and cooling down because of it; a copy of the owner's login that has run out.
        .api_key(own("stocks"), "anthropic:default", ANTHROPIC_OLD)
        .state(own("stocks"), cooldown)
        .profile(own("stocks"), "openai-codex:demo", login("access-old", "refresh-old", now - 24 * hour))
        // Stale as well; and a value that nobody can be sure of.
        .api_key(own("research"), "anthropic:default", ANTHROPIC_OLD)
        .api_key(own("research"), "openai:default", OPENAI_OTHER)
        // A deliberate override.
        .api_key(own("academic"), "anthropic:default", ANTHROPIC_OWN)
        // In no roster any more.
        .api_key(own("retired"), "anthropic:default", ANTHROPIC_OLD)
}

fn config(provider: &str) -> Value {
    let model = |id: &str| json!({ "id": id, "name": id });
    json!({
        "agents": {
            "defaults": { "model": { "primary": "anthropic/claude-sonnet-4-5" } },
            "entries": {
                "main": { "default": true },
                "ops": { "model": { "primary": "anthropic/claude-sonnet-4-5", "fallbacks": ["google/gemini-3-pro"] } },
                "stocks": {},
                "research": { "model": { "primary": "anthropic/claude-sonnet-4-5", "fallbacks": ["openai/gpt-5"] } },
                "academic": {}
            }
        },
        // `openrouter:default` holds an API key, so agents do not use it.
        "auth": { "profiles": { "openrouter:default": { "provider": "openrouter", "mode": "token" } } },
        "models": { "providers": {
            "anthropic": { "baseUrl": format!("{provider}/anthropic"), "api": "anthropic-messages",
                           "models": [model("claude-sonnet-4-5")] },
            "openai": { "baseUrl": format!("{provider}/openai/v1"), "api": "openai-completions", "models": [model("gpt-5")] },
            "openrouter": { "baseUrl": format!("{provider}/openrouter/api/v1"), "api": "openai-completions", "auth": "token",
                            "models": [model("auto")] },
            "google": { "baseUrl": format!("{provider}/gemini/v1beta"), "api": "google-generative-ai",
                        // Else it would be asked without a key, because it is on this machine.
                        "auth": "token",
                        "models": [model("gemini-3-pro")] }
        } }
    })
}
