//! Credentials whose time is over, or will be soon.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{CredentialKind, FindingKind};

/// So long before, it is worth knowing.
const SOON: i64 = 14 * 24 * 60 * 60;
/// So long before, it needs attention.
const VERY_SOON: i64 = 3 * 24 * 60 * 60;

pub(super) const CHECK: Check = Check {
    id: "expiring",
    question: "Is any credential over, or will it be soon?",
    looks_at: "The end that tokens and OAuth logins carry. An OAuth login renews itself, so that only one that OpenClaw leaves out as \
               expired counts.",
    matters: "A token ends without a word, for every agent at once.",
    way_out: "keyshoal set PROFILE gives a new token; openclaw models auth login signs in again.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    for (id, store) in &case.observed().stores {
        for (profile, view) in &store.profiles {
            let Some(end) = view.expires else { continue };
            told.seen.push(format!("{profile} of store {id} ({}) ends {}", view.kind, moment(end)));
            let left = end.as_second() - case.now().as_second();
            if view.kind != CredentialKind::Token || !(1..SOON).contains(&left) {
                continue;
            }
            let text = format!("{profile} ends {}", moment(end));
            let symptom = if left < VERY_SOON { Symptom::attention(text) } else { Symptom::info(text) };
            told.symptoms.push(symptom.agents(case.agents_of(id)).fix(format!("keyshoal set {profile}")));
        }
    }
    told.symptoms.extend(case.findings(&[FindingKind::Expired]));
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::{ProfileView, StoreId};

    fn ending(kind: CredentialKind, days: i64) -> World {
        World::new().with(|world| {
            let view = ProfileView { kind, expires: Some(at(NOW + days * 86_400)), ..api_key(2) };
            world.store(&StoreId::Base).profiles.insert(P.into(), view);
        })
    }

    #[test]
    fn a_token_that_ends_soon_is_found() {
        finds(&CHECK, &ending(CredentialKind::Token, 10), &["ends 1970", "Info"]);
        finds(&CHECK, &ending(CredentialKind::Token, 2), &["keyshoal set acme:default", "Attention"]);
    }

    #[test]
    fn a_token_that_has_ended_is_found_once_for_those_who_use_it() {
        let world = ending(CredentialKind::Token, -1);
        assert!(world.told(&CHECK).symptoms.iter().all(|one| one.message.contains("its time ended")));
        assert!(!world.told(&CHECK).symptoms.is_empty());
    }

    #[test]
    fn what_lasts_or_renews_itself_is_fine() {
        is_clean(&CHECK, &ending(CredentialKind::Token, 100));
        is_clean(&CHECK, &ending(CredentialKind::OAuth, 1));
    }
}
