//! Alarms of a watch, against a real server on loopback; and `keyshoal alerts`.

use crate::stage::*;
use keyshoal_core::Layout;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const HOOK: &str = "hook-path-seeded-41c07d";
const BOT: &str = "987654:bot-token-seeded-b7aa";
const SIGNS: &str = "sign-seeded-5510ee";

/// An addressee that takes everything.
struct Addressee {
    address: String,
    told: Arc<Mutex<Vec<(String, String)>>>,
}

impl Addressee {
    /// Begins to listen; each request's head and body are kept.
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                        break;
                    }
                    let lower = line.to_ascii_lowercase();
                    if let Some(value) = lower.strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                kept.lock().unwrap().push((head, String::from_utf8(body).unwrap()));
                let _ =
                    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            }
        });
        Self { address, told }
    }

    fn told(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap().clone()
    }

    /// Waits for a document about this condition.
    fn hears(&self, state: &str, id: &str) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            for (_, body) in self.told() {
                let document: Value = serde_json::from_str(&body).unwrap();
                let found = document["conditions"].as_array().into_iter().flatten();
                if found.into_iter().any(|one| one["state"] == state && one["id"] == id) {
                    return document;
                }
            }
            assert!(Instant::now() < end, "{state} {id} was never told: {:?}", self.told());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn policy(stage: &Stage, text: &str) {
    let path = stage.path(".config/keyshoal");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("keyshoal.toml"), text).unwrap();
    std::fs::write(path.join("hook.url"), "").unwrap();
}

/// A watch that does not outlive its test.
struct Running(Option<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn watch(stage: &Stage) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .env("PATH", "/usr/bin:/bin")
        .arg("--state-dir")
        .arg(stage.state_dir())
        .args(["--json", "watch"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Running(Some(child))
}

fn end(mut child: Running) -> (String, String) {
    let child = child.0.take().unwrap();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    (out, err)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn metrics(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

fn clean(stage: &Stage, texts: &[String]) {
    let home = stage.path("");
    let home = home.to_str().unwrap().trim_end_matches('/');
    for text in texts {
        for secret in SECRETS.iter().chain(&[HOOK, BOT, SIGNS]) {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        assert!(!text.contains(home), "the home is in {text}");
    }
}

#[test]
fn a_key_that_dies_is_told_once_and_so_is_its_recovery() {
    let stage = Stage::calm(Layout::JsonFile);
    let ops = Addressee::start("200 OK");
    let port = free_port();
    let told = stage.path("told.json");
    policy(
        &stage,
        &format!(
            "[watch]\nevery_seconds = 1\n[[alert]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"{}/{HOOK}\"\nsecret = \"{SIGNS}\"\n\
             [[alert]]\nkind = \"command\"\ncommand = \"cat > {}\"\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n",
            ops.address,
            told.display()
        ),
    );
    // The key is rejected from the beginning: the first verification sees it.
    stage.emulator.only_accept(&[GIVEN]);
    let child = watch(&stage);
    let document = ops.hears("raised", &format!("source_rejected/main/anthropic/{PROFILE}"));
    assert_eq!(document["schema"], "keyshoal.alert.v1");
    assert_eq!(document["instance"]["state_dir"], "~/state");
    let described = include_str!("../../../../docs/documents.md");
    let keys = document.as_object().unwrap().keys();
    for key in
        keys.chain(document["conditions"][0].as_object().unwrap().keys()).filter(|key| *key != "schema")
    {
        assert!(described.contains(&format!("`{key}`")), "docs/documents.md says nothing of {key}");
    }
    let page = metrics(port).unwrap();
    for line in [
        "keyshoal_agents 2",
        "keyshoal_findings{finding=\"source_rejected\"} 1",
        "keyshoal_credential_accepted{agent=\"main\",provider=\"anthropic\"} 0",
        "keyshoal_verdicts_total{provider=\"anthropic\",verdict=\"invalid_key\"} 1",
        "keyshoal_alarms_active{nature=\"lasting\"} 2",
    ] {
        assert!(page.lines().any(|one| one == line), "{line}: {page}");
    }
    // A person gives another key, as OpenClaw itself would write it.
    let store = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    let text = std::fs::read_to_string(&store).unwrap();
    std::fs::write(&store, text.replace(NEW, GIVEN)).unwrap();
    ops.hears("recovered", &format!("source_rejected/main/anthropic/{PROFILE}"));
    let (out, err) = end(child);
    let all = ops.told();
    let count =
        |state: &str| all.iter().filter(|(_, body)| body.contains(&format!("\"state\":\"{state}\""))).count();
    assert_eq!((count("raised"), count("recovered")), (1, 1), "{all:?}");
    let bodies: Vec<String> = all.iter().map(|(_, body)| body.clone()).collect();
    clean(&stage, &bodies);
    clean(&stage, &[page, std::fs::read_to_string(told).unwrap()]);
    assert!(all.iter().all(|(head, _)| head.to_ascii_lowercase().contains("x-keyshoal-signature: t=")));
    for secret in SECRETS.iter().chain(&[HOOK, SIGNS]) {
        assert!(!out.contains(secret) && !err.contains(secret), "{secret}: {out}{err}");
    }
    let lines: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        lines.iter().any(|line| line["event"] == "alarm" && line["alarms"][0]["state"] == "raised"),
        "{out}"
    );
    assert!(err.contains("readable by others"), "the secret stands in a file for all: {err}");
}

#[test]
fn a_new_start_tells_nothing_twice_and_what_nobody_hears_is_a_dead_letter() {
    let stage = Stage::drifted(Layout::JsonFile);
    let deaf = Addressee::start("404 Not Found");
    let ops = Addressee::start("200 OK");
    policy(
        &stage,
        &format!(
            "[[alert]]\nname = \"deaf\"\nkind = \"slack\"\nurl = \"{}/{HOOK}\"\n[[alert]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"{}/\"\n",
            deaf.address, ops.address
        ),
    );
    let id = format!("stale/stocks/anthropic/{PROFILE}");
    let child = watch(&stage);
    ops.hears("raised", &id);
    let (_, err) = end(child);
    let raised = ops.told().len();
    assert!(err.contains("\"deaf\" was not told: HTTP 404"), "{err}");
    let letters = stage.path(".config/keyshoal/dead-letters");
    let letter = std::fs::read_dir(&letters).unwrap().next().unwrap().unwrap().path();
    let letter = std::fs::read_to_string(letter).unwrap();
    assert!(letter.contains("keyshoal.dead_letter.v1") && letter.contains(&id), "{letter}");
    clean(&stage, &[letter]);
    // Again, and this time it is mended before the watch begins.
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    let child = watch(&stage);
    ops.hears("recovered", &id);
    end(child);
    let again: Vec<String> = ops.told().split_off(raised).into_iter().map(|(_, body)| body).collect();
    assert!(again.iter().all(|body| !body.contains("\"state\":\"raised\"")), "{again:?}");
}

#[test]
fn rounds_of_a_timer_verify_and_tell_once_what_lasts_and_later_what_may_pass() {
    let stage = Stage::calm(Layout::JsonFile);
    let ops = Addressee::start("200 OK");
    policy(&stage, &format!("[[alert]]\nkind = \"webhook\"\nurl = \"{}/\"\n", ops.address));
    let round = |code: i32| {
        let run = stage.run(&["watch", "--once"]);
        assert_eq!(run.code, code, "{}{}", run.out, run.err);
        ops.told().len()
    };
    assert_eq!(round(0), 0, "all is well");
    // What may pass is told of when three rounds in a row have seen it.
    stage.emulator.reject(NEW, keyshoal_emulator::Behaviour::ServerError);
    assert_eq!([round(2), round(2), round(2), round(2)], [0, 0, 1, 1]);
    ops.hears("raised", "unreachable/-/anthropic/-");
    stage.emulator.accept(NEW);
    assert_eq!([round(0), round(0)], [2, 2]);
    ops.hears("recovered", "unreachable/-/anthropic/-");
    // What lasts is told of at once.
    stage.emulator.only_accept(&[GIVEN]);
    assert_eq!([round(2), round(2)], [3, 3]);
    ops.hears("raised", &format!("source_rejected/main/anthropic/{PROFILE}"));
}

#[test]
fn a_test_says_what_each_answered_and_shows_no_secret() {
    let stage = Stage::calm(Layout::JsonFile);
    assert_eq!(stage.run(&["alerts", "list"]).code, 0, "nobody is no fault");
    let (well, ill) = (Addressee::start("200 OK"), Addressee::start("403 Forbidden"));
    policy(
        &stage,
        &format!(
            "[[alert]]\nname = \"ops\"\nkind = \"webhook\"\nurl_file = \"{}\"\nsecret = \"{SIGNS}\"\nquiet = \"00:00-23:59\"\nurgent_too = true\n\
             [[alert]]\nkind = \"telegram\"\ntoken = \"{BOT}\"\nchat = 7\nserver = \"{}\"\n\
             [[alert]]\nkind = \"ntfy\"\nurl_file = \"/nowhere/at/all\"\n",
            stage.path(".config/keyshoal/hook.url").display(),
            ill.address
        ),
    );
    std::fs::write(stage.path(".config/keyshoal/hook.url"), format!("{}/{HOOK}\n", well.address)).unwrap();
    for json in [false, true] {
        for command in [&["alerts", "list"] as &[&str], &["alerts", "test"], &["alerts", "test", "ops"]] {
            let run = if json { stage.run(&[command, &["--json"]].concat()) } else { stage.run(command) };
            let all = format!("{}{}", run.out, run.err);
            for secret in [HOOK, BOT, SIGNS] {
                assert!(!all.contains(secret), "{command:?}: {all}");
            }
            assert_eq!(run.code, if command.len() == 3 { 0 } else { 2 }, "{command:?}: {all}");
        }
    }
    let document = stage.run(&["alerts", "test", "--json"]).json();
    assert_eq!(document["schema"], "keyshoal.alerts.v1");
    let said =
        |at: usize| (document["alerts"][at]["state"].as_str(), document["alerts"][at]["reason"].as_str());
    assert_eq!(said(0), (Some("arrived"), Some("HTTP 200")), "quiet hours do not count");
    assert_eq!(said(1), (Some("failed"), Some("HTTP 403: ok")));
    assert_eq!(said(2).0, Some("unusable"));
    let (head, body) = well.told().pop().unwrap();
    assert!(head.contains(HOOK) && body.contains("\"test\":true"), "{head}{body}");
    assert_eq!(stage.run(&["alerts", "test", "nobody"]).code, 1);
}

/// Waits for a line on the page of metrics that begins so and does not end with 0.
fn measures(port: u16, beginning: &str) -> String {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let page = metrics(port).unwrap_or_default();
        let counted = |line: &str| line.starts_with(beginning) && !line.ends_with(" 0");
        if page.lines().any(counted) {
            return page;
        }
        assert!(Instant::now() < end, "{beginning} was never counted: {page}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_rotation_that_the_watch_carries_on_is_measured_and_no_alarm() {
    let stage = Stage::drifted(Layout::JsonWithState);
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    let ops = Addressee::start("200 OK");
    let port = free_port();
    policy(
        &stage,
        &format!(
            "[watch]\npolicy = \"repair\"\n[[alert]]\nkind = \"webhook\"\nurl = \"{}/\"\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n",
            ops.address
        ),
    );
    let child = watch(&stage);
    measures(port, "keyshoal_last_verification_timestamp_seconds");
    let store = stage.state_dir().join("agents/main/agent/auth-profiles.json");
    let text = std::fs::read_to_string(&store).unwrap();
    std::fs::write(&store, text.replace(NEW, GIVEN)).unwrap();
    measures(port, "keyshoal_propagation_seconds_count{stage=\"durable\"}");
    let page = measures(port, "keyshoal_propagation_seconds_count{stage=\"verified\"}");
    for beginning in [
        "keyshoal_runs_total{result=\"",
        "keyshoal_credential_accepted{agent=\"stocks\",provider=\"anthropic\"} 1",
        "keyshoal_credential_generation_age_seconds{agent=\"stocks\",profile=\"anthropic:default\"}",
        "keyshoal_credential_expiry_timestamp_seconds{agent=\"main\",profile=\"openai-codex:me\"} 4000000000",
        "keyshoal_findings{finding=\"stale\"} 0",
        "keyshoal_provider_answer_seconds_bucket{provider=\"anthropic\",le=\"+Inf\"}",
    ] {
        assert!(page.lines().any(|line| line.starts_with(beginning)), "{beginning}: {page}");
    }
    end(child);
    clean(&stage, &[page]);
    let told = ops.told();
    assert!(told.iter().all(|(_, body)| !body.contains("stale/stocks")), "{told:?}");
}
