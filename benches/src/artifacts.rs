//! The documents of every agent of many instances, out of sealed values, against the ciphers and the JSON alone.

use crate::measure::{median, ms};
use crate::{Missed, Programs, memory};
use anyhow::{Context, Result, bail};
use keyshoal_core::vault::{
    AgentUid, CredentialUid, ModelChoice, VaultAgent, VaultCredential, VaultInstance, VaultVersion,
    VersionState,
};
use keyshoal_core::{CredentialKind, InstanceId, Layout, Secret, Timestamp};
use keyshoal_openclaw::artifacts::build_auth_artifacts;
use keyshoal_seal::{Aad, DataKey, KeyEncryptionKey, Sealed, WrappedKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use uuid::Uuid;

const AGENTS: usize = 10;
const ROUNDS: usize = 5;
const LIMIT: f64 = 3.0;
/// Three providers that all share, and one override.
const CREDENTIALS: usize = 4;
/// The first argument that makes this program hold what is named after it.
pub const HOLD: &str = "--hold";
/// So many instances are held.
const MANY: usize = 10_000;

/// One instance, sealed as in a vault.
struct Kept {
    instance: VaultInstance,
    values: Vec<(CredentialUid, WrappedKey, Sealed)>,
}

/// Prints the table.
pub fn figures(programs: &Programs) -> Result<Missed> {
    println!(
        "artifacts: {AGENTS} agents an instance, {CREDENTIALS} sealed values each, in process, to the document of each agent"
    );
    println!("floor: the same values opened, and the same documents put together by serde_json alone");
    println!(
        "{:>10} {:>10} {:>12} {:>12} {:>8} {:>12}",
        "instances", "agents", "ours ms", "floor ms", "ratio", "µs an agent"
    );
    let key = KeyEncryptionKey::from_bytes([7; 32]);
    let mut missed = Missed::new();
    for instances in [10, 100, 1_000, 10_000] {
        let kept: Vec<Kept> = (0..instances).map(|number| keep(&key, number)).collect::<Result<_>>()?;
        let (mut ours, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let (took, floor) = match round % 2 {
                0 => (build(&key, &kept)?, bare(&key, &kept)?),
                _ => {
                    let floor = bare(&key, &kept)?;
                    (build(&key, &kept)?, floor)
                }
            };
            ours.push(ms(took));
            floors.push(ms(floor));
            ratios.push(ms(took) / ms(floor));
        }
        let (ours, floors, ratio) = (median(ours), median(floors), median(ratios));
        let agents = instances * AGENTS;
        let each = ours * 1e3 / agents as f64;
        println!("{instances:>10} {agents:>10} {ours:>12.1} {floors:>12.1} {ratio:>8.2} {each:>12.2}");
        if ratio > LIMIT {
            missed.push(format!(
                "artifacts of {agents} agents: {ratio:.2} times the floor, the limit is {LIMIT}"
            ));
        }
    }
    println!();
    memory_figures(&programs.figures)?;
    Ok(missed)
}

/// Prints what it takes in memory, above the sealed values themselves: in processes of their own, which end there.
fn memory_figures(figures: &Path) -> Result<()> {
    let peak = |what: &str| memory::peak(figures, Command::new(figures).args([HOLD, what]));
    let (sealed, ours, floor, each) = (peak("sealed")?, peak("ours")?, peak("floor")?, peak("each")?);
    let agents = MANY * AGENTS;
    println!("peak memory of {agents} agents above the {sealed:.1} MiB of their sealed values");
    println!("{:>34} {:>10} {:>10} {:>14}", "", "MiB", "ratio", "bytes an agent");
    for (name, peak) in [
        ("all documents at once", ours),
        ("floor: all JSON texts at once", floor),
        ("an instance at a time, as is done", each),
    ] {
        let more = peak - sealed;
        let bytes = more * 1024.0 * 1024.0 / agents as f64;
        println!("{name:>34} {more:>10.1} {:>10.2} {bytes:>14.0}", more / (floor - sealed));
    }
    println!();
    Ok(())
}

/// Holds what is named, and ends.
pub fn hold(what: &str) -> Result<ExitCode> {
    let key = KeyEncryptionKey::from_bytes([7; 32]);
    let kept: Vec<Kept> = (0..MANY).map(|number| keep(&key, number)).collect::<Result<_>>()?;
    match what {
        "sealed" => drop(std::hint::black_box(kept)),
        "each" => {
            build(&key, &kept)?;
        }
        "ours" => {
            let made = |kept: &Kept| {
                let values = opened(&key, kept)?;
                Ok(build_auth_artifacts(Layout::JsonFile, &kept.instance, &values, Timestamp::UNIX_EPOCH)?)
            };
            drop(std::hint::black_box(kept.iter().map(made).collect::<Result<Vec<_>>>()?));
        }
        "floor" => {
            let made = |kept: &Kept| documents(&key, kept);
            drop(std::hint::black_box(kept.iter().map(made).collect::<Result<Vec<_>>>()?));
        }
        _ => bail!("nothing is called {what}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn aad(uid: CredentialUid) -> Aad {
    Aad::for_purpose("figure").with(uid.0.as_bytes())
}

fn keep(key: &KeyEncryptionKey, number: usize) -> Result<Kept> {
    let id = |kind: u128, at: usize| Uuid::from_u128((kind << 96) | ((number as u128) << 32) | at as u128);
    let agents: Vec<VaultAgent> = (0..AGENTS)
        .map(|at| VaultAgent {
            uid: AgentUid(id(1, at)),
            id: format!("agent-{at}").as_str().into(),
            name: None,
            enabled: true,
            default: at == 0,
            models: ModelChoice::default(),
            workspace: None,
        })
        .collect();
    let mut credentials = Vec::new();
    let mut values = Vec::new();
    for at in 0..CREDENTIALS {
        let uid = CredentialUid(id(2, at));
        let provider = ["anthropic", "openai", "openrouter", "openai"][at];
        let version = VaultVersion {
            number: 1,
            state: VersionState::Current,
            created: Timestamp::UNIX_EPOCH,
            since: Timestamp::UNIX_EPOCH,
            by: "figures".to_owned(),
            why: None,
            expires: None,
        };
        credentials.push(VaultCredential {
            uid,
            profile: format!("{provider}:default").as_str().into(),
            provider: provider.into(),
            kind: CredentialKind::ApiKey,
            agent: (at == CREDENTIALS - 1).then_some(agents[0].uid),
            versions: vec![version],
        });
        let entry = json!({ "type": "api_key", "provider": provider, "key": format!("sk-figure-{number:012}-{at:040}") });
        let data = DataKey::random()?;
        values.push((
            uid,
            key.wrap(&data, &aad(uid))?,
            data.seal_secret(&Secret::new(entry.to_string()), &aad(uid))?,
        ));
    }
    let instance = VaultInstance {
        id: InstanceId::new(number.to_string()),
        organisation: "figures".to_owned(),
        name: number.to_string(),
        state_dir: None,
        config: None,
        delivery: Default::default(),
        models: ModelChoice::default(),
        agents,
        bindings: Vec::new(),
        credentials,
        order: Vec::new(),
        channels: Vec::new(),
        revision: 1,
    };
    Ok(Kept { instance, values })
}

fn opened(key: &KeyEncryptionKey, kept: &Kept) -> Result<BTreeMap<CredentialUid, Secret>> {
    kept.values
        .iter()
        .map(|(uid, wrapped, sealed)| {
            let data = key.unwrap_key(wrapped, &aad(*uid))?;
            Ok((*uid, data.open_secret(sealed, &aad(*uid))?))
        })
        .collect()
}

/// An instance at a time: what is opened does not outlive its documents.
fn build(key: &KeyEncryptionKey, all: &[Kept]) -> Result<Duration> {
    let begun = Instant::now();
    let mut bytes = 0;
    for kept in all {
        let values = opened(key, kept)?;
        let made = build_auth_artifacts(Layout::JsonFile, &kept.instance, &values, Timestamp::UNIX_EPOCH)?;
        anyhow::ensure!(made.len() == AGENTS, "an agent was left out");
        bytes += made.len();
    }
    std::hint::black_box(bytes);
    Ok(begun.elapsed())
}

fn bare(key: &KeyEncryptionKey, all: &[Kept]) -> Result<Duration> {
    let begun = Instant::now();
    let mut bytes = 0;
    for kept in all {
        bytes += documents(key, kept)?.iter().map(String::len).sum::<usize>();
    }
    std::hint::black_box(bytes);
    Ok(begun.elapsed())
}

/// The texts of an instance's documents, by the cipher and serde_json alone.
fn documents(key: &KeyEncryptionKey, kept: &Kept) -> Result<Vec<String>> {
    let mut entries = Vec::new();
    for (uid, wrapped, sealed) in &kept.values {
        let data = key.unwrap_key(wrapped, &aad(*uid))?;
        entries.push(data.open(sealed, &aad(*uid))?);
    }
    let parsed: Vec<Value> =
        entries.iter().map(|entry| serde_json::from_slice(entry)).collect::<Result<_, _>>()?;
    let [one, two, three, own] = parsed.as_slice() else { bail!("four values") };
    let mut texts = Vec::new();
    for agent in 0..AGENTS {
        let second = if agent == 0 { own } else { two };
        let document = json!({ "version": 1, "profiles": {
            "anthropic:default": one, "openai:default": second, "openrouter:default": three,
        } });
        texts.push(serde_json::to_string_pretty(&document).context("JSON")?);
    }
    Ok(texts)
}
