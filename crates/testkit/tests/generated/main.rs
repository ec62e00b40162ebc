//! What is generated, held against the real program: it finds the config valid, loads it and starts on it, lists the profiles of the
//! stores, and would have written the same bytes; its own commands make the stores that they are said to make.

#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

mod configs;
mod schema;
mod stores;

use anyhow::{Context, Result, ensure};
use keyshoal_openclaw::locate::{Locations, locate};
use keyshoal_openclaw::{Environment, layout};
use keyshoal_testkit::Instance;
use serde_json::Value;

/// Runs a command of the program that prints JSON.
fn json_of(instance: &Instance, args: &[&str]) -> Result<Value> {
    let said = instance.cli(args, "")?;
    ensure!(said.code == Some(0), "openclaw {}: {:?}\n{}\n{}", args.join(" "), said.code, said.out, said.err);
    let from = said.out.find(['{', '[']).context("it printed no JSON")?;
    serde_json::from_str(&said.out[from..]).with_context(|| said.out.clone())
}

fn locations(instance: &Instance) -> Result<Locations> {
    let env = Environment { home: Some(instance.home()), ..Environment::default() };
    Ok(locate(&env, Some(&instance.state_dir()), None)?)
}

fn release(instance: &Instance) -> Result<layout::Release> {
    layout::Release::parse(&instance.release().to_string()).context("a release without a version")
}
