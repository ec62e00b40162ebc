//! Agents that were renamed or removed, and databases that say that they belong to another.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::examination::DatabaseFacts;
use keyshoal_core::judge::when_moved_aside;
use keyshoal_core::observation::Orphan;
use keyshoal_core::{AgentId, AgentView, FindingKind, StoreId};

pub(super) const CHECK: Check = Check {
    id: "agent_ids",
    question: "Does every credential directory belong to an agent of the roster?",
    looks_at: "The directories below agents/ against the roster, the agent that each database says it belongs to, and OpenClaw's own \
               register of databases.",
    matters: "After an agent is renamed its credentials stay under the old id, its new directory begins empty, and a database that was \
              moved along keeps the next start of the gateway from succeeding.",
    way_out: "keyshoal quarantine ID moves a directory that nobody needs aside, and back with --undo. With --carry-to AGENT the new id gets \
              the old one's own keys first.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    let roster: Vec<&str> = case.observed().agents.iter().map(|agent| agent.id.as_str()).collect();
    told.seen.push(format!("the roster has {}", super::super::case::list(&roster)));
    told.seen.extend(case.facts.set_aside.iter().map(|one| {
        format!("{} was moved aside to {} (keyshoal quarantine --undo {})", one.from, one.to, one.agent)
    }));
    told.symptoms.extend(case.observed().orphans.iter().map(|orphan| orphaned(case, orphan)));
    for database in &case.facts.databases {
        told.symptoms.extend(mismatch(database, &roster));
    }
    for row in case.facts.registered.iter().filter(|row| !row.exists) {
        told.seen
            .push(format!("OpenClaw's register names {} for {}, which is not there", row.path, row.agent));
    }
    told
}

fn orphaned(case: &Case<'_>, orphan: &Orphan) -> Symptom {
    let profiles: Vec<&str> = orphan.profiles.iter().map(|id| id.as_str()).collect();
    let id = AgentId::new(&orphan.id);
    if case.look.judgement.of_agent(&id).any(|one| one.finding == FindingKind::Stale) {
        let text = format!("{} holds what the vault gave {id}, which is in the roster no more", orphan.path);
        return Symptom::attention(text).because(format!("it holds {}", profiles.join(", "))).by_sync();
    }
    let symptom = Symptom::info(format!("{} holds credentials and belongs to no agent", orphan.path))
        .because(format!("it holds {}", profiles.join(", ")))
        .fix(format!("keyshoal quarantine {}{}", orphan.id, when_moved_aside(case.observed())));
    // Only where one agent alone could be it is a guess worth saying.
    let bare: Vec<&AgentView> = case.observed().agents.iter().filter(|agent| is_bare(case, agent)).collect();
    match bare.as_slice() {
        [one] => symptom.because(format!(
            "{} has no credentials of its own: if it is {} under a new id, add --carry-to {}",
            one.id, orphan.id, one.id
        )),
        _ => symptom,
    }
}

/// An agent that has a store of its own with nothing in it.
fn is_bare(case: &Case<'_>, agent: &AgentView) -> bool {
    agent.store != StoreId::Base
        && agent.id.as_str() != "main"
        && case.observed().store(&agent.store).is_some_and(|store| store.profiles.is_empty())
}

fn mismatch(database: &DatabaseFacts, roster: &[&str]) -> Option<Symptom> {
    let (lies_with, belongs_to) = (database.lies_with.as_deref()?, database.belongs_to.as_deref()?);
    if lies_with == belongs_to {
        return None;
    }
    let text =
        format!("{} says that it belongs to agent {belongs_to}, and lies with {lies_with}", database.path);
    let symptom = match roster.contains(&lies_with) {
        true => Symptom::attention(format!("{text}: OpenClaw refuses it at its next start")),
        false => Symptom::info(text),
    };
    Some(symptom.fix(format!(
        "give the agent its id {belongs_to} back, or stop the gateway and move the directory back to agents/{belongs_to}"
    )))
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;

    fn database(lies_with: &str, belongs_to: &str) -> World {
        World::new().with(|world| {
            world.facts.databases = vec![DatabaseFacts {
                path: "/srv/x.sqlite".into(),
                lies_with: Some(lies_with.into()),
                belongs_to: Some(belongs_to.into()),
                free_pages: 0,
                pages: 9,
                log_bytes: 0,
                rewritten: None,
            }];
        })
    }

    #[test]
    fn a_directory_that_nobody_owns_is_found() {
        let world = World::new().copy("ops", 2).with(|world| {
            let (id, path) = ("retired".to_owned(), "/srv/agents/retired/agent".to_owned());
            world.observed.orphans = vec![Orphan { id, path, profiles: vec![P.into()] }];
        });
        finds(&CHECK, &world, &["belongs to no agent", "keyshoal quarantine retired", "--carry-to stocks"]);
    }

    #[test]
    fn a_database_of_another_agent_is_found() {
        finds(&CHECK, &database("stocks", "trading"), &["belongs to agent trading", "Attention"]);
    }

    #[test]
    fn everything_in_its_place_is_fine() {
        is_clean(&CHECK, &database("stocks", "stocks"));
    }
}
