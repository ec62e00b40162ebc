//! Archives, leftovers and generated files.

use super::{Deed, Left, Scrub, ScrubStep};
use crate::doctor::Case;
use keyshoal_core::residue::{PlainFile, PlainKind, PlainValue};
use keyshoal_core::{Fingerprint, Material, Place, ProfileId, ProfileView, ProviderId, StoreHealth, StoreId};
use std::collections::{BTreeMap, BTreeSet};

/// Decides about one file.
pub(super) fn decide(case: &Case<'_>, file: &PlainFile, scrub: &mut Scrub) {
    let left = |why: String, fix: Option<&str>| Left {
        path: file.path.clone(),
        agent: file.agent.clone(),
        why,
        fix: fix.map(str::to_owned),
    };
    match (file.kind, &file.obstacle) {
        (PlainKind::Leftover, _) => scrub.left.push(left(
            "it is a file of an earlier layout that OpenClaw would still migrate".into(),
            Some("openclaw doctor --fix, and then keyshoal scrub"),
        )),
        (PlainKind::DatabaseBackup, _) => scrub.left.push(left(
            "it is the whole database from before a migration, with everything that was in it".into(),
            Some("remove it when nobody needs it any more"),
        )),
        (_, Some(obstacle)) => scrub.left.push(left(obstacle.clone(), None)),
        (PlainKind::Archive | PlainKind::ModelsFile, None) if file.values.is_empty() => {}
        (PlainKind::Archive | PlainKind::ModelsFile, None) => {
            let holding = match Holding::of(case, file) {
                Ok(holding) => holding,
                Err(unknown) => return scrub.left.push(left(unknown, None)),
            };
            let mut gone = Vec::new();
            let mut kept: Vec<(String, Option<&str>)> = Vec::new();
            for value in &file.values {
                let standing = match file.kind {
                    PlainKind::Archive => holding.archived(value),
                    _ => holding.copied(value),
                };
                match standing {
                    Ok(()) => gone.push(value.clone()),
                    Err(why) => kept.push(why),
                }
            }
            // An archive goes as a whole or not at all.
            let whole = file.kind == PlainKind::Archive;
            let mut said = BTreeSet::new();
            kept.retain(|(why, _)| said.insert(why.clone()));
            let none_kept = kept.is_empty();
            scrub.left.extend(kept.into_iter().map(|(why, fix)| left(why, fix)));
            if !gone.is_empty() && (none_kept || !whole) {
                scrub.steps.push(ScrubStep {
                    path: file.path.clone(),
                    deed: if whole { Deed::Remove } else { Deed::Clean },
                    agent: file.agent.clone(),
                    expect: file.text,
                    values: gone,
                    why: match whole {
                        true => {
                            "no release reads it to sign in, and a store holds every profile in it".into()
                        }
                        false => "requests do not use it, and the stores hold the present key".into(),
                    },
                });
            }
        }
    }
}

/// What an agent holds by itself and inherits.
struct Holding<'a> {
    case: &'a Case<'a>,
    file: &'a PlainFile,
    /// Its profiles, its own before those of the base store.
    profiles: BTreeMap<&'a ProfileId, &'a ProfileView>,
}

type Kept = (String, Option<&'static str>);

impl<'a> Holding<'a> {
    /// Puts it together; an error where a store that counts cannot be read.
    fn of(case: &'a Case<'a>, file: &'a PlainFile) -> Result<Self, String> {
        let observed = case.observed();
        let own = file.agent.as_ref().and_then(|id| observed.agent(id)).map(|agent| &agent.store);
        let mut profiles = BTreeMap::new();
        for id in [Some(&StoreId::Base), own].into_iter().flatten() {
            let Some(store) = observed.store(id) else { continue };
            match &store.health {
                StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => {}
                StoreHealth::Unreadable(_) | StoreHealth::NewerSchema { .. } => {
                    return Err(format!(
                        "what {} holds cannot be read, so nothing can be compared with it",
                        store.path
                    ));
                }
            }
            profiles.extend(&store.profiles);
        }
        Ok(Self { case, file, profiles })
    }

    /// The profiles of a provider that hold something.
    fn usable(&self, provider: &ProviderId) -> impl Iterator<Item = (&'a ProfileId, &'a ProfileView)> {
        let all = self.profiles.iter().map(|(id, view)| (*id, *view));
        all.filter(move |(_, view)| view.provider == *provider && view.material.fingerprint().is_some())
    }

    /// Tells whether an agent, or the shared store, holds this very value of the provider somewhere.
    fn holds(&self, provider: &ProviderId, value: Fingerprint) -> bool {
        self.usable(provider).any(|(_, view)| view.material == Material::Inline(value))
    }

    /// Says why a value of an archive keeps it, if so.
    fn archived(&self, value: &PlainValue) -> Result<(), Kept> {
        let name = value.profile.as_ref().map_or_else(|| value.provider.to_string(), ToString::to_string);
        if value
            .profile
            .as_ref()
            .is_some_and(|id| self.profiles.get(id).is_some_and(|now| now.material == Material::Fenced))
        {
            return Err((format!("a refresh of {name} is under way"), None));
        }
        let superseded = self.usable(&value.provider).any(|(id, _)| Some(id) == value.profile.as_ref());
        if superseded || self.holds(&value.provider, value.fingerprint) {
            return Ok(());
        }
        Err((
            format!("it may be the only copy of {name}: no store that counts here holds that profile"),
            Some("remove it yourself when nobody needs that credential any more"),
        ))
    }

    /// Says why a copy in `models.json` stays, if so.
    fn copied(&self, value: &PlainValue) -> Result<(), Kept> {
        let (provider, print) = (&value.provider, value.fingerprint);
        let candidates =
            self.file.agent.as_ref().and_then(|id| self.case.observed().agent(id)?.candidates.get(provider));
        let from_config = candidates
            .into_iter()
            .flatten()
            .filter(|one| !matches!(one.place, Place::ModelsFile | Place::Local | Place::Inherited))
            .any(|one| one.material.value() == Some(print));
        let held = self.holds(provider, print);
        if held && !from_config && !self.file.renewed {
            return Ok(());
        }
        if from_config || held {
            return Err((
                format!("it holds the present key of {provider}, and OpenClaw would write it there again"),
                Some("keys by reference keep it out: keyshoal instance set --delivery refs"),
            ));
        }
        let mut profiles = self.usable(provider);
        let (Some(first), second) = (profiles.next(), profiles.next()) else {
            return Err((
                format!("it may be the only key of {provider}: no store that counts here holds one"),
                Some("remove it yourself when nobody needs that credential any more"),
            ));
        };
        // The program copies the first profile's key, so with one profile of the provider it is certain whose it was.
        let certain = second.is_none();
        let known = self.usable(provider).any(|(id, _)| self.was_seen(id, print));
        if certain || known {
            return Ok(());
        }
        Err((
            format!("whose key of {provider} it was is not known: {} and others could be meant", first.0),
            Some("remove it yourself when nobody needs that credential any more"),
        ))
    }

    /// Tells whether a value was seen as one of a profile's, anywhere.
    fn was_seen(&self, profile: &ProfileId, value: Fingerprint) -> bool {
        let known = self.case.known();
        known.known_values(profile).contains(&value)
            || known.first_seen.keys().any(|(_, of, print)| of == profile && *print == value)
    }
}
