//! Orders that name profiles which are nowhere: they decide less than they seem to, or leave nothing to send.

use crate::config::Config;
use crate::store::StoreContents;
use keyshoal_core::observation::Notice;
use keyshoal_core::{ProfileId, ProviderId, StoreId};
use std::collections::BTreeMap;

/// Says which orders, the config's and the stores' own, name profiles that nobody who goes by them has.
pub fn order_gaps(config: &Config, stores: &BTreeMap<StoreId, &StoreContents>) -> Vec<Notice> {
    let anywhere = |id: &ProfileId| stores.values().any(|store| store.profiles.contains_key(id));
    let of_config = config.order.iter().filter_map(|(provider, ids)| {
        let names = absent(ids, anywhere)?;
        Some(notice(
            format!(
                "auth.order in {} names {names} for {provider}, which no store holds",
                config.path.display()
            ),
            format!("take {names} out of auth.order, or add the profile"),
        ))
    });
    let of_stores = stores.iter().flat_map(|(of, store)| {
        let base = stores.get(&StoreId::Base);
        store.order.iter().filter_map(move |(provider, ids)| {
            let in_reach = |id: &ProfileId| {
                store.profiles.contains_key(id) || base.is_some_and(|base| base.profiles.contains_key(id))
            };
            // An agent may have what the base store's order names.
            let names = absent(ids, |id| if *of == StoreId::Base { anywhere(id) } else { in_reach(id) })?;
            Some(told(of, provider, &names))
        })
    });
    of_config.chain(of_stores).collect()
}

/// Returns the names that are not there, joined; nothing when all are.
fn absent(ids: &[ProfileId], is_there: impl Fn(&ProfileId) -> bool) -> Option<String> {
    let names: Vec<&str> = ids.iter().filter(|id| !is_there(id)).map(ProfileId::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn told(of: &StoreId, provider: &ProviderId, names: &str) -> Notice {
    match of {
        StoreId::Base => notice(
            format!("the order of the base store names {names} for {provider}, which no store holds"),
            format!("openclaw models auth order set --provider {provider}, without {names}"),
        ),
        StoreId::Agent(agent) => notice(
            format!(
                "the order of agent {agent} names {names} for {provider}, which it neither has nor inherits"
            ),
            format!("openclaw models auth order set --agent {agent} --provider {provider}, without {names}"),
        ),
    }
}

fn notice(message: String, fix: String) -> Notice {
    Notice { code: "order_names_missing".to_owned(), message, fix: Some(fix) }
}
