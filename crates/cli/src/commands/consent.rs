//! What a person decides between plan and apply, at the terminal or by options.

use crate::error::CommandError;
use crate::render;
use crate::ui::{Answer, Progress, Text, Tone, Ui};
use keyshoal_core::plan::{Group, Proposal};
use keyshoal_core::{Action, Judgement, Plan, ProfileId, ProviderId, Question, SourceState, StoreId};
use keyshoal_engine::{Answer as Answered, Decide, Decision, Proceed};
use std::collections::BTreeSet;

/// What the command line has already agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// Nothing: every write is asked about (`sync`).
    Nothing,
    /// What is certain; open questions are still asked about (`set`: the person gave the value).
    Certain,
    /// Whatever is proposed (`--yes`). A value of unknown origin is never proposed for replacement.
    Proposals,
}

/// Decides by asking the person.
pub struct Consent<'a> {
    ui: &'a mut Ui,
    progress: Progress,
    agreed: Agreed,
    shown: Option<Plan>,
    settled: BTreeSet<String>,
    failed: Option<CommandError>,
}

impl<'a> Consent<'a> {
    /// Makes it.
    pub fn new(ui: &'a mut Ui, progress: Progress, agreed: Agreed) -> Self {
        Self { ui, progress, agreed, shown: None, settled: BTreeSet::new(), failed: None }
    }

    /// Returns what went wrong while asking.
    pub fn finish(self) -> Result<(), CommandError> {
        self.failed.map_or(Ok(()), Err)
    }

    fn show(&mut self, plan: &Plan) {
        // With nobody to agree the receipts say the same.
        let asked = self.agreed == Agreed::Nothing && self.ui.can_ask();
        if !asked || self.shown.as_ref() == Some(plan) {
            return;
        }
        self.shown = Some(plan.clone());
        let writes = Plan { questions: Vec::new(), ..plan.clone() };
        if !writes.actions.is_empty() || writes.config.is_some() {
            for line in render::plan::lines(&writes) {
                self.ui.say(&line);
            }
        }
    }

    fn decide_all(&mut self, plan: &Plan, judgement: &Judgement) -> Result<Decision, CommandError> {
        let ask = self.agreed != Agreed::Proposals;
        if ask && !self.ui.can_ask() {
            let certain = self.agreed == Agreed::Certain;
            let proceed = if certain { Proceed::Yes } else { Proceed::CannotAsk };
            return Ok(Decision { proceed, answers: Vec::new() });
        }
        let mut answers = Vec::new();
        let mut asked_of: BTreeSet<ProfileId> = BTreeSet::new();
        for together in by_provider(&plan.questions) {
            // What is only shown agrees to nothing: the writes of its profile are asked about with the rest.
            if is_answerable(together[0]) {
                asked_of.extend(together.iter().filter_map(|one| profile_of(one)).cloned());
            }
            let new: Vec<&Question> =
                together.into_iter().filter(|one| self.settled.insert(format!("{one:?}"))).collect();
            let given = if ask { self.put_all(&new, judgement)? } else { proposed(&new, true) };
            for (question, given) in new.iter().zip(given) {
                if ask && let Some(profile) = declined(question, &given) {
                    let of_it = plan.actions.iter().filter(|action| action.profile() == profile);
                    answers.extend(of_it.map(leave));
                }
                answers.extend(given);
            }
        }
        let rest: Vec<&Action> =
            plan.actions.iter().filter(|one| !asked_of.contains(one.profile())).collect();
        if ask && self.agreed == Agreed::Nothing && !rest.is_empty() && !self.agrees_to(&rest)? {
            if plan.questions.is_empty() {
                return Ok(Decision::no());
            }
            answers.extend(rest.iter().map(|action| leave(action)));
        }
        if ask && self.agreed == Agreed::Nothing && !self.agrees_to_config(plan)? {
            return Ok(Decision::no());
        }
        let all_left = plan.config.is_none()
            && !plan.actions.is_empty()
            && plan.actions.iter().all(|action| answers.contains(&leave(action)));
        let decided = answers.iter().any(|answer| !is_leave(answer));
        Ok(if all_left && !decided { Decision::no() } else { Decision::answer(answers) })
    }

    fn agrees_to(&mut self, actions: &[&Action]) -> Result<bool, CommandError> {
        let agents: BTreeSet<String> = actions.iter().map(|action| render::plan::whose(action)).collect();
        let writes = render::words::count(actions.len(), "write");
        let who = render::words::count(agents.len(), "store");
        let question = Text::of(format!("{writes} in {who}: apply?"));
        Ok(self.ui.ask(&[question], true)? == Some(Answer::Yes))
    }

    fn agrees_to_config(&mut self, plan: &Plan) -> Result<bool, CommandError> {
        let Some(edit) = &plan.config else { return Ok(true) };
        let question =
            Text::of(format!("{} in the config: apply?", render::words::count(edit.changes.len(), "change")));
        Ok(self.ui.ask(&[question], true)? == Some(Answer::Yes))
    }

    /// Puts what belongs to one provider as one question. Only who says no to all of it is asked about each.
    fn put_all(
        &mut self,
        together: &[&Question],
        judgement: &Judgement,
    ) -> Result<Vec<Vec<Answered>>, CommandError> {
        if together.len() > 1 && is_answerable(together[0]) {
            let mut lines: Vec<Text> = together.iter().flat_map(|one| render::question::lines(one)).collect();
            lines.push(Text::of(format!("  all {} of them?", together.len())));
            if self.ui.ask(&lines, true)? == Some(Answer::Yes) {
                return Ok(proposed(together, true));
            }
        }
        together.iter().map(|question| self.put(question, judgement)).collect()
    }

    fn put(&mut self, question: &Question, judgement: &Judgement) -> Result<Vec<Answered>, CommandError> {
        let lines = render::question::lines(question);
        match question {
            Question::Differing { .. } if !render::question::can_be_answered(question) => {
                lines.iter().for_each(|line| self.ui.say(line));
                Ok(Vec::new())
            }
            Question::Differing { .. } => {
                let yes = self.ui.ask(&lines, true)? == Some(Answer::Yes);
                Ok(proposals(question, yes))
            }
            Question::WhichSource { profile, base, written, .. } => {
                let Some(SourceState::Undecided { written: store }) = judgement.sources.get(profile) else {
                    lines.iter().for_each(|line| self.ui.say(line));
                    return Ok(Vec::new());
                };
                let choices = [
                    choice("what agents inherit", base),
                    choice("what OpenClaw's own commands wrote", written),
                ];
                let chosen = self.ui.choose(&lines[..1], &choices)?;
                let store = match chosen {
                    Some(0) => Some(StoreId::Base),
                    Some(_) => Some(store.clone()),
                    None => None,
                };
                Ok(store
                    .map(|store| Answered::Source { profile: profile.clone(), store })
                    .into_iter()
                    .collect())
            }
            Question::SourceReverted { profile, now, .. } => {
                let ask = Text::of(format!(
                    "  is {} the right value, although it was an earlier one?",
                    now.fingerprint
                ));
                let yes = self.ui.ask(&[lines[0].clone(), ask], false)? == Some(Answer::Yes);
                Ok(yes.then(|| Answered::ConfirmSource { profile: profile.clone() }).into_iter().collect())
            }
            Question::SourceRejected { .. } => {
                lines.iter().for_each(|line| self.ui.say(line));
                Ok(Vec::new())
            }
        }
    }
}

impl Decide for Consent<'_> {
    fn decide(&mut self, plan: &Plan, judgement: &Judgement) -> Decision {
        self.progress.clear();
        self.show(plan);
        self.decide_all(plan, judgement).unwrap_or_else(|error| {
            self.failed = Some(error);
            Decision::no()
        })
    }
}

/// Puts together the questions about one provider's values that can be answered by a yes; every other question stands alone.
fn by_provider(questions: &[Question]) -> Vec<Vec<&Question>> {
    let mut all: Vec<Vec<&Question>> = Vec::new();
    for question in questions {
        let same = |other: &&mut Vec<&Question>| {
            is_answerable(other[0])
                && is_answerable(question)
                && provider_of(other[0]) == provider_of(question)
        };
        match all.iter_mut().find(same) {
            Some(together) => together.push(question),
            None => all.push(vec![question]),
        }
    }
    all
}

fn is_answerable(question: &Question) -> bool {
    render::question::can_be_answered(question)
}

fn profile_of(question: &Question) -> Option<&ProfileId> {
    let Question::Differing { profile, .. } = question else { return None };
    Some(profile)
}

fn provider_of(question: &Question) -> Option<&ProviderId> {
    let Question::Differing { provider, .. } = question else { return None };
    Some(provider)
}

fn proposed(questions: &[&Question], agreed: bool) -> Vec<Vec<Answered>> {
    questions.iter().map(|one| proposals(one, agreed)).collect()
}

/// Returns what agreeing to a question means; declining it means to leave every value.
fn proposals(question: &Question, agreed: bool) -> Vec<Answered> {
    let Question::Differing { profile, others, .. } = question else { return Vec::new() };
    let answer = |group: &Group| {
        let proposal = if agreed { group.proposal } else { Proposal::Leave };
        (!(agreed && proposal == Proposal::Leave)).then(|| Answered::Value {
            profile: profile.clone(),
            fingerprint: group.fingerprint,
            proposal,
        })
    };
    others.iter().filter_map(answer).collect()
}

fn choice(what: &str, group: &Group) -> Text {
    let who = render::words::agents(&group.agents, 2);
    Text::toned(Tone::Strong, group.fingerprint.short())
        .plain(format!(" {what} ({who}): "))
        .join(&render::words::verdict(group.verdict))
}

/// Returns the answer that keeps an action from being done.
fn leave(action: &Action) -> Answered {
    let profile = action.profile().clone();
    match action {
        Action::Replace { expect, .. }
        | Action::Remove { expect, .. }
        | Action::RemoveShadow { expect, .. } => {
            Answered::Value { profile, fingerprint: *expect, proposal: Proposal::Leave }
        }
        Action::Insert { store, .. }
        | Action::FixType { store, .. }
        | Action::ResetCooldown { store, .. } => Answered::Skip { store: store.clone(), profile },
    }
}

/// Returns the profile of a question that was answered with no.
fn declined<'a>(question: &'a Question, given: &[Answered]) -> Option<&'a ProfileId> {
    let profile = profile_of(question)?;
    (!given.is_empty() && given.iter().all(is_leave)).then_some(profile)
}

fn is_leave(answer: &Answered) -> bool {
    matches!(answer, Answered::Skip { .. } | Answered::Value { proposal: Proposal::Leave, .. })
}
