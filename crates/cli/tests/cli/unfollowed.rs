//! References that the gateway which runs could not follow before its next start.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;

const REFS: [&str; 6] = ["instance", "set", "--delivery", "refs", "--yes", "--offline"];

fn vaulted(layout: Layout) -> Stage {
    let stage = Stage::calm(layout);
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    assert_eq!(stage.run(&["instance", "add", "--yes", "--offline"]).code, 0);
    stage
}

/// Gives the gateway's part of the config a value.
fn configure(stage: &Stage, key: &str, value: Value) {
    let path = stage.state_dir().join("openclaw.json");
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    config["gateway"][key] = value;
    fs::write(&path, config.to_string()).unwrap();
}

/// Something that listens where the gateway would.
fn listening(stage: &Stage) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    configure(stage, "port", json!(listener.local_addr().unwrap().port()));
    let taken = listener.try_clone().unwrap();
    std::thread::spawn(move || taken.incoming().for_each(drop));
    listener
}

fn is_refused(stage: &Stage, why: &str) {
    let run = stage.run(&REFS);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    for said in
        [why, "takes up a file of secrets that its config names only when it starts", "--activate restart"]
    {
        assert!(run.err.contains(said), "{said}: {}", run.err);
    }
    assert!(!stage.state_dir().join(".keyshoal/delivered").exists());
    let show = stage.run(&["instance", "show", "--json"]);
    assert!(show.out.contains(r#""delivery": "inline""#), "the vault took it: {}", show.out);
}

#[test]
fn no_store_refers_to_a_file_that_a_running_gateway_does_not_take_up() {
    let stage = vaulted(Layout::AgentSqlite);
    let gateway = listening(&stage);
    is_refused(&stage, "OpenClaw 2026.6.11");
    // Where none runs, the next one reads what stands there when it starts.
    configure(&stage, "port", json!(1));
    let run = stage.run(&REFS);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    drop(gateway);
}

#[test]
fn nor_where_the_config_says_that_nothing_is_taken_up() {
    let stage = vaulted(Layout::SharedRow);
    let gateway = listening(&stage);
    configure(&stage, "reload", json!({ "mode": "off" }));
    is_refused(&stage, "with gateway.reload.mode off");
    drop(gateway);
}
