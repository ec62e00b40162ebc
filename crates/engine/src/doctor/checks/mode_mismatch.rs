//! Profiles of another type than the config demands.

use super::super::{Case, Check, Told};
use keyshoal_core::{FindingKind, OutReason, Standing};

pub(super) const CHECK: Check = Check {
    id: "mode_mismatch",
    question: "Has every profile the type that the config demands?",
    looks_at: "auth.profiles in the config, whose mode must equal the type of the stored profile in every agent's store.",
    matters: "OpenClaw leaves a profile of another type out without a word: the agent has a credential and sends none. Its own \
              paste-token changes the mode for all agents and the profile of one.",
    way_out: "keyshoal sync gives an API key or a token the type that the config demands; else change auth.profiles in the config.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let modes = case.observed().modes.iter();
    let mut told =
        Told::seeing(modes.map(|(id, mode)| format!("the config demands type {mode} of {id}")).collect());
    told.symptoms = case.findings(&[FindingKind::ModeMismatch]);
    let inherited = case.findings(&[FindingKind::Inherited]).into_iter().filter(|symptom| {
        symptom.agents.iter().any(|id| {
            let candidates =
                case.observed().agent(id).into_iter().flat_map(|agent| agent.candidates.values());
            candidates
                .flatten()
                .any(|one| matches!(one.standing, Standing::Out(OutReason::ModeMismatch { .. })))
        })
    });
    told.symptoms.extend(inherited);
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::CredentialKind;

    #[test]
    fn a_mode_that_no_profile_has_is_found() {
        let world = World::new().copy("stocks", 2).with(|world| {
            world.observed.modes.insert(P.into(), CredentialKind::Token);
        });
        let told = world.told(&CHECK);
        assert!(
            told.symptoms.iter().any(|one| one.agents.iter().any(|id| id.as_str() == "stocks")),
            "{told:#?}"
        );
        assert!(told.seen[0].contains("demands type token"));
    }

    #[test]
    fn the_right_mode_is_fine() {
        let world = World::new().with(|world| {
            world.observed.modes.insert(P.into(), CredentialKind::ApiKey);
        });
        is_clean(&CHECK, &world);
    }
}
