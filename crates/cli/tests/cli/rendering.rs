//! Snapshots of what a person reads.

use crate::fake::*;
use keyshoal_cli::document::{DiffDocument, StatusDocument, to_text};
use keyshoal_cli::render;
use keyshoal_cli::ui::{Captured, Stream, to_plain};
use keyshoal_cli::view::status::StatusView;
use keyshoal_core::instance::{ActivationWay, GatewayView};
use keyshoal_core::plan::{Group, Proposal};
use keyshoal_core::*;

fn view() -> StatusView {
    let (observed, known) = (observation(), knowledge());
    let judged = judge(&observed, &desired(), &known, now());
    StatusView::of(&observed, &known, &desired(), &judged.findings)
}

#[test]
fn the_status_screen() {
    insta::assert_snapshot!(to_plain(&render::status::screen(&view(), 120)));
}

#[test]
fn colour_never_carries_meaning_alone() {
    let lines = render::status::screen(&view(), 120);
    let shown = |colour| {
        let captured = Captured::default();
        let mut stream = Stream::new(Box::new(captured.clone()), colour);
        lines.iter().for_each(|line| stream.line(line));
        stream.finish().unwrap();
        captured.text()
    };
    assert!(shown(true).contains("\u{1b}["), "with colour there is colour");
    assert!(!shown(false).contains('\u{1b}'), "without colour there is none");
    for word in ["✗ stale", "↑ inherited", "● kept", "? foreign", "✓ accepted", "✗ rejected"] {
        assert!(shown(false).contains(word), "{word} is said in words");
    }
}

#[test]
fn the_status_document() {
    insta::assert_snapshot!(to_text(&StatusDocument::of(&view())).unwrap());
}

#[test]
fn a_gateway_of_which_nothing_is_known_is_told_with_the_reason() {
    let mut view = view();
    view.instance.gateway =
        GatewayView { unknown_because: Some("it wants TLS".to_owned()), ..GatewayView::default() };
    let shown = to_plain(&render::status::screen(&view, 120));
    assert!(shown.contains("gateway unknown") && shown.contains("is not known: it wants TLS"), "{shown}");
    assert!(to_text(&StatusDocument::of(&view)).unwrap().contains("\"unknown_because\": \"it wants TLS\""));
}

#[test]
fn the_plan() {
    let planned = plan(&observation(), &desired(), &knowledge(), now());
    insta::assert_snapshot!(to_plain(&render::plan::lines(&planned)));
}

/// What stands nowhere on the disk any more may still be in a running gateway's memory.
#[test]
fn what_is_lost_on_the_disk_fails_where_no_gateway_remembers_it() {
    for running in [Some(true), None, Some(false)] {
        let mut observed = observation();
        let reference = SecretRef {
            source: SecretSource::File,
            provider: "keyshoal".into(),
            id: format!("/shared/{ANTHROPIC}"),
        };
        let lost = Material::Ref { reference, fingerprint: print(NEW), known: false };
        let base = observed.stores.get_mut(&StoreId::Base).unwrap();
        base.profiles.get_mut(&ProfileId::from(ANTHROPIC)).unwrap().material = lost.clone();
        for agent in &mut observed.agents {
            for candidate in agent.candidates.values_mut().flatten() {
                if candidate.material == Material::Inline(print(NEW)) {
                    candidate.material = lost.clone();
                }
            }
        }
        observed.instance.gateway.running = running;
        let judged = judge(&observed, &desired(), &knowledge(), now());
        let view = StatusView::of(&observed, &knowledge(), &desired(), &judged.findings);
        let text = to_plain(&render::status::screen(&view, 120));
        let fails = text.lines().find(|line| line.contains("✗ nothing") && line.contains("main, ops"));
        let fails = fails.unwrap_or_else(|| panic!("{running:?}: {text}"));
        let says = match running {
            Some(false) => "requests fail",
            _ => "only what the gateway remembers, until it restarts",
        };
        assert!(fails.ends_with(says), "{running:?}: {text}");
    }
}

#[test]
fn the_plan_document() {
    let planned = plan(&observation(), &desired(), &knowledge(), now());
    insta::assert_snapshot!(to_text(&DiffDocument::of(&planned, &[], Vec::new(), false)).unwrap());
}

#[test]
fn an_explanation() {
    let (observed, known) = (observation(), knowledge());
    let judged = judge(&observed, &desired(), &known, now());
    let of = |id: &str| {
        let agent = observed.agent(&id.into()).unwrap();
        to_plain(&render::explain::lines(agent, None, &known, &judged.findings, now()))
    };
    insta::assert_snapshot!(format!("{}\n{}", of("stocks"), of("ops")));
}

fn group(lead: u16, agents: &[&str], verdict: VerdictKind, proposal: Proposal) -> Group {
    let agents = agents.iter().map(|id| (*id).into()).collect();
    Group { fingerprint: print(lead), agents, verdict, proposal }
}

#[test]
fn the_one_question() {
    let question = Question::Differing {
        profile: ANTHROPIC.into(),
        provider: "anthropic".into(),
        source: group(NEW, &["main", "ops", "a", "b"], VerdictKind::Ok, Proposal::Leave),
        others: vec![
            group(OLD, &["c", "d", "e", "f", "g", "h", "i"], VerdictKind::InvalidKey, Proposal::Replace),
            group(OWN, &["academic"], VerdictKind::Ok, Proposal::Keep),
        ],
        settles: None,
    };
    assert_eq!(
        to_plain(&render::question::lines(&question)),
        "anthropic:default  3f9a main + 3: accepted · 77c0 7 agents: rejected · 91aa academic: accepted \
         → replace 7, keep academic?\n"
    );
}

#[test]
fn questions_about_the_source() {
    let now = group(OLD, &["main"], VerdictKind::NotAsked, Proposal::Leave);
    let newest = group(NEW, &["stocks"], VerdictKind::Ok, Proposal::Leave);
    let (profile, provider) = (ProfileId::from(ANTHROPIC), ProviderId::from("anthropic"));
    let questions = [
        Question::WhichSource {
            profile: profile.clone(),
            provider: provider.clone(),
            base: now.clone(),
            written: newest.clone(),
        },
        Question::SourceReverted {
            profile: profile.clone(),
            provider: provider.clone(),
            now: now.clone(),
            newest,
        },
        Question::SourceRejected { profile, provider, source: now, settles: None },
    ];
    let text: String = questions.iter().map(|one| to_plain(&render::question::lines(one))).collect();
    insta::assert_snapshot!(text);
}

#[test]
fn receipts_say_only_what_was_seen() {
    let action = |agent: &str| Action::Replace {
        store: StoreId::Agent(agent.into()),
        agent: Some(agent.into()),
        profile: ANTHROPIC.into(),
        provider: "anthropic".into(),
        expect: print(OLD),
        value: print(NEW),
        kind: CredentialKind::ApiKey,
        reset_cooldown: true,
        why: keyshoal_core::plan::Why::EarlierGeneration { behind: 1 },
    };
    let receipt = |agent: &str, durable: StepState, accepted, answered| Receipt {
        action: action(agent),
        durable,
        merged_writes: u32::from(agent == "research"),
        at: now(),
        activated: ActivationOutcome::NotNeeded,
        accepted,
        answered,
    };
    let lines = render::receipts::lines(&[
        receipt("stocks", StepState::Done, Some(Verdict::new(VerdictKind::Ok, now())), StepState::Done),
        receipt("research", StepState::Done, None, StepState::NotAsked),
        receipt("x", StepState::Conflict { found: "d00d1c1c".to_owned() }, None, StepState::NotAsked),
        receipt("y", StepState::Failed { reason: "/srv/y: disk full".to_owned() }, None, StepState::NotAsked),
    ]);
    let outcomes = [
        ActivationOutcome::NotNeeded,
        ActivationOutcome::GatewayDown,
        ActivationOutcome::Done { way: ActivationWay::SecretsReload, at: now() },
        ActivationOutcome::NotDone { reason: "only a restart helps".to_owned(), needs_restart: true },
        ActivationOutcome::Unknown { reason: "the connection closed".to_owned() },
    ];
    let rest: Vec<_> = outcomes.iter().map(render::receipts::activation).collect();
    insta::assert_snapshot!(format!("{}{}", to_plain(&lines), to_plain(&rest)));
}

#[test]
fn two_hundred_agents_show_only_those_that_matter() {
    let (mut observed, known) = (observation(), knowledge());
    for number in 0..200 {
        let mut one = observed.agents[0].clone();
        one.id = AgentId::new(format!("agent-{number}"));
        one.default = false;
        one.store = StoreId::Agent(one.id.clone());
        observed.agents.push(one);
    }
    let judged = judge(&observed, &desired(), &known, now());
    let view = StatusView::of(&observed, &known, &desired(), &judged.findings);
    let text = to_plain(&render::status::screen(&view, 120));
    assert!(text.lines().count() < 45, "one screen:\n{text}");
    assert!(text.contains("✗ stale") && text.contains("more agents, as they should be"), "{text}");
}

#[test]
fn the_last_line_of_status_names_what_a_provider_last_said() {
    let mut view = view();
    view.findings.clear();
    let last =
        |view: &StatusView| to_plain(&render::status::screen(view, 120)).lines().last().unwrap().to_owned();
    for one in &mut view.sends {
        one.verdict = Some(Verdict::new(VerdictKind::Ok, now()));
    }
    assert!(last(&view).starts_with('✓') && last(&view).ends_with("nothing to do"), "{}", last(&view));
    view.sends[0].verdict = Some(Verdict::new(VerdictKind::RateLimited, now()));
    let named = view.sends[0].agents[0].to_string();
    assert!(
        last(&view).starts_with("! ")
            && last(&view).contains(&format!("rate limited when last asked: {named}")),
        "{}",
        last(&view)
    );
}
