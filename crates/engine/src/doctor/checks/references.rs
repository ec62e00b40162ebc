//! References of profiles that lead nowhere.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::SecretRef;
use keyshoal_core::examination::ReferenceState;
use keyshoal_core::vault::REFERENCES;
use keyshoal_core::{SecretSource, StoreId};

pub(super) const CHECK: Check = Check {
    id: "references",
    question: "Does every reference of a profile lead somewhere?",
    looks_at: "keyRef and tokenRef of every profile, and the variable, file, program or secret store that they name. No program is \
               run, and what they lead to is not kept.",
    matters: "A profile with a reference that cannot be resolved sends nothing, and since 2026.6 one of them keeps the gateway from \
              reloading any.",
    way_out: "Set the variable, put the value into the file or the secret store, or correct the reference; then openclaw secrets reload.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    for one in &case.facts.references {
        let what = words(&one.reference);
        let whose = match &one.store {
            StoreId::Base => format!("{} of the base store", one.profile),
            StoreId::Agent(agent) => format!("{} of {agent}", one.profile),
        };
        match &one.state {
            ReferenceState::Resolves => told.seen.push(format!("{whose} names {what}, which is there")),
            ReferenceState::Unknown(why) => told.seen.push(format!("{whose} names {what}: {why}")),
            ReferenceState::Unresolved(why) => told.symptoms.push(
                Symptom::attention(format!("{whose} names {what}, which leads nowhere: {why}"))
                    .agents(case.agents_of(&one.store))
                    .fix(match one.reference.provider == REFERENCES {
                        true => "keyshoal sync",
                        false => "put the value there, then openclaw secrets reload",
                    }),
            ),
        }
    }
    told
}

fn words(reference: &SecretRef) -> String {
    let id = &reference.id;
    match &reference.source {
        SecretSource::Env => format!("the variable {id}"),
        SecretSource::File => format!("{id} in the file of {}", reference.provider),
        SecretSource::Exec => format!("{id} of the program of {}", reference.provider),
        SecretSource::Store => format!("{id} in OpenClaw's secret store"),
        SecretSource::Other(other) => format!("{id} of {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::ReferenceFacts;

    fn referring(state: ReferenceState) -> World {
        let reference =
            SecretRef { source: SecretSource::Env, provider: "default".into(), id: "ACME_KEY".into() };
        World::new().with(|world| {
            world.facts.references =
                vec![ReferenceFacts { store: own("ops"), profile: P.into(), reference, state }];
        })
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_found() {
        let world = referring(ReferenceState::Unresolved("it is not set".into()));
        finds(&CHECK, &world, &["acme:default of ops names the variable ACME_KEY", "it is not set"]);
    }

    #[test]
    fn our_own_is_mended_by_a_sync() {
        let mut world = referring(ReferenceState::Unresolved("the file is gone".into()));
        world.facts.references[0].reference =
            SecretRef { source: SecretSource::File, provider: REFERENCES.into(), id: "/shared/p".into() };
        let told = world.told(&CHECK);
        assert_eq!(told.symptoms[0].fix.as_deref(), Some("keyshoal sync"));
    }

    #[test]
    fn one_that_leads_somewhere_or_cannot_be_told_is_seen() {
        for state in [ReferenceState::Resolves, ReferenceState::Unknown("a program".into())] {
            let world = referring(state);
            is_clean(&CHECK, &world);
            assert_eq!(world.told(&CHECK).seen.len(), 1);
        }
    }
}
