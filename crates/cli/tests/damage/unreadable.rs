//! Stores that nobody can make sense of: left as they are, never taken for empty.

use crate::stage::{DAMAGED, House, JSON, LAYOUTS, MINE, OLD, P, SQLITE, each, in_layouts};
use keyshoal_core::Layout;
use serde_json::json;
use std::os::unix::fs::FileExt;

/// The store's text with something wrong in it.
fn whole() -> String {
    json!({ "version": 1, "profiles": { P: { "type": "api_key", "provider": "acme", "key": OLD } } })
        .to_string()
}

#[test]
fn a_text_that_is_no_store_is_left_alone_in_every_layout() {
    let whole = whole();
    let deep =
        format!("{{\"version\":1,\"x\":{}{},\"profiles\":{{}}}}", "[".repeat(50_000), "]".repeat(50_000));
    let cases: [(&str, String, &str); 12] = [
        ("empty", String::new(), ""),
        ("only blanks", " \n\n ".to_owned(), ""),
        ("garbage", format!("\u{1}\u{2} {OLD} \u{7f}"), "not valid JSON at line 1"),
        ("a comment", format!("// mine\n{whole}"), "comment"),
        ("cut short", whole[..whole.len() - 4].to_owned(), "not valid JSON at line 1"),
        ("in single quotes", whole.replace('"', "'"), "not valid JSON at line 1, column 2"),
        ("something behind", format!("{whole}{whole}"), "after the end"),
        ("an error page", format!("<html>{OLD}</html>"), "not valid JSON"),
        ("a list", format!("[{whole}]"), "no JSON object"),
        ("no profiles", "{\"version\":1}".to_owned(), "no `profiles`"),
        ("profiles that are a word", "{\"version\":1,\"profiles\":\"none\"}".to_owned(), "`profiles`"),
        ("nested deeply", deep, "too deep"),
    ];
    each(&in_layouts(&LAYOUTS, &cases), |(layout, (case, text, word))| {
        let house = House::rotated(*layout);
        house.set_text(DAMAGED, text);
        house.assert_left_alone(case, "unreadable", &[word]);
    });
}

#[test]
fn bytes_that_are_no_text_are_left_alone_in_json_layouts() {
    let whole = whole();
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(whole.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("a byte order mark", [b"\xef\xbb\xbf", whole.as_bytes()].concat(), "byte order mark"),
        ("UTF-16", wide, "not UTF-8"),
        (
            "a byte of Latin-1 in a word",
            whole
                .replace("version", "vers?on")
                .bytes()
                .map(|byte| if byte == b'?' { 0xef } else { byte })
                .collect(),
            "not UTF-8 after",
        ),
        ("half a character at the end", [whole.as_bytes(), b"\xc3"].concat(), "not UTF-8"),
        ("zeros, as after a power cut", vec![0; 4096], "not valid JSON"),
        ("too large", [whole.as_bytes(), &b" ".repeat(17 << 20)].concat(), "larger than 16777216 bytes"),
    ];
    each(&in_layouts(&JSON, &cases), |(layout, (case, bytes, word))| {
        let house = House::rotated(*layout);
        std::fs::write(house.store(DAMAGED), bytes).unwrap();
        house.assert_left_alone(case, "unreadable", &[word]);
    });
}

#[test]
fn a_state_file_that_is_damaged_keeps_its_store_from_being_written() {
    let house = House::rotated(Layout::JsonWithState);
    std::fs::write(house.agent_dir(DAMAGED).join("auth-state.json"), "{\"version\":1,").unwrap();
    house.assert_left_alone("a torn auth-state.json", "unreadable", &["auth-state.json"]);
}

/// A damage done to a database file.
type Damage = fn(&House);

#[test]
fn a_damaged_database_is_left_alone() {
    fn flip(house: &House, at: u64, length: usize) {
        let file = std::fs::OpenOptions::new().read(true).write(true).open(house.store(DAMAGED)).unwrap();
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, at).unwrap();
        bytes.iter_mut().for_each(|byte| *byte ^= 0xff);
        file.write_all_at(&bytes, at).unwrap();
    }
    fn set_length(house: &House, length: u64) {
        let file = std::fs::OpenOptions::new().write(true).open(house.store(DAMAGED)).unwrap();
        file.set_len(length).unwrap();
    }
    let cases: [(&str, Damage, &str); 11] = [
        ("a flipped header", |house| flip(house, 0, 100), "not a database"),
        ("a flipped first page", |house| flip(house, 100, 3000), "malformed"),
        (
            "flipped pages",
            |house| {
                let size = std::fs::metadata(house.store(DAMAGED)).unwrap().len();
                flip(house, 4096, usize::try_from(size - 4096).unwrap());
            },
            "",
        ),
        ("cut short", |house| set_length(house, 4096), ""),
        ("cut in a page", |house| set_length(house, 5000), ""),
        (
            "another kind of file",
            |house| std::fs::write(house.store(DAMAGED), "x".repeat(9000)).unwrap(),
            "not a database",
        ),
        (
            "a directory",
            |house| {
                std::fs::remove_file(house.store(DAMAGED)).unwrap();
                std::fs::create_dir(house.store(DAMAGED)).unwrap();
            },
            "no regular file",
        ),
        (
            "a blob for a text",
            |house| {
                house.execute(DAMAGED, "DROP TABLE auth_profile_store", []);
                house.execute(
                    DAMAGED,
                    "CREATE TABLE auth_profile_store (store_key, store_json, updated_at)",
                    [],
                );
                house.execute(DAMAGED, "INSERT INTO auth_profile_store VALUES ('primary', x'ff00', 1)", []);
            },
            "holds no text",
        ),
        (
            "a table without its columns",
            |house| {
                house.execute(DAMAGED, "DROP TABLE auth_profile_store", []);
                house.execute(DAMAGED, "CREATE TABLE auth_profile_store (a, b)", []);
            },
            "store_json",
        ),
        (
            "another agent's",
            |house| {
                house.execute(DAMAGED, "UPDATE schema_meta SET agent_id = 'somebody'", []);
            },
            "belongs to agent `somebody`",
        ),
        (
            "the state database's role",
            |house| {
                house.execute(DAMAGED, "UPDATE schema_meta SET role = 'global'", []);
            },
            "role is `global`",
        ),
    ];
    each(&in_layouts(&SQLITE, &cases), |(layout, (case, damage, word))| {
        let house = House::rotated(*layout);
        damage(&house);
        house.assert_left_alone(case, "unreadable", &[word]);
    });
}

#[test]
fn a_newer_database_is_shown_and_not_written() {
    each(&SQLITE, |layout| {
        let house = House::rotated(*layout);
        house.execute(DAMAGED, "PRAGMA user_version = 99", []);
        house.assert_left_alone("a newer schema", "unreadable", &["schema 99", "newer"]);
    });
}

#[test]
fn entries_that_make_no_sense_do_not_stop_the_others_of_their_store() {
    each(&LAYOUTS, |layout| {
        let house = House::rotated(*layout);
        let odd = json!({ "version": 1, "profiles": {
            P: { "type": "api_key", "provider": "acme", "key": OLD },
            "mine:default": { "type": "api_key", "provider": "mine", "key": MINE },
            "a:word": OLD, "a:null": null, "a:list": [OLD], "a:number": 17,
            "a:typeless": { "provider": "acme", "key": OLD },
            "a:wrong": { "type": "api_key", "provider": "acme", "key": { "x": OLD } },
            "a:unknown": { "type": "passkey", "provider": "acme", "key": OLD, "x": [1, 2.50] },
            "a:homeless": { "type": "api_key", "key": OLD },
        }, "later": { "x": 1 } });
        let odd = odd.to_string();
        house.set_text(DAMAGED, &odd);
        let sync = house.sync();
        assert!(matches!(sync.code, Some(0 | 2)), "{layout}: {sync:?}");
        house.assert_mended(DAMAGED, &layout.to_string());
        let text = house.text(DAMAGED).unwrap();
        for (id, entry) in
            serde_json::from_str::<serde_json::Value>(&odd).unwrap()["profiles"].as_object().unwrap()
        {
            if id != P {
                assert!(text.contains(&format!("{}:{}", json!(id), entry)), "{layout}: {id} changed: {text}");
            }
        }
    });
}
