//! A newer version that a person has taken back in several instances, while it is at hand.

use super::super::{Event, is_back, turn_forward};
use super::{All, Books, Ended, Member, Pointer, RotateError, RotateOptions, Timestamp, rotate_together};
use crate::ports::Ports;

/// Goes forward again to the newer version that a person has taken back in all of them, while that one is at hand.
pub fn go_forward_together<P: Ports + ?Sized>(
    members: &mut [Member<'_, P>],
    books: &mut dyn Books,
    options: &RotateOptions,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Ended, RotateError> {
    let mut all = All { members, books, options, tell };
    let turned = all.members.iter_mut().enumerate();
    let steps: Vec<_> = turned.map(|(at, one)| (at, turn_forward(&mut one.rotation))).collect();
    all.step(&steps)?;
    rotate_together(members, books, options, tell)
}

impl<P: Ports + ?Sized> All<'_, '_, P> {
    /// Retires the newer versions that were taken back once their time is over: in all of them, or in none. Returns until when that is.
    pub(super) fn wait(&mut self) -> Result<Option<Timestamp>, RotateError> {
        let waits = |one: &Member<'_, P>| one.rotation.state.waits_until(one.rotation.stage, self.options);
        let ends: Vec<Option<Timestamp>> = self.members.iter().map(waits).collect();
        let now = self.members.iter().find_map(|one| one.ports.as_ref().ok()).map(|ports| ports.now());
        let (Some(until), Some(now)) = (ends.iter().copied().max().flatten(), now) else { return Ok(None) };
        if now < until {
            self.remember(&ends, now)?;
        } else {
            let open: Vec<usize> = (0..ends.len()).filter(|at| ends[*at].is_some()).collect();
            open.iter().for_each(|at| self.members[*at].rotation.state.keeps = false);
            let steps: Vec<_> =
                open.iter().map(|at| (*at, &self.members[*at].rotation, Pointer::RetirePrevious)).collect();
            self.books.step(&steps)?;
        }
        for member in self.members.iter_mut().filter(|one| one.ended.is_some()) {
            member.ended = Some(is_back(&member.rotation));
        }
        Ok((now < until).then_some(until))
    }
}
