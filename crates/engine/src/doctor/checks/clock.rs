//! A clock that is wrong, here or when something was written.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};

/// Clocks may differ by so many seconds.
const TOLERANCE: i64 = 300;

pub(super) const CHECK: Check = Check {
    id: "clock",
    question: "Is the clock right?",
    looks_at: "Times of stores, logs and of the gateway's start that lie in the future, and with --online the time that providers say.",
    matters: "By the clock tokens expire, cooldowns end and locks go stale. A wrong one makes good credentials look expired and old ones \
              good.",
    way_out: "Set the clock (timedatectl set-ntp true), then restart the gateway.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let now = case.now();
    let mut told = Told::seeing(vec![format!("it is {} here", moment(now))]);
    let stores =
        case.observed().stores.values().filter_map(|store| Some((store.path.as_str(), store.modified?)));
    let gateway = case.observed().instance.gateway.started.map(|at| ("the gateway's start", at));
    let log = case.facts.log.events.last().map(|event| ("the last entry of the log", event.at));
    let activated = case.known().activated.as_ref().map(|one| ("the last reload that is remembered", one.at));
    let ahead: Vec<String> = stores
        .chain(gateway)
        .chain(log)
        .chain(activated)
        .filter(|(_, at)| at.as_second() - now.as_second() > TOLERANCE)
        .map(|(what, at)| format!("{what}: {}", moment(at)))
        .collect();
    let fix = "timedatectl set-ntp true, or whatever sets the clock here";
    if !ahead.is_empty() {
        let text = "times lie in the future: the clock is behind now, or was ahead then";
        told.symptoms.push(Symptom::attention(text).given(ahead.into_iter().take(12)).fix(fix));
    }
    for host in &case.facts.hosts {
        let Some(seconds) = host.clock_ahead else { continue };
        told.seen.push(format!("the clock of {} differs by {seconds} s", host.host));
        if seconds.abs() > TOLERANCE {
            let how = if seconds > 0 { "behind" } else { "ahead of" };
            let text = format!("the clock here is {} s {how} that of {}", seconds.abs(), host.host);
            told.symptoms.push(Symptom::attention(text).fix(fix));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::StoreId;
    use keyshoal_core::examination::HostFacts;

    fn asked(clock_ahead: i64) -> World {
        World::new().with(|world| {
            let (host, addresses) = ("api.acme.test".to_owned(), Ok(1));
            world.facts.hosts = vec![HostFacts { host, addresses, clock_ahead: Some(clock_ahead) }];
        })
    }

    #[test]
    fn times_in_the_future_are_found() {
        let world = World::new().with(|world| world.store(&StoreId::Base).modified = Some(at(NOW + 9000)));
        finds(&CHECK, &world, &["lie in the future", "auth-profiles.json"]);
        finds(&CHECK, &asked(4000), &["4000 s behind that of api.acme.test"]);
        finds(&CHECK, &asked(-4000), &["ahead of that of api.acme.test"]);
    }

    #[test]
    fn a_clock_that_is_right_is_fine() {
        is_clean(&CHECK, &asked(20));
    }
}
