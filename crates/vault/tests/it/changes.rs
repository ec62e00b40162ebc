//! Changes of one instance, one by one.

use crate::world::{
    House, agent_uid, at, author, change, credential, credential_uid, furnish, id, new, rotation, stage,
    value,
};
use keyshoal_core::vault::VersionState::{Current, Pending, Previous, Retired};
use keyshoal_core::vault::{Delivery, ModelChoice, VersionState};
use keyshoal_vault::{Cause, Change, RotationStep, Vault};

fn states(vault: &Vault, number: u128) -> Vec<(u32, VersionState)> {
    let instances = vault.instances().unwrap();
    let mut all = instances.iter().flat_map(|instance| &instance.credentials);
    let found = all.find(|one| one.uid == credential_uid(number)).unwrap();
    found.versions.iter().map(|version| (version.number, version.state)).collect()
}

#[test]
fn what_is_put_in_comes_out() {
    let (house, vault) = House::new();
    let before = furnish(&vault, "one", 0);
    drop(vault);
    let vault = house.open();
    let after = vault.instance(&id("one")).unwrap();
    assert_eq!(after, before);
    assert_eq!((after.revision, after.agents.len(), after.channels.len()), (1, 2, 1));
    let values = vault.values(&id("one")).unwrap();
    let shown: Vec<_> =
        values.iter().map(|one| (one.credential, one.number, one.state, &one.value)).collect();
    let (shared, own) = (value("shared-one"), value("own-one"));
    assert_eq!(shown, [(credential_uid(1), 1, Current, &shared), (credential_uid(2), 1, Current, &own)]);
    assert_eq!(vault.documents(&id("one")).unwrap(), [("channels/telegram".to_owned(), value("bot-one"))]);
    assert_eq!(vault.instances().unwrap(), [before]);
    assert!(vault.instance_named("default", "one").unwrap().is_some());
    assert!(vault.instance_named("default", "two").unwrap().is_none());
}

#[test]
fn versions_go_their_way() {
    let (_house, vault) = House::new();
    furnish(&vault, "one", 0);
    change(&vault, "one", vec![stage(1, "second")]).unwrap();
    assert_eq!(states(&vault, 1), [(1, Current), (2, Pending)]);
    change(&vault, "one", vec![Change::Publish(credential_uid(1))]).unwrap();
    assert_eq!(states(&vault, 1), [(1, Previous), (2, Current)]);
    change(&vault, "one", vec![stage(1, "third"), Change::Publish(credential_uid(1)), stage(1, "fourth")])
        .unwrap();
    assert_eq!(states(&vault, 1), [(1, Retired), (2, Previous), (3, Current), (4, Pending)]);
    change(&vault, "one", vec![Change::RollBack(credential_uid(1))]).unwrap();
    assert_eq!(states(&vault, 1), [(1, Retired), (2, Current), (3, Retired), (4, Pending)]);
    change(&vault, "one", vec![Change::Unstage(credential_uid(1))]).unwrap();
    change(&vault, "one", vec![stage(1, "fifth"), Change::Publish(credential_uid(1))]).unwrap();
    change(&vault, "one", vec![Change::RetirePrevious(credential_uid(1))]).unwrap();
    assert_eq!(states(&vault, 1), [(1, Retired), (2, Retired), (3, Retired), (4, Retired), (5, Current)]);
    change(&vault, "one", vec![Change::DropCredential(credential_uid(1))]).unwrap();
    let texts = ["shared-one", "second", "third", "fourth", "fifth"].map(value);
    let kept =
        vault.values(&id("one")).unwrap().into_iter().filter(|one| one.credential == credential_uid(1));
    let kept: Vec<_> = kept.map(|one| (one.state, one.value)).collect();
    assert_eq!(kept, texts.map(|text| (Retired, text)));
    // There is room for another credential of the same profile.
    change(&vault, "one", vec![credential(9, "anthropic:default", None, "anew")]).unwrap();
}

#[test]
fn a_change_is_made_whole_or_not_at_all() {
    let (_house, vault) = House::new();
    let before = furnish(&vault, "one", 0);
    let events = vault.events(None, 99).unwrap();
    let refused: &[(&str, Vec<Change>)] = &[
        ("no version", vec![Change::SetDelivery(Delivery::Refs), Change::Publish(credential_uid(1))]),
        ("no previous", vec![stage(1, "next"), Change::RollBack(credential_uid(1))]),
        ("staged already", vec![stage(1, "next"), stage(1, "after")]),
        ("already", vec![credential(7, "anthropic:default", None, "again")]),
        ("already", vec![Change::RenameAgent { agent: agent_uid(1), id: "stocks".into() }]),
        ("no agent", vec![Change::SetDefaultAgent(agent_uid(7))]),
        ("no document", vec![Change::RemoveDocument("channels/irc".to_owned())]),
        ("each of them once", vec![Change::OrderAgents(vec![agent_uid(1)])]),
        ("was dropped", vec![Change::DropCredential(credential_uid(1)), stage(1, "next")]),
        ("no credential", vec![Change::Publish(credential_uid(7))]),
        ("control characters", vec![Change::SetName("a\nb".to_owned())]),
    ];
    for (why, changes) in refused {
        let error = change(&vault, "one", changes.clone()).unwrap_err();
        assert!(matches!(error.cause, Cause::Refused(_)) && error.to_string().contains(why), "{error}");
        assert_eq!(vault.instance(&id("one")).unwrap(), before);
    }
    assert_eq!(vault.events(None, 99).unwrap(), events);
    assert_eq!(vault.values(&id("one")).unwrap().len(), 2);
    let twice = vault.add_instance(&new("one"), Vec::new(), &author(), at(3)).unwrap_err();
    assert!(twice.to_string().contains("already"), "{twice}");
}

#[test]
fn who_was_slower_hears_who_was_faster() {
    let (_house, vault) = House::new();
    furnish(&vault, "one", 0);
    change(&vault, "one", vec![Change::SetDelivery(Delivery::Refs)]).unwrap();
    let error = vault.change(&id("one"), 1, vec![stage(1, "next")], &author(), at(3)).unwrap_err();
    assert!(error.is_retryable());
    let said = error.to_string();
    assert!(said.contains("delivery set to refs by ann@there") && said.contains("at revision 2"), "{said}");
}

#[test]
fn an_agent_keeps_its_override_through_a_rename() {
    let (_house, vault) = House::new();
    furnish(&vault, "one", 0);
    let swap = |agent, id: &str| Change::RenameAgent { agent: agent_uid(agent), id: id.into() };
    let models = ModelChoice { primary: Some("anthropic/claude".to_owned()), fallbacks: Vec::new() };
    let changes = vec![
        swap(1, "aside"),
        swap(2, "main"),
        swap(1, "stocks"),
        Change::OrderAgents(vec![agent_uid(2), agent_uid(1)]),
        Change::SetDefaultAgent(agent_uid(2)),
        Change::SetModels { agent: Some(agent_uid(2)), models: models.clone() },
    ];
    change(&vault, "one", changes).unwrap();
    let instance = vault.instance(&id("one")).unwrap();
    let roster: Vec<_> = instance.agents.iter().map(|one| (one.uid, one.id.as_str(), one.default)).collect();
    assert_eq!(roster, [(agent_uid(2), "main", true), (agent_uid(1), "stocks", false)]);
    assert_eq!(instance.agents[0].models, models);
    assert_eq!(instance.credentials[1].agent, Some(agent_uid(2)));
    assert_eq!(instance.bindings[0].agent, agent_uid(2));

    change(&vault, "one", vec![Change::RemoveAgent(agent_uid(2))]).unwrap();
    let instance = vault.instance(&id("one")).unwrap();
    assert_eq!((instance.agents.len(), instance.bindings.len()), (1, 0));
    assert!(instance.credentials[1].current().is_none(), "its override is dropped");
    assert!(instance.credentials[0].current().is_some());
}

#[test]
fn a_removed_instance_is_gone_and_remembered() {
    let (_house, vault) = House::new();
    furnish(&vault, "one", 0);
    let two = furnish(&vault, "two", 1);
    vault.remove_instance(&id("one"), 1, &author(), at(3)).unwrap();
    assert_eq!(vault.instances().unwrap(), [two]);
    assert!(matches!(vault.instance(&id("one")).unwrap_err().cause, Cause::NoInstance(_)));
    assert_eq!(vault.events(Some(&id("one")), 1).unwrap()[0].what, "instance one removed");
    furnish(&vault, "one", 0);
}

#[test]
fn retired_values_are_forgotten_when_their_time_is_over() {
    let (_house, vault) = House::new();
    furnish(&vault, "one", 0);
    let changes =
        vec![stage(1, "next"), Change::Publish(credential_uid(1)), Change::RetirePrevious(credential_uid(1))];
    change(&vault, "one", changes).unwrap();
    change(&vault, "one", vec![Change::DropCredential(credential_uid(2))]).unwrap();
    let day = 24 * 60 * 60;
    assert_eq!(vault.forget_expired(&author(), at(2 + 30 * day), 30).unwrap(), 0);
    assert_eq!(vault.values(&id("one")).unwrap().len(), 3);
    assert_eq!(vault.forget_expired(&author(), at(3 + 30 * day), 30).unwrap(), 2);
    let left = vault.instance(&id("one")).unwrap();
    assert_eq!((left.credentials.len(), left.revision), (1, 4));
    assert_eq!(states(&vault, 1), [(2, Current)]);
    assert_eq!(vault.forget_expired(&author(), at(4 + 30 * day), 30).unwrap(), 0);
}

#[test]
fn rotations_of_several_instances_go_together_or_not_at_all() {
    let (_house, vault) = House::new();
    furnish(&vault, "one", 0);
    furnish(&vault, "two", 1);
    let begin = |revision| {
        let one = rotation("r1", "one", 1, 1, vec![stage(1, "next")]);
        let two = rotation("r2", "two", revision, 17, vec![stage(17, "next")]);
        vault.begin_rotations(vec![one, two], &author(), at(3))
    };
    let before = (vault.instance(&id("one")).unwrap(), vault.instance(&id("two")).unwrap());
    // The second instance has another revision: nothing is staged in the first one either.
    begin(7).unwrap_err();
    assert_eq!((vault.instance(&id("one")).unwrap(), vault.instance(&id("two")).unwrap()), before);
    assert_eq!(vault.rotations(&id("one")).unwrap(), []);
    begin(1).unwrap();

    let step = |name: &str, from| RotationStep {
        id: name.to_owned(),
        expected_revision: from,
        stage: "rolled_back".to_owned(),
        state: "{}".to_owned(),
        finished: true,
    };
    let back = |from| {
        let one = (step("r1", 1), 2, vec![Change::Unstage(credential_uid(1))]);
        let two = (step("r2", from), 2, vec![Change::Unstage(credential_uid(17))]);
        vault.step_rotations(vec![one, two], &author(), at(4))
    };
    // Somebody else has taken the second one on.
    back(5).unwrap_err();
    assert_eq!(states(&vault, 1), [(1, Current), (2, Pending)]);
    assert_eq!(vault.rotation("r1").unwrap().unwrap().finished, None);
    back(1).unwrap();
    for (name, uid) in [("r1", 1), ("r2", 17)] {
        assert_eq!(vault.rotation(name).unwrap().unwrap().finished, Some(at(4)));
        assert!(!states(&vault, uid).iter().any(|(_, state)| *state == Pending));
    }
}

#[test]
fn a_rotation_goes_on_from_where_it_stands() {
    let (_house, vault) = House::new();
    furnish(&vault, "one", 0);
    let one = id("one");
    let begin = |name, revision, changes| {
        vault.begin_rotations(vec![rotation(name, "one", revision, 1, changes)], &author(), at(3))
    };
    begin("r1", 1, vec![stage(1, "next")]).unwrap();
    let error = begin("r2", 2, Vec::new()).unwrap_err();
    assert!(error.to_string().contains("rotation r1 of it is not finished"), "{error}");

    let step = |from, stage: &str, finished| RotationStep {
        id: "r1".to_owned(),
        expected_revision: from,
        stage: stage.to_owned(),
        state: r#"{"wave":1}"#.to_owned(),
        finished,
    };
    let publish = || vec![Change::Publish(credential_uid(1))];
    let go = |step, revision, changes, second| {
        vault.step_rotations(vec![(step, revision, changes)], &author(), at(second))
    };
    // A change that is refused leaves the rotation where it was.
    go(step(1, "published", false), 2, [publish(), publish()].concat(), 4).unwrap_err();
    go(step(1, "published", false), 2, publish(), 4).unwrap();
    assert_eq!(vault.instance(&one).unwrap().revision, 3);
    let error = go(step(1, "published", false), 3, Vec::new(), 5).unwrap_err();
    assert!(matches!(error.cause, Cause::RotationMoved { found: 2, .. }), "{error}");
    go(step(2, "finished", true), 3, Vec::new(), 6).unwrap();
    assert_eq!(vault.instance(&one).unwrap().revision, 3);
    let found = vault.rotation("r1").unwrap().unwrap();
    assert_eq!((found.stage.as_str(), found.revision, found.finished), ("finished", 3, Some(at(6))));
    assert_eq!(vault.rotations(&one).unwrap(), [found]);
    go(step(3, "again", false), 3, Vec::new(), 7).unwrap_err();
    begin("r2", 3, Vec::new()).unwrap();
}
