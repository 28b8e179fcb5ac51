//! A second opinion: what systemd says about the same times. Machines without it have the tables.

use std::process::Command;

use syncmgr_calendar::{Between, Calendar};
use syncmgr_model::schedule::{Trigger, Zone};
use syncmgr_model::time::Timestamp;

const N_TIMES: usize = 12;

/// Returns systemd's next times; none when it is not installed.
fn systemd(line: &str, after: Timestamp) -> Option<Vec<String>> {
    let base = after.rfc3339().replace('T', " ").replace('Z', " UTC");
    let answer = Command::new("systemd-analyze")
        .env("TZ", "UTC")
        .args(["calendar", &format!("--iterations={N_TIMES}")])
        .arg(format!("--base-time={base}"))
        .arg(line)
        .output()
        .ok()
        .filter(|it| it.status.success())?;
    let text = String::from_utf8(answer.stdout).ok()?;
    let times = text.lines().filter(|it| it.ends_with(" UTC"));
    let times = times.filter_map(|it| {
        let mut words = it.split_whitespace().rev().skip(1);
        let (clock, date) = (words.next()?, words.next()?);
        Some(format!("{date}T{clock}Z"))
    });
    Some(times.collect())
}

/// The times keep clear of gaps, where systemd leaves the day out.
#[track_caller]
fn check(trigger: &str, line: &str, zone: &str, after: &str) {
    let after = super::tables::utc(after);
    let Some(theirs) = systemd(&format!("{line} {zone}"), after) else {
        return;
    };
    assert_eq!(theirs.len(), N_TIMES, "{line}");
    let trigger: Trigger = trigger.parse().unwrap();
    let until = Timestamp(i64::MAX);
    let ours = Calendar::default().occurrences(
        &trigger,
        &Zone::Named(zone.to_owned()),
        Between { after, until },
        after,
        N_TIMES,
    );
    let ours: Vec<_> = ours.into_iter().map(Timestamp::rfc3339).collect();
    assert_eq!(ours, theirs, "{trigger} in {zone}");
}

#[test]
fn systemd_says_the_same() {
    let pairs = [
        ("daily 05:15", "*-*-* 05:15:00"),
        ("cron 15 5 * * *", "*-*-* 05:15:00"),
        ("mon-fri 18:00", "Mon..Fri *-*-* 18:00:00"),
        ("cron 0 18 * * 1-5", "Mon..Fri *-*-* 18:00:00"),
        ("sat,mon 00:30", "Sat,Mon *-*-* 00:30:00"),
        ("cron 0 4 31 * *", "*-*-31 04:00:00"),
        ("cron 0 4 29 2 *", "*-02-29 04:00:00"),
        ("cron */20 * * * *", "*-*-* *:0/20:00"),
        ("cron 0 9-17/4 * * *", "*-*-* 9..17/4:00:00"),
    ];
    let bases = [
        "2026-03-05T12:34:56Z",
        "2026-10-20T00:00:00Z",
        "2028-02-27T00:00:00Z",
    ];
    for zone in [
        "Europe/Prague",
        "America/New_York",
        "Australia/Sydney",
        "Asia/Tokyo",
    ] {
        for after in bases {
            for (trigger, line) in pairs {
                check(trigger, line, zone, after);
            }
        }
    }
}

#[test]
fn systemd_too_takes_the_first_of_two_equal_times() {
    check(
        "daily 02:30",
        "*-*-* 02:30:00",
        "Europe/Prague",
        "2026-10-24T00:00:00Z",
    );
    check(
        "cron 30 2 * * *",
        "*-*-* 02:30:00",
        "Europe/Prague",
        "2026-10-24T00:00:00Z",
    );
    check(
        "daily 01:30",
        "*-*-* 01:30:00",
        "America/New_York",
        "2026-10-31T00:00:00Z",
    );
}
