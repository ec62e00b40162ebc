//! `bindings`: which messages go to which agent.

use super::agents::Roster;
use super::model::{Binding, BindingKind, Peer, PeerKind, RosterForm};
use super::notes::{Look, Notes, Steps};
use crate::agent_id;
use crate::layout::Release;

/// Reads `bindings`. One that names no agent is left out and said; OpenClaw refuses it.
pub(super) fn read(root: &Look<'_>, notes: &mut Notes<'_>) -> Vec<Binding> {
    let Some(bindings) = root.at("bindings") else { return Vec::new() };
    let elements = bindings.elements(notes);
    elements.iter().enumerate().filter_map(|(index, binding)| one(index, binding, notes)).collect()
}

/// Notes where each binding stands.
pub(super) fn place(bindings: &mut [Binding], notes: &Notes<'_>) {
    let steps: Vec<Steps> =
        bindings.iter().map(|binding| Steps::default().key("bindings").index(binding.index)).collect();
    for (binding, place) in bindings.iter_mut().zip(notes.places(&steps)) {
        binding.place = Some(place);
    }
}

fn one(index: usize, look: &Look<'_>, notes: &mut Notes<'_>) -> Option<Binding> {
    if !look.value.is_object() {
        look.complain("an object", notes);
        return None;
    }
    let Some(agent) = look.text_at("agentId", notes) else {
        notes.warn(&look.steps, "names no agent; it was left out (OpenClaw refuses the config)");
        return None;
    };
    let wanted = look.object_at("match", notes);
    let lower = |text: String| text.to_lowercase();
    let text =
        |key: &str, notes: &mut Notes<'_>| wanted.as_ref().and_then(|wanted| wanted.text_at(key, notes));
    let channel = text("channel", notes).map(lower);
    if channel.is_none() {
        notes.warn(&look.steps, "names no channel, so it matches nothing (OpenClaw refuses the config)");
    }
    let roles = wanted.as_ref().and_then(|wanted| wanted.at("roles"));
    let roles = roles.map(|roles| roles.elements(notes)).unwrap_or_default();
    let named = wanted.as_ref().and_then(|wanted| wanted.at("peer")).filter(|peer| !peer.value.is_null());
    let peer = named.as_ref().and_then(|named| peer(named, notes));
    Some(Binding {
        index,
        place: None,
        agent,
        kind: if look.at("type").is_some_and(|kind| kind.value == "acp") {
            BindingKind::Acp
        } else {
            BindingKind::Route
        },
        channel,
        account: text("accountId", notes),
        unusable_peer: named.is_some() && peer.is_none(),
        peer,
        guild: text("guildId", notes),
        team: text("teamId", notes),
        roles: roles.iter().filter_map(|role| role.text(notes)).map(str::to_owned).collect(),
    })
}

/// Reads the conversation that a binding names.
fn peer(peer: &Look<'_>, notes: &mut Notes<'_>) -> Option<Peer> {
    if !peer.value.is_object() {
        peer.complain("an object", notes);
        return None;
    }
    let (kind, id) = (peer.text_at("kind", notes), peer.text_at("id", notes));
    let (Some(kind), Some(id)) = (kind.as_deref().and_then(PeerKind::of), id) else {
        notes.warn(&peer.steps, "has no kind or no id, so it matches nothing (OpenClaw refuses the config)");
        return None;
    };
    Some(Peer { kind, id })
}

/// Says which bindings name an agent that is not in the roster, and what comes of it: seen on 2026.8.2 and 2026.9.6, and read in the
/// code of earlier releases.
pub(super) fn warn_of_strangers(
    bindings: &[Binding],
    roster: &Roster,
    touched_version: Option<&str>,
    notes: &mut Notes<'_>,
) {
    const REFUSED: &str = "OpenClaw refuses such a config";
    const RUNS: &str = "OpenClaw runs it all the same, and its credentials are not looked at here";
    let later = roster.form == RosterForm::Entries
        || touched_version.and_then(Release::parse).is_some_and(Release::has_entries);
    for binding in bindings {
        let id = agent_id::normalize(&binding.agent);
        if roster.agents.iter().any(|agent| agent.id == id) {
            continue;
        }
        let default = roster.agents.iter().find(|agent| agent.default);
        let then = match (later, roster.form, default) {
            (true, ..) if id.as_str() == agent_id::FALLBACK => RUNS.to_owned(),
            (true, ..) => REFUSED.to_owned(),
            (false, RosterForm::Implicit, _) => format!("{RUNS}; since 2026.8 it refuses such a config"),
            (false, _, Some(default)) => {
                format!("OpenClaw answers with {} and its credentials instead", default.id)
            }
            (false, _, None) => REFUSED.to_owned(),
        };
        let steps = Steps::default().key("bindings").index(binding.index);
        notes.warn(
            &steps,
            format_args!(
                "binds to agent {id}, which is not in the roster; {then} (correct agentId, or add the agent)"
            ),
        );
    }
}
