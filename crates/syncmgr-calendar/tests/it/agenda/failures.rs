//! How failed runs are tried again.

use syncmgr_center::agenda::{End, Gone, Reason};
use syncmgr_model::catalogue::Retry;

use super::desk::{Desk, at};

fn failed() -> Desk {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    desk.wait("8h");
    desk.run(End::Failed(Retry::Later));
    desk
}

#[test]
fn waits_grow_up_to_an_hour_and_end_with_a_success() {
    let mut desk = failed();
    for wait in ["30s", "1m", "2m", "4m", "8m", "16m", "32m", "1h", "1h"] {
        let before = desk.now;
        let due = desk.look().next_due.unwrap();
        assert_eq!(
            due.ms_since(before),
            syncmgr_model::schedule::text::parse_duration(wait).unwrap()
        );
        desk.now = due;
        assert_eq!(desk.run(End::Failed(Retry::Later)).reason, Reason::Retry);
    }
    assert_eq!(
        desk.agenda.memory().failing.as_ref().unwrap().n_failures,
        10
    );
    desk.wait("1h");
    desk.run(End::Success);
    assert_eq!(desk.agenda.memory().failing, None);
    assert_eq!(at(desk.look().next_due), "2026-11-21T18:00:00Z");
}

#[test]
fn a_network_or_a_folder_that_is_back_is_tried_at_once_and_the_waits_begin_anew() {
    for is_network in [true, false] {
        let mut desk = failed();
        for _ in 0..5 {
            desk.now = desk.look().next_due.unwrap();
            desk.run(End::Failed(Retry::Later));
        }
        desk.machine.is_online = !is_network;
        desk.wait("5m");
        desk.machine.is_online = true;
        if !is_network {
            desk.agenda.gone(Gone::Folder, desk.now, &desk.policy);
        }
        assert_eq!(desk.run(End::Failed(Retry::Later)).reason, Reason::Retry);
        let again = desk.look().next_due.unwrap();
        assert_eq!(again.ms_since(desk.now), 30_000);
        // It is still the same row of failures for whoever counts them.
        assert_eq!(desk.agenda.memory().failing.as_ref().unwrap().n_failures, 7);
    }
}

#[test]
fn a_file_that_changes_all_the_time_makes_no_tight_loop() {
    let mut desk = failed();
    desk.schedules[0]
        .triggers
        .push("on change".parse().unwrap());
    let mut n_runs = 0;
    for _ in 0..600 {
        desk.changed();
        if desk.sleep("1s").can_start() {
            desk.run(End::Failed(Retry::Later));
            n_runs += 1;
        }
    }
    assert!((5..=20).contains(&n_runs), "{n_runs}");
}

#[test]
fn what_only_a_person_can_mend_is_not_tried_again() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    desk.wait("8h");
    desk.run(End::Failed(Retry::Never));
    desk.agenda.gone(Gone::Network, desk.now, &desk.policy);
    assert_eq!(at(desk.look().next_due), "2026-11-21T18:00:00Z");
    desk.wait("1m");
    desk.agenda.gone(Gone::Person, desk.now, &desk.policy);
    assert_eq!(desk.run(End::Success).reason, Reason::Retry);
}

#[test]
fn what_helps_at_once_is_tried_at_once_but_not_for_ever() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    desk.wait("8h");
    desk.run(End::Failed(Retry::Now));
    desk.wait("1s");
    desk.run(End::Failed(Retry::Now));
    let again = desk.look().next_due.unwrap();
    assert_eq!(again.ms_since(desk.now), 30_000);
}

#[test]
fn a_person_who_stops_a_run_is_not_contradicted() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    desk.wait("8h");
    desk.run(End::Stopped);
    assert_eq!(at(desk.look().next_due), "2026-11-21T18:00:00Z");
}

#[test]
fn a_retry_keeps_to_the_windows_of_its_schedule() {
    let mut desk = Desk::new(&["daily 11:59"], |it| {
        it.windows = vec!["daily 11:00-12:00".parse().unwrap()];
    });
    desk.wait("1h59m30s");
    desk.run(End::Failed(Retry::Later));
    let look = desk.wait("10m");
    assert!(!look.can_start());
    assert_eq!(at(look.next_wake), "2026-11-21T11:00:00Z");
}

#[test]
fn a_run_that_died_with_the_program_is_tried_again_later_each_time() {
    let mut desk = Desk::new(&["daily 18:00"], |_| {});
    desk.wait("8h");
    let mut waits_ms = Vec::new();
    for _ in 0..4 {
        desk.agenda.started(desk.now, Some("plan"));
        desk.restart();
        let before = desk.now;
        let look = desk.look();
        desk.now = look.next_wake.unwrap();
        waits_ms.push(desk.now.ms_since(before));
        assert_eq!(desk.look().due.unwrap().reason, Reason::Retry);
    }
    assert_eq!(waits_ms, [1_000, 30_000, 60_000, 120_000]);
}
