//! The hidden prompt on a real terminal device: nothing is echoed, and echo is back however it ends.

use crate::stage::*;
use crate::vaulting::with_descriptor;
use keyshoal_core::Layout;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, Stdio};

/// A terminal and the binary on it.
struct Terminal {
    person: File,
    device: File,
    child: Child,
}

impl Terminal {
    fn open(stage: &Stage, arguments: &[&str]) -> Self {
        let person: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap().into_string().unwrap();
        let noctty = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
        let device = OpenOptions::new().read(true).write(true).custom_flags(noctty).open(name).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_keyshoal"))
            .env_clear()
            .env("HOME", stage.path(""))
            .env("TERM", "dumb")
            .arg("--state-dir")
            .arg(stage.state_dir())
            .args(arguments)
            .stdin(Stdio::from(device.try_clone().unwrap()))
            .stdout(Stdio::null())
            .stderr(Stdio::from(device.try_clone().unwrap()))
            .spawn()
            .unwrap();
        Self { person: File::from(person), device, child }
    }

    /// Reads until this was shown, and returns everything that was.
    fn until(&mut self, word: &str) -> String {
        let mut shown = String::new();
        let mut bytes = [0; 512];
        while !shown.contains(word) {
            let count = self.person.read(&mut bytes).unwrap();
            shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        shown
    }

    fn types(&mut self, text: &str) {
        self.person.write_all(text.as_bytes()).unwrap();
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.device).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// Waits until the prompt has switched the echo off: it is shown a moment before.
    fn wait_for_silence(&self) {
        while self.echoes() {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_value_that_is_typed_is_not_shown() {
    let stage = Stage::calm(Layout::JsonFile);
    let mut terminal = Terminal::open(&stage, &["set", "anthropic"]);
    assert!(terminal.until("(hidden): ").contains("New value for anthropic"));
    terminal.wait_for_silence();
    terminal.types(&format!("{GIVEN}\r"));
    let shown = terminal.until("says: ");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0), "{shown}");
    assert!(!shown.contains(GIVEN) && !shown.contains(&GIVEN[GIVEN.len() - 8..]), "{shown}");
    assert!(terminal.echoes(), "the terminal is as it was");
}

#[test]
fn ctrl_c_stops_before_anything_is_changed() {
    let stage = Stage::calm(Layout::JsonFile);
    let mut terminal = Terminal::open(&stage, &["set", "anthropic"]);
    terminal.until("(hidden): ");
    terminal.wait_for_silence();
    terminal.types("sk-ant-half\u{3}");
    terminal.until("nothing was changed");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(130));
    assert!(terminal.echoes(), "the terminal is as it was");
}

#[test]
fn a_signal_puts_the_terminal_back() {
    let stage = Stage::calm(Layout::JsonFile);
    let mut terminal = Terminal::open(&stage, &["set", "anthropic"]);
    terminal.until("(hidden): ");
    terminal.wait_for_silence();
    let pid = Pid::from_child(&terminal.child);
    kill_process(pid, Signal::TERM).unwrap();
    terminal.until("stopped; nothing was changed");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(128 + 15));
    assert!(terminal.echoes(), "the terminal is as it was");
}

#[test]
fn whoever_stops_a_question_is_told_that_nothing_was_changed() {
    let stage = Stage::drifted(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"], &["sync", "--yes"]] {
        assert_eq!(stage.run(arguments).code, 0);
    }
    let payload = stage.path("home.payload");
    let export = ["export", "--clear", "--to", payload.to_str().unwrap()];
    let before = stage.run(&["instance", "show", "--json"]).json();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for (arguments, asks) in [
            (&["agent", "disable", "ops"] as &[&str], "[Y/n]"),
            (&["credential", "remove", PROFILE], "[Y/n]"),
            (&["instance", "release"], "[Y/n]"),
            (&export, "[y/N]"),
        ] {
            let mut terminal = Terminal::open(&stage, arguments);
            terminal.until(asks);
            kill_process(Pid::from_child(&terminal.child), signal).unwrap();
            let shown = terminal.until("nothing was changed");
            assert!(shown.contains("stopped; nothing was changed"), "{arguments:?}: {shown}");
            assert_eq!(terminal.child.wait().unwrap().code(), Some(code), "{arguments:?}");
        }
    }
    assert_eq!(stage.run(&["instance", "show", "--json"]).json(), before);
    assert!(!payload.exists());
}

#[test]
fn a_signal_while_a_rotation_asks_puts_the_terminal_back_and_is_answered() {
    let stage = Stage::calm(Layout::JsonFile);
    for arguments in [&["vault", "init"] as &[&str], &["instance", "add", "--yes"]] {
        assert_eq!(stage.run(arguments).code, 0);
    }
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut terminal = Terminal::open(&stage, &["rotate", "anthropic"]);
        terminal.until("(hidden): ");
        terminal.wait_for_silence();
        kill_process(Pid::from_child(&terminal.child), signal).unwrap();
        terminal.until("stopped; nothing was changed");
        assert_eq!(terminal.child.wait().unwrap().code(), Some(code));
        assert!(terminal.echoes(), "the terminal is as it was");
    }
    assert_eq!(stage.run(&["rotate", "--due"]).code, 0);
}

#[test]
fn a_code_is_shown_once_and_typed_unseen_and_the_preset_answer_makes_nothing() {
    let stage = Stage::calm(Layout::SharedRow);
    let to = stage.path("home.payload");
    let to = to.to_str().unwrap();
    let mut terminal = Terminal::open(&stage, &["export", "--to", to]);
    let mut shown = terminal.until("shown this once");
    while shown.matches('-').count() < 7 || !shown.ends_with('\n') {
        shown.push_str(&terminal.until("\n"));
    }
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0), "{shown}");
    let code = shown.lines().map(str::trim).find(|line| line.len() == 39 && line.matches('-').count() == 7);
    let code = code.unwrap_or_else(|| panic!("{shown}")).to_owned();
    let target = stage.path("elsewhere");
    let mut terminal = Terminal::open(&stage, &["import", to, "--state-dir", target.to_str().unwrap()]);
    terminal.until("(hidden): ");
    terminal.wait_for_silence();
    terminal.types(&format!("{}\r", code.to_lowercase()));
    let shown = terminal.until("[y/N]");
    assert!(!shown.to_uppercase().contains(&code[..9]), "{shown}");
    assert!(terminal.echoes(), "the terminal is as it was");
    terminal.types("\n");
    terminal.until("Nothing was made");
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
    assert!(!stage.path(".config/keyshoal/drafts").exists());
    assert!(!target.exists());
}

#[test]
fn a_paste_is_read_to_its_last_line_and_the_code_is_asked_for_then() {
    let stage = Stage::calm(Layout::JsonFile);
    let file = stage.path("code");
    let sent = stage.run(&["export", "--to", "-", "--text", "--code-file", file.to_str().unwrap()]);
    let code = std::fs::read_to_string(&file).unwrap();
    let mut terminal = Terminal::open(&stage, &["import", "-", "--dry-run"]);
    terminal.until("Paste the payload");
    terminal.types(&sent.out);
    terminal.until("(hidden): ");
    terminal.wait_for_silence();
    terminal.types(&format!("{}\r", code.trim()));
    assert_eq!(terminal.child.wait().unwrap().code(), Some(0));
}

#[test]
fn who_reads_is_asked_for_the_passphrase_and_need_not_give_it() {
    let stage = Stage::calm(Layout::JsonFile);
    let words = stage.path("words");
    std::fs::write(&words, "correct horse battery\n").unwrap();
    let state_dir = stage.state_dir();
    let state_dir = state_dir.to_str().unwrap();
    for arguments in
        [&["vault", "init", "--passphrase"] as &[&str], &["instance", "add", "--offline", "--yes"]]
    {
        let run = with_descriptor(
            &stage,
            &words,
            &[&["--state-dir", state_dir], arguments, &["--passphrase-fd", "3"]].concat(),
        );
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    }
    for words in [&["status"] as &[&str], &["diff", "--offline"]] {
        for (typed, code) in [("correct horse battery\r", 0), ("\r", 2)] {
            let mut terminal = Terminal::open(&stage, words);
            terminal.until("Passphrase of the vault, or Enter to go on without it (hidden): ");
            terminal.wait_for_silence();
            terminal.types(typed);
            if code == 2 {
                terminal.until("its passphrase was not given; what follows is judged by the stores alone");
            }
            assert_eq!(terminal.child.wait().unwrap().code(), Some(code), "{words:?} {typed:?}");
        }
        // Who breaks it off is not answered.
        let mut terminal = Terminal::open(&stage, words);
        terminal.until("(hidden): ");
        terminal.wait_for_silence();
        terminal.types("\u{3}");
        terminal.until("stopped; nothing was changed");
        assert_eq!(terminal.child.wait().unwrap().code(), Some(130));
        // Without a terminal nobody is asked.
        let run = stage.run(words);
        assert_eq!(run.code, 2, "{}{}", run.out, run.err);
        assert!(
            !run.err.contains("hidden") && run.err.contains("its passphrase was not given"),
            "{}",
            run.err
        );
    }
}
