//! What `models.probe` of the real gateway says of an agent, against what the provider sees: why `verify` puts a prompt instead.

use crate::stage::Stage;
use keyshoal_core::{ProfileId, Timestamp};
use keyshoal_emulator::{Config, Emulator};
use keyshoal_openclaw::gateway::{
    Client, ConnectOptions, Credential, Credentials, ProbeStatus, trusted_users,
};
use keyshoal_testkit::Instance;
use keyshoal_testkit::instance::{KEPT_KEY, OLD_KEY, PROFILE, PROVIDER, Seed};
use keyshoal_testkit::stores::{self, Part, Place};
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime};

const LOGIN: &str = "mockai:login";

fn connect(stage: &Stage) -> Client {
    let text = std::fs::read_to_string(stage.instance.config_path()).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    let token = config["gateway"]["auth"]["token"].as_str().unwrap().to_owned();
    let way = Credential {
        token: Some(keyshoal_core::Secret::new(token)),
        password: None,
        origin: "the test".into(),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Client::connect(&ConnectOptions {
        port: stage.instance.port(),
        credentials: Credentials { ways: vec![way] },
        users: trusted_users(&stage.instance.state_dir()),
        device: None,
        timeout: Duration::from_secs(60),
        now: Timestamp::from_second(i64::try_from(now.as_secs()).unwrap()).unwrap(),
    })
    .unwrap()
}

/// Which keys and models the provider saw.
type Seen = Vec<(String, String, u16)>;

fn seen(stage: &Stage) -> Seen {
    let log = stage.provider.log().into_iter();
    log.map(|row| (row.key.unwrap_or_default(), row.model.unwrap_or_default(), row.status)).collect()
}

/// Probes a profile of stocks, and returns what the gateway says of it and what the provider saw.
fn probe(stage: &Stage, client: &mut Client, profile: &str) -> (Option<ProbeStatus>, Seen) {
    stage.provider.clear_log();
    let profile = ProfileId::from(profile);
    let began = Instant::now();
    let answer = client.probe(&PROVIDER.into(), &"stocks".into(), Some(&profile)).unwrap();
    println!("{}: {profile} after {:.1?}: {answer:?}", stage.instance.release(), began.elapsed());
    (answer.of(&profile).cloned(), seen(stage))
}

fn hold_back(stage: &Stage) {
    let until = SystemTime::now() + Duration::from_secs(600);
    let until = u64::try_from(until.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap();
    stores::edit(&stage.instance, Place::Agent("stocks"), Part::State, |state| {
        state["usageStats"][PROFILE] =
            json!({ "errorCount": 3, "cooldownUntil": until, "cooldownReason": "auth" });
    })
    .unwrap();
}

/// Gives stocks a model of its own, at the same provider.
fn with_own_model(instance: &Instance) {
    let text = std::fs::read_to_string(instance.config_path()).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let models = config["models"]["providers"][PROVIDER]["models"].as_array_mut().unwrap();
    let mut other = models[0].clone();
    other["id"] = json!("mock-2");
    models.push(other);
    config["agents"]["entries"]["stocks"]["model"] = json!(format!("{PROVIDER}/mock-2"));
    std::fs::write(instance.config_path(), serde_json::to_string_pretty(&config).unwrap()).unwrap();
}

#[test]
fn a_probe_is_about_another_model_and_another_key_than_a_turn_on_2026_9_6() {
    let provider = Emulator::start(Config::default()).unwrap();
    provider.only_accept(&[OLD_KEY, KEPT_KEY]);
    let mut instance = Instance::new("2026.9.6", Seed::ApiKey, provider.port()).unwrap();
    with_own_model(&instance);
    instance.start_gateway().unwrap();
    let stage = Stage { instance, provider };
    let mut client = connect(&stage);
    let sent = |model: &str| vec![(OLD_KEY.to_owned(), model.to_owned(), 200)];

    // A turn of stocks asks stocks' model. A probe of stocks asks the model of all agents: of the agent's own it says nothing.
    stage.provider.clear_log();
    stage.instance.ask("stocks", "own").unwrap();
    assert_eq!(seen(&stage), sent("mock-2"));
    assert_eq!(probe(&stage, &mut client, PROFILE), (Some(ProbeStatus::Ok), sent("mock-1")));

    // Of a login that is over it says that it was accepted: what was sent is the key of another profile.
    stores::edit(&stage.instance, Place::Agent("stocks"), Part::Profiles, |store| {
        store["profiles"][LOGIN] = json!({
            "type": "oauth", "provider": PROVIDER, "access": "testkit-access-of-a-login", "refresh": "testkit-refresh-of-it",
            "expires": 1_700_000_000_000_u64,
        });
    })
    .unwrap();
    client.secrets_reload().unwrap();
    assert_eq!(probe(&stage, &mut client, LOGIN), (Some(ProbeStatus::Ok), sent("mock-1")));

    // Of an agent that is held back it says nothing certain, where a turn says why.
    hold_back(&stage);
    client.secrets_reload().unwrap();
    stage.provider.clear_log();
    let said = stage.instance.ask("stocks", "held").unwrap();
    assert!(said.text.contains("auth issue") && seen(&stage).is_empty(), "{said:?}");
    let unknown = ProbeStatus::Other("unknown".to_owned());
    assert_eq!(probe(&stage, &mut client, PROFILE), (Some(unknown), Vec::new()));
}
