//! Whether the running gateway was made to read what the stores hold.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::FindingKind;
use keyshoal_core::examination::LogEventKind;

/// So many of the newest entries are shown.
const SHOWN: usize = 8;

pub(super) const CHECK: Check = Check {
    id: "activation",
    question: "Does the running gateway know what the stores hold?",
    looks_at: "When Keyshoal last made the gateway read its stores, what the stores held then, and what the gateway's log says of \
               starts and reloads.",
    matters: "A gateway works from memory. It never reads a changed store by itself, so that the right value on disk changes nothing \
              until it is made to read it.",
    way_out: "keyshoal sync makes the gateway read its stores again; keyshoal restart where only a restart helps.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::seeing(seen(case));
    told.symptoms.extend(case.findings(&[FindingKind::NotActivated]));
    let log = &case.facts.log;
    let newest = |wanted: &dyn Fn(LogEventKind) -> bool| {
        log.events.iter().filter(|event| wanted(event.kind)).map(|event| event.at).max()
    };
    let read = newest(&LogEventKind::reads_stores);
    let failed = newest(&|kind| kind == LogEventKind::ReloadFailed).filter(|at| Some(*at) > read);
    let wanted = newest(&|kind| kind == LogEventKind::RestartNeeded)
        .filter(|at| Some(*at) > newest(&|kind| kind == LogEventKind::Started));
    // Another gateway of the same user may have written into a shared log.
    let symptom = |text: String| if log.own { Symptom::attention(text) } else { Symptom::info(text) };
    let files = log.files.iter().map(|file| format!("read in {file}"));
    if let Some(at) = failed {
        let text = format!(
            "the gateway failed to reload on {} and keeps its earlier values, says its log",
            moment(at)
        );
        told.symptoms
            .push(symptom(text).given(files).fix("openclaw secrets reload   tells why; mend that first"));
    } else if let Some(at) = wanted {
        let text = format!(
            "a change of the config on {} waits for a restart of the gateway, says its log",
            moment(at)
        );
        told.symptoms.push(symptom(text).given(files).fix("keyshoal restart"));
    }
    told
}

fn seen(case: &Case<'_>) -> Vec<String> {
    let gateway = &case.observed().instance.gateway;
    let mut seen = vec![match (gateway.running, gateway.started) {
        (Some(true), Some(started)) => format!("the gateway runs since {}", moment(started)),
        (Some(true), None) => "the gateway runs".to_owned(),
        (Some(false), _) => "no gateway runs".to_owned(),
        (None, _) => "whether a gateway runs cannot be told".to_owned(),
    }];
    if let Some(activated) = &case.known().activated {
        seen.push(format!("Keyshoal made it read its stores {}", moment(activated.at)));
    }
    seen.extend(case.facts.runs.iter().take(SHOWN).map(|run| {
        format!("keyshoal {} of {}: {} of {} steps done", run.command, moment(run.begun), run.done, run.steps)
    }));
    let events = case.facts.log.events.iter().rev().take(SHOWN).rev();
    seen.extend(events.map(|event| format!("log, {}: {}", moment(event.at), event.kind.words())));
    seen
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::{LogEvent, ProgramLog};
    use keyshoal_core::knowledge::Activated;

    fn logged(own: bool, kinds: &[LogEventKind]) -> ProgramLog {
        let event = |(index, kind): (usize, &LogEventKind)| LogEvent {
            at: at(NOW - 600 + i64::try_from(index).unwrap()),
            kind: *kind,
        };
        ProgramLog { files: vec!["/l".into()], own, events: kinds.iter().enumerate().map(event).collect() }
    }

    #[test]
    fn stores_that_changed_since_the_gateway_read_them_are_found() {
        let world = World::new().with(|world| {
            world.known.activated = Some(Activated { digest: "another".into(), at: at(NOW - 600) });
        });
        finds(&CHECK, &world, &["so it may still send older values", "Sync"]);
    }

    #[test]
    fn a_reload_that_failed_is_found_in_the_log() {
        let kinds = [LogEventKind::Started, LogEventKind::ReloadFailed];
        let world = World::new().with(|world| world.facts.log = logged(true, &kinds));
        finds(&CHECK, &world, &["failed to reload", "Attention"]);
        let world = World::new().with(|world| world.facts.log = logged(false, &kinds));
        finds(&CHECK, &world, &["failed to reload", "Info"]);
    }

    #[test]
    fn a_reload_after_it_makes_it_good() {
        let kinds = [LogEventKind::ReloadFailed, LogEventKind::RestartNeeded, LogEventKind::Started];
        let world = World::new().with(|world| world.facts.log = logged(true, &kinds));
        is_clean(&CHECK, &world);
        assert!(world.told(&CHECK).seen.iter().any(|line| line.contains("gateway ready")));
    }
}
