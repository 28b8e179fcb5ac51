//! The desk at which conflicts are decided: one loop for everybody who decides, a terminal, a page
//! or a program.
//!
//! [`Round`] is the loop as a pure machine: it says what it needs ([`Ask`]), and is told what came of
//! it. [`resolve()`] drives it over a [`Presenter`], who shows and chooses, and a [`Resolver`], who
//! carries out.
//!
//! ```text
//!         ┌──────────────── Refresh, Retry ────────────────┐
//!         ▼                                                │
//!  ──► Look ──► Present (own) ──Default──► Present (usual) │
//!        │            │                        │           │
//!        │ applies    └──────────┬─────────────┘           │
//!        │ to all                ▼                         │
//!        └──────────────────► CarryOut ────────────────────┤
//!                                │    └──fails──► Failed ──┘
//!                  Continue: the next one; Cancel: the end
//! ```
//!
//! Decisions that a handler carries out in sessions are gathered, and handed over at the end as one
//! batch for each item, so that a hundred decisions are one run and not a hundred.
//!
//! Must not: conclude that a conflict is gone. It is when its store does not list it (spec 155).

mod drive;
mod filter;
mod places;

pub use drive::{Batch, Carried, Presenter, Resolver, resolve};
pub use filter::{About, Filter, Unfit};
pub use places::{Places, places};

use std::collections::BTreeMap;

use syncmgr_model::conflict::Address;
use syncmgr_model::id::HandlerId;
use syncmgr_model::resolution::{
    Abilities, Decision, Feedback, Iteration, NextStep, PresenterChoice, Proceed, ResolveInfo,
};
use syncmgr_model::trouble::{Code, Trouble};

/// How often one conflict is begun at most: a handler that always wants it shown again would
/// otherwise keep a program busy for ever.
pub const TRIES_MAX: u32 = 100;

/// One of the conflicts that are to be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Which one.
    pub address: Address,
    /// Its kind, a word of its handler.
    pub kind: String,
}

impl Case {
    /// Returns what a choice for all applies to (spec 152).
    fn sort(&self) -> (HandlerId, String) {
        (self.address.handler.clone(), self.kind.clone())
    }
}

/// What is known of a conflict when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// What can be done (spec 143).
    pub abilities: Abilities,
    /// How many contents disagree.
    pub n_contents: usize,
    /// It, or its handler, shows it in its own way.
    pub has_own: bool,
}

/// Who shows a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The conflict itself, or the presenter of its handler (spec 159, 160).
    Own,
    /// The usual presenter.
    Usual,
}

/// What the loop needs next. Indexes are those of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Look at this one; answered by [`Round::looked`].
    Look(usize),
    /// Show this one; answered by [`Round::presented`].
    Present(usize, By, ResolveInfo),
    /// Carry this out; answered by [`Round::carried_out`].
    CarryOut(usize, Decision),
    /// Show what went wrong and ask how to go on; answered by [`Round::proceed`].
    Failed(usize, Trouble),
    /// Nothing more.
    End,
}

/// What became of a conflict of the set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// The decision was carried out; its store says when it is gone.
    Done,
    /// It was left for later.
    Skipped,
    /// Its turn did not come.
    Untouched,
    /// It could not be carried out.
    Failed(Trouble),
}

/// What applies to all that follow (spec 152).
#[derive(Debug, Clone)]
struct Rule {
    handler: HandlerId,
    kind: String,
    choice: PresenterChoice,
    items: Vec<usize>,
}

/// One round at the desk: a set of conflicts, decided one after the other.
#[derive(Debug)]
pub struct Round {
    cases: Vec<Case>,
    outcomes: Vec<Decided>,
    at: usize,
    /// How many of a handler and kind come after the one at hand.
    n_after: BTreeMap<(HandlerId, String), usize>,
    n_tries: u32,
    known: Known,
    by: By,
    rule: Option<Rule>,
    ask: Ask,
}

impl Round {
    /// Begins with a set, in its order.
    #[must_use]
    pub fn new(cases: Vec<Case>) -> Self {
        let mut n_after = BTreeMap::new();
        for case in cases.iter().skip(1) {
            *n_after.entry(case.sort()).or_default() += 1;
        }
        let mut round = Self {
            outcomes: vec![Decided::Untouched; cases.len()],
            cases,
            at: 0,
            n_after,
            n_tries: 0,
            known: Known::default(),
            by: By::Usual,
            rule: None,
            ask: Ask::End,
        };
        round.begin();
        round
    }

    /// Returns what is needed now.
    #[must_use]
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// Returns what became of the conflicts, in the order of the set.
    #[must_use]
    pub fn into_outcomes(self) -> Vec<Decided> {
        self.outcomes
    }

    /// The conflict was looked at.
    pub fn looked(&mut self, result: Result<Known, Trouble>) {
        match result {
            Ok(known) => {
                self.known = known;
                if !self.apply_rule() {
                    self.show(if known.has_own { By::Own } else { By::Usual });
                }
            }
            Err(trouble) => self.fail(trouble),
        }
    }

    /// The conflict was shown, and this is what was said to it.
    pub fn presented(&mut self, result: Result<ResolveInfo, Trouble>) {
        let info = match result {
            Ok(info) => info,
            Err(trouble) => return self.fail(trouble),
        };
        match (info.next_step(), info.carried_out()) {
            (NextStep::Default, _) if self.by == By::Own => self.show(By::Usual),
            // There is nobody after the usual one.
            (NextStep::Default, _) => self.next(Decided::Skipped),
            (NextStep::Cancel, None) => self.end(Decided::Skipped),
            (NextStep::Cancel, Some(_)) => self.end(Decided::Done),
            (NextStep::Continue, done) => {
                self.set_rule(&info);
                match done {
                    Some(feedback) => self.carried_out(Ok(feedback)),
                    None => self.decide(&info),
                }
            }
        }
    }

    /// The decision was carried out, or kept to be carried out with others, or failed.
    pub fn carried_out(&mut self, result: Result<Feedback, Trouble>) {
        match result {
            Ok(Feedback::Continue) => self.next(Decided::Done),
            Ok(Feedback::Refresh) => {
                self.rule = None;
                self.begin();
            }
            Ok(Feedback::Cancel) => self.end(Decided::Done),
            Err(trouble) => self.fail(trouble),
        }
    }

    /// A person saw what went wrong and says how to go on.
    pub fn proceed(&mut self, how: Proceed) {
        let Ask::Failed(_, trouble) = &self.ask else {
            return;
        };
        let failed = Decided::Failed(trouble.clone());
        match how {
            Proceed::Retry if self.n_tries < TRIES_MAX => self.begin(),
            Proceed::Retry | Proceed::Skip => self.next(failed),
            Proceed::Cancel => self.end(failed),
        }
    }

    fn case(&self) -> Option<&Case> {
        self.cases.get(self.at)
    }

    /// Begins with the conflict at hand, for the first time or again.
    fn begin(&mut self) {
        if self.case().is_none() {
            self.ask = Ask::End;
            return;
        }
        self.n_tries += 1;
        self.ask = if self.n_tries > TRIES_MAX {
            let detail = "its handler wants it decided again and again";
            Ask::Failed(
                self.at,
                Trouble::new(Code::NotPossible).with("detail", detail),
            )
        } else {
            Ask::Look(self.at)
        };
    }

    fn next(&mut self, outcome: Decided) {
        self.settle(outcome);
        self.at += 1;
        if let Some(n) = self
            .case()
            .map(Case::sort)
            .and_then(|it| self.n_after.get_mut(&it))
        {
            *n -= 1;
        }
        self.n_tries = 0;
        self.begin();
    }

    fn end(&mut self, outcome: Decided) {
        self.settle(outcome);
        self.ask = Ask::End;
    }

    fn settle(&mut self, outcome: Decided) {
        if let Some(of_this) = self.outcomes.get_mut(self.at) {
            *of_this = outcome;
        }
    }

    /// After a failure nothing applies to all any more: what failed once would fail on (spec 154).
    fn fail(&mut self, trouble: Trouble) {
        self.rule = None;
        self.ask = Ask::Failed(self.at, trouble);
    }

    fn show(&mut self, by: By) {
        self.by = by;
        self.ask = Ask::Present(self.at, by, ResolveInfo::new(self.iteration()));
    }

    /// Returns where the loop stands (spec 151).
    fn iteration(&self) -> Iteration {
        let sort = self.case().map(Case::sort);
        Iteration {
            index: self.at,
            n_total: self.cases.len(),
            n_remaining: sort
                .and_then(|it| self.n_after.get(&it).copied())
                .unwrap_or(0),
        }
    }

    fn set_rule(&mut self, info: &ResolveInfo) {
        let (choice, applies_to_all) = info.choice();
        let is_choice = *choice != PresenterChoice::NoChoice;
        self.rule = match self.case() {
            Some(case) if applies_to_all && is_choice => Some(Rule {
                handler: case.address.handler.clone(),
                kind: case.kind.clone(),
                choice: choice.clone(),
                items: info.item_choices().to_vec(),
            }),
            // A choice for this one alone leaves what applies to others.
            Some(_) | None => self.rule.take(),
        };
    }

    /// Decides by what applies to all, without showing anything; returns whether it could. What
    /// does not fit this conflict is not applied to it: it is shown.
    fn apply_rule(&mut self) -> bool {
        let (Some(rule), Some(case)) = (&self.rule, self.case()) else {
            return false;
        };
        if rule.handler != case.address.handler || rule.kind != case.kind {
            return false;
        }
        let mut info = ResolveInfo::new(self.iteration());
        info.set_choice(rule.choice.clone(), true);
        info.set_item_choices(&rule.items);
        match self.decision(&info) {
            Ok(Some(decision)) => self.ask = Ask::CarryOut(self.at, decision),
            Ok(None) => self.next(Decided::Skipped),
            Err(_) => return false,
        }
        true
    }

    fn decide(&mut self, info: &ResolveInfo) {
        match self.decision(info) {
            Ok(Some(decision)) => self.ask = Ask::CarryOut(self.at, decision),
            Ok(None) => self.next(Decided::Skipped),
            Err(trouble) => self.fail(trouble),
        }
    }

    /// Turns a choice into a decision that this conflict can have (spec 143–148).
    fn decision(&self, info: &ResolveInfo) -> Result<Option<Decision>, Trouble> {
        let not_possible = |detail: &str| Trouble::new(Code::NotPossible).with("detail", detail);
        if !self.known.abilities.contains(info.choice().0.needs()) {
            return Err(not_possible("this conflict cannot be decided in this way"));
        }
        info.decision(self.known.n_contents)
            .map_err(|_| not_possible("it was not said which of its contents to keep"))
    }
}

#[cfg(test)]
mod tests;
