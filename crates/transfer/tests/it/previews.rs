//! What a preview makes of a payload: no agent is left out, and no value is lost.

use crate::arbitrary::{a_value, instance};
use crate::stage::*;
use keyshoal_core::vault::VaultInstance;
use keyshoal_core::{AgentId, Fingerprint, InstanceId, ProfileId, StoreId, VerdictKind};
use keyshoal_transfer::PlannedCredential;
use keyshoal_transfer::manifest::{BindingPart, Logins, OrderPart};
use keyshoal_transfer::preview::{DropReason, QuestionReason};
use keyshoal_transfer::{Choice, Conflict, Facts, ImportPlan, Payload, entry as entries, preview};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

type Verdicts = BTreeMap<Fingerprint, VerdictKind>;
type Answers = BTreeMap<(ProfileId, Fingerprint), Choice>;

fn plan_with(
    payload: &Payload,
    verdicts: &Verdicts,
    answers: &Answers,
    existing: &[VaultInstance],
) -> ImportPlan {
    let prints = prints();
    let facts = Facts {
        name: "home",
        organisation: "own",
        existing,
        verdicts,
        answers,
        prints: &prints,
        in_place: false,
    };
    let mut next = 0_u128;
    preview(payload, &facts, &mut || {
        next += 1;
        Uuid::from_u128(next)
    })
}

fn plan(payload: &Payload, verdicts: &[(&str, VerdictKind)]) -> ImportPlan {
    plan_with(payload, &of_keys(verdicts), &Answers::new(), &[])
}

fn print_of(key: &str) -> Fingerprint {
    keyshoal_core::Fingerprints::of(&prints(), &["secret", key])
}

fn of_keys(verdicts: &[(&str, VerdictKind)]) -> Verdicts {
    verdicts.iter().map(|(key, verdict)| (print_of(key), *verdict)).collect()
}

fn own(id: &str) -> StoreId {
    StoreId::Agent(AgentId::new(id))
}

#[test]
fn a_config_that_cannot_be_read_or_includes_what_does_not_come_along_is_no_plan() {
    for text in
        ["{ a: [ }", "{ agents: { $include: '/etc/hostname' } }", "{ agents: { $include: './gone.json5' } }"]
    {
        let mut payload = bare(&["main"]);
        payload.manifest.config = Some(value(&mut payload, text));
        let plan = plan(&payload, &[]);
        assert!(
            matches!(plan.conflicts.as_slice(), [Conflict::Config { .. }]),
            "{text}: {:?}",
            plan.conflicts
        );
    }
}

/// One shared key; stocks and ops have another, research a third.
fn differing() -> Payload {
    let mut payload = bare(&["main", "stocks", "ops", "research", "idle"]);
    key(&mut payload, StoreId::Base, "anthropic:default", "new");
    key(&mut payload, own("stocks"), "anthropic:default", "old");
    key(&mut payload, own("ops"), "anthropic:default", "old");
    key(&mut payload, own("research"), "anthropic:default", "mine");
    key(&mut payload, own("main"), "anthropic:default", "new");
    payload
}

#[test]
fn a_dead_copy_is_dropped_and_an_accepted_value_is_an_override() {
    let verdicts = [("new", VerdictKind::Ok), ("old", VerdictKind::Revoked), ("mine", VerdictKind::Ok)];
    let plan = plan(&differing(), &verdicts);
    let shared: Vec<_> = plan.shared().collect();
    assert_eq!((shared.len(), shared[0].fingerprint), (1, print_of("new")));
    assert_eq!(shared[0].held_by, ["main".into()]);
    let overrides: Vec<_> = plan.overrides().collect();
    assert_eq!((overrides.len(), overrides[0].fingerprint), (1, print_of("mine")));
    assert_eq!(plan.agent(overrides[0].agent.unwrap()).unwrap().id, AgentId::new("research"));
    assert_eq!(plan.dropped.len(), 1);
    assert_eq!((plan.dropped[0].why, plan.dropped[0].agents.len()), (DropReason::Stale, 2));
    assert!(plan.questions.is_empty());
}

#[test]
fn what_nobody_knows_is_asked_about_and_kept_when_nobody_answers() {
    let payload = differing();
    let mut open = plan(&payload, &[]);
    let why: Vec<_> = open.questions.iter().map(|one| (one.fingerprint, one.why, one.agents.len())).collect();
    assert_eq!(
        why,
        [(print_of("old"), QuestionReason::Unknown, 2), (print_of("mine"), QuestionReason::Unknown, 1)]
    );
    let vault = open.instance(InstanceId::new("i"), "ada@home", now());
    assert_eq!(vault.credentials.len(), 4, "an open question keeps its values");
    assert!(vault.credentials.iter().all(|one| one.current().is_some()));
    open.keep_what_is_open();
    assert_eq!((open.questions.len(), open.overrides().count()), (0, 3));
    let answers = BTreeMap::from([
        (("anthropic:default".into(), print_of("old")), Choice::Shared),
        (("anthropic:default".into(), print_of("mine")), Choice::Override),
    ]);
    let answered = plan_with(&payload, &Verdicts::new(), &answers, &[]);
    assert!(answered.questions.is_empty());
    assert_eq!((answered.overrides().count(), answered.dropped[0].why), (1, DropReason::Answered));
}

#[test]
fn where_all_are_dead_a_person_decides() {
    let dead = VerdictKind::InvalidKey;
    let plan = plan(&differing(), &[("new", dead), ("old", dead), ("mine", dead)]);
    assert!(plan.questions.iter().all(|one| one.why == QuestionReason::Dead) && plan.questions.len() == 2);
    assert!(plan.warnings.iter().any(|one| one.contains("rejected by its provider")), "{:?}", plan.warnings);
    // A dead copy beside a shared value that nobody knows of is no stale one.
    let one = self::plan(&differing(), &[("old", dead)]);
    assert_eq!(one.questions[0].why, QuestionReason::Dead);
    assert!(one.dropped.is_empty());
}

#[test]
fn what_all_agents_hold_is_shared_without_a_shared_store() {
    let mut payload = bare(&["main", "stocks"]);
    key(&mut payload, own("main"), "anthropic:default", "same");
    key(&mut payload, own("stocks"), "anthropic:default", "same");
    key(&mut payload, own("stocks"), "anthropic:work", "mine");
    let plan = plan(&payload, &[]);
    assert_eq!((plan.shared().count(), plan.overrides().count(), plan.questions.len()), (1, 1, 0));
}

#[test]
fn a_login_has_one_owner() {
    let login = |access: &str, expires: i64, email: &str| {
        format!(
            r#"{{"type":"oauth","provider":"openai-codex","access":"{access}","expires":{expires},"email":"{email}"}}"#
        )
    };
    let of = |own_login: String| {
        let mut payload = bare(&["main", "stocks"]);
        entry(&mut payload, StoreId::Base, "openai-codex:me", &login("a1", 2000, "ada"));
        entry(&mut payload, own("stocks"), "openai-codex:me", &own_login);
        plan(&payload, &[])
    };
    assert_eq!(of(login("a0", 1000, "ada")).dropped[0].why, DropReason::SameLogin);
    assert_eq!(of(login("a2", 3000, "ada")).questions[0].why, QuestionReason::LaterLogin);
    assert_eq!(of(login("b", 1000, "bob")).questions[0].why, QuestionReason::Unknown);
}

#[test]
fn nothing_is_overwritten() {
    let mut payload = differing();
    payload.manifest.source.instance = Some(InstanceId::new("the-id"));
    let there = plan(&payload, &[]).instance(InstanceId::new("the-id"), "ada@home", now());
    let again = plan_with(&payload, &Verdicts::new(), &Answers::new(), std::slice::from_ref(&there));
    assert_eq!(
        again.conflicts,
        [
            Conflict::NameTaken { name: "home".into() },
            Conflict::SameInstance { id: InstanceId::new("the-id"), name: "home".into() }
        ]
    );
    let other = VaultInstance { id: InstanceId::new("x"), organisation: "other".into(), ..there };
    assert!(plan_with(&payload, &Verdicts::new(), &Answers::new(), &[other]).conflicts.is_empty());
}

#[test]
fn what_does_not_come_along_is_said() {
    let mut payload = differing();
    let binding = |agent: &str, kind: Option<&str>| BindingPart {
        agent: AgentId::new(agent),
        kind: kind.map(str::to_owned),
        matching: serde_json::json!({ "channel": "telegram" }),
        comment: None,
    };
    payload.manifest.bindings =
        vec![binding("stocks", None), binding("ghost", None), binding("ops", Some("acp"))];
    payload.manifest.agents[1].workspace = Some("/srv/stocks".into());
    payload.manifest.agents[2].workspace = Some("/home/ada/.openclaw/w/ops".into());
    payload.manifest.agents[2].agent_dir = Some("/srv/ops".into());
    payload.manifest.agents[3].workspace = Some("/home/ada/.openclaw/../../../etc".into());
    payload.manifest.logins = Logins::Move;
    payload.manifest.order = vec![
        OrderPart { store: None, provider: "anthropic".into(), profiles: vec!["a".into()] },
        OrderPart { store: Some(StoreId::Base), provider: "anthropic".into(), profiles: vec!["b".into()] },
        OrderPart { store: Some(own("ops")), provider: "anthropic".into(), profiles: vec!["c".into()] },
    ];
    entry(
        &mut payload,
        StoreId::Base,
        "openai-codex:me",
        r#"{"type":"oauth","provider":"openai-codex","access":"a"}"#,
    );
    let named =
        r#"{"type":"api_key","provider":"x","keyRef":{"source":"env","provider":"default","id":"X_KEY"}}"#;
    entry(&mut payload, StoreId::Base, "x:default", named);
    let mut plan = plan(&payload, &[]);
    assert_eq!(plan.bindings.len(), 1);
    assert_eq!(plan.order, [("anthropic".into(), vec!["b".into()])]);
    for said in [
        "binds to ghost",
        "type acp",
        "/srv/stocks",
        "agentDir",
        "must not run any more",
        "order of its own",
        "X_KEY",
        "no config",
    ] {
        assert!(plan.warnings.iter().any(|one| one.contains(said)), "{said}: {:#?}", plan.warnings);
    }
    assert!(!format!("{plan:?}").contains("\"mine\""), "a plan does not print what it holds");
    plan.move_workspaces(std::path::Path::new("/new"));
    let workspaces: Vec<_> = plan.agents.iter().filter_map(|agent| agent.workspace.as_deref()).collect();
    assert_eq!(workspaces, ["/srv/stocks", "/new/w/ops", "/home/ada/.openclaw/../../../etc"]);
}

/// Holds the two promises of every plan.
pub fn holds(payload: &Payload, verdicts: &Verdicts, answers: &Answers) {
    let prints = prints();
    let plan = plan_with(payload, verdicts, answers, &[]);
    let ids = |all: &mut dyn Iterator<Item = &AgentId>| all.cloned().collect::<Vec<_>>();
    assert_eq!(
        ids(&mut plan.agents.iter().map(|agent| &agent.id)),
        ids(&mut payload.manifest.agents.iter().map(|agent| &agent.id)),
        "every agent is in the plan"
    );
    for (agent, part) in plan.agents.iter().zip(&payload.manifest.agents) {
        assert_eq!(agent.enabled, part.enabled);
    }
    // Every value of every store is somewhere, and for its own agent.
    for part in &payload.manifest.profiles {
        let stored = entries::check(&part.profile, payload.value(part.entry).unwrap()).unwrap();
        let Some(fingerprint) = stored.material(&prints).fingerprint() else { continue };
        let agent = match &part.store {
            StoreId::Base => None,
            StoreId::Agent(id) => Some(id),
        };
        let is = |profile: &ProfileId, print: Fingerprint| *profile == part.profile && print == fingerprint;
        let mine = |all: &[AgentId]| agent.is_none_or(|id| all.contains(id));
        if part.meant.is_some()
            && let Some(id) = agent
        {
            let of = |one: &PlannedCredential| plan.agent(one.agent.unwrap()).unwrap().id == *id;
            assert!(
                plan.overrides().any(|one| is(&one.profile, one.fingerprint) && of(one)),
                "what is meant is an override"
            );
            continue;
        }
        let places = [
            plan.credentials
                .iter()
                .any(|one| is(&one.profile, one.fingerprint) && (agent.is_none() || mine(&one.held_by))),
            plan.dropped.iter().any(|one| is(&one.profile, one.fingerprint) && mine(&one.agents)),
            plan.questions.iter().any(|one| is(&one.profile, one.fingerprint) && mine(&one.agents)),
        ];
        assert!(places.contains(&true), "{} of {} is lost", part.profile, part.store);
        if agent.is_none() {
            assert!(
                plan.shared().any(|one| is(&one.profile, one.fingerprint)),
                "what the base store has is shared"
            );
        }
    }
    // At most one shared credential for a profile, and one override for a profile and agent.
    let places: Vec<_> = plan.credentials.iter().map(|one| (&one.profile, one.agent)).collect();
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len());
    // An accepted value is never dropped, and nothing is dropped where the shared one is not accepted, but states of a login.
    for dropped in plan.dropped.iter().filter(|one| one.why == DropReason::Stale) {
        assert!(verdicts[&dropped.fingerprint].is_dead());
        let shared = plan.shared().find(|one| one.profile == dropped.profile).unwrap();
        assert_eq!(shared.verdict, Some(VerdictKind::Ok));
    }
    for question in &plan.questions {
        let agents: Vec<_> =
            question.overrides.iter().map(|one| plan.agent(one.agent.unwrap()).unwrap().id.clone()).collect();
        assert_eq!(agents, question.agents);
    }
    let uids: BTreeSet<_> = plan
        .credentials
        .iter()
        .chain(plan.questions.iter().flat_map(|one| &one.overrides))
        .map(|one| one.uid)
        .collect();
    let vault = plan.instance(InstanceId::new("i"), "ada@home", now());
    assert_eq!(
        uids.len(),
        vault.credentials.len(),
        "ids are not used twice, and every credential is in the vault"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_agent_is_left_out_and_no_value_is_lost(
        agents in 1..5_usize,
        values in prop::collection::vec(a_value(), 0..14),
        said in prop::collection::vec(prop::option::of(prop::sample::select(vec![
            VerdictKind::Ok, VerdictKind::Revoked, VerdictKind::InvalidKey, VerdictKind::Timeout, VerdictKind::Billing,
        ])), 16),
        chosen in prop::collection::vec(prop::option::of(any::<bool>()), 16),
    ) {
        let payload = instance(agents, &values);
        let prints = prints();
        let (mut verdicts, mut answers) = (Verdicts::new(), Answers::new());
        for (at, part) in payload.manifest.profiles.iter().enumerate() {
            let stored = entries::check(&part.profile, payload.value(part.entry).unwrap()).unwrap();
            let Some(print) = stored.material(&prints).fingerprint() else { continue };
            if let Some(verdict) = said[at % 16] {
                verdicts.insert(print, verdict);
            }
            if let Some(own) = chosen[at % 16] {
                answers.insert((part.profile.clone(), print), if own { Choice::Override } else { Choice::Shared });
            }
        }
        holds(&payload, &verdicts, &answers);
    }
}
