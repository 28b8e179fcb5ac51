//! Days of the week, and the weekly windows in which runs may start.

/// Minutes in a day; the end of a window may name the midnight after it with this.
pub const MINUTES_PER_DAY: u16 = 1440;

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Weekday {
    /// The days from Monday on.
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    /// Returns the name as people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mon => "Monday",
            Self::Tue => "Tuesday",
            Self::Wed => "Wednesday",
            Self::Thu => "Thursday",
            Self::Fri => "Friday",
            Self::Sat => "Saturday",
            Self::Sun => "Sunday",
        }
    }

    /// Reads the stable word or the whole name, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| {
            text.eq_ignore_ascii_case(day.as_str()) || text.eq_ignore_ascii_case(day.name())
        })
    }

    /// Returns the days since Monday, `0..=6`.
    #[must_use]
    pub fn since_monday(self) -> u8 {
        self as u8
    }

    /// Returns the day before.
    #[must_use]
    pub fn before(self) -> Self {
        Self::ALL[usize::from(self.since_monday() + 6) % 7]
    }
}

/// A set of days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Weekdays(u8);

impl Weekdays {
    /// All seven days.
    pub const DAILY: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WORKDAYS: Self = Self(0b001_1111);
    /// Saturday and Sunday.
    pub const WEEKEND: Self = Self(0b110_0000);

    /// Builds a set.
    #[must_use]
    pub fn of(days: &[Weekday]) -> Self {
        days.iter()
            .fold(Self(0), |set, day| Self(set.0 | 1 << day.since_monday()))
    }

    /// Says whether the day is in it.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & 1 << day.since_monday() != 0
    }

    /// Says whether no day is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the days in it, from Monday on.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::ALL.into_iter().filter(move |day| self.has(*day))
    }

    /// Returns the days that are in one or both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A stretch of time that comes back every week. It opens at `from_minute` of each of its days and
/// closes at `to_minute`: of the next day when that is not later, so equal minutes are 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// The days on which it opens.
    pub days: Weekdays,
    /// When it opens, minutes since midnight, `0..=1439`.
    pub from_minute: u16,
    /// When it closes, minutes since midnight, `0..=1440`; the first minute outside.
    pub to_minute: u16,
}

impl Window {
    /// Says whether it closes on the day after it opened.
    #[must_use]
    pub fn crosses_midnight(&self) -> bool {
        self.to_minute <= self.from_minute
    }

    /// Says whether this minute of this day is inside.
    #[must_use]
    pub fn holds(&self, day: Weekday, minute: u16) -> bool {
        if !self.crosses_midnight() {
            return self.days.has(day) && (self.from_minute..self.to_minute).contains(&minute);
        }
        (self.days.has(day) && minute >= self.from_minute)
            || (self.days.has(day.before()) && minute < self.to_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_it_opened() {
        let night = Window {
            days: Weekdays::of(&[Weekday::Sun]),
            from_minute: 22 * 60,
            to_minute: 6 * 60,
        };
        assert!(night.holds(Weekday::Sun, 22 * 60));
        assert!(night.holds(Weekday::Mon, 5 * 60 + 59));
        assert!(!night.holds(Weekday::Mon, 6 * 60));
        assert!(!night.holds(Weekday::Sun, 5 * 60));
        assert!(!night.holds(Weekday::Mon, 23 * 60));
    }

    #[test]
    fn equal_minutes_are_a_whole_day() {
        let all = Window {
            days: Weekdays::DAILY,
            from_minute: 0,
            to_minute: 0,
        };
        for day in Weekday::ALL {
            assert!(all.holds(day, 0) && all.holds(day, 1439));
        }
    }
}
