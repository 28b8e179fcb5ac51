//! The short forms, read and written.

use super::*;

#[track_caller]
fn check(text: &str, written: &str) {
    let read: Trigger = text.parse().unwrap();
    assert_eq!(read.to_string(), written);
    assert_eq!(written.parse::<Trigger>().unwrap(), read);
}

#[test]
fn triggers_read_back_as_they_were_written() {
    check("every 15m", "every 15m");
    check(
        "every 1mo from 2026-01-31T08:00",
        "every 1mo from 2026-01-31 08:00",
    );
    check(
        "every 90s from 2026-01-31 08:00:30",
        "every 90s from 2026-01-31 08:00:30",
    );
    check("once 2026-12-24 18:00", "once 2026-12-24 18:00");
    check("daily 18:00", "daily 18:00");
    check("Mon-Fri 18:00,8:30,18:00", "mon-fri 08:30,18:00");
    check("sat,sun,mon 00:00", "mon,sat-sun 00:00");
    check("fri-mon 06:00", "mon,fri-sun 06:00");
    check("cron 30 2 * * *", "cron 30 2 * * *");
    check("  on   change ", "on change");
    check("on log-on", "on log-on");
    check("on log-off", "on log-off");
    check("on lock", "on lock");
    check("on unlock", "on unlock");
    check("on idle 10m", "on idle 10m");
    check("on idle 10m repeat 1h", "on idle 10m repeat 1h");
    check("on connect", "on connect");
    check("on connect Home WiFi", "on connect Home WiFi");
    check("on disconnect", "on disconnect");
    check("after documents", "after documents");
}

#[test]
fn what_is_no_trigger_is_refused_with_an_example() {
    for text in [
        "",
        "every",
        "every 0m",
        "every m",
        "every 5x",
        "every 1d from",
        "daily",
        "daily 24:00",
        "daily 7:5",
        "noday 18:00",
        "on",
        "on idle",
        "on idle x",
        "on lunch",
        "after",
        "once",
        "once 2026-13-01 00:00",
        "once 2026-12-24",
        "once 0-0-0 00:00",
        "every 99999999999d",
        "daily 18:00-19:00",
        "mon- 18:00",
        "daily -1:00",
        "daily +1:00",
    ] {
        let fault = text.parse::<Trigger>().unwrap_err().to_string();
        assert!(
            fault.contains("expected") && fault.contains('`'),
            "{text}: {fault}"
        );
    }
}

#[test]
fn windows_read_back_as_they_were_written() {
    for text in [
        "mon-fri 08:00-18:00",
        "daily 22:00-06:00",
        "mon,wed 00:00-24:00",
    ] {
        assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
    }
    for text in [
        "",
        "mon",
        "08:00-18:00",
        "mon 24:00-25:00",
        "mon 08:00",
        "mon 8-9",
    ] {
        assert!(text.parse::<Window>().is_err(), "{text}");
    }
}

#[test]
fn durations_read_back_as_they_were_written() {
    for ms in [
        0,
        1,
        999,
        1000,
        90_000,
        5_400_000,
        86_400_000,
        90_061_001,
        u64::MAX,
    ] {
        assert_eq!(parse_duration(&duration(ms)), Ok(ms), "{}", duration(ms));
    }
    assert_eq!(duration(5_400_000), "1h30m");
    assert_eq!(parse_duration("2w"), Ok(14 * 86_400_000));
    for text in [
        "",
        "5",
        "m",
        "5 m",
        "1h 5m",
        "-1s",
        "99999999999999999999d",
        "1y",
    ] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

#[test]
fn any_days_read_back_as_they_were_written() {
    for bits in 1u8..128 {
        let days: Vec<_> = Weekday::ALL
            .into_iter()
            .filter(|day| bits & 1 << day.since_monday() != 0)
            .collect();
        let days = Weekdays::of(&days);
        assert_eq!(days.to_string().parse(), Ok(days), "{days}");
    }
}
