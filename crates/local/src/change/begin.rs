//! What every write of a run shares: the run lock, one modification time, and whether a gateway runs.

use crate::{Installation, clock};
use keyshoal_ledger::RunLock;
use keyshoal_openclaw::gateway;
use keyshoal_openclaw::store::WriteRules;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The program's cache tells modification times apart from here on.
const TICK: Duration = Duration::from_millis(1);

/// A run that this process has begun.
#[derive(Debug)]
pub struct OpenRun {
    _lock: Arc<RunLock>,
    mtime: SystemTime,
    gateway_may_run: bool,
}

impl Installation {
    /// From now on every JSON file that is written gets the same modification time: one that none of them has.
    pub(crate) fn begin_writes(&self, lock: Arc<RunLock>) {
        let mtime = unlike(SystemTime::from(clock::now()), self.known_times());
        let gateway_may_run = self.gateway_may_run();
        self.state().run = Some(OpenRun { _lock: lock, mtime, gateway_may_run });
    }

    /// Gives the run lock back.
    pub(crate) fn end_writes(&self) {
        self.state().run = None;
    }

    pub(crate) fn rules(&self) -> WriteRules {
        let state = self.state();
        let run = state.run.as_ref();
        WriteRules {
            mtime: run.map(|run| run.mtime),
            gateway_running: run.is_none_or(|run| run.gateway_may_run),
            safety: self.options.guards.stores,
        }
    }

    /// Looks again: a person may have thought about a question for long, and a gateway may have begun meanwhile.
    fn gateway_may_run(&self) -> bool {
        let Some(seen) = self.seen() else { return true };
        gateway::discover(&self.locations, &seen.config, &self.env).running != Some(false)
    }

    fn known_times(&self) -> Vec<SystemTime> {
        let seen = self.seen();
        let stores = seen.iter().flat_map(|seen| seen.stores.values());
        stores.flat_map(|held| [held.read.modified, held.read.state_modified]).flatten().collect()
    }
}

/// Returns the first time from `now` on that differs from all of these.
fn unlike(now: SystemTime, mut times: Vec<SystemTime>) -> SystemTime {
    times.sort_unstable();
    times.into_iter().fold(now, |wanted, time| {
        let apart = wanted.duration_since(time).or_else(|_| time.duration_since(wanted)).unwrap_or_default();
        if apart < TICK { time + 2 * TICK } else { wanted }
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests look at files directly")]
mod tests {
    use super::*;
    use crate::OpenOptions;
    use keyshoal_core::{Layout, StoreId};
    use keyshoal_engine::ports::Observe;
    use keyshoal_openclaw::Environment;

    #[test]
    fn the_time_of_a_run_differs_from_that_of_every_file() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let at = |micros: i64| match u64::try_from(micros) {
            Ok(later) => now + Duration::from_micros(later),
            Err(_) => now - Duration::from_micros(micros.unsigned_abs()),
        };
        assert_eq!(unlike(now, vec![]), now);
        assert_eq!(unlike(now, vec![at(-5000), at(9000)]), now);
        assert_eq!(unlike(now, vec![at(0)]), at(2000));
        assert_eq!(unlike(now, vec![at(3900), at(1900), at(-100), at(40)]), at(5900));
    }

    fn opened(dir: &std::path::Path) -> Installation {
        let state = dir.join("state");
        keyshoal_openclaw::sample::Installation::new(Layout::JsonWithState)
            .agent("stocks")
            .api_key(StoreId::Base, "acme:default", "key-1")
            .write(&state)
            .unwrap();
        let mut env = Environment { home: Some(dir.join("home")), ..Environment::default() };
        env.vars.insert("OPENCLAW_GATEWAY_PORT".to_owned(), "1".to_owned());
        let options = OpenOptions {
            state_dir: Some(state),
            keys_dir: Some(dir.join("keys")),
            env,
            ..OpenOptions::default()
        };
        Installation::open(options).unwrap()
    }

    #[test]
    fn a_gateway_that_began_after_the_look_counts_for_the_writes() {
        let dir = tempfile::tempdir().unwrap();
        let installation = opened(dir.path());
        installation.observe().unwrap();
        installation.begin_writes(installation.run_lock("test").unwrap());
        assert!(!installation.rules().gateway_running);
        installation.end_writes();

        // A live process, this one, holds the gateway's lock now.
        let me = std::process::id();
        let ticks = std::fs::read_to_string("/proc/self/stat").unwrap();
        let ticks = ticks.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
        let tmp = installation.state_dir().join("tmp/openclaw-1");
        std::fs::create_dir_all(&tmp).unwrap();
        let lock = format!("{{\"pid\":{me},\"port\":1,\"startTime\":{ticks}}}");
        std::fs::write(tmp.join("gateway.state.lock"), lock).unwrap();
        installation.begin_writes(installation.run_lock("test").unwrap());
        assert!(installation.rules().gateway_running);
    }

    #[test]
    fn the_times_of_both_files_of_a_store_are_known() {
        let dir = tempfile::tempdir().unwrap();
        let installation = opened(dir.path());
        let look = installation.look().unwrap();
        let base = &look.stores[&StoreId::Base];
        let state = base.file.path().with_file_name("auth-state.json");
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        std::fs::write(&state, "{\"version\":1}").unwrap();
        std::fs::File::options().write(true).open(&state).unwrap().set_modified(then).unwrap();
        installation.observe().unwrap();
        assert!(installation.known_times().contains(&then));
        assert_eq!(installation.known_times().len(), 2);
    }
}
