//! How long a rotation takes to reach every agent of a running gateway that has turns all the time, beside what the gateway itself takes
//! for a row that is written and a reload. Prints the figures of the README.

use super::house::House;
use super::rotated::with_traffic;
use crate::stage::NEW_KEY;
use keyshoal_core::{Secret, Timestamp};
use keyshoal_openclaw::gateway::{Client, ConnectOptions, Credentials, trusted_users};
use keyshoal_testkit::instance::{KEPT_AGENT, PROFILE};
use keyshoal_testkit::stores::{self, Part, Place};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The key that is written without keyshoal.
const BARE_KEY: &str = "sk-testkit-bare-00000000000000007";

/// When each agent that shares the key had its first turn served with this one. Waits until all had.
fn first_turns(house: &House, key: &str) -> BTreeMap<String, Timestamp> {
    let shares = house.agents.iter().filter(|agent| *agent != KEPT_AGENT).count();
    let until = Instant::now() + Duration::from_secs(180);
    loop {
        let mut first = BTreeMap::new();
        for row in house.provider().log() {
            if let Some(agent) = row.agent_tag
                && row.key.as_deref() == Some(key)
                && row.status == 200
            {
                first.entry(agent).or_insert(row.at);
            }
        }
        if first.len() == shares {
            return first;
        }
        assert!(Instant::now() < until, "not every agent came to send {key}: {first:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn connected(house: &House) -> Client {
    let mut credentials = Credentials::default();
    let token = house.config()["gateway"]["auth"]["token"].as_str().unwrap().to_owned();
    credentials.add(Some(Secret::new(token)), None, "the config");
    Client::connect(&ConnectOptions {
        port: house.stage.instance.port(),
        credentials,
        users: trusted_users(&house.stage.instance.state_dir()),
        device: None,
        timeout: Duration::from_secs(60),
        now: Timestamp::now(),
    })
    .unwrap()
}

fn ms(from: Timestamp, to: Timestamp) -> i64 {
    i64::try_from(to.duration_since(from).as_millis()).unwrap()
}

#[test]
fn a_rotation_reaches_every_agent_of_a_busy_gateway_on_2026_9_6() {
    let mut house = House::open("2026.9.6");
    let life = house.stage.instance.gateway_life();

    // Without keyshoal: the row, the reload, the turns.
    house.provider().accept(BARE_KEY);
    let mut bare = Timestamp::UNIX_EPOCH;
    let mut reloaded = bare;
    with_traffic(&house, "bare", || {
        // A gateway ends a connection on which nothing is said for long.
        let mut client = connected(&house);
        bare = Timestamp::now();
        stores::edit(&house.stage.instance, Place::Inherited, Part::Profiles, |store| {
            store["profiles"][PROFILE]["key"] = BARE_KEY.into();
        })
        .unwrap();
        client.auth_refresh(&"main".into()).unwrap();
        reloaded = Timestamp::now();
        first_turns(&house, BARE_KEY);
    });
    let turns = first_turns(&house, BARE_KEY);
    let (bare_first, bare_last) = (*turns.values().min().unwrap(), *turns.values().max().unwrap());

    // By keyshoal: from the moment at which the row holds the new value.
    house.take_in();
    house.provider().accept(NEW_KEY);
    let file = house.key_file(NEW_KEY);
    let (mut begun, mut published) = (bare, bare);
    with_traffic(&house, "rotated", || {
        begun = Timestamp::now();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| house.fine(&["rotate", PROFILE, "--from-file", &file, "--yes"]));
            let until = Instant::now() + Duration::from_secs(120);
            while house.inherited() != NEW_KEY {
                assert!(Instant::now() < until, "the row never came to hold the new value");
                std::thread::sleep(Duration::from_millis(2));
            }
            published = Timestamp::now();
            run.join().unwrap();
        });
        first_turns(&house, NEW_KEY);
    });
    let turns = first_turns(&house, NEW_KEY);
    let (first, last) = (*turns.values().min().unwrap(), *turns.values().max().unwrap());
    assert!(turns.values().all(|at| *at > begun), "somebody sent the new key before it was given");
    assert_eq!(house.stage.instance.gateway_life(), life, "the gateway was restarted");

    let (ours, floor) = (ms(published, last), ms(bare, bare_last));
    println!("live-rotate, 4 agents that share a row on 2026.9.6, turns all the time, no turn failed");
    println!(
        "  the gateway alone: reload {} ms, first turn with it {} ms, every agent {floor} ms after the row",
        ms(bare, reloaded),
        ms(bare, bare_first)
    );
    println!(
        "  keyshoal rotate: row {} ms after its start; first turn with it {} ms, every agent {ours} ms after the row",
        ms(begun, published),
        ms(published, first)
    );
    println!("  ratio of the last two: {:.2}", ours as f64 / floor as f64);
}
