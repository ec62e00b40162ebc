//! Kinds of credentials and what a profile holds of them.

use crate::{Fingerprint, Timestamp, vault::REFERENCES};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Says which of OpenClaw's credential types a profile has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A provider's API key (`api_key`).
    ApiKey,
    /// A bearer token, which may expire (`token`).
    Token,
    /// An OAuth login with an access and, mostly, a refresh token (`oauth`).
    #[serde(rename = "oauth")]
    OAuth,
    /// A type we do not know. Shown, never written.
    Unknown(String),
}

impl CredentialKind {
    /// Returns OpenClaw's own word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::ApiKey => "api_key",
            Self::Token => "token",
            Self::OAuth => "oauth",
            Self::Unknown(other) => other,
        }
    }

    /// Reads OpenClaw's own word, with the spelling variants that it accepts.
    pub fn parse(text: &str) -> Self {
        match text {
            "api_key" | "apiKey" => Self::ApiKey,
            "token" => Self::Token,
            "oauth" => Self::OAuth,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// Tells whether a credential of this type may be used where the config's `auth.profiles` says `mode`.
    pub fn allowed_by_mode(&self, mode: &Self) -> bool {
        self == mode || (*mode == Self::OAuth && *self == Self::Token)
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Says where OpenClaw looks a referenced secret up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// An environment variable.
    Env,
    /// A file.
    File,
    /// A program that prints it.
    Exec,
    /// OpenClaw's own secret store.
    Store,
    /// A source we do not know.
    Other(String),
}

/// Names a secret without holding it (`keyRef`, `tokenRef`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretRef {
    /// Where it is looked up.
    pub source: SecretSource,
    /// Which configured secret provider.
    pub provider: String,
    /// Which secret.
    pub id: String,
}

impl SecretRef {
    /// Tells whether it leads into the file that Keyshoal itself delivers.
    pub fn is_delivered(&self) -> bool {
        self.source == SecretSource::File && self.provider == REFERENCES
    }

    /// Tells whether it names there what a vault gave one agent alone.
    pub fn is_override(&self) -> bool {
        self.is_delivered() && self.id.starts_with("/agents/")
    }
}

/// What a reference into a file of the person's own leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referred {
    /// The file, for people.
    pub path: String,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    /// The value; `None` where it cannot be read from here, or is not there.
    pub value: Option<Fingerprint>,
}

/// Says what a profile holds, without the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Material {
    /// The secret stands in the profile. For OAuth the fingerprint covers access and refresh token.
    Inline(Fingerprint),
    /// The profile names a secret.
    Ref {
        /// The name.
        reference: SecretRef,
        /// A fingerprint of the name; of what it leads to, where that is known.
        fingerprint: Fingerprint,
        /// Whether it is known what it leads to: it leads into the file that Keyshoal itself delivers.
        #[serde(default)]
        known: bool,
    },
    /// An OAuth refresh is under way (or failed) and has fenced the profile; nobody else may touch it.
    Fenced,
    /// Nothing is there.
    Absent,
}

impl Material {
    /// Returns the fingerprint of what stands there or is delivered there, when the value itself is known.
    pub fn value(&self) -> Option<Fingerprint> {
        match self {
            Self::Inline(fingerprint) | Self::Ref { fingerprint, known: true, .. } => Some(*fingerprint),
            Self::Ref { .. } | Self::Fenced | Self::Absent => None,
        }
    }

    /// Returns the reference, where it is one.
    pub fn reference(&self) -> Option<&SecretRef> {
        match self {
            Self::Ref { reference, .. } => Some(reference),
            Self::Inline(_) | Self::Fenced | Self::Absent => None,
        }
    }

    /// Returns the reference, where it leads into the file that Keyshoal delivers and not to a value that is known there: to nothing, or,
    /// where a vault says what is right, to none of its values.
    pub fn leads_nowhere(&self) -> Option<&SecretRef> {
        match self {
            Self::Ref { reference, known: false, .. } if reference.is_delivered() => Some(reference),
            _ => None,
        }
    }

    /// Returns the fingerprint, when there is one.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Inline(fingerprint) | Self::Ref { fingerprint, .. } => Some(*fingerprint),
            Self::Fenced | Self::Absent => None,
        }
    }
}
