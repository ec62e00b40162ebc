//! `channels`: by which ways messages come, as far as routing needs to know.

use super::model::ChannelDecl;
use super::notes::Look;
use crate::agent_id;
use std::collections::BTreeMap;

/// Names that stand among the channels and are none.
const NO_CHANNELS: &[&str] = &["defaults", "modelByChannel"];

/// Reads `channels`. What is no object is left out without a word: what a channel needs is its plugin's affair.
pub(super) fn read(root: &Look<'_>) -> BTreeMap<String, ChannelDecl> {
    let channels = root.at("channels");
    let entries = channels.iter().flat_map(Look::entries);
    let named = entries.filter(|(name, look)| !NO_CHANNELS.contains(name) && look.value.is_object());
    named.map(|(name, look)| (name.trim().to_lowercase(), channel(&look))).collect()
}

fn channel(look: &Look<'_>) -> ChannelDecl {
    let accounts = look.at("accounts");
    let accounts = accounts.iter().flat_map(Look::entries);
    ChannelDecl {
        enabled: enabled(look),
        accounts: accounts
            .map(|(name, account)| (agent_id::normalize_account(name), enabled(&account)))
            .collect(),
    }
}

fn enabled(look: &Look<'_>) -> bool {
    look.at("enabled").is_none_or(|word| word.value != false)
}
