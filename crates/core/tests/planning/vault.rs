//! Instances whose vault says what is right.

use crate::draw::Draw;
use crate::generate;
use crate::world::*;
use keyshoal_core::judge::owner_of;
use keyshoal_core::knowledge::KeptBy;
use keyshoal_core::plan::Why;
use keyshoal_core::simulate::simulate_all;
use keyshoal_core::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn value(number: u8) -> SourceValue {
    SourceValue {
        provider: ProviderId::from(ACME),
        kind: CredentialKind::ApiKey,
        fingerprint: print(number),
        is_ref: false,
        expires: None,
        account: None,
        store: None,
    }
}

/// A credential that had these values; the last is the present one, unless it was withdrawn.
fn line(known: &[u8], withdrawn: bool) -> Line {
    Line {
        value: known.last().filter(|_| !withdrawn).map(|last| value(*last)),
        known: known.iter().map(|one| print(*one)).collect(),
        newer: BTreeSet::new(),
        staged: BTreeSet::new(),
        provider: ProviderId::from(ACME),
        since: at(100),
    }
}

fn wished(mut world: World, wish: Wish) -> World {
    world.desired.source = SourceOf::Vault;
    for (id, line) in &wish.shared {
        world.desired.values.remove(id);
        world.desired.values.extend(line.value.clone().map(|value| (id.clone(), value)));
    }
    world.desired.wish = Some(wish);
    world
}

fn sharing(known: &[u8]) -> Wish {
    Wish { shared: BTreeMap::from([(profile(P), line(known, false))]), ..Wish::default() }
}

fn overriding(mut wish: Wish, id: &str, known: &[u8], withdrawn: bool) -> Wish {
    wish.own.insert((agent(id), profile(P)), line(known, withdrawn));
    wish
}

#[test]
fn earlier_values_of_the_vault_are_stale_wherever_they_stand() {
    let world = World::json(&["main", "stocks"]).base(1).local("stocks", 1);
    let world = wished(world, sharing(&[1, 2]));
    assert_eq!(world.writes(), ["replace base", "replace stocks"]);
    let world = World::shared(&["main", "stocks"]).base(1).local("stocks", 1);
    let world = wished(world, sharing(&[1, 2]));
    assert_eq!(world.writes(), ["replace base", "remove stocks"]);
}

#[test]
fn an_override_reaches_its_agent_even_where_it_is_refused() {
    // Without it the agent would send what all share, as one did that had been renamed.
    let world =
        World::json(&["main", "stocks"]).base(1).said(7, VerdictKind::Revoked).said(1, VerdictKind::Ok);
    let world = wished(world, overriding(sharing(&[1]), "stocks", &[7], false));
    assert_eq!(world.writes(), ["insert stocks"]);
}

#[test]
fn what_was_put_into_the_base_store_without_the_vault_is_asked_about() {
    // Seen after the vault had its first version: nobody gave it to the vault.
    let world = World::json(&["main", "stocks"]).base(104).generations(&[104]);
    for verdict in [VerdictKind::Ok, VerdictKind::NotAsked, VerdictKind::Timeout] {
        let world = wished(world.clone(), sharing(&[1, 2])).said(104, verdict).said(2, VerdictKind::Ok);
        assert_eq!(world.finding("main"), FindingKind::Foreign, "{verdict:?}");
        assert!(world.writes().is_empty(), "{verdict:?}");
        assert!(world.found("main").fix.unwrap().contains("credential adopt base"), "{verdict:?}");
        assert_eq!(world.planned().questions.len(), 1);
        assert!(world.judged().learned.is_empty(), "an accepted newcomer is no override");
    }
    let world = wished(world, sharing(&[1, 2])).said(104, VerdictKind::Revoked).said(2, VerdictKind::Ok);
    assert_eq!(world.writes(), ["replace base"]);
}

#[test]
fn an_earlier_value_that_comes_back_is_asked_about_and_one_that_was_left_behind_is_not() {
    let world = World::json(&["main", "stocks"]).base(1).local("stocks", 1);
    for (wanted, withdrawn) in [(Some(print(2)), false), (None, true)] {
        let shared = BTreeMap::from([(profile(P), line(&[1, 2], withdrawn))]);
        let left = wished(world.clone(), Wish { shared, ..Wish::default() });
        let verb = if withdrawn { "remove" } else { "replace" };
        let (base, copy) = (format!("{verb} base"), format!("{verb} stocks"));
        assert_eq!(left.writes(), [base.as_str(), copy.as_str()], "nothing says that it had arrived");
        let mut other = left.clone();
        other.knowledge.delivered.insert((StoreId::Base, profile(P)), Some(print(1)));
        assert_eq!(other.writes(), left.writes(), "what had arrived was this value");
        let mut back = left.clone();
        back.knowledge.delivered.insert((StoreId::Base, profile(P)), wanted);
        assert_eq!(back.finding("main"), FindingKind::Foreign);
        assert!(back.found("main").fix.unwrap().contains("credential adopt base"));
        assert_eq!(back.writes(), [copy.as_str()], "a copy of an agent's own is left behind all the same");
        // What the vault had after its present value was staged, or taken back. We put it there, unless it was gone since.
        for (mut world, writes) in [(left.clone(), left.writes()), (back.clone(), back.writes())] {
            let wish = world.desired.wish.as_mut().unwrap();
            wish.shared.get_mut(&profile(P)).unwrap().newer.insert(print(1));
            assert_eq!(world.writes(), writes);
        }
    }
}

#[test]
fn an_agents_own_store_is_asked_about_only_where_it_held_what_the_vault_wants() {
    let shared = sharing(&[1, 2]);
    let mut went_back = sharing(&[3, 2]);
    went_back.shared.get_mut(&profile(P)).unwrap().newer.insert(print(3));
    let own = overriding(shared.clone(), "stocks", &[5, 6], false);
    let gone = overriding(shared.clone(), "stocks", &[5, 6], true);
    let nothing = Wish { shared: BTreeMap::from([(profile(P), line(&[1, 2], true))]), ..Wish::default() };
    let cases = [
        (&shared, 1, Some(2), "earlier value", "replace stocks"),
        (&shared, 1, None, "earlier value", "replace stocks"),
        (&went_back, 3, Some(2), "that value of the vault's", "replace stocks"),
        (&own, 5, Some(6), "earlier value", "replace stocks"),
        (&own, 1, Some(6), "earlier value", "replace stocks"),
        (&gone, 6, Some(2), "earlier value", "replace stocks"),
        (&nothing, 1, None, "somebody has put it there since", "remove stocks"),
    ];
    for (wish, holds, held, says, write) in cases {
        let world = World::json(&["main", "stocks"]).local("stocks", holds);
        let world = if wish.shared[&profile(P)].value.is_some() { world.base(2) } else { world };
        let left = wished(world, wish.clone());
        let writes = [write.to_owned()];
        assert_eq!(left.writes(), writes, "nothing says that {held:?} had arrived, {holds} is left behind");
        let place = (StoreId::Agent(agent("stocks")), profile(P));
        let mut other = left.clone();
        other.knowledge.delivered.insert(place.clone(), Some(print(holds)));
        assert_eq!(other.writes(), writes, "what had arrived was {holds}");
        let mut back = left.clone();
        back.knowledge.delivered.insert(place, held.map(print));
        assert!(back.writes().is_empty(), "{holds} after {held:?}: {:?}", back.writes());
        let found = back.found("stocks");
        assert_eq!(found.finding, FindingKind::Foreign);
        assert!(found.message.contains(says), "{}", found.message);
        assert!(found.fix.unwrap().contains("credential adopt stocks"));
        // What its provider rejects, nobody has put there to stay.
        let dead = back.said(holds, VerdictKind::Revoked).said(2, VerdictKind::Ok);
        if held.is_some() {
            assert_eq!(dead.writes(), writes, "{holds} is dead");
        }
    }
}

#[test]
fn what_somebody_put_there_stays_whatever_the_vault_comes_to_want() {
    // The stores held 2 when the vault wanted that, and somebody put 1 there. A rotation makes 3 current; a way back, 4 that was before 2.
    for known in [&[1, 2, 3][..], &[1, 2, 4]] {
        let mut world = World::json(&["main", "stocks", "ops"]).base(1).local("stocks", 1).local("ops", 2);
        for place in [StoreId::Base, StoreId::Agent(agent("stocks")), StoreId::Agent(agent("ops"))] {
            world.knowledge.delivered.insert((place, profile(P)), Some(print(2)));
        }
        let world = wished(world, sharing(known));
        assert_eq!(world.writes(), ["replace ops"], "only what we brought ourselves is brought up to date");
        for whose in ["main", "stocks"] {
            let found = world.found(whose);
            assert_eq!(found.finding, FindingKind::Foreign, "{whose}");
            assert!(found.message.contains("earlier value"), "{}", found.message);
        }
    }
    // Who had an override once is asked about as any other.
    let world = World::json(&["main", "stocks"]).base(2).local("stocks", 1);
    let mut world = wished(world, overriding(sharing(&[1, 2]), "stocks", &[6], true));
    world.knowledge.delivered.insert((StoreId::Agent(agent("stocks")), profile(P)), None);
    assert_eq!(world.finding("stocks"), FindingKind::Foreign);
    assert!(world.writes().is_empty(), "{:?}", world.writes());
}

#[test]
fn what_is_rotated_for_one_agent_goes_before_a_mark_and_over_nothing_that_somebody_put_there() {
    let mut wish = overriding(sharing(&[2]), "stocks", &[6, 8], false);
    wish.rotating.insert((agent("stocks"), profile(P)));
    let kept = World::json(&["main", "stocks"]).base(2).local("stocks", 6).kept("stocks", 6, KeptBy::Person);
    assert_eq!(wished(kept, wish.clone()).writes(), ["replace stocks"]);
    let put = World::json(&["main", "stocks"]).base(2).local("stocks", 7);
    for put in [put.clone(), put.kept("stocks", 7, KeptBy::Person)] {
        let put = wished(put, wish.clone());
        assert_eq!(put.finding("stocks"), FindingKind::Foreign);
        assert!(put.writes().is_empty(), "{:?}", put.writes());
    }
}

#[test]
fn what_is_staged_and_was_given_to_nobody_is_asked_about_wherever_it_stands() {
    let world = World::json(&["main", "stocks", "ops"]).base(3).local("stocks", 3).local("ops", 3);
    let mut wish = sharing(&[1, 3, 2]);
    let shared = wish.shared.get_mut(&profile(P)).unwrap();
    shared.newer.insert(print(3));
    // It was current and does not count any more: we put it there.
    let back = wished(world.clone(), wish.clone());
    assert_eq!(back.writes(), ["replace base", "replace ops", "replace stocks"]);
    assert!(
        back.found("ops").message.contains("a newer value of the vault's"),
        "{}",
        back.found("ops").message
    );
    let shared = wish.shared.get_mut(&profile(P)).unwrap();
    shared.staged.insert(print(3));
    let early = Line { value: Some(value(3)), ..shared.clone() };
    wish.own.insert((agent("ops"), profile(P)), early);
    wish.early.insert((agent("ops"), profile(P)));
    let older = wished(world, wish);
    for delivered in [None, Some(print(3)), Some(print(2))] {
        let mut older = older.clone();
        for place in [StoreId::Base, of("stocks")] {
            delivered.map(|print| older.knowledge.delivered.insert((place, profile(P)), Some(print)));
        }
        for verdict in [VerdictKind::NotAsked, VerdictKind::Ok] {
            let older = older.clone().said(3, verdict).said(2, VerdictKind::Ok);
            assert!(older.writes().is_empty(), "{verdict:?}: {:?}", older.writes());
            for whose in ["main", "stocks"] {
                assert_eq!(older.finding(whose), FindingKind::Foreign, "{whose}");
                assert!(older.found(whose).fix.unwrap().starts_with("keyshoal rotate acme:default --resume"));
            }
            assert_eq!(older.finding("ops"), FindingKind::InSync, "its rotation gave it that");
            assert!(older.judged().learned.is_empty());
        }
        let dead = older.said(3, VerdictKind::Revoked).said(2, VerdictKind::Ok);
        assert_eq!(dead.writes(), ["replace base", "replace stocks"]);
    }
}

#[test]
fn a_copy_of_what_stands_in_the_base_store_is_no_value_of_the_agents_own() {
    let world = World::json(&["main", "stocks", "ops"]).base(7).local("stocks", 7).local("ops", 8);
    let world = wished(world, sharing(&[1, 2]));
    let world = world.said(7, VerdictKind::Ok).said(8, VerdictKind::Ok).said(2, VerdictKind::Ok);
    for whose in ["main", "stocks"] {
        assert_eq!(world.finding(whose), FindingKind::Foreign);
        assert!(world.found(whose).fix.unwrap().contains("credential adopt base"), "{whose}");
    }
    assert_eq!(world.finding("ops"), FindingKind::Kept);
    assert_eq!(world.judged().learned.len(), 1, "only what ops alone has is its own");
    assert!(world.writes().is_empty());
    // What was an override before somebody gave it to all stays one.
    let kept = world.clone().kept("stocks", 7, KeptBy::Acceptance);
    assert_eq!(kept.finding("stocks"), FindingKind::Kept);
    // The first agent of a rotation has nothing of its own, and whoever has an override does.
    let mut wish = sharing(&[1, 2]);
    let ahead = Line { value: Some(value(3)), ..wish.shared[&profile(P)].clone() };
    wish.own.insert((agent("stocks"), profile(P)), ahead);
    for (early, way) in [(true, "credential adopt base"), (false, "credential adopt stocks")] {
        if early {
            wish.early.insert((agent("stocks"), profile(P)));
        } else {
            wish.early.clear();
        }
        let world = wished(world.clone(), wish.clone());
        assert_eq!(world.finding("stocks"), FindingKind::Foreign);
        assert!(world.found("stocks").fix.unwrap().contains(way), "{way}");
    }
}

#[test]
fn what_the_source_had_before_the_vault_came_is_an_earlier_value() {
    let world = World::json(&["main", "stocks"]).base(7).local("stocks", 5).generations(&[5, 7]);
    assert_eq!(wished(world, sharing(&[9])).writes(), ["replace base", "replace stocks"]);
}

#[test]
fn an_override_is_put_there_kept_renewed_and_taken_back() {
    let shared = || sharing(&[2]);
    let world = World::shared(&["main", "stocks"]).base(2);
    let new = wished(world.clone(), overriding(shared(), "stocks", &[6], false));
    assert_eq!(new.writes(), ["insert stocks"]);
    let there = wished(world.clone().local("stocks", 6), overriding(shared(), "stocks", &[6], false));
    assert_eq!(there.finding("stocks"), FindingKind::Kept);
    assert!(there.writes().is_empty());
    let renewed = wished(world.clone().local("stocks", 6), overriding(shared(), "stocks", &[6, 8], false));
    assert_eq!(renewed.writes(), ["replace stocks"]);
    let over_a_copy = wished(world.clone().local("stocks", 2), overriding(shared(), "stocks", &[6], false));
    assert_eq!(over_a_copy.writes(), ["replace stocks"]);
    let gone = wished(world.local("stocks", 6), overriding(shared(), "stocks", &[6], true));
    assert_eq!(gone.writes(), ["remove stocks"]);
}

#[test]
fn what_a_person_gives_one_agent_goes_before_what_was_kept_there() {
    let world = World::json(&["main", "stocks"]).base(2).local("stocks", 7).kept("stocks", 7, KeptBy::Person);
    let mut wish = overriding(sharing(&[2]), "stocks", &[6], false);
    assert!(wished(world.clone(), wish.clone()).writes().is_empty());
    wish.given.insert((agent("stocks"), profile(P)));
    assert_eq!(wished(world, wish).writes(), ["replace stocks"]);
}

#[test]
fn a_value_of_the_vault_that_its_provider_rejects_needs_attention_wherever_it_stands() {
    let world = World::json(&["main", "stocks"]).base(2).local("stocks", 2).said(2, VerdictKind::Revoked);
    let shared = wished(world, sharing(&[1, 2]));
    assert_eq!(shared.finding("stocks"), FindingKind::SourceRejected);
    assert_eq!(shared.found("stocks").severity, Severity::Attention);
    let world = World::json(&["main", "stocks"]).base(2).local("stocks", 6).said(6, VerdictKind::Revoked);
    let own = wished(world, overriding(sharing(&[2]), "stocks", &[6], false));
    assert_eq!(
        (own.finding("stocks"), own.found("stocks").severity),
        (FindingKind::Kept, Severity::Attention)
    );
}

#[test]
fn what_an_agent_got_elsewhere_is_not_replaced_by_its_override() {
    let world = World::shared(&["main", "stocks"]).base(2).local("stocks", 7).said(7, VerdictKind::Ok);
    let world = wished(world, overriding(sharing(&[2]), "stocks", &[6], false));
    assert_eq!(world.finding("stocks"), FindingKind::Foreign);
    assert!(world.writes().is_empty());
}

#[test]
fn a_disabled_agent_ends_with_nothing_that_the_vault_gave_it() {
    let world = World::json(&["main", "stocks"]).base(2).local("stocks", 1);
    let world = world.put(&of("stocks"), "acme:own", api_key(7));
    let mut wish = sharing(&[1, 2]);
    wish.leaving.insert(agent("stocks"));
    assert_eq!(wished(world, wish).writes(), ["remove stocks"]);
}

/// Somebody has taken it out of the config: its store is in no roster any more.
#[test]
fn a_disabled_agent_that_is_in_no_roster_ends_so_as_well() {
    let there = World::json(&["main", "stocks", "ops"]).base(2).local("stocks", 1).local("ops", 6);
    let there = there.put(&of("stocks"), "acme:own", api_key(7));
    let before = there.observed.clone();
    let gone = |mut world: World, wish: Wish| {
        world.observed.agents.retain(|one| one.id != agent("stocks"));
        wished(world, wish)
    };
    let mut wish = overriding(sharing(&[2]), "stocks", &[1], true);
    wish = overriding(wish, "ops", &[6], false);
    wish.leaving.insert(agent("stocks"));
    let world = gone(there, wish);
    assert_eq!(world.writes(), ["remove stocks"]);
    let judged = world.judged();
    let stocks = agent("stocks");
    let [told] = judged.of_agent(&stocks).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((told.finding, told.severity), (FindingKind::Stale, Severity::Attention));
    assert!(
        told.message.contains("is in the roster no more") && told.fix.as_deref() == Some("keyshoal sync")
    );
    // No gateway reads it, whatever becomes of it.
    let mut after = world.observed.clone();
    after.stores.remove(&of("stocks"));
    assert_eq!(activation::digest(&world.observed), activation::digest(&after));
    assert_ne!(activation::digest(&world.observed), activation::digest(&before));
}

#[test]
fn a_withdrawn_credential_goes_everywhere_and_nothing_else_does() {
    let world = World::json(&["main", "stocks", "ops"]).base(2).local("stocks", 1).local("ops", 7);
    let wish = Wish { shared: BTreeMap::from([(profile(P), line(&[1, 2], true))]), ..Wish::default() };
    assert_eq!(wished(world, wish).writes(), ["remove base", "remove stocks"]);
}

#[test]
fn a_value_that_somebody_gives_after_the_vault_took_the_credential_back_is_told() {
    for world in [World::json(&["main", "stocks"]).base(7), World::shared(&["main", "stocks"]).base(7)] {
        let wish = Wish { shared: BTreeMap::from([(profile(P), line(&[1, 2], true))]), ..Wish::default() };
        let world = wished(world, wish);
        assert!(world.writes().is_empty() && world.judged().needs_attention());
        let judged = world.judged();
        let told: Vec<_> = judged.findings.iter().filter(|one| one.finding == FindingKind::Foreign).collect();
        assert!(
            !told.is_empty() && told.iter().all(|one| one.severity == Severity::Attention),
            "{judged:#?}"
        );
        assert!(told[0].fix.as_ref().unwrap().starts_with("keyshoal credential adopt base acme:default   "));
    }
}

#[test]
fn a_database_that_is_not_there_is_waited_for() {
    let mut world = World::shared(&["main", "stocks"]).base(2);
    world.store(&of("stocks")).health = StoreHealth::Absent;
    let world = wished(world, overriding(sharing(&[2]), "stocks", &[6], false));
    assert!(world.writes().is_empty());
    let judged = world.judged();
    let told = judged.findings.iter().find(|one| one.finding == FindingKind::Pending).unwrap();
    assert_eq!((told.severity, told.agent.as_ref()), (Severity::Info, Some(&agent("stocks"))));
}

#[test]
fn main_cannot_have_what_the_others_would_inherit() {
    let world =
        wished(World::json(&["main", "stocks"]).base(2), overriding(sharing(&[2]), "main", &[6], false));
    assert!(world.writes().is_empty(), "{:?}", world.writes());
    assert!(world.judged().needs_attention());
}

/// Gives a generated instance a vault.
fn with_vault(bytes: &[u8], mut world: World) -> World {
    let mut draw = Draw::new(bytes);
    let known = |draw: &mut Draw<'_>| {
        let all: Vec<u8> = (1..=8).filter(|_| draw.once_in(3)).collect();
        if all.is_empty() { vec![6] } else { all }
    };
    let mut wish = Wish::default();
    for id in [P, "acme:second"] {
        if !draw.once_in(3) {
            let known = known(&mut draw);
            wish.shared.insert(profile(id), line(&known, draw.once_in(5)));
        }
        for one in &world.observed.agents {
            if draw.once_in(4) {
                let known = known(&mut draw);
                wish.own.insert((one.id.clone(), profile(id)), line(&known, draw.once_in(4)));
            }
        }
    }
    for one in &world.observed.agents {
        if draw.once_in(6) {
            wish.leaving.insert(one.id.clone());
        }
    }
    // As a vault hands it over: nobody who leaves has anything of its own.
    wish.own.retain(|(id, _), _| !wish.leaving.contains(id));
    if !matches!(world.desired.source, SourceOf::Store(_)) {
        world = world.source_from(&StoreId::Base);
    }
    wished(world, wish)
}

fn worlds() -> impl Strategy<Value = World> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..600);
    (bytes(), bytes()).prop_map(|(world, vault)| with_vault(&vault, generate::world(&world)))
}

fn held(observed: &Observation, store: &StoreId, id: &ProfileId) -> Option<Fingerprint> {
    observed.profile(store, id).and_then(|view| view.material.fingerprint())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn doing_what_was_planned_leaves_nothing_to_plan(world in worlds()) {
        let mut after = world.clone();
        after.observed = simulate_all(&world.observed, &world.planned().actions);
        prop_assert_eq!(after.planned().actions, vec![]);
    }

    /// Nothing goes but what the vault or the source had, what a person agreed to, and what is dead while its successor is accepted.
    #[test]
    fn nothing_goes_without_a_reason_that_can_be_checked(world in worlds()) {
        let wish = world.desired.wish.as_ref().unwrap();
        for action in world.planned().actions {
            let (old, why) = match &action {
                Action::Replace { expect, why, .. } | Action::RemoveShadow { expect, why, .. } | Action::Remove { expect, why, .. } => (*expect, why),
                _ => continue,
            };
            let id = action.profile();
            let owner = owner_of(&world.observed, action.store());
            let key = (owner.clone(), id.clone());
            let by_person = world.knowledge.kept.get(&key).is_some_and(|mark| mark.by == KeptBy::Person);
            let leaves = wish.leaving.contains(&owner);
            prop_assert!(!by_person || leaves, "{:?} is kept by a person", action);
            let known = wish.has_had(id, old)
                || world.knowledge.known_values(id).contains(&old)
                || held(&world.observed, &StoreId::Base, id) == Some(old);
            match why {
                Why::Withdrawn | Why::Renamed { .. } => prop_assert!(wish.has_had(id, old) || leaves && known, "{:?}", action),
                Why::Override | Why::EarlierGeneration { .. } => prop_assert!(known, "{:?}", action),
                Why::Approved => prop_assert!(
                    world.desired.include_foreign
                        || world.knowledge.replace.get(&key) == Some(&old)
                        || world.desired.approved.contains(&(key.0, key.1, old))
                ),
                Why::LeadsNowhere => {
                    let view = world.observed.profile(action.store(), id).unwrap();
                    let own = wish.own_value(&owner, id).is_some();
                    prop_assert!(view.material.leads_nowhere().is_some_and(|one| own || !one.is_override()), "{:?}", action);
                }
                Why::RejectedWhileSourceAccepted { verdict } => prop_assert!(verdict.is_dead()),
                Why::DeadOAuthCopy => {
                    let removes = matches!(action, Action::RemoveShadow { .. });
                    prop_assert!(removes, "{:?}", action);
                }
                Why::Given => prop_assert!(false, "nothing was given"),
            }
        }
    }

    /// No enabled agent is left out: whoever can be written, asks nobody, and is told nothing, ends with what the vault wants for it.
    #[test]
    fn no_enabled_agent_is_left_out_and_no_disabled_one_keeps_anything(world in worlds()) {
        let wish = world.desired.wish.as_ref().unwrap();
        let after = simulate_all(&world.observed, &world.planned().actions);
        let judged = judge(&after, &world.desired, &world.knowledge, now());
        if !world.desired.scope.agents.is_empty() {
            return Ok(());
        }
        let told: BTreeSet<(Option<AgentId>, ProfileId)> = judged
            .findings
            .iter()
            .filter(|one| one.severity != Severity::Fine)
            .filter_map(|one| Some((one.agent.clone(), one.profile.clone()?)))
            .collect();
        let sight = judge::Sight::new(&after, &world.desired, &world.knowledge, now());
        for one in &after.agents {
            let readable = matches!(after.stores[&one.store].health, StoreHealth::Ok)
                && matches!(after.stores[&StoreId::Base].health, StoreHealth::Ok);
            if !readable {
                continue;
            }
            for id in wish.shared.keys() {
                let of_base = Some(owner_of(&after, &StoreId::Base));
                let silent = ![Some(one.id.clone()), of_base, None]
                    .into_iter()
                    .any(|whose| told.contains(&(whose, id.clone())));
                let reached = sight.effective(&one.store, id).and_then(|(_, view)| view.material.fingerprint());
                if wish.leaving.contains(&one.id) {
                    let own = held(&after, &one.store, id);
                    let writable = world.observed.not_writable(&one.store).is_none();
                    let ours = own.is_some_and(|own| wish.has_had(id, own));
                    let alone = after.agents_of(&one.store).count() == 1;
                    let key = after.profile(&one.store, id).is_some_and(|view| {
                        matches!(view.kind, CredentialKind::ApiKey | CredentialKind::Token)
                    });
                    prop_assert!(!ours || !writable || !alone || !key || one.store == StoreId::Base, "{} {id}", one.id);
                } else if silent {
                    let wanted = wish.own_value(&one.id, id).or(wish.shared[id].value.as_ref());
                    let inherits = after.capabilities.reads_through || one.store == StoreId::Base;
                    if let (Some(wanted), true) = (wanted, inherits) {
                        prop_assert_eq!(reached, Some(wanted.fingerprint), "{} {}", one.id, id);
                    }
                }
            }
        }
    }
}
