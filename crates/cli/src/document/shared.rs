//! Parts that several documents share.

use keyshoal_core::{Timestamp, Verdict, VerdictKind};
use serde::Serialize;

/// What a provider said.
#[derive(Clone, Debug, Serialize)]
pub struct VerdictDocument {
    /// The word of the verdict.
    pub kind: VerdictKind,
    /// When it was said.
    pub at: Timestamp,
    /// HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// What the person can do.
    pub advice: Option<String>,
}

impl VerdictDocument {
    /// Makes it; nothing for what was not asked.
    pub fn of(verdict: Option<&Verdict>) -> Option<Self> {
        let verdict = verdict.filter(|said| said.kind != VerdictKind::NotAsked)?;
        Some(Self {
            kind: verdict.kind,
            at: verdict.at,
            http_status: verdict.http_status,
            request_id: verdict.request_id.clone(),
            advice: verdict.advice.clone(),
        })
    }
}
