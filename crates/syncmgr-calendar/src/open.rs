//! Whether a weekly window is open, by what the clock on the wall shows.

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use syncmgr_model::schedule::Window;
use syncmgr_model::time::Timestamp;

use crate::wall;

/// A window opens within a week; one more for an opening that a change of the clock swallows.
const N_DAYS_AHEAD: i64 = 16;

/// Says whether runs may start; always when there are no windows.
pub(crate) fn is_open(windows: &[Window], zone: &TimeZone, at: Timestamp) -> bool {
    if windows.is_empty() {
        return true;
    }
    let Some(shown) = wall::shown(at, zone) else {
        return false;
    };
    let minute = i16::from(shown.hour()) * 60 + i16::from(shown.minute());
    let (day, minute) = (
        wall::weekday(shown.datetime()),
        u16::try_from(minute).unwrap_or(0),
    );
    windows.iter().any(|window| window.holds(day, minute))
}

/// Returns `at` when a window is open, otherwise when the next one opens; none when none ever
/// does.
pub(crate) fn next_open(windows: &[Window], zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
    if is_open(windows, zone, at) {
        return Some(at);
    }
    let openings = windows.iter().flat_map(|it| openings(it, zone, at));
    openings
        .chain(leaps(zone, at))
        .filter(|time| *time > at && is_open(windows, zone, *time))
        .min()
}

/// Returns when the clock shows the opening minute in the days to come, twice where it does.
fn openings(window: &Window, zone: &TimeZone, at: Timestamp) -> Vec<Timestamp> {
    let Some(shown) = wall::shown(at, zone) else {
        return Vec::new();
    };
    let part = |n: u16| i8::try_from(n).unwrap_or(0);
    let (hour, minute) = (
        part(window.from_minute / 60 % 24),
        part(window.from_minute % 60),
    );
    (-1..N_DAYS_AHEAD)
        .filter_map(|n| shown.date().checked_add(n.days()).ok())
        .map(|date| date.at(hour, minute, 0, 0))
        .filter(|moment| window.days.has(wall::weekday(*moment)))
        .flat_map(|moment| [wall::first(moment, zone), wall::second(moment, zone)])
        .flatten()
        .collect()
}

/// Returns the changes of the clock in the days to come: the clock that goes back can open a
/// window in its middle.
fn leaps(zone: &TimeZone, at: Timestamp) -> Vec<Timestamp> {
    let Some(from) = wall::instant(at) else {
        return Vec::new();
    };
    let ends = at.0.saturating_add(N_DAYS_AHEAD * 86_400_000);
    zone.following(from)
        .map(|leap| wall::stamp(leap.timestamp()))
        .take_while(|time| time.0 < ends)
        .collect()
}
