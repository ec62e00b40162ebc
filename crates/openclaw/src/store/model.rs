//! What a store holds, whatever its layout. This is the only place of the crate's public face where secrets stand.

use super::contents::{self, Dialect};
use super::json_text::Document;
use keyshoal_core::{
    CredentialKind, Fingerprint, Fingerprints, Material, ProfileId, ProviderId, Secret, SecretRef,
    SecretSource, UsageView,
};
use std::collections::BTreeMap;

/// Everything that Keyshoal understands of one store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreContents {
    /// Its profiles.
    pub profiles: BTreeMap<ProfileId, StoredProfile>,
    /// Their ids in the order in which they stand: by it the program chooses where nothing else decides.
    pub sequence: Vec<ProfileId>,
    /// Entries that OpenClaw would ignore, and why (no provider, not an object, …).
    pub invalid: Vec<(String, String)>,
    /// `order`.
    pub order: BTreeMap<ProviderId, Vec<ProfileId>>,
    /// `lastGood`.
    pub last_good: BTreeMap<ProviderId, ProfileId>,
    /// `usageStats`.
    pub usage: BTreeMap<ProfileId, UsageView>,
}

/// One profile, with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProfile {
    /// Its provider.
    pub provider: ProviderId,
    /// Its type.
    pub kind: CredentialKind,
    /// Its secret.
    pub secret: StoredSecret,
    /// `expires` as it stands: milliseconds; `Err` holds what stands there instead of a usable number.
    pub expires: Option<Result<i64, String>>,
    /// `email`.
    pub email: Option<String>,
    /// `accountId`.
    pub account_id: Option<String>,
    /// `copyToAgents`.
    pub copy_to_agents: bool,
    /// The whole entry as JSON text, for pre-images: exactly what stands in the store.
    pub raw: Secret,
}

/// The secret of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredSecret {
    /// `key` or `token`.
    Inline(Secret),
    /// `keyRef` or `tokenRef`, or an inline `${ENV}`; it wins over an inline value beside it.
    Ref(SecretRef),
    /// `access` and `refresh`.
    OAuth {
        /// The access token.
        access: Secret,
        /// The refresh token.
        refresh: Option<Secret>,
    },
    /// A refresh fence of OpenClaw stands in place of the access token.
    Fenced,
    /// Nothing usable.
    Absent,
}

/// One change of a store. Everything that an edit does not name stays byte for byte as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Gives a profile that exists another secret (and type): its other fields stay.
    SetSecret {
        /// Which profile.
        profile: ProfileId,
        /// The type it shall have.
        kind: CredentialKind,
        /// The secret it shall have. Only `Inline` and `Ref` can be set.
        secret: StoredSecret,
        /// `expires`: `None` leaves it, `Some(None)` removes it, `Some(Some(ms))` sets it.
        expires: Option<Option<i64>>,
    },
    /// Adds a profile that does not exist.
    Insert {
        /// Its id.
        profile: ProfileId,
        /// Its provider.
        provider: ProviderId,
        /// Its type.
        kind: CredentialKind,
        /// Its secret.
        secret: StoredSecret,
    },
    /// Removes a profile. `order` and `lastGood` stay: they may name an inherited profile of the same id.
    Remove {
        /// Which profile.
        profile: ProfileId,
    },
    /// Puts a whole entry back as it was (rollback, undo, finish). Refused for OAuth entries.
    PutRaw {
        /// Which profile.
        profile: ProfileId,
        /// The entry as JSON text.
        json: Secret,
    },
    /// Adds a login that has moved here, whole, under an id that has none: it is never put over anything.
    MoveIn {
        /// Its id.
        profile: ProfileId,
        /// The entry as JSON text.
        json: Secret,
    },
    /// Resets an authentication cooldown: `errorCount` to 0 where there is one, no cooldown or disabled mark whose reason is `auth` or
    /// `auth_permanent`. Billing and rate-limit marks stay. When the state has no entry, one with `errorCount` 0 is made if `explicit`.
    ResetAuthCooldown {
        /// Which profile.
        profile: ProfileId,
        /// Make an entry where there is none, so that an inherited mark does not leak in.
        explicit: bool,
    },
}

/// The fields in which an entry holds a value, or names one.
const SECRETS: [&str; 7] = ["key", "apiKey", "keyRef", "token", "tokenRef", "access", "refresh"];

impl StoredProfile {
    /// Reads one entry by the rules of the newest releases. `Err` says why OpenClaw would ignore it, without what stands in it.
    pub fn parse(id: &ProfileId, entry: &Secret) -> Result<Self, String> {
        let document = Document::parse(entry.reveal_secret()).map_err(|error| error.to_string())?;
        contents::profile(&document, Some(id.as_str()), document.root(), Dialect::Sqlite)
            .map_err(str::to_owned)
    }

    /// Returns what the profile holds, with fingerprints instead of secrets.
    pub fn material(&self, prints: &dyn Fingerprints) -> Material {
        match &self.secret {
            StoredSecret::Inline(secret) => Material::Inline(secret_fingerprint(prints, secret)),
            StoredSecret::Ref(reference) => {
                let delivered = prints.delivered(reference);
                Material::Ref {
                    fingerprint: delivered.unwrap_or_else(|| ref_fingerprint(prints, reference)),
                    reference: reference.clone(),
                    known: delivered.is_some(),
                }
            }
            StoredSecret::OAuth { access, refresh } => {
                let refresh = refresh.as_ref().map_or("", Secret::reveal_secret);
                Material::Inline(prints.of(&["oauth", access.reveal_secret(), refresh]))
            }
            StoredSecret::Fenced => Material::Fenced,
            StoredSecret::Absent => Material::Absent,
        }
    }

    /// Tells whether there is neither a value nor a reference, not even one whose form is not known.
    pub fn is_empty(&self) -> bool {
        let is_blank = |entry: &Document, field: &&str| {
            entry.root().get(field).is_none_or(|value| {
                entry.text_of(value) == "null" || value.as_str().is_some_and(|text| text.trim().is_empty())
            })
        };
        self.secret == StoredSecret::Absent
            && Document::of(&self.raw).is_ok_and(|entry| SECRETS.iter().all(|field| is_blank(&entry, field)))
    }

    /// Returns a fingerprint of the account it belongs to, where it names one.
    pub fn account(&self, prints: &dyn Fingerprints) -> Option<Fingerprint> {
        let account = self.account_id.as_deref().or(self.email.as_deref())?;
        Some(prints.of(&["account", account]))
    }
}

/// Returns an inline secret as the program sends it: without white space before and after it, which it drops.
pub fn as_sent(secret: &Secret) -> Secret {
    Secret::new(trimmed(secret))
}

/// What JavaScript's `trim` leaves of it.
fn trimmed(secret: &Secret) -> &str {
    let dropped = |one: char| one == '\u{feff}' || one.is_whitespace() && one != '\u{85}';
    secret.reveal_secret().trim_matches(dropped)
}

/// Returns the fingerprint of an inline secret, the same wherever the secret stands: of what is sent, so that copies which differ
/// only by what the program drops are one value.
pub fn secret_fingerprint(prints: &dyn Fingerprints, secret: &Secret) -> Fingerprint {
    prints.of(&["secret", trimmed(secret)])
}

/// Returns the fingerprint of a reference: of its name, not of what it names.
pub fn ref_fingerprint(prints: &dyn Fingerprints, reference: &SecretRef) -> Fingerprint {
    let source = match &reference.source {
        SecretSource::Env => "env",
        SecretSource::File => "file",
        SecretSource::Exec => "exec",
        SecretSource::Store => "store",
        SecretSource::Other(other) => other,
    };
    prints.of(&["ref", source, &reference.provider, &reference.id])
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Fingerprints for Plain {
        fn of(&self, parts: &[&str]) -> Fingerprint {
            let mut bytes = [0_u8; 16];
            for (at, byte) in parts.join("|").bytes().enumerate() {
                bytes[at % 16] = bytes[at % 16].wrapping_mul(31).wrapping_add(byte);
            }
            Fingerprint::from_bytes(bytes)
        }
    }

    #[test]
    fn what_the_program_drops_is_no_part_of_a_value_and_everything_else_is() {
        let print = |text: &str| secret_fingerprint(&Plain, &Secret::new(text));
        for same in ["sk-a b", " sk-a b", "sk-a b\n", "\t sk-a b\r\n", "\u{feff}sk-a b\u{a0}"] {
            assert_eq!(
                (print(same), as_sent(&Secret::new(same))),
                (print("sk-a b"), Secret::new("sk-a b")),
                "{same:?}"
            );
        }
        for other in ["sk-ab", "sk-a\nb", "\"sk-a b\"", "sk-a b\u{200b}", "\u{85}sk-a b"] {
            assert_ne!(print(other), print("sk-a b"), "{other:?}");
        }
    }
}
