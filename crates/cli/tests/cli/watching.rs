//! A watch as a service: it says that it is ready, repairs what changes, and ends when it is told to.

use crate::stage::*;
use keyshoal_core::Layout;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub fn start(stage: &Stage, socket: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .env("NOTIFY_SOCKET", socket)
        .arg("--state-dir")
        .arg(stage.state_dir())
        .arg("watch")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until the service manager was told this.
pub fn told(manager: &UnixDatagram, word: &str) {
    let mut bytes = [0; 512];
    loop {
        let count = manager.recv(&mut bytes).unwrap_or_else(|error| panic!("{word} was never said: {error}"));
        if String::from_utf8_lossy(&bytes[..count]).contains(word) {
            return;
        }
    }
}

/// Waits until a store holds this.
fn holds(stage: &Stage, agent: &str, value: &str) -> bool {
    let store = stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while std::time::Instant::now() < deadline {
        if std::fs::read_to_string(&store).unwrap().contains(value) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn a_changed_policy_counts_without_a_new_start() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(stage.run(&["watch", "install-service", "--policy", "report"]).code, 0);
    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let child = start(&stage, &socket);
    told(&manager, "READY=1");
    let policy = stage.path(".config/keyshoal/keyshoal.toml");
    std::fs::write(&policy, "[watch]\npolicy = \"hope\"\n").unwrap();
    told(&manager, "READY=1");
    std::fs::write(&policy, "[watch]\npolicy = \"repair\"\n").unwrap();
    let repaired = holds(&stage, "stocks", NEW);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(repaired, "{err}");
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(err.contains("hope") && err.contains("nothing is repaired"), "{err}");
}

#[test]
fn a_unit_names_what_only_this_shell_knows() {
    let stage = Stage::calm(Layout::JsonFile);
    let named = stage.path("elsewhere");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .env("OPENCLAW_STATE_DIR", stage.state_dir())
        .env("XDG_CONFIG_HOME", &named)
        .current_dir(stage.path(""))
        .args(["--config", "state/openclaw.json", "--allow-device", "watch", "install-service", "--print"])
        .output()
        .unwrap();
    let unit = String::from_utf8_lossy(&output.stdout).into_owned();
    let path = |path: std::path::PathBuf| path.display().to_string();
    for option in [
        format!("--state-dir \"{}\"", path(stage.state_dir())),
        format!("--config \"{}\"", path(stage.state_dir().join("openclaw.json"))),
        format!("--keys-dir \"{}\"", path(named.join("keyshoal"))),
        "--allow-device watch".to_owned(),
    ] {
        assert!(unit.contains(&option), "{option} is not in {unit}");
    }
}

#[test]
fn a_service_repairs_what_a_rotation_leaves_behind() {
    for layout in [Layout::JsonFile, Layout::JsonWithState] {
        let stage = Stage::drifted(layout);
        assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
        assert_eq!(stage.run(&["watch", "install-service", "--policy", "repair"]).code, 0);
        let socket = stage.path("notify");
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let child = start(&stage, &socket);
        told(&manager, "READY=1");
        let store = |agent: &str| stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json"));
        // As the program writes: in place, into one agent's store.
        let text = std::fs::read_to_string(store("main")).unwrap();
        std::fs::write(store("main"), text.replace(NEW, GIVEN)).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while !std::fs::read_to_string(store("stocks")).unwrap().contains(GIVEN) {
            if std::time::Instant::now() > deadline {
                kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
                let output = child.wait_with_output().unwrap();
                panic!("{layout}: the rotation never reached stocks: {output:?}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(std::fs::read_to_string(store("academic")).unwrap().contains(OWN), "the override stays");
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        told(&manager, "STOPPING=1");
        let output = child.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{out}{err}");
        assert!(out.contains("✓ durable"), "{out}{err}");
        for secret in SECRETS {
            assert!(!out.contains(secret) && !err.contains(secret), "a secret in the journal");
        }
    }
}
