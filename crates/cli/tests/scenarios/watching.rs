//! A watch that may repair: after the program's own command it puts the others right, and nobody runs anything.

use crate::stage::{NEW_KEY, Stage};
use keyshoal_testkit::instance::{AGENTS, KEPT_AGENT, KEPT_KEY, OLD_KEY, PROFILE, Seed};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Writes the policy of a watch.
fn policy(stage: &Stage, text: &str) {
    let keys = stage.instance.home().join(".config/keyshoal");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::fs::write(keys.join("keyshoal.toml"), text).unwrap();
}

fn a_watch_repairs(version: &str, seed: Seed) {
    let mut stage = Stage::open(version, seed);
    policy(&stage, "[watch]\npolicy = \"repair\"\n");
    // Whose key is deliberate is known before anything happens.
    assert_eq!(stage.keyshoal(&["keep", KEPT_AGENT, PROFILE]).code, Some(0));
    let life = stage.instance.gateway_life();

    let mut watch = stage.start(&stage.with_rights(&["watch"]), "");
    watch.until_it_says("watching");
    stage.rotate();
    stage.everyone_sends_in_time("watched", NEW_KEY, Duration::from_secs(90));
    assert_eq!(stage.instance.gateway_life(), life, "the gateway was restarted");
    watch.tell_to_stop();
    let watch = watch.end();
    assert_eq!(watch.code, Some(0), "{watch:?}");
    assert!(watch.out.contains("durable"), "it does not say what it did: {watch:?}");

    let documents = format!("{:?}", stage.documents());
    assert!(!documents.contains(OLD_KEY), "a stale copy is left: {documents}");
    assert!(documents.contains(KEPT_KEY), "the deliberate key is gone: {documents}");
    stage.seen("watch", "watched");
}

#[test]
fn a_watch_repairs_what_the_program_left_on_2026_3_28() {
    a_watch_repairs("2026.3.28", Seed::Token);
}

#[test]
fn a_watch_repairs_what_the_program_left_on_2026_9_6() {
    a_watch_repairs("2026.9.6", Seed::ApiKey);
}

/// Waits for a line on the page of metrics that begins so and does not end with 0.
fn measured(port: u16, beginning: &str) {
    // A turn of every agent is in it, which takes its time on a small machine.
    let end = Instant::now() + Duration::from_secs(300);
    loop {
        let mut page = String::new();
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
            stream.read_to_string(&mut page).unwrap();
        }
        if page.lines().any(|line| line.starts_with(beginning) && !line.ends_with(" 0")) {
            return;
        }
        assert!(Instant::now() < end, "{beginning} was never counted: {page}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What the gateway takes up is measured as a stage of its own, and each verification puts a prompt to every agent.
#[test]
fn a_watch_measures_the_activation_and_asks_through_the_gateway_on_2026_9_6() {
    let stage = Stage::open("2026.9.6", Seed::ApiKey);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    policy(
        &stage,
        &format!(
            "[watch]\npolicy = \"repair\"\n[verify]\nthrough_gateway = true\n[metrics]\nlisten = \"127.0.0.1:{port}\"\n"
        ),
    );
    assert_eq!(stage.keyshoal(&["keep", KEPT_AGENT, PROFILE]).code, Some(0));
    stage.provider.clear_log();
    let mut watch = stage.start(&stage.with_rights(&["watch"]), "");
    watch.until_it_says("metrics are at");
    measured(port, "keyshoal_last_verification_timestamp_seconds");
    // A turn sends what a question about a credential does not: the agent's own words.
    let turns = |key: &str| {
        let log = stage.provider.log().into_iter();
        log.filter(|row| {
            row.key.as_deref() == Some(key) && row.path.ends_with("/completions") && row.status == 200
        })
        .count()
    };
    assert_eq!(turns(OLD_KEY), AGENTS.len() - 1, "one turn of every agent that shares the key");
    assert_eq!(turns(KEPT_KEY), 1);
    stage.rotate();
    for passed in ["durable", "activated", "verified"] {
        measured(port, &format!("keyshoal_propagation_seconds_count{{stage=\"{passed}\"}}"));
    }
    assert_eq!(turns(NEW_KEY) % (AGENTS.len() - 1), 0, "again one of every agent");
    assert!(turns(NEW_KEY) > 0);
    watch.tell_to_stop();
    let watch = watch.end();
    assert_eq!(watch.code, Some(0), "{watch:?}");
}
