//! Installations whose stores refer to one private file, in every layout.

use super::house::{House, LAYOUTS, P, agent, glance};
use super::vault::{Hoard, three};
use keyshoal_core::*;
use keyshoal_engine::decide::Unattended;
use keyshoal_engine::ports::Change;
use keyshoal_engine::sync::{Outcome, SyncOptions, sync};
use keyshoal_local::Installation;
use keyshoal_local::restore::{Direction, Restored};
use keyshoal_openclaw::sample;
use keyshoal_openclaw::store::StoredSecret;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const AGENTS: [&str; 3] = ["main", "stocks", "academic"];

fn hoard(keys: &[&str], own: &[&str]) -> Hoard {
    Hoard::new(&AGENTS).having(1, None, keys).having(2, Some(3), own)
}

fn file(house: &House) -> PathBuf {
    house.state().join(".keyshoal/delivered/secrets.json")
}

fn config(house: &House) -> Value {
    serde_json::from_slice(&std::fs::read(house.state().join("openclaw.json")).unwrap()).unwrap()
}

/// Every file of the state directory in which a text stands, but for the ledger's, which are sealed. Databases are checkpointed first.
fn holding(dir: &Path, text: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holding(&path, text, found);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
                found.push(path);
            }
        }
    }
}

/// What an agent sends: what its own profile, or the base store's, holds or leads to, looked up as the program does.
fn sent(house: &House, installation: &Installation, id: &str) -> Option<String> {
    let look = glance(installation);
    let agent = look.observed.agent(&id.into())?.clone();
    let own = look.observed.profile(&agent.store, &P.into()).is_some();
    let store = if own { agent.store } else { StoreId::Base };
    let contents = house.contents(&store);
    let secret = contents.profiles.get(&P.into())?.secret.clone();
    match secret {
        StoredSecret::Inline(secret) => Some(secret.reveal_secret().to_owned()),
        StoredSecret::Ref(reference) => {
            let config = config(house);
            let provider = &config["secrets"]["providers"][&reference.provider];
            assert_eq!((&provider["source"], &provider["mode"]), (&"file".into(), &"json".into()));
            let text = std::fs::read(provider["path"].as_str()?).ok()?;
            let text: Value = serde_json::from_slice(&text).unwrap();
            text.pointer(&reference.id)?.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

fn all_send(house: &House, installation: &Installation, keys: [&str; 3], when: &str) {
    for (id, key) in AGENTS.into_iter().zip(keys) {
        assert_eq!(sent(house, installation, id).as_deref(), Some(key), "{when}: {id}");
    }
}

fn stores(house: &House) -> Vec<Vec<(ProfileId, Secret)>> {
    let ids = [StoreId::Base, agent("stocks"), agent("academic")];
    let raw = |id: &StoreId| {
        let profiles = house.contents(id).profiles;
        profiles.into_iter().map(|(id, stored)| (id, stored.raw)).collect()
    };
    ids.iter().map(raw).collect()
}

#[test]
fn values_go_into_one_file_are_rotated_there_and_come_back() {
    for layout in LAYOUTS {
        let when = |step: &str| format!("{layout}, {step}");
        // Freshly made by the sync, so that no earlier value lies in a page that a database has freed.
        let house = House::holding(&three(layout));
        let installation = house.open();
        let first = hoard(&["value-one"], &["value-own"]).with_config().by_reference();
        assert_eq!(first.sync(&installation).outcome, Outcome::Done, "{layout}");
        all_send(&house, &installation, ["value-one", "value-one", "value-own"], &when("on"));
        for value in ["value-one", "value-own"] {
            let mut found = Vec::new();
            holding(&house.state(), value, &mut found);
            assert_eq!(found, [file(&house)], "{layout}: {value} stands in the one file alone");
        }
        assert!(first.sync(&installation).run.is_none(), "{layout}: and then there is nothing to do");

        let before = (stores(&house), config(&house));
        let second = hoard(&["value-one", "value-two"], &["value-own"]).with_config().by_reference();
        let report = second.sync(&installation);
        assert_eq!(report.outcome, Outcome::Done, "{layout}: {report:#?}");
        assert!(!report.receipts.is_empty(), "{layout}: every store that got another value is told of");
        all_send(&house, &installation, ["value-two", "value-two", "value-own"], &when("rotated"));
        assert_eq!(before, (stores(&house), config(&house)), "{layout}: the file alone has changed");
        let mut found = Vec::new();
        holding(&house.state(), "value-one", &mut found);
        assert_eq!(found, Vec::<PathBuf>::new(), "{layout}: the value before is nowhere");
        assert!(second.sync(&installation).run.is_none(), "{layout}: and then there is nothing to do");

        let third = hoard(&["value-one", "value-two"], &["value-own"]).with_config();
        let report = third.sync(&installation);
        assert_eq!(report.outcome, Outcome::Done, "{layout}: {report:#?}");
        all_send(&house, &installation, ["value-two", "value-two", "value-own"], &when("off"));
        assert!(!file(&house).exists(), "{layout}: the file is gone");
        assert_eq!(config(&house).pointer("/secrets/providers/keyshoal"), None, "{layout}");
        assert!(third.sync(&installation).run.is_none(), "{layout}: and then there is nothing to do");
    }
}

#[test]
fn inline_values_give_way_to_references_and_a_lost_or_damaged_file_is_made_again() {
    for layout in LAYOUTS {
        let made =
            three(layout).api_key(StoreId::Base, P, "value-one").api_key(agent("stocks"), P, "value-one");
        let house = House::holding(&made);
        let installation = house.open();
        let wanted = hoard(&["value-one"], &["value-own"]).with_config().by_reference();
        wanted.sync(&installation);
        let keys = ["value-one", "value-one", "value-own"];
        all_send(&house, &installation, keys, &format!("{layout}, on"));
        let emptied = "{\"shared\":{\"acme:default\":\"\"}}";
        for damage in [None, Some("{\"shared\":{}}"), Some(emptied), Some("no JSON")] {
            match damage {
                None => std::fs::remove_file(file(&house)).unwrap(),
                Some(text) => std::fs::write(file(&house), text).unwrap(),
            }
            let look = glance(&installation);
            assert!(
                look.judgement.count(FindingKind::Stale) > 0,
                "{layout} {damage:?}: {:#?}",
                look.judgement
            );
            assert_eq!(wanted.sync(&installation).outcome, Outcome::Done, "{layout} {damage:?}");
            all_send(&house, &installation, keys, &format!("{layout}, {damage:?}"));
        }
        // What the vault never had is left, and what is missing beside it is put there.
        std::fs::write(file(&house), "{\"shared\":{\"acme:default\":\"somebody-else\"}}").unwrap();
        assert!(glance(&installation).judgement.count(FindingKind::Foreign) > 0, "{layout}");
        assert_eq!(wanted.sync(&installation).outcome, Outcome::Attention, "{layout}");
        let keys = ["somebody-else", "somebody-else", "value-own"];
        all_send(&house, &installation, keys, &format!("{layout}, edited"));
    }
}

#[test]
fn a_run_that_broke_off_anywhere_is_finished_by_the_next() {
    for layout in LAYOUTS {
        let made =
            three(layout).api_key(StoreId::Base, P, "value-one").api_key(agent("stocks"), P, "value-one");
        let on = hoard(&["value-one"], &["value-own"]).with_config().by_reference();
        let off = hoard(&["value-one"], &["value-own"]).with_config();
        for (first, then) in [(&off, &on), (&on, &off), (&on, &on)] {
            for done in 0.. {
                let house = House::holding(&made);
                let dying = house.open();
                first.sync(&dying);
                let then_keys: &[&str] = &["value-one", "value-two"];
                let mut then_hoard = hoard(then_keys, &["value-own"]).with_config();
                then_hoard.0.instance.delivery = then.0.instance.delivery;
                dying.hold(&then_hoard.0).unwrap();
                let plan = planned(&dying);
                let run = dying.begin("sync", &plan).unwrap();
                if done > plan.actions.len() + 1 {
                    break;
                }
                // Nothing but the journal, then the file and some stores, then all, then the config as well.
                if done > 0 {
                    let part = keyshoal_core::Plan {
                        actions: plan.actions[..(done - 1).min(plan.actions.len())].to_vec(),
                        ..plan.clone()
                    };
                    dying.apply(&run, &part, &mut |_, _| {});
                    // No store ever refers to what is not there.
                    for id in AGENTS {
                        let _ = resolves(&house, &dying, id);
                    }
                }
                drop(dying);
                let installation = house.open();
                let report = then_hoard.sync(&installation);
                assert!(
                    matches!(report.outcome, Outcome::Done | Outcome::NothingToDo),
                    "{layout} after {done}: {report:#?}"
                );
                all_send(
                    &house,
                    &installation,
                    ["value-two", "value-two", "value-own"],
                    &format!("{layout} {done}"),
                );
                let refers = then_hoard.0.instance.delivery == keyshoal_core::vault::Delivery::Refs;
                assert_eq!(file(&house).exists(), refers, "{layout} after {done}");
            }
        }
    }
}

/// The vault was given up in between, so nobody can say what the file held: no reference is made to stand for something else, or for nothing.
#[test]
fn without_the_vault_no_reference_is_put_back_that_leads_elsewhere() {
    for layout in LAYOUTS {
        let made =
            three(layout).api_key(StoreId::Base, P, "value-one").api_key(agent("stocks"), P, "value-one");
        let on = hoard(&["value-one"], &["value-own"]).with_config().by_reference();
        let rotated = hoard(&["value-one", "value-two"], &["value-own"]).with_config().by_reference();
        let off = hoard(&["value-one"], &["value-own"]).with_config();
        for (next, keys) in [
            (&rotated, ["value-two", "value-two", "value-own"]),
            (&off, ["value-one", "value-one", "value-own"]),
        ] {
            let house = House::holding(&made);
            let dying = house.open();
            on.sync(&dying);
            dying.hold(&next.0).unwrap();
            let plan = planned(&dying);
            let run = dying.begin("sync", &plan).unwrap();
            dying.apply(&run, &plan, &mut |_, _| {});
            dying.configure(&run, &plan);
            drop(dying);
            let put_back = house.recover(Direction::Undo);
            let left = |one: &Restored| matches!(one.state, StepState::Skipped { .. });
            assert!(!put_back.is_empty() && put_back.iter().all(left), "{layout}: {put_back:#?}");
            let installation = house.open();
            all_send(&house, &installation, keys, &format!("{layout}, undone"));
            assert!(installation.open_run().unwrap().is_none(), "{layout}");
        }
    }
}

fn resolves(house: &House, installation: &Installation, id: &str) -> String {
    sent(house, installation, id).unwrap_or_else(|| panic!("{id} refers to what is not there"))
}

fn planned(installation: &Installation) -> Plan {
    let options = SyncOptions { dry_run: true, ..SyncOptions::default() };
    sync(installation, &options, &mut Unattended, &mut |_| {}).unwrap().plan
}

#[test]
fn a_limited_run_does_not_refer_to_what_the_config_does_not_name() {
    let house = House::holding(&three(Layout::JsonFile).api_key(StoreId::Base, P, "value-one"));
    let installation = house.open();
    let wanted = hoard(&["value-one"], &["value-own"]).with_config().by_reference();
    installation.hold(&wanted.0).unwrap();
    let mut options = SyncOptions { assume_yes: true, ..SyncOptions::default() };
    options.look.scope.agents.insert("main".into());
    let report = sync(&installation, &options, &mut Unattended, &mut |_| {}).unwrap();
    assert_eq!(report.outcome, Outcome::Attention);
    assert_eq!(house.value(&StoreId::Base).as_deref(), Some("value-one"));
}

/// A person's own file is no part of any store, and the gateway reads it when it reads those.
#[test]
fn a_file_of_secrets_of_ones_own_that_changes_is_something_new_to_the_gateway() {
    for layout in LAYOUTS {
        let reference = json!({ "type": "api_key", "provider": "acme",
            "keyRef": { "source": "file", "provider": "mine", "id": "/acme" } });
        let provider = json!({ "source": "file", "mode": "json" });
        let mut nowhere = reference.clone();
        nowhere["keyRef"]["id"] = "/nothing/is/here".into();
        let sample = sample::Installation::new(layout).profile(StoreId::Base, P, reference);
        let house = House::holding(&sample.profile(StoreId::Base, "acme:nowhere", nowhere));
        let mine = house.dir().join("mine.json");
        let mut config = config(&house);
        config["secrets"]["providers"]["mine"] = provider;
        config["secrets"]["providers"]["mine"]["path"] = mine.display().to_string().into();
        std::fs::write(house.state().join("openclaw.json"), config.to_string()).unwrap();
        let installation = house.open();
        let digest = |text: Value| {
            std::fs::write(&mine, text.to_string()).unwrap();
            std::fs::set_permissions(&mine, std::fs::Permissions::from_mode(0o600)).unwrap();
            activation::digest(&glance(&installation).observed)
        };
        let first = digest(json!({ "acme": "sk-one", "other": "a" }));
        assert_eq!(digest(json!({ "acme": "sk-one", "other": "b" })), first, "{layout}");
        assert_ne!(digest(json!({ "acme": "sk-two", "other": "b" })), first, "{layout}");
        let seen = glance(&installation).observed;
        assert!(!activation::is_same(&first, &seen), "{layout}");
        assert!(!format!("{seen:?}").contains("sk-two"), "{layout}");

        // A key of the config itself is read at the same time.
        let mut config = self::config(&house);
        config["models"]["providers"]["beta"] = json!({ "baseUrl": "https://beta.example", "models": [],
            "apiKey": { "source": "file", "provider": "mine", "id": "/beta" } });
        std::fs::write(house.state().join("openclaw.json"), config.to_string()).unwrap();
        let first = digest(json!({ "acme": "sk-two", "beta": "sk-a" }));
        assert_ne!(digest(json!({ "acme": "sk-two", "beta": "sk-b" })), first, "{layout}");
        assert_eq!(digest(json!({ "acme": "sk-two", "beta": "sk-a" })), first, "{layout}");
    }
}
