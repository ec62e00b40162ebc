//! Providers that OpenClaw asks without a key.

use crate::stage::*;
use keyshoal_core::Layout;

#[test]
fn a_server_on_this_machine_that_wants_a_key_is_not_believed_to_need_none() {
    let stage = Stage::with(Layout::SharedRow, |sample| {
        sample.agent("ops").config(serde_json::json!({
            "agents": { "entries": { "ops": { "model": "anthropic/claude-test" } } }
        }))
    });
    assert!(!stage.run(&["status"]).out.contains("missing"), "nobody was asked yet");
    let run = stage.run(&["verify", "--json"]);
    let document = run.json();
    let ops = document["agents"].as_array().unwrap().iter().find(|one| one["id"] == "ops").unwrap();
    let said = &ops["profiles"][0];
    assert_eq!((run.code, said["verdict"].as_str()), (2, Some("missing")), "{document}");
    assert!(said["advice"].as_str().unwrap().contains("keyshoal set anthropic"));
    assert!(stage.emulator.log().iter().all(|request| request.key.is_none()));
    let status = stage.run(&["status"]);
    assert_eq!(status.code, 2, "{}", status.out);
    assert!(
        status.out.contains("✗ missing") && status.out.contains("keyshoal set anthropic"),
        "{}",
        status.out
    );
}
