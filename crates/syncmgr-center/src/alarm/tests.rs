//! Stories of items, and what is told of them; then laws that hold for all stories.

use proptest::prelude::*;
use syncmgr_model::alarm::AlarmKind;
use syncmgr_model::id::ItemId;
use syncmgr_model::status::Status;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::{Alarms, Policy, Sight, Stale, Streak};

const MINUTE: i64 = 60_000;

/// Tells the story of one item; each step comes a minute after the one before.
struct Story {
    alarms: Alarms,
    policy: Policy,
    minute: i64,
    quiet_until: Option<i64>,
}

impl Story {
    fn new(policy: Policy) -> Self {
        Self {
            alarms: Alarms::default(),
            policy,
            minute: 0,
            quiet_until: None,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.minute * MINUTE)
    }

    #[track_caller]
    fn see(&mut self, change: impl FnOnce(&mut Sight), expected: &str) {
        let mut sight = docs(Status::Ok);
        change(&mut sight);
        self.alarms.observe(&sight, &self.policy, self.now());
        self.look(expected);
    }

    /// Asks what is due, as the kinds in order; a reminder with `again`, an end with what ended.
    #[track_caller]
    fn look(&mut self, expected: &str) {
        assert_eq!(self.told(), expected, "minute {}", self.minute);
        self.minute += 1;
    }

    fn told(&mut self) -> String {
        let quiet = self.quiet_until.filter(|&end| self.minute < end);
        let alarms = self.alarms.due(
            &self.policy,
            self.now(),
            quiet.map(|it| Timestamp(it * MINUTE)),
        );
        // What a restart gives back must lead to the same story.
        self.alarms = Alarms {
            silent: self.alarms.silent.clone(),
            ..Alarms::restore(self.alarms.rows().cloned().collect())
        };
        let words: Vec<_> = alarms
            .iter()
            .map(|alarm| {
                let ended: Vec<_> = alarm.ended.iter().map(|kind| kind.as_str()).collect();
                let again = if alarm.is_reminder { " again" } else { "" };
                format!("{}{again}{}", alarm.kind.as_str(), brackets(&ended))
            })
            .collect();
        words.join(", ")
    }
}

fn brackets(words: &[&str]) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!("({})", words.join(" "))
    }
}

fn docs(status: Status) -> Sight {
    Sight::of(ItemId::new("files-1").unwrap(), "docs", status)
}

fn ok(_: &mut Sight) {}

fn held(sight: &mut Sight) {
    sight.status = Status::Held;
    sight.n_held = 25;
    sight.trouble = Some(Trouble::new(Code::TooManyDeletions));
}

fn failing(n: u64, since_minute: i64) -> impl FnOnce(&mut Sight) {
    move |sight| {
        sight.status = Status::Failed;
        sight.failing = Some(Streak {
            since: Timestamp(since_minute * MINUTE),
            n,
        });
    }
}

#[test]
fn held_changes_are_told_at_once_and_once() {
    let mut story = Story::new(Policy::default());
    story.see(ok, "");
    story.see(held, "held");
    story.see(held, "");
    story.see(ok, "recovered(held)");
    story.see(ok, "");
    story.see(held, "held");
}

#[test]
fn a_failure_is_told_the_third_time() {
    let mut story = Story::new(Policy::default());
    story.see(failing(1, 0), "");
    story.see(failing(2, 0), "");
    story.see(failing(3, 0), "failed");
    story.see(failing(4, 0), "");
    story.see(ok, "recovered(failed)");
}

#[test]
fn a_failure_that_lasts_an_hour_is_told_without_another_run() {
    let mut story = Story::new(Policy::default());
    story.see(failing(1, 0), "");
    let next = story.alarms.next(&story.policy, None);
    assert_eq!(next, Some(Timestamp(60 * MINUTE)));
    story.minute = 59;
    story.look("");
    story.look("failed");
    assert_eq!(story.alarms.next(&story.policy, None), None);
}

#[test]
fn a_failure_that_passes_is_never_told() {
    let mut story = Story::new(Policy::default());
    story.see(failing(2, 0), "");
    story.see(ok, "");
    story.minute = 100;
    story.look("");
}

#[test]
fn a_run_in_progress_neither_ends_nor_repeats_a_failure() {
    let mut story = Story::new(Policy::default());
    story.see(failing(3, 0), "failed");
    for status in [Status::Waiting, Status::Checking, Status::Syncing] {
        story.see(
            |sight| {
                failing(3, 0)(sight);
                sight.status = status;
            },
            "",
        );
    }
    story.see(failing(4, 0), "");
}

#[test]
fn a_handler_that_does_not_answer_counts_as_failing() {
    let mut story = Story::new(Policy::default());
    let silent = |sight: &mut Sight| sight.status = Status::Unknown;
    story.see(silent, "");
    story.minute = 60;
    story.see(silent, "failed");
    story.see(ok, "recovered(failed)");
}

#[test]
fn a_sign_in_is_told_at_once_and_instead_of_a_failure() {
    let mut story = Story::new(Policy::default());
    let sign_in = |n| {
        move |sight: &mut Sight| {
            failing(n, 0)(sight);
            sight.trouble = Some(Trouble::new(Code::SignInNeeded));
        }
    };
    story.see(sign_in(1), "sign-in");
    story.see(sign_in(5), "");
    story.see(ok, "recovered(sign-in)");
}

#[test]
fn a_failure_behind_held_changes_is_not_said_to_be_over() {
    let mut story = Story::new(Policy::default());
    let both = |sight: &mut Sight| {
        failing(4, 0)(sight);
        held(sight);
    };
    story.see(failing(3, 0), "failed");
    story.see(both, "held");
    story.see(failing(5, 0), "recovered(held)");
    story.see(ok, "recovered(failed)");
}

#[test]
fn conflicts_are_one_summary() {
    let mut story = Story::new(Policy::default());
    let conflicts = |n| move |sight: &mut Sight| sight.n_conflicts = n;
    story.see(conflicts(7), "conflicts");
    story.see(conflicts(9), "");
    story.see(conflicts(0), "recovered(conflicts)");
}

#[test]
fn overdue_is_told_when_it_lasts() {
    let mut story = Story::new(Policy::default());
    let overdue = |sight: &mut Sight| sight.overdue_since = Some(Timestamp(0));
    story.see(overdue, "");
    let next = story.alarms.next(&story.policy, None);
    assert_eq!(next, Some(Timestamp(60 * MINUTE)));
    story.minute = 60;
    story.look("overdue");
    story.see(overdue, "");
    story.see(ok, "recovered(overdue)");
}

#[test]
fn too_old_is_told_even_while_a_run_is_on() {
    let mut story = Story::new(Policy::default());
    story.see(
        |sight| {
            sight.status = Status::Syncing;
            sight.stale = Some(Stale {
                since: Timestamp(0),
                last_good: None,
            });
        },
        "too-old",
    );
    story.see(ok, "recovered(too-old)");
}

#[test]
fn quiet_hours_gather_and_the_most_urgent_comes_first() {
    let mut story = Story::new(Policy::default());
    story.quiet_until = Some(10);
    let both = |sight: &mut Sight| {
        held(sight);
        sight.n_conflicts = 2;
    };
    story.see(|sight| sight.n_conflicts = 2, "");
    story.see(both, "");
    let next = story
        .alarms
        .next(&story.policy, Some(Timestamp(10 * MINUTE)));
    assert_eq!(next, Some(Timestamp(10 * MINUTE)));
    story.minute = 10;
    story.look("held, conflicts");
    story.look("");
}

#[test]
fn what_comes_and_goes_in_quiet_hours_is_never_told() {
    let mut story = Story::new(Policy::default());
    story.quiet_until = Some(10);
    story.see(held, "");
    story.see(ok, "");
    story.minute = 10;
    story.look("");
}

#[test]
fn an_end_that_did_not_outlast_quiet_hours_is_never_told() {
    let mut story = Story::new(Policy::default());
    story.see(held, "held");
    story.quiet_until = Some(10);
    story.see(ok, "");
    story.see(held, "");
    story.minute = 10;
    story.look("");
    story.see(ok, "recovered(held)");
}

#[test]
fn a_reminder_comes_only_when_wanted() {
    let mut story = Story::new(Policy {
        repeat_ms: Some(24 * 60 * 60_000),
        ..Policy::default()
    });
    story.see(held, "held");
    story.see(held, "");
    story.minute = 24 * 60;
    story.look("held again");
    story.look("");
    story.minute = 10;
    // The clock was set back by a day; the next reminder counts from now.
    story.look("");
    story.minute = 24 * 60 + 10;
    story.look("held again");
}

#[test]
fn a_clock_set_back_does_not_silence_a_failure() {
    let mut story = Story::new(Policy::default());
    story.minute = 10;
    story.see(failing(1, 1_000_000), "");
    story.minute = 71;
    story.look("failed");
}

#[test]
fn paused_is_silent_and_off_forgets() {
    let mut story = Story::new(Policy::default());
    story.see(held, "held");
    let paused = |sight: &mut Sight| {
        failing(9, 0)(sight);
        sight.status = Status::Paused;
    };
    story.see(paused, "");
    assert_eq!(story.alarms.next(&story.policy, None), None);
    story.see(failing(9, 0), "failed, recovered(held)");
    story.see(|sight| sight.status = Status::Off, "");
    assert_eq!(story.alarms.rows().count(), 0);
    story.see(ok, "");
}

#[derive(Debug, Clone)]
struct Step {
    minutes: i64,
    status: u8,
    n_held: u64,
    n_conflicts: u64,
    n_failures: u64,
    is_quiet: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..90i64, 0..6u8, 0..2u64, 0..2u64, 0..5u64, any::<bool>()).prop_map(
        |(minutes, status, n_held, n_conflicts, n_failures, is_quiet)| Step {
            minutes,
            status,
            n_held,
            n_conflicts,
            n_failures,
            is_quiet,
        },
    );
    proptest::collection::vec(step, 1..40)
}

fn sight(step: &Step) -> Sight {
    let all = [
        Status::Ok,
        Status::Syncing,
        Status::Failed,
        Status::Paused,
        Status::Unknown,
        Status::Waiting,
    ];
    let mut sight = docs(all[usize::from(step.status)]);
    sight.n_held = step.n_held;
    sight.n_conflicts = step.n_conflicts;
    sight.failing = (step.n_failures > 0).then_some(Streak {
        since: Timestamp(0),
        n: step.n_failures,
    });
    sight
}

proptest! {
    /// Without reminders, each kind is told and ended in turns; nothing is told in quiet hours or
    /// of a paused item; asking twice tells nothing new; and when it is all over nothing is kept.
    #[test]
    fn told_and_over_take_turns(steps in steps()) {
        let policy = Policy::default();
        let mut alarms = Alarms::default();
        let mut open: Vec<AlarmKind> = Vec::new();
        let mut minute = 0;
        for step in &steps {
            minute += step.minutes;
            let now = Timestamp(minute * MINUTE);
            let sight = sight(step);
            alarms.observe(&sight, &policy, now);
            let quiet = step.is_quiet.then_some(Timestamp(now.0 + 1));
            let told = alarms.due(&policy, now, quiet);
            prop_assert!(told.is_empty() || (!step.is_quiet && sight.status != Status::Paused));
            for alarm in &told {
                prop_assert!(!alarm.is_reminder);
                if alarm.kind == AlarmKind::Recovered {
                    for kind in &alarm.ended {
                        let at = open.iter().position(|it| it == kind);
                        prop_assert!(at.is_some(), "{kind:?} was never told");
                        open.remove(at.unwrap());
                    }
                }
            }
            for alarm in told.iter().filter(|alarm| alarm.kind != AlarmKind::Recovered) {
                prop_assert!(!open.contains(&alarm.kind), "{:?} is told twice", alarm.kind);
                open.push(alarm.kind);
            }
            prop_assert_eq!(alarms.due(&policy, now, quiet), vec![]);
        }
        let now = Timestamp((minute + 1) * MINUTE);
        alarms.observe(&docs(Status::Ok), &policy, now);
        let n_ended: usize = alarms.due(&policy, now, None).iter().map(|it| it.ended.len()).sum();
        prop_assert_eq!(n_ended, open.len());
        prop_assert_eq!(alarms.rows().count(), 0);
        prop_assert_eq!(alarms.next(&policy, None), None);
    }
}
