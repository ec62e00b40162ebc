//! What a watch says: one line each, to the terminal or the journal, and to systemd.

use super::events::Shared;
use crate::document::{AlarmDocument, RunDocument};
use crate::render;
use crate::ui::{Text, Tone, Ui};
use keyshoal_core::{StoreId, Timestamp, Topic};
use keyshoal_engine::watch::Report;
use sd_notify::NotifyState;
use serde::Serialize;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Says what a watch reports.
pub struct Teller<'a> {
    ui: &'a mut Ui,
    shared: Rc<Shared>,
    ready: bool,
    /// Something was said to need attention, and not yet that it is over.
    attention: bool,
    now: Option<Timestamp>,
}

/// One line of `watch --json`: `keyshoal.watch.v1`.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    at: Option<Timestamp>,
    event: &'static str,
    attention: Option<&'a BTreeSet<String>>,
    run: Option<RunDocument>,
    message: Option<String>,
    alarms: Option<Vec<AlarmDocument>>,
}

impl<'a> Teller<'a> {
    /// Makes it.
    pub fn new(ui: &'a mut Ui, shared: Rc<Shared>) -> Self {
        Self { ui, shared, ready: false, attention: false, now: None }
    }

    /// Says one report.
    pub fn tell(&mut self, report: &Report<'_>) {
        match report {
            // It watches, and waits for somebody who may take long.
            Report::Waiting => self.is_ready(),
            Report::Looked(look) => {
                self.shared.looked.set(true);
                self.now = Some(look.now);
                self.is_ready();
                self.status(self.attention || look.judgement.needs_attention());
            }
            // The attention that follows says it.
            Report::LookFailed(_) | Report::Verified(_) => {}
            Report::Alarms { alarms, .. } => {
                // Findings, and that nothing could be looked at, are said as attention already.
                let news = alarms.iter().filter(|alarm| {
                    !matches!(
                        alarm.condition.id.topic,
                        Topic::Finding(_) | Topic::HalfRotated | Topic::NotLooked
                    )
                });
                let lines: Vec<Text> = news.map(render::alarm::line).collect();
                self.lines(&lines);
                let alarms = alarms.iter().map(AlarmDocument::of).collect();
                self.line(Line { event: "alarm", alarms: Some(alarms), ..self.empty() });
            }
            Report::Attention(attention) => {
                self.attention = !attention.is_empty();
                self.status(self.attention);
                if attention.is_empty() {
                    let line = Text::toned(Tone::Good, "✓ ").plain("all agents are as they should be");
                    self.lines(&[line]);
                } else {
                    let lines: Vec<Text> =
                        attention.iter().map(|one| Text::toned(Tone::Bad, "✗ ").plain(one)).collect();
                    self.lines(&lines);
                }
                self.document("attention", Some(attention), None, None);
            }
            Report::Repaired(report) => {
                self.now = Some(report.after.now);
                let mut lines = render::receipts::lines(&report.receipts);
                if let (Some(edit), Some(state)) = (&report.plan.config, &report.config) {
                    lines.extend(render::plan::config(edit));
                    lines.push(render::receipts::config(state));
                }
                if !report.receipts.is_empty() {
                    lines.push(render::receipts::activation(&report.activation));
                }
                self.lines(&lines);
                let run = RunDocument::new("watch_run", &report.plan)
                    .applied(report.run.clone(), &report.receipts, &report.activation)
                    .configured(report.config.as_ref())
                    .attention(report.outcome.needs_attention());
                self.document("repaired", None, Some(run), None);
            }
            Report::RepairFailed(reason) => {
                self.ui.warn(&format!("a repair failed: {reason}"));
                self.document("repair_failed", None, None, Some(reason.clone()));
            }
            Report::Fight { times, config: true, .. } => {
                let message = format!(
                    "somebody has undone the repair of the config {times} times; it is left alone for a while. \
                     If the config is right: keyshoal diff shows what the vault has instead, keyshoal agent, model and binding change that"
                );
                self.ui.warn(&message);
                self.document("fight", None, None, Some(message));
            }
            Report::Fight { store, profile, times, .. } => {
                let meant = match store {
                    StoreId::Base => format!("keyshoal credential adopt base {profile}"),
                    StoreId::Agent(agent) => format!("keyshoal keep {agent} {profile}"),
                };
                let message = format!(
                    "somebody has undone the repair of {profile} in {store} {times} times; it is left alone for a while. \
                     If that value is meant: {meant}"
                );
                self.ui.warn(&message);
                self.document("fight", None, None, Some(message));
            }
        }
    }

    /// Tells systemd that it has begun.
    fn is_ready(&mut self) {
        if !std::mem::replace(&mut self.ready, true) {
            notify(&[NotifyState::Ready]);
        }
    }

    /// Tells systemd how things stand.
    fn status(&self, wrong: bool) {
        let status = if wrong { "something needs attention" } else { "all agents are as they should be" };
        notify(&[NotifyState::Status(status)]);
    }

    /// Says that it ends.
    pub fn end(&mut self) {
        notify(&[NotifyState::Stopping]);
        self.ui.say(&Text::of("stopped"));
    }

    fn lines(&mut self, lines: &[Text]) {
        let stamp = self.now.map_or_else(String::new, |now| format!("{} ", render::age::moment(now)));
        let stamped: Vec<Text> = lines.iter().map(|line| Text::toned(Tone::Dim, &stamp).join(line)).collect();
        self.ui.data(&stamped);
        self.ui.flush();
    }

    fn document(
        &mut self,
        event: &'static str,
        attention: Option<&BTreeSet<String>>,
        run: Option<RunDocument>,
        message: Option<String>,
    ) {
        self.line(Line { event, attention, run, message, ..self.empty() });
    }

    fn empty<'b>(&self) -> Line<'b> {
        Line {
            schema: "keyshoal.watch.v1",
            at: self.now,
            event: "",
            attention: None,
            run: None,
            message: None,
            alarms: None,
        }
    }

    fn line(&mut self, line: Line<'_>) {
        if let Err(error) = self.ui.document_line(&line) {
            self.ui.error(&error);
        }
    }

    /// Returns who talks to the person.
    pub fn ui(&mut self) -> &mut Ui {
        self.ui
    }
}

fn notify(states: &[NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    let _ = sd_notify::notify(states);
}
