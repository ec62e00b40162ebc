//! Two at once, and two hundred.

use crate::stage::{House, OLD, P};
use keyshoal_core::{Layout, StoreId};

#[test]
fn two_keyshoals_do_the_work_once() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let house = House::drifted(layout);
        let runs: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..2).map(|_| scope.spawn(|| house.run(&["sync", "--yes"]))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        for run in &runs {
            run.ends_with(0);
        }
        house.is_right("stocks");
        house.is_right("research");
        house.run(&["status"]).ends_with(0);
        let history = house.run(&["history", "--json"]).json();
        let runs = history["runs"].as_array().unwrap();
        let done: Vec<_> =
            runs.iter().filter_map(|run| run["done"].as_u64()).filter(|done| *done > 0).collect();
        assert_eq!(done, [2], "{layout:?}: {history:#}");
    }
}

#[test]
fn two_hundred_agents_are_set_right_in_one_run() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let names: Vec<String> = (0..200).map(|number| format!("agent-{number}")).collect();
        let house = House::with(layout, |sample| {
            names.iter().fold(sample, |sample, name| {
                sample.agent(name).api_key(StoreId::Agent(name.as_str().into()), P, OLD)
            })
        });
        house.run(&["sync", "--yes"]).ends_with(0);
        for name in &names {
            house.is_right(name);
        }
        house.run(&["status"]).ends_with(0);
    }
}
