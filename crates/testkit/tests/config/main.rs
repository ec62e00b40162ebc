//! What Keyshoal reads from a config, held against what the real program's own functions read from it: ids, directories,
//! models, defaults, includes, variables, refusals. The configs are made at random by `reference.mjs`, the same on every run.

#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use anyhow::{Context, Result, ensure};
use keyshoal_openclaw::config::model::{Config, ConfigKey};
use keyshoal_openclaw::config::{self, ConfigError};
use keyshoal_openclaw::{Environment, locate};
use keyshoal_testkit::RealOpenClaw;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const CONFIGS: usize = 400;

#[test]
fn configs_are_read_as_2026_9_6_reads_them() -> Result<()> {
    compare("2026.9.6", 96)
}

#[test]
fn configs_are_read_as_2026_8_2_reads_them() -> Result<()> {
    compare("2026.8.2", 82)
}

#[test]
fn configs_are_read_as_2026_6_11_reads_them() -> Result<()> {
    compare("2026.6.11", 611)
}

#[test]
fn configs_are_read_as_2026_5_28_reads_them() -> Result<()> {
    compare("2026.5.28", 528)
}

#[test]
fn configs_are_read_as_2026_3_28_reads_them() -> Result<()> {
    compare("2026.3.28", 328)
}

fn compare(version: &str, seed: u32) -> Result<()> {
    let real = RealOpenClaw::new(version)?;
    let dir = tempfile::tempdir()?;
    let base = dir.path().canonicalize()?;
    let script = base.join("reference.mjs");
    std::fs::write(&script, concat!(include_str!("../find.mjs"), include_str!("reference.mjs")))?;
    let output = Command::new(&real.node)
        .arg(&script)
        .arg(real.entry.with_file_name("dist"))
        .arg(&base)
        .args([CONFIGS.to_string(), seed.to_string()])
        .env_clear()
        .env("HOME", "/home/nobody")
        .env("TMPDIR", &base)
        .output()?;
    let lines = String::from_utf8(output.stdout)?;
    let lines: Vec<&str> = lines.lines().filter(|line| line.starts_with('{')).collect();
    ensure!(
        lines.len() == CONFIGS,
        "the reference made {} lines: {}",
        lines.len(),
        String::from_utf8_lossy(&output.stderr)
    );
    let mut refused = 0;
    for (at, line) in lines.iter().enumerate() {
        let theirs: Value = serde_json::from_str(line)?;
        let dir = base.join(format!("c{at}"));
        let ours = load(&dir);
        refused += usize::from(ours.is_err());
        let text = std::fs::read_to_string(dir.join("openclaw.json"))?;
        check(&theirs, ours).with_context(|| format!("{version}, config {at}: {text}"))?;
    }
    ensure!((1..CONFIGS / 2).contains(&refused), "{refused} of {CONFIGS} refused: the configs are one-sided");
    Ok(())
}

/// Reads a config in the same environment as the reference.
fn load(dir: &Path) -> Result<Config, ConfigError> {
    let mut env = Environment { home: Some("/home/nobody".into()), ..Environment::default() };
    for (name, value) in [("AA", "va"), ("BB", ""), ("CC", "x${AA}")] {
        env.vars.insert(name.to_owned(), value.to_owned());
    }
    let locations = locate::locate(&env, Some(dir), None).expect("the directory is there");
    config::load(&locations, &env)
}

fn check(theirs: &Value, ours: Result<Config, ConfigError>) -> Result<()> {
    let config = match (theirs.get("refused"), ours) {
        (Some(_), Err(_)) => return Ok(()),
        (None, Err(ConfigError::SharedDirectory { .. })) if theirs.get("sharedUnknown").is_some() => {
            return Ok(());
        }
        (Some(why), Ok(_)) => anyhow::bail!("only the program refuses it: {why}"),
        (None, Err(error)) => anyhow::bail!("only we refuse it: {error}"),
        (None, Ok(config)) => config,
    };
    let agents: Value = config
        .agents
        .iter()
        .map(|agent| {
            let primary = agent.models.iter().find(|used| !used.fallback);
            let primary = primary.map(|used| format!("{}/{}", used.provider, used.model));
            json!([agent.id.as_str(), agent.agent_dir, primary])
        })
        .collect();
    let lower = |agents: &Value| agents.to_string().replace("Mock/", "mock/");
    ensure!(lower(&agents) == lower(&theirs["agents"]), "agents: {agents} but {}", theirs["agents"]);
    if let Some(default) = theirs.get("default") {
        let ours = json!([config.default_agent().map(|agent| agent.id.as_str())]);
        ensure!(ours == *default, "default: {ours} but {default}");
    }
    for key in theirs["keys"].as_array().into_iter().flatten() {
        let (name, value) = (key[0].as_str().context("no name")?, key[1].as_str().context("no key")?);
        let ours = match &config.providers[&config::provider_id(name)].api_key {
            Some(ConfigKey::Value(value)) => value.reveal_secret().to_owned(),
            Some(ConfigKey::Unresolved(name)) => format!("${{{name}}}"),
            other => format!("{other:?}"),
        };
        ensure!(ours == value.trim(), "key of {name}: {ours} but {value}");
    }
    Ok(())
}
