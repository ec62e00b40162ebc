//! Custom endpoints: the negative control, the completion, and what neither can tell.

use crate::{Lab, custom_at, key_of, kinds, public, question};
use keyshoal_core::{CredentialKind::ApiKey, VerdictKind};
use keyshoal_emulator::{Behaviour, Config};

#[test]
fn every_wire_format_is_asked_after_one_control() {
    for (api, path, list) in [
        ("openai-completions", "/v1", "/v1/models"),
        ("openai-responses", "/openai/v1", "/openai/v1/models"),
        ("anthropic-messages", "/anthropic", "/anthropic/v1/models"),
        ("anthropic-messages", "/anthropic/v1/", "/anthropic/v1/models"),
        ("google-generative-ai", "/gemini/v1beta", "/gemini/v1beta/models"),
    ] {
        let lab = Lab::new();
        lab.emulator.accept("key-good");
        let endpoint = custom_at(api, format!("{}{path}", lab.emulator.base_url()), Some("mock-1"));
        let verdicts =
            lab.prober.ask(&["key-good", "key-bad"].map(|key| question(endpoint.clone(), ApiKey, key)));
        assert_eq!(
            kinds(&verdicts),
            [VerdictKind::Ok, VerdictKind::InvalidKey],
            "{api} {path}: {verdicts:?}"
        );
        assert_eq!(lab.controls(), [list], "one control per endpoint");
        for key in ["key-good", "key-bad"] {
            assert_eq!(lab.asked_with(key), [list], "{key} is asked once");
        }
    }
}

#[test]
fn a_public_model_list_proves_nothing_so_a_completion_is_asked() {
    let lab = Lab::new();
    lab.emulator.accept("key-good");
    lab.emulator.reject("key-poor", Behaviour::Billing);
    lab.emulator.reject("key-other", Behaviour::ModelMissing);
    let endpoint =
        custom_at("openai-completions", format!("{}/public/v1", lab.emulator.base_url()), Some("mock-1"));
    let keys = ["key-good", "key-bad", "key-poor", "key-other"];
    let verdicts = lab.prober.ask(&keys.map(|key| question(endpoint.clone(), ApiKey, key)));
    let expected =
        [VerdictKind::Ok, VerdictKind::InvalidKey, VerdictKind::Billing, VerdictKind::ModelUnavailable];
    assert_eq!(kinds(&verdicts), expected, "{verdicts:?}");
    assert_eq!(lab.controls(), ["/public/v1/models", "/public/v1/chat/completions"]);
    for key in keys {
        assert_eq!(
            lab.asked_with(key),
            ["/public/v1/chat/completions"],
            "{key} is asked once, and not for the list"
        );
    }
}

#[test]
fn without_a_model_a_public_list_leaves_it_unknown_and_the_key_unsent() {
    let lab = Lab::new();
    let endpoint = custom_at("openai-completions", format!("{}/public/v1", lab.emulator.base_url()), None);
    let verdict = lab.ask(question(endpoint, ApiKey, "key-bad"));
    assert_eq!(verdict.kind, VerdictKind::Unknown, "{verdict:?}");
    assert!(lab.asked_with("key-bad").is_empty());
}

#[test]
fn an_endpoint_that_takes_any_key_teaches_nothing() {
    let lab = Lab::with(Config { unknown_keys: Behaviour::Ok, ..Config::default() }, |_| {});
    let endpoint = custom_at("openai-completions", format!("{}/v1", lab.emulator.base_url()), Some("mock-1"));
    let verdict = lab.ask(question(endpoint, ApiKey, "key-any"));
    assert_eq!(verdict.kind, VerdictKind::Unknown, "{verdict:?}");
    assert!(lab.asked_with("key-any").is_empty());
}

#[test]
fn a_name_does_not_make_an_endpoint_the_provider() {
    let lab = Lab::new();
    let mut endpoint = public("openai");
    endpoint.base_url = Some(format!("{}/public/v1", lab.emulator.base_url()));
    let key = key_of("openai", "mine");
    let verdict = lab.ask(question(endpoint, ApiKey, &key));
    assert_eq!(verdict.kind, VerdictKind::Unknown, "a public list under the name of openai: {verdict:?}");
    assert!(!lab.controls().is_empty());
}

#[test]
fn words_about_an_account_behind_the_endpoint_never_kill_a_key() {
    let lab = Lab::new();
    lab.emulator.reject("key-a", Behaviour::Revoked);
    lab.emulator.reject("key-b", Behaviour::Expired);
    let endpoint = custom_at("openai-completions", format!("{}/v1", lab.emulator.base_url()), None);
    let verdicts = lab.prober.ask(&["key-a", "key-b"].map(|key| question(endpoint.clone(), ApiKey, key)));
    assert_eq!(kinds(&verdicts), [VerdictKind::Unknown; 2], "{verdicts:?}");
}

#[test]
fn when_the_control_meets_a_portal_or_an_outage_no_key_is_sent() {
    for (behaviour, expected) in [
        (Behaviour::Garbage, VerdictKind::UnexpectedAnswer),
        (Behaviour::Redirect, VerdictKind::UnexpectedAnswer),
        (Behaviour::ServerError, VerdictKind::ProviderDown),
        (Behaviour::RateLimited { retry_after: 3 }, VerdictKind::RateLimited),
        (Behaviour::Hang, VerdictKind::Timeout),
    ] {
        let lab = Lab::new();
        lab.emulator.everyone(Some(behaviour));
        let endpoint =
            custom_at("openai-completions", format!("{}/v1", lab.emulator.base_url()), Some("mock-1"));
        let verdict = lab.ask(question(endpoint, ApiKey, "key-mine"));
        assert_eq!(verdict.kind, expected, "{behaviour:?}");
        assert!(verdict.retryable);
        assert!(lab.asked_with("key-mine").is_empty(), "{behaviour:?}");
    }
}

#[test]
fn equal_questions_are_one_request_and_every_question_gets_its_answer() {
    let lab = Lab::with(Config::default(), |options| options.max_concurrency = 3);
    let accepted: Vec<String> = (0..20).map(|number| format!("key-{number}")).collect();
    lab.emulator.only_accept(&accepted[..10]);
    let base = lab.emulator.base_url();
    let endpoints =
        ["/v1", "/tenant-b/v1"].map(|path| custom_at("openai-completions", format!("{base}{path}"), None));
    let mut questions = Vec::new();
    for _ in 0..3 {
        for endpoint in &endpoints {
            questions.extend(accepted.iter().map(|key| question(endpoint.clone(), ApiKey, key)));
        }
    }
    let verdicts = lab.prober.ask(&questions);
    assert_eq!(verdicts.len(), questions.len());
    for (question, verdict) in questions.iter().zip(&verdicts) {
        let good = accepted[..10].iter().any(|key| key == question.secret.reveal_secret());
        assert_eq!(verdict.kind, if good { VerdictKind::Ok } else { VerdictKind::InvalidKey });
    }
    for key in &accepted {
        let mut paths = lab.asked_with(key);
        paths.sort();
        assert_eq!(paths, ["/tenant-b/v1/models", "/v1/models"], "{key}");
    }
    assert_eq!(lab.controls().len(), 2, "one control per endpoint");
}
