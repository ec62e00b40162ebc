//! Owners and modes of what holds credentials.

use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::examination::PathFacts;

pub(super) const CHECK: Check = Check {
    id: "permissions",
    question: "Can only the owner read what holds credentials?",
    looks_at: "Owner and mode of the stores, the databases, the config, .env and the directories that they are in.",
    matters: "A file that root has left behind cannot be written by the gateway, which then goes on with its earlier values. A file that \
              everybody reads is a leak.",
    way_out: "chown the file to the owner of the state directory, or chmod 600 it. Run openclaw and keyshoal as that user.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let mut told = Told::default();
    let paths = &case.facts.paths;
    told.seen.push(format!("{} files and directories were looked at", paths.len()));
    for path in paths {
        if let Some(owner) = case.facts.owner.filter(|owner| *owner != path.owner) {
            told.symptoms.push(
                Symptom::attention(format!(
                    "{} belongs to user {}, and the state directory to user {owner}",
                    path.path, path.owner
                ))
                .fix(format!("chown {owner} {}", path.path)),
            );
        }
        told.symptoms.extend(open(case, path));
    }
    told
}

/// Says who may do too much with a path. Directories that others can look into are OpenClaw's own habit.
fn open(case: &Case<'_>, path: &PathFacts) -> Option<Symptom> {
    let text = |what: &str| format!("{} can be {what} (mode {:04o})", path.path, path.mode);
    if path.mode & 0o1002 == 0o002 {
        let mode = if path.directory { "700" } else { "600" };
        return Some(
            Symptom::attention(text("changed by everybody")).fix(format!("chmod {mode} {}", path.path)),
        );
    }
    if path.directory {
        return None;
    }
    let fix = format!("chmod 600 {}", path.path);
    let is_config = path.path == case.observed().instance.config_path;
    match path.mode {
        mode if mode & 0o004 != 0 && !is_config => {
            Some(Symptom::attention(text("read by everybody")).fix(fix))
        }
        mode if mode & 0o004 != 0 => Some(Symptom::info(text("read by everybody")).fix(fix)),
        mode if mode & 0o040 != 0 => Some(Symptom::info(text("read by its group")).fix(fix)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;

    fn path(owner: u32, mode: u32, directory: bool) -> World {
        World::new().with(|world| {
            let path = "/srv/agents/ops/agent/auth-profiles.json".to_owned();
            world.facts.paths = vec![PathFacts { path, directory, owner, mode, modified: None }];
        })
    }

    #[test]
    fn a_file_of_another_user_or_for_everybody_is_found() {
        finds(&CHECK, &path(0, 0o600, false), &["belongs to user 0", "chown 1000", "Attention"]);
        finds(&CHECK, &path(1000, 0o644, false), &["read by everybody (mode 0644)", "Attention"]);
        finds(&CHECK, &path(1000, 0o640, false), &["read by its group", "Info"]);
        finds(&CHECK, &path(1000, 0o777, true), &["changed by everybody", "chmod 700"]);
    }

    #[test]
    fn private_files_in_open_directories_are_fine() {
        is_clean(&CHECK, &path(1000, 0o600, false));
        is_clean(&CHECK, &path(1000, 0o755, true));
    }
}
