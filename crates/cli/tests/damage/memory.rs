//! What Keyshoal remembers, and what happens when the world goes back or moves.

use crate::said::checked;
use crate::stage::{House, NEW, OLD, P};
use keyshoal_core::Layout;
use std::process::Command;

/// A backup of the base store from before the rotation is put back: nothing is spread until somebody says which value is right.
#[test]
fn a_source_that_went_back_is_not_spread() {
    for layout in [Layout::JsonFile, Layout::AgentSqlite] {
        let house = House::with(layout, |sample| {
            sample.agent("stocks").api_key(keyshoal_core::StoreId::Agent("stocks".into()), P, NEW)
        });
        house.provider.as_ref().unwrap().only_accept(&[OLD, NEW]);
        let base = |key: &str| {
            let (from, to) = if key == OLD { (NEW, OLD) } else { (OLD, NEW) };
            let path = house.store("main");
            if layout == Layout::JsonFile {
                let text = std::fs::read_to_string(&path).unwrap().replace(from, to);
                std::fs::write(&path, text).unwrap();
            } else {
                let sql = "UPDATE auth_profile_store SET store_json = replace(store_json, ?1, ?2)";
                crate::databases::open(&path).execute(sql, [from, to]).unwrap();
            }
        };
        // The source held the old key first, and Keyshoal saw it; then the new one.
        base(OLD);
        house.run(&["status"]);
        base(NEW);
        house.run(&["status"]).ends_with(0);
        // Now the backup.
        base(OLD);
        house.run(&["status"]).ends_with(2);
        house.run(&["sync", "--yes", "--offline"]).ends_with(2);
        assert_eq!(
            house.value("stocks", P).as_deref(),
            Some(NEW),
            "{layout:?}: a value that went back was spread"
        );
    }
}

/// A copy of the whole state directory is not taken for the original: its memory is certain of nothing until somebody says so.
#[test]
fn a_copied_state_directory_is_noticed() {
    let house = House::drifted(Layout::JsonFile);
    house.run(&["sync", "--yes"]).ends_with(0);
    let copy = house.path("").join("copy");
    assert!(Command::new("cp").arg("-a").arg(house.state()).arg(&copy).status().unwrap().success());
    let there =
        |args: &[&str]| checked(house.keyshoal(args).env("OPENCLAW_STATE_DIR", &copy).output().unwrap());
    there(&["status"]).says("is a copy of");
    // Even with something to do, and with a yes to everything that was asked, nothing is written there.
    let store = copy.join("agents/stocks/agent/auth-profiles.json");
    let stale = std::fs::read_to_string(&store).unwrap().replace(NEW, OLD);
    std::fs::write(&store, &stale).unwrap();
    let sync = there(&["sync", "--yes"]);
    assert_ne!(sync.code, Some(0));
    sync.says("copy");
    assert_eq!(std::fs::read_to_string(&store).unwrap(), stale);
    // The original is what it was.
    house.run(&["status"]).ends_with(0);
}
