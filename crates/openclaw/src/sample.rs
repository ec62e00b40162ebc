//! Throwaway installations of every layout, for demonstrations, tests and benchmarks.
//!
//! What they hold has the shape of the real thing as far as credentials go: files, tables, versions, ownership rows, modes. They
//! are not complete enough for OpenClaw itself to run on.

mod databases;

use crate::files::{self, PathError};
use keyshoal_core::{AgentId, Layout, StoreId};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A throwaway installation, before it is written.
#[derive(Clone, Debug)]
pub struct Installation {
    layout: Layout,
    config: Option<Value>,
    config_text: Option<String>,
    agents: Vec<AgentId>,
    stores: BTreeMap<StoreId, Contents>,
}

/// What one store shall hold.
#[derive(Clone, Debug, Default)]
struct Contents {
    profiles: Map<String, Value>,
    state: Option<Value>,
    text: Option<String>,
}

/// A sample could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The system refused something.
    #[error(transparent)]
    Path(#[from] PathError),
    /// SQLite refused something.
    #[error("{}: {source}", path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

impl Installation {
    /// Begins an installation of a layout, with agent `main`.
    pub fn new(layout: Layout) -> Self {
        Self {
            layout,
            config: None,
            config_text: None,
            agents: vec![AgentId::new("main")],
            stores: BTreeMap::new(),
        }
    }

    /// Adds an agent to the roster; its store is there and empty unless something is put into it.
    pub fn agent(mut self, id: &str) -> Self {
        let id = AgentId::new(id);
        if !self.agents.contains(&id) {
            self.agents.push(id);
        }
        self
    }

    /// Adds fields to the config that the agents make up, key by key at the top level.
    pub fn config(mut self, fields: Value) -> Self {
        match (&mut self.config, fields) {
            (Some(Value::Object(config)), Value::Object(fields)) => config.extend(fields),
            (config, fields) => *config = Some(fields),
        }
        self
    }

    /// Gives the whole text of openclaw.json.
    pub fn config_text(mut self, text: impl Into<String>) -> Self {
        self.config_text = Some(text.into());
        self
    }

    /// Puts a profile into a store.
    pub fn profile(mut self, store: StoreId, id: &str, entry: Value) -> Self {
        self.contents(store).profiles.insert(id.to_owned(), entry);
        self
    }

    /// Puts an API key into a store, for the provider that the id begins with.
    pub fn api_key(self, store: StoreId, id: &str, key: &str) -> Self {
        let provider = id.split(':').next().unwrap_or(id);
        self.profile(store, id, json!({ "type": "api_key", "provider": provider, "key": key }))
    }

    /// Gives a store's order, lastGood and usageStats.
    pub fn state(mut self, store: StoreId, state: Value) -> Self {
        self.contents(store).state = Some(state);
        self
    }

    /// Gives the whole text of a store's file or cell, valid or not.
    pub fn store_text(mut self, store: StoreId, text: impl Into<String>) -> Self {
        self.contents(store).text = Some(text.into());
        self
    }

    fn contents(&mut self, store: StoreId) -> &mut Contents {
        // Where main's store is the base, both names mean one store.
        let main = StoreId::Agent(AgentId::new("main"));
        let shared = matches!(self.layout, Layout::SharedTable | Layout::SharedRow | Layout::Unknown);
        let store = if store == main && !shared { StoreId::Base } else { store };
        self.stores.entry(store).or_default()
    }

    /// Returns the release whose installation this looks like.
    pub fn release(&self) -> &'static str {
        match self.layout {
            Layout::JsonFile => "2026.3.28",
            Layout::JsonWithState => "2026.5.28",
            Layout::AgentSqlite => "2026.6.11",
            Layout::SharedTable => "2026.8.1-beta.3",
            Layout::SharedRow => "2026.9.6",
            Layout::Unknown => "2027.1.1",
        }
    }

    /// Writes it into a directory, which becomes the state directory.
    pub fn write(&self, state_dir: &Path) -> Result<(), SampleError> {
        files::make_private_dir(state_dir)?;
        let config = match &self.config_text {
            Some(text) => text.clone(),
            None => pretty(&self.whole_config()),
        };
        put(&state_dir.join("openclaw.json"), &config)?;
        let agent_dir = |id: &AgentId| state_dir.join("agents").join(id.as_str()).join("agent");
        if !self.layout.is_sqlite() && self.layout != Layout::Unknown {
            for (store, contents) in &self.stores {
                let main = AgentId::new("main");
                let dir = agent_dir(match store {
                    StoreId::Base => &main,
                    StoreId::Agent(id) => id,
                });
                self.write_json(&dir, contents)?;
            }
            return Ok(());
        }
        databases::write(self, state_dir, agent_dir)
    }

    fn write_json(&self, dir: &Path, contents: &Contents) -> Result<(), SampleError> {
        files::make_private_dir(dir)?;
        let mut store = contents.store_value();
        let apart = self.layout == Layout::JsonWithState;
        if let (Some(Value::Object(state)), false, Value::Object(store)) =
            (&contents.state, apart, &mut store)
        {
            store.extend(state.clone());
        }
        let text = contents.text.clone().unwrap_or_else(|| pretty(&store));
        put(&dir.join("auth-profiles.json"), &text)?;
        if let (Some(state), true) = (contents.state_value(), apart) {
            put(&dir.join("auth-state.json"), &pretty(&state))?;
        }
        Ok(())
    }

    fn whole_config(&self) -> Value {
        let main = |id: &AgentId| id.as_str() == "main";
        let agents = match self.layout {
            Layout::JsonFile | Layout::JsonWithState | Layout::AgentSqlite => {
                let entry = |id: &AgentId| match main(id) {
                    true => json!({ "id": id.as_str(), "default": true }),
                    false => json!({ "id": id.as_str() }),
                };
                json!({ "list": self.agents.iter().map(entry).collect::<Vec<_>>() })
            }
            _ => {
                let entry = |id: &AgentId| {
                    let value = if main(id) { json!({ "default": true }) } else { json!({}) };
                    (id.as_str().to_owned(), value)
                };
                json!({ "entries": self.agents.iter().map(entry).collect::<Map<_, _>>() })
            }
        };
        let mut config = Map::new();
        config.insert("agents".to_owned(), agents);
        config.insert("meta".to_owned(), json!({ "lastTouchedVersion": self.release() }));
        if let Some(Value::Object(fields)) = &self.config {
            config.extend(fields.clone());
        }
        // Nothing listens there: whoever works on a sample does not ask a gateway that runs on this machine.
        if let Some(gateway) = config.entry("gateway").or_insert_with(|| json!({})).as_object_mut() {
            gateway.entry("port").or_insert(json!(1));
        }
        Value::Object(config)
    }
}

impl Contents {
    fn store_value(&self) -> Value {
        json!({ "version": 1, "profiles": self.profiles })
    }

    fn state_value(&self) -> Option<Value> {
        let Some(Value::Object(state)) = &self.state else { return None };
        let mut whole = Map::new();
        whole.insert("version".to_owned(), json!(1));
        whole.extend(state.clone());
        Some(Value::Object(whole))
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn put(path: &Path, text: &str) -> Result<(), PathError> {
    files::remove(path)?;
    let write = |mut file: std::fs::File| std::io::Write::write_all(&mut file, text.as_bytes());
    files::WithPath::with_path(files::create_new(path).and_then(write), path)
}
