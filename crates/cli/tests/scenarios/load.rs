//! Four clients talk to one agent while its store is written 300 times: no update of either side is lost, and nobody notices.

use crate::stage::Stage;
use keyshoal_core::{CredentialKind, ProfileId, Secret};
use keyshoal_openclaw::store::{Edit, StoreFile, StoredSecret, WriteRules};
use keyshoal_testkit::instance::{PROFILE, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

const AGENT: &str = "stocks";
const CLIENTS: usize = 4;
const UPDATES: u32 = 300;

/// What the gateway notes after every request: when it last used the profile.
fn last_used(stage: &Stage) -> u64 {
    let state = stores::read(&stage.instance, Place::Agent(AGENT), Part::State).ok().flatten();
    state.and_then(|state| state["usageStats"][PROFILE]["lastUsed"].as_u64()).unwrap_or(0)
}

/// Puts a number into a profile of our own and tells which number stood there.
fn put(store: &StoreFile, number: u32) -> u32 {
    let marker = ProfileId::from("marker:keyshoal");
    let mut found = 0;
    let rules = WriteRules::new(SystemTime::now(), true);
    let decide = &mut |contents: &keyshoal_openclaw::store::StoreContents| {
        let kind = CredentialKind::ApiKey;
        let secret = StoredSecret::Inline(Secret::new(number.to_string()));
        Ok(vec![match contents.profiles.get(&marker).map(|profile| &profile.secret) {
            Some(StoredSecret::Inline(stands)) => {
                found = stands.reveal_secret().parse().unwrap();
                Edit::SetSecret { profile: marker.clone(), kind, secret, expires: None }
            }
            _ => Edit::Insert { profile: marker.clone(), provider: "marker".into(), kind, secret },
        }])
    };
    store.update(&rules, decide).unwrap();
    found
}

fn nothing_is_lost(version: &str, seed: Seed) {
    let stage = Stage::open(version, seed);
    let dir = stage.instance.agent_dir(AGENT);
    let store = match stage.instance.release() {
        release if release.json_stores() => StoreFile::json(&dir, release.auth_state_file()),
        _ => StoreFile::agent_sqlite(dir.join("openclaw-agent.sqlite")),
    };
    let before = last_used(&stage);
    let (going, answered) = (AtomicBool::new(true), AtomicU32::new(0));
    let (mut ours_lost, mut theirs_lost, mut theirs_seen) = (0, 0, 0);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (stage, going, answered) = (&stage, &going, &answered);
            scope.spawn(move || {
                let mut turn = 0;
                while going.load(Ordering::Relaxed) {
                    turn += 1;
                    let reply = stage.instance.ask(AGENT, &format!("load-{client}-{turn}")).unwrap();
                    assert!(reply.text.starts_with("pong"), "a turn failed: {reply:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Somebody who only looks: what the gateway has noted never goes back.
        let (stage, going) = (&stage, &going);
        let watcher = scope.spawn(move || {
            let (mut newest, mut steps, mut back) = (0, 0, 0);
            while going.load(Ordering::Relaxed) {
                let now = last_used(stage);
                // 0 while the gateway rewrites the file in place.
                if now > newest {
                    steps += 1;
                    newest = now;
                } else if now != 0 && now < newest {
                    back += 1;
                    newest = now;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            (steps, back)
        });
        let mut number = 0;
        // On, if need be, until the gateway has had its share.
        while number < UPDATES || answered.load(Ordering::Relaxed) < 12 {
            number += 1;
            ours_lost += u32::from(put(&store, number) != number - 1);
            std::thread::sleep(Duration::from_millis(20));
        }
        going.store(false, Ordering::Relaxed);
        (theirs_seen, theirs_lost) = watcher.join().unwrap();
        number += 1;
        ours_lost += u32::from(put(&store, number) != number - 1);
    });
    println!(
        "{version}: {} turns answered, {theirs_seen} notes of the gateway seen; lost: ours {ours_lost}, theirs {theirs_lost}",
        answered.load(Ordering::Relaxed),
    );
    assert_eq!((ours_lost, theirs_lost), (0, 0));
    assert!(theirs_seen > 0 && last_used(&stage) > before, "the gateway wrote nothing: nothing was tested");
    stage.seen("load", "load-0-1");
}

#[test]
fn no_update_is_lost_under_load_on_2026_3_28() {
    nothing_is_lost("2026.3.28", Seed::Token);
}

#[test]
fn no_update_is_lost_under_load_on_2026_9_6() {
    nothing_is_lost("2026.9.6", Seed::ApiKey);
}
