//! What a rotation does and did, for people.

use super::ways;
use super::whom::{What, failing, is_disabled, left};
use crate::render;
use crate::ui::{Progress, Text, Tone};
use keyshoal_core::{AgentId, Finding};
use keyshoal_engine::rotate::{Ended, Event, Member, RotateReport, Rotation, Stage, Strange};

/// Shows what happens.
pub fn event(progress: &Progress, lines: &mut Vec<Text>, event: &Event<'_>) {
    match event {
        Event::Progress(step) => progress.show(step),
        Event::Step(rotation) if rotation.stage == Stage::Tested && rotation.state.untested => {
            lines.push(Text::toned(Tone::Doubt, "· not tested: its provider was not asked"));
        }
        // The last line says what it means that it is finished.
        Event::Step(rotation) if matches!(rotation.stage, Stage::Publishing | Stage::Finished) => {}
        Event::Step(rotation) => {
            let failed = rotation.stage == Stage::RolledBack && !rotation.is_asked_back();
            let tone = if failed { Tone::Bad } else { Tone::Good };
            lines.push(Text::toned(tone, format!("· {}", step(rotation))));
        }
        Event::Instance { name, wave, of } => {
            lines.push(Text::toned(Tone::Strong, *name).plain(format!(" (instances, wave {wave} of {of})")));
        }
        // The step before said who gets it.
        Event::Wave { of: 1, .. } => {}
        Event::Wave { number, of, agents } => {
            let names: Vec<&str> = agents.iter().map(AgentId::as_str).collect();
            let who = if names.is_empty() { "everybody".to_owned() } else { names.join(", ") };
            lines.push(Text::of(format!("· wave {number} of {of}: {who}")));
        }
    }
}

/// Says what a step means for the agents.
fn step(rotation: &Rotation) -> String {
    match rotation.stage {
        Stage::Tested => "tested: its provider accepts it".to_owned(),
        Stage::Published => match &rotation.agent {
            Some(agent) => format!("current in the vault from now on: {agent} gets it"),
            None => "current in the vault from now on: everybody who shares it gets it".to_owned(),
        },
        Stage::RolledBack if rotation.state.going_back => "going back to the value before".to_owned(),
        Stage::RolledBack if rotation.state.keeps => word(rotation.stage),
        Stage::RolledBack => "given up before any agent had it".to_owned(),
        stage => word(stage),
    }
}

/// Returns the lines of what was done.
pub fn report(rotation: &Rotation, report: &RotateReport, ended: &Ended, width: usize) -> Vec<Text> {
    let mut lines = done(rotation, report);
    let what = What {
        new: rotation.new.to_string(),
        old: rotation.old.map(|old| old.to_string()),
        was_given: rotation.state.proven.is_some(),
        command: ways::command(&rotation.profile, rotation.agent.as_ref()),
        keeping: report.keeping.clone(),
        left: left(report, &rotation.profile),
        overridden: report.overridden.clone(),
        failing: failing(report),
        looked: !report.runs.is_empty(),
        alone: rotation.agent.clone(),
        disabled: is_disabled(report, rotation.agent.as_ref()),
        strange: strange(rotation, report),
    };
    lines.push(end(ended, &what, rotation.stage));
    lines.extend(dead(ended, report, &what.command));
    lines.extend(found(report, width));
    lines
}

/// Says what stands in the stores that needs attention, where something is over in the vault alone.
fn found(report: &RotateReport, width: usize) -> Vec<Text> {
    let mut lines = found_lines(&report.found, width);
    if let Some(why) = &report.unseen {
        lines.push(Text::toned(Tone::Doubt, "? the stores could not be looked at: ").plain(why));
    }
    lines
}

/// Returns the lines of these.
pub fn found_lines(found: &[Finding], width: usize) -> Vec<Text> {
    let head = (!found.is_empty()).then(|| Text::toned(Tone::Strong, "What stands in the stores"));
    head.into_iter().chain(render::findings::of(found, width)).collect()
}

/// Says of agents that a rotation, which went back by itself, has left on a value that is dead, that they fail.
fn dead(ended: &Ended, report: &RotateReport, command: &str) -> Option<Text> {
    let Ended::RolledBack { asked: false, clean, .. } = ended else { return None };
    let why = report.dead.values().next()?.clause();
    let names: Vec<&str> = report.dead.keys().map(AgentId::as_str).collect();
    let way = match clean {
        true => format!("; {command}   takes another one"),
        false => String::new(),
    };
    let line = Text::toned(Tone::Bad, "✗ failing with the value before: ");
    Some(line.plain(format!("{} ({why}){way}", names.join(", "))))
}

/// Says of agents that have neither version what they have.
fn strange(rotation: &Rotation, report: &RotateReport) -> Vec<String> {
    let one = |one: &Strange| {
        let names: Vec<&str> = one.agents.iter().map(AgentId::as_str).collect();
        format!("{} with {} ({})", names.join(", "), one.value, one.way_in(&rotation.profile))
    };
    report.strange.iter().map(one).collect()
}

/// Returns the lines of what was done in several instances.
pub fn together<P: ?Sized>(members: &[Member<'_, P>], ended: &Ended, width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    for member in members {
        let head = Text::toned(Tone::Strong, member.name.as_str());
        lines.push(match (&member.ports, &member.ended) {
            (Err(why), _) => head.plain(format!(": {}, left as it is: {why}", word(member.rotation.stage))),
            (Ok(_), Some(Ended::Halted { why })) => {
                head.plain(format!(": {}, halted: {why}", word(member.rotation.stage)))
            }
            (Ok(_), _) => head.plain(format!(": {}", word(member.rotation.stage))),
        });
        lines.extend(done(&member.rotation, &member.report));
        let command = ways::command_there(member.rotation.profile.as_str(), &member.name);
        lines.extend(dead(ended, &member.report, &command));
        lines.extend(found(&member.report, width));
    }
    let first = members.first().map(|member| &member.rotation);
    let what = What {
        new: first.map(|one| one.new.to_string()).unwrap_or_default(),
        old: None,
        was_given: members.iter().any(|one| one.rotation.state.proven.is_some()),
        command: members
            .first()
            .map(|one| ways::command_there(one.rotation.profile.as_str(), &one.name))
            .unwrap_or_default(),
        keeping: members.iter().flat_map(|member| member.report.keeping.iter().cloned()).collect(),
        left: members.iter().flat_map(|member| left(&member.report, &member.rotation.profile)).collect(),
        overridden: members.iter().flat_map(|member| member.report.overridden.iter().cloned()).collect(),
        failing: members.iter().flat_map(|member| failing(&member.report)).collect(),
        looked: members.iter().any(|member| !member.report.runs.is_empty()),
        alone: None,
        disabled: false,
        strange: members.iter().flat_map(|member| strange(&member.rotation, &member.report)).collect(),
    };
    lines.push(match ended {
        Ended::Halted { why } => {
            Text::toned(Tone::Doubt, "? halted: ").plain(format!("{why}; {}", ways::out(&what.command, None)))
        }
        _ => end(ended, &what, Stage::Staged),
    });
    lines
}

fn done(rotation: &Rotation, report: &RotateReport) -> Vec<Text> {
    let mut lines = Vec::new();
    for (endpoint, verdict) in &report.tested {
        let line = Text::of(format!("{}: {} says: ", rotation.new, endpoint.provider));
        lines.push(line.join(&render::words::verdict(verdict.kind)));
    }
    for run in &report.runs {
        lines.extend(render::receipts::writes(&run.receipts));
    }
    if let Some(run) = report.runs.last() {
        lines.push(render::receipts::activation(&run.activation));
    }
    if !report.behind.is_empty() {
        let names: Vec<&str> = report.behind.iter().map(AgentId::as_str).collect();
        lines.push(Text::toned(Tone::Dim, "· ").plain(format!(
            "{}: the first model is another provider's, and answered; {} is shown by its own provider's word, not through the gateway",
            names.join(", "),
            rotation.new
        )));
    }
    for failure in &report.failures {
        let sign = if failure.certain { "✗ " } else { "? " };
        let tone = if failure.certain { Tone::Bad } else { Tone::Doubt };
        lines.push(Text::toned(tone, sign).plain(format!("{}: {}", failure.agent, failure.why)));
    }
    lines
}

fn end(ended: &Ended, what: &What, stage: Stage) -> Text {
    let What { new, old, command, .. } = what;
    let everybody = what.everybody();
    let mut whose = what.alone.as_ref().map_or("every agent that shares it", AgentId::as_str).to_owned();
    if !what.strange.is_empty() {
        whose = format!(
            "what somebody else has put there stays ({}); every other agent that shares it",
            what.strange.join("; ")
        );
    }
    let good = Text::toned(Tone::Good, "✓ ");
    match ended {
        Ended::Finished if !what.looked => {
            good.plain(format!("{new} stays the value; the one before is retired"))
        }
        Ended::Grace { until } if !what.looked => good.plain(format!(
            "{new} stays the value, and was proven before; the one before stays at hand until {}",
            until.strftime("%Y-%m-%d %H:%M UTC")
        )),
        Ended::Finished => good.plain(format!("{everybody} works with {new}; the value before is retired")),
        Ended::Grace { until } => good.plain(format!(
            "{everybody} works with {new}; the value before stays at hand until {}",
            until.strftime("%Y-%m-%d %H:%M UTC")
        )),
        Ended::Proven => good.plain(format!("{everybody} works with {new}")),
        Ended::Unproven => Text::toned(Tone::Doubt, "? ").plain(format!(
            "{everybody} has {new}, and nobody was asked whether they work with it: {command} --resume   asks"
        )),
        Ended::Elsewhere { names } => Text::toned(Tone::Doubt, "? unproven there: ").plain(format!(
            "{} cannot be reached from here; {command} --resume   goes on where it can be",
            names.join(", ")
        )),
        // What was brought to nobody says nothing of the stores.
        Ended::RolledBack { asked: true, clean: true, until, .. } if !what.looked => {
            let old = old.as_deref().unwrap_or("the value before");
            good.plain(match (until, what.was_given) {
                (Some(until), _) => format!(
                    "{old} stays the value, as you asked before; the newer one ({new}) stays at hand until {}: {}",
                    render::age::moment(*until),
                    ways::out_newer(command)
                ),
                (None, true) => format!("{old} stays the value; the newer one ({new}) is retired"),
                (None, false) => {
                    format!("given up, as you asked: {new} is retired, and no agent was given it")
                }
            })
        }
        Ended::RolledBack { asked: true, clean: true, until, .. } => {
            let newer = until.map_or_else(String::new, |until| {
                format!(
                    "; the newer one ({new}) stays at hand until {}: {}",
                    render::age::moment(until),
                    ways::out_newer(command)
                )
            });
            let before = old.as_ref().map(|old| format!(" ({old})")).unwrap_or_default();
            good.plain(match &what.alone {
                Some(agent) if what.disabled => format!(
                    "rolled back, as you asked: the vault has the value before again{before} for {agent}, which is disabled, so no store holds it{newer}"
                ),
                Some(agent) if !what.strange.is_empty() => format!(
                    "rolled back, as you asked: the vault has the value before again{before} for {agent}, and what somebody else has put there stays ({}){newer}",
                    what.strange.join("; ")
                ),
                _ => format!("rolled back, as you asked: {whose} has the value before again{before}{newer}"),
            })
        }
        Ended::RolledBack { why, clean: true, .. } if !what.looked => {
            Text::toned(Tone::Bad, "✗ rolled back: ").plain(why)
        }
        Ended::RolledBack { why, clean: true, .. } => Text::toned(Tone::Bad, "✗ rolled back: ")
            .plain(format!("{why}; {whose} has the value before again")),
        Ended::RolledBack { why, clean: false, .. } => {
            Text::toned(Tone::Bad, "✗ rolled back: ").plain(format!(
                "{why}; and not every agent could be brought back: {}",
                ways::out(command, Some(Stage::RolledBack))
            ))
        }
        Ended::Halted { .. } | Ended::Failing { .. } => {
            Text::toned(Tone::Doubt, "? ").plain(format!("it stands at {}", word(stage)))
        }
    }
}

/// Returns the word for a stage.
pub(super) fn word(stage: Stage) -> String {
    stage.as_str().replace('_', " ")
}
