//! Orders that name profiles which are nowhere.

use super::{contents, load};
use keyshoal_core::{AgentId, StoreId};
use keyshoal_openclaw::candidates::order_gaps;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn said(order_of_config: Value, base: Value, stocks: Value) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let config = json!({ "auth": { "order": order_of_config } });
    let case = json!({ "release": "2026.9.6", "provider": "acme", "config": config, "env": {} });
    let (config, _) = load(dir.path(), &case);
    let base = contents(&dir.path().join("base"), &base);
    let stocks = contents(&dir.path().join("stocks"), &stocks);
    let stores = BTreeMap::from([(StoreId::Base, &base), (StoreId::Agent(AgentId::from("stocks")), &stocks)]);
    let found = order_gaps(&config, &stores);
    assert!(found.iter().all(|notice| notice.code == "order_names_missing" && notice.fix.is_some()));
    let name = config.path.display().to_string();
    found.iter().map(|notice| notice.message.replace(&name, "CONFIG")).collect()
}

fn store(ids: &[&str], order: &[&str]) -> Value {
    let key = |id: &&str| ((*id).to_owned(), json!({ "type": "api_key", "provider": "acme", "key": id }));
    let profiles: serde_json::Map<String, Value> = ids.iter().map(key).collect();
    json!({ "profiles": profiles, "order": { "acme": order } })
}

#[test]
fn an_order_that_names_what_is_there_is_not_mentioned() {
    let order = json!({ "acme": ["acme:base", "acme:own"] });
    // What the base store's order names may be an agent's own.
    assert!(
        said(order, store(&["acme:base"], &["acme:own"]), store(&["acme:own"], &["acme:base", "acme:own"]))
            .is_empty()
    );
}

#[test]
fn each_order_says_what_those_who_go_by_it_lack() {
    let order = json!({ "acme": ["acme:gone", "acme:base", "acme:lost"], "none": ["x:y"] });
    assert_eq!(
        said(order, store(&["acme:base"], &["acme:base", "acme:gone"]), store(&[], &["acme:gone"])),
        [
            "auth.order in CONFIG names acme:gone, acme:lost for acme, which no store holds",
            "auth.order in CONFIG names x:y for none, which no store holds",
            "the order of the base store names acme:gone for acme, which no store holds",
            "the order of agent stocks names acme:gone for acme, which it neither has nor inherits",
        ]
    );
}
