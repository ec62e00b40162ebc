//! Every behaviour of every provider that has an endpoint of its own.

use crate::{Lab, key_of, public, question};
use keyshoal_core::{CredentialKind, VerdictKind};
use keyshoal_emulator::Behaviour;

/// What each provider says of each behaviour, in the order of [`BEHAVIOURS`].
const BEHAVIOURS: [Behaviour; 12] = [
    Behaviour::Ok,
    Behaviour::Invalid,
    Behaviour::Revoked,
    Behaviour::Expired,
    Behaviour::Billing,
    Behaviour::RateLimited { retry_after: 7 },
    Behaviour::Scope,
    Behaviour::ModelMissing,
    Behaviour::ServerError,
    Behaviour::Hang,
    Behaviour::Garbage,
    Behaviour::Redirect,
];

fn check(provider: &str, shape: &str, kind: CredentialKind, expected: [VerdictKind; 12]) {
    let lab = Lab::new();
    let mut questions = Vec::new();
    for (number, behaviour) in BEHAVIOURS.into_iter().enumerate() {
        let key = key_of(shape, &format!("k{number}"));
        lab.emulator.reject(&key, behaviour);
        questions.push(question(public(provider), kind.clone(), &key));
    }
    let verdicts = lab.prober.ask(&questions);
    for (((behaviour, verdict), expected), question) in
        BEHAVIOURS.iter().zip(&verdicts).zip(expected).zip(&questions)
    {
        assert_eq!(verdict.kind, expected, "{shape} {behaviour:?}: {verdict:?}");
        assert_eq!(
            lab.asked_with(question.secret.reveal_secret()).len(),
            1,
            "{shape} {behaviour:?} is asked once"
        );
        assert_eq!(verdict.http_status.is_none(), *behaviour == Behaviour::Hang, "{behaviour:?}");
        assert!(verdict.latency_ms.is_some());
        assert!(
            verdict.advice.is_some() || expected == VerdictKind::Ok,
            "{behaviour:?} needs a line of advice"
        );
        assert!(verdict.advice.as_deref().is_none_or(|line| !line.contains('\n')), "one line");
        let bodiless = matches!(behaviour, Behaviour::Hang | Behaviour::Garbage | Behaviour::Redirect);
        assert!(bodiless || verdict.request_id.is_some(), "{shape} {behaviour:?} has a request id");
    }
    assert!(lab.controls().is_empty(), "the provider itself needs no negative control");
    assert!(
        lab.emulator.log().iter().all(|row| !row.path.starts_with("/elsewhere")),
        "a redirect was followed"
    );
}

#[test]
fn openai() {
    use VerdictKind::{
        Expired, InvalidKey, MissingScope, Ok, ProviderDown, RateLimited, Revoked, Timeout, UnexpectedAnswer,
    };
    // The model list of OpenAI and Anthropic does not see credit or models.
    check(
        "openai",
        "openai",
        CredentialKind::ApiKey,
        [
            Ok,
            InvalidKey,
            Revoked,
            Expired,
            Ok,
            RateLimited,
            MissingScope,
            Ok,
            ProviderDown,
            Timeout,
            UnexpectedAnswer,
            UnexpectedAnswer,
        ],
    );
}

#[test]
fn anthropic_api_key() {
    use VerdictKind::{
        Expired, InvalidKey, MissingScope, Ok, ProviderDown, RateLimited, Timeout, UnexpectedAnswer,
    };
    check(
        "anthropic",
        "anthropic",
        CredentialKind::ApiKey,
        [
            Ok,
            InvalidKey,
            InvalidKey,
            Expired,
            Ok,
            RateLimited,
            MissingScope,
            Ok,
            ProviderDown,
            Timeout,
            UnexpectedAnswer,
            UnexpectedAnswer,
        ],
    );
}

#[test]
fn anthropic_token_and_login() {
    use VerdictKind::{
        Expired, InvalidKey, MissingScope, Ok, ProviderDown, RateLimited, Revoked, Timeout, UnexpectedAnswer,
    };
    for kind in [CredentialKind::Token, CredentialKind::OAuth] {
        check(
            "anthropic",
            "anthropic token",
            kind,
            [
                Ok,
                InvalidKey,
                Revoked,
                Expired,
                Ok,
                RateLimited,
                MissingScope,
                Ok,
                ProviderDown,
                Timeout,
                UnexpectedAnswer,
                UnexpectedAnswer,
            ],
        );
    }
}

#[test]
fn google() {
    use VerdictKind::{
        Billing, Expired, InvalidKey, MissingScope, Ok, ProviderDown, RateLimited, Revoked, Timeout,
        UnexpectedAnswer,
    };
    check(
        "google",
        "google",
        CredentialKind::ApiKey,
        [
            Ok,
            InvalidKey,
            Revoked,
            Expired,
            Billing,
            RateLimited,
            MissingScope,
            Ok,
            ProviderDown,
            Timeout,
            UnexpectedAnswer,
            UnexpectedAnswer,
        ],
    );
}

#[test]
fn openrouter() {
    use VerdictKind::{
        Billing, InvalidKey, MissingScope, Ok, ProviderDown, RateLimited, Timeout, UnexpectedAnswer,
    };
    check(
        "openrouter",
        "openrouter",
        CredentialKind::ApiKey,
        [
            Ok,
            InvalidKey,
            InvalidKey,
            InvalidKey,
            Billing,
            RateLimited,
            MissingScope,
            Ok,
            ProviderDown,
            Timeout,
            UnexpectedAnswer,
            UnexpectedAnswer,
        ],
    );
}

#[test]
fn only_passing_troubles_are_worth_asking_again() {
    let lab = Lab::new();
    for (number, behaviour) in BEHAVIOURS.into_iter().enumerate() {
        let key = key_of("openai", &format!("again{number}"));
        lab.emulator.reject(&key, behaviour);
        let verdict = lab.ask(question(public("openai"), CredentialKind::ApiKey, &key));
        let passing = matches!(
            behaviour,
            Behaviour::RateLimited { .. }
                | Behaviour::ServerError
                | Behaviour::Hang
                | Behaviour::Garbage
                | Behaviour::Redirect
        );
        assert_eq!(verdict.retryable, passing, "{behaviour:?}");
        if matches!(behaviour, Behaviour::RateLimited { .. }) {
            assert!(
                verdict.advice.is_some_and(|advice| advice.contains("7 s")),
                "the provider's own time to wait"
            );
        }
    }
}

#[test]
fn a_key_that_cannot_be_right_is_never_sent() {
    let lab = Lab::new();
    for (provider, key, expected) in [
        ("openai", key_of("anthropic", "mine"), VerdictKind::MalformedKey),
        ("anthropic", key_of("openrouter", "mine"), VerdictKind::MalformedKey),
        ("openai", format!("{}\n", key_of("openai", "mine")), VerdictKind::MalformedKey),
        ("openai", format!("\"{}\"", key_of("openai", "mine")), VerdictKind::MalformedKey),
        ("google", "AIzaShort".to_owned(), VerdictKind::MalformedKey),
        ("openai", String::new(), VerdictKind::Missing),
    ] {
        let verdict = lab.ask(question(public(provider), CredentialKind::ApiKey, &key));
        assert_eq!(verdict.kind, expected, "{provider}: {verdict:?}");
        assert!(!verdict.kind.is_dead() && !verdict.retryable);
        assert!(verdict.advice.is_some_and(|advice| key.is_empty() || !advice.contains(key.trim())));
    }
    assert!(lab.emulator.log().is_empty());
}

#[test]
fn what_cannot_be_asked_is_said_to_be_not_asked() {
    let lab = Lab::new();
    let login = lab.ask(question(public("xai"), CredentialKind::OAuth, "some-login"));
    let nobody = lab.ask(question(public("nobody-knows"), CredentialKind::ApiKey, "some-key"));
    let odd = lab.ask(question(public("openai"), CredentialKind::Unknown("passkey".to_owned()), "some-key"));
    assert_eq!(crate::kinds(&[login, nobody, odd]), [VerdictKind::NotAsked; 3]);
    assert!(lab.emulator.log().is_empty());
}
