//! Changes of credentials and their versions.

use super::{Fresh, Work, named};
use crate::{Cause, NewCredential};
use keyshoal_core::vault::{CredentialUid, Origin, VaultCredential, VaultVersion, VersionState};
use keyshoal_core::{Secret, Timestamp};

impl Work<'_> {
    /// Finds a credential that is not dropped.
    fn live(&mut self, uid: CredentialUid) -> Result<&mut VaultCredential, Cause> {
        let found = self.instance.credentials.iter_mut().find(|one| one.uid == uid);
        let found = found.ok_or_else(|| Cause::refused(format!("there is no credential {uid}")))?;
        if found.current().is_none() {
            return Err(Cause::refused(format!("credential {} was dropped", found.profile)));
        }
        Ok(found)
    }

    /// Names a credential as people do.
    fn name(&self, uid: CredentialUid) -> String {
        let Some(credential) = self.instance.credentials.iter().find(|one| one.uid == uid) else {
            return format!("credential {uid}");
        };
        match credential.agent {
            None => format!("credential {}", credential.profile),
            Some(agent) => {
                let agent = self.instance.agents.iter().find(|one| one.uid == agent);
                let whose = agent.map_or("a removed agent", |one| one.id.as_str());
                format!("override {} of {whose}", credential.profile)
            }
        }
    }

    fn version(&self, number: u32, state: VersionState, expires: Option<Timestamp>) -> VaultVersion {
        VaultVersion {
            number,
            state,
            created: self.now,
            since: self.now,
            by: self.by.to_owned(),
            why: self.why.map(str::to_owned),
            expires,
        }
    }

    pub(super) fn put_credential(&mut self, new: NewCredential) -> Result<String, Cause> {
        named(new.profile.as_str(), "a profile's id")?;
        named(new.provider.as_str(), "a provider's id")?;
        if let Some(agent) = new.agent {
            self.agent(agent)?;
        }
        if self.instance.credentials.iter().any(|one| one.uid == new.uid) {
            return Err(Cause::refused(format!("there is a credential {} already", new.uid)));
        }
        let mut live = self.instance.credentials.iter().filter(|one| one.current().is_some());
        if let Some(one) = live.find(|one| (one.agent, &one.profile) == (new.agent, &new.profile)) {
            let what = self.name(one.uid);
            return Err(Cause::refused(format!(
                "there is {what} already: stage a new version of it, or drop it"
            )));
        }
        let uid = new.uid;
        let mut version = self.version(1, VersionState::Current, new.expires);
        if let Some(Origin { created, by, why }) = new.origin {
            // Nobody's clock makes a value younger than it is here.
            (version.created, version.by, version.why) = (created.min(self.now), by, why);
        }
        self.fresh.push(Fresh { credential: uid, number: 1, value: new.value });
        self.instance.credentials.push(VaultCredential {
            uid,
            profile: new.profile,
            provider: new.provider,
            kind: new.kind,
            agent: new.agent,
            versions: vec![version],
        });
        Ok(format!("{} added", self.name(uid)))
    }

    pub(super) fn stage(
        &mut self,
        credential: CredentialUid,
        value: Secret,
        expires: Option<Timestamp>,
    ) -> Result<String, Cause> {
        let name = self.name(credential);
        let one = self.live(credential)?;
        if let Some(pending) = one.pending() {
            return Err(Cause::refused(format!(
                "version {} of {name} is staged already: publish it, or take it back",
                pending.number
            )));
        }
        let last = one.versions.iter().map(|version| version.number).max().unwrap_or(0);
        let number =
            last.checked_add(1).ok_or_else(|| Cause::refused(format!("{name} has no numbers left")))?;
        let version = self.version(number, VersionState::Pending, expires);
        self.live(credential)?.versions.push(version);
        self.fresh.push(Fresh { credential, number, value });
        Ok(format!("version {number} of {name} staged"))
    }

    pub(super) fn restage(
        &mut self,
        credential: CredentialUid,
        number: u32,
        value: Secret,
    ) -> Result<String, Cause> {
        let name = self.name(credential);
        let earlier = self.live(credential)?.versions.iter().find(|version| version.number == number);
        let earlier =
            earlier.cloned().ok_or_else(|| Cause::refused(format!("{name} has no version {number}")))?;
        let said = self.stage(credential, value, earlier.expires)?;
        if let Some(staged) = self.live(credential)?.versions.last_mut() {
            staged.created = earlier.created;
            staged.why.get_or_insert_with(|| format!("version {number} again"));
        }
        Ok(format!("{said}, as version {number} was"))
    }

    pub(super) fn unstage(&mut self, credential: CredentialUid) -> Result<String, Cause> {
        let name = self.name(credential);
        let moved = self.turn(credential, &[(VersionState::Pending, VersionState::Retired)])?;
        let [Some(number)] = moved[..] else {
            return Err(Cause::refused(format!("no version of {name} is staged")));
        };
        Ok(format!("version {number} of {name} taken back"))
    }

    pub(super) fn publish(&mut self, credential: CredentialUid) -> Result<String, Cause> {
        let name = self.name(credential);
        if self.live(credential)?.pending().is_none() {
            return Err(Cause::refused(format!("no version of {name} is staged")));
        }
        let steps = [
            (VersionState::Previous, VersionState::Retired),
            (VersionState::Current, VersionState::Previous),
            (VersionState::Pending, VersionState::Current),
        ];
        let moved = self.turn(credential, &steps)?;
        Ok(format!("version {} of {name} published", moved[2].unwrap_or_default()))
    }

    pub(super) fn roll_back(&mut self, credential: CredentialUid) -> Result<String, Cause> {
        let name = self.name(credential);
        if !self.live(credential)?.versions.iter().any(|one| one.state == VersionState::Previous) {
            return Err(Cause::refused(format!("{name} has no previous version to go back to")));
        }
        let steps =
            [(VersionState::Current, VersionState::Retired), (VersionState::Previous, VersionState::Current)];
        let moved = self.turn(credential, &steps)?;
        Ok(format!("{name} rolled back to version {}", moved[1].unwrap_or_default()))
    }

    pub(super) fn exchange(&mut self, credential: CredentialUid) -> Result<String, Cause> {
        let name = self.name(credential);
        let now = self.now;
        let versions = &mut self.live(credential)?.versions;
        if !versions.iter().any(|one| one.state == VersionState::Previous) {
            return Err(Cause::refused(format!("{name} has no previous version to go to")));
        }
        let mut number = 0;
        for version in versions {
            let to = match version.state {
                VersionState::Current => VersionState::Previous,
                VersionState::Previous => {
                    number = version.number;
                    VersionState::Current
                }
                VersionState::Pending | VersionState::Retired => continue,
            };
            (version.state, version.since) = (to, now);
        }
        Ok(format!("{name} went to version {number}; the one before it stays at hand"))
    }

    pub(super) fn retire_previous(&mut self, credential: CredentialUid) -> Result<String, Cause> {
        let name = self.name(credential);
        let moved = self.turn(credential, &[(VersionState::Previous, VersionState::Retired)])?;
        let [Some(number)] = moved[..] else {
            return Err(Cause::refused(format!("{name} has no previous version")));
        };
        Ok(format!("version {number} of {name} retired"))
    }

    pub(super) fn drop_credential(&mut self, credential: CredentialUid) -> Result<String, Cause> {
        let name = self.name(credential);
        let now = self.now;
        for version in &mut self.live(credential)?.versions {
            if version.state != VersionState::Retired {
                (version.state, version.since) = (VersionState::Retired, now);
            }
        }
        Ok(format!("{name} dropped"))
    }

    /// Moves the version in each state to another one, in order, and returns the numbers of those that were moved.
    fn turn(
        &mut self,
        credential: CredentialUid,
        steps: &[(VersionState, VersionState)],
    ) -> Result<Vec<Option<u32>>, Cause> {
        let now = self.now;
        let credential = self.live(credential)?;
        let mut moved = Vec::new();
        for (from, to) in steps {
            let found = credential.versions.iter_mut().find(|version| version.state == *from);
            moved.push(found.map(|version| {
                (version.state, version.since) = (*to, now);
                version.number
            }));
        }
        Ok(moved)
    }
}
