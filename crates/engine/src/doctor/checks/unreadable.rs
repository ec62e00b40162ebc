//! Stores that cannot be read, or must not be written.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::observation::Notice;
use keyshoal_core::{Severity, StoreHealth};

pub(super) const CHECK: Check = Check {
    id: "unreadable",
    question: "Can every store be read and written?",
    looks_at: "Every store's file or cell, its schema, and what keeps it from being written.",
    matters: "Nothing is assumed about a store that cannot be read. For OpenClaw it is worse: one unreadable store keeps the gateway \
              from reloading any, and early releases overwrite it with main's.",
    way_out: "Mend the file or restore it; openclaw doctor --fix for a database. A newer schema needs a newer Keyshoal.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    let observed = case.observed();
    if let Some(reason) = &observed.capabilities.read_only {
        told.symptoms.push(
            Symptom::attention(format!("nothing may be written here: {reason}"))
                .fix("update keyshoal, or end what holds the installation"),
        );
    }
    if observed.instance.layout == keyshoal_core::Layout::Unknown {
        told.symptoms.push(
            Symptom::attention("the layout of this installation is not known, so nothing is written")
                .given(observed.instance.layout_evidence.iter().cloned())
                .fix("update keyshoal"),
        );
    }
    let mut fine = 0;
    for (id, store) in &observed.stores {
        let trouble = match &store.health {
            StoreHealth::Ok | StoreHealth::Absent | StoreHealth::Empty => None,
            StoreHealth::Unreadable(reason) => Some(format!("{} cannot be read: {reason}", store.path)),
            StoreHealth::NewerSchema { found, known } => {
                Some(format!("{} has schema {found}; the newest known one is {known}", store.path))
            }
        };
        let closed = store.read_only.as_ref().filter(|_| observed.capabilities.read_only.is_none());
        let symptom = match (trouble, closed) {
            (Some(trouble), _) => {
                Symptom::attention(trouble).fix("mend or restore it, or openclaw doctor --fix")
            }
            (None, Some(why)) => Symptom::info(format!("{} must not be written: {why}", store.path)),
            (None, None) => {
                fine += 1;
                continue;
            }
        };
        told.symptoms.push(symptom.agents(case.agents_of(id)));
    }
    for notice in observed.notices.iter().filter(|notice| notice.code.starts_with("unreadable")) {
        let severe = ["unreadable_store", Notice::VAULT_UNHEARD].contains(&notice.code.as_str());
        let mut symptom = Symptom::info(&notice.message);
        symptom.severity = if severe { Severity::Attention } else { Severity::Info };
        symptom.fix.clone_from(&notice.fix);
        told.symptoms.push(symptom);
    }
    told.seen.push(format!("{fine} of {} stores can be read and written", observed.stores.len()));
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;

    #[test]
    fn a_store_that_cannot_be_read_is_found() {
        let world = World::new().with(|world| {
            world.store(&own("ops")).health = StoreHealth::Unreadable("it holds no JSON object".into());
        });
        finds(&CHECK, &world, &["cannot be read: it holds no JSON object", "ops"]);
        let world = World::new().with(|world| world.store(&own("ops")).read_only = Some("mounted".into()));
        finds(&CHECK, &world, &["must not be written: mounted", "Info"]);
    }

    #[test]
    fn readable_stores_are_fine() {
        is_clean(&CHECK, &World::new());
        assert_eq!(World::new().told(&CHECK).seen, ["3 of 3 stores can be read and written"]);
    }
}
