//! Why candidates are not used, and where they come from.

use super::{Plain, contents, load};
use keyshoal_core::{
    AgentId, Candidate, CredentialKind, Layout, Material, OutReason, Place, ProfileId, ProviderId, Secret,
    SessionPin, Standing, StoreId, Timestamp,
};
use keyshoal_openclaw::candidates::{CandidateInput, of_agent};
use keyshoal_openclaw::models_file::{ModelsEntry, ModelsFile};
use keyshoal_openclaw::sessions::{Pin, SessionPins};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NOW: i64 = 1_800_000_000_000;
pub const EVERY: [Layout; 5] =
    [Layout::JsonFile, Layout::JsonWithState, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow];

/// A state to look at; what it does not name is empty.
struct State {
    layout: Layout,
    version: Option<&'static str>,
    agent: &'static str,
    config: Value,
    env: Value,
    base: Value,
    local: Value,
    dotenv: &'static str,
    logins: BTreeSet<ProviderId>,
    sessions: SessionPins,
    copies: ModelsFile,
}

impl State {
    fn new(layout: Layout) -> Self {
        Self {
            layout,
            version: None,
            agent: "stocks",
            config: json!({}),
            env: json!({}),
            base: json!({ "profiles": {} }),
            local: json!({ "profiles": {} }),
            dotenv: "",
            logins: BTreeSet::new(),
            sessions: SessionPins::default(),
            copies: ModelsFile::default(),
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let dir = tempfile::tempdir().unwrap();
        if !self.dotenv.is_empty() {
            std::fs::write(dir.path().join(".env"), self.dotenv).unwrap();
        }
        let case =
            json!({ "release": "2026.9.6", "provider": "anthropic", "config": self.config, "env": self.env });
        let (config, env) = load(dir.path(), &case);
        let base = contents(&dir.path().join("base"), &self.base);
        let local = contents(&dir.path().join("local"), &self.local);
        let found = of_agent(&CandidateInput {
            config: &config,
            layout: self.layout,
            version: self.version,
            agent: config.agent(&AgentId::from(self.agent)).unwrap(),
            base: &base,
            local: (self.agent != "main").then_some(&local),
            models_file: &self.copies,
            other_logins: &self.logins,
            sessions: &self.sessions,
            env: &env,
            prints: &Plain,
            now: Timestamp::from_millisecond(NOW).unwrap(),
        });
        found[&ProviderId::from("anthropic")].clone()
    }

    fn standing(&self, id: &str) -> Standing {
        let found = self.candidates();
        found.iter().find(|one| one.profile == Some(ProfileId::from(id))).unwrap().standing.clone()
    }
}

fn key(secret: &str) -> Value {
    json!({ "type": "api_key", "provider": "anthropic", "key": secret })
}

pub fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

#[test]
fn a_local_profile_hides_the_shared_one_of_its_id() {
    for layout in EVERY {
        let state = State {
            base: json!({ "profiles": { "a:x": key("shared") } }),
            local: json!({ "profiles": { "a:x": key("own") } }),
            ..State::new(layout)
        };
        let found = state.candidates();
        assert_eq!((&found[0].place, &found[0].standing), (&Place::Local, &Standing::First));
        let by = StoreId::Agent(AgentId::from("stocks"));
        assert_eq!(
            (&found[1].place, &found[1].standing),
            (&Place::Inherited, &Standing::Out(OutReason::Shadowed { by }))
        );
        assert_ne!(found[0].material, found[1].material);
    }
}

#[test]
fn the_base_store_is_mains_own() {
    let base = json!({ "profiles": { "a:x": key("shared") } });
    let of = |agent| State { base: base.clone(), agent, ..State::new(Layout::JsonFile) }.candidates();
    assert_eq!(of("main")[0].place, Place::Local);
    assert_eq!(of("stocks")[0].place, Place::Inherited);
}

#[test]
fn an_inherited_mark_holds_a_local_key_back_unless_the_agent_has_its_own() {
    for layout in EVERY {
        let until = NOW + 30_000;
        let mark = json!({ "a:x": { "errorCount": 1, "cooldownUntil": until, "cooldownReason": "auth" } });
        let mut state = State {
            base: json!({ "profiles": { "a:x": key("shared") }, "usageStats": mark }),
            local: json!({ "profiles": { "a:x": key("own") } }),
            ..State::new(layout)
        };
        let cooling = OutReason::CoolingDown { until: time(until), reason: "auth".into() };
        assert_eq!(state.standing("a:x"), Standing::Out(cooling));
        state.local["usageStats"] = json!({ "a:x": { "errorCount": 0 } });
        assert_eq!(state.standing("a:x"), Standing::First);
    }
}

#[test]
fn the_configs_list_and_its_types_gate_every_agent() {
    for layout in EVERY {
        let state = State {
            config: json!({ "auth": { "profiles": { "a:x": { "provider": "anthropic", "mode": "token" } } } }),
            base: json!({ "profiles": { "a:x": key("one"), "a:y": key("two") } }),
            ..State::new(layout)
        };
        assert_eq!(
            state.standing("a:x"),
            Standing::Out(OutReason::ModeMismatch { wanted: CredentialKind::Token })
        );
        assert_eq!(state.standing("a:y"), Standing::Out(OutReason::NotListed));
    }
}

#[test]
fn an_order_leaves_out_what_it_does_not_name() {
    for layout in EVERY {
        let state = State {
            local: json!({ "profiles": { "a:x": key("one"), "a:y": key("two") }, "order": { "anthropic": ["a:y"] } }),
            ..State::new(layout)
        };
        assert_eq!(state.standing("a:x"), Standing::Out(OutReason::NotInOrder));
        assert_eq!(state.standing("a:y"), Standing::First);
        assert_eq!(state.candidates()[0].because, "the agent's own order");
    }
}

#[test]
fn a_bound_profile_is_the_only_one_since_the_shared_store() {
    let state = |layout| State {
        config: json!({ "models": { "providers": { "anthropic": {
            "baseUrl": "https://api.example.com", "api": "anthropic-messages", "apiKey": "a:y", "models": [{ "id": "m", "name": "m" }] } } } }),
        base: json!({ "profiles": { "a:x": key("one"), "a:y": key("two") } }),
        ..State::new(layout)
    };
    let pinned = Standing::Out(OutReason::PinnedElsewhere { to: ProfileId::from("a:y") });
    assert_eq!(state(Layout::SharedRow).standing("a:x"), pinned);
    assert_eq!(state(Layout::SharedRow).standing("a:y"), Standing::First);
    assert_eq!(state(Layout::AgentSqlite).standing("a:x"), Standing::First);
    // Also where the main agent's store is still the shared one.
    let legacy = State { version: Some("2026.8.2"), ..state(Layout::AgentSqlite) };
    assert_eq!(legacy.standing("a:x"), pinned);
}

#[test]
fn the_end_of_a_login_counts_where_it_cannot_be_renewed() {
    let login = |expires: Value, refresh: bool| {
        let mut login =
            json!({ "type": "oauth", "provider": "anthropic", "access": "at", "expires": expires });
        if refresh {
            login["refresh"] = json!("rt");
        }
        login
    };
    let standing = |layout, login: Value| {
        State { local: json!({ "profiles": { "a:o": login } }), ..State::new(layout) }.standing("a:o")
    };
    let over = |at: i64| Standing::Out(OutReason::Expired { at: time(at) });
    for layout in EVERY {
        assert_eq!(standing(layout, login(json!(NOW - 1), true)), Standing::First);
        assert_eq!(standing(layout, login(json!(NOW - 1), false)), over(NOW - 1));
        // Seconds instead of milliseconds are long ago.
        assert_eq!(standing(layout, login(json!(NOW / 1000), false)), over(NOW / 1000));
        assert_eq!(standing(layout, login(json!(NOW + 301_000), false)), Standing::First);
    }
    assert_eq!(standing(Layout::JsonFile, login(json!(NOW + 299_000), false)), Standing::First);
    assert_eq!(standing(Layout::SharedRow, login(json!(NOW + 299_000), false)), over(NOW + 299_000));
    assert_eq!(
        standing(Layout::JsonFile, login(Value::Null, false)),
        Standing::Out(OutReason::InvalidExpires)
    );
    let mut endless = login(Value::Null, false);
    endless.as_object_mut().unwrap().remove("expires");
    assert_eq!(standing(Layout::JsonFile, endless.clone()), Standing::First);
    assert_eq!(standing(Layout::SharedRow, endless), Standing::Out(OutReason::InvalidExpires));
}

#[test]
fn the_environment_has_layers() {
    let mut state = State {
        config: json!({ "env": { "vars": { "ANTHROPIC_API_KEY": "by-config" } } }),
        dotenv: "ANTHROPIC_API_KEY=by-dotenv\n",
        ..State::new(Layout::SharedRow)
    };
    let layers = |state: &State| -> Vec<(String, bool)> {
        let layer = |one: &Candidate| match &one.place {
            Place::Environment { layer, .. } => Some((layer.clone(), one.standing == Standing::First)),
            _ => None,
        };
        state.candidates().iter().filter_map(layer).collect()
    };
    assert_eq!(layers(&state), [(".env".to_owned(), true), ("config env".to_owned(), false)]);
    state.env = json!({ "ANTHROPIC_API_KEY": "by-process" });
    assert_eq!(layers(&state)[0], ("environment".to_owned(), true));
    state.base = json!({ "profiles": { "a:x": key("one") } });
    assert!(layers(&state).iter().all(|(_, first)| !first));
}

#[test]
fn a_copy_in_models_json_is_shown_and_never_used() {
    let secret = Secret::new("stale");
    let entry = ModelsEntry { api_key: Some(secret), base_url: None };
    let state = State {
        copies: ModelsFile { providers: [(ProviderId::from("anthropic"), entry)].into() },
        ..State::new(Layout::JsonFile)
    };
    let found = state.candidates();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].place, &found[0].standing),
        (&Place::ModelsFile, &Standing::Out(OutReason::LowerPrecedence))
    );
    assert!(matches!(found[0].material, Material::Inline(_)));
}

#[test]
fn sessions_that_pin_a_profile_are_named() {
    let pin = Pin { profile: ProfileId::from("a:y"), by_user: true };
    let state = State {
        base: json!({ "profiles": { "a:x": key("one"), "a:y": key("two") } }),
        sessions: SessionPins { pins: [("agent:stocks:main".to_owned(), pin)].into() },
        ..State::new(Layout::SharedRow)
    };
    let found = state.candidates();
    let pins = |id: &str| {
        let one = found.iter().find(|one| one.profile == Some(ProfileId::from(id))).unwrap();
        one.pinned_by_sessions.clone()
    };
    let pin = SessionPin { session: "agent:stocks:main".to_owned(), by_person: true };
    assert_eq!((pins("a:x"), pins("a:y")), (vec![], vec![pin]));
}

#[test]
fn a_fence_keeps_everybody_out() {
    let fence = "openclaw-oauth-refresh-fence:v1:00:access:11";
    let login =
        json!({ "type": "oauth", "provider": "anthropic", "access": fence, "refresh": "x", "expires": 1 });
    let state = State { base: json!({ "profiles": { "a:o": login } }), ..State::new(Layout::SharedRow) };
    assert_eq!(state.standing("a:o"), Standing::Out(OutReason::Fenced));
}
