//! The one private file to which references of an instance lead.

use keyshoal_core::{ProfileId, Secret, SecretRef, SecretSource};
use std::collections::BTreeMap;

/// The program reads no larger file.
const LARGEST: usize = 1 << 20;

/// The file's values, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefsFile {
    /// The name of the provider in `secrets.providers`.
    provider: String,
    values: BTreeMap<String, Secret>,
}

/// Says why there is no such file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefsError {
    /// `secrets.providers` takes no such name.
    #[error("{0:?} cannot name a secrets provider: use a-z, 0-9, _ and -, at most 64, the first a letter")]
    Name(String),
    /// The program would not read it.
    #[error("the file of secrets would hold {0} bytes, but OpenClaw reads at most {LARGEST}")]
    TooLarge(usize),
}

impl RefsFile {
    /// Begins a file that stands as `provider` in `secrets.providers`.
    pub fn new(provider: &str) -> Result<Self, RefsError> {
        let valid = provider.len() <= 64
            && provider.starts_with(|c: char| c.is_ascii_lowercase())
            && provider.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c));
        if !valid {
            return Err(RefsError::Name(provider.to_owned()));
        }
        Ok(Self { provider: provider.to_owned(), values: BTreeMap::new() })
    }

    /// Puts a profile's value into the file, for all agents or as one's override, and returns the reference to it.
    pub fn put(&mut self, profile: &ProfileId, owner: Option<&str>, value: Secret) -> SecretRef {
        let name = match owner {
            None => profile.as_str().to_owned(),
            Some(owner) => format!("{owner}/{}", profile.as_str()),
        };
        // A JSON pointer (RFC 6901). The first word tells both kinds of names apart.
        let group = if owner.is_some() { "agents" } else { "shared" };
        let id = format!("/{group}/{}", name.replace('~', "~0").replace('/', "~1"));
        self.values.insert(format!("{group} {name}"), value);
        SecretRef { source: SecretSource::File, provider: self.provider.clone(), id }
    }

    /// Returns the file's text.
    pub fn text(&self) -> Result<Secret, RefsError> {
        let mut text = "{".to_owned();
        for (at, group) in ["agents", "shared"].into_iter().enumerate() {
            text.push_str(if at > 0 { ",\n  " } else { "\n  " });
            text.push_str(&format!("\"{group}\": {{"));
            let mut first = true;
            for (name, value) in &self.values {
                let Some(name) = name.strip_prefix(group).and_then(|rest| rest.strip_prefix(' ')) else {
                    continue;
                };
                text.push_str(if first { "\n    " } else { ",\n    " });
                first = false;
                text.push_str(&super::quoted(name));
                text.push_str(": ");
                text.push_str(&super::quoted(value.reveal_secret()));
            }
            text.push_str(if first { "}" } else { "\n  }" });
        }
        text.push_str("\n}\n");
        if text.len() > LARGEST {
            return Err(RefsError::TooLarge(text.len()));
        }
        Ok(Secret::new(text))
    }
}
