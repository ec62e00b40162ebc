//! The one private file to which references of an instance lead.

use keyshoal_core::{ProfileId, Secret, SecretRef, SecretSource};
use std::collections::BTreeMap;

/// The program reads no larger file.
const LARGEST: usize = 1 << 20;

/// The first word of a reference: for one agent, or for all.
const GROUPS: [&str; 2] = ["agents", "shared"];

/// The file's values, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// It was not made here, or somebody has edited it.
    #[error("the file of secrets does not have the form in which it is written")]
    Form,
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
        // The first word tells both kinds of names apart.
        let group = if owner.is_some() { "agents" } else { "shared" };
        self.values.insert(format!("{group} {name}"), value);
        self.reference(group, &name)
    }

    /// Returns every value with the reference that leads to it.
    pub fn iter(&self) -> impl Iterator<Item = (SecretRef, &Secret)> {
        let named = self.values.iter().filter_map(|(name, value)| Some((name.split_once(' ')?, value)));
        named.map(|((group, name), value)| (self.reference(group, name), value))
    }

    /// A JSON pointer (RFC 6901).
    fn reference(&self, group: &str, name: &str) -> SecretRef {
        let id = format!("/{group}/{}", name.replace('~', "~0").replace('/', "~1"));
        SecretRef { source: SecretSource::File, provider: self.provider.clone(), id }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is no JSON, or has another form than [`text`](Self::text) gives it.
    pub fn parse(provider: &str, text: &[u8]) -> Result<Self, RefsError> {
        let mut file = Self::new(provider)?;
        let groups: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_slice(text).map_err(|_| RefsError::Form)?;
        for (group, values) in groups {
            if !GROUPS.contains(&group.as_str()) {
                return Err(RefsError::Form);
            }
            let values = values.into_iter();
            file.values.extend(values.map(|(name, value)| (format!("{group} {name}"), Secret::new(value))));
        }
        Ok(file)
    }

    /// Tells whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns how many values are in it.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns what a reference leads to in this file. `None` for references to anything else, and to a name without a value.
    pub fn value(&self, reference: &SecretRef) -> Option<&Secret> {
        self.values.get(&self.name_of(reference)?).filter(|value| !value.reveal_secret().is_empty())
    }

    /// Takes over from another file what these references lead to there and what is not in this one.
    pub fn keep<'a>(&mut self, from: &Self, references: impl IntoIterator<Item = &'a SecretRef>) {
        for reference in references {
            if let Some(name) = self.name_of(reference)
                && let Some(value) = from.values.get(&name)
            {
                self.values.entry(name).or_insert_with(|| value.clone());
            }
        }
    }

    /// Leaves what `stays` says as it is in another file, wherever this one would hold something else.
    pub fn leave(&mut self, from: &Self, stays: impl Fn(&SecretRef, &Secret) -> bool) {
        let left: Vec<_> = self
            .values
            .keys()
            .filter_map(|name| {
                let (group, rest) = name.split_once(' ')?;
                let value = from.values.get(name)?;
                stays(&self.reference(group, rest), value).then(|| (name.clone(), value.clone()))
            })
            .collect();
        self.values.extend(left);
    }

    /// Takes over everything from another file that is not in this one.
    pub fn keep_all(&mut self, from: &Self) {
        for (name, value) in &from.values {
            self.values.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    /// Returns the name within the file to which a reference leads.
    fn name_of(&self, reference: &SecretRef) -> Option<String> {
        if reference.source != SecretSource::File || reference.provider != self.provider {
            return None;
        }
        let (group, name) = reference.id.strip_prefix('/')?.split_once('/')?;
        Some(format!("{group} {}", name.replace("~1", "/").replace("~0", "~")))
    }

    /// Returns the file's text.
    pub fn text(&self) -> Result<Secret, RefsError> {
        let mut text = "{".to_owned();
        for (at, group) in GROUPS.into_iter().enumerate() {
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
