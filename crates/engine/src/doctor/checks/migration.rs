//! What earlier layouts left, and what keeps a release from going on because of it.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::activation;

pub(super) const CHECK: Check = Check {
    id: "migration",
    question: "Is anything left of an earlier layout?",
    looks_at: "Credential files of earlier layouts beside the stores, the release and its layout, and which agents OpenClaw refuses for \
               that reason.",
    matters: "From 2026.8.1 an agent whose store is empty while such a file lies beside it is refused, and only a restart ends that.",
    way_out: "openclaw doctor --fix migrates what is left; then keyshoal restart.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let instance = &case.observed().instance;
    let release = instance.openclaw_version.as_deref().unwrap_or("of unknown release");
    let mut told = Told::seeing(vec![format!("OpenClaw {release}, {}", instance.layout.words())]);
    told.seen.extend(instance.layout_evidence.iter().cloned());
    for (agent, leftover) in activation::refused(case.observed()) {
        told.symptoms.push(
            Symptom::attention(format!(
                "OpenClaw refuses it: {leftover} lies beside a store without a profile"
            ))
            .agents([agent.id.clone()])
            .fix("openclaw doctor --fix, and then keyshoal restart"),
        );
    }
    for notice in &case.observed().notices {
        let told_of = told.symptoms.iter().any(|one| {
            notice.message.split_whitespace().next().is_some_and(|path| one.message.contains(path))
        });
        if matches!(notice.code.as_str(), "leftover_json" | "newer_release") && !told_of {
            let mut symptom = Symptom::info(&notice.message);
            symptom.fix.clone_from(&notice.fix);
            told.symptoms.push(symptom);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::Layout;
    use keyshoal_core::observation::Notice;

    fn left(layout: Layout) -> World {
        World::new().with(|world| {
            world.observed.instance.layout = layout;
            let path = "/srv/agents/ops/agent/auth-profiles.json";
            world.store(&own("ops")).leftover = Some(path.into());
            let message = format!("{path} is left from an earlier layout");
            world.observed.notices = vec![Notice { code: "leftover_json".into(), message, fix: None }];
        })
    }

    #[test]
    fn a_refused_agent_is_found_once() {
        finds(&CHECK, &left(Layout::SharedRow), &["OpenClaw refuses it", "ops", "Attention"]);
    }

    #[test]
    fn a_leftover_that_does_no_harm_is_worth_knowing() {
        finds(&CHECK, &left(Layout::AgentSqlite), &["is left from an earlier layout", "Info"]);
    }

    #[test]
    fn a_migrated_installation_is_fine() {
        is_clean(&CHECK, &World::new());
    }
}
