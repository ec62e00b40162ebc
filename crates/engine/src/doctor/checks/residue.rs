//! Plaintext that nothing uses any more: copies, archives, free pages of databases.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::examination::DatabaseFacts;

pub(super) const CHECK: Check = Check {
    id: "residue",
    question: "Does plaintext of earlier credentials lie around?",
    looks_at: "models.json in the agents' directories, archives of migrations, and pages of the databases that nothing uses any more.",
    matters: "OpenClaw overwrites rows without wiping them, and copies and archives are never updated. What was revoked does no harm; \
              what was only replaced still works for whoever reads it.",
    way_out: "Revoke replaced keys at their provider. Remove the files that are named. With the gateway stopped, VACUUM of SQLite 3.43 or \
              newer (what OpenClaw's tables ask for) rewrites a database without its free pages. Keyshoal does not do that beside a \
              running gateway: it holds the database for as long as it takes, and a lock of more than 5 s breaks turns.",
    run,
};

/// What the observation says of copies and archives.
const CODES: [&str; 3] = ["residue", "plaintext_models_json", "migrated_archive"];

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    for notice in case.observed().notices.iter().filter(|notice| CODES.contains(&notice.code.as_str())) {
        let mut symptom = Symptom::info(&notice.message);
        symptom.fix = notice.fix.clone().or_else(|| Some("remove it when nothing else needs it".to_owned()));
        told.symptoms.push(symptom);
    }
    let databases = &case.facts.databases;
    told.seen.extend(databases.iter().take(40).map(|one| {
        format!(
            "{}: {} of {} pages are free, its log has {} bytes",
            one.path, one.free_pages, one.pages, one.log_bytes
        )
    }));
    let loose: Vec<&DatabaseFacts> = databases.iter().filter(|one| one.free_pages > 0).collect();
    if let Some(first) = loose.first() {
        let pages: u64 = loose.iter().map(|one| one.free_pages).sum();
        let text = format!("{pages} free pages in {} databases may still hold earlier values", loose.len());
        let each = loose.iter().take(12).map(|one| format!("{}: {} free pages", one.path, one.free_pages));
        told.symptoms.push(Symptom::info(text).given(each).fix(scrub(case, &first.path)));
    }
    told
}

/// A database is rewritten only while nobody has it open.
fn scrub(case: &Case<'_>, path: &str) -> String {
    let vacuum = format!("sqlite3 {path} 'PRAGMA secure_delete = ON; VACUUM'");
    match case.observed().instance.gateway.running {
        Some(false) => vacuum,
        _ => format!("openclaw gateway stop; {vacuum}; and start it again"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::observation::Notice;

    fn database(free_pages: u64) -> World {
        World::new().with(|world| {
            world.facts.databases = vec![DatabaseFacts {
                path: "/srv/x.sqlite".into(),
                lies_with: None,
                belongs_to: None,
                free_pages,
                pages: 40,
                log_bytes: 0,
            }];
        })
    }

    #[test]
    fn free_pages_and_copies_are_found() {
        finds(&CHECK, &database(3), &["3 free pages", "gateway stop", "VACUUM"]);
        let world = database(3).with(|world| world.observed.instance.gateway.running = Some(false));
        assert!(!finds(&CHECK, &world, &["VACUUM"]).fix.unwrap().contains("stop"));
        let world = World::new().with(|world| {
            let message = "models.json holds plaintext".to_owned();
            world.observed.notices = vec![Notice { code: "residue".into(), message, fix: None }];
        });
        finds(&CHECK, &world, &["models.json holds plaintext", "Info"]);
    }

    #[test]
    fn a_tidy_database_is_fine() {
        is_clean(&CHECK, &database(0));
    }
}
