//! Databases: free pages, and pages in use that still hold what was overwritten.

use super::{Deed, Left, Scrub, ScrubStep};
use crate::doctor::Case;
use keyshoal_core::examination::DatabaseFacts;
use keyshoal_core::judge::owner_of;
use keyshoal_core::{Fingerprint, ProfileId, StoreId, StoreView, Timestamp};
use std::collections::BTreeMap;

/// Decides about all databases.
pub(super) fn decide(case: &Case<'_>, scrub: &mut Scrub) {
    for one in &case.facts.databases {
        let Some(why) = reason(case, one) else { continue };
        match obstacle(case, one) {
            Some((obstacle, fix)) => scrub.left.push(Left {
                path: one.path.clone(),
                agent: None,
                why: format!("{why}; {obstacle}"),
                fix,
            }),
            None => scrub.steps.push(ScrubStep {
                path: one.path.clone(),
                deed: Deed::Rewrite,
                agent: None,
                expect: None,
                values: Vec::new(),
                why,
            }),
        }
    }
}

/// Says why a database may hold earlier values outside of its rows.
fn reason(case: &Case<'_>, one: &DatabaseFacts) -> Option<String> {
    if one.free_pages > 0 {
        return Some(format!(
            "{} of its {} pages are free and may hold earlier values",
            one.free_pages, one.pages
        ));
    }
    let overwritten = stores_of(case, one).filter_map(|(id, store)| overwritten(case, id, store)).max()?;
    (one.rewritten.is_none_or(|done| done < overwritten))
        .then(|| "an earlier value stood in it, and OpenClaw overwrites without wiping".to_owned())
}

/// Says why a database is not to be written now, and what to do.
fn obstacle(case: &Case<'_>, one: &DatabaseFacts) -> Option<(String, Option<String>)> {
    let observed = case.observed();
    let locked = stores_of(case, one).find_map(|(id, _)| observed.not_writable(id));
    if let Some(reason) = locked.or_else(|| observed.capabilities.read_only.clone()) {
        return Some((reason, None));
    }
    match observed.instance.gateway.running {
        Some(false) => None,
        Some(true) => Some(("a running gateway has it open".into(), Some(stop()))),
        None => Some(("whether a gateway has it open is not known".into(), Some(stop()))),
    }
}

fn stop() -> String {
    "openclaw gateway stop; keyshoal scrub; and start it again".into()
}

fn stores_of<'a>(
    case: &Case<'a>,
    one: &'a DatabaseFacts,
) -> impl Iterator<Item = (&'a StoreId, &'a StoreView)> {
    case.observed().stores.iter().filter(|(_, store)| store.path == one.path)
}

/// Returns when a value of a store was last replaced or taken away, as far as is remembered.
fn overwritten(case: &Case<'_>, id: &StoreId, store: &StoreView) -> Option<Timestamp> {
    let owner = owner_of(case.observed(), id);
    let mut newest: BTreeMap<&ProfileId, (Vec<Fingerprint>, Timestamp)> = BTreeMap::new();
    for ((agent, profile, print), at) in &case.known().first_seen {
        if *agent == owner {
            let (prints, last) = newest.entry(profile).or_insert_with(|| (Vec::new(), *at));
            prints.push(*print);
            *last = (*last).max(*at);
        }
    }
    let gone = newest.into_iter().filter(|(profile, (prints, _))| {
        let now = store.profiles.get(*profile).and_then(|view| view.material.fingerprint());
        prints.iter().any(|print| Some(*print) != now)
    });
    gone.map(|(_, (_, at))| at).max()
}
