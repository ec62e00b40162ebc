//! The planner's model of what an action does, held against the real stores of every layout.

use super::house::{House, LAYOUTS, UNTIL, agent, done};
use keyshoal_core::judge::endpoint_of;
use keyshoal_core::simulate::simulate_all;
use keyshoal_core::{
    Action, AgentId, CredentialKind, Knowledge, Layout, Material, Observation, Place, ProfileId, Scope,
    StepState, StoreId, Timestamp, UsageView, Verdict, VerdictKind, activation, plan,
};
use keyshoal_engine::desired_of;
use keyshoal_engine::ports::Observe as _;
use keyshoal_openclaw::sample;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const AGENTS: [&str; 3] = ["stocks", "ops", "academic"];
const PROFILES: [&str; 2] = ["acme:default", "acme:second"];

/// Draws numbers that are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) % end
    }

    fn once_in(&mut self, often: u64) -> bool {
        self.below(often) == 0
    }
}

fn entry(draw: &mut Draw) -> Value {
    let value = format!("key-{}", draw.below(3));
    match draw.below(8) {
        0 | 1 => {
            json!({ "type": "token", "provider": "acme", "token": value, "expires": UNTIL })
        }
        2 => {
            json!({ "type": "oauth", "provider": "acme", "access": value, "refresh": "r", "expires": UNTIL })
        }
        3 => {
            json!({ "type": "api_key", "provider": "acme", "keyRef": { "source": "env", "provider": "default", "id": "ACME" } })
        }
        _ => json!({ "type": "api_key", "provider": "acme", "key": value, "displayName": "Mine" }),
    }
}

fn state(draw: &mut Draw) -> Value {
    let mut usage = serde_json::Map::new();
    for id in PROFILES {
        if draw.once_in(3) {
            continue;
        }
        let reason = ["auth", "auth_permanent", "billing", "rate_limit"][draw.below(4) as usize];
        let mark = if draw.once_in(2) { "cooldown" } else { "disabled" };
        let entry = json!({ format!("{mark}Until"): UNTIL, format!("{mark}Reason"): reason, "errorCount": 2, "lastUsed": 5 });
        usage.insert(id.to_owned(), entry);
    }
    json!({ "order": { "acme": PROFILES }, "lastGood": { "acme": PROFILES[0] }, "usageStats": usage })
}

/// Makes an installation with random profiles, marks and a demanded type.
fn house(draw: &mut Draw, layout: Layout) -> House {
    let mut made = sample::Installation::new(layout);
    for id in AGENTS {
        made = made.agent(id);
    }
    let stores = [StoreId::Base].into_iter().chain(AGENTS.map(agent));
    for store in stores {
        for id in PROFILES {
            if store == StoreId::Base || !draw.once_in(3) {
                made = made.profile(store.clone(), id, entry(draw));
            }
        }
        made = made.state(store, state(draw));
    }
    if draw.once_in(2) {
        let mode = ["api_key", "token"][draw.below(2) as usize];
        let declared = json!({ "provider": "acme", "mode": mode });
        made =
            made.config(json!({ "auth": { "profiles": { PROFILES[0]: declared, PROFILES[1]: declared } } }));
    }
    House::holding(&made)
}

/// What the model speaks about: each profile's type, value and time, and the marks that hold it back.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    profiles: BTreeMap<(StoreId, ProfileId), (CredentialKind, Material, Option<Timestamp>)>,
    marks: BTreeMap<(StoreId, ProfileId), UsageView>,
    order: BTreeSet<String>,
    candidates: BTreeSet<String>,
}

fn told(observed: &Observation) -> Told {
    let mut told = Told {
        profiles: BTreeMap::new(),
        marks: BTreeMap::new(),
        order: BTreeSet::new(),
        candidates: BTreeSet::new(),
    };
    for (id, store) in &observed.stores {
        for (profile, view) in &store.profiles {
            let what = (view.kind.clone(), view.material.clone(), view.expires);
            told.profiles.insert((id.clone(), profile.clone()), what);
        }
        for (profile, usage) in &store.usage {
            told.marks.insert((id.clone(), profile.clone()), usage.clone());
        }
        told.order.insert(format!("{id} {:?} {:?}", store.order, store.last_good));
    }
    for agent in &observed.agents {
        for one in agent.candidates.values().flatten() {
            if matches!(one.place, Place::Local | Place::Inherited) {
                let (profile, place) = (&one.profile, &one.place);
                told.candidates
                    .insert(format!("{} {profile:?} {place:?} {:?} {:?}", agent.id, one.kind, one.material));
            }
        }
    }
    told
}

#[test]
fn every_action_does_to_the_real_stores_what_the_model_says() {
    let mut seen = BTreeSet::new();
    for layout in LAYOUTS {
        let mut draw = Draw(0x9e37_79b9_7f4a_7c15);
        for case in 0..12 {
            let house = house(&mut draw, layout);
            let installation = house.open();
            let before = installation.observe().unwrap();
            let mut desired = desired_of(&before, None, &Scope::default()).unwrap();
            desired.include_foreign = true;
            let mut knowledge = Knowledge::default();
            for value in desired.values.values() {
                let endpoint = endpoint_of(&before, &AgentId::from("main"), &value.provider);
                let verdict = Verdict::new(VerdictKind::Ok, before.at);
                knowledge.verdicts.insert((value.fingerprint, endpoint.key()), verdict);
            }
            let plan = plan(&before, &desired, &knowledge, before.at);
            if plan.actions.is_empty() {
                continue;
            }
            let (_, receipts) = done(&installation, &plan);
            for receipt in &receipts {
                assert_eq!(receipt.durable, StepState::Done, "{layout} {case}: {:?}", receipt.action);
                seen.insert(word(&receipt.action));
            }
            let after = installation.observe().unwrap();
            let expected = simulate_all(&before, &plan.actions);
            assert_eq!(told(&after), told(&expected), "{layout} {case}: {:#?}", plan.actions);
            assert_eq!(activation::digest(&after), activation::digest(&expected), "{layout} {case}");
        }
    }
    let all = ["fix", "remove", "replace", "reset"].map(str::to_owned);
    assert_eq!(seen, BTreeSet::from(all), "every kind of action was tried");
}

/// The only action that makes a profile: into a base store that has others, and into one that has none yet.
#[test]
fn an_inserted_profile_is_in_the_real_stores_what_the_model_says() {
    for layout in LAYOUTS {
        let mut draw = Draw(0x2545_f491_4f6c_dd1d);
        for (kind, empty) in [
            (CredentialKind::ApiKey, false),
            (CredentialKind::Token, false),
            (CredentialKind::ApiKey, true),
            (CredentialKind::Token, true),
        ] {
            let house = match empty {
                false => house(&mut draw, layout),
                true => House::holding(&sample::Installation::new(layout).agent("stocks")),
            };
            let installation = house.open();
            let before = installation.observe().unwrap();
            let insert = Action::Insert {
                store: StoreId::Base,
                profile: "acme:new".into(),
                provider: "acme".into(),
                value: installation.enter(keyshoal_core::Secret::new("key-new"), None),
                kind,
            };
            let plan = keyshoal_core::Plan { actions: vec![insert], ..keyshoal_core::Plan::default() };
            let (_, receipts) = done(&installation, &plan);
            assert_eq!(receipts[0].durable, StepState::Done, "{layout} {empty}");
            let after = installation.observe().unwrap();
            let expected = simulate_all(&before, &plan.actions);
            // Candidates are not told: the model leaves their order as it was, and a new profile has no place in it.
            let stores = |observed: &Observation| {
                let Told { profiles, marks, order, .. } = told(observed);
                (profiles, marks, order, observed.stores[&StoreId::Base].health.clone())
            };
            assert_eq!(stores(&after), stores(&expected), "{layout}, empty: {empty}");
            assert_eq!(activation::digest(&after), activation::digest(&expected), "{layout} {empty}");
            assert!(after.profile(&StoreId::Base, &"acme:new".into()).is_some());
        }
    }
}

fn word(action: &Action) -> String {
    let word = match action {
        Action::Replace { .. } => "replace",
        Action::RemoveShadow { .. } => "remove",
        Action::Remove { .. } => "take back",
        Action::Insert { .. } => "insert",
        Action::FixType { .. } => "fix",
        Action::ResetCooldown { .. } => "reset",
    };
    word.to_owned()
}
