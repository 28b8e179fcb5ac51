//! From the clock on the wall to a point in time, and back.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp as Instant, Zoned};
use syncmgr_model::schedule::Weekday;
use syncmgr_model::time::{Civil, Timestamp};

/// Returns what the clock shows; none for times beyond the year 9999.
pub(crate) fn shown(at: Timestamp, zone: &TimeZone) -> Option<Zoned> {
    Some(instant(at)?.to_zoned(zone.clone()))
}

/// Returns the point in time as jiff knows it; none beyond the year 9999.
pub(crate) fn instant(at: Timestamp) -> Option<Instant> {
    Instant::from_millisecond(at.0).ok()
}

/// Returns the point in time as everybody else knows it.
pub(crate) fn stamp(at: Instant) -> Timestamp {
    Timestamp(at.as_millisecond())
}

/// Returns the day of the week.
pub(crate) fn weekday(at: DateTime) -> Weekday {
    let day = u8::try_from(at.date().weekday().to_monday_zero_offset()).unwrap_or(0);
    Weekday::ALL[usize::from(day) % 7]
}

/// Returns jiff's form of a date and time; none when the calendar lacks it, as 30 February.
pub(crate) fn civil(at: Civil) -> Option<DateTime> {
    let small = |n: u8| i8::try_from(n).ok();
    DateTime::new(
        i16::try_from(at.year).ok()?,
        small(at.month)?,
        small(at.day)?,
        small(at.hour)?,
        small(at.minute)?,
        small(at.second)?,
        0,
    )
    .ok()
}

/// Returns when the clock shows this time for the first time; when it leaps over it, the first
/// moment after the leap. A later wall-clock time never gives an earlier moment.
pub(crate) fn first(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            Some(stamp(offset.to_timestamp(at).ok()?))
        }
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset of after the leap it lies before the leap.
            let before_leap = after.to_timestamp(at).ok()?;
            let leap = zone.following(before_leap).next()?;
            Some(stamp(leap.timestamp()))
        }
    }
}

/// Returns when the clock shows this time for the second time; none when it does not.
pub(crate) fn second(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(at).offset() {
        AmbiguousOffset::Fold { after, .. } => Some(stamp(after.to_timestamp(at).ok()?)),
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Gap { .. } => None,
    }
}
