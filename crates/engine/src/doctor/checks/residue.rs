//! Plaintext that nothing uses any more: copies, archives, free pages of databases.

use super::super::{Case, Check, Symptom, Told};
use crate::scrub::{self, Deed};
use std::collections::BTreeMap;

pub(super) const CHECK: Check = Check {
    id: "residue",
    question: "Does plaintext of earlier credentials lie around?",
    looks_at: "models.json in the agents' directories, archives and leftovers of migrations, and pages of the databases that nothing \
               uses any more.",
    matters: "OpenClaw overwrites rows without wiping them, and copies and archives are never updated. What was revoked does no harm; \
              what was only replaced still works for whoever reads it, and openclaw doctor --fix of 2026.8 and later takes a key of \
              models.json into the stores again.",
    way_out: "Revoke replaced keys at their provider. keyshoal scrub removes what is certainly of no use, and keeps it sealed for 30 \
              days, so that keyshoal rollback brings it back. Databases are written anew only while no gateway runs: that holds them \
              for as long as it takes, and a lock of more than 5 s breaks turns.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    told.seen.extend(case.facts.databases.iter().take(40).map(|one| {
        format!(
            "{}: {} of {} pages are free, its log has {} bytes",
            one.path, one.free_pages, one.pages, one.log_bytes
        )
    }));
    let found = scrub::plan(case);
    for (deed, what) in [
        (Deed::Remove, "archives of migrations hold plaintext of credentials that the stores have"),
        (Deed::Clean, "models.json holds keys in plaintext that requests do not use"),
        (Deed::Rewrite, "pages of databases may still hold earlier values"),
    ] {
        let steps: Vec<_> = found.steps.iter().filter(|step| step.deed == deed).collect();
        if steps.is_empty() {
            continue;
        }
        let each = steps.iter().map(|step| format!("{}: {}", step.path, step.why));
        let mut agents: Vec<_> = steps.iter().filter_map(|step| step.agent.clone()).collect();
        agents.dedup();
        told.symptoms.push(Symptom::info(what).agents(agents).given(each).by_scrub());
    }
    // What one sentence says of several files is said once.
    let mut left: BTreeMap<(Option<&str>, &str), Vec<&str>> = BTreeMap::new();
    for one in &found.left {
        left.entry((one.fix.as_deref(), &one.why)).or_default().push(&one.path);
    }
    for ((fix, why), paths) in left {
        let mut symptom = match paths.as_slice() {
            [path] => Symptom::info(format!("{path} stays: {why}")),
            _ => Symptom::info(format!("{} files stay: {why}", paths.len()))
                .given(paths.iter().map(|path| (*path).to_owned())),
        };
        symptom.fix = fix.map(str::to_owned);
        told.symptoms.push(symptom);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::Remedy;
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::DatabaseFacts;

    fn database(free_pages: u64) -> World {
        World::new().with(|world| {
            world.facts.databases = vec![DatabaseFacts {
                path: "/srv/x.sqlite".into(),
                lies_with: None,
                belongs_to: None,
                free_pages,
                pages: 40,
                log_bytes: 0,
                rewritten: None,
            }];
        })
    }

    #[test]
    fn free_pages_are_found_and_wait_for_the_gateway_to_stop() {
        let found = finds(&CHECK, &database(3), &["3 of its 40 pages", "gateway stop", "Info"]);
        assert_eq!(found.remedy, None);
        let world = database(3).with(|world| world.observed.instance.gateway.running = Some(false));
        let found = finds(&CHECK, &world, &["3 of its 40 pages", "keyshoal scrub"]);
        assert_eq!((found.remedy, found.fix.as_deref()), (Some(Remedy::Scrub), Some("keyshoal scrub")));
        let world = database(3).with(|world| world.observed.instance.gateway.running = None);
        assert_eq!(finds(&CHECK, &world, &["not known"]).remedy, None);
    }

    #[test]
    fn a_tidy_database_is_fine() {
        is_clean(&CHECK, &database(0));
    }
}
