//! The emulator over plain sockets, as any client sees it.
#![expect(clippy::disallowed_methods, reason = "a test reads the file that the emulator wrote")]

use keyshoal_emulator::{Behaviour, Config, Dialect, Emulator, Recorded};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

fn connect(emulator: &Emulator) -> TcpStream {
    TcpStream::connect(("127.0.0.1", emulator.port())).expect("a connection")
}

fn send(emulator: &Emulator, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut stream = connect(emulator);
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n", emulator.port());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Reply { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

fn chat(emulator: &Emulator, key: &str, tag: &str, stream: bool) -> Reply {
    let body = json!({"model": "mock-1", "stream": stream, "messages": [
        {"role": "user", "content": "[[main:old]] hi"}, {"role": "user", "content": format!("[[stocks:{tag}]] say pong")}]});
    let key = format!("Bearer {key}");
    send(emulator, "POST", "/v1/chat/completions", &[("authorization", &key)], &body.to_string())
}

#[test]
fn it_says_pong_to_the_agent_and_remembers_who_asked() {
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    emulator.only_accept(&["key-a"]);
    assert_eq!(
        chat(&emulator, "key-a", "t1", false).json()["choices"][0]["message"]["content"],
        "pong stocks t1"
    );
    let refused = chat(&emulator, "key-b", "t2", true);
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["code"], "invalid_api_key");
    let log = emulator.log();
    let seen: Vec<_> = log
        .iter()
        .map(|row| (row.key.as_deref(), row.agent_tag.as_deref(), row.tag.as_deref(), row.stream, row.status))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("key-a"), Some("stocks"), Some("t1"), false, 200),
            (Some("key-b"), Some("stocks"), Some("t2"), true, 401)
        ]
    );
    assert_eq!(log[0].provider, Dialect::OpenAi);
    assert!(refused.head.contains(&format!("x-request-id: {}", log[1].request_id)));
    emulator.clear_log();
    assert!(emulator.log().is_empty());
}

#[test]
fn every_stream_ends_as_its_wire_format_wants() {
    let emulator =
        Emulator::start(Config { unknown_keys: Behaviour::Ok, ..Config::default() }).expect("an emulator");
    let body = r#"{"model":"m","stream":true,"input":"[[a:b]]","messages":[]}"#;
    for (path, ending) in [
        ("/v1/chat/completions", "data: [DONE]\n\n"),
        ("/v1/responses", "event: response.completed\n"),
        ("/v1/messages", "event: message_stop\n"),
        ("/gemini/v1beta/models/m:streamGenerateContent?alt=sse", "\"finishReason\":\"STOP\""),
    ] {
        let reply = send(&emulator, "POST", path, &[("x-api-key", "any")], body);
        assert_eq!(reply.status, 200, "{path}");
        assert!(reply.head.contains("content-type: text/event-stream"), "{path}");
        assert!(reply.body.contains(ending) && reply.body.contains("pong a b"), "{path}: {}", reply.body);
        for line in
            reply.body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|line| *line != "[DONE]")
        {
            let _event: Value = serde_json::from_str(line).expect("every event is JSON");
        }
    }
    assert!(emulator.log().iter().all(|row| row.stream));
}

#[test]
fn the_path_chooses_the_provider_and_keys_are_found_wherever_they_are() {
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    emulator.accept("k%2");
    for (path, headers, provider) in [
        ("/openai/v1/models", vec![("authorization", "bearer k%2")], Dialect::OpenAi),
        ("/v1/models", vec![("authorization", "Bearer k%2")], Dialect::OpenAi),
        ("/v1/models", vec![("x-api-key", "k%2")], Dialect::Anthropic),
        (
            "/tenant/v1/models",
            vec![("authorization", "Bearer k%2"), ("anthropic-version", "1")],
            Dialect::Anthropic,
        ),
        ("/v1beta/models?pageSize=1&key=k%252", vec![], Dialect::Gemini),
        ("/gemini/v1beta/models", vec![("x-goog-api-key", "k%2")], Dialect::Gemini),
        ("/api/v1/key", vec![("authorization", "Bearer k%2")], Dialect::OpenRouter),
        ("/chatgpt/backend-api/wham/usage", vec![("authorization", "Bearer k%2")], Dialect::Codex),
        ("/ollama/api/tags", vec![("authorization", "Bearer k%2")], Dialect::Ollama),
    ] {
        emulator.clear_log();
        let reply = send(&emulator, "GET", path, &headers, "");
        let row = emulator.log().pop().expect("a row");
        assert_eq!((row.provider, row.key.as_deref(), reply.status), (provider, Some("k%2"), 200), "{path}");
    }
    for path in ["/public/v1/models", "/openrouter/api/v1/models", "/ollama/api/tags"] {
        assert_eq!(send(&emulator, "GET", path, &[], "").status, 200, "{path} needs no key");
    }
    for path in [
        "/openai/v1/models",
        "/anthropic/v1/models",
        "/gemini/v1beta/models",
        "/openrouter/api/v1/key",
        "/chatgpt/backend-api/wham/usage",
    ] {
        assert!(send(&emulator, "GET", path, &[], "").status >= 400, "{path} needs one");
    }
}

#[test]
fn it_can_be_steered_and_read_over_http() {
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    let orders =
        r#"{"only_accept":["new"],"reject":{"slow":{"rate_limited":{"retry_after":9}},"gone":"revoked"}}"#;
    assert_eq!(send(&emulator, "POST", "/__ctl", &[], orders).status, 200);
    let slow = chat(&emulator, "slow", "t", false);
    assert!(slow.status == 429 && slow.head.contains("retry-after: 9"), "{}", slow.head);
    assert_eq!(
        [chat(&emulator, "new", "t", false).status, chat(&emulator, "gone", "t", false).status],
        [200, 401]
    );
    send(&emulator, "POST", "/__ctl", &[], r#"{"everyone":"server_error"}"#);
    assert_eq!(chat(&emulator, "new", "t", false).status, 500);
    send(&emulator, "POST", "/__ctl", &[], r#"{"everyone":null}"#);
    assert_eq!(chat(&emulator, "new", "t", false).status, 200);
    let rows: Vec<Recorded> =
        serde_json::from_str(&send(&emulator, "GET", "/__log", &[], "").body).expect("rows");
    assert_eq!(rows, emulator.log());
    assert_eq!(
        send(&emulator, "POST", "/__ctl", &[], r#"{"acept":[]}"#).status,
        400,
        "a typing mistake is no order"
    );
    send(&emulator, "DELETE", "/__log", &[], "");
    assert!(emulator.log().is_empty());
    let shut = Emulator::start(Config { control: false, ..Config::default() }).expect("an emulator");
    assert_ne!(send(&shut, "GET", "/__log", &[], "").status, 200);
}

#[test]
fn it_breaks_as_networks_and_servers_do() {
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    let answered = |behaviour: Behaviour| {
        emulator.reject("k", behaviour);
        let mut stream = connect(&emulator);
        stream
            .write_all(
                b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer k\r\n\r\n",
            )
            .expect("sent");
        let patience = Duration::from_millis(if behaviour == Behaviour::Drip { 500 } else { 10_000 });
        let begun = Instant::now();
        let (mut answer, mut part) = (Vec::new(), vec![0; 64 << 10]);
        let mut ended = false;
        while !ended && begun.elapsed() < patience {
            let read = stream.read(&mut part).expect("bytes or an end");
            answer.extend_from_slice(&part[..read]);
            ended = read == 0;
        }
        (ended, String::from_utf8_lossy(&answer).into_owned())
    };
    let (ended, throttled) = answered(Behaviour::Throttled);
    assert!(
        ended && throttled.contains(" 429 ") && !throttled.to_lowercase().contains("retry-after"),
        "{throttled}"
    );
    let (_, wrong) = answered(Behaviour::WrongType);
    assert!(wrong.contains(" 200 ") && wrong.contains("text/html") && wrong.contains("\"data\""), "{wrong}");
    let (ended, drops) = answered(Behaviour::Drip);
    assert!(!ended && drops.contains(" 200 ") && drops.ends_with(" \r\n"), "{drops}");
    let (_, torn) = answered(Behaviour::CutOff);
    assert!(!torn.ends_with("0\r\n\r\n"), "the last chunk never comes: {torn}");
    let (ended, flood) = answered(Behaviour::Flood { megabytes: 3 });
    assert!(ended && flood.len() > 3_000_000 && flood.ends_with("0\r\n\r\n"));
}

#[test]
fn a_refresh_token_works_once() {
    let emulator = Emulator::start(Config::default()).expect("an emulator");
    emulator.issue_refresh_token("rt/1");
    let refresh = |body: &str| send(&emulator, "POST", "/oauth/token", &[], body);
    let first = refresh("grant_type=refresh_token&refresh_token=rt%2F1");
    assert_eq!(first.status, 200);
    let access = first.json()["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(chat(&emulator, &access, "t", false).status, 200, "the new token is accepted");
    let again = refresh(r#"{"refresh_token":"rt/1"}"#);
    assert_eq!((again.status, again.json()["error"]["code"].as_str()), (401, Some("refresh_token_reused")));
    assert_eq!(refresh("refresh_token=never").json()["error"], "invalid_grant");
    let next = first.json()["refresh_token"].as_str().expect("the next one").to_owned();
    assert_eq!(refresh(&format!("refresh_token={next}")).status, 200);
}

#[test]
fn the_log_file_holds_every_row_and_is_never_shortened() {
    let path = std::env::temp_dir().join(format!("keyshoal-emulator-{}.jsonl", std::process::id()));
    for run in 0..2 {
        let config = Config { log_file: Some(path.clone()), ..Config::default() };
        let emulator = Emulator::start(config).expect("an emulator");
        chat(&emulator, &format!("key-{run}"), "t", false);
        emulator.clear_log();
    }
    let text = std::fs::read_to_string(&path).expect("the log");
    let keys: Vec<_> =
        text.lines().map(|line| serde_json::from_str::<Recorded>(line).expect("a row").key).collect();
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(keys, [Some("key-0".to_owned()), Some("key-1".to_owned())]);
}

#[test]
fn dropping_it_frees_the_port_even_while_clients_hang() {
    let emulator =
        Emulator::start(Config { unknown_keys: Behaviour::Hang, ..Config::default() }).expect("an emulator");
    let port = emulator.port();
    let mut hanging = connect(&emulator);
    hanging
        .write_all(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n\r\n")
        .expect("sent");
    let _idle = connect(&emulator);
    while emulator.log().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(emulator.log()[0].status, 0);
    drop(emulator);
    let again = Emulator::start(Config { port, ..Config::default() }).expect("the port is free");
    assert_eq!(again.port(), port);
}
