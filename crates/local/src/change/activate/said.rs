//! Why a gateway refused to read its stores again, by its answer or else by its log.

use crate::Installation;
use keyshoal_core::record::LogPlace;
use keyshoal_openclaw::examine::logs::{Refused, refused};
use keyshoal_openclaw::gateway::GatewayError;

/// Stands in an outcome whose reason neither the gateway's answer nor a log that can be read here tells.
pub(crate) const UNSAID: &str = "its answer does not say why";

impl Installation {
    /// Says what an error means and what is known of its reason; `before` is how far the log went before the call.
    pub(super) fn said(&self, error: &GatewayError, before: Option<&LogPlace>) -> String {
        if error.says_why() {
            return error.hint();
        }
        let after = before.and_then(|_| self.log_place());
        let refused = before.zip(after.as_ref()).and_then(|(before, after)| refused(before, after));
        let path = after.map(|after| after.path).unwrap_or_default();
        let why = match refused {
            Some(Refused::Named(reason)) => {
                format!("by its log: {}", self.scrubbed(reason).trim_end_matches('.'))
            }
            Some(Refused::Withheld) => format!("its log ({path}) says why: mend that and try again"),
            None => format!("{UNSAID}; its own log should"),
        };
        format!("the gateway keeps its last good values; {why}")
    }
}
