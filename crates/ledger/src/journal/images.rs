//! Sealing and opening the images of journal steps. Each is bound to its instance, run, step and side.

use crate::LedgerError;
use keyshoal_core::{RunId, Secret};
use keyshoal_seal::{Aad, SealKey};

/// Which image of a step.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Before,
    After,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// What images of one run are bound to.
pub(crate) struct Binding<'a> {
    pub(crate) instance: &'a str,
    pub(crate) run: &'a RunId,
}

impl Binding<'_> {
    fn aad(&self, step: usize, side: Side) -> Aad {
        Aad::for_purpose("keyshoal journal image v1")
            .with(self.instance.as_bytes())
            .with(self.run.as_str().as_bytes())
            .with(&(step as u64).to_le_bytes())
            .with(side.word().as_bytes())
    }

    pub(crate) fn seal(
        &self,
        key: &SealKey,
        step: usize,
        side: Side,
        image: Option<&Secret>,
    ) -> Result<Option<Vec<u8>>, LedgerError> {
        let sealed = image.map(|image| key.seal_secret(image, &self.aad(step, side))).transpose();
        sealed.map_err(|source| self.error(step, side, source))
    }

    pub(crate) fn open(
        &self,
        key: &SealKey,
        step: usize,
        side: Side,
        stored: Option<&[u8]>,
    ) -> Result<Option<Secret>, LedgerError> {
        let opened = stored.map(|stored| key.open_secret(stored, &self.aad(step, side))).transpose();
        opened.map_err(|source| self.error(step, side, source))
    }

    fn error(&self, step: usize, side: Side, source: keyshoal_seal::SealError) -> LedgerError {
        LedgerError::Image { run: self.run.clone(), step, which: side.word(), source }
    }
}
