//! What a person at a terminal is asked, and what becomes of the answers.

use crate::stage::*;
use clap::Parser as _;
use keyshoal_cli::arguments::Cli;
use keyshoal_cli::exit::Outcome;
use keyshoal_cli::root::World;
use keyshoal_cli::ui::{Asker, Captured, Stream, Ui, UiOptions};
use keyshoal_cli::{commands, exit};
use keyshoal_core::Layout;
use keyshoal_openclaw::Environment;

/// Runs a command as at a terminal where these lines are typed. Returns exit code, data and talk.
pub fn typed(stage: &Stage, arguments: &[&str], lines: &str) -> (u8, String, String) {
    typed_at(stage, stage.state_dir().to_str().unwrap(), arguments, lines)
}

fn fine() -> u8 {
    Outcome::Fine.code()
}

#[test]
fn one_question_settles_an_installation_that_drifted() {
    for layout in [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedRow] {
        let stage = Stage::drifted(layout);
        let (code, out, err) = typed(&stage, &["sync"], "\n");
        assert_eq!(code, fine(), "{layout}: {out}{err}");
        assert_eq!(err.matches("[Y/n]").count(), 1, "{layout}: {err}");
        assert!(err.contains("→ replace stocks, keep academic? [Y/n]"), "{layout}: {err}");
        let (code, out, err) = typed(&stage, &["sync"], "");
        assert_eq!(code, fine(), "{layout}: the answer is remembered: {out}{err}");
        assert!(!err.contains("[Y/n]"), "{layout}: {err}");
    }
}

#[test]
fn several_profiles_of_a_provider_are_one_question() {
    let stage = Stage::twice_drifted();
    let (code, out, err) = typed(&stage, &["sync"], "\n");
    assert_eq!(code, fine(), "{out}{err}");
    assert_eq!(err.matches("[Y/n]").count(), 1, "{err}");
    assert!(err.contains("all 2 of them? [Y/n]"), "{err}");
    // Who does not agree to all of it says what it is about.
    let stage = Stage::twice_drifted();
    let (_, out, err) = typed(&stage, &["sync"], "n\ny\nn\n");
    assert_eq!(err.matches("[Y/n]").count(), 3, "{err}");
    let text =
        std::fs::read_to_string(stage.state_dir().join("agents/stocks/agent/auth-profiles.json")).unwrap();
    assert!(text.contains(NEW) && text.contains(OLD), "one of the two was replaced: {out}{err}");
}

#[test]
fn a_refusal_writes_nothing() {
    for answer in ["n\n", "", "later\n"] {
        let stage = Stage::drifted(Layout::SharedRow);
        let (code, out, err) = typed(&stage, &["sync"], answer);
        assert_eq!(code, Outcome::Attention.code(), "{out}{err}");
        assert!(out.contains("nothing was written"), "{out}{err}");
        assert!(stage.run(&["status"]).out.contains("✗ stale"), "the old value still stands");
        assert_eq!(stage.run(&["history", "--json"]).json()["runs"], serde_json::json!([]));
    }
}

/// The question is about values; the plan holds a changed type as well.
#[test]
fn a_refusal_is_for_every_write_of_the_profile() {
    let stage = Stage::drifted(Layout::JsonFile);
    let path = stage.state_dir().join("openclaw.json");
    let mut config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    config["auth"] = serde_json::json!({ "profiles": {
        PROFILE: { "provider": "anthropic", "mode": "token" }, "openai-codex:me": { "provider": "openai-codex", "mode": "oauth" } } });
    std::fs::write(&path, config.to_string()).unwrap();
    let text = || std::fs::read(stage.state_dir().join("agents/main/agent/auth-profiles.json")).unwrap();
    let before = text();
    let (code, out, err) = typed(&stage, &["sync"], "n\n");
    assert!(err.contains("[Y/n]"), "{out}{err}");
    assert_eq!(code, Outcome::Attention.code(), "{out}{err}");
    assert!(text() == before, "main's type was changed: {out}{err}");
    typed(&stage, &["sync"], "\n");
    assert!(text() != before, "a yes is one to all of it");
}

#[test]
fn a_hidden_value_goes_everywhere_and_the_override_stays() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(typed(&stage, &["sync"], "\n").0, fine());
    let (code, out, err) = typed(&stage, &["set", "anthropic"], &format!("{GIVEN}\n"));
    assert_eq!(code, fine(), "{out}{err}");
    assert!(!out.contains(GIVEN) && !err.contains(GIVEN), "{out}{err}");
    let text = |agent: &str| {
        std::fs::read_to_string(stage.state_dir().join(format!("agents/{agent}/agent/auth-profiles.json")))
            .unwrap()
    };
    assert!(text("main").contains(GIVEN) && text("stocks").contains(GIVEN));
    assert!(text("academic").contains(OWN) && !text("academic").contains(GIVEN));
}

#[test]
fn a_copied_state_directory_is_asked_about_once() {
    let stage = Stage::drifted(Layout::JsonFile);
    assert_eq!(typed(&stage, &["sync"], "\n").0, fine());
    let copy = stage.path("copy");
    let copied =
        std::process::Command::new("cp").arg("-a").arg(stage.state_dir()).arg(&copy).status().unwrap();
    assert!(copied.success());
    let copy = copy.to_str().unwrap();
    let at = |arguments: &[&str], lines: &str| typed_at(&stage, copy, arguments, lines);
    let (code, out, err) = at(&["sync"], "\n");
    assert_eq!(code, Outcome::Attention.code(), "without an answer nothing is certain: {out}{err}");
    let (_, out, err) = at(&["sync"], "1\n\n");
    assert!(err.contains("an instance of its own"), "{out}{err}");
    let (code, out, err) = at(&["sync"], "");
    assert_eq!(code, fine(), "{out}{err}");
}

/// A gateway that only a restart could tell, and a command that restarts nothing.
#[test]
fn a_restart_is_asked_for_once_and_never_called_done_when_nothing_was_restarted() {
    let stage = Stage::drifted(Layout::SharedRow);
    let path = stage.state_dir().join("openclaw.json");
    let mut config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    config["gateway"]["tls"] = serde_json::json!({ "enabled": true });
    std::fs::write(&path, config.to_string()).unwrap();
    // This process stands for the gateway.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: i64 = stat.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().parse().unwrap();
    let lock = serde_json::json!({ "pid": std::process::id(), "startTime": ticks, "port": 1 });
    let tmp = stage.state_dir().join("tmp/openclaw-1");
    std::fs::create_dir_all(&tmp).unwrap();
    std::fs::write(tmp.join("gateway.state.lock"), lock.to_string()).unwrap();

    let (code, out, err) = typed(&stage, &["sync", "--restart-command", "true"], "\n\n");
    assert!(err.contains("wants TLS") && err.contains("restart it now? [y/N]"), "{out}{err}");
    assert_eq!(code, Outcome::Attention.code(), "{out}{err}");
    let (code, out, err) = typed(&stage, &["sync", "--restart-command", "true"], "y\n");
    assert_eq!(err.matches("restart it now?").count(), 1, "{out}{err}");
    assert!(err.contains("restarting the gateway and waiting"), "{out}{err}");
    assert!(out.contains("nothing was restarted"), "{out}{err}");
    assert_eq!(code, Outcome::Attention.code(), "{out}{err}");
}

fn typed_at(stage: &Stage, state_dir: &str, arguments: &[&str], lines: &str) -> (u8, String, String) {
    let mut all = vec!["--state-dir", state_dir];
    all.extend(arguments);
    let (out, err) = (Captured::default(), Captured::default());
    let mut ui = Ui::new(UiOptions {
        out: Stream::new(Box::new(out.clone()), false),
        err: Stream::new(Box::new(err.clone()), false),
        quiet: false,
        json: false,
        width: 200,
        progress: false,
        asker: Asker::Script(Box::new(std::io::Cursor::new(lines.to_owned()))),
    });
    let cli = Cli::try_parse_from([&["keyshoal"], all.as_slice()].concat()).unwrap();
    let environment = Environment { home: Some(stage.path("")), ..Environment::default() };
    let result = commands::run(&mut ui, &World { environment, program: None }, &cli);
    if let Err(error) = &result {
        ui.error(error);
    }
    ui.finish().unwrap();
    (exit::of(&result), out.text(), err.text())
}

#[test]
fn giving_the_value_that_is_there_says_nothing_wrong_of_the_others() {
    let stage = Stage::twice_drifted();
    assert_eq!(stage.run(&["sync", "--yes"]).code, 0);
    for _ in 0..2 {
        let again = stage.run_with(&["set", PROFILE, "--yes"], &format!("{NEW}\n"));
        assert_eq!(again.code, 0, "{}{}", again.out, again.err);
        assert!(!again.out.contains("holds nothing"), "{}", again.out);
    }
}

#[test]
fn a_value_that_could_not_be_tested_is_not_written() {
    let stage = Stage::calm(keyshoal_core::Layout::JsonFile);
    stage.emulator.everyone(Some(keyshoal_emulator::Behaviour::ServerError));
    let refused = stage.run_with(&["set", "anthropic", "--yes"], &format!("{GIVEN}\n"));
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    assert!(
        refused.err.contains("could not be tested") && refused.err.contains("--offline"),
        "{}",
        refused.err
    );
    let store =
        std::fs::read_to_string(stage.state_dir().join("agents/main/agent/auth-profiles.json")).unwrap();
    assert!(store.contains(NEW) && !store.contains(GIVEN));
    let untested = stage.run_with(&["set", "anthropic", "--yes", "--offline"], &format!("{GIVEN}\n"));
    assert_eq!(untested.code, 0, "{}{}", untested.out, untested.err);
}

#[test]
fn a_config_that_is_named_has_to_be_there() {
    let stage = Stage::drifted(keyshoal_core::Layout::JsonFile);
    let run = stage.run(&["status", "--config", "/nowhere/openclaw.json"]);
    assert_eq!(run.code, 1);
    assert!(run.err.contains("/nowhere/openclaw.json"), "{}", run.err);
    // Without a config, nobody is told to move agents aside.
    std::fs::remove_file(stage.state_dir().join("openclaw.json")).unwrap();
    let run = stage.run(&["status"]);
    assert!(run.out.contains("there is no") && !run.out.contains("quarantine"), "{}", run.out);
}

#[test]
fn status_with_check_needs_attention_when_nobody_answers_or_the_key_cannot_be_one() {
    let stage = Stage::calm(keyshoal_core::Layout::SharedRow);
    assert_eq!(stage.run(&["status", "--check"]).code, 0);
    stage.emulator.everyone(Some(keyshoal_emulator::Behaviour::ServerError));
    let silent = stage.run(&["status", "--check"]);
    assert_eq!(silent.code, 2, "{}{}", silent.out, silent.err);
    assert!(silent.err.contains("got no answer"), "{}", silent.err);
}
