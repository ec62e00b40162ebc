//! How the program addresses a conversation when something is to be posted there.
//!
//! The forms are those of `docs/cli/message.md` ("Target formats") of 2026.3.28 and 2026.9.6, which agree where both name a channel.

use super::{Origin, Query};
use crate::config::model::PeerKind;

/// Returns the target of a message's conversation, or why there is none. `any` is the name that stands for all that nothing names.
pub(super) fn of(query: &Query, origins: &[Origin], any: &str) -> Result<String, &'static str> {
    let Some(peer) = query.peer.as_ref().filter(|peer| peer.id != any && peer.id != "*") else {
        return Err("it stands for all conversations that nothing names");
    };
    let by_binding = origins.iter().any(|origin| matches!(origin, Origin::Binding(_)));
    // Keys of sessions are in lower case, and some channels tell ids of other letters apart.
    if !by_binding && peer.id.chars().any(char::is_alphabetic) {
        return Err("its session does not say how the conversation is addressed");
    }
    let id = peer.id.as_str();
    let direct = peer.kind == PeerKind::Direct;
    Ok(match query.channel.as_str() {
        "discord" | "slack" | "mattermost" if direct => format!("user:{id}"),
        "discord" | "slack" | "mattermost" => format!("channel:{id}"),
        "msteams" if direct => format!("user:{id}"),
        "msteams" => format!("conversation:{id}"),
        "signal" if !direct => format!("group:{id}"),
        "telegram" | "whatsapp" | "matrix" | "googlechat" | "signal" => id.to_owned(),
        "imessage" if direct => id.to_owned(),
        _ => return Err("how this channel addresses a conversation is not known here"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::model::Peer;

    fn target(channel: &str, kind: PeerKind, id: &str, origin: Origin) -> Result<String, &'static str> {
        let peer = Some(Peer { kind, id: id.to_owned() });
        of(&Query { channel: channel.to_owned(), peer, ..Query::default() }, &[origin], "any")
    }

    #[test]
    fn conversations_are_addressed_as_the_program_does() {
        let of = |channel, kind, id| target(channel, kind, id, Origin::Binding(0));
        assert_eq!(of("telegram", PeerKind::Direct, "4711"), Ok("4711".to_owned()));
        assert_eq!(of("telegram", PeerKind::Group, "-100"), Ok("-100".to_owned()));
        assert_eq!(of("slack", PeerKind::Direct, "U1"), Ok("user:U1".to_owned()));
        assert_eq!(of("discord", PeerKind::Channel, "99"), Ok("channel:99".to_owned()));
        assert_eq!(of("signal", PeerKind::Group, "abc="), Ok("group:abc=".to_owned()));
    }

    #[test]
    fn what_is_not_certain_has_no_target() {
        let session = || Origin::Session { agent: "ops".into(), key: String::new() };
        assert!(
            target("telegram", PeerKind::Direct, "any", Origin::Account).is_err(),
            "nobody in particular"
        );
        assert!(target("slack", PeerKind::Direct, "u1", session()).is_err(), "it may be U1");
        assert!(target("telegram", PeerKind::Direct, "4711", session()).is_ok());
        assert!(target("tlon", PeerKind::Direct, "~zod", Origin::Binding(0)).is_err(), "an unknown channel");
    }
}
