//! What concerns the whole instance.

use super::nowhere;
use super::orphans;
use super::tell::bare;
use super::words::Words;
use super::{Judgement, Sight};
use crate::activation::{self, Held};
use crate::observation::Notice;
use crate::{Finding, FindingKind, Layout, Severity, StoreId};

/// Adds what concerns no single profile: what must not be written, what the gateway does not know, what lies around.
pub(super) fn judge_instance(sight: &Sight<'_>, judgement: &mut Judgement) {
    let observed = sight.observed;
    if let Some(reason) = &observed.capabilities.read_only {
        judgement.findings.push(whole(
            Words::new(FindingKind::Unreadable, format!("nothing may be written here: {reason}"))
                .fix("update keyshoal, or end what holds the installation"),
        ));
    } else if observed.instance.layout == Layout::Unknown {
        let text = format!(
            "the layout of this installation is not known ({}), so nothing is written",
            observed.instance.layout_evidence.join("; ")
        );
        judgement.findings.push(whole(Words::new(FindingKind::Unreadable, text).fix("update keyshoal")));
    }
    if let Some(run) = &sight.knowledge.open_run {
        let text = format!(
            "an earlier `{}` of {} did not finish: {} of {} steps are done",
            run.command,
            super::words::moment(run.begun),
            run.done,
            run.total
        );
        let fix = match (run.by_vault, &sight.desired.wish) {
            (false, _) => "keyshoal recover --finish   or   keyshoal recover --undo",
            (true, Some(_)) => {
                "keyshoal recover --finish   brings everything to what the vault wants; --undo   names the way back"
            }
            (true, None) => {
                "keyshoal recover --finish   needs the vault's key, and brings everything to what the vault wants; \
                 keyshoal recover   names the other ways"
            }
        };
        judgement.findings.push(whole(Words::new(FindingKind::OpenRun, text).fix(fix)));
    }
    if not_activated(sight) {
        let held = held_back(sight);
        let known = sight.knowledge.activated.as_ref();
        let words = if held.is_empty() {
            let what = match known
                .is_some_and(|known| activation::is_changed_in_files(&known.digest, observed))
            {
                true => {
                    "a file that the stores or the config refer to has changed since the gateway last read it"
                }
                false => "the stores have changed since the gateway last read them",
            };
            let text = match nowhere::is_lost(observed) {
                false => format!("{what}, as far as is known, so it may still send older values"),
                true => "the gateway goes on with what it read before the file that Keyshoal delivers was lost; a restart would leave it \
                         without, or would fail"
                    .to_owned(),
            };
            Words::new(FindingKind::NotActivated, text).fix(match observed.capabilities.wants_device {
                false => "keyshoal sync",
                true => "keyshoal sync --allow-device",
            })
        } else {
            let text = format!(
                "the gateway refused {} because of a credential file of an earlier layout; the file is gone, and only a restart makes \
                 the gateway forget it",
                held.join(", ")
            );
            Words::new(FindingKind::NotActivated, text).fix("keyshoal restart")
        };
        judgement.findings.push(whole(words));
    }
    if let Held::Unknown { written: Some((path, at)) } = activation::held(observed, sight.knowledge) {
        let text = format!(
            "whether the running gateway has read what the stores hold is not known: {path} was written {}, and nothing tells that it was read since",
            super::words::moment(at)
        );
        let words = Words::new(FindingKind::NotActivated, text).severity(Severity::Info);
        judgement.findings.push(whole(words.fix("keyshoal verify --through-gateway   asks the agents")));
    }
    orphans::tell(sight, judgement);
    for (agent, leftover) in activation::refused(observed) {
        let text = format!(
            "OpenClaw refuses it: {leftover} of an earlier layout lies beside its store, which holds no profile"
        );
        let words = Words::new(FindingKind::Residue, text).severity(Severity::Attention);
        let words = words.fix("openclaw doctor --fix, and then keyshoal restart");
        judgement.findings.push(bare(Some(&agent.id), &agent.store, words));
    }
    for notice in &observed.notices {
        if notice.code == Notice::VAULT_UNHEARD {
            let mut words = Words::new(FindingKind::Unreadable, notice.message.clone());
            words.fix.clone_from(&notice.fix);
            judgement.findings.push(whole(words));
        }
        let residue = ["leftover_json", "plaintext_models_json", "migrated_archive", "residue"];
        if residue.contains(&notice.code.as_str()) {
            let mut words = Words::new(FindingKind::Residue, notice.message.clone()).severity(Severity::Info);
            words.fix.clone_from(&notice.fix);
            judgement.findings.push(whole(words));
        }
    }
}

/// Tells whether the gateway read its stores when they held something else.
pub(crate) fn not_activated(sight: &Sight<'_>) -> bool {
    activation::held(sight.observed, sight.knowledge) == Held::Older
}

/// Returns the agents that the running gateway goes on refusing although nothing on disk makes it any more.
pub(crate) fn held_back<'a>(sight: &Sight<'a>) -> Vec<&'a str> {
    let gateway = &sight.observed.instance.gateway;
    let Some(activated) = sight.knowledge.activated.as_ref() else { return Vec::new() };
    let began_since = gateway.started.is_some_and(|started| started > activated.at);
    if gateway.running == Some(false) || began_since {
        return Vec::new();
    }
    activation::released(&activated.digest, sight.observed)
}

/// Makes a finding about the whole instance.
pub(super) fn whole(words: Words) -> Finding {
    Finding { store: None, ..bare(None, &StoreId::Base, words) }
}
