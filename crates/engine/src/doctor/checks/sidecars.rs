//! Node hosts and other processes of the installation that were not restarted.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};

pub(super) const CHECK: Check = Check {
    id: "sidecars",
    question: "Were node hosts and other processes restarted with the gateway?",
    looks_at: "Processes of OpenClaw that were started for this state directory, besides the gateway, and what files and the state \
               database tell of node hosts: which were set up here, which are paired, and which of their processes run.",
    matters: "Such a process has read config and credentials at its own start. Restarting only the gateway leaves it as it was.",
    way_out: "Restart the process that is named: openclaw node restart for a node host, else end it and start it again.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    told.seen.extend(case.facts.node_hosts.iter().cloned());
    for process in &case.facts.processes {
        let since = process.started.map_or_else(|| "?".to_owned(), moment);
        told.seen.push(format!("process {} ({}) runs since {since}", process.pid, process.what));
    }
    let Some((profile, renewed)) = case.last_rotation() else { return told };
    for process in &case.facts.processes {
        let Some(started) = process.started.filter(|started| *started < renewed) else { continue };
        let text = format!(
            "process {} ({}) began {}, before {profile} got its present value",
            process.pid,
            process.what,
            moment(started)
        );
        let is_node = process.what.contains("node");
        // A node host asks its gateway for models; others hold credentials themselves.
        let symptom = if is_node { Symptom::info(text) } else { Symptom::attention(text) };
        told.symptoms.push(symptom.because(format!("{profile} was renewed {}", moment(renewed))).fix(
            match is_node {
                true => "openclaw node restart".to_owned(),
                false => format!("end process {} and start it again", process.pid),
            },
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::OtherProcess;

    fn beside(what: &str, age: i64) -> World {
        World::new().with(|world| {
            let started = Some(at(NOW - age));
            world.facts.processes = vec![OtherProcess { pid: 42, what: what.into(), started }];
        })
    }

    #[test]
    fn a_process_from_before_the_rotation_is_found() {
        finds(&CHECK, &beside("openclaw tui", 5 * 86_400), &["process 42", "Attention"]);
        finds(&CHECK, &beside("openclaw node run", 5 * 86_400), &["openclaw node restart", "Info"]);
    }

    #[test]
    fn a_younger_one_is_fine() {
        is_clean(&CHECK, &beside("openclaw tui", 60));
    }
}
