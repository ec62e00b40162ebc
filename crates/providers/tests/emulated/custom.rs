//! Custom endpoints: the negative control, the completion, and what neither can tell.

use crate::{Lab, custom_at, key_of, kinds, public, question};
use keyshoal_core::{CredentialKind::ApiKey, VerdictKind};
use keyshoal_emulator::{Behaviour, Config};
use std::io::{Read, Write};
use std::net::TcpListener;

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
    for (api, path) in
        [("openai-completions", "/public/v1/chat/completions"), ("openai-responses", "/public/v1/responses")]
    {
        completion_is_asked(api, path);
    }
}

fn completion_is_asked(api: &str, path: &str) {
    let lab = Lab::new();
    lab.emulator.accept("key-good");
    lab.emulator.reject("key-poor", Behaviour::Billing);
    lab.emulator.reject("key-other", Behaviour::ModelMissing);
    let endpoint = custom_at(api, format!("{}/public/v1", lab.emulator.base_url()), Some("mock-1"));
    let keys = ["key-good", "key-bad", "key-poor", "key-other"];
    let verdicts = lab.prober.ask(&keys.map(|key| question(endpoint.clone(), ApiKey, key)));
    let expected =
        [VerdictKind::Ok, VerdictKind::InvalidKey, VerdictKind::Billing, VerdictKind::ModelUnavailable];
    assert_eq!(kinds(&verdicts), expected, "{verdicts:?}");
    assert_eq!(lab.controls(), ["/public/v1/models", path]);
    for key in keys {
        assert_eq!(lab.asked_with(key), [path], "{key} is asked once, and not for the list");
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
fn a_model_that_any_agent_names_serves_all_agents_of_the_endpoint() {
    let lab = Lab::new();
    lab.emulator.accept("key-good");
    let at = |model| custom_at("openai-completions", format!("{}/public/v1", lab.emulator.base_url()), model);
    for models in [[None, Some("mock-1")], [Some("mock-1"), None]] {
        let other_values = lab
            .prober
            .ask(&[question(at(models[0]), ApiKey, "key-good"), question(at(models[1]), ApiKey, "key-bad")]);
        assert_eq!(kinds(&other_values), [VerdictKind::Ok, VerdictKind::InvalidKey], "{models:?}");
        let one_value = lab.prober.ask(&models.map(|model| question(at(model), ApiKey, "key-good")));
        assert_eq!(kinds(&one_value), [VerdictKind::Ok; 2], "{models:?}");
    }
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
    let lab = Lab::with(Config::default(), |options| options.limits.concurrency = 3);
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

/// A gateway of its own words: `answer` gets the key and says status line and body.
fn gateway(answer: fn(&str) -> (&'static str, &'static str)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = vec![0; 8192];
            let read = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let line = request.lines().find(|line| line.to_lowercase().starts_with("authorization:"));
            let (status, body) =
                answer(line.and_then(|line| line.split_whitespace().last()).unwrap_or_default());
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n");
            let _sent = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    url
}

/// Asks a gateway about keys whose names say what they are.
fn ask_gateway<const N: usize>(
    keys: [&str; N],
    answer: fn(&str) -> (&'static str, &'static str),
) -> Vec<VerdictKind> {
    let lab = Lab::new();
    let endpoint = custom_at("openai-completions", gateway(answer), None);
    kinds(&lab.prober.ask(&keys.map(|key| question(endpoint.clone(), ApiKey, key))))
}

#[test]
fn a_refusal_without_words_kills_only_when_a_stranger_is_refused_just_so() {
    let said = ask_gateway(["key-good", "key-bad", "key-held"], |key| match key {
        "key-good" => ("200 OK", r#"{"data":[{"id":"m"}]}"#),
        "key-held" => ("401 Unauthorized", r#"{"detail":"Your workspace is under review"}"#),
        _ => ("401 Unauthorized", r#"{"detail":"Unauthorized"}"#),
    });
    assert_eq!(said, [VerdictKind::Ok, VerdictKind::InvalidKey, VerdictKind::Unknown]);
}

#[test]
fn a_forbidden_that_everybody_gets_kills_nobody() {
    let said = ask_gateway(["key-good", "key-bad"], |key| match key {
        "key-good" => ("200 OK", r#"{"data":[{"id":"m"}]}"#),
        _ => ("403 Forbidden", r#"{"detail":"Forbidden"}"#),
    });
    assert_eq!(said, [VerdictKind::Ok, VerdictKind::Unknown]);
}

#[test]
fn a_gateway_that_passes_on_its_own_broken_key_does_not_kill_the_agents() {
    let said = ask_gateway(["key-good", "key-bad", "key-behind"], |key| match key {
        "key-good" => ("200 OK", r#"{"data":[{"id":"m"}]}"#),
        "key-behind" => (
            "401 Unauthorized",
            r#"{"error":{"message":"Incorrect API key provided: sk-upstr****","type":"invalid_request_error","code":"invalid_api_key"}}"#,
        ),
        _ => (
            "401 Unauthorized",
            r#"{"error":{"message":"Authentication Error, Invalid proxy server token passed.","type":"token_not_found_in_db","code":"401"}}"#,
        ),
    });
    assert_eq!(said, [VerdictKind::Ok, VerdictKind::InvalidKey, VerdictKind::Unknown]);
}

#[test]
fn a_server_without_a_key_is_asked_as_the_program_asks_it_and_its_word_counts() {
    let bare = |endpoint: keyshoal_core::Endpoint| {
        let mut asked = question(endpoint, ApiKey, "");
        asked.ask.fingerprint = keyshoal_core::Fingerprint::NO_KEY;
        asked
    };
    for (path, model, asked) in [
        ("/v1", Some("mock-1"), vec!["/v1/models"]),
        ("/v1", None, vec!["/v1/models"]),
        // A list that anybody may read does not say whether a model answers.
        ("/public/v1", Some("mock-1"), vec!["/public/v1/models", "/public/v1/chat/completions"]),
    ] {
        let lab = Lab::new();
        let endpoint = custom_at("openai-completions", format!("{}{path}", lab.emulator.base_url()), model);
        let verdict = lab.ask(bare(endpoint));
        assert_eq!((verdict.kind, verdict.http_status), (VerdictKind::Missing, Some(401)), "{verdict:?}");
        assert!(verdict.advice.unwrap().contains("keyshoal set mock"));
        let log = lab.emulator.log();
        assert_eq!(log.iter().map(|row| row.path.as_str()).collect::<Vec<_>>(), asked);
        assert!(log.iter().all(|row| row.key.is_none()), "{log:?}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = custom_at("openai-completions", format!("http://{gone}/v1"), Some("mock-1"));
    assert_eq!(Lab::new().ask(bare(endpoint)).kind, VerdictKind::Connect, "silence is no refusal");
    let server = std::thread::spawn({
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = custom_at("openai-completions", format!("http://{address}/v1"), Some("mock-1"));
        let asked = bare(endpoint);
        move || {
            let ask = std::thread::spawn(move || Lab::new().ask(asked).kind);
            for body in [r#"{"data":[]}"#, r#"{"choices":[]}"#] {
                let (mut stream, _) = listener.accept().unwrap();
                let mut seen = [0; 2048];
                let _ = stream.read(&mut seen).unwrap();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
                write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
            ask.join().unwrap()
        }
    });
    assert_eq!(server.join().unwrap(), VerdictKind::Ok);
}
