#![expect(clippy::disallowed_methods, reason = "tests write their own files")]

use super::*;
use crate::{Environment, config, locate::locate};

const CONFIG: &str = "{agents: {list: [{id: 'main'}, {id: 'Ops', model: 'acme/m'}],
    defaults: {models: {'acme/fast': {alias: 'Quick'}}}}";

/// Returns which models the agents main and ops need for jobs.
fn models(more: &str, prepare: impl FnOnce(&Path)) -> [Vec<String>; 2] {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("s");
    std::fs::create_dir_all(state.join("state")).unwrap();
    std::fs::create_dir_all(state.join("cron")).unwrap();
    std::fs::write(state.join("openclaw.json"), format!("{CONFIG}{more}}}")).unwrap();
    prepare(&state);
    let env = Environment { home: Some(dir.path().to_owned()), ..Environment::default() };
    let locations = locate(&env, Some(&state), None).unwrap();
    let mut config = config::load(&locations, &env).unwrap();
    add_models(&mut config, &locations);
    let of = |at: usize| {
        let jobs = config.agents[at].models.iter().filter(|used| used.purpose == Some(PURPOSE));
        jobs.map(|used| format!("{}/{}", used.provider, used.model)).collect()
    };
    [of(0), of(1)]
}

const JOBS: &str = r#"{"version": 1, "jobs": [
    {"agentId": "ops", "enabled": true, "payload": {"kind": "agentTurn", "model": "quick", "fallbacks": ["b/2", "acme/m"]}},
    {"payload": {"model": "c/3"}}, {"agentId": "ghost", "payload": {"model": "d/4"}},
    {"enabled": false, "payload": {"model": "never/1"}}, {"payload": {"kind": "systemEvent"}}, 7]}"#;

#[test]
fn jobs_of_a_file_need_their_models() {
    let write = |name: &'static str| move |state: &Path| std::fs::write(state.join(name), JOBS).unwrap();
    let expected = [vec!["c/3"], vec!["acme/fast", "b/2"]];
    assert_eq!(models("", write("cron/jobs.json")), expected);
    assert_eq!(models(", cron: {store: '~/s/mine.json'}", write("mine.json")), expected);
    let none: [Vec<String>; 2] = Default::default();
    assert_eq!(models("", |state| std::fs::write(state.join("cron/jobs.json"), "{").unwrap()), none);
}

#[test]
fn the_table_counts_where_there_is_one() {
    let found = models("", |state| {
        std::fs::write(state.join("cron/jobs.json"), JOBS).unwrap();
        let db = rusqlite::Connection::open(state.join("state/openclaw.sqlite")).unwrap();
        db.execute_batch(
            r#"CREATE TABLE cron_jobs (job_id TEXT PRIMARY KEY, enabled INTEGER NOT NULL, job_json TEXT NOT NULL);
               INSERT INTO cron_jobs VALUES ('1', 1, '{"agentId":"ops","payload":{"model":"e/5"}}'),
                 ('2', 0, '{"payload":{"model":"never/1"}}'), ('3', 1, 'no json');"#,
        )
        .unwrap();
    });
    assert_eq!(found, [vec![], vec!["e/5".to_owned()]]);
}
