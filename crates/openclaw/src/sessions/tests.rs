#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use super::*;
use crate::{Environment, config, locate::locate};
use rusqlite::Connection;

/// An installation with the agents main and stocks.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(config: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        let roster = "agents: {list: [{id: 'main'}, {id: 'stocks'}]}";
        place.write("openclaw.json", &format!("{{{roster}, {config}}}"));
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn database(&self, name: &str, rows: &str) {
        self.write(name, "");
        let db = Connection::open(self.dir.path().join(name)).unwrap();
        let table = "CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, entry_json TEXT NOT NULL)";
        db.execute_batch(&format!("{table}; INSERT INTO session_nodes VALUES {rows}")).unwrap();
    }

    fn pins(&self, agent: &str) -> SessionPins {
        let env = Environment { home: Some(self.dir.path().to_owned()), ..Environment::default() };
        let locations = locate(&env, Some(self.dir.path()), None).unwrap();
        let config = config::load(&locations, &env).unwrap();
        let agent = config.agent(&AgentId::from(agent)).unwrap();
        let own = StoreFile::agent_sqlite(agent.agent_dir.join(DATABASE));
        let alone = pins(&locations, &config, agent, None);
        // Whoever has read the agent's store already finds the same.
        assert_eq!(pins(&locations, &config, agent, Some((&own, &own.read().unwrap()))), alone);
        alone
    }

    fn keys(&self, agent: &str) -> Vec<String> {
        self.pins(agent).pins.into_keys().collect()
    }
}

const PIN: &str = r#"{"authProfileOverride":"p:a"}"#;

#[test]
fn reads_the_file_of_early_releases() {
    let place = Place::new("");
    let text = r#"{
        "agent:stocks:main":{"authProfileOverride":"p:a","authProfileOverrideSource":"user"},
        "agent:stocks:x":{"authProfileOverride":"p:a","authProfileOverrideCompactionCount":0},
        "agent:stocks:y":{"sessionId":"1"}, "broken": 7}"#;
    place.write("agents/stocks/sessions/sessions.json", text);
    let pin = |key: &str, by_person| SessionPin { session: format!("agent:stocks:{key}"), by_person };
    let found = place.pins("stocks").of_profile(&ProfileId::from("p:a"));
    assert_eq!(found, [pin("main", true), pin("x", false)]);
}

#[test]
fn reads_the_table_of_later_releases() {
    let place = Place::new("");
    place.database(
        "agents/stocks/agent/openclaw-agent.sqlite",
        r#"('k', '{"authProfileOverride":"p:b","authProfileOverrideSource":"user-link"}'),
           ('l', '{"sessionId":"1"}'), ('m', 'no json, "authProfileOverride"')"#,
    );
    let found = place.pins("stocks");
    assert_eq!(found.pins.len(), 1);
    assert!(found.pins["k"].by_user);
}

#[test]
fn what_is_not_there_pins_nothing() {
    let place = Place::new("");
    place.write("agents/stocks/sessions/sessions.json", "{");
    place.write("agents/stocks/agent/openclaw-agent.sqlite", "no database");
    assert_eq!(place.pins("stocks"), SessionPins::default());
}

#[test]
fn the_config_may_name_another_place() {
    let place = Place::new("session: {store: '~/s/{agentId}/sessions.json'}");
    place.write("s/stocks/sessions.json", &format!(r#"{{"agent:stocks:x": {PIN}, "odd": {PIN}}}"#));
    place.database("s/stocks/openclaw-agent.sqlite", &format!("('agent:stocks:db', '{PIN}')"));
    place.write("s/main/sessions.json", "{}");
    place.write("agents/stocks/sessions/sessions.json", &format!(r#"{{"never": {PIN}}}"#));
    assert_eq!(place.keys("stocks"), ["agent:stocks:db", "agent:stocks:x", "odd"]);
    assert!(place.keys("main").is_empty());
}

#[test]
fn a_place_that_all_agents_share_is_read_by_the_keys() {
    let place = Place::new("session: {store: '~/all.json'}");
    place.write("all.json", &format!(r#"{{"agent:Stocks:x": {PIN}, "agent:main:y": {PIN}, "odd": {PIN}}}"#));
    place.database("all.sqlite", &format!("('agent:stocks:z', '{PIN}')"));
    assert_eq!(place.keys("stocks"), ["agent:Stocks:x", "agent:stocks:z"]);
    assert_eq!(place.keys("main"), ["agent:main:y", "odd"]);
}

#[test]
fn known_sessions_are_those_of_file_and_table_each_once() {
    let place = Place::new("session: {store: '~/s/{agentId}/sessions.json'}");
    place.write(
        "s/stocks/sessions.json",
        r#"{"agent:stocks:x:group:7": {"origin": {"accountId": "biz"}, "space": "g"}, "agent:stocks:main": 7}"#,
    );
    place.database(
        "s/stocks/openclaw-agent.sqlite",
        r#"('agent:stocks:x:acc:direct:8', '{"lastAccountId": "other"}'), ('agent:stocks:x:group:7', '{"space": "h"}'),
           ('agent:stocks:z:direct:9', 'no json')"#,
    );
    let env = Environment { home: Some(place.dir.path().to_owned()), ..Environment::default() };
    let locations = locate(&env, Some(place.dir.path()), None).unwrap();
    let config = config::load(&locations, &env).unwrap();
    let of = |agent: &str| known(&locations, &config, config.agent(&AgentId::from(agent)).unwrap());
    let told: Vec<String> = of("stocks")
        .into_iter()
        .map(|one| {
            let with =
                one.with.map_or_else(|| "nobody".to_owned(), |(channel, peer)| format!("{channel}/{peer}"));
            format!("{with} {:?} {:?}", one.account, one.space)
        })
        .collect();
    assert_eq!(
        told,
        [
            "nobody None None",
            "x/direct:8 Some(\"acc\") None",
            "x/group:7 None Some(\"h\")",
            "z/direct:9 None None"
        ]
    );
    assert_eq!(of("main"), []);
}

#[test]
fn the_database_of_a_named_file_is_where_later_releases_put_it() {
    let of = |store: &str| database_of(Path::new(store)).display().to_string();
    assert_eq!(of("/s/agents/a/sessions/sessions.json"), "/s/agents/a/agent/openclaw-agent.sqlite");
    assert_eq!(of("/s/a/sessions.json"), "/s/a/openclaw-agent.sqlite");
    assert_eq!(of("/s/mine.json"), "/s/mine.sqlite");
    assert_eq!(of("/s/mine.sqlite"), "/s/mine.sqlite");
}
