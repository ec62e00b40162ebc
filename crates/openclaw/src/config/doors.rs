//! Settings of a config that let others in at the gateway, whatever it binds to and however it asks who they are.

use super::notes::Look;
use super::text;
use keyshoal_core::Secret;
use serde_json::Value;
use std::path::Path;

/// How settings are called that take a guard away.
const NAMES: [&str; 2] = ["dangerously", "allowInsecure"];
/// What has Tailscale hand connections on to the gateway: of one's own network, or of anybody.
const HANDED_ON: [&str; 2] = ["serve", "funnel"];

/// Names them as a sentence begins: `gateway.tailscale.mode is funnel`. What the config includes is not looked at.
pub fn doors(config: &Secret) -> Vec<String> {
    let Ok(value) = text::parse(Path::new("openclaw.json"), config.reveal_secret()) else {
        return Vec::new();
    };
    let root = Look::root(&value);
    let mode = root.within(&["gateway", "tailscale", "mode"]);
    let mode = mode.and_then(|look| Some((look.steps, look.value.as_str()?.to_owned())));
    let mut found = Vec::new();
    if let Some((steps, word)) = mode.filter(|(_, word)| HANDED_ON.contains(&word.as_str())) {
        found.push(format!("{steps} is {word}"));
    }
    if let Some(gateway) = root.at("gateway") {
        look_for(&gateway, &mut found);
    }
    found
}

fn look_for(look: &Look<'_>, found: &mut Vec<String>) {
    for (key, inner) in look.entries() {
        match inner.value {
            Value::Bool(true) if NAMES.iter().any(|name| key.starts_with(name)) => {
                found.push(format!("{} is true", inner.steps));
            }
            Value::Object(_) => look_for(&inner, found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_others_in_is_named_and_nothing_else() {
        let text = "{ gateway: { tailscale: { mode: 'funnel' }, bind: 'lan', controlUi: { dangerouslyDisableDeviceAuth: true, allowInsecureAuth: false } } }";
        let named = doors(&Secret::new(text));
        let wanted =
            ["gateway.tailscale.mode is funnel", "gateway.controlUi.dangerouslyDisableDeviceAuth is true"];
        assert_eq!(named, wanted);
        assert!(doors(&Secret::new("{ gateway: { tailscale: { mode: 'off' } } }")).is_empty());
    }
}
