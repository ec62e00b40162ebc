//! An instance that was moved, and one whose own memory is lost: its vault knows where it is, and which.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use std::fs;
use std::path::{Path, PathBuf};

fn fine(run: Run) -> Run {
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    run
}

fn vaulted() -> Stage {
    let stage =
        Stage::with(Layout::JsonFile, |sample| sample.agent("ops").api_key(StoreId::Base, PROFILE, NEW));
    fine(stage.run(&["vault", "init"]));
    fine(stage.run(&["instance", "add", "--name", "office", "--yes"]));
    stage
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let there = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copied(&entry.path(), &there),
            false => drop(fs::copy(entry.path(), there).unwrap()),
        }
    }
}

/// Returns where the vault knows the instance, whichever installation asks.
fn place(stage: &Stage, here: &Path) -> String {
    let list = fine(stage.run_at(here, &["instance", "list", "--json"])).json();
    list["instances"][0]["state_dir"].as_str().unwrap().to_owned()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn the_vault_follows_an_instance_that_was_moved() {
    let stage = vaulted();
    let (old, new, copy) = (stage.state_dir(), stage.path("new"), stage.path("copy"));
    fs::rename(&old, &new).unwrap();
    // Whoever only looks changes nothing of the vault.
    fine(stage.run_at(&new, &["status"]));
    fine(stage.run_at(&new, &["instance", "show"]));
    stage.run_at(&new, &["sync", "--dry-run"]);
    assert_eq!(place(&stage, &new), text(&old));
    let said = fine(stage.run_at(&new, &["sync", "--yes"]));
    assert!(said.err.contains(&format!("the vault knows office in {}", text(&new))), "{}", said.err);
    assert_eq!(place(&stage, &new), text(&new));
    let again = fine(stage.run_at(&new, &["sync", "--yes"]));
    assert!(!again.err.contains("the vault knows office"), "{}", again.err);

    // Of a copy a person says that it takes the other's place: any change of the vault tells it.
    copied(&new, &copy);
    fs::remove_dir_all(&new).unwrap();
    fine(stage.run_at(&copy, &["--adopt", "moved", "agent", "add", "late", "--yes"]));
    assert_eq!(place(&stage, &copy), text(&copy));
    fs::write(stage.path("given"), GIVEN).unwrap();
    let key = text(&stage.path("given"));
    let rotate = ["rotate", "anthropic", "--instances", "all", "--from-file", &key, "--yes"];
    fine(stage.run_at(&copy, &rotate));
    let held = fs::read_to_string(copy.join("agents/main/agent/auth-profiles.json")).unwrap();
    assert!(held.contains(GIVEN));
}

#[test]
fn whoever_cannot_be_reached_for_having_moved_is_told_how_the_vault_learns_where_it_is() {
    let stage = vaulted();
    fs::rename(stage.state_dir(), stage.path("new")).unwrap();
    fs::write(stage.path("given"), GIVEN).unwrap();
    let key = text(&stage.path("given"));
    let rotate = ["rotate", "anthropic", "--instances", "all", "--from-file", &key, "--yes"];
    let run = stage.run_at(&stage.path("new"), &rotate);
    assert!(run.code == 1 && run.err.contains("keyshoal --state-dir DIR sync"), "{}{}", run.out, run.err);
}

/// The same instance on another machine: its state directory without our memory.
fn without_memory(stage: &Stage) -> PathBuf {
    let there = stage.path("elsewhere");
    copied(&stage.state_dir(), &there);
    fs::remove_dir_all(there.join(".keyshoal")).unwrap();
    there
}

#[test]
fn an_installation_without_a_memory_is_joined_to_its_instance() {
    let stage = vaulted();
    fs::write(stage.path("given"), OWN).unwrap();
    let key = text(&stage.path("given"));
    fine(stage.run(&["credential", "override", "ops", PROFILE, "--from-file", &key, "--yes"]));
    let there = without_memory(&stage);
    let join = |more: &[&str]| stage.run_at(&there, &[&["instance", "join"] as &[&str], more].concat());

    // Somebody else is that one as long as it is at its place.
    let still = join(&["office", "--yes"]);
    assert!(still.code == 1 && still.err.contains("one of the two only can be it"), "{}", still.err);
    fs::remove_dir_all(stage.state_dir()).unwrap();

    let none = stage.run_at(&there, &["rotate", PROFILE]);
    assert!(none.code == 1 && none.err.contains("keyshoal instance join NAME"), "{}", none.err);
    let taken = stage.run_at(&there, &["instance", "add", "--name", "office", "--yes"]);
    assert!(taken.code == 2 && taken.err.contains("keyshoal instance join office"), "{}", taken.err);
    let other = join(&["shop", "--yes"]);
    assert!(other.code == 1 && other.err.contains("no instance shop"), "{}", other.err);
    let nobody = join(&["office"]);
    assert!(nobody.code == 2 && nobody.err.contains("nothing was changed"), "{}", nobody.err);
    assert_eq!(join(&["office", "--dry-run"]).code, 2);
    assert_eq!(place(&stage, &there), text(&stage.state_dir()));

    fine(join(&["office", "--yes"]));
    assert_eq!(place(&stage, &there), text(&there));
    fine(stage.run_at(&there, &["status"]));
    let list = fine(stage.run_at(&there, &["instance", "list", "--json"])).json();
    assert_eq!(list["instances"].as_array().unwrap().len(), 1);
    assert_eq!(list["released"].as_array().map_or(0, Vec::len), 0, "{list}");
    // The override is the vault's own again, and the next value for all passes it by.
    fs::write(stage.path("given"), GIVEN).unwrap();
    fine(stage.run_at(&there, &["rotate", PROFILE, "--from-file", &key, "--yes"]));
    let held = |agent: &str| {
        fs::read_to_string(there.join("agents").join(agent).join("agent/auth-profiles.json")).unwrap()
    };
    assert!(held("main").contains(GIVEN) && held("ops").contains(OWN));
    let again = join(&["office", "--yes"]);
    assert!(again.code == 1 && again.err.contains("is office already"), "{}", again.err);
}

#[test]
fn a_copy_that_becomes_an_instance_of_its_own_leaves_the_other_where_it_is() {
    let stage = vaulted();
    let copy = stage.path("copy");
    copied(&stage.state_dir(), &copy);
    let said = fine(stage.run_at(&copy, &["--adopt", "new", "sync", "--yes"]));
    assert!(said.err.contains("which no vault knows"), "{}", said.err);
    assert!(!said.err.contains("the vault knows office"), "{}", said.err);
    assert_eq!(place(&stage, &stage.state_dir()), text(&stage.state_dir()));
    fine(stage.run_at(&copy, &["status"]));
    fine(stage.run_at(&copy, &["instance", "add", "--name", "shop", "--yes"]));
    let list = fine(stage.run_at(&copy, &["instance", "list", "--json"])).json();
    assert_eq!(list["instances"].as_array().unwrap().len(), 2, "{list}");
    fine(stage.run(&["status"]));
}
