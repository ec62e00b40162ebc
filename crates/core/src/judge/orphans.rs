//! Directories with credentials that no agent of the roster has.

use super::instance::whole;
use super::words::Words;
use super::{Judgement, Remedy, Sight};
use crate::observation::Orphan;
use crate::{AgentId, FindingKind, Observation, StoreId};

/// Tells of each, but for those that end empty: what a vault gave goes.
pub(super) fn tell(sight: &Sight<'_>, judgement: &mut Judgement) {
    let observed = sight.observed;
    let stays: Vec<&Orphan> =
        observed.orphans.iter().filter(|orphan| !ends_empty(judgement, orphan)).collect();
    for orphan in stays {
        let ids: Vec<&str> = orphan.profiles.iter().map(crate::ProfileId::as_str).collect();
        let text = format!("{} holds credentials ({}) and belongs to no agent", orphan.path, ids.join(", "));
        // Without a config, the roster is only assumed.
        let fix = match observed.notices.iter().any(|notice| notice.code == "no_config") {
            true => "name the right config with --config, or the right state directory with --state-dir"
                .to_owned(),
            false => format!("keyshoal quarantine {}   moves them aside{}", orphan.id, when(observed)),
        };
        judgement.findings.push(whole(Words::new(FindingKind::Orphaned, text).fix(fix)));
    }
}

/// Says when a directory can be moved aside: a gateway may have its database open.
pub fn when(observed: &Observation) -> &'static str {
    let may_be_open =
        observed.instance.layout.is_sqlite() && observed.instance.gateway.running != Some(false);
    if may_be_open { ", once the gateway is stopped" } else { "" }
}

fn ends_empty(judgement: &Judgement, orphan: &Orphan) -> bool {
    let store = StoreId::Agent(AgentId::new(&orphan.id));
    let goes = |profile: &crate::ProfileId| {
        let judged = judgement.copies.get(&(store.clone(), profile.clone()));
        judged.is_some_and(|one| one.remedy == Remedy::Withdraw)
    };
    orphan.profiles.iter().all(goes)
}
