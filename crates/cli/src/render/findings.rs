//! Findings with their one-line fixes.

use super::words;
use crate::ui::{Text, Tone};
use crate::view::status::StatusView;
use keyshoal_core::observation::Notice;
use keyshoal_core::{AgentId, Finding, FindingKind, Severity};

/// Returns the lines: what is wrong and the command that mends it, equal ones of several agents joined.
pub fn lines(view: &StatusView, width: usize) -> Vec<Text> {
    whole(view).iter().flat_map(|line| line.wrapped(width, 6)).collect()
}

fn whole(view: &StatusView) -> Vec<Text> {
    let mut lines: Vec<Text> = groups(&view.findings).iter().flat_map(Group::lines).collect();
    let told = view.findings.iter().any(|one| one.finding == FindingKind::Orphaned);
    for orphan in view.orphans.iter().filter(|_| !told) {
        let profiles = words::count(orphan.profiles.len(), "profile");
        let said = format!("{} holds {profiles}, and no agent owns it", orphan.path);
        lines.push(Text::toned(Tone::Info, "  · orphaned  ").plain(said));
    }
    let told = |message: &str| view.findings.iter().any(|one| one.message.contains(message));
    for notice in view.notices.iter().filter(|notice| !told(&notice.message)) {
        let head = match notice.code == Notice::CONFIG_REFUSED {
            true => Text::toned(Tone::Bad, "  ! config refused  "),
            false => Text::toned(Tone::Info, "  · note  "),
        };
        lines.push(head.plain(&notice.message));
        lines.extend(notice.fix.iter().map(|fix| fix_line(fix)));
    }
    lines
}

/// Returns the lines of what needs attention only.
pub fn attention(view: &StatusView, width: usize) -> Vec<Text> {
    let wrong: Vec<Finding> =
        view.findings.iter().filter(|one| one.severity == Severity::Attention).cloned().collect();
    of(&wrong, width)
}

/// Returns the lines of these, whatever they are.
pub fn of(findings: &[Finding], width: usize) -> Vec<Text> {
    groups(findings).iter().flat_map(Group::lines).flat_map(|line| line.wrapped(width, 6)).collect()
}

struct Group<'a> {
    first: &'a Finding,
    agents: Vec<AgentId>,
}

impl Group<'_> {
    fn lines(&self) -> Vec<Text> {
        let mut head = Text::of("  ").join(&words::finding(self.first)).plain("  ");
        if !self.agents.is_empty() {
            head = head.and(Tone::Strong, words::agents(&self.agents, 6)).plain(" ");
        }
        if let Some(profile) = &self.first.profile {
            head = head.plain(format!("{profile} "));
        }
        if !self.agents.is_empty() || self.first.profile.is_some() {
            head = head.plain("— ");
        }
        let mut lines = vec![head.plain(&self.first.message)];
        lines.extend(self.first.fix.iter().map(|fix| fix_line(fix)));
        lines
    }
}

fn fix_line(fix: &str) -> Text {
    Text::toned(Tone::Dim, "      → ").plain(fix)
}

/// Joins findings that say the same of several agents. A fix or message that names the agent keeps them apart.
fn groups(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut made: Vec<Group<'_>> = Vec::new();
    for one in findings {
        let same = made.iter_mut().find(|group| {
            let first = group.first;
            one.agent.is_some()
                && first.finding == one.finding
                && first.severity == one.severity
                && first.profile == one.profile
                && first.message == one.message
                && first.fix == one.fix
        });
        match same {
            Some(group) => group.agents.extend(one.agent.clone()),
            None => made.push(Group { first: one, agents: one.agent.iter().cloned().collect() }),
        }
    }
    made
}
