//! What the instance's vault wants, made known to the engine: values go into the book, fingerprints into the wish.

mod lines;

use self::lines::{line_of, merge};
use crate::book::Entry;
use crate::referred::hand::{Hand, Handed};
use crate::remember::port_error;
use crate::{ConfigWish, Installation};
use keyshoal_core::vault::{CredentialUid, Delivery, VaultCredential, VaultInstance};
use keyshoal_core::{
    AgentId, Fingerprint, Line, Material, ProfileId, Secret, SourceValue, StoreId, Wish, time::from_millis,
};
use keyshoal_engine::ports::PortError;
use keyshoal_openclaw::store::{StoredProfile, StoredSecret, model::ref_fingerprint, with_secret};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// One version of a credential with its value: the profile's entry as OpenClaw writes it.
#[derive(Clone, Debug)]
pub struct HeldVersion {
    /// Of which credential.
    pub credential: CredentialUid,
    /// Which version.
    pub number: u32,
    /// The entry, as JSON text.
    pub entry: Secret,
}

/// What a vault holds of an instance, opened for this process.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// The instance.
    pub instance: VaultInstance,
    /// Every value that the vault has not forgotten.
    pub values: Vec<HeldVersion>,
    /// What it wants of the config; `None` leaves the config alone.
    pub config: Option<ConfigWish>,
    /// While a credential is being published in waves: the agents that have its pending version already.
    pub waves: BTreeMap<CredentialUid, BTreeSet<AgentId>>,
    /// What a person is giving one agent right now.
    pub given: BTreeSet<(AgentId, ProfileId)>,
    /// What one agent has alone and is being rotated.
    pub rotating: BTreeSet<(AgentId, ProfileId)>,
    /// Credentials that a person is taking back to an earlier value, dead or not.
    pub taken_back: BTreeSet<CredentialUid>,
    /// Whether it is what the vault would hold after changes that nobody has agreed to yet.
    pub proposed: bool,
}

/// Says what the vault wants, where that is something else than was said last.
type News = dyn Fn(Anew) -> Result<Option<Holdings>, PortError> + Send + Sync;

/// Whether all of it is asked for, also where it is what was said last.
pub type Anew = bool;

/// Whoever listens to a vault that others may change meanwhile.
#[derive(Clone)]
pub(crate) struct Listening(Arc<News>);

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listening(…)")
    }
}

/// The values of one credential, by version, each with its other forms: in the store, or by reference.
type Values = BTreeMap<u32, (SourceValue, Vec<Fingerprint>)>;

impl Installation {
    /// Takes from now on what a vault wants for what is right. Its values are entered in the book.
    pub fn hold(&self, holdings: &Holdings) -> Result<(), PortError> {
        let mut values: BTreeMap<CredentialUid, Values> = BTreeMap::new();
        self.read_delivered();
        let mut hand = Hand::new(&holdings.instance, &self.prints)?;
        let credentials: BTreeMap<CredentialUid, &VaultCredential> =
            holdings.instance.credentials.iter().map(|one| (one.uid, one)).collect();
        for held in &holdings.values {
            let Some(credential) = credentials.get(&held.credential) else { continue };
            if let Some(value) = self.enter_held(credential, held, &mut hand)? {
                values.entry(held.credential).or_default().insert(held.number, value);
            }
        }
        let prints = values.iter().flat_map(|(uid, values)| {
            values.iter().map(|(number, (value, _))| ((*uid, *number), value.fingerprint))
        });
        let prints = prints.collect();
        self.prints.set_held(Some(std::mem::take(&mut hand.prints)));
        let mut state = self.state();
        state.held_prints = prints;
        state.wish = Some(wish(holdings, &values));
        state.config_wish = holdings.config.clone();
        state.delivery = Some(hand.wanted());
        state.prepared = None;
        Ok(())
    }

    /// Remembers that the vault could not be heard, why, and what helps: every look says so, as it judges by the stores alone.
    pub fn vault_unheard(&self, why: String, fix: String) {
        self.state().unheard = Some((why, fix));
    }

    /// Asks for news before every look from now on: a process that lives long must not go by what a vault wanted when it began.
    pub fn listen(&self, news: impl Fn(Anew) -> Result<Option<Holdings>, PortError> + Send + Sync + 'static) {
        self.state().listening = Some(Listening(Arc::new(news)));
    }

    /// Lets go of every value until the next look, for a process that only waits: what was read of stores and config, and what the vault
    /// handed over. Fingerprints stay.
    pub fn rest(&self) {
        self.book.clear();
        self.prints.forget_file();
        let mut state = self.state();
        (state.seen, state.prepared) = (None, None);
        // Who does not listen would not hear it again.
        if state.listening.is_some() {
            (state.config_wish, state.delivery) = (None, None);
            state.rested = true;
        }
    }

    /// Hears the news, if somebody listens.
    pub(crate) fn hear(&self) -> Result<(), PortError> {
        let (listening, anew) = {
            let state = self.state();
            (state.listening.clone(), state.rested)
        };
        if let Some(holdings) = listening.map(|Listening(news)| news(anew)).transpose()?.flatten() {
            self.hold(&holdings)?;
            self.state().rested = false;
        }
        Ok(())
    }

    /// Returns the id of the vault that says what is right here, if one does.
    pub fn vault_id(&self) -> Result<Option<String>, PortError> {
        self.ledger.vault().map_err(port_error)
    }

    /// Remembers which vault says so from now on.
    pub fn set_vault_id(&self, vault: Option<&str>) -> Result<(), PortError> {
        self.require_memory()?;
        self.ledger.set_vault(vault).map_err(port_error)
    }

    /// Returns the fingerprints of the vault's values, by credential and version.
    pub fn held_prints(&self) -> BTreeMap<(CredentialUid, u32), Fingerprint> {
        self.state().held_prints.clone()
    }

    /// Returns the whole entry of a profile in a store, for a vault: with what its reference into the private file leads to, if it is one.
    pub fn entry_in(&self, store: &StoreId, profile: &ProfileId) -> Option<Secret> {
        let seen = self.seen()?;
        let stored = seen.stores.get(store)?.read.contents.profiles.get(profile)?;
        match self.led_to(&stored.secret) {
            Some(value) => with_secret(profile, &stored.kind, &stored.raw, StoredSecret::Inline(value)),
            None => Some(stored.raw.clone()),
        }
    }

    /// Stops taking a vault's word.
    pub fn let_go(&self) {
        let mut state = self.state();
        (state.wish, state.config_wish, state.prepared) = (None, None, None);
        (state.delivery, state.unheard) = (None, None);
        self.prints.set_held(None);
    }

    /// Enters a value of a vault; `None` for what is not one (an empty entry).
    fn enter_held(
        &self,
        credential: &VaultCredential,
        held: &HeldVersion,
        hand: &mut Hand,
    ) -> Result<Option<(SourceValue, Vec<Fingerprint>)>, PortError> {
        let stored = StoredProfile::parse(&credential.profile, &held.entry).map_err(|why| PortError {
            message: format!(
                "the vault's version {} of {} is no entry that OpenClaw would take: {why}",
                held.number, credential.profile
            ),
            hint: Some(format!("keyshoal credential set {}", credential.profile)),
            retryable: false,
        })?;
        let material = stored.material(self.prints());
        let Some(fingerprint) = material.fingerprint() else { return Ok(None) };
        let expires = stored.expires.as_ref().and_then(|expires| expires.as_ref().ok().copied());
        self.book.enter_held(
            fingerprint,
            Entry { secret: stored.secret.clone(), expires, raw: Some(held.entry.clone()), leads_to: None },
        );
        let mut value = SourceValue {
            provider: stored.provider.clone(),
            kind: stored.kind.clone(),
            fingerprint,
            is_ref: matches!(material, Material::Ref { .. }),
            expires: expires.and_then(from_millis),
            account: stored.account(self.prints()),
            store: None,
        };
        let Some(handed) = hand.take(credential, held, &stored) else { return Ok(Some((value, Vec::new()))) };
        // What is only staged was put into the file by nobody who goes by this state of the vault.
        if credential.pending().is_none_or(|pending| pending.number != held.number) {
            hand.prints.insert(fingerprint);
        }
        let Handed { reference, secret, raw } = handed;
        let nowhere = ref_fingerprint(&self.prints.key, &reference);
        let by_reference = self.prints.of_delivered(&reference, fingerprint);
        let entry = Entry { secret: StoredSecret::Ref(reference), expires, raw, leads_to: Some(secret) };
        self.book.enter_held(by_reference, entry);
        let mut forms = hand.leading_to(fingerprint).to_vec();
        forms.extend([nowhere, fingerprint, by_reference]);
        if hand.refers() {
            value.fingerprint = by_reference;
        }
        forms.retain(|form| *form != value.fingerprint);
        Ok(Some((value, forms)))
    }
}

/// Puts together what the vault wants.
fn wish(holdings: &Holdings, values: &BTreeMap<CredentialUid, Values>) -> Wish {
    let mut wish = Wish {
        given: holdings.given.clone(),
        rotating: holdings.rotating.clone(),
        proposed: holdings.proposed,
        ..Wish::default()
    };
    let agents: BTreeMap<_, _> = holdings.instance.agents.iter().map(|agent| (agent.uid, agent)).collect();
    let none = Values::new();
    for credential in &holdings.instance.credentials {
        let values = values.get(&credential.uid).unwrap_or(&none);
        let line = line_of(credential, values);
        if holdings.taken_back.contains(&credential.uid) {
            wish.taken_back.insert(credential.profile.clone());
        }
        match credential.agent {
            None => {
                let waves = holdings.waves.get(&credential.uid).into_iter().flatten();
                let pending = credential
                    .pending()
                    .and_then(|version| values.get(&version.number))
                    .map(|(value, _)| value);
                let waves = waves.filter(|_| holdings.instance.delivery == Delivery::Inline);
                for (agent, pending) in waves.zip(std::iter::repeat(pending)) {
                    let Some(pending) = pending else { continue };
                    let own = Line { value: Some(pending.clone()), ..line.clone() };
                    let place = (agent.clone(), credential.profile.clone());
                    if !wish.own.contains_key(&place) {
                        wish.own.insert(place.clone(), own);
                        wish.early.insert(place);
                    }
                }
                merge(wish.shared.entry(credential.profile.clone()), line);
            }
            Some(uid) => {
                let Some(agent) = agents.get(&uid) else { continue };
                wish.early.remove(&(agent.id.clone(), credential.profile.clone()));
                merge(wish.own.entry((agent.id.clone(), credential.profile.clone())), line);
            }
        }
    }
    wish.leaving = holdings
        .instance
        .agents
        .iter()
        .filter(|agent| !agent.enabled)
        .map(|agent| agent.id.clone())
        .collect();
    // What a renamed agent had under its earlier id does not stay behind: it has it under the new one.
    let stays = |id: &AgentId| holdings.instance.agents.iter().any(|agent| agent.enabled && agent.id == *id);
    let renamed = holdings.config.iter().flat_map(|config| &config.wanted.renamed);
    wish.renamed =
        renamed.filter(|(_, old)| !stays(old)).map(|(new, old)| (old.clone(), new.clone())).collect();
    wish.leaving.extend(wish.renamed.keys().cloned());
    // Who leaves has nothing of its own any more; what it had is known.
    let leaving = wish.leaving.clone();
    for ((agent, _), line) in &mut wish.own {
        if leaving.contains(agent) {
            line.value = None;
        }
    }
    wish
}
