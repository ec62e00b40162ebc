//! Instances whose vault says what is right and could not be heard.

use crate::generate;
use keyshoal_core::observation::Notice;
use keyshoal_core::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn nothing_is_planned_learned_or_offered_that_only_the_vault_can_decide(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let mut world = generate::world(&bytes);
        let heard = world.judged();
        let notice = Notice { code: Notice::VAULT_UNHEARD.into(), message: "it is shut".into(), fix: None };
        world.observed.notices.push(notice);
        let judged = world.judged();
        prop_assert!(world.planned().is_empty() && world.planned().questions.is_empty());
        prop_assert!(judged.learned.is_empty());
        prop_assert!(judged.needs_attention());
        prop_assert_eq!(judged.findings.len(), heard.findings.len() + 1);
        for one in &judged.findings {
            let fix = one.fix.clone().unwrap_or_default();
            for command in ["sync", "set", "keep", "replace", "credential", "rotate", "verify --reset"] {
                prop_assert!(!fix.contains(&format!("keyshoal {command}")), "{:?}", one);
            }
            prop_assert!(!matches!(one.finding, FindingKind::Stale | FindingKind::SourceReverted), "{:?}", one);
        }
    }
}
