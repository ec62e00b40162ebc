//! Names, values and answers that would steer a terminal: no command sends them to it as they are.

use crate::stage::*;
use keyshoal_core::{Layout, StoreId};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;

/// Clears the screen, sets a title, goes back over the line, ends a C1 sequence, and turns the text round.
const STEER: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\r\u{8}\u{9b}31m\u{7f}\u{202e}\u{2066}";

/// Tells whether a terminal would take a character as more than a character.
fn steers(one: char) -> bool {
    one != '\n' && one.is_control()
        || matches!(one, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Checks what was printed, the colours of our own apart.
fn calm(what: &str, text: &str) {
    let mut parts = text.split("\u{1b}[");
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let colour = part
            .split_once('m')
            .filter(|(code, _)| code.chars().all(|one| one.is_ascii_digit() || one == ';'));
        bare.push_str(&colour.map_or_else(|| format!("\u{1b}[{part}"), |(_, rest)| rest.to_owned()));
    }
    for line in bare.lines() {
        assert!(!line.chars().any(steers), "{what} sends: {line:?}");
    }
}

/// Runs it as on a terminal with colours, and returns everything that it printed.
fn printed(stage: &Stage, arguments: &[&str]) -> String {
    let mut command = stage.command(arguments);
    let output = command.env("CLICOLOR_FORCE", "1").write_stdin(format!("{GIVEN}\n")).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// A provider whose every answer steers.
fn provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _read = stream.read(&mut [0; 8192]);
            let body =
                json!({ "error": { "type": STEER, "message": format!("no {STEER} here") } }).to_string();
            let head = format!("HTTP/1.1 418 {}\r\ncontent-type: application/json\r\n", "teapot");
            let _sent = stream.write_all(
                format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).as_bytes(),
            );
        }
    });
    url
}

fn stage(layout: Layout) -> Stage {
    let name = |word: &str| format!("{word}{STEER}");
    let (agent, profile) = (name("ops"), format!("anthropic:{}", name("work")));
    let entry = |key: &str| json!({ "type": "api_key", "provider": "anthropic", "key": key, "email": name("me"), "label": name("label") });
    let channel = json!({ "accounts": { name("biz"): { "botToken": GATEWAY } } });
    let config = json!({
        "models": { "providers": {
            "anthropic": { "baseUrl": provider(), "api": "anthropic-messages", "models": [{ "id": name("m"), "name": name("M") }] },
            name("own"): { "baseUrl": name("http://127.0.0.1:9/"), "api": name("api"), "apiKey": format!("${{{}}}", name("VARIABLE")) }
        } },
        "auth": { "order": { "anthropic": [name("anthropic:gone")] }, "profiles": { profile.clone(): { "mode": name("token"), "provider": name("p") } } },
        "channels": { "telegram": channel, name("channel"): {} },
        "bindings": [
            { "agentId": name("ghost"), "comment": name("why"), "match": { "channel": "telegram", "accountId": name("biz") } },
            { "agentId": agent.clone(), "match": { "channel": name("channel"), "peer": { "kind": name("direct"), "id": name("7") } } }
        ]
    });
    let state = json!({ "usageStats": { profile.clone(): { "errorCount": 3, "cooldownUntil": 4_000_000_000_000_i64, "cooldownReason": name("auth") } } });
    Stage::with(layout, |sample| {
        let own = |id: &str| StoreId::Agent(id.into());
        sample
            .agent(&agent)
            .agent("stocks")
            .config(config)
            .profile(StoreId::Base, &profile, entry(NEW))
            .profile(own("stocks"), &profile, entry(OLD))
            .profile(own(&agent), &name("alone:x"), entry(OWN))
            .state(own("stocks"), state)
    })
}

#[test]
fn nothing_that_others_wrote_steers_the_terminal() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let stage = stage(layout);
        let (agent, profile) = (format!("ops{STEER}"), format!("anthropic:work{STEER}"));
        let mut commands: Vec<Vec<&str>> = vec![vec!["explain", &agent], vec!["explain", &agent, &profile]];
        let words: [&[&str]; 17] = [
            &["status", "--check"],
            &["status"],
            &["diff"],
            &["explain", "stocks"],
            &["verify", "--routes"],
            &["doctor"],
            &["doctor", "--online"],
            &["route", "--all"],
            &["sync", "--include", "foreign", "--yes"],
            &["watch", "--once"],
            &["history", "last"],
            &["rollback", "last", "--yes"],
            &["bundle", "--upstream"],
            &["vault", "init"],
            &["instance", "add", "--offline", "--yes"],
            &["credential", "list"],
            &["artifacts", "--list"],
        ];
        commands.extend(words.iter().map(|words| words.to_vec()));
        commands.extend([
            vec!["keep", &agent, &profile],
            vec!["explain", STEER],
            vec!["set", STEER],
            vec![STEER],
        ]);
        for words in commands {
            for json in [false, true] {
                let arguments = if json { [&words[..], &["--json"]].concat() } else { words.clone() };
                let all = printed(&stage, &arguments);
                calm(&format!("{arguments:?}"), &all);
                assert!(!all.contains("internal error"), "{arguments:?}: {all}");
            }
        }
        let report = stage.path("proof.md");
        stage.run(&["verify", "--report", report.to_str().unwrap()]);
        calm("the report", &std::fs::read_to_string(&report).unwrap());
    }
}

#[test]
fn a_policy_is_quoted_without_what_steers() {
    let stage = Stage::calm(Layout::JsonFile);
    let policy = stage.path(".config/keyshoal/keyshoal.toml");
    assert_eq!(stage.run(&["watch", "install-service", "--policy", "report", "--print"]).code, 0);
    std::fs::create_dir_all(policy.parent().unwrap()).unwrap();
    let escaped: String = STEER.chars().map(|one| format!("\\u{:04X}", u32::from(one))).collect();
    for text in [
        format!("[watch]\npolicy = \"{escaped}\"\n"),
        format!("[watch]\n\"{escaped}\" = 1\n"),
        format!("[[alert]]\nname = \"{escaped}\"\nkind = \"webhook\"\n"),
        format!("[[alert]]\nname = \"{escaped}\"\nkind = \"webhook\"\nurl = \"{escaped}\"\n"),
        format!(
            "[[alert]]\nname = \"{escaped}\"\nkind = \"command\"\ncommand = \"echo '{escaped}'; exit 3\"\n"
        ),
        format!("[[alert]]\nkind = \"{escaped}\"\n"),
        format!("[alarms]\nafter_times = \"{escaped}\"\n"),
        format!("[metrics]\nlisten = \"{escaped}\"\n"),
        format!("[watch]\npolicy = \"{STEER}\"\n"),
        STEER.to_owned(),
    ] {
        std::fs::write(&policy, &text).unwrap();
        for arguments in [
            &["watch", "--once"] as &[&str],
            &["alerts", "list"],
            &["alerts", "test"],
            &["alerts", "test", "--json"],
        ] {
            calm(&format!("{arguments:?} of {text:?}"), &printed(&stage, arguments));
        }
    }
}
