//! All traffic on the default agent while there are others.

use super::super::{Case, Check, Symptom, Told};

pub(super) const CHECK: Check = Check {
    id: "all_on_main",
    question: "Does any message reach the other agents?",
    looks_at: "The channels and bindings of the config, and the roster.",
    matters: "Working around a credential problem by letting the main agent answer everything hides the problem and gives up what \
              several agents are for. And a prompt that reaches the wrong agent looks like a failure of its credentials.",
    way_out: "Add bindings for the other agents to the config, or take agents that nobody uses out of the roster. keyshoal route --all tells \
              who answers what, and why.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    let bindings = &case.facts.bindings;
    told.seen.extend(bindings.iter().take(40).map(|one| format!("{} goes to {}", one.channel, one.agent)));
    let default = case.observed().agents.iter().find(|agent| agent.default);
    let known = |name: &str| case.observed().agents.iter().any(|agent| agent.id.as_str() == name);
    for one in bindings.iter().filter(|one| !known(&one.agent)) {
        let text =
            format!("a binding of {} leads to {}, which is no agent of the roster", one.channel, one.agent);
        let symptom =
            Symptom::attention(text).fix("keyshoal route --all says where, and who answers instead");
        told.symptoms.push(symptom);
    }
    let Some(default) = default else { return told };
    let others: Vec<_> =
        case.observed().agents.iter().filter(|agent| !agent.default).map(|agent| agent.id.clone()).collect();
    // Without any channel nothing is routed at all: agents may be asked by each other, or over HTTP.
    let routed = !bindings.is_empty() || !case.facts.channels.is_empty();
    let elsewhere = bindings.iter().any(|one| others.iter().any(|id| id.as_str() == one.agent));
    if others.is_empty() || !routed || elsewhere {
        return told;
    }
    let channels = super::super::case::list(&case.facts.channels);
    let symptom = Symptom::info(format!(
        "every message of every channel goes to {}, and no binding leads to these agents",
        default.id
    ));
    let symptom =
        if channels.is_empty() { symptom } else { symptom.because(format!("channels: {channels}")) };
    told.symptoms.push(
        symptom
            .agents(others)
            .fix("add bindings to the config, unless these agents are only asked by others"),
    );
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::BoundTo;

    fn bound(agents: &[&str]) -> World {
        World::new().with(|world| {
            world.facts.channels = vec!["telegram".into()];
            let to = |agent: &&str| BoundTo { channel: "telegram".into(), agent: (*agent).to_owned() };
            world.facts.bindings = agents.iter().map(to).collect();
        })
    }

    #[test]
    fn traffic_on_the_default_agent_alone_is_found() {
        finds(&CHECK, &bound(&["main"]), &["goes to main", "stocks", "ops", "Info"]);
        finds(&CHECK, &bound(&[]), &["channels: telegram"]);
    }

    #[test]
    fn a_binding_to_an_unknown_agent_is_found() {
        finds(&CHECK, &bound(&["stocks", "gone"]), &["leads to gone", "Attention"]);
    }

    #[test]
    fn a_binding_to_another_agent_or_no_channel_at_all_is_fine() {
        is_clean(&CHECK, &bound(&["main", "stocks"]));
        is_clean(&CHECK, &World::new());
    }
}
