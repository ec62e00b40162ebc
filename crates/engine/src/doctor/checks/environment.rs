//! Variables and config keys that win over profiles, or look as if they did.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{AgentId, Candidate, Place, ProviderId, Standing};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const CHECK: Check = Check {
    id: "environment",
    question: "Does a variable or a key in the config win over the profiles?",
    looks_at: "The variables that the gateway was started with, its proxy among them, .env, env in the config and models.providers.*.apiKey, against the \
               profiles of every agent.",
    matters: "A key that comes from elsewhere is not what a rotation of the profiles changes; and one that never counts looks as if it \
              had been rotated.",
    way_out: "Remove the variable or the key where it is set, and restart the gateway; or rotate it there as well.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    let mut wins: BTreeMap<(String, &ProviderId, bool), Vec<AgentId>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for agent in &case.observed().agents {
        for (provider, candidates) in &agent.candidates {
            for one in candidates {
                let Some(place) = outside(&one.place) else { continue };
                seen.insert(format!("{provider}: {place} ({})", standing(&one.standing)));
                let shadows = candidates.iter().any(|other| other.profile.is_some() && usable(other));
                let dead = agent.endpoints.get(provider).zip(one.material.fingerprint());
                let dead = dead.is_some_and(|(at, value)| case.known().verdict_kind(value, at).is_dead());
                if one.standing == Standing::First && (shadows || dead) {
                    wins.entry((place, provider, dead)).or_default().push(agent.id.clone());
                }
            }
        }
    }
    told.seen = seen.into_iter().collect();
    if let Some(proxy) = &case.facts.proxy {
        told.seen.push(format!("the gateway was started with the proxy {proxy}, and providers are asked through it from here as well"));
    }
    for ((place, provider, dead), agents) in wins {
        let text = format!("{place} is what is sent to {provider}");
        let symptom = match dead {
            true => Symptom::attention(format!("{text}, and it is rejected")),
            false => Symptom::info(format!("{text}, and it wins over the profiles")),
        };
        told.symptoms
            .push(symptom.agents(agents).fix(format!("remove {place} where it is set, or renew it there")));
    }
    told
}

fn usable(one: &Candidate) -> bool {
    one.standing == Standing::Later && one.material.fingerprint().is_some()
}

fn outside(place: &Place) -> Option<String> {
    match place {
        Place::Environment { name, layer } if layer.is_empty() => Some(format!("the variable {name}")),
        Place::Environment { name, layer } => Some(format!("the variable {name} ({layer})")),
        Place::ConfigKey => Some("the key in models.providers of the config".to_owned()),
        _ => None,
    }
}

fn standing(standing: &Standing) -> &'static str {
    match standing {
        Standing::First => "what is sent",
        Standing::Later => "only when what comes before it fails",
        Standing::Out(_) => "never used",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::VerdictKind;

    fn variable(world: &mut World, standing: Standing, profile: Standing) {
        let place = Place::Environment { name: "ACME_API_KEY".into(), layer: ".env".into() };
        let variable = Candidate { profile: None, ..candidate(7, place, standing) };
        let candidates = vec![variable, candidate(2, Place::Inherited, profile)];
        world.agent("ops").candidates.insert("acme".into(), candidates);
    }

    #[test]
    fn a_variable_that_wins_is_found() {
        let world = World::new().with(|world| variable(world, Standing::First, Standing::Later));
        finds(&CHECK, &world, &["ACME_API_KEY (.env)", "wins over the profiles", "ops", "Info"]);
        let world = world.with(|world| world.said(7, VerdictKind::InvalidKey));
        finds(&CHECK, &world, &["is rejected", "Attention"]);
    }

    #[test]
    fn a_proxy_of_the_gateway_is_seen() {
        let world = World::new().with(|world| world.facts.proxy = Some("proxy.example:3128".into()));
        is_clean(&CHECK, &world);
        assert!(world.told(&CHECK).seen[0].contains("proxy.example:3128"));
    }

    #[test]
    fn a_variable_that_stands_behind_is_fine_and_seen() {
        let world = World::new().with(|world| variable(world, Standing::Later, Standing::First));
        is_clean(&CHECK, &world);
        assert!(world.told(&CHECK).seen[0].contains("only when what comes before it fails"));
    }
}
