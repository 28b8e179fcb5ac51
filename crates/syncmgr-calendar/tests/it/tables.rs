//! Times worked out by hand, in zones whose clocks change in different ways.

use syncmgr_calendar::{Between, Calendar};
use syncmgr_model::schedule::{Schedule, Trigger, Window, Zone};
use syncmgr_model::time::Timestamp;

/// Reads `2026-03-29T01:00:00Z`.
pub(crate) fn utc(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp(at.as_millisecond())
}

/// Checks the first times after a moment.
#[track_caller]
fn check(trigger: &str, zone: &str, after: &str, expected: &[&str]) {
    let trigger: Trigger = trigger.parse().unwrap();
    let zone = Zone::Named(zone.to_owned());
    let calendar = Calendar::in_zone("UTC").unwrap();
    let between = Between {
        after: utc(after),
        until: Timestamp(i64::MAX),
    };
    let found = calendar.occurrences(&trigger, &zone, between, utc(after), expected.len());
    let found: Vec<_> = found.into_iter().map(Timestamp::rfc3339).collect();
    assert_eq!(found, expected, "{trigger} in {zone}");
}

#[test]
fn a_time_that_the_clock_leaps_over_runs_once_after_the_leap() {
    let days = [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ];
    for text in [
        "cron 30 2 * * *",
        "daily 02:30",
        "every 1d from 2026-01-01 02:30",
    ] {
        check(text, "Europe/Prague", "2026-03-28T00:00:00Z", &days);
    }
    // Two times of the same gap are one moment, and one run.
    check(
        "daily 02:15,02:45",
        "Europe/Prague",
        "2026-03-28T23:00:00Z",
        &["2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"],
    );
}

#[test]
fn a_time_that_the_clock_shows_twice_runs_the_first_time() {
    let days = [
        "2026-10-24T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-26T01:30:00Z",
    ];
    for text in [
        "cron 30 2 * * *",
        "daily 02:30",
        "every 1d from 2026-01-01 02:30",
    ] {
        check(text, "Europe/Prague", "2026-10-24T00:00:00Z", &days);
    }
}

/// spec 195: minutes and hours are time that passes, whatever the clock does.
#[test]
fn hours_pass_through_a_change_of_the_clock() {
    let hours = [
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:30:00Z",
        "2026-03-29T02:30:00Z",
    ];
    let from = "2026-03-28T23:30:00Z";
    check("every 1h", "Europe/Prague", from, &hours);
    check(
        "every 60m from 2026-03-28 12:30",
        "Europe/Prague",
        from,
        &hours,
    );
    check("cron 30 * * * *", "Europe/Prague", from, &hours);
    check(
        "every 30m from 2026-10-25 02:30",
        "Europe/Prague",
        "2026-10-25T00:00:00Z",
        &[
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
        ],
    );
    check(
        "every 90s from 2026-01-01 00:00",
        "UTC",
        "2026-01-01T00:02:00Z",
        &["2026-01-01T00:03:00Z", "2026-01-01T00:04:30Z"],
    );
}

/// spec 195: days, weeks and months keep the time of day.
#[test]
fn days_weeks_and_months_keep_the_time_of_day() {
    check(
        "every 2d from 2026-03-27 08:00",
        "Europe/Prague",
        "2026-03-01T00:00:00Z",
        &[
            "2026-03-27T07:00:00Z",
            "2026-03-29T06:00:00Z",
            "2026-03-31T06:00:00Z",
        ],
    );
    check(
        "every 2w from 2026-10-12 08:00",
        "America/New_York",
        "2026-10-20T00:00:00Z",
        &["2026-10-26T12:00:00Z", "2026-11-09T13:00:00Z"],
    );
    check(
        "every 1mo from 2026-01-31 12:00",
        "UTC",
        "2026-01-31T12:00:00Z",
        &[
            "2026-02-28T12:00:00Z",
            "2026-03-31T12:00:00Z",
            "2026-04-30T12:00:00Z",
        ],
    );
    check(
        "every 5mo from 2020-02-29 00:00",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2026-05-29T00:00:00Z", "2026-10-29T00:00:00Z"],
    );
}

/// spec 195: a start date and time, and repeating can be off.
#[test]
fn a_start_in_the_future_is_the_first_time() {
    check(
        "every 1h from 2030-01-01 00:30",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2030-01-01T00:30:00Z", "2030-01-01T01:30:00Z"],
    );
    check(
        "every 1mo from 2030-01-01 00:30",
        "UTC",
        "2026-01-01T00:00:00Z",
        &["2030-01-01T00:30:00Z", "2030-02-01T00:30:00Z"],
    );
    let calendar = Calendar::in_zone("UTC").unwrap();
    let once: Trigger = "once 2026-12-24 18:00".parse().unwrap();
    let at = utc("2026-12-24T18:00:00Z");
    let before = Timestamp(at.0 - 1);
    assert_eq!(
        calendar.next(&once, &Zone::System, before, before),
        Some(at)
    );
    assert_eq!(calendar.next(&once, &Zone::System, at, before), None);
}

#[test]
fn without_a_start_the_first_time_is_a_period_away() {
    check(
        "every 15m",
        "UTC",
        "2026-01-01T00:07:00Z",
        &["2026-01-01T00:22:00Z", "2026-01-01T00:37:00Z"],
    );
    check(
        "every 1d",
        "Europe/Prague",
        "2026-03-28T10:00:00Z",
        &["2026-03-29T09:00:00Z", "2026-03-30T09:00:00Z"],
    );
}

#[test]
fn odd_clocks_are_right_too() {
    // Lord Howe Island moves by half an hour.
    check(
        "daily 02:15",
        "Australia/Lord_Howe",
        "2026-10-03T00:00:00Z",
        &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
    );
    // Beirut leaps over midnight itself.
    check(
        "daily 00:00",
        "Asia/Beirut",
        "2026-03-27T23:00:00Z",
        &["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"],
    );
    // Samoa had no 30 December 2011.
    check(
        "cron 0 12 * * *",
        "Pacific/Apia",
        "2011-12-29T00:00:00Z",
        &["2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z"],
    );
    // A quarter of an hour off the hour.
    check(
        "mon-fri 09:00",
        "Asia/Kathmandu",
        "2026-11-20T00:00:00Z",
        &["2026-11-20T03:15:00Z", "2026-11-23T03:15:00Z"],
    );
}

#[track_caller]
fn opens(windows: &[&str], zone: &str, at: &str, expected: &str) {
    let windows: Vec<Window> = windows.iter().map(|it| it.parse().unwrap()).collect();
    let calendar = Calendar::in_zone(zone).unwrap();
    let found = calendar.next_open(&windows, &Zone::System, utc(at));
    assert_eq!(found.map(Timestamp::rfc3339).as_deref(), Some(expected));
}

#[test]
fn a_window_opens_by_the_clock_on_the_wall() {
    let office = ["mon-fri 08:00-18:00"];
    let zone = "Europe/Prague";
    opens(
        &office,
        zone,
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:00:00Z",
    );
    opens(
        &office,
        zone,
        "2026-11-20T17:00:00Z",
        "2026-11-23T07:00:00Z",
    );
    opens(
        &office,
        zone,
        "2026-03-28T10:00:00Z",
        "2026-03-30T06:00:00Z",
    );
    opens(
        &["daily 22:00-06:00"],
        zone,
        "2026-11-20T05:00:00Z",
        "2026-11-20T21:00:00Z",
    );
    opens(
        &["daily 22:00-06:00"],
        zone,
        "2026-11-20T04:59:59Z",
        "2026-11-20T04:59:59Z",
    );
    // The opening is leapt over, and what is left of the window opens after the leap.
    opens(
        &["daily 02:30-04:00"],
        zone,
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:00:00Z",
    );
    // All of it is leapt over: the next day.
    opens(
        &["daily 02:10-02:50"],
        zone,
        "2026-03-29T00:30:00Z",
        "2026-03-30T00:10:00Z",
    );
    // The clock goes back into the middle of it.
    opens(
        &["daily 01:00-02:30"],
        zone,
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:00:00Z",
    );
    opens(
        &["daily 02:10-02:20"],
        zone,
        "2026-10-25T00:20:00Z",
        "2026-10-25T01:10:00Z",
    );
}

#[test]
fn without_windows_it_is_always_open() {
    let calendar = Calendar::default();
    let unknown = Zone::Named("Nowhere/Land".to_owned());
    assert!(calendar.is_open(&[], &unknown, Timestamp(0)));
    assert_eq!(
        calendar.next_open(&[], &unknown, Timestamp(7)),
        Some(Timestamp(7))
    );
}

/// spec 194: what is planned is all triggers together, moved into the windows.
#[test]
fn planned_runs_fall_into_the_windows() {
    let mut schedule = Schedule::new("office");
    schedule.triggers = vec![
        "every 6h from 2026-11-20 00:00".parse().unwrap(),
        "daily 12:00".parse().unwrap(),
        "on change".parse().unwrap(),
    ];
    schedule.windows = vec!["mon-fri 08:00-18:00".parse().unwrap()];
    let between = Between {
        after: utc("2026-11-20T00:00:00Z"),
        until: utc("2026-11-24T00:00:00Z"),
    };
    let calendar = Calendar::in_zone("UTC").unwrap();
    let found = calendar.planned(&schedule, between, between.after, 10);
    let found: Vec<_> = found.into_iter().map(Timestamp::rfc3339).collect();
    assert_eq!(
        found,
        [
            "2026-11-20T08:00:00Z",
            "2026-11-20T12:00:00Z",
            "2026-11-23T08:00:00Z",
            "2026-11-23T12:00:00Z"
        ]
    );
}
