//! A fixed observation: six agents, every kind of trouble, no secret.

use keyshoal_core::instance::{ActivationWay, Capabilities, GatewayView, Instance, Layout};
use keyshoal_core::knowledge::{Generation, GenerationOrigin};
use keyshoal_core::observation::{Notice, Orphan};
use keyshoal_core::*;
use std::collections::BTreeMap;

pub const NOW: i64 = 1_795_350_000;

pub fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW - seconds).unwrap()
}

/// A fingerprint that begins with these two bytes.
pub fn print(lead: u16) -> Fingerprint {
    let mut bytes = [0x1c; 16];
    bytes[..2].copy_from_slice(&lead.to_be_bytes());
    Fingerprint::from_bytes(bytes)
}

pub const NEW: u16 = 0x3f9a;
pub const OLD: u16 = 0x77c0;
pub const OWN: u16 = 0x91aa;
pub const STRANGE: u16 = 0xd00d;

pub const ANTHROPIC: &str = "anthropic:default";
pub const OPENAI: &str = "openai:default";

pub fn endpoint(provider: &str) -> Endpoint {
    Endpoint::public(provider)
}

fn profile(provider: &str, lead: u16) -> ProfileView {
    ProfileView {
        provider: provider.into(),
        kind: CredentialKind::ApiKey,
        material: Material::Inline(print(lead)),
        expires: None,
        account: None,
        copy_to_agents: false,
    }
}

fn store(path: &str, profiles: &[(&str, &str, u16)]) -> StoreView {
    StoreView {
        path: path.to_owned(),
        health: StoreHealth::Ok,
        read_only: None,
        profiles: profiles
            .iter()
            .map(|(id, provider, lead)| ((*id).into(), profile(provider, *lead)))
            .collect(),
        order: BTreeMap::new(),
        last_good: BTreeMap::new(),
        usage: BTreeMap::new(),
        leftover: None,
        modified: None,
    }
}

fn candidate(id: &str, place: Place, lead: u16, standing: Standing, because: &str) -> Candidate {
    Candidate {
        profile: Some(id.into()),
        place,
        kind: Some(CredentialKind::ApiKey),
        material: Material::Inline(print(lead)),
        standing,
        because: because.to_owned(),
        leads_to: None,
        pinned_by_sessions: Vec::new(),
    }
}

fn agent(id: &str, stores: StoreId, own: Option<u16>) -> AgentView {
    let mut candidates = BTreeMap::new();
    let mut anthropic = match own {
        Some(lead) => vec![candidate(ANTHROPIC, Place::Local, lead, Standing::First, "the only profile")],
        None => vec![candidate(ANTHROPIC, Place::Inherited, NEW, Standing::First, "the only profile")],
    };
    if own.is_some() && stores != StoreId::Base {
        let out = Standing::Out(OutReason::Shadowed { by: stores.clone() });
        anthropic.push(candidate(ANTHROPIC, Place::Inherited, NEW, out, "an agent's own profile wins"));
    }
    candidates.insert("anthropic".into(), anthropic);
    AgentView {
        id: id.into(),
        name: None,
        default: id == "main",
        enabled: true,
        store: stores,
        agent_dir: format!("/srv/openclaw/agents/{id}/agent"),
        needs: BTreeMap::from([("anthropic".into(), vec!["claude-sonnet".into()])]),
        unknown: None,
        unneeded: BTreeMap::new(),
        candidates,
        endpoints: BTreeMap::from([("anthropic".into(), endpoint("anthropic"))]),
    }
}

/// An installation of the newest layout with six agents.
pub fn observation() -> Observation {
    let own = |id: &str| StoreId::Agent(id.into());
    let mut stores = BTreeMap::from([(
        StoreId::Base,
        store(
            "/srv/openclaw/state/openclaw.sqlite",
            &[(ANTHROPIC, "anthropic", NEW), (OPENAI, "openai", 0x4242)],
        ),
    )]);
    for (id, lead) in [("stocks", OLD), ("research", OLD), ("academic", OWN), ("imported", STRANGE)] {
        let path = format!("/srv/openclaw/agents/{id}/agent/openclaw-agent.sqlite");
        stores.insert(own(id), store(&path, &[(ANTHROPIC, "anthropic", lead)]));
    }
    for id in ["main", "ops"] {
        let path = format!("/srv/openclaw/agents/{id}/agent/openclaw-agent.sqlite");
        stores.insert(own(id), StoreView { health: StoreHealth::Absent, ..store(&path, &[]) });
    }
    let mut agents = vec![
        agent("main", own("main"), None),
        agent("ops", own("ops"), None),
        agent("stocks", own("stocks"), Some(OLD)),
        agent("research", own("research"), Some(OLD)),
        agent("academic", own("academic"), Some(OWN)),
        agent("imported", own("imported"), Some(STRANGE)),
    ];
    agents[1].needs.insert("gemini".into(), vec!["gemini-pro".into()]);
    agents[1].endpoints.insert("gemini".into(), endpoint("gemini"));
    Observation {
        at: now(),
        instance: Instance {
            id: Some(InstanceId::new("0192f3c4-5d6e-7f80-9123-456789abcdef")),
            state_dir: "/srv/openclaw".to_owned(),
            config_path: "/srv/openclaw/openclaw.json".to_owned(),
            openclaw_version: Some("2026.9.6".to_owned()),
            layout: Layout::SharedRow,
            layout_evidence: vec!["the state database has schema 19".to_owned()],
            gateway: GatewayView {
                running: Some(true),
                port: Some(18789),
                started: Some(ago(3 * 86_400)),
                ..GatewayView::default()
            },
        },
        capabilities: Capabilities {
            reads_through: true,
            oauth_reads_through: true,
            prefers_inheritance: true,
            usage_kept_by_owner: true,
            makes_stores: false,
            signs_in_agents: true,
            follows_secret_files: true,
            wants_device: false,
            read_only: None,
            activation: vec![ActivationWay::AuthRefresh, ActivationWay::SecretsReload],
            cooldown_lingers_seconds: 0,
        },
        stores,
        agents,
        program_writes_to: StoreId::Base,
        modes: BTreeMap::new(),
        config_keys: BTreeMap::new(),
        declared: BTreeMap::new(),
        referred: BTreeMap::new(),
        orphans: vec![Orphan {
            id: "retired".to_owned(),
            path: "/srv/openclaw/agents/retired".to_owned(),
            profiles: vec![ANTHROPIC.into()],
        }],
        notices: vec![Notice {
            code: "plaintext_models_json".to_owned(),
            message: "stocks/agent/models.json holds a plaintext key that nothing uses".to_owned(),
            fix: Some("remove it: openclaw secrets audit names the place".to_owned()),
        }],
        earlier: Vec::new(),
    }
}

/// What the ledger knows of it after a look and a check.
pub fn knowledge() -> Knowledge {
    let said = |kind, age| Verdict::new(kind, ago(age));
    let key = endpoint("anthropic").key();
    let mut known = Knowledge::default();
    let generation = |lead, age| Generation {
        fingerprint: print(lead),
        first_seen: ago(age),
        origin: GenerationOrigin::Seen,
    };
    known
        .generations
        .insert(ANTHROPIC.into(), vec![generation(OLD, 30 * 86_400), generation(NEW, 20 * 86_400)]);
    known.generations.insert(OPENAI.into(), vec![generation(0x4242, 30 * 86_400)]);
    known.verdicts.insert((print(NEW), key.clone()), said(VerdictKind::Ok, 300));
    known.verdicts.insert((print(OLD), key.clone()), said(VerdictKind::InvalidKey, 300));
    known.verdicts.insert((print(OWN), key), said(VerdictKind::Ok, 300));
    for id in ["stocks", "research"] {
        known.first_seen.insert((id.into(), ANTHROPIC.into(), print(OLD)), ago(30 * 86_400));
    }
    let digest = activation::digest(&observation());
    known.activated = Some(keyshoal_core::knowledge::Activated { digest, at: ago(600) });
    known
}

/// What should be: the base store's values.
pub fn desired() -> Desired {
    let observed = observation();
    let values = observed.stores[&StoreId::Base].profiles.iter().map(|(id, one)| {
        let value = SourceValue {
            store: Some(StoreId::Base),
            provider: one.provider.clone(),
            kind: one.kind.clone(),
            fingerprint: one.material.fingerprint().unwrap(),
            is_ref: false,
            expires: None,
            account: None,
        };
        (id.clone(), value)
    });
    Desired {
        source: SourceOf::Store(StoreId::Base),
        values: values.collect(),
        scope: Scope::default(),
        include_foreign: false,
        accepted_only: false,
        approved: Default::default(),
        source_confirmed: false,
        confirmed: Default::default(),
        wish: None,
    }
}
