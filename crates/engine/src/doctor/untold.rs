//! What a look calls wrong and no check has told of: nothing that `status` ends with 2 for is left out here.

use super::{Case, Diagnosis, Symptom};
use keyshoal_core::observation::Notice;
use keyshoal_core::{Finding, FindingKind, ProfileId, Severity};

/// Adds to each check what is its matter and no check told.
pub(super) fn add(case: &Case<'_>, all: &mut [Diagnosis]) {
    let findings = &case.look.judgement.findings;
    let left: Vec<&Finding> =
        findings.iter().filter(|one| one.severity == Severity::Attention && !is_told(all, one)).collect();
    for check in all.iter_mut() {
        let matter = |one: &Finding| {
            left.iter().any(|untold| std::ptr::eq(*untold, one)) && teller(one) == check.check.id
        };
        check.told.symptoms.extend(case.findings_that(matter));
        if check.check.id == "unreadable" {
            check.told.symptoms.extend(refused(case));
        }
    }
}

/// A config that OpenClaw refuses is no finding, and weighs as much.
fn refused(case: &Case<'_>) -> Option<Symptom> {
    let notice = case.observed().notices.iter().find(|one| one.code == Notice::CONFIG_REFUSED)?;
    let mut symptom = Symptom::attention(&notice.message);
    symptom.fix.clone_from(&notice.fix);
    Some(symptom)
}

/// Returns the check whose matter a finding is.
fn teller(finding: &Finding) -> &'static str {
    let dead = finding.verdict.as_ref().is_some_and(|verdict| verdict.kind.is_dead());
    match finding.finding {
        FindingKind::InSync
        | FindingKind::Stale
        | FindingKind::Foreign
        | FindingKind::Overwritten
        | FindingKind::Pending => "generations",
        FindingKind::Kept | FindingKind::Inherited if !dead => "mode_mismatch",
        FindingKind::Kept | FindingKind::Inherited | FindingKind::SourceRejected => "rejected",
        FindingKind::Shadowing => "oauth_copies",
        FindingKind::Missing => "missing",
        FindingKind::Expired => "expiring",
        FindingKind::Unreadable => "unreadable",
        FindingKind::ModeMismatch => "mode_mismatch",
        FindingKind::CoolingDown => "cooldowns",
        FindingKind::NotActivated => "activation",
        FindingKind::SourceReverted | FindingKind::OpenRun | FindingKind::ConfigDiffers => "last_update",
        FindingKind::Orphaned => "agent_ids",
        // What needs attention is what an earlier layout left beside a store.
        FindingKind::Residue => "migration",
    }
}

/// Tells whether a check calls for attention to a finding: to this profile of this agent, or, where it is about none, by its own check.
pub(super) fn is_told(all: &[Diagnosis], finding: &Finding) -> bool {
    let by_its_own = |one: &&Diagnosis| finding.profile.is_some() || one.check.id == teller(finding);
    let symptoms = all.iter().filter(by_its_own).flat_map(|one| &one.told.symptoms);
    let severe = symptoms.filter(|one| one.severity == Severity::Attention);
    let whose = |one: &&Symptom| match &finding.agent {
        Some(agent) => one.agents.is_empty() || one.agents.contains(agent),
        None => true,
    };
    severe.filter(whose).any(|one| match (&finding.profile, &finding.agent) {
        (Some(profile), _) => names(&one.message, profile),
        (None, Some(agent)) if matches!(finding.finding, FindingKind::Unreadable | FindingKind::Residue) => {
            one.agents.contains(agent)
        }
        (None, _) => one.message.contains(&finding.message),
    })
}

/// Tells whether a sentence names a profile.
fn names(message: &str, profile: &ProfileId) -> bool {
    message.split([' ', ',', '(', ')', ';']).any(|word| word.trim_end_matches(':') == profile.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::diagnose;
    use super::super::world::*;
    use super::*;
    use keyshoal_core::knowledge::{Activated, KeptBy, KeptMark};
    use keyshoal_core::{AgentId, CredentialKind, ProfileView, StoreHealth, StoreId, UsageView, VerdictKind};
    use proptest::prelude::*;

    /// One thing that somebody or something did to the world.
    #[derive(Clone, Debug)]
    enum Deed {
        Copy(&'static str, u8),
        Keep(&'static str, u8, KeptBy),
        Said(u8, VerdictKind),
        Mode(CredentialKind),
        Cooldown(&'static str, &'static str),
        Damage(&'static str),
        Need(&'static str),
        Back,
        Token(&'static str, u8, i64),
        Login(&'static str, u8),
        Refused,
        Elder,
        Other(&'static str, u8),
        Empty(&'static str),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        let who = prop_oneof![Just("main"), Just("stocks"), Just("ops")];
        let who = move || who.clone();
        let value = || prop_oneof![Just(1_u8), Just(2), Just(9)];
        let by = prop_oneof![Just(KeptBy::Person), Just(KeptBy::Acceptance)];
        let said = prop_oneof![
            Just(VerdictKind::Ok),
            Just(VerdictKind::Revoked),
            Just(VerdictKind::InvalidKey),
            Just(VerdictKind::Timeout)
        ];
        let kind = prop_oneof![Just(CredentialKind::Token), Just(CredentialKind::OAuth)];
        let reason = prop_oneof![Just("auth"), Just("rate_limit")];
        prop_oneof![
            4 => (who(), value()).prop_map(|(who, value)| Deed::Copy(who, value)),
            3 => (who(), value(), by).prop_map(|(who, value, by)| Deed::Keep(who, value, by)),
            4 => (value(), said).prop_map(|(value, said)| Deed::Said(value, said)),
            1 => kind.prop_map(Deed::Mode),
            2 => (who(), reason).prop_map(|(who, reason)| Deed::Cooldown(who, reason)),
            1 => who().prop_map(Deed::Damage),
            1 => who().prop_map(Deed::Need),
            1 => Just(Deed::Back),
            1 => (who(), value(), -5_i64..5).prop_map(|(who, value, days)| Deed::Token(who, value, days)),
            1 => (who(), value()).prop_map(|(who, value)| Deed::Login(who, value)),
            1 => Just(Deed::Refused),
            1 => Just(Deed::Elder),
            1 => (who(), value()).prop_map(|(who, value)| Deed::Other(who, value)),
            1 => who().prop_map(Deed::Empty),
        ]
    }

    fn place(who: &str) -> StoreId {
        if who == "main" { StoreId::Base } else { own(who) }
    }

    fn put(world: &mut World, who: &str, view: ProfileView) {
        world.store(&place(who)).profiles.insert(P.into(), view);
    }

    fn done(world: World, deed: Deed) -> World {
        world.with(|world| match deed {
            Deed::Copy(who, value) => put(world, who, api_key(value)),
            Deed::Keep(who, value, by) => {
                let mark = KeptMark { fingerprint: print(value), by, since: at(NOW - 7200) };
                world.known.kept.insert((AgentId::new(who), P.into()), mark);
            }
            Deed::Said(value, said) => world.said(value, said),
            Deed::Mode(kind) => drop(world.observed.modes.insert(P.into(), kind)),
            Deed::Cooldown(who, reason) => {
                let cooldown = Some((at(NOW + 3600), reason.to_owned()));
                let mark = UsageView {
                    cooldown,
                    last_failure: Some(at(NOW - 60)),
                    error_count: 1,
                    ..UsageView::default()
                };
                world.store(&place(who)).usage.insert(P.into(), mark);
            }
            Deed::Damage(who) => world.store(&place(who)).health = StoreHealth::Unreadable("cut off".into()),
            Deed::Need(who) => drop(world.agent(who).needs.insert("gone".into(), vec!["big".into()])),
            Deed::Back => world.generations(P, &[(2, NOW - 90_000), (9, NOW - 80_000)]),
            Deed::Token(who, value, days) => {
                let view = ProfileView {
                    kind: CredentialKind::Token,
                    expires: Some(at(NOW + days * 86_400)),
                    ..api_key(value)
                };
                put(world, who, view);
            }
            Deed::Login(who, value) => {
                put(world, who, ProfileView { kind: CredentialKind::OAuth, ..api_key(value) })
            }
            Deed::Refused => world.observed.notices.push(Notice {
                code: Notice::CONFIG_REFUSED.into(),
                message: "the config is refused".into(),
                fix: None,
            }),
            Deed::Elder => {
                world.known.activated = Some(Activated { digest: "another".into(), at: at(NOW - 600) })
            }
            Deed::Other(who, value) => {
                put(world, who, ProfileView { provider: "other".into(), ..api_key(value) })
            }
            Deed::Empty(who) => {
                put(world, who, ProfileView { material: keyshoal_core::Material::Absent, ..api_key(2) })
            }
        })
    }

    proptest! {
        /// Whatever `status` ends with 2 for, the doctor ends with 2 for, and some check names the agent and the profile.
        #[test]
        fn whatever_needs_attention_is_told(deeds in prop::collection::vec(deed(), 0..8)) {
            let refused = deeds.iter().any(|deed| matches!(deed, Deed::Refused));
            let world = deeds.into_iter().fold(World::new(), done);
            let case = world.case();
            let all = diagnose(&case);
            let severe: Vec<&Symptom> = all
                .iter()
                .flat_map(|one| &one.told.symptoms)
                .filter(|one| one.severity == Severity::Attention)
                .collect();
            prop_assert!(!refused || severe.iter().any(|one| one.message == "the config is refused"));
            let findings = &case.look.judgement.findings;
            for one in findings.iter().filter(|one| one.severity == Severity::Attention) {
                let told = severe.iter().any(|symptom| {
                    let whose = one.agent.as_ref().is_none_or(|id| symptom.agents.is_empty() || symptom.agents.contains(id));
                    whose && one.profile.as_ref().is_none_or(|id| symptom.message.contains(id.as_str()))
                });
                prop_assert!(told, "{one:#?}\n{severe:#?}");
            }
        }
    }

    #[test]
    fn a_name_that_only_begins_likewise_is_another() {
        assert!(names("an earlier acme:default, seen", &"acme:default".into()));
        assert!(!names("acme:default2 keeps its own", &"acme:default".into()));
    }
}
