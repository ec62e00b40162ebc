//! Messages against a real HTTP server on loopback.

#![expect(clippy::unwrap_used, reason = "a test says by panicking what does not hold")]
#![expect(clippy::disallowed_methods, reason = "a test looks at the files that were made")]

use jiff::tz::TimeZone;
use keyshoal_alerts::*;
use keyshoal_core::{Alarm, Condition, ConditionId, Nature, Secret, Timestamp, Topic, Turned};
use serde_json::Value;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the server was sent.
#[derive(Clone, Debug)]
struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server that answers as told, then with 200.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut answers: VecDeque<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    continue;
                }
                let mut headers = Vec::new();
                loop {
                    let mut header = String::new();
                    reader.read_line(&mut header).unwrap();
                    let Some((name, value)) = header.trim_end().split_once(':') else { break };
                    headers.push((name.to_owned(), value.trim().to_owned()));
                }
                let request = Request { line: line.trim_end().to_owned(), headers, body: String::new() };
                let length =
                    request.header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                kept.lock().unwrap().push(Request { body: String::from_utf8(body).unwrap(), ..request });
                let answer = answers.pop_front().unwrap_or_else(|| "200 OK\r\n\r\nok".to_owned());
                let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    fn at(&self, path: &str) -> Address {
        Address::new(&Secret::new(format!("{}{path}", self.address))).unwrap()
    }

    fn waits_for(&self, count: usize) -> Vec<Request> {
        let end = Instant::now() + Duration::from_secs(30);
        while self.seen().len() < count {
            assert!(Instant::now() < end, "{count} requests never came: {:?}", self.seen());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.seen()
    }
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn message() -> Message {
    let id = ConditionId {
        agent: Some("stocks".into()),
        provider: Some("acme".into()),
        profile: Some("acme:default".into()),
        ..ConditionId::of(Topic::Rejected)
    };
    let condition = Condition {
        id,
        nature: Nature::Lasting,
        message: "stocks: <acme> does not accept /home/me/x & sk-ant-api03-5f0c8e1db2a94c77".to_owned(),
        fix: Some("keyshoal verify --agent stocks".to_owned()),
    };
    let alarm = Alarm { turned: Turned::Raised, condition, since: now() };
    let about = About { id: Some("i1".to_owned()), state_dir: Some("/home/me/.openclaw".to_owned()) };
    Message::new(&[alarm], &about, &Scrub::new([Path::new("/home/me")]), now())
}

fn send(kind: &Kind) -> Result<String, Failure> {
    Sender::new(kind, &[]).unwrap().send(&message(), now())
}

#[test]
fn a_webhook_gets_the_document_and_a_signature_that_holds() {
    let server = Server::start(&[]);
    let secret = Secret::new("hook-secret");
    let kind = Kind::Webhook { url: server.at("/hook?x=1"), secret: Some(secret.clone()) };
    assert_eq!(send(&kind), Ok("HTTP 200".to_owned()));
    let [request] = &server.seen()[..] else { panic!() };
    assert_eq!(request.line, "POST /hook?x=1 HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header(HEADER), Some(signature(&secret, now(), &request.body).as_str()));
    let document = request.json();
    assert_eq!(document["schema"], "keyshoal.alert.v1");
    assert_eq!(document["urgent"], true);
    assert_eq!(document["instance"]["state_dir"], "~/.openclaw");
    assert_eq!(document["conditions"][0]["id"], "rejected/stocks/acme/acme:default");
    assert_eq!(document["conditions"][0]["state"], "raised");
}

#[test]
fn slack_telegram_and_ntfy_get_what_they_take() {
    let server = Server::start(&[]);
    send(&Kind::Slack { url: server.at("/services/T/B/x") }).unwrap();
    let token = Secret::new("123:bot-token");
    send(&Kind::Telegram { server: server.at(""), token, chat: "-100".to_owned() }).unwrap();
    let token = Some(Secret::new("tk_topic-token"));
    send(&Kind::Ntfy { url: server.at("/topic"), token }).unwrap();
    let [slack, telegram, ntfy] = &server.seen()[..] else { panic!() };
    let text = slack.json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("&lt;acme&gt;") && text.contains("&amp;") && text.contains("stocks"), "{text}");
    assert_eq!(telegram.line, "POST /bot123:bot-token/sendMessage HTTP/1.1");
    assert_eq!(telegram.json()["chat_id"], "-100");
    assert_eq!(ntfy.line, "POST /topic HTTP/1.1");
    assert_eq!(ntfy.header("title"), Some("Keyshoal: 1 needs attention"));
    assert_eq!((ntfy.header("priority"), ntfy.header("tags")), (Some("high"), Some("rotating_light")));
    assert_eq!(ntfy.header("authorization"), Some("Bearer tk_topic-token"));
    for request in [slack, telegram, ntfy] {
        assert!(!request.body.contains("/home/me") && !request.body.contains("5f0c8e1d"), "{}", request.body);
    }
}

#[test]
fn a_redirect_is_not_followed_and_failures_name_nothing_secret() {
    let elsewhere = Server::start(&[]);
    let server = Server::start(&[
        &format!("302 Found\r\nLocation: {}/steal\r\n\r\n", elsewhere.address),
        "401 Unauthorized\r\n\r\nno bot 123:bot-token here",
        "500 Oops\r\n\r\n",
    ]);
    let token = Secret::new("123:bot-token");
    let kind = Kind::Telegram { server: server.at(""), token, chat: "1".to_owned() };
    let redirected = send(&kind).unwrap_err();
    assert!(!redirected.again && redirected.reason.contains("not followed"), "{redirected:?}");
    assert!(elsewhere.seen().is_empty());
    let refused = send(&kind).unwrap_err();
    assert!(!refused.again && refused.reason == "HTTP 401: no bot … here", "{refused:?}");
    assert!(send(&kind).unwrap_err().again);
    let nowhere = Address::new(&Secret::new("http://127.0.0.1:1/s3cret")).unwrap();
    let failure = send(&Kind::Slack { url: nowhere }).unwrap_err();
    assert!(failure.again && !failure.reason.contains("s3cret"), "{failure:?}");
}

struct Opened {
    desk: Desk,
    letters: DeadLetters,
    heard: Arc<Mutex<Vec<Delivery>>>,
    dir: tempfile::TempDir,
}

fn open(targets: Vec<Target>) -> Opened {
    open_in(tempfile::tempdir().unwrap(), targets)
}

fn open_in(dir: tempfile::TempDir, targets: Vec<Target>) -> Opened {
    let letters = DeadLetters::new(dir.path().join("dead-letters"));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heard);
    let desk = Desk::open(
        targets,
        &DeskOptions {
            retry: Retry { tries: 3, first: Duration::from_millis(20), longest: Duration::from_millis(100) },
            zone: TimeZone::UTC,
            variables: Vec::new(),
            dead_letters: letters.clone(),
            waiting: Some(Waiting::new(dir.path().join("waiting"), "i1")),
            heard: Arc::new(move |delivery| kept.lock().unwrap().push(delivery.clone())),
        },
    );
    Opened { desk, letters, heard, dir }
}

fn target(name: &str, kind: Kind) -> Target {
    Target { name: name.to_owned(), kind, quiet: None, urgent_too: false, per_hour: 0 }
}

#[test]
fn what_fails_is_tried_again_with_the_same_name_and_at_last_is_a_dead_letter() {
    let down = "503 Down\r\n\r\n";
    let server = Server::start(&[down, "429 Slow\r\nRetry-After: 3600\r\n\r\n"]);
    let dead = Server::start(&[down, down, down, down]);
    let secret = Some(Secret::new("s"));
    let opened = open(vec![
        target("well", Kind::Webhook { url: server.at("/"), secret: secret.clone() }),
        target("ill", Kind::Webhook { url: dead.at("/hook-path-s3cret"), secret }),
    ]);
    opened.desk.tell(&message());
    let seen = server.waits_for(3);
    assert!(
        seen.iter().all(|request| request.json()["id"] == seen[0].json()["id"]),
        "it can be told that it is one"
    );
    dead.waits_for(3);
    opened.desk.close(Duration::from_secs(5));
    assert_eq!((server.seen().len(), dead.seen().len()), (3, 3));
    let mut heard = opened.heard.lock().unwrap().clone();
    heard.sort_by(|one, other| one.alert.cmp(&other.alert));
    assert_eq!(heard[1].failed, None);
    assert_eq!((heard[0].alert.as_str(), heard[0].failed.as_deref()), ("ill", Some("HTTP 503")));
    let letter = std::fs::read_dir(opened.letters.dir()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(letter).unwrap();
    assert!(text.contains("HTTP 503") && !text.contains("s3cret") && !text.contains("/home/me"), "{text}");
    assert_eq!(opened.letters.count(), 1);
}

#[test]
fn what_is_held_back_when_a_watch_ends_comes_with_the_next_one_and_never_twice() {
    let server = Server::start(&[]);
    let few = || Target { per_hour: 1, ..target("few", Kind::Slack { url: server.at("/") }) };
    let mut opened = open(vec![few()]);
    for _ in 0..3 {
        opened.desk.tell(&message());
    }
    server.waits_for(1);
    for round in [2, 2] {
        opened.desk.close(Duration::from_secs(5));
        assert_eq!(opened.letters.count(), 0, "it waits");
        opened = open_in(opened.dir, vec![few()]);
        server.waits_for(round);
    }
    opened.desk.close(Duration::from_secs(5));
    assert_eq!((server.seen().len(), opened.letters.count()), (2, 0));
}

#[test]
fn who_hangs_holds_up_nobody_and_what_is_left_at_the_end_is_not_lost() {
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", hangs.local_addr().unwrap());
    let server = Server::start(&[]);
    let opened = open(vec![
        target("hangs", Kind::Slack { url: Address::new(&Secret::new(address)).unwrap() }),
        target("well", Kind::Slack { url: server.at("/") }),
    ]);
    for _ in 0..3 {
        opened.desk.tell(&message());
    }
    server.waits_for(3);
    let began = Instant::now();
    opened.desk.close(Duration::ZERO);
    assert!(began.elapsed() < Duration::from_secs(20), "it has an end");
    assert_eq!(opened.letters.count(), 3);
}

#[test]
fn a_command_of_the_persons_own_gets_the_document() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("told");
    let opened =
        open(vec![target("mine", Kind::Command { command: format!("/bin/cat > '{}'", file.display()) })]);
    opened.desk.tell(&message());
    opened.desk.close(Duration::from_secs(20));
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(document["schema"], "keyshoal.alert.v1");
}
