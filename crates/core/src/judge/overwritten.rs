//! Values that were marked as an agent's own and are not there any more: something other than Keyshoal put the source's value there.

use super::Sight;
use super::words::{Words, moment, rotations_ago};
use crate::knowledge::{KeptBy, KeptMark};
use crate::{AgentId, AgentView, FindingKind, Fingerprint, ProfileId, Severity, StoreId};

/// Returns the mark of this hand whose value is gone, where what the agent has now is the source's, an earlier one of it, or nothing.
///
/// Any other value is the agent's own as well: a mark holds for whatever it has later. Where a vault says what is right, that is told of
/// the vault's overrides.
fn gone<'a>(
    sight: &'a Sight<'_>,
    agent: &AgentId,
    profile: &ProfileId,
    now: Option<Fingerprint>,
    by: KeptBy,
) -> Option<&'a KeptMark> {
    if sight.desired.wish.is_some() {
        return None;
    }
    let mark = sight.knowledge.kept.get(&(agent.clone(), profile.clone()))?;
    let source = sight.desired.values.get(profile).map(|source| source.fingerprint);
    let of_source = now.is_none_or(|now| Some(now) == source || sight.is_generation(profile, now));
    (mark.by == by && Some(mark.fingerprint) != now && of_source).then_some(mark)
}

/// Says of a copy that a person has marked that it is not what was marked.
pub(super) fn of_copy(
    sight: &Sight<'_>,
    store: &StoreId,
    profile: &ProfileId,
    value: Fingerprint,
) -> Option<Words> {
    if *store == StoreId::Base {
        return None;
    }
    let mut names = sight.names(store);
    names.find_map(|agent| {
        let mark = gone(sight, &agent, profile, Some(value), KeptBy::Person)?;
        Some(words(sight, &agent, profile, mark, Some(value)))
    })
}

/// Says of what an agent has where no copy of its own tells: its profile is gone, or only its provider had accepted it.
pub(super) fn of_agent(sight: &Sight<'_>, agent: &AgentView) -> Vec<(ProfileId, Words)> {
    let marks = sight.knowledge.kept.iter().filter(|((whose, _), _)| *whose == agent.id);
    let mut all = Vec::new();
    for ((_, profile), mark) in marks {
        let source = sight.desired.values.get(profile).and_then(|source| source.store.as_ref());
        if agent.store == StoreId::Base || source == Some(&agent.store) {
            continue;
        }
        let own = sight.observed.profile(&agent.store, profile);
        if own.is_some() && mark.by == KeptBy::Person
            || own.is_some_and(|own| own.material.fingerprint().is_none())
        {
            continue;
        }
        let used = sight.effective(&agent.store, profile).and_then(|(_, view)| view.material.fingerprint());
        if let Some(mark) = gone(sight, &agent.id, profile, used, mark.by) {
            all.push((profile.clone(), words(sight, &agent.id, profile, mark, used)));
        }
    }
    all
}

fn words(
    sight: &Sight<'_>,
    agent: &AgentId,
    profile: &ProfileId,
    mark: &KeptMark,
    now: Option<Fingerprint>,
) -> Words {
    let has = match now {
        None => "has nothing of its own".to_owned(),
        Some(now) => match sight.generations_behind(profile, now) {
            Some(behind) if behind > 0 => {
                format!("has {}, the source's value {}", now.short(), rotations_ago(behind))
            }
            _ => format!("has {}, the source's value", now.short()),
        },
    };
    let (who, severity) = match mark.by {
        KeptBy::Person => ("which a person kept", Severity::Attention),
        KeptBy::Acceptance => ("which its provider had accepted", Severity::Info),
    };
    let text = format!(
        "{has}; its own {}, {who} {}, is not there any more, and keyshoal did not take it away",
        mark.fingerprint.short(),
        moment(mark.since)
    );
    Words::new(FindingKind::Overwritten, text).severity(severity).fix(format!(
        "keyshoal set {profile} --agent {agent}   gives it its own again; keyshoal keep --undo {agent} {profile}   says that this is meant"
    ))
}
