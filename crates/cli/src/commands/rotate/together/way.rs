//! Which way rotations of several instances go, and what a person is told of it before.

use super::House;
use crate::commands::rotate::{RotateArgs, planned, said};
use crate::error::CommandError;
use crate::ui::Ui;
use keyshoal_engine::rotate::{Rotation, Stage};
use std::collections::BTreeSet;

/// Which way they go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// On from where they stand.
    On,
    /// Back to the version before.
    Back,
    /// Forward to the newer version again.
    Forward,
}

impl Way {
    /// Returns what is asked.
    pub fn question(self) -> &'static str {
        match self {
            Self::Back => "go back?",
            Self::On | Self::Forward => "go forward?",
        }
    }
}

/// Shows where each stands.
pub fn stand(ui: &mut Ui, houses: &[House<'_>], rotations: &[Rotation]) {
    let instances = houses.iter().map(|house| (house.instance.name.as_str(), house.away()));
    planned::stand(instances, rotations).iter().for_each(|line| ui.say(line));
}

/// Shows where each would go, with what is known of that value. Tells whether agents would fail with it.
pub fn fails(
    ui: &mut Ui,
    args: &RotateArgs,
    houses: &[House<'_>],
    rotations: &[Rotation],
    way: Way,
) -> Result<bool, CommandError> {
    stand(ui, houses, rotations);
    let (mut asked, mut fails) = (BTreeSet::new(), false);
    for (house, rotation) in houses.iter().zip(rotations) {
        let to = match way {
            Way::Forward => Some(rotation.new),
            Way::On | Way::Back => rotation.old.filter(|_| rotation.stage > Stage::Tested),
        };
        let (Ok(flow), Some(to)) = (&house.flow, to) else { continue };
        if asked.insert(to)
            && let Some(why) = said::say(ui, flow, &house.credential, to, args.flow.offline)?.dead
        {
            ui.warn(&format!("the agents would fail with that value: {why}"));
            fails = true;
        }
    }
    Ok(fails)
}
