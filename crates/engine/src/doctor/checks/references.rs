//! References of profiles that lead nowhere.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::examination::{ReferenceFacts, ReferenceState};
use keyshoal_core::{SecretRef, SecretSource, Severity, StoreId};

pub(super) const CHECK: Check = Check {
    id: "references",
    question: "Does every reference of a profile lead somewhere?",
    looks_at: "keyRef and tokenRef of every profile, and the variable, file, program or secret store that they name. No program is \
               run, and what they lead to is not kept.",
    matters: "A profile with a reference that cannot be resolved sends nothing, and since 2026.6 one of them keeps the gateway from \
              reloading any.",
    way_out: "Set the variable, put the value into the file or the secret store, or correct the reference; then openclaw secrets \
              reload. The file that Keyshoal delivers is made again from its vault by keyshoal sync; without a vault, give the key \
              again with keyshoal set, or put the file back from a backup.",
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
                    .fix(match one.reference.is_delivered() {
                        true => judged(case, one).unwrap_or_else(|| "keyshoal sync".to_owned()),
                        false => "put the value there, then openclaw secrets reload".to_owned(),
                    }),
            ),
        }
    }
    told
}

/// Returns what the look says that mends it: with a vault something else than without.
fn judged(case: &Case<'_>, of: &ReferenceFacts) -> Option<String> {
    let findings = case.look.judgement.findings.iter().filter(|one| one.severity == Severity::Attention);
    let mut same = findings
        .filter(|one| one.store.as_ref() == Some(&of.store) && one.profile.as_ref() == Some(&of.profile));
    same.find_map(|one| one.fix.clone())
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
    use keyshoal_core::vault::REFERENCES;
    use keyshoal_core::{Material, ProfileView};

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
    fn our_own_is_mended_by_what_the_look_says() {
        let reference =
            SecretRef { source: SecretSource::File, provider: REFERENCES.into(), id: "/agents/u~1p".into() };
        let gone = referring(ReferenceState::Unresolved("the file is gone".into()));
        let fix = |world: &World| world.told(&CHECK).symptoms[0].fix.clone().unwrap();
        let world = gone.with(|world| world.facts.references[0].reference = reference.clone());
        assert_eq!(fix(&world), "keyshoal sync");
        let released = world.with(|world| {
            let material = Material::Ref { reference, fingerprint: print(9), known: false };
            world.store(&own("ops")).profiles.insert(P.into(), ProfileView { material, ..api_key(9) });
        });
        assert!(fix(&released).starts_with("keyshoal set acme:default --agent ops"), "{}", fix(&released));
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
