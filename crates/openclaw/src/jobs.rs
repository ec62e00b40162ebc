//! Scheduled jobs, as far as they name models: those need their providers too.
//!
//! Up to 2026.5 the jobs stand in `cron/jobs.json`, later in table `cron_jobs` of the state database. That a file is left beside
//! such a table says nothing.

use crate::config::Config;
use crate::config::model::ModelUse;
use crate::locate::Locations;
use crate::store::sqlite_store::connect::read_only;
use crate::{agent_id, files};
use serde_json::Value;
use std::path::Path;

const FILE_LIMIT: u64 = 16 << 20;
const PURPOSE: &str = "scheduled jobs";

/// Adds the models of each agent's jobs to those that it uses. Jobs that cannot be read add nothing.
pub fn add_models(config: &mut Config, locations: &Locations) {
    let jobs = of_database(&locations.state_dir.join("state").join("openclaw.sqlite"))
        .unwrap_or_else(|| of_file(&config.jobs_file));
    for job in jobs.iter().filter(|job| job.get("enabled") != Some(&Value::Bool(false))) {
        let named = job.get("agentId").and_then(Value::as_str).map(agent_id::normalize);
        let models: Vec<_> = written(job).iter().filter_map(|name| config.model_of(name)).collect();
        // A job that names no agent is the default's. One that names a stranger is no agent's of the roster.
        let owner = match named {
            Some(id) => config.agents.iter().position(|agent| agent.id == id),
            None => config.agents.iter().position(|agent| agent.default),
        };
        let Some(owner) = owner.and_then(|at| config.agents.get_mut(at)) else { continue };
        for (provider, model) in models {
            if !owner.models.iter().any(|used| used.provider == provider && used.model == model) {
                let purpose = Some(PURPOSE);
                owner.models.push(ModelUse { provider, model, fallback: true, purpose, chat: true });
            }
        }
    }
}

/// Returns the models of a job as written: its own and its fallbacks.
fn written(job: &Value) -> Vec<&str> {
    let Some(payload) = job.get("payload") else { return Vec::new() };
    let fallbacks = payload.get("fallbacks").and_then(Value::as_array).into_iter().flatten();
    payload.get("model").into_iter().chain(fallbacks).filter_map(Value::as_str).collect()
}

fn of_file(path: &Path) -> Vec<Value> {
    let Ok(Some(bytes)) = files::read(path, FILE_LIMIT) else { return Vec::new() };
    match serde_json::from_slice::<Value>(&bytes).unwrap_or_default() {
        Value::Array(jobs) => jobs,
        root => root.get("jobs").and_then(Value::as_array).cloned().unwrap_or_default(),
    }
}

/// Returns the jobs of the table; nothing where there is none.
fn of_database(path: &Path) -> Option<Vec<Value>> {
    let read = read_only(path, |db| -> rusqlite::Result<Vec<Value>> {
        let mut query = db.prepare("SELECT job_json FROM cron_jobs WHERE enabled = 1")?;
        let rows = query.query_map([], |row| row.get::<_, String>(0))?;
        let parsed = rows.filter_map(|row| match row {
            Ok(text) => Some(Ok(serde_json::from_str(&text).ok()?)),
            Err(error) => Some(Err(error)),
        });
        parsed.collect()
    });
    read.ok()??.ok()
}

#[cfg(test)]
mod tests;
