//! A point in time as a value, and the calendar day it falls on.

/// Milliseconds since 1970-01-01T00:00:00Z; negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// A date and a time of day, as a calendar and a clock on a wall show them: of UTC in
/// [`Timestamp::civil`], of its own time zone in a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// Month, `1..=12`.
    pub month: u8,
    /// Day, `1..=31`.
    pub day: u8,
    /// Hour, `0..=23`.
    pub hour: u8,
    /// Minute, `0..=59`.
    pub minute: u8,
    /// Second, `0..=59`.
    pub second: u8,
}

impl Timestamp {
    /// Builds a time from whole seconds since 1970.
    #[must_use]
    pub fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Returns whole seconds since 1970, rounded down.
    #[must_use]
    pub fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the milliseconds from `earlier` to this time; 0 when the clock went back.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// Returns the calendar time in UTC (the proleptic Gregorian calendar).
    #[must_use]
    pub fn civil(self) -> Civil {
        let secs = self.secs();
        let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
        let (year, month, day) = date_of(days);
        let part = |n: i64| u8::try_from(n).unwrap_or(0);
        Civil {
            year,
            month,
            day,
            hour: part(rest / 3600),
            minute: part(rest / 60 % 60),
            second: part(rest % 60),
        }
    }

    /// Reads a time as RFC 3339 in UTC (ending in `Z`), with or without a fraction of a second.
    /// Returns `None` for any other text, and for a day or an hour that does not exist.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z')?;
        let (date, time) = text.split_once('T')?;
        let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
        let [year, month, day] = figures(date, '-')?;
        let [hour, minute, second] = figures(clock, ':')?;
        if hour > 23 || minute > 59 || second > 59 || !fraction.bytes().all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let days = days_of(year, month, day);
        if date_of(days) != (year, u8::try_from(month).ok()?, u8::try_from(day).ok()?) {
            return None;
        }
        let ms = format!("{fraction:0<3}").get(..3)?.parse::<i64>().ok()?;
        let secs = days * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Self(secs * 1000 + ms))
    }

    /// Returns the time as RFC 3339 in UTC with whole seconds.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let c = self.civil();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            c.year, c.month, c.day, c.hour, c.minute, c.second
        )
    }

    /// Returns the same to the millisecond, for what is compared later.
    #[must_use]
    pub fn rfc3339_ms(self) -> String {
        let whole = self.rfc3339();
        let ms = self.0.rem_euclid(1000);
        format!("{}.{ms:03}Z", whole.trim_end_matches('Z'))
    }
}

/// Reads three numbers, at most four digits each.
fn figures(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    });
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// Turns a date into days since 1970-01-01; the reverse of [`date_of`].
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Turns days since 1970-01-01 into a date. Counts in eras of 400 years (146,097 days) that begin
/// on 1 March, so that the leap day is the last of its year.
fn date_of(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        u8::try_from(month).unwrap_or(1),
        u8::try_from(day).unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secs: i64, expected: &str) {
        assert_eq!(Timestamp::from_secs(secs).rfc3339(), expected);
    }

    #[test]
    fn days_and_leap_days_are_right() {
        check(0, "1970-01-01T00:00:00Z");
        check(-1, "1969-12-31T23:59:59Z");
        check(951_782_400, "2000-02-29T00:00:00Z");
        check(1_795_189_501, "2026-11-20T15:45:01Z");
        check(4_107_542_400, "2100-03-01T00:00:00Z");
    }

    #[test]
    fn what_was_written_is_read_back() {
        for secs in [0, -1, 951_782_400, 1_795_189_501, 4_107_542_400] {
            let at = Timestamp::from_secs(secs);
            assert_eq!(Timestamp::parse_rfc3339(&at.rfc3339()), Some(at));
        }
        let parse = Timestamp::parse_rfc3339;
        assert_eq!(parse("1970-01-01T00:00:00.25Z"), Some(Timestamp(250)));
        for bad in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-02-30T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-01T00:00:00.xZ",
            "+970-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
