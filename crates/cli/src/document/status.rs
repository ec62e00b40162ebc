//! `keyshoal.status.v1`.

use super::VerdictDocument;
use crate::view::rotations::HalfDone;
use crate::view::sends::Sends;
use crate::view::status::{AgentRow, Cell, StatusView};
use keyshoal_core::observation::{Notice, Orphan};
use keyshoal_core::{
    AgentId, Finding, FindingKind, Fingerprint, InstanceId, Layout, ProfileId, ProviderId, Severity,
    Timestamp,
};
use serde::Serialize;

/// What `status --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct StatusDocument {
    schema: &'static str,
    at: Timestamp,
    instance: InstanceDocument,
    agents: Vec<AgentDocument>,
    orphans: Vec<Orphan>,
    findings: Vec<FindingDocument>,
    notices: Vec<Notice>,
    rotations: Vec<HalfDone>,
    unfinished_import: bool,
    summary: Summary,
}

#[derive(Clone, Debug, Serialize)]
struct InstanceDocument {
    id: Option<InstanceId>,
    state_dir: String,
    config_path: String,
    layout: Layout,
    layout_evidence: Vec<String>,
    openclaw_version: Option<String>,
    read_only: Option<String>,
    gateway: GatewayDocument,
}

#[derive(Clone, Debug, Serialize)]
struct GatewayDocument {
    running: Option<bool>,
    port: Option<u16>,
    started: Option<Timestamp>,
    version: Option<String>,
    other_state_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_because: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct AgentDocument {
    id: AgentId,
    default: bool,
    enabled: bool,
    profiles: Vec<ProfileDocument>,
    sends: Vec<SendsDocument>,
}

#[derive(Clone, Debug, Serialize)]
struct ProfileDocument {
    id: ProfileId,
    provider: Option<ProviderId>,
    r#type: Option<String>,
    finding: FindingKind,
    fingerprint: Option<Fingerprint>,
    source_fingerprint: Option<Fingerprint>,
    origin: Origin,
    sent_first: bool,
    first_seen: Option<Timestamp>,
    verdict: Option<VerdictDocument>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Origin {
    Local,
    Inherited,
}

#[derive(Clone, Debug, Serialize)]
struct SendsDocument {
    provider: ProviderId,
    profile: Option<ProfileId>,
    fingerprint: Option<Fingerprint>,
    from: String,
    fails: bool,
    verdict: Option<VerdictDocument>,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct FindingDocument {
    agent: Option<AgentId>,
    profile: Option<ProfileId>,
    provider: Option<ProviderId>,
    finding: FindingKind,
    severity: Severity,
    message: String,
    fix: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Summary {
    agents: usize,
    in_sync: usize,
    drifted: usize,
}

impl StatusDocument {
    /// Makes it.
    pub fn of(view: &StatusView) -> Self {
        let instance = &view.instance;
        Self {
            schema: "keyshoal.status.v1",
            at: view.at,
            instance: InstanceDocument {
                id: instance.id.clone(),
                state_dir: instance.state_dir.clone(),
                config_path: instance.config_path.clone(),
                layout: instance.layout,
                layout_evidence: instance.layout_evidence.clone(),
                openclaw_version: instance.openclaw_version.clone(),
                read_only: view.read_only.clone(),
                gateway: GatewayDocument {
                    running: instance.gateway.running,
                    port: instance.gateway.port,
                    started: instance.gateway.started,
                    version: instance.gateway.version.clone(),
                    other_state_dir: instance.gateway.other_state_dir.clone(),
                    unknown_because: instance.gateway.unknown_because.clone(),
                },
            },
            agents: view.rows.iter().map(|row| agent(row, view)).collect(),
            orphans: view.orphans.clone(),
            findings: view.findings.iter().map(FindingDocument::of).collect(),
            notices: view.notices.clone(),
            rotations: view.rotations.clone(),
            unfinished_import: view.unfinished_import.is_some(),
            summary: Summary { agents: view.rows.len(), in_sync: view.in_sync(), drifted: view.drifted() },
        }
    }
}

fn agent(row: &AgentRow, view: &StatusView) -> AgentDocument {
    AgentDocument {
        id: row.id.clone(),
        default: row.default,
        enabled: row.enabled,
        profiles: row.cells.iter().map(|(id, cell)| profile(id, cell)).collect(),
        sends: view.sends.iter().filter(|one| one.agents.contains(&row.id)).map(sends).collect(),
    }
}

fn profile(id: &ProfileId, cell: &Cell) -> ProfileDocument {
    let finding = &cell.finding;
    ProfileDocument {
        id: id.clone(),
        provider: finding.provider.clone(),
        r#type: finding.kind.as_ref().map(|kind| kind.as_str().to_owned()),
        finding: finding.finding,
        fingerprint: finding.fingerprint,
        source_fingerprint: finding.source_fingerprint,
        origin: if cell.inherited { Origin::Inherited } else { Origin::Local },
        sent_first: cell.first,
        first_seen: finding.first_seen,
        verdict: VerdictDocument::of(finding.verdict.as_ref()),
    }
}

fn sends(one: &Sends) -> SendsDocument {
    let what = one.what.as_ref();
    let from = match what.map(|sent| &sent.place) {
        None if one.unknown => "unknown".to_owned(),
        None => "nothing".to_owned(),
        Some(None) => "profile".to_owned(),
        Some(Some(place)) => crate::render::explain::place_words(place),
    };
    SendsDocument {
        provider: one.provider.clone(),
        profile: what.and_then(|sent| sent.profile.clone()),
        fingerprint: what.and_then(|sent| sent.material.fingerprint()),
        from,
        fails: one.fails(),
        verdict: VerdictDocument::of(one.verdict.as_ref()),
    }
}

impl FindingDocument {
    /// Makes it.
    pub fn of(one: &Finding) -> Self {
        Self {
            agent: one.agent.clone(),
            profile: one.profile.clone(),
            provider: one.provider.clone(),
            finding: one.finding,
            severity: one.severity,
            message: one.message.clone(),
            fix: one.fix.clone(),
        }
    }
}
