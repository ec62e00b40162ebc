//! Symbols and words for findings, verdicts and types. Every symbol stands beside its word.

use super::age;
use crate::ui::{Text, Tone};
use keyshoal_core::{
    AgentId, CredentialKind, Finding, FindingKind, Fingerprint, Material, SecretSource, Severity, Timestamp,
    Verdict, VerdictKind,
};

/// Returns the symbol of a finding.
pub fn symbol(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::InSync => "✓",
        FindingKind::Inherited => "↑",
        FindingKind::Kept => "●",
        FindingKind::Stale
        | FindingKind::Shadowing
        | FindingKind::Overwritten
        | FindingKind::Missing
        | FindingKind::Expired => "✗",
        FindingKind::Foreign => "?",
        FindingKind::ModeMismatch | FindingKind::ConfigDiffers => "≠",
        FindingKind::CoolingDown => "~",
        FindingKind::NotActivated | FindingKind::Pending => "…",
        FindingKind::Unreadable
        | FindingKind::SourceReverted
        | FindingKind::SourceRejected
        | FindingKind::OpenRun => "!",
        FindingKind::Orphaned | FindingKind::Residue => "·",
    }
}

/// Returns the word of a finding, as people read it.
pub fn word(kind: FindingKind) -> String {
    kind.as_str().replace('_', " ")
}

/// Returns the tone of a finding here.
pub fn finding_tone(kind: FindingKind, severity: Severity) -> Tone {
    match (severity, kind) {
        (Severity::Fine, _) => Tone::Good,
        (Severity::Info, _) => Tone::Info,
        (
            _,
            FindingKind::Foreign
            | FindingKind::CoolingDown
            | FindingKind::NotActivated
            | FindingKind::Pending,
        ) => Tone::Doubt,
        _ => Tone::Bad,
    }
}

/// Returns symbol and word of a finding in the tone of its severity here.
pub fn finding(finding: &Finding) -> Text {
    let tone = finding_tone(finding.finding, finding.severity);
    Text::toned(tone, format!("{} {}", symbol(finding.finding), word(finding.finding)))
}

/// Returns the tone of a verdict.
pub fn verdict_tone(kind: VerdictKind) -> Tone {
    match kind {
        VerdictKind::Ok => Tone::Good,
        VerdictKind::NotAsked | VerdictKind::UnresolvedRef => Tone::Dim,
        VerdictKind::MalformedKey | VerdictKind::Missing => Tone::Bad,
        kind if kind.is_dead() => Tone::Bad,
        _ => Tone::Doubt,
    }
}

/// Returns symbol and word of a verdict.
pub fn verdict(kind: VerdictKind) -> Text {
    let symbol = match verdict_tone(kind) {
        Tone::Good => "✓ ",
        Tone::Bad => "✗ ",
        Tone::Doubt => "! ",
        _ => "",
    };
    Text::toned(verdict_tone(kind), format!("{symbol}{}", kind.short()))
}

/// Returns a verdict with its age.
pub fn verdict_aged(said: Option<&Verdict>, now: Timestamp) -> Text {
    match said {
        Some(said) if said.kind != VerdictKind::NotAsked => {
            verdict(said.kind).and(Tone::Dim, format!(" {}", age::ago(said.at, now)))
        }
        _ => verdict(VerdictKind::NotAsked),
    }
}

/// Returns a fingerprint, or what stands in its place.
pub fn material(material: &Material) -> String {
    match material {
        Material::Inline(print) => print.short(),
        Material::Ref { fingerprint, known: true, .. } => format!("→ {}", fingerprint.short()),
        Material::Ref { reference, .. } => {
            let source = match &reference.source {
                SecretSource::Env => "env",
                SecretSource::File => "file",
                SecretSource::Exec => "exec",
                SecretSource::Store => "store",
                SecretSource::Other(other) => other,
            };
            format!("→ {source}:{}", reference.id)
        }
        Material::Fenced => "being refreshed".to_owned(),
        Material::Absent => "nothing".to_owned(),
    }
}

/// Returns a type as people say it.
pub fn kind(kind: &CredentialKind) -> &str {
    match kind {
        CredentialKind::ApiKey => "API key",
        CredentialKind::Token => "token",
        CredentialKind::OAuth => "OAuth",
        CredentialKind::Unknown(other) => other,
    }
}

/// Lists agents, at most `most` by name ("main, ops + 5").
pub fn agents(agents: &[AgentId], most: usize) -> String {
    let named: Vec<&str> = agents.iter().take(most).map(AgentId::as_str).collect();
    match agents.len().saturating_sub(most) {
        0 => named.join(", "),
        more => format!("{} + {more}", named.join(", ")),
    }
}

/// Returns the shortest prefix length, four at least, that tells these fingerprints apart.
pub fn distinct_length(prints: &[Fingerprint]) -> usize {
    let full: Vec<String> = prints.iter().map(Fingerprint::short).collect();
    let apart =
        |one: &String, other: &String, length: usize| one == other || one[..length] != other[..length];
    (4..8)
        .find(|length| {
            full.iter()
                .enumerate()
                .all(|(at, one)| full.iter().skip(at + 1).all(|other| apart(one, other, *length)))
        })
        .unwrap_or(8)
}

/// Returns "1 agent", "2 agents".
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// Says how many writes of other programs were merged into one of ours; nothing where there were none.
pub fn merged(writes: u32) -> String {
    match writes {
        0 => String::new(),
        1 => " (1 write of another program came late and was merged)".to_owned(),
        many => format!(" ({many} writes of another program came late and were merged)"),
    }
}
