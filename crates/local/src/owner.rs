//! Acting as the owner of a state directory.

use rustix::fs::stat;
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The user whose installation it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user id.
    pub uid: u32,
    /// The primary group id.
    pub gid: u32,
    /// The home directory, where `/etc/passwd` names one.
    pub home: Option<PathBuf>,
    /// The login name, where `/etc/passwd` names one.
    pub name: Option<String>,
}

/// A failure to become the owner.
#[derive(Debug, thiserror::Error)]
#[error("cannot act as the owner (user {uid}) of {}: {source}", path.display())]
pub struct OwnerError {
    /// The state directory.
    pub path: PathBuf,
    /// Its owner.
    pub uid: u32,
    /// What the system said.
    #[source]
    pub source: rustix::io::Errno,
}

/// Becomes the owner of `state_dir` when the process is root and the directory belongs to somebody else.
///
/// Returns who that is, or `None` when nothing changed. Must be called before any thread is started: the kernel keeps these ids per thread,
/// and a new thread takes those of its maker.
pub fn act_as_owner(state_dir: &Path) -> Result<Option<Owner>, OwnerError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let Ok(status) = stat(state_dir) else { return Ok(None) };
    if status.st_uid == 0 {
        return Ok(None);
    }
    let owner = look_up(status.st_uid, status.st_gid);
    let gid = Gid::from_raw(owner.gid);
    let groups: Vec<_> = owner.groups().into_iter().map(Gid::from_raw).collect();
    set_thread_groups(&groups)
        .and_then(|()| set_thread_gid(gid))
        .and_then(|()| set_thread_uid(Uid::from_raw(owner.uid)))
        .map_err(|source| OwnerError { path: state_dir.to_owned(), uid: owner.uid, source })?;
    Ok(Some(owner))
}

impl Owner {
    /// Returns every group that the user would have after a login: a store may be readable, or belong, to one of them.
    fn groups(&self) -> BTreeSet<u32> {
        let named = self.name.as_deref().map(|name| groups_of(&table("/etc/group"), name));
        named.into_iter().flatten().chain([self.gid]).collect()
    }
}

fn table(path: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "a system table, not anybody's state; absent is as good as no entry"
    )]
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn look_up(uid: u32, dir_gid: u32) -> Owner {
    parse(&table("/etc/passwd"), uid).unwrap_or(Owner { uid, gid: dir_gid, home: None, name: None })
}

fn parse(table: &str, uid: u32) -> Option<Owner> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let found = fields.nth(1)?.parse::<u32>().ok()?;
        let gid = fields.next()?.parse().ok()?;
        let home = fields.nth(1).filter(|home| home.starts_with('/')).map(PathBuf::from);
        (found == uid).then(|| Owner { uid, gid, home, name: Some(name.to_owned()) })
    })
}

/// Returns the ids of the groups that name this user as a member.
fn groups_of(table: &str, user: &str) -> Vec<u32> {
    let member = |line: &str| {
        let mut fields = line.split(':').skip(2);
        let gid = fields.next()?.parse().ok()?;
        fields.next()?.split(',').any(|name| name.trim() == user).then_some(gid)
    };
    table.lines().filter_map(member).collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write their own files")]
mod tests {
    use super::*;

    #[test]
    fn the_password_table_names_group_and_home() {
        let table = "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1001:,,,:/home/node:/bin/sh\n";
        let owner = parse(table, 1000).unwrap();
        assert_eq!(
            (owner.gid, owner.home, owner.name.as_deref()),
            (1001, Some("/home/node".into()), Some("node"))
        );
        assert_eq!(parse(table, 7), None);
        assert_eq!(parse("broken\n::::", 0), None);
    }

    #[test]
    fn the_group_table_names_further_groups() {
        let table =
            "root:x:0:\ndocker:x:998:node,eve\nnodes:x:7:node2\nbackup:x:34: eve ,node\nbroken\nx:y:z:node\n";
        assert_eq!(groups_of(table, "node"), [998, 34]);
        assert_eq!(groups_of(table, "node2"), [7]);
        assert!(groups_of(table, "root").is_empty());
        let owner = Owner { uid: 1, gid: 42, home: None, name: None };
        assert_eq!(owner.groups(), BTreeSet::from([42]));
    }

    #[test]
    fn the_owner_keeps_his_further_groups() {
        if !geteuid().is_root() {
            return;
        }
        // Whoever has a further group in this system's tables.
        let (users, members) = (table("/etc/passwd"), table("/etc/group"));
        let user = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next()?, fields.nth(1)?.parse::<u32>().ok()?);
            (uid != 0 && !groups_of(&members, name).is_empty()).then_some((name.to_owned(), uid))
        });
        let Some((name, uid)) = user else { return };
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(dir.path(), Some(uid), None).unwrap();
        let groups = std::thread::scope(|scope| {
            let work = || {
                act_as_owner(dir.path()).unwrap().unwrap();
                rustix::process::getgroups().unwrap()
            };
            scope.spawn(work).join().unwrap()
        });
        let groups: BTreeSet<u32> = groups.into_iter().map(Gid::as_raw).collect();
        assert!(groups_of(&members, &name).iter().all(|gid| groups.contains(gid)), "{name}: {groups:?}");
    }
}
