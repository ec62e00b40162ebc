//! OAuth logins that lie in several places.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::{CredentialKind, FindingKind, Fingerprint, ProfileId, StoreId};
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "oauth_copies",
    question: "Has every OAuth login one owner?",
    looks_at: "The accounts (by fingerprint) of the OAuth profiles in every store, and those that Codex, Claude Code and MiniMax are \
               signed in with on this machine.",
    matters: "A refresh token can be spent once. The first agent that renews a copied login ends it for all others.",
    way_out: "Leave the login in the store that agents inherit from, and take copies away: where it is inherited, keyshoal replace and sync do. \
              Sign other programs in by themselves.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    let mut places: Vec<(Fingerprint, BTreeSet<(&StoreId, &ProfileId)>)> = Vec::new();
    for (id, store) in &case.observed().stores {
        for (profile, view) in store.profiles.iter().filter(|(_, view)| view.kind == CredentialKind::OAuth) {
            let account = view.account.map_or_else(|| "unnamed".to_owned(), |account| account.short());
            told.seen.push(format!("{profile} of store {id}: account {account}"));
            for print in view.account.into_iter().chain(view.material.fingerprint()) {
                match places.iter_mut().find(|(known, _)| *known == print) {
                    Some((_, at)) => drop(at.insert((id, profile))),
                    None => places.push((print, BTreeSet::from([(id, profile)]))),
                }
            }
        }
    }
    for login in &case.facts.logins {
        let accounts: Vec<String> = login.accounts.iter().map(Fingerprint::short).collect();
        told.seen.push(format!("{} ({}): account {}", login.program, login.path, accounts.join(", ")));
    }
    told.symptoms = case.findings(&[FindingKind::Shadowing]);
    let shadowing: BTreeSet<&ProfileId> = (case.look.judgement.findings.iter())
        .filter(|one| one.finding == FindingKind::Shadowing)
        .filter_map(|one| one.profile.as_ref())
        .collect();
    let mut told_of = BTreeSet::new();
    for (_, at) in &places {
        let stores: BTreeSet<&StoreId> = at.iter().map(|(store, _)| *store).collect();
        // Those that hide the owner's are told of already.
        let settled = at.iter().any(|(_, profile)| shadowing.contains(profile));
        if stores.len() < 2 || settled || !told_of.insert(at.clone()) {
            continue;
        }
        let names: BTreeSet<&str> = at.iter().map(|(_, profile)| profile.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        told.symptoms.push(
            Symptom::attention(format!(
                "one OAuth account ({}) lies in {} stores: who renews it first ends it for the others",
                names.join(", "),
                stores.len()
            ))
            .agents(stores.iter().flat_map(|store| case.agents_of(store)))
            .fix("keep it in one store: openclaw models auth logout in the others, where the release has that, or sign each in by itself"),
        );
    }
    for login in &case.facts.logins {
        let Some((_, at)) = places.iter().find(|(print, _)| login.accounts.contains(print)) else { continue };
        let names: Vec<String> =
            at.iter().map(|(store, profile)| format!("{profile} of store {store}")).collect();
        told.symptoms.push(
            Symptom::info(format!(
                "{} is signed in with the account of {}; if both came from one sign-in, each renewal ends the other",
                login.program,
                names.join(", ")
            ))
            .because(format!("its login is in {}", login.path))
            .fix("sign the other program in by itself, and OpenClaw with openclaw models auth login"),
        );
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::ProfileView;
    use keyshoal_core::examination::OtherLogin;

    const LOGIN: &str = "codex:me";

    fn login(value: u8) -> ProfileView {
        let (kind, account) = (CredentialKind::OAuth, Some(print(77)));
        ProfileView {
            provider: "codex".into(),
            kind,
            account,
            expires: Some(at(NOW + 3600)),
            ..api_key(value)
        }
    }

    fn signed_in() -> World {
        World::new().with(|world| {
            world.store(&StoreId::Base).profiles.insert(LOGIN.into(), login(50));
        })
    }

    #[test]
    fn a_copied_login_is_found() {
        let world = signed_in().with(|world| {
            world.store(&own("stocks")).profiles.insert(LOGIN.into(), login(51));
        });
        finds(&CHECK, &world, &["stocks", "codex:me"]);
        let world = signed_in().with(|world| {
            for id in ["stocks", "ops"] {
                world.store(&own(id)).profiles.insert("codex:other".into(), login(51));
            }
            world.store(&StoreId::Base).profiles.remove(&LOGIN.into());
        });
        finds(&CHECK, &world, &["lies in 2 stores", "stocks", "ops"]);
    }

    #[test]
    fn the_same_account_of_another_program_is_worth_knowing() {
        let world = signed_in().with(|world| {
            let (program, path) = ("Codex".to_owned(), "/home/.codex/auth.json".to_owned());
            world.facts.logins =
                vec![OtherLogin { program, path, accounts: vec![print(77)], modified: None }];
        });
        finds(&CHECK, &world, &["Codex is signed in", "Info"]);
    }

    #[test]
    fn one_owner_is_fine() {
        let world = signed_in().with(|world| {
            let (program, path) = ("Codex".to_owned(), "/home/.codex/auth.json".to_owned());
            world.facts.logins = vec![OtherLogin { program, path, accounts: vec![print(1)], modified: None }];
        });
        is_clean(&CHECK, &world);
    }
}
