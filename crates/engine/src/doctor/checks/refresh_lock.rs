//! Locks that nobody gives back, and logins that a refresh has left fenced.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::Material;
use keyshoal_core::examination::{Guarded, LockFacts};

/// OpenClaw breaks a refresh lock that is older than this, and one of a store after half a minute.
const REFRESH_STALE: i64 = 180;
const STORE_STALE: i64 = 30;

pub(super) const CHECK: Check = Check {
    id: "refresh_lock",
    question: "Is a lock of a refresh or of a store stuck?",
    looks_at: "The locks in locks/oauth-refresh and beside the stores: the process that they name, whether it lives, and their age. And \
               logins that a refresh has fenced.",
    matters: "While a lock of a live process lies there, every renewal of that login waits. In a container the number of a dead process \
              belongs to another one soon, and the lock looks alive for ever.",
    way_out: "When the process that is named is none of OpenClaw's, remove the lock file. A fenced login needs openclaw models auth login.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    for lock in &case.facts.locks {
        let since = lock.since.map_or_else(|| "?".to_owned(), moment);
        let pid = lock.pid.map_or_else(|| "?".to_owned(), |pid| pid.to_string());
        told.seen.push(format!("{}: process {pid}, since {since}", lock.path));
        told.symptoms.extend(stuck(case, lock, &pid, &since));
    }
    let at_work = case.facts.locks.iter().any(|lock| {
        lock.guards == Guarded::OAuthRefresh && age(case, lock).is_some_and(|age| age < REFRESH_STALE)
    });
    for (id, store) in &case.observed().stores {
        for (profile, _) in store.profiles.iter().filter(|(_, view)| view.material == Material::Fenced) {
            told.seen.push(format!("{profile} of store {id} is fenced by a refresh"));
            if !at_work {
                told.symptoms.push(
                    Symptom::attention(format!(
                        "{profile} is fenced by a refresh that nobody is doing any more"
                    ))
                    .agents(case.agents_of(id))
                    .fix("openclaw models auth login"),
                );
            }
        }
    }
    told
}

fn age(case: &Case<'_>, lock: &LockFacts) -> Option<i64> {
    Some(case.now().as_second() - lock.since?.as_second())
}

fn stuck(case: &Case<'_>, lock: &LockFacts, pid: &str, since: &str) -> Option<Symptom> {
    let (what, stale) = match lock.guards {
        Guarded::OAuthRefresh => ("the refresh of an OAuth login", REFRESH_STALE),
        Guarded::Store => ("a store", STORE_STALE),
    };
    if age(case, lock)? < stale {
        return None;
    }
    let path = &lock.path;
    Some(match lock.alive {
        Some(true) => {
            Symptom::attention(format!("{path} locks {what} since {since} for process {pid}, which lives"))
                .fix(format!("when process {pid} is none of OpenClaw's: rm {path}"))
        }
        _ => Symptom::info(format!(
            "{path} was left behind by process {pid}, which is not there any more; OpenClaw breaks such a lock by itself"
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::{ProfileView, StoreId};

    fn locked(age: i64, alive: bool) -> World {
        World::new().with(|world| {
            world.facts.locks = vec![LockFacts {
                path: "/srv/locks/oauth-refresh/lock-1.lock".into(),
                guards: Guarded::OAuthRefresh,
                pid: Some(1),
                alive: Some(alive),
                since: Some(at(NOW - age)),
            }];
        })
    }

    fn fence(world: &mut World) {
        let view = ProfileView { material: Material::Fenced, ..api_key(1) };
        world.store(&StoreId::Base).profiles.insert("codex:me".into(), view);
    }

    #[test]
    fn an_old_lock_of_a_live_process_is_found() {
        finds(&CHECK, &locked(600, true), &["process 1, which lives", "rm /srv", "Attention"]);
        finds(&CHECK, &locked(600, false), &["left behind", "Info"]);
        finds(&CHECK, &World::new().with(fence), &["is fenced by a refresh that nobody is doing"]);
    }

    #[test]
    fn a_lock_at_work_is_fine() {
        is_clean(&CHECK, &locked(20, true));
        is_clean(&CHECK, &locked(20, true).with(fence));
    }
}
