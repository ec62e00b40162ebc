#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use super::*;
use crate::Environment;
use crate::config::generate::{Sources, Wanted, WantedAgent, generate};
use crate::layout::Release;
use crate::locate::{Locations, locate};
use keyshoal_core::AgentId;
use keyshoal_core::vault::ModelChoice;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn wanted(names: &[&str]) -> Wanted {
    let agent = |id: &&str| WantedAgent {
        id: AgentId::new(*id),
        name: Some("n".to_owned()),
        default: *id == "main",
        models: ModelChoice::default(),
        workspace: None,
    };
    Wanted { agents: names.iter().map(agent).collect(), ..Wanted::default() }
}

fn place(dir: &Path) -> Locations {
    let env = Environment { home: Some(dir.to_owned()), ..Environment::default() };
    locate(&env, Some(dir), None).unwrap()
}

fn made(locations: &Locations, names: &[&str]) -> (Digest, Generated) {
    let sources = Sources::read(locations).unwrap();
    let release = Release::parse("2026.9.6").unwrap();
    (sources.digest(), generate(locations, &sources, release, &wanted(names)).unwrap())
}

fn write(locations: &Locations, (digest, generated): &(Digest, Generated)) -> Wrote {
    Editor::new(locations, &Environment::default()).write_generated(*digest, generated).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_config_is_private_and_one_that_came_meanwhile_stays() {
    let dir = tempfile::tempdir().unwrap();
    let locations = place(dir.path());
    let new = made(&locations, &["main", "a"]);
    assert!(matches!(write(&locations, &new), Wrote::Done(_)));
    assert_eq!(mode(&locations.config_path), 0o600);
    assert_eq!(std::fs::read_to_string(&locations.config_path).unwrap(), new.1.text.reveal_secret());
    assert_eq!(write(&locations, &made(&locations, &["main", "a"])), Wrote::Nothing);

    std::fs::write(&locations.config_path, "{}").unwrap();
    assert_eq!(write(&locations, &new), Wrote::Meanwhile);
    assert_eq!(std::fs::read_to_string(&locations.config_path).unwrap(), "{}");
    let names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["openclaw.json"]);
}

#[test]
fn what_was_read_is_replaced_through_links_with_its_mode_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real.json");
    std::fs::write(&real, "// mine\n{}\n").unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    let locations = place(dir.path());
    symlink("real.json", dir.path().join("openclaw.json")).unwrap();
    let first = made(&locations, &["main", "a"]);
    assert!(matches!(write(&locations, &first), Wrote::Done(_)));
    assert!(std::fs::symlink_metadata(&locations.config_path).unwrap().is_symlink());
    assert_eq!(mode(&real), 0o640);
    assert!(std::fs::read_to_string(&real).unwrap().starts_with("// mine\n"));

    // Generated from other bytes than those that are there now.
    let second = made(&locations, &["main", "b"]);
    let touched = std::fs::read_to_string(&real).unwrap() + "\n";
    std::fs::write(&real, &touched).unwrap();
    assert_eq!(write(&locations, &second), Wrote::Meanwhile);
    std::fs::remove_file(&locations.config_path).unwrap();
    assert_eq!(write(&locations, &second), Wrote::Meanwhile);
    assert_eq!(std::fs::read_to_string(&real).unwrap(), touched);
}

#[test]
fn a_config_that_is_managed_elsewhere_stays() {
    let dir = tempfile::tempdir().unwrap();
    let locations = place(dir.path());
    let mut env = Environment::default();
    env.vars.insert("OPENCLAW_NIX_MODE".to_owned(), "1".to_owned());
    let (digest, generated) = made(&locations, &["main", "a"]);
    let refused = Editor::new(&locations, &env).write_generated(digest, &generated).unwrap_err().to_string();
    assert!(refused.contains("managed elsewhere"), "{refused}");
    assert!(!locations.config_path.exists());
}
