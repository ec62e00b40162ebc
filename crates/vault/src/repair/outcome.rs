//! What was mended, in words.

use keyshoal_core::InstanceId;

/// Where the right thing was had from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A tag, or a seal, proves that this is how it was.
    Proven,
    /// The backup had it, under the same seal.
    Backup,
    /// The installation holds it.
    Installation,
    /// An earlier version that still opens.
    EarlierVersion,
    /// Nowhere: it is taken out, and a person has to give it again where it is wanted.
    Nowhere,
    /// It is left as it is: nothing that was named can mend it.
    Left,
}

impl Origin {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Backup => "backup",
            Self::Installation => "installation",
            Self::EarlierVersion => "earlier_version",
            Self::Nowhere => "nowhere",
            Self::Left => "left",
        }
    }
}

/// One thing that was damaged, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// What was damaged.
    pub what: String,
    /// What of it is lost, or nothing.
    pub lost: Option<String>,
    /// Where the right thing was had from.
    pub from: Origin,
    /// What a person can do about the rest.
    pub way_out: Option<String>,
    /// Of which instance it is; `None`: of the vault itself.
    pub instance: Option<InstanceId>,
}

impl Mend {
    pub(crate) fn new(what: impl Into<String>, from: Origin) -> Self {
        Self { what: what.into(), lost: None, from, way_out: None, instance: None }
    }

    pub(crate) fn proven(what: impl Into<String>) -> Self {
        Self::new(what, Origin::Proven)
    }

    pub(crate) fn losing(mut self, lost: impl Into<String>) -> Self {
        self.lost = Some(lost.into());
        self
    }

    pub(crate) fn way_out(mut self, way: impl Into<String>) -> Self {
        self.way_out = Some(way.into());
        self
    }

    /// Says it for the history; nothing of what was left.
    pub(crate) fn said(&self) -> Option<String> {
        let lost = self.lost.as_ref().map_or_else(String::new, |lost| format!(", lost: {lost}"));
        (self.from != Origin::Left)
            .then(|| format!("repaired {} (from: {}{lost})", self.what, self.from.as_str()))
    }

    /// Tells whether a person has something left to do.
    pub fn needs_attention(&self) -> bool {
        let is_older = self.from == Origin::Backup && self.lost.is_some();
        is_older || matches!(self.from, Origin::Nowhere | Origin::Left)
    }
}
