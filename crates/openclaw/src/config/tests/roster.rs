//! Which agents there are, who is the default, and where their directories are.

use super::{Place, default_id, ids, said};
use crate::config::model::RosterForm;
use std::path::Path;

#[test]
fn reads_entries_and_explicit_ownership() {
    let text = r#"{"agents": {"ownership": "explicit", "entries": {"main": {}, "ops": {"default": true}, "7": {}}}}"#;
    let config = Place::new(text).load();
    assert_eq!(config.roster_form, RosterForm::Entries);
    assert!(config.explicit_ownership);
    assert_eq!(ids(&config), ["7", "main", "ops"], "numbers come first, as in JavaScript");
    assert_eq!(default_id(&config), None);

    let config = Place::new(r#"{"agents": {"entries": {"b": {}, "A": {}, "__proto__": {}}}}"#).load();
    assert_eq!(ids(&config), ["b", "a"]);
    assert_eq!(default_id(&config), None, "entries that mark no default have none");
    assert!(said(&config, "agents.entries.A is not a valid agent id"));
}

#[test]
fn knows_the_default_agent_where_there_is_one() {
    for (agents, expected) in [
        ("list: [{id: 'a'}, {id: 'b'}]", Some("a")),
        ("list: [{id: 'a'}, {id: 'b', default: true}, {id: 'c', default: true}]", Some("b")),
        ("list: [{id: 'a'}, {id: 'b'}], ownership: 'explicit'", None),
        ("list: [{id: 'a'}], ownership: 'explicit'", Some("a")),
        ("entries: {a: {}, b: {default: true}}", Some("b")),
        ("entries: {a: {default: true}, b: {default: true}}", None),
        ("entries: {a: {}}, ownership: 'explicit'", Some("a")),
        ("ownership: 'explicit'", Some("main")),
    ] {
        let config = Place::new(&format!("{{agents: {{{agents}}}}}")).load();
        assert_eq!(default_id(&config), expected, "for {agents}");
    }
}

#[test]
fn a_roster_that_later_releases_refuse_is_said() {
    let said_of = |agents: &str| Place::new(&format!("{{agents: {{{agents}}}}}")).load().warnings.join("\n");
    let unowned = "agents names several agents, and neither is ownership";
    assert!(said_of("entries: {a: {}, b: {}}").contains(unowned));
    assert!(said_of("entries: {a: {default: true}, b: {default: true}}").contains(unowned));
    let both = said_of("entries: {a: {default: true}, b: {}}, ownership: 'explicit'");
    assert!(both.contains("agents marks a default although its ownership is explicit"), "{both}");
    for fine in [
        "entries: {a: {}}",
        "entries: {a: {default: true}, b: {}}",
        "entries: {a: {}, b: {}}, ownership: 'explicit'",
        "list: [{id: 'a'}, {id: 'b'}]",
    ] {
        assert_eq!(said_of(fine), "", "{fine}");
    }
    assert!(
        said_of("list: [{id: 'a', default: true}, {id: 'b', default: true}]")
            .contains("several agents as default")
    );
    assert!(
        said_of("list: [{id: 'a'}], entries: {b: {}}")
            .contains("both entries and list (OpenClaw refuses the config)")
    );
}

#[test]
fn without_agents_there_is_main() {
    for text in ["{}", "{agents: {}}", "{agents: {list: []}}", "{agents: {entries: {}}}"] {
        let config = Place::new(text).load();
        assert_eq!(ids(&config), ["main"], "for {text}");
        assert_eq!(default_id(&config), Some("main"));
    }
    let place = Place::new("");
    std::fs::remove_file(place.state("openclaw.json")).unwrap();
    let config = place.load();
    assert!(!config.exists);
    assert_eq!(ids(&config), ["main"]);
}

#[test]
fn one_directory_for_two_agents_is_refused() {
    let shared = "{agents: {list: [{id: 'a', agentDir: '/x/y'}, {id: 'b', agentDir: '/x/./z/../y'}]}}";
    let problem = Place::new(shared).problem();
    assert!(problem.contains("openclaw.json:1:2: the agents a, b share the directory /x/y"), "{problem}");
    // An agent that only a binding names has a directory too.
    let bound = "{agents: {list: [{id: 'a', agentDir: '~/.openclaw/agents/ghost/agent'}]}, bindings: [{agentId: 'Ghost', match: {}}]}";
    assert!(Place::new(bound).problem().contains("a, ghost"));
    // By a link, early releases accept it.
    let linked = Place::new("{agents: {list: [{id: 'a'}, {id: 'b'}]}}");
    std::fs::create_dir_all(linked.state("agents/a/agent")).unwrap();
    std::os::unix::fs::symlink(linked.state("agents/a"), linked.state("agents/b")).unwrap();
    assert!(said(&linked.load(), "openclaw.json:1:2: agents gives a, b one directory by symbolic links"));
    assert!(said(&linked.load(), "OpenClaw since 2026.8 refuses such a config"));
}

#[test]
fn a_relative_path_is_never_kept() {
    let config = Place::new("{agents: {list: [{id: 'a', agentDir: 'somewhere'}]}}").load();
    assert!(config.agents[0].agent_dir.is_absolute());
    assert!(config.agents[0].agent_dir.ends_with(Path::new("somewhere")));
}
