//! Processes that are killed in the middle. The helpers are tests of this binary that are ignored unless called for.

#![expect(clippy::print_stdout, reason = "the helpers tell their parent when they are ready")]

use crate::world::{at, open, seen, step, values};
use keyshoal_core::{StepState, StoreId};
use keyshoal_ledger::{Images, RunLock};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const DIR: &str = "KEYSHOAL_TEST_STATE_DIR";
const READY: &str = "ready: ";

/// Another process that runs one of the helpers below, up to where it says that it is ready.
pub(crate) struct Helper {
    child: Child,
    pub(crate) said: String,
}

impl Helper {
    pub(crate) fn start(name: &str, state_dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", &format!("crash::{name}")])
            .env(DIR, state_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said = lines.find_map(|line| line.split_once(READY).map(|(_, said)| said.to_owned()));
        Self { child, said: said.expect("the helper ended before it was ready") }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, so that nothing of it runs any more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn state_dir() -> PathBuf {
    std::env::var_os(DIR).expect("only called by another test").into()
}

fn wait_for_the_end(said: &str) {
    println!("{READY}{said}");
    std::io::stdout().flush().unwrap();
    // Nothing ever comes: the parent kills this process, or ends and closes the pipe.
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
#[ignore = "a helper of the other tests"]
fn hold_the_lock() {
    let _lock = RunLock::acquire(&state_dir(), "helper", at(0), std::time::Duration::ZERO).unwrap();
    wait_for_the_end("");
}

#[test]
#[ignore = "a helper of the other tests"]
fn begin_and_never_finish() {
    let ledger = open(&state_dir());
    let steps = [step(StoreId::Base, "old-0", "new-0"), step(StoreId::Agent("a".into()), "old-1", "new-1")];
    let run = ledger.begin_run("sync", at(0), &steps).unwrap();
    ledger.step_done(&run, 0, &StepState::Done).unwrap();
    wait_for_the_end(run.as_str());
}

#[test]
#[ignore = "a helper of the other tests"]
fn learn_without_end() {
    let ledger = open(&state_dir());
    let mut value = 0;
    loop {
        // Two facts that only come together.
        ledger.learn(&[seen("p", value), seen("q", value)], at(i64::from(value))).unwrap();
        if value == 20 {
            println!("{READY}");
            std::io::stdout().flush().unwrap();
        }
        value = value.checked_add(1).unwrap_or(21);
    }
}

/// Killed between the first and the second step: the next process finds all that it needs to finish or undo.
#[test]
fn an_unfinished_run_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut helper = Helper::start("begin_and_never_finish", dir.path());
    helper.kill();

    let ledger = open(dir.path());
    let found = ledger.open_run().unwrap().expect("the run is lost");
    assert_eq!(found.run.summary.id.as_str(), helper.said);
    let states: Vec<_> = found.run.steps.iter().map(|step| step.outcome.clone()).collect();
    assert_eq!(states, [Some(StepState::Done), None]);
    let secret = |text| Some(keyshoal_core::Secret::new(text));
    assert_eq!(found.images[1], Images { pre: secret("old-1"), post: secret("new-1") });
    let open_run = ledger.knowledge().unwrap().open_run.unwrap();
    assert_eq!((open_run.done, open_run.total), (1, 2));

    ledger.step_done(&found.run.summary.id, 1, &StepState::Done).unwrap();
    ledger.finish_run(&found.run.summary.id, "[]", at(9)).unwrap();
    ledger.begin_run("sync", at(10), &[]).unwrap();
}

/// Killed anywhere while learning: what comes together stays together.
#[test]
fn facts_are_learned_all_or_none() {
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        Helper::start("learn_without_end", dir.path()).kill();
        let ledger = open(dir.path());
        let (p, q) = (values(&ledger, "p"), values(&ledger, "q"));
        assert!(p.len() > 20, "{p:?}");
        assert_eq!(p, q);
    }
}
