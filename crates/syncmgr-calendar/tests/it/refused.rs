//! What is refused before it is saved, with the name of the setting.

use syncmgr_calendar::Calendar;
use syncmgr_model::schedule::{
    Period, PeriodUnit, Schedule, ScheduleItems, Trigger, Weekdays, Window, Zone,
};
use syncmgr_model::time::Timestamp;

const NOW: Timestamp = Timestamp(1_795_189_501_000);

fn schedule() -> Schedule {
    let mut schedule = Schedule::new("night");
    schedule.triggers = vec!["daily 02:30".parse().unwrap()];
    schedule
}

#[track_caller]
fn check(change: impl Fn(&mut Schedule), key: &str, part: &str) {
    let mut it = schedule();
    change(&mut it);
    let fault = Calendar::default().validate(&it, NOW).unwrap_err();
    assert_eq!(fault.key, key, "{fault}");
    assert!(fault.what.contains(part), "{fault}");
}

#[test]
fn what_works_is_accepted() {
    let calendar = Calendar::default();
    for text in [
        "cron 30 2 * * *",
        "cron 0 0 29 2 *",
        "cron @daily",
        "cron 0 0 12 L * *",
        "cron 0 9 * * MON#1",
        "every 1mo from 2026-01-31 00:00",
        "on change",
        "on idle 10m repeat 1h",
        "once 2020-01-01 00:00",
    ] {
        let mut it = schedule();
        it.triggers = vec![text.parse().unwrap()];
        it.zone = Zone::Named("Europe/Prague".to_owned());
        assert_eq!(calendar.validate(&it, NOW), Ok(()), "{text}");
    }
}

#[test]
fn a_date_that_never_comes_is_found_when_it_is_saved() {
    for line in ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 0 1 1 * 2020"] {
        check(
            |it| it.triggers.push(Trigger::Cron(line.to_owned())),
            "triggers[1]",
            "never comes true",
        );
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    for line in [
        "",
        "x",
        "* * *",
        "61 * * * *",
        "* 25 * * *",
        "* * * * * * * *",
        "*/0 * * * *",
    ] {
        check(
            |it| it.triggers = vec![Trigger::Cron(line.to_owned())],
            "triggers[0]",
            "cannot be used",
        );
    }
    check(
        |it| it.triggers = vec!["every 1d from 2026-02-30 00:00".parse().unwrap()],
        "triggers[0]",
        "no 2026-02-30",
    );
    check(
        |it| {
            let unit = PeriodUnit::Days;
            let every = Period { n: 0, unit };
            it.triggers = vec![Trigger::Every { every, start: None }];
        },
        "triggers[0]",
        "nothing",
    );
    check(|it| it.zone = "Mars/Olympus".into(), "zone", "Mars/Olympus");
    check(|it| it.name = "a b".to_owned(), "name", "space");
    check(|it| it.jitter_ms = u64::MAX, "jitter", "ten years");
    check(
        |it| it.items = ScheduleItems::Named(Vec::new()),
        "items",
        "no sync",
    );
}

#[test]
fn syncs_that_would_start_each_other_for_ever_are_refused() {
    let after = |name: &str, item: &str, first: &str| {
        let mut it = Schedule::new(name);
        it.items = ScheduleItems::Named(vec![item.to_owned()]);
        it.triggers = vec![Trigger::After(first.to_owned())];
        it
    };
    let calendar = Calendar::default();
    let mut all = vec![
        after("x", "b", "a"),
        after("y", "c", "b"),
        after("z", "d", "b"),
    ];
    assert_eq!(calendar.validate_together(&all), Ok(()));
    all.push(after("w", "a", "c"));
    assert_eq!(
        calendar.validate_together(&all).unwrap_err().key,
        "triggers"
    );
    all[3].is_enabled = false;
    assert_eq!(calendar.validate_together(&all), Ok(()));
    all.push(after("x", "e", "d"));
    assert_eq!(calendar.validate_together(&all).unwrap_err().key, "name");
    check(
        |it| it.triggers = vec![Trigger::After("a".to_owned())],
        "triggers[0]",
        "itself too",
    );
}

#[test]
fn a_cron_line_is_told_in_words() {
    let calendar = Calendar::default();
    let words = calendar.cron_in_words("30 2 * * MON").unwrap();
    assert!(
        words.contains("02:30") && words.contains("Monday"),
        "{words}"
    );
    assert_eq!(calendar.cron_in_words("x"), None);
}

#[test]
fn a_window_that_never_opens_is_refused() {
    let never = Window {
        days: Weekdays::default(),
        from_minute: 0,
        to_minute: 60,
    };
    check(|it| it.windows = vec![never], "windows[0]", "never opens");
    let late = Window {
        days: Weekdays::DAILY,
        from_minute: 1440,
        ..never
    };
    check(|it| it.windows = vec![late], "windows[0]", "24:00");
}
