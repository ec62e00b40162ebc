//! Several state directories, one of which is the wrong one.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};

pub(super) const CHECK: Check = Check {
    id: "split_home",
    question: "Do gateway and commands use one state directory?",
    looks_at: "The state directory that the gateway on the configured port was started for, and other state directories of the same home \
               that hold credentials.",
    matters: "A login or a new key that lands in another directory than the gateway reads is saved and never used: with another HOME, \
              another user, or OPENCLAW_STATE_DIR set for one of them only.",
    way_out: "Set OPENCLAW_STATE_DIR and HOME alike for the gateway's service and for shells, or name the right one with --state-dir.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let instance = &case.observed().instance;
    let mut told = Told::seeing(vec![format!("this is {}", instance.state_dir)]);
    if let Some(other) = &instance.gateway.other_state_dir {
        told.symptoms.push(
            Symptom::attention(format!("the gateway that answers uses {other}, not {}", instance.state_dir))
                .fix(format!("keyshoal --state-dir {other} status   or start the gateway for this one")),
        );
    }
    let ours = case.observed().stores.values().filter_map(|store| store.modified).max();
    for other in &case.facts.other_state_dirs {
        let changed = other.modified.map_or_else(String::new, |at| format!(", last changed {}", moment(at)));
        let later = other.modified > ours;
        told.symptoms.push(
            Symptom::info(format!(
                "{} {}{changed}{}",
                other.path,
                match other.unread {
                    true => "has stores that cannot be read from here, and may hold credentials too",
                    false => "holds credentials too",
                },
                if later { ", later than those here" } else { "" }
            ))
            .fix(format!("keyshoal --state-dir {} status   tells what is in it", other.path)),
        );
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::examination::OtherStateDir;

    #[test]
    fn a_gateway_of_another_directory_is_found() {
        let world = World::new().with(|world| {
            world.observed.instance.gateway.other_state_dir = Some("/root/.openclaw".into());
        });
        finds(&CHECK, &world, &["uses /root/.openclaw, not /srv", "Attention"]);
    }

    #[test]
    fn another_directory_with_credentials_is_worth_knowing() {
        let world = World::new().with(|world| {
            let (path, modified) = ("/home/.clawdbot".to_owned(), Some(at(NOW)));
            world.facts.other_state_dirs = vec![OtherStateDir { path, modified, unread: false }];
        });
        finds(&CHECK, &world, &["/home/.clawdbot holds credentials too", "later than those here", "Info"]);
        let unread = world.with(|world| world.facts.other_state_dirs[0].unread = true);
        finds(&CHECK, &unread, &["/home/.clawdbot has stores that cannot be read from here", "may hold"]);
    }

    #[test]
    fn one_directory_is_fine() {
        is_clean(&CHECK, &World::new());
    }
}
