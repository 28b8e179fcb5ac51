//! Drives a round: asks whoever shows and whoever carries out, until all is decided.

use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::request::{Choice, ChoiceOn};
use syncmgr_model::resolution::{Decision, Feedback, Proceed, ResolveInfo};
use syncmgr_model::trouble::{Code, Trouble};

use super::{Ask, By, Case, Decided, Known, Round, TRIES_MAX};

/// Shows conflicts and takes choices. May wait for a person.
pub trait Presenter {
    /// Shows a conflict of the set and fills `info` in.
    ///
    /// # Errors
    /// When it could not be shown, or what it did itself failed.
    fn present(&mut self, index: usize, by: By, info: &mut ResolveInfo) -> Result<(), Trouble>;

    /// Shows what went wrong with a conflict and asks how to go on (spec 154).
    fn failed(&mut self, index: usize, trouble: &Trouble) -> Proceed;
}

/// Carries decisions out.
pub trait Resolver {
    /// Looks at a conflict of the set, anew each time.
    ///
    /// # Errors
    /// `not-found` when it is gone, or why it cannot be looked at.
    fn look(&mut self, index: usize) -> Result<Known, Trouble>;

    /// Carries a decision out, or says that it goes with others.
    ///
    /// # Errors
    /// When it failed; the conflict then is as it was.
    fn carry_out(&mut self, index: usize, decision: &Decision) -> Result<Carried, Trouble>;

    /// Carries out, in one session, all that went together; waits for its end.
    ///
    /// # Errors
    /// When it failed.
    fn carry_out_all(&mut self, batch: &Batch) -> Result<(), Trouble>;
}

/// How a decision was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// It was carried out.
    Now(Feedback),
    /// It goes with the others of its item; the state it was decided on goes with it, because a run
    /// may have to wait for its turn.
    Later(Choice, String),
}

/// Decisions that one session carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Whose conflicts.
    pub handler: HandlerId,
    /// Of which item.
    pub item: ItemId,
    /// What was decided.
    pub choices: Vec<ChoiceOn>,
    /// The same conflicts, as indexes of the set.
    pub indexes: Vec<usize>,
}

/// Decides a set of conflicts and returns what became of each, in their order. What was decided
/// before somebody cancelled is carried out.
pub fn resolve(
    cases: Vec<Case>,
    presenter: &mut dyn Presenter,
    resolver: &mut dyn Resolver,
) -> Vec<Decided> {
    let all = cases.clone();
    let mut round = Round::new(cases);
    let mut batches: Vec<Batch> = Vec::new();
    loop {
        match round.ask().clone() {
            Ask::Look(index) => round.looked(resolver.look(index)),
            Ask::Present(index, by, mut info) => {
                let shown = presenter.present(index, by, &mut info);
                round.presented(shown.map(|()| info));
            }
            Ask::CarryOut(index, decision) => {
                let carried = resolver.carry_out(index, &decision);
                round.carried_out(carried.and_then(|carried| match carried {
                    Carried::Now(feedback) => Ok(feedback),
                    Carried::Later(choice, seen) => {
                        let choice = (choice, Some(seen));
                        gather(&mut batches, &all, index, choice).map(|()| Feedback::Continue)
                    }
                }));
            }
            Ask::Failed(index, trouble) => round.proceed(presenter.failed(index, &trouble)),
            Ask::End => break,
        }
    }
    let mut outcomes = round.into_outcomes();
    hand_over(&batches, presenter, resolver, &mut outcomes);
    outcomes
}

fn gather(
    batches: &mut Vec<Batch>,
    cases: &[Case],
    index: usize,
    (choice, seen): (Choice, Option<String>),
) -> Result<(), Trouble> {
    let no_session = |detail: &str| Trouble::new(Code::NotPossible).with("detail", detail);
    let Some(Case { address, .. }) = cases.get(index) else {
        return Err(no_session("it is not one of these"));
    };
    let Some(item) = &address.item else {
        return Err(no_session("a conflict of no item has no session"));
    };
    let id = String::from_utf8(address.id.clone());
    let choice = ChoiceOn {
        conflict: id.map_err(|_| no_session("its id cannot be named to a session"))?,
        choice,
        seen,
    };
    let same = batches
        .iter_mut()
        .find(|batch| batch.handler == address.handler && batch.item == *item);
    match same {
        Some(batch) => {
            batch.choices.push(choice);
            batch.indexes.push(index);
        }
        None => batches.push(Batch {
            handler: address.handler.clone(),
            item: item.clone(),
            choices: vec![choice],
            indexes: vec![index],
        }),
    }
    Ok(())
}

/// Has the batches carried out, one session after the other. A failed one is shown, as a failed
/// decision is (spec 154).
fn hand_over(
    batches: &[Batch],
    presenter: &mut dyn Presenter,
    resolver: &mut dyn Resolver,
    outcomes: &mut [Decided],
) {
    let mut is_cancelled = false;
    for batch in batches {
        let outcome = if is_cancelled {
            Some(Decided::Untouched)
        } else {
            let (failed, proceed) = hand_over_one(batch, presenter, resolver);
            is_cancelled = proceed == Some(Proceed::Cancel);
            failed.map(Decided::Failed)
        };
        let Some(outcome) = outcome else {
            continue;
        };
        for index in &batch.indexes {
            if let Some(of_this) = outcomes.get_mut(*index) {
                *of_this = outcome.clone();
            }
        }
    }
}

fn hand_over_one(
    batch: &Batch,
    presenter: &mut dyn Presenter,
    resolver: &mut dyn Resolver,
) -> (Option<Trouble>, Option<Proceed>) {
    let first = batch.indexes.first().copied().unwrap_or_default();
    let mut n_tries = 0;
    loop {
        n_tries += 1;
        let trouble = match resolver.carry_out_all(batch) {
            Ok(()) => return (None, None),
            Err(trouble) => trouble,
        };
        match presenter.failed(first, &trouble) {
            Proceed::Retry if n_tries < TRIES_MAX => {}
            Proceed::Retry | Proceed::Skip => return (Some(trouble), Some(Proceed::Skip)),
            Proceed::Cancel => return (Some(trouble), Some(Proceed::Cancel)),
        }
    }
}
