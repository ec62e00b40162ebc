//! Waiting until a gateway has taken up a config that has just named the private file, where it does that while it runs.

use crate::Installation;
use crate::change::activate::UNSAID;
use keyshoal_core::vault::REFERENCES;
use keyshoal_core::{ActivationMode, ActivationNeed, ActivationOutcome, Material, Observation, StoreId};
use keyshoal_openclaw::gateway::{Client, Unresolved};
use std::path::Path;
use std::time::{Duration, Instant};

/// A gateway watches its config and reads it a moment after it was written; a loaded machine takes longer.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);
const UNRESOLVED: &str = "cannot follow the reference of";

impl Installation {
    /// Activates. A gateway that has not read yet that the config names the private file is asked again; one that never does while it runs is
    /// restarted, where that is allowed.
    pub(crate) fn activate_referring(&self, need: ActivationNeed, mode: ActivationMode) -> ActivationOutcome {
        let begun = Instant::now();
        loop {
            let outcome = self.activate_now(need, mode);
            let Some(reason) = lags(&outcome).filter(|_| self.wants_references().is_some()) else {
                return outcome;
            };
            if let Some(why) = self.follows_at_start_alone() {
                if mode == ActivationMode::Restart {
                    return self.restart_now();
                }
                let reason =
                    format!("{reason}; {why}; allow it with --activate restart, or run `keyshoal restart`");
                return ActivationOutcome::NotDone { reason, needs_restart: true };
            }
            if begun.elapsed() > PATIENCE {
                return outcome;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Says why the gateway that runs could not follow references into the private file before its next start, if so: its config does
    /// not name the file yet.
    pub fn refuses_references_now(&self) -> Option<String> {
        let seen = self.seen()?;
        let may_run = seen.observed.instance.gateway.running != Some(false);
        (may_run && !self.names_delivered(&seen.config)).then(|| self.follows_at_start_alone()).flatten()
    }

    /// Says that only its next start makes a gateway take up a file of secrets that its config names, if so.
    fn follows_at_start_alone(&self) -> Option<String> {
        let seen = self.seen()?;
        let who = match seen.observed.instance.openclaw_version.as_deref() {
            _ if seen.config.gateway.reload_mode.as_deref() == Some("off") => {
                "with gateway.reload.mode off a gateway".to_owned()
            }
            _ if seen.observed.capabilities.follows_secret_files => return None,
            Some(version) => format!("OpenClaw {version}"),
            None => "this release of OpenClaw".to_owned(),
        };
        Some(format!("{who} takes up a file of secrets that its config names only when it starts"))
    }

    /// Says what keeps a gateway that has read its stores from following the references into the private file, if anything does.
    pub(crate) fn unresolved_by(&self, client: &mut Client) -> Option<ActivationOutcome> {
        self.wants_references()?;
        let unresolved = match client.unresolved() {
            Ok(unresolved) => unresolved,
            Err(error) => {
                let reason = format!(
                    "the gateway has read its stores again, and did not say whether it can follow their references: {error}; {}",
                    error.hint()
                );
                return Some(ActivationOutcome::Unknown { reason });
            }
        };
        let seen = self.seen()?;
        let one = unresolved.into_iter().find(|one| !is_of_others(&seen.observed, one))?;
        let reason = format!(
            "the gateway has read its stores again, and {UNRESOLVED} {}: {}; turns with it fail until it can",
            one.profile, one.reason
        );
        Some(ActivationOutcome::NotDone { reason, needs_restart: false })
    }
}

/// Tells whether a reference that a gateway cannot follow is one of the person's own.
fn is_of_others(observed: &Observation, one: &Unresolved) -> bool {
    let named = observed.stores.iter().find(|(_, store)| Path::new(&store.path) == one.store);
    let own = named.and_then(|(_, store)| store.profiles.get(&one.profile));
    let sent = own.or_else(|| observed.profile(&StoreId::Base, &one.profile));
    sent.is_some_and(
        |view| matches!(&view.material, Material::Ref { reference, .. } if reference.provider != REFERENCES),
    )
}

/// Returns the reason of a gateway that does not know the file's provider yet, or may not: early releases refuse to reload then, some of
/// them without a word, later ones do it and leave the profiles without a value.
fn lags(outcome: &ActivationOutcome) -> Option<&str> {
    let ActivationOutcome::NotDone { reason, .. } = outcome else { return None };
    let unknown = format!("provider \"{REFERENCES}\" is not configured");
    [unknown.as_str(), UNRESOLVED, UNSAID].iter().any(|word| reason.contains(word)).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OpenOptions;
    use keyshoal_core::{Layout, ProfileId};
    use keyshoal_engine::ports::Observe;
    use keyshoal_openclaw::Environment;
    use serde_json::json;

    #[test]
    fn what_may_come_of_a_provider_that_the_gateway_does_not_know_is_told_from_the_rest() {
        let not_done =
            |reason: &str| ActivationOutcome::NotDone { reason: reason.into(), needs_restart: false };
        for reason in [
            r#"secrets.reload failed (UNAVAILABLE); by its log: Secret provider "keyshoal" is not configured"#,
            &format!("secrets.reload failed (UNAVAILABLE); {UNSAID}; its own log should"),
            &format!("the gateway has read its stores again, and {UNRESOLVED} acme:default"),
        ] {
            assert_eq!(lags(&not_done(reason)), Some(reason));
        }
        let others =
            r#"secrets.reload failed (UNAVAILABLE); by its log: Secret provider "mine" is not configured"#;
        assert_eq!((lags(&not_done(others)), lags(&ActivationOutcome::GatewayDown)), (None, None));
    }

    #[test]
    fn a_reference_of_the_persons_own_is_told_from_ours() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let by = |provider: &str| {
            let reference = json!({ "source": "file", "provider": provider, "id": "/shared/acme:default" });
            json!({ "type": "api_key", "provider": "acme", "keyRef": reference })
        };
        keyshoal_openclaw::sample::Installation::new(Layout::SharedRow)
            .agent("stocks")
            .agent("own")
            .profile(StoreId::Base, "acme:default", by(REFERENCES))
            .profile(StoreId::Agent("own".into()), "acme:default", by("mine"))
            .write(&state)
            .unwrap();
        let env = Environment { home: Some(dir.path().join("home")), ..Environment::default() };
        let keys_dir = Some(dir.path().join("keys"));
        let options = OpenOptions { state_dir: Some(state), keys_dir, env, ..OpenOptions::default() };
        let observed = Installation::open(options).unwrap().observe().unwrap();

        let of_others = |store: &str| {
            let one = Unresolved {
                store: store.into(),
                profile: ProfileId::from("acme:default"),
                reason: String::new(),
            };
            is_of_others(&observed, &one)
        };
        let path = |agent: &str| observed.stores[&StoreId::Agent(agent.into())].path.clone();
        assert!(of_others(&path("own")));
        assert!(!of_others(&path("stocks")), "it inherits ours");
        assert!(!of_others("/a/store/that/nobody/knows"), "what is not known is not called fine");
    }
}
