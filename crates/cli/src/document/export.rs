//! `keyshoal.export.v1` and `keyshoal.recipient.v1`.

use keyshoal_core::AgentId;
use keyshoal_seal::Recipient;
use keyshoal_transfer::Payload;
use keyshoal_transfer::manifest::{LeftOut, Logins, Manifest, Stays};
use serde::Serialize;
use std::path::Path;

/// What `export --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct ExportDocument {
    schema: &'static str,
    path: Option<String>,
    sealed: &'static str,
    openclaw_version: Option<String>,
    layout: &'static str,
    agents: Vec<AgentId>,
    disabled: Vec<AgentId>,
    profiles: usize,
    bindings: usize,
    channels: Vec<String>,
    logins: Logins,
    files: Option<TotalsDocument>,
    stays: Vec<StaysDocument>,
    left_out: Vec<LeftOutDocument>,
}

/// How many files, and how large.
#[derive(Clone, Debug, Serialize)]
pub struct TotalsDocument {
    count: u64,
    bytes: u64,
}

impl TotalsDocument {
    /// Makes it.
    pub fn of(totals: keyshoal_transfer::manifest::Totals) -> Self {
        Self { count: totals.files, bytes: totals.bytes }
    }
}

/// What stays where it is.
#[derive(Clone, Debug, Serialize)]
pub struct StaysDocument {
    what: &'static str,
    agent: Option<AgentId>,
    path: String,
    count: u64,
    bytes: u64,
}

impl StaysDocument {
    /// Makes one of each.
    pub fn all(stays: &[Stays]) -> Vec<Self> {
        let one = |one: &Stays| Self {
            what: one.what.as_str(),
            agent: one.agent.clone(),
            path: one.path.clone(),
            count: one.files,
            bytes: one.bytes,
        };
        stays.iter().map(one).collect()
    }
}

/// What is left out, and why.
#[derive(Clone, Debug, Serialize)]
pub struct LeftOutDocument {
    what: String,
    why: String,
}

impl LeftOutDocument {
    /// Makes one of each.
    pub fn all(left: &[LeftOut]) -> Vec<Self> {
        left.iter().map(|one| Self { what: one.what.clone(), why: one.why.clone() }).collect()
    }
}

impl ExportDocument {
    /// Makes it.
    pub fn of(payload: &Payload, path: Option<&Path>, sealed: &'static str) -> Self {
        let manifest = &payload.manifest;
        Self {
            schema: "keyshoal.export.v1",
            path: path.map(|path| path.display().to_string()),
            sealed,
            openclaw_version: manifest.source.release.clone(),
            layout: manifest.source.layout.as_str(),
            agents: ids(manifest, true),
            disabled: ids(manifest, false),
            profiles: manifest.profiles.len(),
            bindings: manifest.bindings.len(),
            channels: manifest.channels.iter().map(|channel| channel.name.clone()).collect(),
            logins: manifest.logins,
            files: manifest.files.map(TotalsDocument::of),
            stays: StaysDocument::all(&manifest.stays),
            left_out: LeftOutDocument::all(&manifest.left_out),
        }
    }
}

fn ids(manifest: &Manifest, enabled: bool) -> Vec<AgentId> {
    let agents = manifest.agents.iter().filter(|agent| agent.enabled == enabled);
    agents.map(|agent| agent.id.clone()).collect()
}

/// What `recipient --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct RecipientDocument {
    schema: &'static str,
    recipient: String,
    path: Option<String>,
}

impl RecipientDocument {
    /// Makes it.
    pub fn of(recipient: &Recipient, path: Option<&Path>) -> Self {
        Self {
            schema: "keyshoal.recipient.v1",
            recipient: recipient.to_string(),
            path: path.map(|path| path.display().to_string()),
        }
    }
}
