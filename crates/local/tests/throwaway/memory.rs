//! What is remembered across commands: a rollback is a person's word, and a run at work has not broken off.

use super::house::{House, P, given, glance, stocks};
use keyshoal_core::{FindingKind, Layout, ProfileId, StoreId};
use keyshoal_engine::decide::Unattended;
use keyshoal_engine::look::Look;
use keyshoal_engine::ports::{Change, Remember};
use keyshoal_engine::sync::SyncOptions;
use keyshoal_local::restore::Direction;
use keyshoal_local::{Installation, OpenOptions};

fn assume_yes() -> SyncOptions {
    SyncOptions { assume_yes: true, ..SyncOptions::default() }
}

fn has(look: &Look, kind: FindingKind) -> bool {
    look.judgement.findings.iter().any(|finding| finding.finding == kind)
}

/// The source falls back to an earlier value here, too, but because a person wanted that.
#[test]
fn a_rollback_is_no_source_that_fell_back() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let house = House::new(layout);
        let installation = house.open();
        glance(&installation);
        let run = given(&installation, "key-2", assume_yes()).run.unwrap();
        assert!(!has(&glance(&installation), FindingKind::SourceReverted), "{layout}");
        let run = installation.find_run(run.as_str()).unwrap();
        installation.rollback(&run).unwrap();
        let after = glance(&installation);
        assert!(!has(&after, FindingKind::SourceReverted), "{layout}: {:#?}", after.judgement.findings);
        let known = installation.knowledge().unwrap();
        let all = &known.generations[&ProfileId::from(P)];
        let now = after.observed.profile(&StoreId::Base, &P.into()).unwrap().material.fingerprint();
        assert_eq!(Some(all.last().unwrap().fingerprint), now, "{layout}");
    }
}

/// Another Keyshoal looks while a run is at work, and after its process has gone without a word.
#[test]
fn a_run_at_work_has_not_broken_off() {
    let house = House::new(Layout::SharedRow);
    let worker = house.open();
    let watcher = house.open();
    glance(&worker);
    worker.begin("sync", &keyshoal_core::Plan::default()).unwrap();
    assert!(watcher.knowledge().unwrap().open_run.is_none());
    assert!(watcher.open_run().unwrap().is_none());
    assert!(!has(&glance(&watcher), FindingKind::OpenRun));

    drop(worker);
    assert!(watcher.open_run().unwrap().is_some());
    assert!(has(&glance(&watcher), FindingKind::OpenRun));
    watcher.recover(Direction::Undo).unwrap();
    assert!(!has(&glance(&watcher), FindingKind::OpenRun));
}

/// The next sync goes on from what is there; nobody has to recover by hand first.
#[test]
fn a_sync_settles_a_run_that_broke_off() {
    for layout in [Layout::JsonFile, Layout::SharedRow] {
        let house = House::new(layout);
        let run = house.broken_after(1);
        let next = house.open();
        assert!(has(&glance(&next), FindingKind::OpenRun), "{layout}");
        let report = keyshoal_engine::sync(&next, &assume_yes(), &mut Unattended, &mut |_| {}).unwrap();
        assert_eq!(report.receipts.len(), 1, "{layout}: only stocks was left to do");
        let after = glance(&next);
        assert!(!after.judgement.needs_attention(), "{layout}: {:#?}", after.judgement.findings);
        // What the broken run had written can still be taken back.
        let broken = next.find_run(run.as_str()).unwrap();
        assert!(broken.summary.finished.is_some(), "{layout}");
    }
}

/// Without a place for keys nothing can be kept, and looking works all the same.
#[test]
fn looking_works_where_no_key_can_be_made() {
    let mut house = House::new(Layout::JsonFile);
    house.options.keys_dir = Some("/sys/keyshoal".into());
    let installation = house.open();
    assert!(
        installation.notes().iter().any(|note| note.contains("/sys/keyshoal")),
        "{:?}",
        installation.notes()
    );
    let seen = glance(&installation);
    assert_eq!(seen.observed.agents.len(), 2);
    assert!(installation.begin("sync", &keyshoal_core::Plan::default()).is_err());
}

/// "Nothing will replace it" must not be said of a mark that nobody keeps.
#[test]
fn a_persons_word_is_remembered_or_refused() {
    use keyshoal_core::{Fact, knowledge::KeptBy};
    let house = House::new(Layout::JsonFile);
    let seen = glance(&house.open());
    let view = seen.observed.profile(&stocks(), &P.into()).unwrap();
    let fingerprint = view.material.fingerprint().unwrap();
    let kept = || Fact::Kept { agent: "stocks".into(), profile: P.into(), fingerprint, by: KeptBy::Person };

    let nowhere = OpenOptions { keys_dir: Some("/sys/keyshoal".into()), ..house.options.clone() };
    assert!(Installation::open(nowhere).unwrap().learn(&[kept()]).is_err());

    let copy = house.dir().join("copy");
    let copied = std::process::Command::new("cp").arg("-a").args([&house.state(), &copy]).status().unwrap();
    assert!(copied.success());
    let uncertain = OpenOptions { state_dir: Some(copy), ..house.options.clone() };
    let uncertain = Installation::open(uncertain).unwrap();
    assert!(!uncertain.identity().is_certain());
    assert!(uncertain.learn(&[kept()]).is_err());

    let certain = house.open();
    certain.learn(&[kept()]).unwrap();
    assert_eq!(certain.knowledge().unwrap().kept.len(), 1);
}

/// A gateway that began while a person thought about the plan holds what stood there before the writes.
#[test]
fn a_gateway_that_came_up_meanwhile_is_no_gateway_that_is_down() {
    use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome};
    let mut house = House::new(Layout::SharedRow);
    house.options.env.vars.insert("OPENCLAW_GATEWAY_PORT".to_owned(), "1".to_owned());
    let installation = house.open();
    let seen = glance(&installation);
    assert_eq!(seen.observed.instance.gateway.running, Some(false));
    let down = installation.activate(ActivationNeed::None, ActivationMode::Auto);
    assert_eq!(down, ActivationOutcome::GatewayDown);

    // A live process, this one, holds the gateway's lock now; nothing answers on its port.
    let ticks = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = ticks.rsplit_once(')').unwrap().1.split_whitespace().nth(19).unwrap().to_owned();
    let tmp = house.state().join("tmp/openclaw-1");
    std::fs::create_dir_all(&tmp).unwrap();
    let lock = format!("{{\"pid\":{},\"port\":1,\"startTime\":{ticks}}}", std::process::id());
    std::fs::write(tmp.join("gateway.state.lock"), lock).unwrap();
    let up = installation.activate(ActivationNeed::None, ActivationMode::None);
    assert!(matches!(up, ActivationOutcome::NotDone { .. }), "{up:?}");
}
