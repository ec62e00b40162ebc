//! What networks and broken servers do to an answer: the verdict is right, nothing leaks, memory and time are bounded.

use crate::{Lab, custom_at, key_of, public, question};
use keyshoal_core::{CredentialKind::ApiKey, VerdictKind};
use keyshoal_emulator::{Behaviour, Config};
use std::time::{Duration, Instant};

const PROVIDERS: [&str; 4] = ["openai", "anthropic", "google", "openrouter"];

#[test]
fn every_fault_is_called_what_it_is_at_every_provider() {
    for (fault, expected) in [
        (Behaviour::Drip, VerdictKind::Timeout),
        (Behaviour::Hang, VerdictKind::Timeout),
        (Behaviour::CutOff, VerdictKind::Connect),
        (Behaviour::WrongType, VerdictKind::UnexpectedAnswer),
        (Behaviour::Garbage, VerdictKind::UnexpectedAnswer),
        (Behaviour::Redirect, VerdictKind::UnexpectedAnswer),
        (Behaviour::Throttled, VerdictKind::RateLimited),
        (Behaviour::RateLimited { retry_after: 9 }, VerdictKind::RateLimited),
        (Behaviour::ServerError, VerdictKind::ProviderDown),
    ] {
        let lab = Lab::new();
        let questions = PROVIDERS.map(|provider| {
            let key = key_of(provider, "mine");
            lab.emulator.reject(&key, fault);
            question(public(provider), ApiKey, &key)
        });
        let started = Instant::now();
        for (verdict, provider) in lab.prober.ask(&questions).iter().zip(PROVIDERS) {
            assert_eq!(verdict.kind, expected, "{provider} {fault:?}: {verdict:?}");
            assert!(verdict.retryable && !verdict.kind.is_dead());
            let told = matches!(fault, Behaviour::RateLimited { .. }).then_some(9);
            assert_eq!(verdict.retry_after, told, "{provider} {fault:?}");
            assert!(verdict.status_page.as_deref().is_some_and(|page| page.starts_with("https://")));
        }
        assert!(
            started.elapsed() < Duration::from_secs(4),
            "{fault:?}: the timeout of 0.8 s holds for a body, too"
        );
        let elsewhere = |row: &keyshoal_emulator::Recorded| row.path.starts_with("/elsewhere");
        assert!(!lab.emulator.log().iter().any(elsewhere), "a redirect was followed with a credential");
    }
}

#[test]
fn a_body_of_ten_megabytes_is_read_at_its_beginning_only() {
    let lab = Lab::new();
    let before = peak_memory();
    let questions: Vec<_> = (0..8)
        .map(|number| {
            let key = key_of("openai", &format!("k{number}"));
            lab.emulator.reject(&key, Behaviour::Flood { megabytes: 10 });
            question(public("openai"), ApiKey, &key)
        })
        .collect();
    let kinds = crate::kinds(&lab.prober.ask(&questions));
    assert_eq!(kinds, [VerdictKind::Ok; 8], "a list's beginning is enough");
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 32 << 10, "80 MB were offered and {grown} KiB of memory taken");
}

/// The most memory that this process has had so far, in KiB.
#[expect(clippy::disallowed_methods, reason = "the kernel's word on this process")]
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn no_fault_in_front_of_an_unknown_endpoint_gets_a_credential_sent_there() {
    for (fault, expected) in [
        (Behaviour::Drip, VerdictKind::Timeout),
        (Behaviour::CutOff, VerdictKind::Connect),
        (Behaviour::Throttled, VerdictKind::RateLimited),
        (Behaviour::WrongType, VerdictKind::UnexpectedAnswer),
    ] {
        let lab = Lab::with(Config::default(), |_| {});
        lab.emulator.everyone(Some(fault));
        let endpoint = custom_at("openai-completions", format!("{}/v1", lab.emulator.base_url()), None);
        let verdict = lab.ask(question(endpoint, ApiKey, "key-mine"));
        assert_eq!(verdict.kind, expected, "{fault:?}: {verdict:?}");
        assert!(lab.asked_with("key-mine").is_empty(), "{fault:?}");
    }
}
