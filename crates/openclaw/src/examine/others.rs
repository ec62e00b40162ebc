//! What else is on this machine: other state directories of the home, processes besides the gateway, node hosts.

use crate::files;
use crate::gateway::process;
use crate::locate::Locations;
use crate::store::place::AGENT_DB;
use crate::store::{ReadStore, StoreFile};
use keyshoal_core::examination::{OtherProcess, OtherStateDir};
use keyshoal_core::{StoreHealth, Timestamp};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// So many agents of another state directory are looked at.
const MOST_AGENTS: usize = 1000;

/// Returns the other state directories of the home that hold credentials.
pub fn state_dirs(at: &Locations) -> Vec<OtherStateDir> {
    let names = files::names(&at.home, 1 << 16).unwrap_or_default();
    let like =
        |name: &str| matches!(name, ".openclaw" | ".clawdbot" | ".moldbot") || name.starts_with(".openclaw-");
    let mut dirs: Vec<PathBuf> =
        names.iter().filter(|name| name.to_str().is_some_and(like)).map(|name| at.home.join(name)).collect();
    dirs.sort();
    let ours = files::real_path(&at.state_dir);
    dirs.retain(|dir| files::is_dir(dir) && files::real_path(dir) != ours);
    dirs.iter().filter_map(|dir| state_dir(dir)).collect()
}

/// Looks at another state directory; nothing where no store in it holds a credential.
pub fn state_dir(dir: &Path) -> Option<OtherStateDir> {
    let agents = dir.join("agents");
    let names = files::names(&agents, MOST_AGENTS).unwrap_or_default();
    let of_agents = names.iter().flat_map(|name| {
        let dir = agents.join(name).join("agent");
        [vec![StoreFile::json(&dir, false)], vec![StoreFile::agent_sqlite(dir.join(AGENT_DB))]]
    });
    let state = super::databases::state_database(dir);
    let shared = [StoreFile::shared_row(&state), StoreFile::shared_table(&state)];
    let stores =
        of_agents.chain([shared.to_vec()]).filter(|one| one.iter().any(|one| files::exists(one.path())));
    let found: Vec<(bool, Option<Timestamp>)> =
        stores.filter_map(|one| Some((holds(&one)?, changed(one.first()?.path())))).collect();
    let unread = !found.iter().any(|(certain, _)| *certain);
    let told = found.iter().filter(|(certain, _)| *certain != unread);
    let modified = told.clone().filter_map(|(_, at)| *at).max();
    told.clone().next()?;
    Some(OtherStateDir { path: dir.display().to_string(), modified, unread })
}

/// Tells whether a store, which may be laid out in one of these ways, holds a credential for certain, or may; nothing: it does not.
fn holds(ways: &[StoreFile]) -> Option<bool> {
    let read: Vec<_> = ways.iter().map(StoreFile::read).collect();
    let full = |read: &ReadStore| !read.contents.profiles.is_empty() || !read.contents.invalid.is_empty();
    let empty =
        |read: &ReadStore| matches!(read.health, StoreHealth::Ok | StoreHealth::Empty | StoreHealth::Absent);
    match () {
        () if read.iter().flatten().any(full) => Some(true),
        () if read.iter().flatten().any(empty) => None,
        () => Some(false),
    }
}

fn changed(path: &Path) -> Option<Timestamp> {
    super::paths::modified(&files::metadata(path).ok().flatten()?)
}

/// Returns the processes of OpenClaw that were started for this state directory, but for its gateway.
pub fn processes(at: &Locations, gateway: Option<u32>) -> Vec<OtherProcess> {
    let ours = files::real_path(&at.state_dir);
    let by_default = files::real_path(&at.home.join(".openclaw")) == ours;
    let mut found = Vec::new();
    let all = process::all().unwrap_or_default();
    let mut gateways: BTreeSet<u32> =
        all.iter().copied().filter(|pid| process::looks_like_gateway(*pid)).chain(gateway).collect();
    // What started a gateway, and waits for it, holds nothing itself, and ends with it: 2026.3.28 calls it `openclaw` alone.
    let starters: Vec<u32> = gateways.iter().filter_map(|pid| process::parent(*pid)).collect();
    gateways.extend(starters);
    for pid in all {
        if gateways.contains(&pid) {
            continue;
        }
        let Some(what) = process::what_of_openclaw(pid) else { continue };
        let names = ["OPENCLAW_STATE_DIR", "OPENCLAW_HOME", "HOME"];
        let Some(env) = process::environment(pid, &names) else { continue };
        let named = env.get("OPENCLAW_STATE_DIR").map(|dir| files::real_path(Path::new(dir)));
        let same_home = env
            .get("OPENCLAW_HOME")
            .or_else(|| env.get("HOME"))
            .is_some_and(|home| files::real_path(Path::new(home)) == files::real_path(&at.home));
        if named.map_or(by_default && same_home, |named| named == ours) {
            found.push(OtherProcess { pid, what, started: process::started(pid) });
        }
    }
    found
}

/// Returns, one sentence for each, the files that say that a node host was set up with this state directory (`node.json`, until it moved into the state
/// database), and the environments that service installations keep (`service-env/`).
pub fn node_hosts(state_dir: &Path) -> Vec<String> {
    let node = state_dir.join("node.json");
    let service = state_dir.join("service-env");
    let names = files::listing(&service).ok().flatten().unwrap_or_default();
    let services = names.iter().filter(|name| name.contains("node")).map(|name| service.join(name));
    std::iter::once(node)
        .filter(|path| files::exists(path))
        .chain(services)
        .map(|path| format!("a node host was set up: {}", path.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, locate, sample};
    use keyshoal_core::{Layout, StoreId};

    #[test]
    fn another_state_directory_of_the_home_is_found() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let made = sample::Installation::new(Layout::JsonFile);
            made.api_key(StoreId::Base, "acme:default", "one").write(&home.path().join(name)).unwrap();
        };
        write(".openclaw");
        let env = Environment { home: Some(home.path().to_owned()), ..Environment::default() };
        let at = locate::locate(&env, None, None).unwrap();
        assert_eq!(state_dirs(&at), []);
        write(".clawdbot");
        files::make_private_dir(&home.path().join(".openclaw-empty")).unwrap();
        let found = state_dirs(&at);
        assert_eq!(found.len(), 1);
        assert!(found[0].path.ends_with(".clawdbot") && found[0].modified.is_some() && !found[0].unread);
        assert_eq!(node_hosts(&at.state_dir), Vec::<String>::new());
    }

    /// As 2026.3.28 does: `openclaw gateway run` calls itself `openclaw`, and waits for the `openclaw-gateway` that it has started.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test plays a gateway's processes")]
    fn what_started_the_gateway_is_no_process_of_its_own() {
        use std::io::Read as _;
        use std::os::unix::process::CommandExt as _;
        let home = tempfile::tempdir().unwrap();
        let made = sample::Installation::new(Layout::JsonFile);
        made.api_key(StoreId::Base, "acme:default", "one").write(&home.path().join(".openclaw")).unwrap();
        let env = Environment { home: Some(home.path().to_owned()), ..Environment::default() };
        let at = locate::locate(&env, None, None).unwrap();
        let begin = |name: &str, script: &str| {
            let mut command = std::process::Command::new("bash");
            command.arg0(name).args(["-c", script]).env_clear().env("HOME", home.path());
            command.env("PATH", "/usr/bin:/bin").stdout(std::process::Stdio::piped()).spawn().unwrap()
        };
        let mut starter = begin("openclaw", "(exec -a openclaw-gateway sleep 60) & echo $!; wait");
        let mut beside = begin("openclaw", "sleep 60 & echo $!; wait");
        let child = |of: &mut std::process::Child| {
            let (mut text, mut byte) = (String::new(), [0]);
            let out = of.stdout.as_mut().unwrap();
            while out.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
                text.push(char::from(byte[0]));
            }
            text.parse::<u32>().unwrap()
        };
        let (gateway, sleeps) = (child(&mut starter), child(&mut beside));
        let found: Vec<u32> = processes(&at, Some(gateway)).into_iter().map(|one| one.pid).collect();
        for pid in [gateway, sleeps] {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        starter.wait().unwrap();
        beside.wait().unwrap();
        assert!(found.contains(&beside.id()) && !found.contains(&starter.id()), "{found:?}");
    }

    #[test]
    fn a_state_directory_whose_stores_hold_nothing_is_none_of_them() {
        for layout in [Layout::JsonFile, Layout::AgentSqlite, Layout::SharedTable, Layout::SharedRow] {
            let home = tempfile::tempdir().unwrap();
            let dir = home.path().join(".openclaw-other");
            sample::Installation::new(layout).agent("stocks").write(&dir).unwrap();
            assert_eq!(state_dir(&dir), None, "{layout:?}");
            let full = home.path().join(".openclaw-full");
            let made = sample::Installation::new(layout).api_key(StoreId::Base, "acme:default", "one");
            made.write(&full).unwrap();
            assert!(state_dir(&full).is_some_and(|found| !found.unread), "{layout:?}");
        }
        // What cannot be read may hold some.
        let home = tempfile::tempdir().unwrap();
        let broken = sample::Installation::new(Layout::JsonFile).store_text(StoreId::Base, "{ \"profiles\"");
        broken.write(home.path()).unwrap();
        assert!(state_dir(home.path()).is_some_and(|found| found.unread));
    }
}
