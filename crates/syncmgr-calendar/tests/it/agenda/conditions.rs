//! What keeps a run that is due from starting, and what makes it overdue.

use syncmgr_center::agenda::{End, Reason, Waiting};
use syncmgr_model::schedule::{Schedule, Zone};

use super::desk::{Desk, at};
use crate::tables::utc;

/// spec 197: idle for at least so long.
#[test]
fn a_run_waits_until_nobody_uses_the_machine() {
    let mut desk = Desk::new(&["daily 18:00"], |it| {
        it.conditions.idle_at_least_ms = Some(600_000);
    });
    let look = desk.wait("8h");
    assert_eq!(
        look.waiting_for[0].to_string(),
        "the computer to be idle for 10m"
    );
    assert_eq!(at(look.next_wake), "2026-11-20T18:10:00Z");
    desk.machine.idle_ms = None;
    assert!(
        desk.look().waiting_for[0]
            .to_string()
            .contains("cannot be seen")
    );
    desk.machine.idle_ms = Some(600_000);
    assert_eq!(desk.run(End::Success).reason, Reason::Schedule);
}

/// spec 197, 198: on external power; what is not known does not count as power.
#[test]
fn a_run_waits_for_power() {
    let mut desk = Desk::new(&["daily 18:00"], |it| {
        it.conditions.on_external_power = true;
    });
    for (power, is_known) in [(Some(false), true), (None, false)] {
        desk.machine.is_on_power = power;
        assert_eq!(desk.wait("8h").waiting_for, [Waiting::Power { is_known }]);
    }
    desk.machine.is_on_power = Some(true);
    desk.run(End::Success);
}

#[test]
fn a_run_waits_for_a_free_network_and_for_its_own() {
    let mut desk = Desk::new(&["daily 18:00"], |it| {
        it.conditions.on_unmetered_network = true;
        it.conditions.on_connection = Some("Home".to_owned());
    });
    desk.machine.is_unmetered = Some(false);
    let home = Waiting::Connection("Home".to_owned());
    let metered = Waiting::Unmetered { is_known: true };
    assert_eq!(desk.wait("8h").waiting_for, [metered, home.clone()]);
    desk.machine.is_unmetered = Some(true);
    assert_eq!(desk.look().waiting_for, [home]);
    desk.machine.connections.push("Home".to_owned());
    desk.run(End::Success);
}

/// spec 197: the machine may be woken for a timed run, if the schedule says so.
#[test]
fn the_machine_is_woken_only_where_asked_for() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    assert_eq!(desk.look().wake_machine_at, None);
    desk.schedules[0].conditions.may_wake = true;
    assert_eq!(at(desk.look().wake_machine_at), "2026-11-20T18:00:00Z");
}

/// spec 197: a run that is stopped because the idle time ended goes on when it is idle again.
#[test]
fn a_run_that_was_cut_short_goes_on_under_its_conditions() {
    let mut desk = Desk::new(&["daily 18:00"], |it| {
        it.conditions.idle_at_least_ms = Some(60_000);
        it.stop_when.idle_ends = true;
    });
    desk.wait("8h");
    desk.machine.idle_ms = Some(60_000);
    desk.run(End::CutShort);
    desk.machine.idle_ms = Some(0);
    let look = desk.look();
    assert!(matches!(look.waiting_for[..], [Waiting::Idle { .. }]));
    assert_eq!(desk.agenda.memory().failing.as_ref().unwrap().n_failures, 0);
    desk.machine.idle_ms = Some(60_000);
    assert_eq!(desk.run(End::Success).reason, Reason::Retry);
    assert_eq!(desk.look().due, None);
}

#[test]
fn what_is_due_outside_the_windows_waits_and_runs_once() {
    let mut desk = Desk::new(&["every 15m from 2026-11-20 00:00"], |it| {
        it.windows = vec!["mon-fri 08:00-18:00".parse().unwrap()];
        it.zone = Zone::Named("Europe/Prague".to_owned());
    });
    for _ in 0..27 {
        desk.wait("15m");
        desk.run(End::Success);
    }
    // 18:00 in Prague on a Friday: the next is on Monday, and nobody wakes up before.
    let look = desk.wait("15m");
    assert_eq!(at(look.next_wake), "2026-11-23T07:00:00Z");
    let look = desk.wait("2d15h");
    assert!(look.missed.is_empty());
    let due = desk.run(End::Success);
    assert_eq!(
        (due.reason, due.since),
        (Reason::Schedule, utc("2026-11-23T07:00:00Z"))
    );
    assert!(due.n > 200);
    assert_eq!(desk.look().due, None);
}

#[test]
fn changes_wait_for_the_window_too() {
    let mut desk = Desk::new(&["on change"], |it| {
        it.windows = vec!["daily 20:00-22:00".parse().unwrap()];
    });
    desk.changed();
    let look = desk.wait("1m");
    let opens = Some(utc("2026-11-20T20:00:00Z"));
    assert_eq!(look.waiting_for, [Waiting::Window { opens }]);
    assert_eq!(look.next_wake, opens);
    assert_eq!(desk.wait("10h").overdue_since, None);
    assert_eq!(desk.run(End::Success).reason, Reason::Change);
}

#[test]
fn another_schedule_that_can_start_goes_before_one_that_waits() {
    let mut desk = Desk::new(&["daily 18:00"], |it| {
        it.conditions.on_external_power = true;
    });
    let mut other = Schedule::new("other");
    other.triggers = vec!["on change".parse().unwrap()];
    desk.schedules.push(other);
    desk.machine.is_on_power = Some(false);
    desk.wait("8h");
    desk.changed();
    desk.wait("5s");
    assert_eq!(desk.run(End::Success).schedule, "other");
}

#[test]
fn what_is_due_during_a_pause_runs_once_afterwards() {
    let mut desk = Desk::new(&["every 1h from 2026-11-20 00:00"], |_| {});
    desk.machine.is_paused = true;
    assert_eq!(desk.look().next_wake, None);
    let look = desk.sleep("5h");
    assert_eq!(
        (look.waiting_for, look.overdue_since),
        (vec![Waiting::Paused], None)
    );
    desk.machine.is_paused = false;
    let look = desk.sleep("1s");
    assert!(look.missed.is_empty());
    assert_eq!(desk.run(End::Success).n, 5);
}

#[test]
fn what_could_not_start_for_an_hour_is_overdue() {
    let mut desk = Desk::new(&["daily 18:00"], |it| {
        it.conditions.on_external_power = true;
    });
    desk.machine.is_on_power = Some(false);
    let look = desk.wait("8h59m");
    assert_eq!(look.overdue_since, None);
    assert_eq!(at(look.next_wake), "2026-11-20T19:00:00Z");
    assert_eq!(at(desk.wait("1m").overdue_since), "2026-11-20T18:00:00Z");
    desk.machine.is_on_power = Some(true);
    desk.run(End::Success);
    assert_eq!(desk.look().overdue_since, None);
}

#[test]
fn a_success_that_is_too_old_is_said() {
    let mut desk = Desk::new(&[], |_| {});
    desk.policy.max_age_ms = Some(86_400_000);
    let look = desk.look();
    assert_eq!(
        (look.too_old_since, at(look.next_wake)),
        (None, "2026-11-21T10:00:00Z".to_owned())
    );
    assert_eq!(at(desk.wait("2d").too_old_since), "2026-11-21T10:00:00Z");
    desk.agenda.started(desk.now, None);
    desk.agenda.ended(desk.now, End::Success, &desk.policy);
    assert_eq!(desk.look().too_old_since, None);
}
