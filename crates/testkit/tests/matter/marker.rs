//! A profile of our own in a store, whose value says which of our updates came last.

use keyshoal_core::{CredentialKind, ProfileId, Secret};
use keyshoal_openclaw::store::{
    Edit, StoreContents, StoreError, StoreFile, StoredSecret, WriteRules, Written,
};

/// The profile.
pub const MARKER: &str = "marker:keyshoal";

/// Returns which update the store holds; 0 when there is none.
pub fn number(contents: &StoreContents) -> u64 {
    match contents.profiles.get(&ProfileId::from(MARKER)).map(|profile| &profile.secret) {
        Some(StoredSecret::Inline(secret)) => {
            secret.reveal_secret().trim_start_matches("marker-").parse().unwrap()
        }
        _ => 0,
    }
}

/// Makes the edits that leave update `number` in the store.
pub fn edits(contents: &StoreContents, number: u64) -> Vec<Edit> {
    let profile = ProfileId::from(MARKER);
    let kind = CredentialKind::ApiKey;
    let secret = StoredSecret::Inline(Secret::new(format!("marker-{number}")));
    vec![if contents.profiles.contains_key(&profile) {
        Edit::SetSecret { profile, kind, secret, expires: None }
    } else {
        Edit::Insert { profile, provider: "marker".into(), kind, secret }
    }]
}

/// Leaves update `number` in the store, and returns what had stood there.
pub fn put(store: &StoreFile, rules: &WriteRules, number_now: u64) -> Result<(u64, Written), StoreError> {
    let mut found = 0;
    let written = store.update(rules, &mut |contents| {
        found = number(contents);
        Ok(edits(contents, number_now))
    })?;
    Ok((found, written))
}
