//! ChatGPT logins and servers of one's own.

use crate::{Lab, question};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyshoal_core::{CredentialKind, Endpoint, VerdictKind};
use keyshoal_emulator::{Behaviour, Config};

/// An access token of a ChatGPT login. `ends` is in seconds since 1970.
fn token(name: &str, ends: u64) -> String {
    let claims = format!(
        r#"{{"exp":{ends},"jti":"{name}","https://api.openai.com/auth":{{"chatgpt_account_id":"acc-{name}"}}}}"#
    );
    format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), URL_SAFE_NO_PAD.encode(claims))
}

const LATER: u64 = 4_000_000_000;

fn chatgpt() -> Lab {
    Lab::with(Config::default(), |options| {
        let codex = options.trusted_base_urls["openai"].replace("/openai/v1", "/chatgpt/backend-api");
        options.trusted_base_urls.insert("openai-codex".to_owned(), codex);
    })
}

#[test]
fn a_login_is_asked_about_as_the_program_itself_asks() {
    use VerdictKind::{Ok, ProviderDown, RateLimited, Revoked, Unknown};
    for (provider, kind) in [
        ("openai-codex", CredentialKind::OAuth),
        ("openai", CredentialKind::OAuth),
        ("openai-codex", CredentialKind::Token),
    ] {
        let lab = chatgpt();
        let cases = [
            (Behaviour::Ok, Ok),
            (Behaviour::Revoked, Revoked),
            (Behaviour::Billing, RateLimited),
            (Behaviour::Invalid, Unknown),
            (Behaviour::RateLimited { retry_after: 5 }, RateLimited),
            (Behaviour::ServerError, ProviderDown),
        ];
        let questions: Vec<_> = cases
            .iter()
            .enumerate()
            .map(|(number, (behaviour, _))| {
                let token = token(&format!("t{number}"), LATER);
                lab.emulator.reject(&token, *behaviour);
                question(Endpoint::public(provider), kind.clone(), &token)
            })
            .collect();
        for (verdict, (behaviour, expected)) in lab.prober.ask(&questions).iter().zip(&cases) {
            assert_eq!(verdict.kind, *expected, "{provider} {behaviour:?}: {verdict:?}");
            if matches!(behaviour, Behaviour::RateLimited { .. }) {
                assert_eq!(verdict.retry_after, Some(5));
            }
        }
        assert!(lab.emulator.log().iter().all(|row| row.path == "/chatgpt/backend-api/wham/usage"));
        assert_eq!(lab.emulator.log().len(), cases.len());
    }
}

#[test]
fn a_login_that_is_over_is_not_asked_about_and_a_token_without_renewal_is_expired() {
    let lab = chatgpt();
    let over = token("over", 1_700_000_000);
    let asked = |kind| lab.ask(question(Endpoint::public("openai-codex"), kind, &over));
    let login = asked(CredentialKind::OAuth);
    assert_eq!(login.kind, VerdictKind::NotAsked);
    assert!(login.advice.is_some_and(|why| why.contains("renews it")));
    assert_eq!(asked(CredentialKind::Token).kind, VerdictKind::Expired);
    let api_key = "sk-proj-0123456789012345678901234567890123456789";
    for (odd, kind, expected) in [
        ("no-jwt-at-all", CredentialKind::Token, VerdictKind::MalformedKey),
        ("no-jwt-at-all", CredentialKind::OAuth, VerdictKind::NotAsked),
        (api_key, CredentialKind::OAuth, VerdictKind::MalformedKey),
    ] {
        let verdict = lab.ask(question(Endpoint::public("openai-codex"), kind.clone(), odd));
        assert_eq!(verdict.kind, expected, "{odd} {kind}");
        assert!(verdict.advice.is_some());
    }
    assert!(lab.emulator.log().is_empty());
}

#[test]
fn a_key_and_a_login_of_one_provider_are_each_sent_where_they_are_good() {
    let lab = chatgpt();
    let (login, key) = (token("mine", LATER), crate::key_of("openai", "mine"));
    lab.emulator.only_accept(&[&login, &key]);
    let ask = |kind, value: &str| question(Endpoint::public("openai"), kind, value);
    for turned in [false, true] {
        let mut asked = vec![ask(CredentialKind::OAuth, &login), ask(CredentialKind::ApiKey, &key)];
        if turned {
            asked.reverse();
        }
        assert_eq!(crate::kinds(&lab.prober.ask(&asked)), [VerdictKind::Ok; 2]);
    }
    assert_eq!(lab.asked_with(&login), ["/chatgpt/backend-api/wham/usage"; 2]);
    assert_eq!(lab.asked_with(&key), ["/openai/v1/models"; 2]);
}

#[test]
fn a_login_is_not_asked_about_from_elsewhere() {
    let lab = Lab::with(Config::default(), |options| options.ask_logins = false);
    let login = question(Endpoint::public("openai-codex"), CredentialKind::OAuth, &token("mine", LATER));
    let verdict = lab.ask(login);
    assert_eq!(verdict.kind, VerdictKind::NotAsked);
    assert!(verdict.advice.is_some_and(|why| why.contains("gateway's machine")));
}

fn ollama(lab: &Lab, model: Option<&str>) -> Endpoint {
    Endpoint {
        api: Some("ollama".to_owned()),
        base_url: Some(format!("{}/ollama", lab.emulator.base_url())),
        model: model.map(str::to_owned),
        ..Endpoint::public("ollama")
    }
}

#[test]
fn a_server_that_wants_no_key_teaches_nothing_of_keys_and_wakes_no_model() {
    let lab = Lab::with(Config { unknown_keys: Behaviour::Ok, ..Config::default() }, |_| {});
    let verdict = lab.ask(question(ollama(&lab, Some("mock-1")), CredentialKind::ApiKey, "ollama-local"));
    assert_eq!(verdict.kind, VerdictKind::Unknown);
    assert!(verdict.advice.is_some_and(|why| why.contains("asks for no key")));
    let paths: Vec<String> = lab.emulator.log().into_iter().map(|row| row.path).collect();
    assert_eq!(paths, ["/ollama/api/tags"], "no chat");
    assert_eq!(lab.prober.requests().probes, 0);
    for (model, expected) in [("mock-1", VerdictKind::Ok), ("absent", VerdictKind::ModelUnavailable)] {
        let key = format!("key-{model}");
        let behaviour = if model == "absent" { Behaviour::ModelMissing } else { Behaviour::Ok };
        lab.emulator.reject(&key, behaviour);
        let verdict = lab.ask(question(ollama(&lab, None), CredentialKind::ApiKey, &key).completing(model));
        assert_eq!(verdict.kind, expected, "{model}: {verdict:?}");
    }
}

#[test]
fn ollamas_cloud_lists_for_everybody_so_a_chat_is_asked() {
    let lab = Lab::new();
    lab.emulator.accept("key-good");
    let endpoint = Endpoint { provider: "ollama-behind-keys".into(), ..ollama(&lab, Some("mock-1")) };
    let asked = ["key-good", "key-bad"].map(|key| question(endpoint.clone(), CredentialKind::ApiKey, key));
    assert_eq!(crate::kinds(&lab.prober.ask(&asked)), [VerdictKind::Ok, VerdictKind::InvalidKey]);
    assert_eq!(lab.controls(), ["/ollama/api/tags", "/ollama/api/chat"]);
}
