//! A watch that waits: no core image is made of it, and no secret is in one that somebody takes all the same.

use crate::stage::*;
use keyshoal_core::Layout;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a watch that repairs, of an installation with a vault.
fn watching(stage: &Stage, socket: &std::path::Path) -> Child {
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let added = stage.run(&["instance", "add", "--yes"]);
    assert_eq!(added.code, 0, "{}{}", added.out, added.err);
    assert_eq!(stage.run(&["watch", "install-service", "--policy", "repair"]).code, 0);
    Command::new(env!("CARGO_BIN_EXE_keyshoal"))
        .env_clear()
        .env("HOME", stage.path(""))
        .env("NOTIFY_SOCKET", socket)
        .current_dir(stage.path(""))
        .arg("--state-dir")
        .arg(stage.state_dir())
        .arg("watch")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the service manager was told that it is ready.
fn ready(manager: &UnixDatagram) {
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut bytes = [0; 512];
    loop {
        let count = manager.recv(&mut bytes).expect("the watch never said that it is ready");
        if String::from_utf8_lossy(&bytes[..count]).contains("READY=1") {
            return;
        }
    }
}

/// Everything that a process has in its memory.
fn image(child: &Child) -> std::io::Result<Vec<Vec<u8>>> {
    let memory = File::open(format!("/proc/{}/mem", child.id()))?;
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id()))?;
    let mut all = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        let (from, to) = range.split_once('-').unwrap();
        let at = |digits: &str| u64::from_str_radix(digits, 16).unwrap();
        let mut bytes = vec![0; usize::try_from(at(to) - at(from)).unwrap()];
        // What the kernel maps for itself cannot be read.
        if mode.starts_with('r') && memory.read_exact_at(&mut bytes, at(from)).is_ok() {
            all.push(bytes);
        }
    }
    Ok(all)
}

fn holds(image: &[Vec<u8>], text: &str) -> bool {
    let finder = text.as_bytes();
    image.iter().any(|bytes| {
        let mut rest = bytes.as_slice();
        while let Some(at) = rest.iter().position(|byte| *byte == finder[0]) {
            rest = &rest[at..];
            if rest.starts_with(finder) {
                return true;
            }
            rest = &rest[1..];
        }
        false
    })
}

fn has_no_secret_at_rest(layout: Layout) {
    let stage = Stage::drifted(layout);
    let socket = stage.path("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    let mut child = watching(&stage, &socket);
    ready(&manager);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(cores.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{cores}");
    if rustix::process::geteuid().is_root() {
        // It may still be at work.
        let deadline = Instant::now() + Duration::from_secs(60);
        let found = loop {
            let image = image(&child).unwrap();
            assert!(
                holds(&image, stage.state_dir().to_str().unwrap()),
                "{layout}: the image is not read at all"
            );
            // The middle of each: what a text begins with is overwritten by the allocator.
            let found: Vec<&str> =
                SECRETS.into_iter().filter(|secret| holds(&image, &secret[14..])).collect();
            if found.is_empty() || Instant::now() > deadline {
                break found;
            }
            std::thread::sleep(Duration::from_millis(200));
        };
        assert!(found.is_empty(), "{layout}: {found:?}");
    } else {
        assert!(image(&child).is_err(), "{layout}: another process of the user may read it");
    }
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false), "{layout}");
}

#[test]
fn a_watch_at_rest_has_no_secret_of_files() {
    has_no_secret_at_rest(Layout::JsonFile);
}

#[test]
fn a_watch_at_rest_has_no_secret_of_databases() {
    has_no_secret_at_rest(Layout::SharedRow);
}
