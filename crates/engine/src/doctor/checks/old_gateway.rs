//! A gateway that began before the values that it should hold were there.

use super::super::case::moment;
use super::super::{Case, Check, Symptom, Told};
use keyshoal_core::activation::{self, BEGINNING, Held};

pub(super) const CHECK: Check = Check {
    id: "old_gateway",
    question: "Is the gateway younger than the newest credential?",
    looks_at: "When the gateway's process began, when it was last made to read its stores, and when the newest value was first seen.",
    matters: "Restarting another service, or nothing at all, leaves the gateway with the values of its start.",
    way_out: "keyshoal sync makes the gateway read its stores again, without a restart where the release can.",
    run,
};

fn run(case: &Case<'_>) -> Told {
    let gateway = &case.observed().instance.gateway;
    let mut told = Told::default();
    let (Some(started), Some((profile, seen))) = (gateway.started, case.last_rotation()) else { return told };
    told.seen = vec![
        format!("the gateway began {}", moment(started)),
        format!("the newest value, {profile}'s, was first seen {}", moment(seen)),
    ];
    // It may have been written well before it was first seen.
    let changed = case.base().and_then(|base| base.modified);
    let written = changed.map_or(seen, |changed| changed.min(seen));
    let read = case.last_read();
    let held = activation::held(case.observed(), case.known());
    let began_before = written.duration_since(started) > BEGINNING && held != Held::Current;
    if gateway.running == Some(true) && began_before && read.is_none_or(|read| read < written) {
        let read = read.map_or_else(
            || "nothing says that it has read its stores since".to_owned(),
            |read| format!("as far as is known it last read its stores {}", moment(read)),
        );
        // Another gateway of the same user may have written into a shared log.
        let events = &case.facts.log.events;
        let shared = events.iter().any(|event| event.kind.reads_stores() && event.at >= written);
        let symptom = if shared { Symptom::info } else { Symptom::attention };
        told.symptoms.push(
            symptom(format!("the gateway began before {profile} got its present value"))
                .given(told.seen.clone())
                .because(read)
                .by_sync(),
        );
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::world::*;
    use super::*;
    use keyshoal_core::StoreId;
    use keyshoal_core::knowledge::Activated;

    fn old() -> World {
        World::new().with(|world| world.observed.instance.gateway.started = Some(at(NOW - 10 * 86_400)))
    }

    #[test]
    fn a_gateway_from_before_the_rotation_is_found() {
        finds(&CHECK, &old(), &["began before acme:default", "nothing says"]);
    }

    #[test]
    fn a_gateway_that_was_made_to_read_since_is_fine() {
        is_clean(&CHECK, &World::new());
        is_clean(
            &CHECK,
            &old().with(|world| {
                world.known.activated = Some(Activated { digest: String::new(), at: at(NOW - 60) });
            }),
        );
    }

    #[test]
    fn what_was_written_while_the_gateway_began_is_no_sign() {
        // 2026.3.28 restarts by itself after its own command has written the key.
        let world = old().with(|world| {
            let written = NOW - 10 * 86_400 + 30;
            world.generations(P, &[(1, NOW - 99 * 86_400), (2, written)]);
            world.store(&StoreId::Base).modified = Some(at(written));
        });
        is_clean(&CHECK, &world);
    }

    #[test]
    fn a_first_look_at_a_value_is_no_rotation() {
        is_clean(&CHECK, &old().with(|world| world.generations(P, &[(2, NOW)])));
        let world = old().with(|world| {
            // Written before the gateway began, and only seen now.
            world.generations(P, &[(1, NOW - 99 * 86_400), (2, NOW)]);
            world.store(&StoreId::Base).modified = Some(at(NOW - 11 * 86_400));
        });
        is_clean(&CHECK, &world);
    }
}
