//! Questions that only a person can decide, one line each.

use super::words;
use crate::ui::{Text, Tone};
use keyshoal_core::plan::{Group, Proposal};
use keyshoal_core::{AgentId, Question};

/// Returns the lines of a question, without the `[Y/n]`.
pub fn lines(question: &Question) -> Vec<Text> {
    match question {
        Question::Differing { profile, source, others, settles, .. } => {
            let all: Vec<_> = std::iter::once(source).chain(others).map(|group| group.fingerprint).collect();
            let length = words::distinct_length(&all);
            let mut line = Text::toned(Tone::Strong, profile.as_str()).plain("  ");
            line = line.join(&group(source, length, Holders::Named));
            for other in others {
                line = line.plain(" · ").join(&group(other, length, Holders::Counted));
            }
            if can_be_answered(question) {
                return vec![line.plain(" → ").and(Tone::Strong, proposal(others))];
            }
            let mut lines = vec![line];
            lines.extend(settles.as_ref().map(|commands| {
                Text::of("  nothing says whether on purpose: ").and(Tone::Strong, commands.as_str())
            }));
            lines
        }
        Question::WhichSource { profile, base, written, .. } => {
            let length = words::distinct_length(&[base.fingerprint, written.fingerprint]);
            vec![
                Text::toned(Tone::Strong, profile.as_str())
                    .plain("  agents inherit ")
                    .join(&group(base, length, Holders::Named))
                    .plain(" · OpenClaw's own commands wrote ")
                    .join(&group(written, length, Holders::Named)),
                Text::of("  two stores claim to be the source; say which one is right: ")
                    .and(Tone::Strong, format!("keyshoal sync --profile {profile} --from base"))
                    .plain(" or ")
                    .and(Tone::Strong, format!("--from {}", first(written))),
            ]
        }
        Question::SourceReverted { profile, now, newest, .. } => {
            let length = words::distinct_length(&[now.fingerprint, newest.fingerprint]);
            vec![
                Text::toned(Tone::Strong, profile.as_str())
                    .plain("  the source went back to ")
                    .join(&group(now, length, Holders::Named))
                    .plain(", its newest value was ")
                    .join(&group(newest, length, Holders::Named)),
                Text::of("  nothing is spread until you say which is right: ")
                    .and(Tone::Strong, format!("keyshoal sync --profile {profile} --from base"))
                    .plain(" takes the value of now; ")
                    .and(Tone::Strong, format!("keyshoal set {profile}"))
                    .plain(" gives another one"),
            ]
        }
        Question::SourceRejected { profile, source, settles, .. } => {
            let way = match settles {
                Some(commands) => Text::of("  the store that agents inherit from holds another: ")
                    .and(Tone::Strong, commands.as_str()),
                None => Text::of("  nothing is spread; give a new one: ")
                    .and(Tone::Strong, format!("keyshoal set {profile}")),
            };
            let length = words::distinct_length(&[source.fingerprint]);
            vec![
                Text::toned(Tone::Strong, profile.as_str())
                    .plain("  the source's own value does not work: ")
                    .join(&group(source, length, Holders::Named)),
                way,
            ]
        }
    }
}

/// Tells whether the question is a yes-or-no one.
pub fn can_be_answered(question: &Question) -> bool {
    matches!(question, Question::Differing { others, .. }
        if others.iter().any(|group| group.proposal != Proposal::Leave))
}

enum Holders {
    Named,
    Counted,
}

fn group(group: &Group, length: usize, holders: Holders) -> Text {
    let print = &group.fingerprint.short()[..length];
    let who = match (holders, group.agents.as_slice()) {
        (_, []) => String::new(),
        (_, [one]) => format!(" {one}"),
        (Holders::Named, [first, rest @ ..]) => format!(" {first} + {}", rest.len()),
        (Holders::Counted, all) => format!(" {}", words::count(all.len(), "agent")),
    };
    Text::of(format!("{print}{who}: ")).and(words::verdict_tone(group.verdict), group.verdict.short())
}

/// Says what happens when the person agrees ("replace 7, keep academic?").
fn proposal(others: &[Group]) -> String {
    let of = |wanted: Proposal| {
        let agents: Vec<AgentId> = others
            .iter()
            .filter(|group| group.proposal == wanted)
            .flat_map(|group| group.agents.iter().cloned())
            .collect();
        match agents.as_slice() {
            [] => None,
            [one] => Some(one.to_string()),
            [one, other] => Some(format!("{one} and {other}")),
            many => Some(many.len().to_string()),
        }
    };
    let deeds: Vec<String> = [
        of(Proposal::Replace).map(|who| format!("replace {who}")),
        of(Proposal::Keep).map(|who| format!("keep {who}")),
        of(Proposal::Leave).map(|who| format!("leave {who}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    format!("{}?", deeds.join(", "))
}

fn first(group: &Group) -> &str {
    group.agents.first().map_or("AGENT", AgentId::as_str)
}
