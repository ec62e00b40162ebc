//! JSON stores that nobody can read, or that stand somewhere else.

use crate::stage::{House, JSON, NEW, OLD, P};
use keyshoal_core::Layout;
use rustix::fs::inotify;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

/// One damaged store: it is left as it is, it is named, and its neighbour is helped.
#[test]
fn what_cannot_be_read_is_named_and_left() {
    let whole = format!(
        r#"{{"version":1,"profiles":{{"{P}":{{"type":"api_key","provider":"acme","key":"{OLD}"}}}}}}"#
    );
    let cases: &[(&str, Vec<u8>)] = &[
        ("a byte order mark", [b"\xef\xbb\xbf".as_slice(), whole.as_bytes()].concat()),
        ("an empty file", Vec::new()),
        ("half of a write", whole.as_bytes()[..whole.len() / 2].to_vec()),
        ("garbage", (0..=255).collect()),
        ("no object", b"[]".to_vec()),
        ("comments", [b"// mine\n".as_slice(), whole.as_bytes()].concat()),
        ("far too much", vec![b' '; 20 << 20]),
    ];
    for (case, bytes) in cases {
        println!("== {case}");
        let house = House::drifted(Layout::JsonFile);
        std::fs::write(house.store("stocks"), bytes).unwrap();
        house.run(&["status"]).ends_with(2).says("stocks");
        house.run(&["sync", "--yes"]).ends_with(2).says("stocks");
        assert_eq!(&std::fs::read(house.store("stocks")).unwrap(), bytes, "{case}: it was written to");
        house.is_right("research");
        assert_no_litter(&house);
    }
}

/// Somebody has emptied the file and is about to write it: he is waited for, and his agent is helped like all others.
#[test]
fn a_write_in_progress_is_waited_for() {
    for layout in JSON {
        let house = House::drifted(layout);
        let store = house.store("stocks");
        let whole = std::fs::read(&store).unwrap();
        std::fs::write(&store, b"").unwrap();
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&watch, &store, inotify::WatchFlags::OPEN).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Not before somebody has looked at the empty file.
                rustix::io::read(&watch, &mut [0; 4096]).unwrap();
                std::fs::write(&store, &whole).unwrap();
            });
            house.run(&["sync", "--yes"]).ends_with(0);
        });
        house.is_right("stocks");
        house.is_right("research");
    }
}

/// Nothing of ours lies about in the agents' directories.
fn assert_no_litter(house: &House) {
    for agent in ["main", "stocks", "research"] {
        for entry in std::fs::read_dir(house.store(agent).parent().unwrap()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(["auth-profiles.json", "auth-state.json"].contains(&name.as_str()), "{agent} has {name}");
        }
    }
}

#[test]
fn an_unreadable_base_store_stops_everything() {
    let house = House::drifted(Layout::JsonFile);
    std::fs::write(house.store("main"), b"{").unwrap();
    assert_ne!(house.run(&["sync", "--yes"]).code, Some(0));
    assert_eq!(house.value("stocks", P).as_deref(), Some(OLD));
}

#[test]
fn a_linked_store_is_written_where_it_is() {
    let house = House::drifted(Layout::JsonFile);
    let elsewhere = house.path("").join("elsewhere.json");
    std::fs::rename(house.store("stocks"), &elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, PermissionsExt::from_mode(0o640)).unwrap();
    symlink(&elsewhere, house.store("stocks")).unwrap();
    house.run(&["sync", "--yes"]).ends_with(0);
    house.is_right("stocks");
    assert!(std::fs::symlink_metadata(house.store("stocks")).unwrap().is_symlink(), "the link was replaced");
    assert_eq!(std::fs::metadata(&elsewhere).unwrap().mode() & 0o777, 0o640);
    assert!(std::fs::read_to_string(&elsewhere).unwrap().contains(NEW));
}

#[test]
fn a_linked_directory_is_followed() {
    let house = House::drifted(Layout::JsonFile);
    let dir = house.store("stocks").parent().unwrap().to_owned();
    let elsewhere = house.path("").join("elsewhere");
    std::fs::rename(&dir, &elsewhere).unwrap();
    symlink(&elsewhere, &dir).unwrap();
    house.run(&["sync", "--yes"]).ends_with(0);
    house.is_right("stocks");
    assert!(std::fs::symlink_metadata(&dir).unwrap().is_symlink(), "the link was replaced");
}

#[test]
fn a_link_to_nothing_makes_nothing() {
    let house = House::drifted(Layout::JsonFile);
    let target = house.path("").join("not-there.json");
    std::fs::remove_file(house.store("stocks")).unwrap();
    symlink(&target, house.store("stocks")).unwrap();
    house.run(&["sync", "--yes"]);
    assert!(!target.exists(), "a file was made where a link points to");
    house.is_right("research");
}

#[test]
fn a_config_that_makes_no_sense_is_refused_by_line() {
    let house = House::drifted(Layout::JsonFile);
    let config = house.state().join("openclaw.json");
    std::fs::write(&config, "{\n  agents: {\n    list: [ { id: \"main\" }, ,\n").unwrap();
    house.run(&["status"]).ends_with(1).says("openclaw.json:3");
    house.run(&["sync", "--yes"]).ends_with(1);
    assert_eq!(house.value("stocks", P).as_deref(), Some(OLD));
}

#[test]
fn ids_that_try_to_leave_stay_inside() {
    let house = House::drifted(Layout::JsonFile);
    let outside = house.path("").join("evil");
    std::fs::create_dir_all(outside.join("agent")).unwrap();
    let store = format!(
        r#"{{"version":1,"profiles":{{"{P}":{{"type":"api_key","provider":"acme","key":"{OLD}"}}}}}}"#
    );
    std::fs::write(outside.join("agent/auth-profiles.json"), &store).unwrap();
    let config = house.state().join("openclaw.json");
    let mut value: serde_json::Value = serde_json::from_slice(&std::fs::read(&config).unwrap()).unwrap();
    for id in ["../../evil", "/evil", "..", "a/../../../evil", "evil\0", "日本", "-rf"] {
        value["agents"]["list"].as_array_mut().unwrap().push(serde_json::json!({ "id": id }));
    }
    std::fs::write(&config, value.to_string()).unwrap();
    house.run(&["sync", "--yes"]);
    assert_eq!(std::fs::read_to_string(outside.join("agent/auth-profiles.json")).unwrap(), store);
    house.is_right("stocks");
}
