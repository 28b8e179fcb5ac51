//! What holds for every trigger, zone and time.

use jiff::tz::TimeZone;
use proptest::prelude::*;
use syncmgr_calendar::{Between, Calendar};
use syncmgr_model::schedule::{Trigger, Weekday, Weekdays, Window, Zone};
use syncmgr_model::time::Timestamp;

const MINUTE: i64 = 60_000;
const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Prague",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
];

fn zone() -> impl Strategy<Value = &'static str> {
    prop::sample::select(ZONES.to_vec())
}

/// Any minute from 2015 to 2030, half of them near a change of Europe's clocks.
fn moment() -> impl Strategy<Value = Timestamp> {
    let near = prop::sample::select(vec![1_774_746_000_000i64, 1_792_890_000_000]);
    let near = (near, -2 * 1440..1440i64).prop_map(|(at, n)| Timestamp(at + n * MINUTE));
    let any = (23_700_000i64..31_500_000).prop_map(|n| Timestamp(n * MINUTE));
    prop_oneof![near, any]
}

fn days() -> impl Strategy<Value = Weekdays> {
    prop::collection::vec(prop::sample::select(Weekday::ALL.to_vec()), 1..7)
        .prop_map(|days| Weekdays::of(&days))
}

fn at() -> impl Strategy<Value = (Weekdays, Vec<u16>)> {
    (days(), prop::collection::vec(0u16..1440, 1..4))
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let at = at().prop_map(|(days, minutes_of_day)| Trigger::At {
        days,
        minutes_of_day,
    });
    let text = prop::sample::select(vec![
        "every 1s",
        "every 17m",
        "every 5h from 2026-03-28 02:30",
        "every 1d from 2026-03-28 02:30",
        "every 3w",
        "every 1mo from 2016-01-31 02:30",
        "every 7mo",
        "cron 30 2 * * *",
        "cron */7 * * * *",
        "cron 0,30 1-3 * * 0,6",
        "cron 0 0 L * *",
        "once 2026-03-29 02:30",
    ]);
    prop_oneof![at, text.prop_map(|it| it.parse().unwrap())]
}

fn window() -> impl Strategy<Value = Window> {
    (days(), 0u16..1440, 0u16..=1440).prop_map(|(days, from_minute, to_minute)| Window {
        days,
        from_minute,
        to_minute,
    })
}

/// The clock on the wall: day of the week and minute of the day.
fn wall(at: Timestamp, zone: &TimeZone) -> (Weekday, u16, jiff::civil::Date) {
    let at = jiff::Timestamp::from_millisecond(at.0)
        .unwrap()
        .to_zoned(zone.clone());
    let day = Weekday::ALL[at.weekday().to_monday_zero_offset() as usize];
    (day, at.hour() as u16 * 60 + at.minute() as u16, at.date())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_time_is_later(trigger in trigger(), zone in zone(), from in moment(), ms in 0..MINUTE) {
        let calendar = Calendar::default();
        let zone = Zone::Named(zone.to_owned());
        let anchor = Timestamp(1_700_000_000_000);
        let mut after = Timestamp(from.0 + ms);
        for _ in 0..20 {
            let Some(next) = calendar.next(&trigger, &zone, after, anchor) else { break };
            prop_assert!(next > after, "{trigger}: {next:?} after {after:?}");
            // Nothing lies between: from any moment before it, it is the answer.
            let between = Timestamp(after.0 + (next.0 - after.0) / 2);
            prop_assert_eq!(calendar.next(&trigger, &zone, between, anchor), Some(next));
            let before = Timestamp(next.0 - 1);
            prop_assert_eq!(calendar.next(&trigger, &zone, before, anchor), Some(next));
            after = next;
        }
    }

    /// Compared with a look at every minute of three days.
    #[test]
    fn no_time_of_day_is_left_out(it in at(), zone in zone(), from in moment()) {
        let (days, minutes_of_day) = it;
        let trigger = Trigger::At { days, minutes_of_day: minutes_of_day.clone() };
        let tz = TimeZone::get(zone).unwrap();
        let until = Timestamp(from.0 + 3 * 1440 * MINUTE);
        let found = Calendar::default().occurrences(
            &trigger, &Zone::Named(zone.to_owned()), Between { after: from, until }, from, 1000,
        );
        let mut expected = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        // The hours before, so that the second of two equal times is known as such.
        let first = from.0 - 180 * MINUTE;
        let (_, mut shown, mut date) = wall(Timestamp(first - MINUTE), &tz);
        for n in 0..=(until.0 - first) / MINUTE {
            let at = Timestamp(first + n * MINUTE);
            let (day, minute, today) = wall(at, &tz);
            // What the clock leapt over since the last minute counts now.
            let leapt = (today == date && minute > shown + 1).then(|| shown + 1..minute);
            let leapt = leapt.or((today != date && minute > 0).then_some(0..minute));
            let now = leapt.into_iter().flatten().chain([minute]);
            let n_due = now
                .filter(|minute| minutes_of_day.contains(minute) && days.has(day))
                .filter(|minute| seen.insert((today, *minute)))
                .count();
            if n_due > 0 && at > from {
                expected.push(at);
            }
            (shown, date) = (minute, today);
        }
        prop_assert_eq!(found, expected, "{} in {} after {}", trigger, zone, from.rfc3339());
    }

    #[test]
    fn a_window_opens_at_the_first_minute_inside(windows in prop::collection::vec(window(), 1..3), zone in zone(), from in moment()) {
        let calendar = Calendar::default();
        let named = Zone::Named(zone.to_owned());
        let tz = TimeZone::get(zone).unwrap();
        let minutes = (0..9 * 1440).map(|n| Timestamp(from.0 + n * MINUTE));
        let inside = |at: &Timestamp| {
            let (day, minute, _) = wall(*at, &tz);
            windows.iter().any(|it| it.holds(day, minute))
        };
        let expected = minutes.into_iter().find(inside);
        prop_assume!(expected.is_some());
        prop_assert_eq!(calendar.next_open(&windows, &named, from), expected);
        prop_assert_eq!(calendar.is_open(&windows, &named, from), expected == Some(from));
    }
}
