//! Providers that an agent needs and has nothing to send to: no credential at all, or none that OpenClaw would use.

use super::Sight;
use super::tell::bare;
use super::types::is_static;
use super::words::{Words, sign_in};
use crate::{
    AgentView, Candidate, CredentialKind, Finding, FindingKind, Fingerprint, Line, OutReason, Place,
    ProviderId, Standing, StoreView, VerdictKind,
};

/// Judges every provider that the agent's models need.
///
/// Where a store of the agent cannot be read, nothing is known of what it may send, and that is told of the store.
pub(super) fn judge_missing<'a>(
    sight: &'a Sight<'_>,
    agent: &'a AgentView,
) -> impl Iterator<Item = Finding> + 'a {
    let needs = agent.needs.iter().filter(|_| agent.unknown.is_none());
    needs.filter_map(|(provider, models)| {
        let candidates = agent.candidates.get(provider).map_or(&[][..], Vec::as_slice);
        let models: Vec<String> = models.iter().map(ToString::to_string).collect();
        let words = judge_provider(sight, agent, provider, &models.join(", "), candidates)?;
        Some(Finding { provider: Some(provider.clone()), ..bare(Some(&agent.id), &agent.store, words) })
    })
}

/// Judges one provider; nothing where something is sent, will be soon, or has a finding of its own that says why not.
fn judge_provider(
    sight: &Sight<'_>,
    agent: &AgentView,
    provider: &ProviderId,
    models: &str,
    candidates: &[Candidate],
) -> Option<Words> {
    let mut unused = Vec::new();
    for one in candidates.iter().filter(|one| one.place != Place::ModelsFile) {
        match &one.standing {
            Standing::First if one.place == Place::NoKey => return refused(sight, agent, provider, models),
            Standing::First | Standing::Later => return None,
            Standing::Out(reason) => match why_unused(reason) {
                Unused::Told => return None,
                Unused::Nothing => {}
                Unused::Because(why) => unused.push(format!("{} ({why})", name(one))),
            },
        }
    }
    if unused.is_empty() {
        let text = format!("needs {provider} for {models} and has no credential for it");
        let words = Words::new(FindingKind::Missing, text).fix(given(sight, agent, provider));
        return Some(if environment_is_hidden(sight) {
            words.but("the environment of the running gateway cannot be seen from here and may hold one")
        } else {
            words
        });
    }
    let text = format!(
        "needs {provider} for {models}, and OpenClaw uses none of its credentials for it: {}",
        unused.join(", ")
    );
    Some(Words::new(FindingKind::Missing, text).fix(format!("keyshoal explain {}", agent.id)))
}

/// Returns what gives an agent a credential of a provider. A login comes back by signing in, and no key can take its place.
fn given(sight: &Sight<'_>, agent: &AgentView, provider: &ProviderId) -> String {
    let in_store = |store: &'_ StoreView| {
        let held = store.profiles.values().filter(|one| one.provider == *provider);
        held.map(|one| one.kind.clone()).collect::<Vec<_>>()
    };
    let wanted = |line: &'_ Line| {
        let value = line.value.as_ref().filter(|value| value.provider == *provider);
        value.map(|value| value.kind.clone())
    };
    let only_logins =
        |kinds: &[CredentialKind]| kinds.contains(&CredentialKind::OAuth) && !kinds.iter().any(is_static);
    let (mut all, mut own) = (Vec::new(), Vec::new());
    match &sight.desired.wish {
        Some(wish) => {
            all.extend(sight.base().into_iter().flat_map(in_store));
            all.extend(wish.shared.values().filter_map(wanted));
            own.extend(
                wish.own.iter().filter(|((id, _), _)| *id == agent.id).filter_map(|(_, line)| wanted(line)),
            );
        }
        None => all.extend(sight.observed.stores.values().flat_map(in_store)),
    }
    if only_logins(&all) {
        return signed_in(sight, None, provider);
    }
    match all.is_empty() && only_logins(&own) {
        true => signed_in(sight, Some(agent), provider),
        false => format!("keyshoal set {provider}"),
    }
}

/// Returns what brings a login: the agent's own, or the one that all share.
pub(super) fn signed_in(sight: &Sight<'_>, agent: Option<&AgentView>, provider: &ProviderId) -> String {
    match agent {
        Some(agent) => sign_in(&sight.observed.capabilities, agent, provider),
        None => format!(
            "openclaw models auth login (on this machine)   or   keyshoal set {provider}:key (an API key instead)"
        ),
    }
}

/// Says that a server which was taken for one that needs no key has asked for one.
fn refused(sight: &Sight<'_>, agent: &AgentView, provider: &ProviderId, models: &str) -> Option<Words> {
    let said = sight.verdict(&agent.id, provider, Fingerprint::NO_KEY).map(|verdict| verdict.kind);
    let silent = !said.is_some_and(|said| said.is_accepted() || said == VerdictKind::Missing);
    if silent && taken_back(sight, provider) {
        let text = format!(
            "needs {provider} for {models}; the vault has taken its credential back, and whether the server there answers without one is not known"
        );
        let fix = format!("keyshoal status --check   asks it; keyshoal set {provider}   gives it one again");
        return Some(Words::new(FindingKind::Missing, text).fix(fix));
    }
    (said == Some(VerdictKind::Missing)).then(|| {
        let text = format!(
            "needs {provider} for {models}, has no credential for it, and the server there refuses requests without one"
        );
        Words::new(FindingKind::Missing, text).fix(format!("keyshoal set {provider}"))
    })
}

/// Tells whether the vault has had a credential of this provider for all, and has none any more.
fn taken_back(sight: &Sight<'_>, provider: &ProviderId) -> bool {
    let shared = sight.desired.wish.iter().flat_map(|wish| wish.shared.values());
    let mut had = shared.filter(|line| line.provider == *provider).peekable();
    had.peek().is_some() && had.all(|line| line.value.is_none())
}

/// What a credential that is not used says about its provider.
enum Unused {
    /// It will be used again, or its own finding says what to do.
    Told,
    /// It is no credential.
    Nothing,
    /// It is one, and this keeps it from being used.
    Because(String),
}

fn why_unused(reason: &OutReason) -> Unused {
    let because = |why: &str| Unused::Because(why.to_owned());
    match reason {
        OutReason::CoolingDown { .. }
        | OutReason::Fenced
        | OutReason::Expired { .. }
        | OutReason::InvalidExpires => Unused::Told,
        OutReason::MissingCredential | OutReason::ProviderMismatch | OutReason::Shadowed { .. } => {
            Unused::Nothing
        }
        OutReason::ModeMismatch { wanted } => {
            Unused::Because(format!("auth.profiles in the config wants the type {wanted}"))
        }
        OutReason::NotListed => because("auth.profiles in the config lists others"),
        OutReason::NotInOrder => because("not in the order"),
        OutReason::PinnedElsewhere { to } => Unused::Because(format!("the config pins {to}")),
        OutReason::LowerPrecedence => because("what comes before it leads to nothing"),
    }
}

fn name(candidate: &Candidate) -> String {
    match (&candidate.profile, &candidate.place) {
        (Some(profile), _) => profile.to_string(),
        (None, Place::Environment { name, .. }) => name.clone(),
        (None, _) => "the key in the config".to_owned(),
    }
}

/// Tells whether a gateway runs whose environment, in which OpenClaw looks for keys, cannot be seen.
fn environment_is_hidden(sight: &Sight<'_>) -> bool {
    let gateway = &sight.observed.instance.gateway;
    gateway.running == Some(true) && gateway.pid.is_none()
}
