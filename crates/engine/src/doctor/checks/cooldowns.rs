//! Authentication marks that hold back what works again.

use super::super::{Case, Check, Told};
use keyshoal_core::FindingKind;

pub(super) const CHECK: Check = Check {
    id: "cooldowns",
    question: "Does a cooldown hold back a credential that is right again?",
    looks_at: "usageStats of every store: cooldowns and disabled marks in force, with OpenClaw's word for why.",
    matters: "After failures OpenClaw does not even try a profile for a while, also when its value was replaced meanwhile. In the shared \
              layouts one agent's failure blocks all that inherit.",
    way_out: "keyshoal sync resets authentication marks of values that it replaces or that their provider accepts, and keyshoal verify \
              --reset-cooldowns those of what a provider accepts now. Marks for billing or limits end by themselves.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    for (id, store) in &case.observed().stores {
        for (profile, usage) in &store.usage {
            if let Some((until, reason)) = usage.in_force(case.now()) {
                let until = super::super::case::moment(*until);
                told.seen.push(format!("{profile} of store {id} is held back until {until} ({reason})"));
            }
        }
    }
    told.symptoms = case.findings(&[FindingKind::CoolingDown]);
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::{StoreId, UsageView, VerdictKind};

    fn marked(until: i64) -> World {
        World::new().with(|world| {
            world.said(2, VerdictKind::Ok);
            let cooldown = Some((at(until), "auth".to_owned()));
            let last_failure = Some(at(NOW - 7200));
            let mark = UsageView { cooldown, last_failure, error_count: 1, ..UsageView::default() };
            world.store(&StoreId::Base).usage.insert(P.into(), mark);
        })
    }

    #[test]
    fn a_mark_in_force_is_found() {
        let told = marked(NOW + 3600).told(&CHECK);
        assert!(!told.symptoms.is_empty() && told.seen.len() == 1, "{told:#?}");
    }

    #[test]
    fn a_mark_that_is_over_is_fine() {
        is_clean(&CHECK, &marked(NOW - 1));
    }
}
