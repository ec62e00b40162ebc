//! `route`: one message, all of them, and what is wrong.

use crate::stage::*;
use keyshoal_core::Layout;
use serde_json::Value;

const LAYOUTS: [Layout; 2] = [Layout::JsonFile, Layout::SharedRow];

/// Returns what is printed, without the name of the throwaway directory.
fn shown(stage: &Stage, arguments: &[&str]) -> String {
    let dir = stage.state_dir().canonicalize().unwrap();
    stage.run(arguments).out.replace(dir.to_str().unwrap(), "STATE")
}

#[test]
fn one_message_is_explained() {
    let stage = Stage::routed(Layout::SharedRow);
    let of = |query: &str| shown(&stage, &["route", query]);
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}",
        of("channel=telegram,peer=direct:123"),
        of("channel=discord,account=biz,guild=4711,roles=mods"),
        of("channel=slack,peer=channel:c1")
    ));
}

#[test]
fn all_messages_are_listed_with_what_is_wrong() {
    insta::assert_snapshot!(shown(&Stage::routed(Layout::JsonFile), &["route", "--all"]));
}

#[test]
fn the_document_of_one_message() {
    insta::assert_snapshot!(shown(
        &Stage::routed(Layout::JsonFile),
        &["route", "channel=discord,account=biz,peer=group:7", "--json"]
    ));
}

#[test]
fn the_exit_code_says_whether_somebody_has_to_look() {
    for layout in LAYOUTS {
        let stage = Stage::routed(layout);
        assert_eq!(stage.run(&["route", "channel=telegram,peer=direct:123"]).code, 0, "{layout}");
        assert_eq!(
            stage.run(&["route", "channel=discord,account=biz"]).code,
            2,
            "{layout}: it leads to a stranger"
        );
        assert_eq!(stage.run(&["route", "--all"]).code, 2, "{layout}");
        let run = Stage::calm(layout).run(&["route", "--all"]);
        assert_eq!(run.code, 0, "{layout}: {}{}", run.out, run.err);
    }
}

#[test]
fn a_wrong_query_is_64_and_says_where() {
    let stage = Stage::calm(Layout::JsonFile);
    for (arguments, said) in [
        (&["route"] as &[&str], "required"),
        (&["route", "channel=x", "--all"], "cannot be used"),
        (&["route", "channel=x,colour=red"], "\"colour=red\": there is no \"colour\""),
        (&["route", "channel=x,peer=7"], "\"peer=7\": should be kind:id"),
        (&["route", "peer=direct:7"], "names no channel"),
    ] {
        let run = stage.run(arguments);
        assert_eq!((run.code, run.out.as_str()), (64, ""), "{arguments:?}: {}", run.err);
        assert!(run.err.contains(said), "{arguments:?}: {}", run.err);
    }
}

#[test]
fn every_listed_message_goes_where_asking_for_it_says() {
    for layout in LAYOUTS {
        let stage = Stage::routed(layout);
        let all = stage.run(&["route", "--all", "--json"]).json();
        let routes = all["routes"].as_array().unwrap();
        assert!(routes.len() >= 8, "{all}");
        for route in routes {
            let one = stage.run(&["route", route["query"]["text"].as_str().unwrap(), "--json"]).json();
            for key in ["agent", "tier", "binding", "query"] {
                assert_eq!(one["routes"][0][key], route[key], "{layout}: {}", route["query"]);
            }
        }
    }
}

#[test]
fn sessions_tell_of_messages() {
    let stage = Stage::routed(Layout::JsonFile);
    let sessions = stage.state_dir().join("agents/main/sessions");
    std::fs::create_dir_all(&sessions).unwrap();
    let text =
        r#"{"agent:main:telegram:group:-100:topic:7":{"lastAccountId":"default"},"agent:main:main":{}}"#;
    std::fs::write(sessions.join("sessions.json"), text).unwrap();
    let all = stage.run(&["route", "--all", "--json"]).json();
    let of_session =
        |route: &&Value| route["origins"].as_array().unwrap().iter().any(|one| one["origin"] == "session");
    let found: Vec<&Value> = all["routes"].as_array().unwrap().iter().filter(of_session).collect();
    let [found] = found.as_slice() else { panic!("{all}") };
    assert_eq!(found["query"]["text"], "channel=telegram,account=default,peer=group:-100");
    assert_eq!(found["agent"], "ops");
}

#[test]
fn nothing_is_written() {
    let stage = Stage::routed(Layout::SharedRow);
    stage.run(&["route", "--all"]);
    assert!(!stage.state_dir().join(".keyshoal").exists());
}

#[test]
fn a_config_that_openclaw_refuses_weighs_and_stops_a_restart_first() {
    let stage = Stage::routed(Layout::SharedRow);
    let status = stage.run(&["status"]);
    assert_eq!(status.code, 2, "{}", status.out);
    for words in ["! config refused", "openclaw.json:", "bindings[4] binds to agent ghost"] {
        assert!(status.out.contains(words), "{words}: {}", status.out);
    }
    let restart = stage.run(&["restart", "--yes", "--restart-command", "touch restarted"]);
    assert_eq!(restart.code, 2, "{}", restart.out);
    assert!(
        restart.out.contains("would not start again") && restart.out.contains("openclaw.json:"),
        "{}",
        restart.out
    );
}

#[test]
fn what_no_message_can_come_to_is_no_route_that_answers() {
    let stage = Stage::routed(Layout::JsonFile);
    let unreachable = stage.run(&["route", "--all", "--json"]).json();
    let found = unreachable["findings"].as_array().unwrap();
    assert!(found.iter().any(|one| one["finding"] == "unreachable"), "{unreachable:#}");
    let verified = stage.run(&["verify", "--routes"]);
    assert!(verified.out.contains("✗ no message comes this way"), "{}", verified.out);
}
