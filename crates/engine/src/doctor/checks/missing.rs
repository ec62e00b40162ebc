//! Models whose provider the agent has nothing for.

use super::super::{Case, Check, Told};
use keyshoal_core::FindingKind;

pub(super) const CHECK: Check = Check {
    id: "missing",
    question: "Has every agent a credential for every model that it uses?",
    looks_at: "The models that each agent's config names, fallbacks and special work included, and what the agent may send to their \
               providers.",
    matters: "Such an agent fails at the first message that goes there, which for a fallback or a nightly job may be weeks away.",
    way_out: "keyshoal set PROVIDER gives a credential to all agents; with --agent to one. Or take the model out of the config.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    for agent in &case.observed().agents {
        if let Some(why) = &agent.unknown {
            told.seen.push(format!("what {} may send is not known: {why}", agent.id));
        }
        let needs: Vec<&str> = agent.needs.keys().map(|provider| provider.as_str()).collect();
        if !needs.is_empty() {
            told.seen.push(format!("{} needs {}", agent.id, needs.join(", ")));
        }
    }
    told.seen.truncate(40);
    told.symptoms = case.findings(&[FindingKind::Missing]);
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;

    #[test]
    fn a_model_without_a_credential_is_found() {
        let world = World::new().with(|world| {
            world.agent("ops").needs.insert("gone".into(), vec!["big".into()]);
        });
        finds(&CHECK, &world, &["ops", "needs gone for big", "keyshoal set gone"]);
    }

    #[test]
    fn models_with_credentials_are_fine() {
        is_clean(&CHECK, &World::new());
    }
}
