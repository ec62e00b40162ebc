//! What people read in place of a verdict's code: the one table of words.

use super::VerdictKind;

impl VerdictKind {
    /// Returns what was said in a word or two, for a table and for brackets.
    pub fn short(self) -> &'static str {
        self.words().0
    }

    /// Returns what was said of a credential as a clause, in which "it" is the credential.
    pub fn clause(self) -> &'static str {
        self.words().1
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("accepted", "its provider accepts it"),
            Self::InvalidKey => ("rejected", "its provider does not know it"),
            Self::Revoked => ("revoked", "its provider has revoked it"),
            Self::MalformedKey => ("malformed", "it cannot be a key of its provider"),
            Self::Expired => ("expired", "its time is over"),
            Self::MissingScope => ("lacks a permission", "it lacks a permission at its provider"),
            Self::Billing => ("no credit", "its account has no credit, or has reached a spending limit"),
            Self::RateLimited => ("rate limited", "its provider takes no more requests for the moment"),
            Self::ModelUnavailable => ("model unavailable", "the model is not available to it"),
            Self::Policy => ("forbidden by policy", "a policy of its provider forbids the request"),
            Self::Dns => ("name not found", "the name of its provider's host could not be found"),
            Self::Connect => ("not reached", "no connection to its provider could be made"),
            Self::Tls => ("TLS failed", "no encrypted connection (TLS) to its provider could be made"),
            Self::Timeout => ("no answer in time", "its provider did not answer in time"),
            Self::ProviderDown => ("provider is down", "its provider answered with an error of its own"),
            Self::UnexpectedAnswer => (
                "answer is not the provider's",
                "the answer was not its provider's, but a proxy's or a login page's, for example",
            ),
            Self::Unknown => ("unclear", "the answer says nothing certain of it"),
            Self::Missing => ("nothing to ask with", "there was nothing to ask its provider with"),
            Self::UnresolvedRef => {
                ("a reference, not asked", "it is a reference, which is not resolved here")
            }
            Self::NotAsked => ("not asked", "its provider was not asked"),
        }
    }
}
