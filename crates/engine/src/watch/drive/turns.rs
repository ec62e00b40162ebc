//! How a watch and others that change the installation take turns: it waits for them, and keeps them waiting while it repairs.

use super::{Driver, Report};
use crate::decide::Unattended;
use crate::ports::Ports;
use crate::sync::{SyncOptions, sync};
use crate::watch::beside::Beside;
use crate::watch::seen::{write_of, write_of_config};
use crate::watch::state::Event;
use keyshoal_core::{ActivationOutcome, ProfileId, StepState, StoreId};
use std::collections::BTreeSet;

impl<P: Ports + ?Sized> Driver<'_, P> {
    /// Waits for another that is at work, if it has not done so for too long.
    pub(super) fn waits(&mut self) -> bool {
        let waits = self.patience.waits(self.ports.now());
        if waits {
            (self.tell)(Report::Waiting);
        }
        waits
    }

    /// Tells whether another was at work since then: what was seen meanwhile may be half of what it brings.
    pub(super) fn overtaken(&mut self, before: &Beside) -> bool {
        let now = self.events.beside();
        if !now.at_work && now == *before {
            self.patience.ends();
            return false;
        }
        self.waits()
    }

    /// Repairs while no other can be at work: what the plan rests on stays so until it is done.
    pub(super) fn repaired(&mut self, except: BTreeSet<(StoreId, ProfileId)>) -> Event {
        match self.ports.reserve("watch") {
            Err(error) if error.retryable && self.waits() => return Event::Overtaken,
            Err(error) => {
                (self.tell)(Report::RepairFailed(error.to_string()));
                return Event::RepairFailed;
            }
            Ok(()) => {}
        }
        let event = self.repair(except);
        self.ports.give_back();
        event
    }

    fn repair(&mut self, except: BTreeSet<(StoreId, ProfileId)>) -> Event {
        let options = SyncOptions {
            look: self.options.clone(),
            assume_yes: true,
            activate: self.activate,
            except,
            command: "watch".to_owned(),
            ..SyncOptions::default()
        };
        match sync(self.ports, &options, &mut Unattended, &mut |_| {}) {
            Ok(report) => {
                (self.tell)(Report::Repaired(&report));
                if self.events.beside().at_work && self.waits() {
                    return Event::Overtaken;
                }
                self.learn(&report.after);
                let done = report.receipts.iter().filter(|receipt| receipt.durable == StepState::Done);
                let unconfirmed = matches!(report.activation, ActivationOutcome::Unknown { .. });
                let config = (report.config == Some(StepState::Done)).then(write_of_config);
                let writes = done.map(|receipt| write_of(&receipt.action)).chain(config).collect();
                Event::Repaired { writes, seen: self.seen(&report.after), unconfirmed }
            }
            Err(error) => {
                (self.tell)(Report::RepairFailed(error.to_string()));
                Event::RepairFailed
            }
        }
    }
}
