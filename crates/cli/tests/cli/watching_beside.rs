//! A watch, and commands of people beside it: what a command is about to bring is no alarm, and is brought once.

use crate::stage::*;
use crate::watching::{start, told};
use crate::watching_a_vault::{KEY, give, store, taken_in, until};
use keyshoal_ledger::RunLock;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::net::UnixDatagram;
use std::process::Child;
use std::time::Duration;

/// A watch that has begun.
fn watching(stage: &Stage) -> Child {
    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let child = start(stage, &socket);
    told(&manager, "READY=1");
    told(&manager, "STATUS=all agents are as they should be");
    child
}

fn ended(child: Child) -> String {
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A command that has put a value into the vault and is about to bring it to the stores.
fn at_work(stage: &Stage) -> RunLock {
    let now = keyshoal_local::clock::now();
    let lock = RunLock::acquire(&stage.state_dir(), "credential", now, Duration::ZERO).unwrap();
    give(stage, KEY, GIVEN);
    lock
}

/// Longer than two rounds.
const ROUNDS: Duration = Duration::from_secs(12);

#[test]
fn what_a_command_is_about_to_bring_is_no_alarm_and_nobody_else_brings_it() {
    for policy in ["report", "repair"] {
        let stage = taken_in(policy);
        let child = watching(&stage);
        let lock = at_work(&stage);
        std::thread::sleep(ROUNDS);
        assert!(["main", "stocks"].iter().all(|agent| store(&stage, agent).contains(NEW)), "{policy}");
        for agent in ["main", "stocks"] {
            let path = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
            std::fs::write(path, store(&stage, agent).replace(NEW, GIVEN)).unwrap();
        }
        drop(lock);
        std::thread::sleep(ROUNDS);
        let said = ended(child);
        assert!(!said.contains('✗') && !said.contains("failed"), "{policy}: {said}");
        assert!(!said.contains("as they should be") && !said.contains("durable"), "{policy}: {said}");
    }
}

#[test]
fn what_a_command_has_left_is_told_or_brought_once_it_has_ended() {
    for policy in ["report", "repair"] {
        let stage = taken_in(policy);
        let child = watching(&stage);
        drop(at_work(&stage));
        let brought = || ["main", "stocks"].iter().all(|agent| store(&stage, agent).contains(GIVEN));
        match policy {
            "report" => std::thread::sleep(ROUNDS),
            _ => assert!(until(brought), "nobody brought it"),
        }
        let said = ended(child);
        assert!(said.contains("✗ stocks"), "{policy}: {said}");
        assert_eq!(brought(), policy == "repair");
    }
}

/// The first look after a change by another process goes by what the vault has now, whatever leads where.
#[test]
fn a_value_that_came_by_reference_is_known_at_the_first_look() {
    let stage = taken_in("report");
    let refs = stage.run(&["instance", "set", "--delivery", "refs", "--yes"]);
    assert_eq!(refs.code, 0, "{}{}", refs.out, refs.err);
    let child = watching(&stage);
    std::fs::write(stage.path("given"), GIVEN).unwrap();
    let key = stage.path("given");
    let set = stage.run(&["credential", "set", PROFILE, "--yes", "--from-file", key.to_str().unwrap()]);
    assert_eq!(set.code, 0, "{}{}", set.out, set.err);
    std::thread::sleep(ROUNDS);
    let said = ended(child);
    assert!(!said.contains('✗'), "{said}");
}
