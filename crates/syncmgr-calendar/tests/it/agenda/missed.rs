//! What nobody was there for: sleep, a program that is off, a clock that jumps.

use syncmgr_center::agenda::{End, Missed, Reason};
use syncmgr_model::schedule::CatchUp;

use super::desk::{Desk, at};
use crate::tables::utc;

fn missed(first: &str, last: &str, n: u32, n_runs: u32) -> Missed {
    Missed {
        schedule: "plan".to_owned(),
        first: utc(first),
        last: utc(last),
        n,
        is_at_least: false,
        n_runs,
    }
}

fn hourly(catch_up: CatchUp) -> Desk {
    Desk::new(&["every 1h from 2026-11-20 00:00"], |it| {
        it.catch_up = catch_up;
    })
}

const FIRST: &str = "2026-11-20T11:00:00Z";
const LAST: &str = "2026-11-20T15:00:00Z";

#[test]
fn one_run_makes_up_for_all() {
    let mut desk = hourly(CatchUp::Once);
    let look = desk.sleep("5h30m");
    assert_eq!(look.missed, [missed(FIRST, LAST, 5, 1)]);
    assert!(desk.look().missed.is_empty(), "said once");
    let due = desk.run(End::Success);
    assert_eq!(
        (due.reason, due.n, due.since),
        (Reason::CatchUp, 5, utc(FIRST))
    );
    assert_eq!(desk.look().due, None);
}

#[test]
fn one_run_is_enough_when_it_was_missed_twice() {
    let mut desk = hourly(CatchUp::Once);
    desk.schedules[0].conditions.on_external_power = true;
    desk.machine.is_on_power = Some(false);
    desk.sleep("5h30m");
    assert_eq!(desk.sleep("5h").missed.len(), 1);
    desk.machine.is_on_power = Some(true);
    assert_eq!(desk.run(End::Success).n, 10);
    assert_eq!(desk.look().due, None);
}

#[test]
fn every_missed_run_is_made_up_for_where_asked_for_but_not_more_than_ten() {
    for (sleep, n_expected) in [("5h30m", 5), ("30d", 10)] {
        let mut desk = hourly(CatchUp::All);
        desk.sleep(sleep);
        let mut n_runs = 0;
        while desk.look().can_start() {
            desk.run(End::Success);
            n_runs += 1;
        }
        // After 30 days it is on the hour, so one of them is on time.
        assert_eq!(n_runs, n_expected, "{sleep}");
    }
}

#[test]
fn runs_that_catch_up_and_fail_wait_like_any_retry() {
    let mut desk = hourly(CatchUp::All);
    desk.sleep("5h30m");
    desk.run(End::Failed(syncmgr_model::catalogue::Retry::Later));
    assert!(!desk.look().can_start());
    desk.wait("30s");
    desk.run(End::Success);
    assert_eq!(desk.run(End::Success).reason, Reason::CatchUp);
}

#[test]
fn time_that_goes_by_is_not_worth_a_write() {
    let mut desk = hourly(CatchUp::Once);
    let saved = desk.agenda.memory().clone();
    desk.sleep("10m");
    assert!(!desk.agenda.memory().differs_from(&saved));
    desk.wait("50m");
    assert!(desk.agenda.memory().differs_from(&saved));
}

#[test]
fn what_is_passed_over_is_reported_once_and_overdue_until_a_run() {
    let mut desk = hourly(CatchUp::Skip);
    let look = desk.sleep("5h30m");
    assert_eq!(look.missed, [missed(FIRST, LAST, 5, 0)]);
    assert_eq!((look.due, look.overdue_since), (None, Some(utc(FIRST))));
    desk.restart();
    let look = desk.look();
    assert!(look.missed.is_empty());
    assert_eq!(look.overdue_since, Some(utc(FIRST)));
    desk.wait("30m");
    assert_eq!(desk.run(End::Success).reason, Reason::Schedule);
    assert_eq!(desk.look().overdue_since, None);
}

#[test]
fn a_look_a_little_late_is_still_on_time() {
    let mut desk = hourly(CatchUp::Skip);
    let look = desk.sleep("1h1m");
    assert!(look.missed.is_empty());
    assert_eq!(desk.run(End::Success).reason, Reason::Schedule);
    assert_eq!(desk.sleep("1h1s").missed.len(), 1);
}

#[test]
fn a_run_on_time_covers_the_missed_ones_too() {
    let mut desk = hourly(CatchUp::Once);
    desk.sleep("5h");
    let due = desk.run(End::Success);
    assert_eq!((due.reason, due.n), (Reason::Schedule, 1));
    assert_eq!(desk.look().due, None);
}

#[test]
fn a_clock_that_is_set_back_runs_nothing_again() {
    let mut desk = hourly(CatchUp::Once);
    desk.wait("1h");
    desk.run(End::Success);
    let look = desk.set_back("3h");
    assert_eq!((look.due, look.missed.len()), (None, 0));
    let look = desk.wait("3h30m");
    assert_eq!(
        (look.due, at(look.next_due)),
        (None, "2026-11-20T12:00:00Z".to_owned())
    );
    desk.wait("30m");
    assert_eq!(desk.run(End::Success).n, 1);
}

#[test]
fn a_clock_that_was_years_ahead_stops_nothing_once_it_is_right() {
    let mut desk = hourly(CatchUp::Once);
    desk.schedules[0]
        .triggers
        .push("every 30m".parse().unwrap());
    desk.look();
    let look = desk.sleep("1500d");
    assert_eq!((look.missed[0].n, look.missed[0].is_at_least), (1000, true));
    desk.run(End::Failed(syncmgr_model::catalogue::Retry::Later));
    desk.set_back("1500d");
    let look = desk.wait("1h");
    assert!(look.can_start());
    assert_eq!(at(look.next_due), "2026-11-20T11:30:00Z");
}

#[test]
fn a_clock_that_leaps_ahead_is_as_if_the_machine_had_slept() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    let look = desk.sleep("1d");
    assert_eq!(look.missed.len(), 1);
    assert_eq!(desk.run(End::Success).reason, Reason::CatchUp);
    desk.set_back("1d");
    assert_eq!(desk.wait("1d").due, None);
}

#[test]
fn the_program_may_be_killed_between_any_two_steps() {
    let mut desk = hourly(CatchUp::Once);
    desk.wait("1h");
    desk.restart();
    desk.sleep("10m");
    let due = desk.run(End::Success);
    assert_eq!((due.reason, due.n), (Reason::Schedule, 1));
    desk.restart();
    assert_eq!(desk.look().due, None);
    assert_eq!(at(desk.look().next_due), "2026-11-20T12:00:00Z");
}

#[test]
fn a_schedule_that_is_off_misses_nothing() {
    let mut desk = hourly(CatchUp::Once);
    desk.schedules[0].is_enabled = false;
    desk.look();
    desk.sleep("5h");
    desk.schedules[0].is_enabled = true;
    let look = desk.look();
    assert_eq!((look.missed.len(), look.due), (0, None));
}
