//! Alarms of a watch: to the addressees of the policy, and into a file, so that a new start tells nothing twice.

use super::policy::WatchPolicy;
use super::remember::{Which, recall, remember};
use crate::commands::Context;
use crate::ui::Ui;
use jiff::tz::TimeZone;
use keyshoal_alerts::{
    About, DeadLetters, Delivery, Desk, DeskOptions, Message, Retry, Scrub, Target, Waiting,
};
use keyshoal_core::{Alarm, Timestamp};
use keyshoal_engine::watch::Alarms;
use keyshoal_local::Installation;
use keyshoal_metrics::Registry;
use keyshoal_openclaw::files;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The directory of dead letters, beside the policy.
const DEAD_LETTERS: &str = "dead-letters";
/// The directory of what is held back, beside the policy.
const WAITING: &str = "waiting";
/// What is still to be sent when a watch ends has so long.
const AT_THE_END: Duration = Duration::from_secs(5);
/// A single round has nothing else to do meanwhile.
const OF_ONE_ROUND: Duration = Duration::from_secs(30);

/// Returns where dead letters lie.
pub fn dead_letters(policy: &Path) -> DeadLetters {
    DeadLetters::new(policy.with_file_name(DEAD_LETTERS))
}

/// Returns the addressees of a policy, and says what is wrong with the others.
pub fn targets(ui: &mut Ui, policy: &WatchPolicy, path: &Path) -> Vec<Target> {
    let mut targets = Vec::new();
    for alert in &policy.alerts {
        match alert.target(path) {
            Ok((target, notes)) => {
                notes.iter().for_each(|note| ui.warn(note));
                targets.push(target);
            }
            Err(error) => {
                ui.error(&error);
                ui.warn(&format!("alert {:?} tells nobody until that is mended", alert.name));
            }
        }
    }
    targets
}

/// Returns what takes out of a text what must not leave the machine.
pub fn scrub(context: &Context<'_>) -> Scrub {
    let home = context.world.environment.home.as_deref();
    let real = home.and_then(files::real_path);
    Scrub::new(home.into_iter().chain(real.as_deref()))
}

/// Returns what a person's own command may see of the environment: nothing secret can be in it.
pub fn variables(context: &Context<'_>) -> Vec<(String, String)> {
    let found = |name: &str| Some((name.to_owned(), context.world.environment.get(name)?.to_owned()));
    ["PATH", "HOME", "LANG", "TZ"].into_iter().filter_map(found).collect()
}

/// Tells the addressees.
pub struct Caller {
    desk: Desk,
    scrub: Scrub,
    about: About,
    /// What could not be brought, to be said where the person looks.
    failed: Arc<Mutex<Vec<Delivery>>>,
    remembered: Option<PathBuf>,
}

impl Caller {
    /// Makes it, and has the alarms go on from what was told of before. `path` is the policy's.
    pub fn new(
        ui: &mut Ui,
        context: &Context<'_>,
        (policy, path): (&WatchPolicy, &Path),
        installation: &Installation,
        registry: &Registry,
        alarms: &mut Alarms,
    ) -> Self {
        let failed = Arc::new(Mutex::new(Vec::new()));
        let id = installation.instance_id().map(|id| id.to_string());
        let (heard, counted) = (Arc::clone(&failed), registry.clone());
        let options = DeskOptions {
            retry: Retry::default(),
            zone: TimeZone::system(),
            variables: variables(context),
            dead_letters: dead_letters(path),
            waiting: id.as_ref().map(|id| Waiting::new(path.with_file_name(WAITING), id)),
            heard: Arc::new(move |delivery: &Delivery| {
                let family = match delivery.failed {
                    Some(_) => "keyshoal_alarms_failed_total",
                    None => "keyshoal_alarms_sent_total",
                };
                counted.add(family, &[&delivery.alert], 1);
                if delivery.failed.is_some() {
                    heard.lock().unwrap_or_else(PoisonError::into_inner).push(delivery.clone());
                }
            }),
        };
        let targets = targets(ui, policy, path);
        for target in &targets {
            registry.add("keyshoal_alarms_sent_total", &[&target.name], 0);
            registry.add("keyshoal_alarms_failed_total", &[&target.name], 0);
        }
        let about = About { id, state_dir: Some(installation.state_dir().display().to_string()) };
        let remembered = about.id.as_ref().map(|id| path.with_file_name("alarms").join(format!("{id}.json")));
        if alarms.standing().next().is_none()
            && let Some(standing) = remembered.as_deref().and_then(recall)
        {
            alarms.restore(standing);
        }
        Self { desk: Desk::open(targets, &options), scrub: scrub(context), about, failed, remembered }
    }

    /// Has everybody told, and remembers it.
    pub fn tell(
        &self,
        ui: &mut Ui,
        installation: &Installation,
        alarms: &[Alarm],
        standing: &Alarms,
        now: Timestamp,
    ) {
        let mut alarms = alarms.to_vec();
        for alarm in &mut alarms {
            alarm.condition.message = installation.scrubbed(std::mem::take(&mut alarm.condition.message));
        }
        self.desk.tell(&Message::new(&alarms, &self.about, &self.scrub, now));
        self.remember(ui, standing, Which::Told);
    }

    /// Remembers what stands, for the next start.
    fn remember(&self, ui: &mut Ui, standing: &Alarms, which: Which) {
        if let Some(path) = &self.remembered
            && let Err(error) = remember(path, standing, which)
        {
            ui.warn(&format!("what was told of could not be remembered: {error}"));
        }
    }

    /// Says which messages became dead letters since the last time.
    pub fn say_failures(&self, ui: &mut Ui) {
        say(ui, &self.failed);
    }

    /// Has everybody told of a single round, remembers also what was seen and not told of yet, and ends.
    pub fn tell_of_one_round(
        self,
        ui: &mut Ui,
        installation: &Installation,
        alarms: &[Alarm],
        standing: &Alarms,
        now: Timestamp,
    ) {
        if !alarms.is_empty() {
            self.tell(ui, installation, alarms, standing, now);
        }
        self.remember(ui, standing, Which::All);
        self.desk.close(OF_ONE_ROUND);
        say(ui, &self.failed);
    }

    /// Ends: what can still be sent is, the rest becomes dead letters.
    pub fn close(self, ui: &mut Ui) {
        self.desk.close(AT_THE_END);
        say(ui, &self.failed);
    }
}

fn say(ui: &mut Ui, failed: &Mutex<Vec<Delivery>>) {
    for delivery in std::mem::take(&mut *failed.lock().unwrap_or_else(PoisonError::into_inner)) {
        let reason = delivery.failed.unwrap_or_default();
        let name = delivery.alert;
        ui.warn(&format!("alert {name:?} was not told: {reason}; the message is in {DEAD_LETTERS}"));
    }
}
