//! Orders that name missing profiles or hide good ones.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::judge::Remedy as Mend;
use keyshoal_core::{AgentView, Candidate, OutReason, ProviderId, Standing, StoreId, VerdictKind};

pub(super) const CHECK: Check = Check {
    id: "order",
    question: "Do the orders of profiles name what there is, and hide nothing good?",
    looks_at: "auth.order and auth.profiles in the config and the order in every store, against the profiles that are there.",
    matters: "What an order leaves out is never sent, and as soon as the config lists one profile of a provider, those that it does not \
              list are left out too.",
    way_out: "openclaw models auth order set --agent AGENT --provider PROVIDER, or clear; or change auth.order in the config.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    for (id, store) in &case.observed().stores {
        let orders = store.order.iter();
        told.seen.extend(orders.map(|(provider, ids)| {
            let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
            format!("order of store {id} for {provider}: {}", ids.join(", "))
        }));
    }
    for notice in case.observed().notices.iter().filter(|notice| notice.code == "order_names_missing") {
        let mut symptom = Symptom::info(&notice.message);
        symptom.fix.clone_from(&notice.fix);
        told.symptoms.push(symptom);
    }
    for agent in &case.observed().agents {
        told.symptoms.extend(hidden(case, agent));
        told.symptoms.extend(dead_first(case, agent));
    }
    told
}

/// An order that puts what its provider rejects before what may be good: every first try fails.
fn dead_first(case: &Case<'_>, agent: &AgentView) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    for (provider, candidates) in &agent.candidates {
        let Some(endpoint) = agent.endpoints.get(provider) else { continue };
        let said = |one: &Candidate| {
            one.material.fingerprint().map(|value| case.known().verdict_kind(value, endpoint))
        };
        let is_dead = |one: &Candidate| said(one).is_some_and(VerdictKind::is_dead);
        let tried = |one: &&Candidate| matches!(one.standing, Standing::First | Standing::Later);
        let (dead, good): (Vec<&Candidate>, Vec<&Candidate>) =
            candidates.iter().filter(tried).partition(|one| is_dead(one));
        let Some(first) = dead.iter().find(|one| one.standing == Standing::First) else { continue };
        let names = |all: &[&Candidate]| -> Vec<String> {
            all.iter().filter_map(|one| one.profile.as_ref()).map(ToString::to_string).collect()
        };
        let (good_ones, dead_ones) = (names(&good), names(&dead));
        let (Some(profile), Some(better)) = (&first.profile, good_ones.first()) else { continue };
        // What a sync replaces needs no other order.
        let copy = case.look.judgement.copies.get(&(agent.store.clone(), profile.clone()));
        let mended = copy.is_some_and(|copy| matches!(copy.remedy, Mend::Replace(_) | Mend::Remove(_)));
        if mended || !is_ordered(case, agent, provider, first) {
            continue;
        }
        let text = format!("an order puts {profile}, which {provider} rejects, before {better}");
        let all = [good_ones.as_slice(), &dead_ones].concat().join(" ");
        symptoms.push(
            Symptom::attention(text)
                .agents([agent.id.clone()])
                .because(format!("{profile}: {}", first.because))
                .given(
                    good.iter()
                        .filter_map(|one| Some(format!("{}: {}", one.profile.as_ref()?, said(one)?.short()))),
                )
                .fix(format!(
                    "openclaw models auth order set --agent {} --provider {provider} {all}",
                    agent.id
                )),
        );
    }
    symptoms
}

/// Tells whether somebody has set the order of a provider, in a store or in the config.
fn is_ordered(case: &Case<'_>, agent: &AgentView, provider: &ProviderId, first: &Candidate) -> bool {
    let stores = [&agent.store, &StoreId::Base];
    let stores = stores.into_iter().filter_map(|id| case.observed().store(id));
    stores.into_iter().any(|store| store.order.contains_key(provider)) || first.because.contains("auth.order")
}

/// A good profile that an order hides while the agent sends nothing, or something dead.
fn hidden(case: &Case<'_>, agent: &AgentView) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    for (provider, candidates) in &agent.candidates {
        let Some(endpoint) = agent.endpoints.get(provider) else { continue };
        let verdict = |one: &Candidate| {
            one.material.fingerprint().map(|value| case.known().verdict_kind(value, endpoint))
        };
        let first = candidates.iter().find(|one| one.standing == Standing::First);
        let fails = first.is_none_or(|one| verdict(one).is_some_and(|said| said.is_dead()));
        let good = candidates.iter().find(|one| {
            let hidden = matches!(one.standing, Standing::Out(OutReason::NotInOrder | OutReason::NotListed));
            let dead = verdict(one).is_some_and(|said| said.is_dead());
            hidden && one.material.fingerprint().is_some() && !dead
        });
        let (true, Some(good), Some(profile)) = (fails, good, good.and_then(|one| one.profile.as_ref()))
        else {
            continue;
        };
        let what = match first {
            None => "sends nothing",
            Some(_) => "sends a value that is rejected",
        };
        let why = match good.standing {
            Standing::Out(OutReason::NotListed) => "auth.profiles in the config lists other profiles",
            _ => "an order leaves it out",
        };
        symptoms.push(
            Symptom::attention(format!("{what} to {provider} while {profile} is there: {why}"))
                .agents([agent.id.clone()])
                .because(format!("{profile}: {}", good.because))
                .fix(format!(
                    "openclaw models auth order set --agent {} --provider {provider} {profile}",
                    agent.id
                )),
        );
    }
    symptoms
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::Place;
    use keyshoal_core::observation::Notice;

    #[test]
    fn a_good_profile_that_an_order_hides_is_found() {
        let world = World::new().with(|world| {
            let out = candidate(2, Place::Local, Standing::Out(OutReason::NotInOrder));
            world.agent("ops").candidates.insert("acme".into(), vec![out]);
            // The judge has a word on it too; this check names the way out.
        });
        finds(&CHECK, &world, &["ops", "sends nothing to acme", "an order leaves it out"]);
    }

    /// ops tries value 9 first and value 2 after it.
    fn two(ordered: bool) -> World {
        World::new().with(|world| {
            let first =
                Candidate { profile: Some("acme:old".into()), ..candidate(9, Place::Local, Standing::First) };
            let later = candidate(2, Place::Inherited, Standing::Later);
            world.agent("ops").candidates.insert("acme".into(), vec![first, later]);
            if ordered {
                let order = vec!["acme:old".into(), P.into()];
                world.store(&own("ops")).order.insert("acme".into(), order);
            }
        })
    }

    #[test]
    fn an_order_that_puts_a_rejected_profile_first_is_found() {
        let fix = "order set --agent ops --provider acme acme:default acme:old";
        let world = two(true).with(|world| world.said(9, VerdictKind::Revoked));
        finds(
            &CHECK,
            &world,
            &["ops", "puts acme:old, which acme rejects, before acme:default", fix, "Attention"],
        );
        is_clean(&CHECK, &two(true));
        let both = world.with(|world| world.said(2, VerdictKind::Revoked));
        is_clean(&CHECK, &both);
        is_clean(&CHECK, &two(false).with(|world| world.said(9, VerdictKind::Revoked)));
    }

    #[test]
    fn an_order_of_missing_profiles_is_found() {
        let world = World::new().with(|world| {
            let message = "auth.order names x".to_owned();
            world.observed.notices = vec![Notice { code: "order_names_missing".into(), message, fix: None }];
        });
        finds(&CHECK, &world, &["auth.order names x", "Info"]);
    }

    #[test]
    fn an_order_that_leaves_a_working_first_is_fine() {
        let world = World::new().with(|world| {
            let out = candidate(3, Place::Local, Standing::Out(OutReason::NotInOrder));
            world.agent("ops").candidates.get_mut(&"acme".into()).unwrap().push(out);
        });
        is_clean(&CHECK, &world);
    }
}
