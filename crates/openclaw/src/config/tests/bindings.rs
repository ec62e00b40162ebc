//! Bindings, and those that lead to nobody.

use super::{Place, said};
use crate::config::model::{BindingKind, Peer, PeerKind};

#[test]
fn a_binding_is_read_whole() {
    let config = Place::new(
        "{agents: {list: [{id: 'a'}]}, bindings: [
            {type: 'route', agentId: ' A ', match: {channel: 'Discord', accountId: '*', peer: {kind: 'dm', id: '7'},
             guildId: 'g', teamId: 't', roles: ['r1', 'r2']}},
            {type: 'acp', agentId: 'a', match: {channel: 'x', peer: {kind: 'group', id: 'h'}}},
            {agentId: 'a', match: {channel: 'y', peer: {kind: 'group'}}}, {match: {channel: 'z'}}, 7]}",
    )
    .load();
    let [first, second, third] = config.bindings.as_slice() else { panic!("{:?}", config.bindings) };
    assert_eq!((first.index, first.agent.as_str(), first.kind), (0, "A", BindingKind::Route));
    assert_eq!((first.channel.as_deref(), first.account.as_deref()), (Some("discord"), Some("*")));
    assert_eq!(first.peer, Some(Peer { kind: PeerKind::Direct, id: "7".into() }));
    assert_eq!((first.guild.as_deref(), first.team.as_deref()), (Some("g"), Some("t")));
    assert_eq!(first.roles, ["r1", "r2"]);
    assert_eq!((second.kind, second.account.as_deref()), (BindingKind::Acp, None));
    assert_eq!((&third.peer, third.unusable_peer), (&None, true));
    assert!(!first.unusable_peer);
    assert!(
        said(&config, "openclaw.json:5:50: bindings[2].match.peer has no kind or no id"),
        "{:?}",
        config.warnings
    );
    assert!(said(&config, "bindings[3] names no agent"));
    assert!(said(&config, "bindings[4] should be an object"));
}

#[test]
fn a_binding_to_nobody_is_said_with_who_answers() {
    let text = |agents: &str| {
        format!(
            "{{agents: {{{agents}}},\n bindings: [{{agentId: 'B', match: {{channel: 'x'}}}},\n  {{agentId: 'Ghost', match: {{channel: 'x'}}}}]}}"
        )
    };
    let said_of = |agents: &str, more: &str| {
        let config = Place::new(&text(agents).replace("agents:", &format!("{more}agents:"))).load();
        assert!(!said(&config, "bindings[0]"), "{:?}", config.warnings);
        let one = config
            .warnings
            .iter()
            .find_map(|one| one.split_once("binds to agent ghost, which is not in the roster; "));
        one.map(|(place, then)| (place.rsplit('/').next().unwrap().to_owned(), then.to_owned())).unwrap()
    };
    let place = "openclaw.json:3:3: bindings[1] ";
    let early = said_of("list: [{id: 'a'}, {id: 'b'}]", "");
    assert_eq!(
        early,
        (
            place.into(),
            "OpenClaw answers with a and its credentials instead (correct agentId, or add the agent)".into()
        )
    );
    for (agents, more) in
        [("entries: {a: {}, b: {}}", ""), ("list: [{id: 'b'}]", "meta: {lastTouchedVersion: '2026.9.6'}, ")]
    {
        assert_eq!(
            said_of(agents, more),
            (place.into(), "OpenClaw refuses such a config (correct agentId, or add the agent)".into())
        );
    }
    // Without a roster, any name is an agent.
    let config = Place::new("{bindings: [{agentId: 'ghost', match: {channel: 'x'}}]}").load();
    assert!(said(&config, "binds to agent ghost, which is not in the roster; OpenClaw runs it all the same"));
}
