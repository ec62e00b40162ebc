//! No secret in anything that any command prints.

use crate::stage::*;
use keyshoal_core::Layout;

fn check(stage: &Stage, arguments: &[&str], input: &str) {
    let run = stage.run_with(arguments, input);
    let all = format!("{}{}", run.out, run.err);
    for secret in SECRETS {
        // A part of one is bad enough.
        for part in [secret, &secret[secret.len() - 12..]] {
            assert!(!all.contains(part), "{arguments:?} shows {part}: {all}");
        }
    }
}

#[test]
fn no_command_prints_a_secret() {
    let commands: [&[&str]; 22] = [
        &["status"],
        &["status", "--check"],
        &["diff"],
        &["explain", "main"],
        &["explain", "stocks"],
        &["explain", "academic", PROFILE],
        &["sync", "--dry-run"],
        &["sync"],
        &["keep", "academic", PROFILE],
        &["keep", "--undo", "academic", PROFILE],
        &["watch", "--once"],
        &["sync", "--yes"],
        &["history"],
        &["history", "last"],
        &["rollback", "last", "--dry-run"],
        &["rollback", "last", "--yes"],
        &["set", "anthropic", "--yes"],
        &["recover"],
        &["replace", "academic", PROFILE],
        &["restart", "--yes"],
        &["explain", "nobody"],
        &["history", "zzz"],
    ];
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        for json in [false, true] {
            let stage = Stage::drifted(layout);
            for command in commands {
                let command = if json { [command, &["--json"]].concat() } else { command.to_vec() };
                check(&stage, &command, GIVEN);
            }
        }
    }
}

#[test]
fn no_route_prints_a_secret() {
    let stage = Stage::routed(Layout::SharedRow);
    for command in
        [&["route", "--all"] as &[&str], &["route", "--all", "--json"], &["route", "channel=telegram"]]
    {
        check(&stage, command, "");
    }
}

#[test]
fn a_damaged_store_is_reported_without_its_contents() {
    let stage = Stage::drifted(Layout::JsonFile);
    let path = stage.state_dir().join("agents/stocks/agent/auth-profiles.json");
    let text = std::fs::read_to_string(&path).unwrap();
    for damage in [text.replace('{', "[{"), text[..text.len() - 20].to_owned(), format!("\u{feff}{text}")] {
        std::fs::write(&path, damage).unwrap();
        for command in [&["status"] as &[&str], &["sync", "--yes"], &["explain", "stocks"]] {
            check(&stage, command, "");
        }
    }
}

#[test]
fn a_secret_with_a_mistake_in_it_is_not_repeated() {
    let stage = Stage::drifted(Layout::JsonFile);
    for input in
        [format!("{GIVEN} {GIVEN}"), format!("\"{GIVEN}\""), format!("{GIVEN}\n{GIVEN}"), format!("…{GIVEN}")]
    {
        let run = stage.run_with(&["set", "anthropic"], &input);
        assert_eq!(run.code, 1, "{}{}", run.out, run.err);
        check(&stage, &["set", "anthropic"], &input);
    }
}
