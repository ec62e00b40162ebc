//! Applying the actions of one store in one update, with every expectation compared under the store's lock.

use super::fill::fill;
use crate::book::{Book, Entry};
use keyshoal_core::{Action, Fingerprint, Fingerprints, ProfileId, StepState, StoreId};
use keyshoal_openclaw::store::{
    self, Edit, Refusal, StoreContents, StoreError, StoreFile, StoredSecret, WriteRules, Written,
};
use std::collections::BTreeSet;

/// What the actions of one store need.
pub struct Job<'a> {
    /// The store; `None` when it is not there any more.
    pub file: Option<StoreFile>,
    /// Its actions, with their places in the plan.
    pub actions: Vec<(usize, &'a Action)>,
}

/// What may be looked up while applying.
pub struct Means<'a> {
    /// The book of secrets.
    pub book: &'a Book,
    /// The fingerprint key.
    pub prints: &'a dyn Fingerprints,
    /// The same, before anything of this run was written: what stood there may have got another value by the file it refers to.
    pub then: &'a dyn Fingerprints,
    /// The rules of this run.
    pub rules: WriteRules,
    /// Compare what stands there (a test turns this off to see that it matters).
    pub compare: bool,
    /// Reset authentication cooldowns (likewise).
    pub reset_cooldowns: bool,
    /// What the base store held back because of an authentication failure, when it was last looked at.
    pub marked: BTreeSet<ProfileId>,
    /// The base store, read right before a shadow is removed.
    pub base: Option<StoreFile>,
}

impl Means<'_> {
    /// Reads the base store when the job removes shadows: an agent must never be left with less than it had.
    fn base_of(&self, job: &Job<'_>) -> Option<StoreContents> {
        job.actions.iter().any(|(_, action)| matches!(action, Action::RemoveShadow { .. })).then_some(())?;
        self.base.as_ref()?.read().ok().map(|read| read.contents)
    }
}

/// How an action went.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The write itself.
    pub state: StepState,
    /// How many writes of other programs came in while its store was written, and are in it.
    pub merged_writes: u32,
}

impl Default for Applied {
    fn default() -> Self {
        Self { state: StepState::NotAsked, merged_writes: 0 }
    }
}

/// How the actions of a job went, with their places in the plan, in the job's order.
pub type Results = Vec<(usize, Applied)>;

/// A job whose store is to be looked at once more.
pub struct Unsettled<'a, 'b> {
    job: &'b Job<'a>,
    base: Option<StoreContents>,
    store: store::Unsettled,
}

/// Applies a job. What is left to be done is for [`Unsettled::settle`], a few milliseconds later.
pub fn apply<'a, 'b>(job: &'b Job<'a>, means: &Means<'_>) -> (Results, Option<Unsettled<'a, 'b>>) {
    let Some(file) = &job.file else {
        let gone = "the store is not there any more; run the command again".to_owned();
        return (failed(job, &gone), None);
    };
    let base = means.base_of(job);
    let mut states: Vec<StepState> = Vec::new();
    let written = file.update_now(&means.rules, &mut |contents| {
        Ok::<_, Refusal>(decide(job, contents, base.as_ref(), means, &mut states))
    });
    match written {
        Ok((written, unsettled)) => {
            let results = told(job, means, Ok(written), states);
            (results, unsettled.map(|store| Unsettled { job, base, store }))
        }
        Err(error) => (told(job, means, Err(error), states), None),
    }
}

impl Unsettled<'_, '_> {
    /// Tells whether it can be settled without a wait.
    pub fn is_due(&self) -> bool {
        self.store.is_due()
    }

    /// Looks at what was replaced once more. Returns how the actions went, where that is not as it was told before.
    pub fn settle(self, means: &Means<'_>) -> Option<Results> {
        let Self { job, base, store } = self;
        let mut states: Vec<StepState> = Vec::new();
        let written = store.settle(&means.rules, &mut |contents| {
            Ok::<_, Refusal>(decide(job, contents, base.as_ref(), means, &mut states))
        });
        Some(told(job, means, written.transpose()?, states))
    }
}

/// Compares what stands there with what each action expects, and returns the edits of those that find it.
fn decide(
    job: &Job<'_>,
    contents: &StoreContents,
    base: Option<&StoreContents>,
    means: &Means<'_>,
    states: &mut Vec<StepState>,
) -> Vec<Edit> {
    states.clear();
    let mut edits = Vec::new();
    for (_, action) in &job.actions {
        match edits_of(action, contents, base, means) {
            Ok(more) => {
                edits.extend(more);
                states.push(StepState::Done);
            }
            Err(state) => states.push(state),
        }
    }
    edits
}

/// Says how the actions went.
fn told(
    job: &Job<'_>,
    means: &Means<'_>,
    written: Result<Written, StoreError>,
    mut states: Vec<StepState>,
) -> Results {
    let mut merged_writes = 0;
    match written {
        Ok(written) => {
            merged_writes = written.merged_late_writes;
            for (state, (_, action)) in states.iter_mut().zip(&job.actions) {
                if *state == StepState::Done && !stands(action, &written.contents, means.prints) {
                    *state = StepState::Failed {
                        reason: "written, but the store does not hold it when read back: another program is writing it too".into(),
                    };
                }
            }
        }
        Err(error @ StoreError::Unproven { .. }) => {
            // What was not to be written was not.
            let reason = error.to_string();
            for state in states.iter_mut().filter(|state| **state == StepState::Done) {
                *state = StepState::Failed { reason: reason.clone() };
            }
        }
        Err(error) => return failed(job, &error.to_string()),
    }
    let places = job.actions.iter().map(|(at, _)| *at);
    places.zip(states.into_iter().map(|state| Applied { state, merged_writes })).collect()
}

/// Says that none of the actions was done.
fn failed(job: &Job<'_>, reason: &str) -> Results {
    let failed = Applied { state: StepState::Failed { reason: reason.to_owned() }, merged_writes: 0 };
    job.actions.iter().map(|(at, _)| (*at, failed.clone())).collect()
}

fn value_of(contents: &StoreContents, profile: &ProfileId, prints: &dyn Fingerprints) -> Option<Fingerprint> {
    contents.profiles.get(profile)?.material(prints).fingerprint()
}

fn expect(
    contents: &StoreContents,
    profile: &ProfileId,
    expected: Fingerprint,
    means: &Means<'_>,
) -> Result<(), StepState> {
    let found = value_of(contents, profile, means.then);
    let held = [found, value_of(contents, profile, means.prints)].contains(&Some(expected));
    if held || !means.compare {
        return Ok(());
    }
    let found = found.map_or_else(|| "nothing".to_owned(), |print| print.short());
    Err(StepState::Conflict { found: format!("{profile} holds {found} instead of {expected}") })
}

fn look_up(book: &Book, value: Fingerprint) -> Result<Entry, StepState> {
    book.find(value).ok_or_else(|| StepState::Failed {
        reason: format!("the value {value} is nowhere to be read any more; run the command again"),
    })
}

fn edits_of(
    action: &Action,
    contents: &StoreContents,
    base: Option<&StoreContents>,
    means: &Means<'_>,
) -> Result<Vec<Edit>, StepState> {
    let reset = |profile: &ProfileId, explicit: bool| {
        means.reset_cooldowns.then(|| Edit::ResetAuthCooldown { profile: profile.clone(), explicit })
    };
    // Only what the base store holds against a profile could leak into a store without an entry of its own.
    let leaks = |profile: &ProfileId| *action.store() != StoreId::Base && means.marked.contains(profile);
    let mut edits = Vec::new();
    match action {
        Action::Replace { profile, expect: expected, value, kind, reset_cooldown, .. } => {
            expect(contents, profile, *expected, means)?;
            let entry = look_up(means.book, *value)?;
            let now = contents.profiles.get(profile);
            let same = now.is_some_and(|now| now.secret == entry.secret && now.kind == *kind);
            if same && matches!(entry.secret, StoredSecret::Ref(_)) {
                // The file that it refers to has brought the value already.
                edits.extend(reset_cooldown.then(|| reset(profile, leaks(profile))).flatten());
                return Ok(edits);
            }
            let expires = Some(entry.expires.filter(|_| *kind == keyshoal_core::CredentialKind::Token));
            edits.push(Edit::SetSecret {
                profile: profile.clone(),
                kind: kind.clone(),
                secret: entry.secret,
                expires,
            });
            edits.extend(reset_cooldown.then(|| reset(profile, leaks(profile))).flatten());
        }
        Action::RemoveShadow { profile, expect: expected, inherits, .. } => {
            expect(contents, profile, *expected, means)?;
            let inherited = base.and_then(|base| value_of(base, profile, means.prints));
            if inherited != Some(*inherits) && means.compare {
                return Err(StepState::Conflict {
                    found: format!("the base store does not hold {inherits} for {profile}"),
                });
            }
            edits.push(Edit::Remove { profile: profile.clone() });
            // The agent's own mark counts before the owner's: it would hold the inherited value back for what the removed one did.
            edits.extend(reset(profile, false));
        }
        Action::Remove { profile, expect: expected, .. } => {
            expect(contents, profile, *expected, means)?;
            edits.push(Edit::Remove { profile: profile.clone() });
            edits.extend(reset(profile, false));
        }
        Action::Insert { profile, provider, value, kind, .. } => {
            let entry = look_up(means.book, *value)?;
            if let Some(now) = contents.profiles.get(profile) {
                return fill(profile, now, provider, kind, entry, reset(profile, leaks(profile)));
            }
            let (profile, provider) = (profile.clone(), provider.clone());
            edits.push(match entry.whole(&profile, &provider, kind) {
                Some(json) => Edit::PutRaw { profile, json },
                None => Edit::Insert { profile, provider, kind: kind.clone(), secret: entry.secret },
            });
        }
        Action::FixType { profile, expect: expected, kind, .. } => {
            expect(contents, profile, *expected, means)?;
            let stored = contents.profiles.get(profile).map(|stored| stored.secret.clone());
            let Some(secret) = stored else {
                return Err(StepState::Conflict { found: format!("there is no profile {profile}") });
            };
            edits.push(Edit::SetSecret {
                profile: profile.clone(),
                kind: kind.clone(),
                secret,
                expires: None,
            });
        }
        Action::ResetCooldown { profile, expect: expected, .. } => {
            // The mark may stand in a store that has no profile of that id; then there is nothing to compare with.
            if contents.profiles.contains_key(profile) {
                expect(contents, profile, *expected, means)?;
            }
            edits.extend(reset(profile, leaks(profile)));
        }
    }
    Ok(edits)
}

/// Tells whether a store that was read back holds what the action wanted.
pub fn stands(action: &Action, contents: &StoreContents, prints: &dyn Fingerprints) -> bool {
    match action {
        Action::Replace { profile, value, kind, .. } | Action::Insert { profile, value, kind, .. } => {
            value_of(contents, profile, prints) == Some(*value)
                && contents.profiles.get(profile).is_some_and(|stored| stored.kind == *kind)
        }
        Action::RemoveShadow { profile, .. } | Action::Remove { profile, .. } => {
            !contents.profiles.contains_key(profile)
        }
        Action::FixType { profile, kind, .. } => {
            contents.profiles.get(profile).is_some_and(|stored| stored.kind == *kind)
        }
        Action::ResetCooldown { profile, .. } => {
            !contents.usage.get(profile).is_some_and(|usage| usage.auth_block())
        }
    }
}
