//! What a look, a question or a run teaches the ledger.

use crate::{
    Ask, Fingerprint, ProfileId, StoreId, Verdict,
    ids::AgentId,
    knowledge::{GenerationOrigin, KeptBy},
};

/// One thing to remember. The ledger stamps it with the time and ignores what it already knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "facts are few and live for a moment")]
pub enum Fact {
    /// The source has (or had) this value for a profile. `Seen` of a value that is known changes nothing (so that a source which
    /// went back is noticed); `Written` makes it the newest again.
    Generation {
        /// Which profile.
        profile: ProfileId,
        /// Which value.
        fingerprint: Fingerprint,
        /// How it became known. `Residue` goes before every generation that was seen.
        origin: GenerationOrigin,
    },
    /// An agent's own store has this value.
    Sighting {
        /// Whose store.
        agent: AgentId,
        /// Which profile.
        profile: ProfileId,
        /// Which value.
        fingerprint: Fingerprint,
    },
    /// A provider answered.
    Verdict {
        /// What was asked.
        ask: Ask,
        /// What it said.
        verdict: Verdict,
    },
    /// A person gives this value untested: what providers said of it before does not count any more.
    Overruled {
        /// Which value.
        fingerprint: Fingerprint,
    },
    /// An agent's value is a deliberate override.
    Kept {
        /// Whose.
        agent: AgentId,
        /// Which profile.
        profile: ProfileId,
        /// Its value now.
        fingerprint: Fingerprint,
        /// Who says so.
        by: KeptBy,
    },
    /// It is none any more.
    KeptUndone {
        /// Whose.
        agent: AgentId,
        /// Which profile.
        profile: ProfileId,
    },
    /// A person said that this value may be replaced.
    MayReplace {
        /// Whose.
        agent: AgentId,
        /// Which profile.
        profile: ProfileId,
        /// The value they saw.
        fingerprint: Fingerprint,
    },
    /// That value has been replaced: the permission is used up.
    Replaced {
        /// Whose.
        agent: AgentId,
        /// Which profile.
        profile: ProfileId,
        /// The value that went.
        fingerprint: Fingerprint,
    },
    /// A store holds of a profile what its vault wants.
    Delivered {
        /// Which store.
        store: StoreId,
        /// Which profile.
        profile: ProfileId,
        /// Which value; `None` where the vault wants none there.
        fingerprint: Option<Fingerprint>,
    },
    /// We are about to write there: until the store is seen as its vault wants it, whatever stands there may be ours.
    Writing {
        /// Which store.
        store: StoreId,
        /// Which profile.
        profile: ProfileId,
    },
    /// The gateway has read its stores when they had this digest.
    Activated {
        /// [`crate::activation::digest`].
        digest: String,
    },
}
