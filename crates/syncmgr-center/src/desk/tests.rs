//! The loop, as tables of what is asked after what was said.

use std::collections::VecDeque;

use syncmgr_model::id::ItemId;
use syncmgr_model::request::{Choice, ChoiceOn};
use syncmgr_model::resolution::{KeptItem, Substitute};
use syncmgr_model::side::Side;

use super::*;

const ALL: Known = Known {
    abilities: Abilities::all(),
    n_contents: 2,
    has_own: false,
};

/// Builds conflicts from words like `files:both`: a handler and a kind.
fn cases(words: &[&str]) -> Vec<Case> {
    let case = |(n, word): (usize, &&str)| {
        let (handler, kind) = word.split_once(':').unwrap();
        Case {
            address: Address {
                handler: HandlerId::new(handler).unwrap(),
                item: Some(ItemId::new("pair").unwrap()),
                id: n.to_string().into_bytes(),
            },
            kind: kind.to_owned(),
        }
    };
    words.iter().enumerate().map(case).collect()
}

fn said(choice: PresenterChoice, items: &[usize], to_all: bool) -> ResolveInfo {
    let mut info = ResolveInfo::default();
    info.set_choice(choice, to_all);
    info.set_item_choices(items);
    info
}

fn step(step: NextStep) -> ResolveInfo {
    let mut info = ResolveInfo::default();
    info.set_next_step(step);
    info
}

fn keep(index: usize) -> Decision {
    Decision::KeepItems(vec![KeptItem { index, name: None }])
}

fn trouble() -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", "no")
}

/// A desk where everything is said beforehand, and everything asked is noted.
#[derive(Default)]
struct Script {
    known: Option<Known>,
    says: VecDeque<Result<ResolveInfo, Trouble>>,
    feedback: VecDeque<Result<Carried, Trouble>>,
    proceeds: VecDeque<Proceed>,
    sessions: VecDeque<Result<(), Trouble>>,
    log: Vec<String>,
}

struct Show<'a>(&'a std::cell::RefCell<Script>);
struct Do<'a>(&'a std::cell::RefCell<Script>);

impl Presenter for Show<'_> {
    fn present(&mut self, index: usize, by: By, info: &mut ResolveInfo) -> Result<(), Trouble> {
        let mut script = self.0.borrow_mut();
        let i = info.iteration();
        let at = format!("{}/{}+{}", i.index, i.n_total, i.n_remaining);
        script.log.push(format!("show {index} {by:?} {at}"));
        *info = script.says.pop_front().expect("something to say")?;
        Ok(())
    }

    fn failed(&mut self, index: usize, _trouble: &Trouble) -> Proceed {
        let mut script = self.0.borrow_mut();
        script.log.push(format!("failed {index}"));
        script.proceeds.pop_front().expect("a way to go on")
    }
}

impl Resolver for Do<'_> {
    fn look(&mut self, _index: usize) -> Result<Known, Trouble> {
        Ok(self.0.borrow().known.unwrap_or(ALL))
    }

    fn carry_out(&mut self, index: usize, decision: &Decision) -> Result<Carried, Trouble> {
        let mut script = self.0.borrow_mut();
        let what = match decision {
            Decision::KeepItems(items) => {
                let indexes: Vec<_> = items.iter().map(|item| item.index).collect();
                format!("keep {indexes:?}")
            }
            Decision::KeepRecent => "recent".to_owned(),
            Decision::KeepOther(_) => "other".to_owned(),
            Decision::RemoveFromSyncSet => "remove".to_owned(),
        };
        script.log.push(format!("do {index} {what}"));
        let now = Ok(Carried::Now(Feedback::Continue));
        script.feedback.pop_front().unwrap_or(now)
    }

    fn carry_out_all(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let mut script = self.0.borrow_mut();
        let named = |it: &ChoiceOn| match &it.seen {
            Some(seen) => format!("{}@{seen}", it.conflict),
            None => it.conflict.clone(),
        };
        let ids: Vec<_> = batch.choices.iter().map(named).collect();
        let entry = format!("session {} {}", batch.handler, ids.join(" "));
        script.log.push(entry);
        script.sessions.pop_front().unwrap_or(Ok(()))
    }
}

#[track_caller]
fn check(words: &[&str], script: Script, log: &[&str], outcomes: &[&str]) {
    let script = std::cell::RefCell::new(script);
    let ended = resolve(cases(words), &mut Show(&script), &mut Do(&script));
    let short = |decided: &Decided| match decided {
        Decided::Done => "done",
        Decided::Skipped => "skipped",
        Decided::Untouched => "untouched",
        Decided::Failed(_) => "failed",
    };
    assert_eq!(script.borrow().log, log);
    assert_eq!(ended.iter().map(short).collect::<Vec<_>>(), outcomes);
}

fn says(says: &[ResolveInfo]) -> Script {
    Script {
        says: says.iter().cloned().map(Ok).collect(),
        ..Script::default()
    }
}

use PresenterChoice as P;

/// spec 144–148, 151: one decision of each kind, with the place of each conflict in the set.
#[test]
fn every_choice_is_carried_out() {
    let other = P::KeepOther(Substitute::Bytes(b"merged".to_vec()));
    check(
        &["a:x"; 7],
        says(&[
            said(P::KeepOne, &[1], false),
            said(P::KeepMultiple, &[0, 1], false),
            said(P::KeepRecent, &[], false),
            said(other, &[], false),
            said(P::RemoveFromSyncSet, &[], false),
            said(P::Skip, &[], false),
            said(P::NoChoice, &[], false),
        ]),
        &[
            "show 0 Usual 0/7+6",
            "do 0 keep [1]",
            "show 1 Usual 1/7+5",
            "do 1 keep [0, 1]",
            "show 2 Usual 2/7+4",
            "do 2 recent",
            "show 3 Usual 3/7+3",
            "do 3 other",
            "show 4 Usual 4/7+2",
            "do 4 remove",
            "show 5 Usual 5/7+1",
            "show 6 Usual 6/7+0",
        ],
        &["done", "done", "done", "done", "done", "skipped", "skipped"],
    );
}

/// spec 143, 145, 146, 147, 154: what the handler cannot do is refused, and asked about.
#[test]
fn abilities_are_needed() {
    for choice in [
        said(P::KeepMultiple, &[0, 1], false),
        said(P::KeepRecent, &[], false),
        said(P::KeepOther(Substitute::Merge), &[], false),
        said(P::RemoveFromSyncSet, &[], false),
    ] {
        let mut script = says(&[choice]);
        script.known = Some(Known {
            abilities: Abilities::empty(),
            ..ALL
        });
        script.proceeds = [Proceed::Skip].into();
        check(
            &["a:x"],
            script,
            &["show 0 Usual 0/1+0", "failed 0"],
            &["failed"],
        );
    }
    let mut script = says(&[said(P::KeepOne, &[0], false)]);
    script.known = Some(Known {
        abilities: Abilities::empty(),
        ..ALL
    });
    check(
        &["a:x"],
        script,
        &["show 0 Usual 0/1+0", "do 0 keep [0]"],
        &["done"],
    );
}

/// spec 150, 159, 160: who shows it first, and what each next step does.
#[test]
fn next_steps_steer_the_loop() {
    let own = Some(Known {
        has_own: true,
        ..ALL
    });
    let mut script = says(&[
        step(NextStep::Default),
        said(P::KeepOne, &[0], false),
        said(P::KeepOne, &[1], false),
        step(NextStep::Cancel),
    ]);
    script.known = own;
    check(
        &["a:x"; 4],
        script,
        &[
            "show 0 Own 0/4+3",
            "show 0 Usual 0/4+3",
            "do 0 keep [0]",
            "show 1 Own 1/4+2",
            "do 1 keep [1]",
            "show 2 Own 2/4+1",
        ],
        &["done", "done", "skipped", "untouched"],
    );
    check(
        &["a:x"],
        says(&[step(NextStep::Default)]),
        &["show 0 Usual 0/1+0"],
        &["skipped"],
    );
}

/// spec 159, 160: what a presenter carried out itself is not done again.
#[test]
fn who_did_it_itself_is_believed() {
    let mut info = said(P::KeepOne, &[0], false);
    info.set_carried_out(Feedback::Cancel);
    check(
        &["a:x"; 2],
        says(&[info]),
        &["show 0 Usual 0/2+1"],
        &["done", "untouched"],
    );
}

/// spec 151, 152: what applies to all is repeated for the same kind and handler, unseen.
#[test]
fn apply_to_all_is_for_the_same_kind_and_handler() {
    check(
        &["a:x", "a:y", "b:x", "a:x", "a:x"],
        says(&[
            said(P::KeepOne, &[1], true),
            said(P::KeepRecent, &[], false),
            said(P::Skip, &[], false),
        ]),
        &[
            "show 0 Usual 0/5+2",
            "do 0 keep [1]",
            "show 1 Usual 1/5+0",
            "do 1 recent",
            "show 2 Usual 2/5+0",
            "do 3 keep [1]",
            "do 4 keep [1]",
        ],
        &["done", "done", "skipped", "done", "done"],
    );
    check(
        &["a:x"; 3],
        says(&[said(P::Skip, &[], true)]),
        &["show 0 Usual 0/3+2"],
        &["skipped", "skipped", "skipped"],
    );
}

/// spec 152: what does not fit a conflict is not applied to it.
#[test]
fn apply_to_all_shows_what_it_does_not_fit() {
    let mut round = Round::new(cases(&["a:x", "a:x"]));
    round.looked(Ok(Known {
        n_contents: 3,
        ..ALL
    }));
    round.presented(Ok(said(P::KeepOne, &[2], true)));
    assert_eq!(*round.ask(), Ask::CarryOut(0, keep(2)));
    round.carried_out(Ok(Feedback::Continue));
    round.looked(Ok(ALL));
    assert!(matches!(round.ask(), Ask::Present(1, By::Usual, _)));
}

/// spec 149, 153: feedback steers the loop; `Refresh` ends what applies to all and shows it again.
#[test]
fn feedback_steers_the_loop() {
    let now = |feedback| Ok(Carried::Now(feedback));
    let mut script = says(&[
        said(P::KeepOne, &[0], true),
        said(P::KeepOne, &[1], false),
        said(P::KeepRecent, &[], false),
    ]);
    script.feedback = [
        now(Feedback::Continue),
        now(Feedback::Refresh),
        now(Feedback::Continue),
        now(Feedback::Cancel),
    ]
    .into();
    check(
        &["a:x"; 4],
        script,
        &[
            "show 0 Usual 0/4+3",
            "do 0 keep [0]",
            "do 1 keep [0]",
            "show 1 Usual 1/4+2",
            "do 1 keep [1]",
            "show 2 Usual 2/4+1",
            "do 2 recent",
        ],
        &["done", "done", "done", "untouched"],
    );
}

/// spec 153: a handler that never has enough does not keep the loop for ever.
#[test]
fn endless_refreshing_ends() {
    let mut round = Round::new(cases(&["a:x"]));
    let mut n = 0;
    while let Ask::Look(_) = round.ask() {
        n += 1;
        round.looked(Ok(ALL));
        round.presented(Ok(said(P::KeepOne, &[0], false)));
        round.carried_out(Ok(Feedback::Refresh));
    }
    assert_eq!(n, TRIES_MAX);
    round.proceed(Proceed::Retry);
    assert_eq!(*round.ask(), Ask::End);
}

/// spec 154: a failure is shown, ends what applies to all, and the answer steers the loop.
#[test]
fn a_failure_asks_how_to_proceed() {
    let mut script = says(&[
        said(P::KeepOne, &[0], true),
        said(P::KeepOne, &[1], false),
        said(P::KeepOne, &[1], false),
    ]);
    script.feedback = [
        Ok(Carried::Now(Feedback::Continue)),
        Err(trouble()),
        Err(trouble()),
        Err(trouble()),
    ]
    .into();
    script.proceeds = [Proceed::Retry, Proceed::Skip, Proceed::Cancel].into();
    check(
        &["a:x"; 4],
        script,
        &[
            "show 0 Usual 0/4+3",
            "do 0 keep [0]",
            "do 1 keep [0]",
            "failed 1",
            "show 1 Usual 1/4+2",
            "do 1 keep [1]",
            "failed 1",
            "show 2 Usual 2/4+1",
            "do 2 keep [1]",
            "failed 2",
        ],
        &["done", "failed", "failed", "untouched"],
    );
    let script = Script {
        says: [Err(trouble())].into(),
        proceeds: [Proceed::Skip].into(),
        ..Script::default()
    };
    check(
        &["a:x"],
        script,
        &["show 0 Usual 0/1+0", "failed 0"],
        &["failed"],
    );
}

/// spec 144, 152: decisions that sessions carry out become one session for each item.
#[test]
fn decisions_are_handed_over_together() {
    let later = || Ok(Carried::Later(Choice::Keep(Side::Left), "s".to_owned()));
    let mut script = says(&[said(P::KeepOne, &[0], true), said(P::KeepOne, &[0], false)]);
    script.feedback = [later(), later(), later()].into();
    check(
        &["a:x", "b:x", "a:x"],
        script,
        &[
            "show 0 Usual 0/3+1",
            "do 0 keep [0]",
            "show 1 Usual 1/3+0",
            "do 1 keep [0]",
            "do 2 keep [0]",
            "session a 0@s 2@s",
            "session b 1@s",
        ],
        &["done", "done", "done"],
    );
}

/// spec 154: a session that failed is asked about too; what was decided before a cancel is carried
/// out.
#[test]
fn a_failed_session_asks_how_to_proceed() {
    let later = || Ok(Carried::Later(Choice::KeepNewest, "s".to_owned()));
    let mut script = says(&[
        said(P::KeepRecent, &[], false),
        said(P::KeepRecent, &[], false),
        step(NextStep::Cancel),
    ]);
    script.feedback = [later(), later()].into();
    script.sessions = [Err(trouble()), Err(trouble())].into();
    script.proceeds = [Proceed::Retry, Proceed::Cancel].into();
    check(
        &["a:x", "b:x", "b:x"],
        script,
        &[
            "show 0 Usual 0/3+0",
            "do 0 recent",
            "show 1 Usual 1/3+1",
            "do 1 recent",
            "show 2 Usual 2/3+0",
            "session a 0@s",
            "failed 0",
            "session a 0@s",
            "failed 0",
        ],
        &["failed", "untouched", "skipped"],
    );
}

/// An empty set needs nothing.
#[test]
fn nothing_to_decide() {
    check(&[], Script::default(), &[], &[]);
}
