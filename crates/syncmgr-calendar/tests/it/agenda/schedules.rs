//! What makes a run due.

use syncmgr_center::agenda::{End, Reason, Waiting};
use syncmgr_model::schedule::{Schedule, SystemEvent};

use super::desk::{Desk, START, at};
use crate::tables::utc;

/// spec 194: several schedules, each with its name; one that is removed or turned off is not
/// heard of again.
#[test]
fn the_schedule_that_is_due_first_says_its_name() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    let mut noon = Schedule::new("noon");
    noon.triggers = vec!["daily 12:00".parse().unwrap()];
    desk.schedules.push(noon);
    assert_eq!(at(desk.look().next_due), "2026-11-20T12:00:00Z");
    let look = desk.wait("2h");
    assert_eq!(look.due.unwrap().schedule, "noon");
    desk.run(End::Success);
    desk.schedules[0].is_enabled = false;
    assert_eq!(at(desk.look().next_due), "2026-11-21T12:00:00Z");
    desk.schedules.remove(1);
    let look = desk.wait("30d");
    assert_eq!(
        (look.due, look.next_due, look.next_wake),
        (None, None, None)
    );
}

/// spec 194: an edited schedule begins anew, so its past is neither run nor missed.
#[test]
fn an_edited_schedule_begins_anew() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    desk.schedules[0].triggers = vec!["daily 09:00".parse().unwrap()];
    let look = desk.look();
    assert!(look.missed.is_empty() && look.due.is_none());
    assert_eq!(at(look.next_due), "2026-11-21T09:00:00Z");
}

/// spec 195: a time trigger is due at its time, once.
#[test]
fn a_time_is_due_once() {
    let mut desk = Desk::new(&["every 6h from 2026-11-20 00:00"], |_| {});
    let look = desk.look();
    assert_eq!(at(look.next_wake), "2026-11-20T12:00:00Z");
    let look = desk.wait("2h");
    let due = look.due.clone().unwrap();
    assert!(look.can_start());
    assert_eq!(
        (due.reason, due.n, due.since),
        (Reason::Schedule, 1, utc("2026-11-20T12:00:00Z"))
    );
    assert_eq!(desk.run(End::Success).reason, Reason::Schedule);
    let look = desk.look();
    assert_eq!(
        (look.due, at(look.next_due)),
        (None, "2026-11-20T18:00:00Z".to_owned())
    );
}

/// spec 195: the first time, and never again when repeating is off.
#[test]
fn once_is_once() {
    let mut desk = Desk::new(&["once 2026-11-20 18:00"], |_| {});
    desk.wait("9h");
    desk.run(End::Success);
    let look = desk.wait("400d");
    assert_eq!((look.due, look.next_due), (None, None));
}

/// spec 196: log-on, lock and unlock, combined; each one makes one run due.
#[test]
fn events_make_runs_due() {
    let mut desk = Desk::new(&["on log-on", "on unlock"], |_| {});
    desk.happened(&SystemEvent::Lock);
    assert_eq!(desk.look().due, None);
    for event in [SystemEvent::LogOn, SystemEvent::Unlock] {
        desk.happened(&event);
        desk.happened(&event);
        assert_eq!(desk.run(End::Success).reason, Reason::Event(event));
        assert_eq!(desk.look().due, None);
    }
}

/// spec 196, 198: idle for a while, and again while it lasts; a person who comes back begins a
/// new count.
#[test]
fn an_idle_machine_makes_runs_due_again_and_again() {
    let mut desk = Desk::new(&["on idle 10m repeat 1h"], |_| {});
    desk.machine.idle_ms = Some(540_000);
    assert_eq!(at(desk.look().next_wake), "2026-11-20T10:01:00Z");
    desk.wait("1m");
    desk.machine.idle_ms = Some(600_000);
    desk.run(End::Success);
    assert_eq!(at(desk.look().next_wake), "2026-11-20T11:01:00Z");
    desk.machine.idle_ms = Some(4_140_000);
    assert_eq!(desk.sleep("59m").due, None);
    desk.machine.idle_ms = Some(4_200_000);
    desk.sleep("1m");
    desk.run(End::Success);
    // Used between two looks, and idle for ten minutes again.
    desk.machine.idle_ms = Some(600_000);
    desk.sleep("20m");
    desk.run(End::Success);
    assert_eq!(desk.look().due, None);
}

/// spec 198: a network by name or any, and the moment before one goes.
#[test]
fn networks_make_runs_due() {
    let mut desk = Desk::new(&["on connect Home"], |_| {});
    desk.happened(&SystemEvent::Connect(Some("Cafe".to_owned())));
    assert_eq!(desk.look().due, None);
    desk.happened(&SystemEvent::Connect(Some("Home".to_owned())));
    desk.run(End::Success);
    desk.schedules[0].triggers = vec!["on connect".parse().unwrap()];
    desk.happened(&SystemEvent::Connect(Some("Cafe".to_owned())));
    desk.run(End::Success);
}

/// spec 198: what was to run before logging off is not run a day later.
#[test]
fn a_last_moment_passes() {
    let mut desk = Desk::new(&["on log-off", "on disconnect"], |it| {
        it.conditions.on_external_power = true;
    });
    desk.machine.is_on_power = Some(false);
    desk.happened(&SystemEvent::LogOff);
    assert_eq!(desk.look().waiting_for, [Waiting::Power { is_known: true }]);
    desk.sleep("1d");
    desk.machine.is_on_power = Some(true);
    assert_eq!(desk.look().due, None);
}

/// spec 198: ask first; a no covers what was due.
#[test]
fn a_person_who_is_asked_can_say_no() {
    let mut desk = Desk::new(&["daily 18:00"], |it| it.asks_first = true);
    let look = desk.wait("8h");
    assert!(look.due.unwrap().asks_first);
    desk.agenda.dismissed();
    assert_eq!(desk.look().due, None);
}

#[test]
fn another_item_that_succeeds_makes_a_run_due() {
    let mut desk = Desk::new(&["after documents"], |_| {});
    desk.succeeded("music");
    assert_eq!(desk.look().due, None);
    desk.succeeded("documents");
    assert_eq!(
        desk.run(End::Success).reason,
        Reason::After("documents".to_owned())
    );
}

#[test]
fn changes_run_when_it_is_quiet_and_at_the_latest_after_two_minutes() {
    let mut desk = Desk::new(&["on change"], |_| {});
    desk.changed();
    let look = desk.look();
    assert_eq!(
        (look.due, at(look.next_wake)),
        (None, "2026-11-20T10:00:05Z".to_owned())
    );
    desk.wait("5s");
    assert_eq!(desk.run(End::Success).reason, Reason::Change);
    // The next run by changes keeps its distance.
    desk.changed();
    assert_eq!(at(desk.look().next_wake), "2026-11-20T10:00:15Z");
    // A file that is written all the time.
    let mut n_quiet = 0;
    while !desk.sleep("1s").can_start() {
        desk.changed();
        n_quiet += 1;
    }
    assert_eq!(n_quiet, 119);
}

#[test]
fn without_the_trigger_changes_start_nothing() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    desk.changed();
    assert_eq!(desk.wait("10m").due, None);
}

#[test]
fn a_run_covers_what_was_due_when_it_started_and_not_what_came_later() {
    let mut desk = Desk::new(&["every 15m from 2026-11-20 00:00", "on change"], |_| {});
    desk.wait("15m");
    desk.changed();
    desk.agenda.started(desk.now, None);
    let look = desk.wait("20m");
    assert_eq!(look.waiting_for, [Waiting::Running]);
    assert_eq!(look.due.unwrap().since, utc("2026-11-20T10:30:00Z"));
    desk.agenda.ended(desk.now, End::Success, &desk.policy);
    assert_eq!(desk.run(End::Success).reason, Reason::Schedule);
    assert_eq!(desk.look().due, None);
}

#[test]
fn items_of_one_schedule_start_at_their_own_moments() {
    let mut moments = std::collections::BTreeSet::new();
    for seed in 0..20 {
        let mut desk = Desk::new(&["daily 18:00"], |it| it.jitter_ms = 600_000);
        desk.seed = seed;
        let due = desk.look().next_due.unwrap();
        assert_eq!(desk.look().next_due, Some(due), "the same every time");
        let late_ms = due.ms_since(utc("2026-11-20T18:00:00Z"));
        assert!(late_ms < 600_000);
        moments.insert(due);
        desk.wait("9h");
        desk.run(End::Success);
        assert!(at(desk.look().next_due).starts_with("2026-11-21T18:0"));
    }
    assert!(moments.len() > 15, "{moments:?}");
}

#[test]
fn a_long_jitter_never_reaches_the_next_time() {
    let mut desk = Desk::new(&["every 5m"], |it| it.jitter_ms = 3_600_000);
    for _ in 0..50 {
        let before = desk.now;
        let due = desk.look().next_due.unwrap();
        assert!(due.ms_since(before) <= 600_000);
        desk.now = due;
        assert_eq!(desk.run(End::Success).n, 1);
    }
}

#[test]
fn an_item_without_schedules_runs_by_hand_only() {
    let mut desk = Desk::new(&[], |_| {});
    desk.schedules.clear();
    desk.changed();
    desk.agenda.started(desk.now, None);
    let later = syncmgr_model::catalogue::Retry::Later;
    desk.agenda
        .ended(desk.now, End::Failed(later), &desk.policy);
    let look = desk.wait("1d");
    assert_eq!((look.due, look.next_wake), (None, None));
    assert!(START < at(Some(desk.now)).as_str());
}
