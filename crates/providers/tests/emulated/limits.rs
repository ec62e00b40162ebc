//! How much is asked: once for each value, within bounds, and not for ever where nobody answers.

use crate::{Lab, custom_at, key_of, public, question};
use keyshoal_core::{CredentialKind::ApiKey, VerdictKind};
use keyshoal_emulator::{Behaviour, Config};
use keyshoal_providers::{Limits, Question, Requests};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[test]
fn a_thousand_agents_with_twenty_keys_are_twenty_requests() {
    let lab = Lab::new();
    let keys: Vec<String> = (0..20).map(|number| key_of("openai", &format!("k{number}"))).collect();
    keys.iter().for_each(|key| lab.emulator.accept(key));
    let questions: Vec<Question> = (0..1000)
        .map(|agent| {
            let mut endpoint = public("openai");
            endpoint.model = (agent % 3 > 0).then(|| format!("model-{}", agent % 7));
            question(endpoint, ApiKey, &keys[agent % 20])
        })
        .collect();
    let verdicts = lab.prober.ask(&questions);
    assert_eq!(verdicts.len(), 1000);
    assert!(verdicts.iter().all(|verdict| verdict.kind == VerdictKind::Ok));
    assert_eq!(lab.prober.requests(), Requests { probes: 20, controls: 0 });
    assert_eq!(lab.emulator.log().len(), 20);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever asks however often: one request for each credential, endpoint and model, and one control for each endpoint.
    #[test]
    fn each_distinct_question_is_one_request(asked in prop::collection::vec((0_u8..6, 0_u8..3, prop::option::of(0_u8..2)), 1..60)) {
        let limits = Limits { interval: Duration::ZERO, jitter: Duration::ZERO, ..Limits::default() };
        let lab = Lab::with(Config::default(), |options| options.limits = limits);
        lab.emulator.only_accept(&["key-0", "key-1", "key-2"]);
        let questions: Vec<Question> = asked
            .iter()
            .map(|(key, tenant, model)| {
                let url = format!("{}/tenant-{tenant}/v1", lab.emulator.base_url());
                let plain = question(custom_at("openai-completions", url, None), ApiKey, &format!("key-{key}"));
                match model {
                    None => plain,
                    Some(model) => plain.completing(format!("model-{model}")),
                }
            })
            .collect();
        let verdicts = lab.prober.ask(&questions);
        for ((key, _, _), verdict) in asked.iter().zip(&verdicts) {
            prop_assert_eq!(verdict.kind, if *key < 3 { VerdictKind::Ok } else { VerdictKind::InvalidKey });
        }
        let distinct: BTreeSet<_> = asked.iter().collect();
        let tenants: BTreeSet<u8> = asked.iter().map(|(_, tenant, _)| *tenant).collect();
        let expected = Requests { probes: distinct.len() as u64, controls: tenants.len() as u64 };
        prop_assert_eq!(lab.prober.requests(), expected);
        prop_assert_eq!(lab.emulator.log().len() as u64, expected.probes + expected.controls);
    }
}

#[test]
fn the_bound_over_all_requests_is_never_passed_and_the_rest_is_said_to_be_not_asked() {
    for allowed in [0, 1, 5, 6, 7, 50] {
        let lab = Lab::with(Config::default(), |options| options.limits.max_requests = Some(allowed));
        lab.emulator.only_accept(&(0..6).map(|number| format!("key-{number}")).collect::<Vec<_>>());
        let endpoint = custom_at("openai-completions", format!("{}/v1", lab.emulator.base_url()), None);
        let questions: Vec<Question> =
            (0..6).map(|number| question(endpoint.clone(), ApiKey, &format!("key-{number}"))).collect();
        let verdicts = lab.prober.ask(&questions);
        // One control goes first.
        let probes = usize::try_from(allowed.saturating_sub(1)).expect("small").min(6);
        let asked = verdicts.iter().filter(|verdict| verdict.kind == VerdictKind::Ok).count();
        let left = verdicts.iter().filter(|verdict| verdict.kind == VerdictKind::NotAsked);
        assert_eq!(asked, probes, "{allowed}: {verdicts:?}");
        assert_eq!(left.clone().count(), 6 - probes, "{allowed}");
        assert!(
            left.clone().all(|verdict| verdict.advice.as_deref().is_some_and(|why| why.contains("bound of")))
        );
        assert_eq!(lab.emulator.log().len(), probes + usize::from(allowed > 0), "{allowed}");
        let sent = lab.prober.requests();
        assert_eq!(sent.probes + sent.controls, lab.emulator.log().len() as u64);
    }
}

#[test]
fn after_failures_in_a_row_the_rest_is_answered_without_being_asked_and_that_is_said() {
    let lab = Lab::with(Config::default(), |options| {
        options.limits = Limits { give_up_after: 3, per_endpoint: 1, ..Limits::default() };
    });
    let questions: Vec<Question> = (0..12)
        .map(|number| {
            let key = key_of("openai", &format!("k{number}"));
            lab.emulator.reject(&key, Behaviour::ServerError);
            question(public("openai"), ApiKey, &key)
        })
        .collect();
    let verdicts = lab.prober.ask(&questions);
    assert_eq!(crate::kinds(&verdicts), [VerdictKind::ProviderDown; 12]);
    assert_eq!(lab.emulator.log().len(), 3, "the rest was not asked");
    let unasked: Vec<_> = verdicts.iter().filter(|verdict| verdict.http_status.is_none()).collect();
    assert_eq!(unasked.len(), 9);
    for verdict in unasked {
        assert!(verdict.advice.as_deref().is_some_and(|why| why.starts_with("not asked")), "{verdict:?}");
        assert!(verdict.retryable && verdict.latency_ms.is_none());
    }
    // Another call begins anew.
    lab.emulator.only_accept(&[key_of("openai", "k0")]);
    assert_eq!(lab.ask(questions[0].clone()).kind, VerdictKind::Ok);
}

#[test]
fn an_endpoint_that_is_gone_costs_little_time_and_takes_no_other_with_it() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let lab = Lab::with(Config::default(), |options| {
        options.trusted_base_urls.insert("anthropic".to_owned(), format!("http://{free}"));
        options.limits = Limits { give_up_after: 2, per_endpoint: 1, ..Limits::default() };
    });
    let key = key_of("openai", "mine");
    lab.emulator.accept(&key);
    let mut questions: Vec<Question> = (0..50)
        .map(|number| question(public("anthropic"), ApiKey, &key_of("anthropic", &format!("k{number}"))))
        .collect();
    questions.push(question(public("openai"), ApiKey, &key));
    let verdicts = lab.prober.ask(&questions);
    assert_eq!(verdicts.last().map(|verdict| verdict.kind), Some(VerdictKind::Ok));
    assert!(verdicts[..50].iter().all(|verdict| verdict.kind == VerdictKind::Connect));
    assert_eq!(lab.prober.requests().probes, 3, "two that failed and one that did not");
}

#[test]
fn a_good_answer_between_two_failures_starts_the_count_again() {
    let lab = Lab::with(Config::default(), |options| {
        options.limits = Limits { give_up_after: 2, per_endpoint: 1, ..Limits::default() };
    });
    let questions: Vec<Question> = (0..8)
        .map(|number| {
            let key = key_of("openai", &format!("k{number}"));
            let bad = number % 2 == 0;
            lab.emulator.reject(&key, if bad { Behaviour::ServerError } else { Behaviour::Invalid });
            question(public("openai"), ApiKey, &key)
        })
        .collect();
    lab.prober.ask(&questions);
    assert_eq!(lab.emulator.log().len(), 8);
}

#[test]
fn requests_to_one_endpoint_keep_their_distance() {
    let interval = Duration::from_millis(40);
    let lab = Lab::with(Config::default(), |options| {
        options.limits = Limits { interval, jitter: Duration::ZERO, ..Limits::default() };
    });
    let questions: Vec<Question> = (0..6)
        .map(|number| {
            let key = key_of("openai", &format!("k{number}"));
            lab.emulator.accept(&key);
            question(public("openai"), ApiKey, &key)
        })
        .collect();
    let started = Instant::now();
    assert_eq!(crate::kinds(&lab.prober.ask(&questions)), [VerdictKind::Ok; 6]);
    assert!(started.elapsed() >= interval * 5, "{:?}", started.elapsed());
}
