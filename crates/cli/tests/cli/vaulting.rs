//! `keyshoal vault` as people run it.

use crate::stage::*;
use keyshoal_core::Layout;
use std::path::Path;
use std::process::{Command, Stdio};

fn stage() -> Stage {
    Stage::empty(Layout::JsonFile)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs the binary with a file on descriptor 3.
/// Runs the binary with a file on descriptor 3.
pub fn with_descriptor(stage: &Stage, file: &Path, arguments: &[&str]) -> Run {
    let words = arguments.join("' '");
    let script = format!("'{}' '{words}' 3< '{}'", env!("CARGO_BIN_EXE_keyshoal"), file.display());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).env_clear().env("HOME", stage.path("")).stdin(Stdio::null());
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_vault_goes_through_its_life() {
    let stage = stage();
    let missing = stage.run(&["vault", "status"]);
    assert_eq!(missing.code, 1);
    assert!(missing.err.contains("keyshoal vault init"), "{}", missing.err);

    let made = stage.run(&["vault", "init", "--json"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let made = made.json();
    assert_eq!((&made["schema"], &made["action"]), (&"keyshoal.vault.v1".into(), &"init".into()));
    assert_eq!(made["path"], text(&stage.path(".local/share/keyshoal/vault.sqlite")));
    assert_eq!(made["vault"]["keys"][0]["state"], "active");
    let key = stage.path(".config/keyshoal/vault.key");
    assert!(made["vault"]["keys"][0]["source"].as_str().unwrap().ends_with(text(&key)));

    let again = stage.run(&["vault", "init"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("already"), "{}", again.err);

    let backup = stage.path("monday.backup");
    assert_eq!(stage.run(&["vault", "backup", text(&backup)]).code, 0);
    let over = stage.run(&["vault", "backup", text(&backup)]);
    assert!(over.code == 1 && over.err.contains("never written over"), "{}", over.err);
    let nowhere = stage.run(&["vault", "backup", text(&stage.path("nowhere/monday.backup"))]);
    assert!(nowhere.code == 1 && nowhere.err.contains("nowhere is not there"), "{}", nowhere.err);
    let verified = stage.run(&["vault", "verify", text(&backup), "--json"]).json();
    assert_eq!(verified["verified"]["problems"], serde_json::json!([]));
    assert_eq!(verified["backup"]["vault"], made["vault"]["id"]);

    assert_eq!(stage.run(&["vault", "rekey"]).code, 64);
    let second = stage.path("second.key");
    let rekeyed = stage.run(&["vault", "rekey", "--key-file", text(&second), "--json"]);
    assert_eq!(rekeyed.code, 0, "{}", rekeyed.err);
    let rekeyed = rekeyed.json();
    assert_eq!(rekeyed["rekeyed"]["from"], made["vault"]["keys"][0]["id"]);
    assert_eq!(rekeyed["vault"]["keys"][1]["state"], "active");
    assert_eq!(stage.run(&["vault", "verify"]).code, 0);

    // The backup opens with the key that it was made with, also elsewhere and with the key at another place.
    let moved = stage.path("moved.key");
    std::fs::rename(&key, &moved).unwrap();
    let gone = stage.run(&["vault", "verify", text(&backup)]);
    assert!(gone.code == 1 && gone.err.contains("there is no key"), "{}", gone.err);
    let to = stage.path("here/vault.sqlite");
    let restored =
        stage.run(&["vault", "restore", text(&backup), "--vault", text(&to), "--key-file", text(&moved)]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let status = stage.run(&["vault", "status", "--vault", text(&to)]);
    assert!(status.code == 0 && status.out.contains(text(&moved)), "{}{}", status.out, status.err);
    let over = stage.run(&["vault", "restore", text(&backup), "--key-file", text(&moved)]);
    assert!(over.code == 1 && over.err.contains("never written over"), "{}", over.err);
}

#[test]
fn a_passphrase_opens_it_and_another_does_not() {
    let stage = stage();
    let (right, wrong) = (stage.path("right"), stage.path("wrong"));
    std::fs::write(&right, "correct horse battery\n").unwrap();
    std::fs::write(&wrong, "correct horse\n").unwrap();
    let made = with_descriptor(&stage, &right, &["vault", "init", "--passphrase", "--passphrase-fd", "3"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let status = |file| with_descriptor(&stage, file, &["vault", "status", "--passphrase-fd", "3"]);
    assert!(status(&right).out.contains("Argon2id"), "{}", status(&right).err);
    let refused = status(&wrong);
    assert!(refused.code == 1 && refused.err.contains("not the vault's passphrase"), "{}", refused.err);
    // A backup has the passphrase that the vault had, and it is that which is wrong.
    let backup = stage.path("monday.backup");
    let backing = ["vault", "backup", text(&backup), "--passphrase-fd", "3"];
    assert_eq!(with_descriptor(&stage, &right, &backing).code, 0);
    let verify =
        |file| with_descriptor(&stage, file, &["vault", "verify", text(&backup), "--passphrase-fd", "3"]);
    assert_eq!(verify(&right).code, 0);
    let other_said = verify(&wrong);
    assert!(
        other_said.code == 1 && other_said.err.contains("not the passphrase that the backup"),
        "{}",
        other_said.err
    );
    // Nobody is there to be asked.
    let unasked = stage.run(&["vault", "status"]);
    assert!(unasked.code == 1 && unasked.err.contains("--passphrase-fd"), "{}", unasked.err);
    let short = stage.path("short");
    std::fs::write(&short, "short\n").unwrap();
    let other = stage.path("v/v.sqlite");
    let arguments = ["vault", "init", "--vault", text(&other), "--passphrase", "--passphrase-fd", "3"];
    let refused = with_descriptor(&stage, &short, &arguments);
    assert!(refused.code == 1 && refused.err.contains("at least 8"), "{}", refused.err);
    assert!(!other.exists());
    for run in [made, status(&right), status(&wrong), other_said, refused] {
        assert!(!format!("{}{}", run.out, run.err).contains("correct horse"), "{}{}", run.out, run.err);
    }
}

#[test]
fn a_program_hands_the_key_over_and_a_backup_starts_none() {
    let stage = stage();
    let command = r#"["/bin/sh","-c","printf '%064d' 7; touch \"$HOME/ran\""]"#;
    let made = stage.run(&["vault", "init", "--key-command", command]);
    assert_eq!(made.code, 0, "{}", made.err);
    assert_eq!(stage.run(&["vault", "verify"]).code, 0);
    let backup = stage.path("one.backup");
    assert_eq!(stage.run(&["vault", "backup", text(&backup)]).code, 0);
    std::fs::remove_file(stage.path("ran")).unwrap();
    // Whoever hands a file over must not have a program run by that.
    let refused = stage.run(&["vault", "verify", text(&backup)]);
    assert!(refused.code == 1 && refused.err.contains("--key-command"), "{}", refused.err);
    assert!(!stage.path("ran").exists());
    assert_eq!(stage.run(&["vault", "verify", text(&backup), "--key-command", command]).code, 0);

    let failing = stage.run(&[
        "vault",
        "init",
        "--vault",
        text(&stage.path("v/v.sqlite")),
        "--key-command",
        "/bin/false",
    ]);
    assert!(failing.code == 1 && failing.err.contains("gave no key"), "{}", failing.err);
    let unusable = stage.run(&["vault", "init", "--key-command", "[1]"]);
    assert_eq!(unusable.code, 64, "{}", unusable.err);
    assert_eq!(stage.run(&["vault", "init", "--passphrase", "--key-file", "x"]).code, 64);
}

#[test]
fn a_credential_of_systemd_is_a_key() {
    let stage = stage();
    let dir = stage.path("credentials");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("keyshoal-vault"), [9; 32]).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir.join("keyshoal-vault"), std::fs::Permissions::from_mode(0o400)).unwrap();
    let with = |arguments: &[&str]| {
        let output = stage.command(arguments).env("CREDENTIALS_DIRECTORY", &dir).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = with(&["vault", "init", "--key-credential", "vault"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(with(&["vault", "verify"]).0, Some(0));
    let without = stage.run(&["vault", "verify"]);
    assert!(without.code == 1 && without.err.contains("LoadCredential"), "{}", without.err);
}

#[test]
fn damage_is_named_and_needs_attention() {
    let stage = stage();
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let path = stage.path(".local/share/keyshoal/vault.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(10).position(|at| at == b"vault made").unwrap();
    bytes[at] = b'V';
    std::fs::write(&path, bytes).unwrap();
    let run = stage.run(&["vault", "verify", "--json"]);
    assert_eq!(run.code, 2, "{}", run.err);
    let problems = run.json()["verified"]["problems"].clone();
    assert_eq!(problems[0]["what"], "entry 1 of the history", "{problems}");
    assert!(stage.run(&["vault", "verify"]).out.contains("✗ entry 1 of the history"));
}

#[test]
fn an_installation_that_never_ran_is_of_the_release_of_its_program() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::empty(Layout::JsonFile);
    let config = stage.state_dir().join("openclaw.json");
    let mut value: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("meta");
    std::fs::write(&config, value.to_string()).unwrap();
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let add = ["instance", "add", "--offline", "--dry-run"];
    assert!(stage.run(&add).out.contains("OpenClaw of an unknown release"), "{}", stage.run(&add).out);
    let program = stage.path("bin/openclaw");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    std::fs::write(&program, "#!/bin/sh\necho OpenClaw 2026.4.1\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", text(program.parent().unwrap()));
    let output = stage.command(&add).env("PATH", path).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("(OpenClaw 2026.4.1)"), "{out}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_key_file_that_is_there_is_never_written_over() {
    let stage = stage();
    let key = stage.path(".config/keyshoal/vault.key");
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let before = std::fs::read(&key).unwrap();
    let (vault, lost) = (stage.path(".local/share/keyshoal/vault.sqlite"), stage.path("lost.sqlite"));
    std::fs::rename(&vault, &lost).unwrap();
    // One that opens something goes on doing so; one that is damaged may be of use to somebody.
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    assert_eq!(std::fs::read(&key).unwrap(), before);
    std::fs::remove_file(&vault).unwrap();
    std::fs::write(&key, "half a key").unwrap();
    let refused = stage.run(&["vault", "init"]);
    assert!(refused.code == 1 && refused.err.contains("--key-file FILE"), "{}", refused.err);
    assert!(refused.err.contains(text(&key)) && !vault.exists(), "{}", refused.err);
    assert_eq!(std::fs::read(&key).unwrap(), b"half a key");
    // Another key at the place of a vault's own: whoever puts that back is told to keep the other.
    std::fs::remove_file(&key).unwrap();
    assert_eq!(stage.run(&["vault", "init"]).code, 0);
    let other = stage.run(&["vault", "status", "--vault", text(&lost)]);
    assert!(other.code == 1 && other.err.contains("keep the one that is there apart"), "{}", other.err);
}
