//! One round of a watch, for timers: looks, repairs where the policy allows it, verifies, and raises alarms.

use super::rotating::told;
use super::{Opened, WatchArgs, alarm, opened, policy::WatchPolicy};
use crate::commands::flow::Noted;
use crate::commands::report::{self, Beside, Import};
use crate::commands::{Context, shared};
use crate::error::CommandError;
use crate::exit::Outcome as Ended;
use crate::render;
use crate::ui::{Text, Ui};
use keyshoal_core::alarm::Source;
use keyshoal_engine::ports::Clock as _;
use keyshoal_engine::watch::{Alarms, Pass, conditions};
use keyshoal_engine::{
    LookOptions, Outcome, SyncOptions, SyncReport, Unattended, VerifyOptions, VerifyReport, verify,
};
use keyshoal_local::Installation;
use keyshoal_metrics::Registry;
use std::path::Path;

/// Looks once, repairs what is certain where the policy allows it, verifies, and tells the addressees what is news.
pub fn cmd_once(
    ui: &mut Ui,
    context: &Context<'_>,
    args: &WatchArgs,
    (policy, path): (&WatchPolicy, &Path),
) -> Result<Ended, CommandError> {
    let offline = args.offline || !policy.ask_providers;
    let Opened { installation, repair, mut tidier, rotating } = opened(ui, context, policy, offline)?;
    let options = SyncOptions {
        look: LookOptions {
            ask: shared::ask_policy(offline),
            accepted_only: !offline,
            ..LookOptions::default()
        },
        dry_run: !repair,
        assume_yes: repair,
        activate: policy.activate,
        command: "watch".to_owned(),
        ..SyncOptions::default()
    };
    let mut alarms = Alarms::new(policy.hysteresis);
    let caller =
        alarm::Caller::new(ui, context, (policy, path), &installation, &Registry::default(), &mut alarms);
    let progress = ui.progress();
    let done = keyshoal_engine::sync(&installation, &options, &mut Unattended, &mut shared::shown(&progress));
    drop(progress);
    let verified = match &done {
        Ok(done) if !offline => verified(ui, &installation, policy, done),
        _ => None,
    };
    let half_done = rotating.map(|mut rotating| rotating.now().to_vec());
    let passes = match (&done, &verified) {
        (Err(error), _) => vec![conditions::of_failure(&error.to_string())],
        (Ok(done), verified) => {
            let look = verified.as_ref().map_or(&done.after, |verified| &verified.look);
            let mut seen = conditions::of_look(look, policy.verify.through_gateway);
            half_done.iter().flatten().for_each(|one| seen.see(told(one).condition()));
            let mut passes = vec![Pass::new(Source::Watch), seen];
            passes.extend(verified.as_ref().map(conditions::of_verify));
            passes
        }
    };
    let now = installation.now();
    let news: Vec<_> = passes.into_iter().flat_map(|pass| alarms.take(pass, now)).collect();
    caller.tell_of_one_round(ui, &installation, &news, &alarms, now);
    let done = done?;
    let noted = if done.outcome == Outcome::DryRun { Noted::Reported } else { Noted::Nothing };
    let import = Some(Import::of(installation.state_dir()));
    let shown = report::show_beside(ui, "watch_once", &done, Beside { noted, rotations: half_done, import })?;
    if let Some(tidier) = &mut tidier {
        tidier.come_by(ui, now);
    }
    // What a look found is said already.
    let lines: Vec<Text> = news
        .iter()
        .filter(|alarm| alarm.condition.id.topic.source() == Source::Verify)
        .map(render::alarm::line)
        .collect();
    ui.data(&lines);
    let accepted = verified.as_ref().is_none_or(VerifyReport::is_accepted);
    if let Some(verified) = verified.filter(|_| !accepted) {
        ui.data(&[render::verify_summary::line(&verified).plain("; keyshoal verify shows each")]);
    }
    Ok(if accepted { shown } else { Ended::Attention })
}

/// Asks about what every agent sends now, unless the policy has neither the clock nor changes ask for it.
fn verified(
    ui: &Ui,
    installation: &Installation,
    policy: &WatchPolicy,
    done: &SyncReport,
) -> Option<VerifyReport> {
    if policy.verify.every.is_none() && !policy.verify.after_change {
        return None;
    }
    let options =
        VerifyOptions { through_gateway: policy.verify.through_gateway, ..VerifyOptions::default() };
    let progress = ui.progress();
    Some(verify(installation, done.after.clone(), &options, &mut shared::shown(&progress)))
}
