//! Whether a credential reaches a model.

use crate::{Lab, custom_at, key_of, public, question};
use keyshoal_core::{CredentialKind, CredentialKind::ApiKey, VerdictKind};
use keyshoal_emulator::{Behaviour, Config};
use keyshoal_providers::Question;

#[test]
fn every_provider_is_asked_for_one_token_of_the_model() {
    for (provider, path) in [
        ("openai", "/openai/v1/responses"),
        ("anthropic", "/anthropic/v1/messages"),
        ("google", "/gemini/v1beta/models/mock-1:generateContent"),
        ("openrouter", "/openrouter/api/v1/chat/completions"),
    ] {
        let lab = Lab::new();
        let [good, poor, without, bad] =
            ["good", "poor", "without", "bad"].map(|name| key_of(provider, name));
        lab.emulator.accept(&good);
        lab.emulator.reject(&poor, Behaviour::Billing);
        lab.emulator.reject(&without, Behaviour::ModelMissing);
        let asked = [&good, &poor, &without, &bad]
            .map(|key| question(public(provider), ApiKey, key).completing("mock-1"));
        let said = crate::kinds(&lab.prober.ask(&asked));
        let expected =
            [VerdictKind::Ok, VerdictKind::Billing, VerdictKind::ModelUnavailable, VerdictKind::InvalidKey];
        assert_eq!(said, expected, "{provider}");
        assert_eq!(lab.asked_with(&good), [path]);
        assert_eq!(lab.emulator.log().len(), 4);
    }
}

#[test]
fn each_model_is_one_question_and_the_credential_itself_another() {
    let lab = Lab::new();
    let key = key_of("openai", "mine");
    lab.emulator.accept(&key);
    let plain = || question(public("openai"), ApiKey, &key);
    let questions: Vec<Question> = (0..30)
        .map(|number| match number % 3 {
            0 => plain(),
            1 => plain().completing("mock-1"),
            _ => plain().completing("mockb-1"),
        })
        .collect();
    assert!(lab.prober.ask(&questions).iter().all(|verdict| verdict.kind == VerdictKind::Ok));
    let mut models: Vec<Option<String>> = lab.emulator.log().into_iter().map(|row| row.model).collect();
    models.sort();
    assert_eq!(models, [None, Some("mock-1".to_owned()), Some("mockb-1".to_owned())]);
}

#[test]
fn where_any_key_is_good_the_model_can_be_asked_and_no_key_is_killed() {
    let lab = Lab::with(Config { unknown_keys: Behaviour::Ok, ..Config::default() }, |_| {});
    lab.emulator.reject("key-bad", Behaviour::Invalid);
    lab.emulator.reject("key-without", Behaviour::ModelMissing);
    let endpoint = custom_at("openai-completions", format!("{}/v1", lab.emulator.base_url()), Some("mock-1"));
    let asked = ["key-any", "key-without", "key-bad"]
        .map(|key| question(endpoint.clone(), ApiKey, key).completing("mock-1"));
    let said = lab.prober.ask(&asked);
    let expected = [VerdictKind::Ok, VerdictKind::ModelUnavailable, VerdictKind::Unknown];
    assert_eq!(crate::kinds(&said), expected, "{said:?}");
    assert!(said[0].advice.as_deref().is_some_and(|advice| advice.contains("whatever the key is")));
}

#[test]
fn a_subscription_is_never_asked_for_a_completion() {
    let lab = Lab::new();
    let token = key_of("anthropic token", "mine");
    let verdict = lab.ask(question(public("anthropic"), CredentialKind::Token, &token).completing("mock-1"));
    assert_eq!(verdict.kind, VerdictKind::NotAsked);
    assert!(verdict.advice.is_some() && lab.emulator.log().is_empty());
}
