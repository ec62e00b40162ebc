//! Generates instances with every kind of drift.

use crate::draw::Draw;
use crate::world::*;
use keyshoal_core::knowledge::{Generation, GenerationOrigin, KeptBy, KeptMark};
use keyshoal_core::*;
use std::collections::BTreeMap;

const AGENTS: [&str; 6] = ["main", "stocks", "research", "ops", "academic", "desk"];
/// Profile ids with their providers.
const PROFILES: [(&str, &str); 3] = [(P, ACME), ("acme:second", ACME), ("zeta:default", "zeta")];
const LAYOUTS: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

/// Makes a world out of bytes.
pub fn world(bytes: &[u8]) -> World {
    let mut draw = Draw::new(bytes);
    let layout = draw.one(&LAYOUTS);
    let main_owns_base = !matches!(layout, Layout::SharedTable | Layout::SharedRow);
    let count = 1 + usize::from(draw.below(6));
    let mut world = World::new(layout, main_owns_base, &AGENTS[..count]);
    world.observed.capabilities.reads_through = !draw.once_in(6);
    world.observed.instance.gateway.running = draw.one(&[Some(true), Some(false), None]);
    if draw.once_in(4) && count > 1 {
        world.observed.program_writes_to = of(AGENTS[1]);
    }
    if draw.once_in(30) {
        world.observed.capabilities.read_only = Some("a newer release".to_owned());
    }
    let stores: Vec<StoreId> = world.observed.stores.keys().cloned().collect();
    for id in &stores {
        fill(&mut draw, world.store(id));
    }
    endpoints(&mut draw, &mut world);
    for (id, _) in PROFILES {
        if draw.once_in(4) {
            let mode = draw.one(&[CredentialKind::ApiKey, CredentialKind::Token, CredentialKind::OAuth]);
            world.observed.modes.insert(profile(id), mode);
        }
    }
    knowledge(&mut draw, &mut world);
    desired(&mut draw, world, count)
}

fn fill(draw: &mut Draw<'_>, store: &mut StoreView) {
    for (id, provider) in PROFILES {
        if draw.once_in(3) {
            continue;
        }
        store.profiles.insert(profile(id), view(draw, provider));
    }
    for (id, _) in PROFILES {
        if draw.once_in(4) {
            store.usage.insert(profile(id), usage(draw));
        }
    }
    store.leftover = draw.once_in(8).then(|| "/store/auth-profiles.json".to_owned());
    if draw.once_in(12) {
        store.read_only = Some("a bind mount".to_owned());
    }
    if draw.once_in(16) {
        store.health = StoreHealth::Unreadable("unexpected end".to_owned());
        store.profiles.clear();
        store.usage.clear();
    } else if draw.once_in(24) {
        store.health = StoreHealth::NewerSchema { found: 99, known: 23 };
    }
    store.order.insert(ProviderId::from(ACME), vec![profile(P)]);
}

fn view(draw: &mut Draw<'_>, provider: &str) -> ProfileView {
    let kind = match draw.below(12) {
        0..=6 => CredentialKind::ApiKey,
        7..=8 => CredentialKind::Token,
        9..=10 => CredentialKind::OAuth,
        _ => CredentialKind::Unknown("passkey".to_owned()),
    };
    let value = print(1 + draw.below(5));
    let material = match draw.below(12) {
        10 if kind == CredentialKind::OAuth => Material::Fenced,
        11 => Material::Absent,
        9 if kind != CredentialKind::OAuth => reference(draw),
        _ => Material::Inline(value),
    };
    ProfileView {
        provider: ProviderId::from(if draw.once_in(20) { "another" } else { provider }),
        expires: match kind {
            CredentialKind::Token | CredentialKind::OAuth => {
                draw.one(&[None, Some(at(2_000_000)), Some(at(999_000))])
            }
            _ => None,
        },
        account: if kind == CredentialKind::OAuth {
            draw.one(&[None, Some(print(50)), Some(print(51))])
        } else {
            None
        },
        kind,
        material,
        copy_to_agents: false,
    }
}

/// A reference of the person's own, or into the file that Keyshoal delivers: to what all share or one agent's own, there or not.
fn reference(draw: &mut Draw<'_>) -> Material {
    let of = |id: &str, fingerprint, known| {
        let reference = SecretRef { source: SecretSource::File, provider: "keyshoal".into(), id: id.into() };
        Material::Ref { reference, fingerprint, known }
    };
    match draw.below(5) {
        1 => of("/shared/acme:default", print(91), false),
        2 => of("/shared/acme:default", print(1 + draw.below(5)), true),
        3 => of("/agents/uid~1acme:default", print(92), false),
        4 => of("/agents/uid~1acme:default", print(1 + draw.below(5)), true),
        _ => Material::Ref {
            reference: SecretRef { source: SecretSource::Env, provider: "default".into(), id: "KEY".into() },
            fingerprint: print(90),
            known: false,
        },
    }
}

fn usage(draw: &mut Draw<'_>) -> UsageView {
    let mark = |draw: &mut Draw<'_>| {
        let until = draw.one(&[at(1_000_100), at(999_999)]);
        let reason = draw.one(&["auth", "auth_permanent", "billing", "rate_limit"]);
        draw.once_in(2).then(|| (until, reason.to_owned()))
    };
    UsageView {
        last_used: None,
        last_failure: draw.one(&[None, Some(at(1)), Some(at(1_000_050))]),
        error_count: u64::from(draw.below(4)),
        cooldown: mark(draw),
        disabled: mark(draw),
        failures: Default::default(),
    }
}

fn endpoints(draw: &mut Draw<'_>, world: &mut World) {
    for agent in &mut world.observed.agents {
        for provider in [ACME, "zeta"] {
            let mut one = endpoint(provider);
            if draw.once_in(6) {
                one.base_url = Some("https://proxy.example/".to_owned());
            }
            if !draw.once_in(5) {
                agent.endpoints.insert(ProviderId::from(provider), one);
            }
        }
    }
}

fn knowledge(draw: &mut Draw<'_>, world: &mut World) {
    for (id, _) in PROFILES {
        let mut line = Vec::new();
        for value in 1..=5 {
            if draw.once_in(3) {
                let origin =
                    draw.one(&[GenerationOrigin::Seen, GenerationOrigin::Written, GenerationOrigin::Residue]);
                line.push(Generation { fingerprint: print(value), first_seen: at(i64::from(value)), origin });
            }
        }
        if draw.once_in(2) {
            line.reverse();
        }
        world.knowledge.generations.insert(profile(id), line);
    }
    for value in 1..=8 {
        for provider in [ACME, "zeta"] {
            for base_url in [None, Some("https://proxy.example".to_owned())] {
                let kind = draw.one(&[
                    VerdictKind::NotAsked,
                    VerdictKind::Ok,
                    VerdictKind::InvalidKey,
                    VerdictKind::Ok,
                    VerdictKind::Revoked,
                    VerdictKind::Timeout,
                ]);
                if kind != VerdictKind::NotAsked {
                    let key = (print(value), Endpoint { base_url, ..endpoint(provider) }.key());
                    world.knowledge.verdicts.insert(key, Verdict::new(kind, now()));
                }
            }
        }
    }
    let owners: Vec<AgentId> = world.observed.agents.iter().map(|one| one.id.clone()).collect();
    for owner in owners {
        for (id, _) in PROFILES {
            let key = (owner.clone(), profile(id));
            let fingerprint = print(1 + draw.below(5));
            match draw.below(8) {
                6 => {
                    let by = draw.one(&[KeptBy::Person, KeptBy::Acceptance]);
                    world.knowledge.kept.insert(key, KeptMark { fingerprint, by, since: at(1) });
                }
                7 => {
                    world.knowledge.replace.insert(key, fingerprint);
                }
                _ => {}
            }
        }
    }
}

fn desired(draw: &mut Draw<'_>, world: World, count: usize) -> World {
    let mut world = match draw.below(8) {
        5 if count > 1 => world.taken_from(AGENTS[1]),
        6 => {
            let world = world.given(6 + draw.below(2));
            let kind = draw.one(&[CredentialKind::ApiKey, CredentialKind::Token]);
            with_kind(world, kind)
        }
        _ => world.source_from(&StoreId::Base),
    };
    if draw.once_in(10) {
        world.desired.include_foreign = true;
    }
    if draw.once_in(8) {
        world.desired.confirmed.insert(profile(P));
    }
    if draw.once_in(6) {
        world.desired.scope.agents.insert(agent(AGENTS[count - 1]));
    }
    if draw.once_in(6) {
        world.desired.approved.insert((agent(AGENTS[count - 1]), profile(P), print(1 + draw.below(5))));
    }
    world
}

fn with_kind(mut world: World, kind: CredentialKind) -> World {
    let values: BTreeMap<ProfileId, SourceValue> = world
        .desired
        .values
        .into_iter()
        .map(|(id, value)| (id, SourceValue { kind: kind.clone(), ..value }))
        .collect();
    world.desired.values = values;
    world
}
