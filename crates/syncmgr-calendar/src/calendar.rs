//! The calendar: what the rest of the program asks.

use jiff::tz::TimeZone;
use syncmgr_center::agenda;
use syncmgr_model::schedule::{Schedule, Trigger, Window, Zone};
use syncmgr_model::time::Timestamp;

use crate::{Unworkable, next, open, together, validate};

/// Knows time zones and cron lines. Holds no time; asking it twice gives the same answer, unless
/// the machine moved to another zone in between.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    /// What [`Zone::System`] means; none asks the machine each time, so that a laptop that is
    /// carried to another zone follows its clock.
    system: Option<TimeZone>,
}

/// A stretch of time: later than `after`, and not later than `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    /// The last moment before it.
    pub after: Timestamp,
    /// Its last moment.
    pub until: Timestamp,
}

impl Calendar {
    /// Builds a calendar that follows the machine's own time zone.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self { system: None }
    }

    /// Builds a calendar for which the machine's zone is the one with this name.
    ///
    /// # Errors
    /// There is no such zone.
    pub fn in_zone(name: &str) -> Result<Self, Unworkable> {
        let zone = TimeZone::get(name).map_err(|_| Unworkable::no_zone(name))?;
        Ok(Self { system: Some(zone) })
    }

    /// Returns the first time of the trigger later than `after`; none when there is no more, when
    /// the trigger is not timed, or when the zone or the cron line is unknown (which
    /// [`Calendar::validate`] refuses before). `anchor` is where a period without a start begins.
    #[must_use]
    pub fn next(
        &self,
        trigger: &Trigger,
        zone: &Zone,
        after: Timestamp,
        anchor: Timestamp,
    ) -> Option<Timestamp> {
        next::next(trigger, &self.zone(zone)?, after, anchor)
    }

    /// Returns the times of the trigger in a stretch of time, at most `limit`, in order.
    #[must_use]
    pub fn occurrences(
        &self,
        trigger: &Trigger,
        zone: &Zone,
        between: Between,
        anchor: Timestamp,
        limit: usize,
    ) -> Vec<Timestamp> {
        let Some(zone) = self.zone(zone) else {
            return Vec::new();
        };
        let step = |at: &Timestamp| next::next(trigger, &zone, *at, anchor);
        std::iter::successors(step(&between.after), step)
            .take_while(|at| *at <= between.until)
            .take(limit)
            .collect()
    }

    /// Returns when a schedule would start runs in a stretch of time, at most `limit`, in order:
    /// all timed triggers together, and what falls outside its windows at their opening. What is
    /// due before the stretch and still waits is not in it.
    #[must_use]
    pub fn planned(
        &self,
        schedule: &Schedule,
        between: Between,
        anchor: Timestamp,
        limit: usize,
    ) -> Vec<Timestamp> {
        let mut times: Vec<_> = schedule
            .triggers
            .iter()
            .flat_map(|it| self.occurrences(it, &schedule.zone, between, anchor, limit))
            .filter_map(|at| self.next_open(&schedule.windows, &schedule.zone, at))
            .filter(|at| *at <= between.until)
            .collect();
        times.sort_unstable();
        times.dedup();
        times.truncate(limit);
        times
    }

    /// Says whether runs may start; always when there are no windows, never when the zone is
    /// unknown.
    #[must_use]
    pub fn is_open(&self, windows: &[Window], zone: &Zone, at: Timestamp) -> bool {
        windows.is_empty()
            || self
                .zone(zone)
                .is_some_and(|it| open::is_open(windows, &it, at))
    }

    /// Returns `at` when a window is open, otherwise when the next one opens; none when none ever
    /// does.
    #[must_use]
    pub fn next_open(&self, windows: &[Window], zone: &Zone, at: Timestamp) -> Option<Timestamp> {
        if windows.is_empty() {
            return Some(at);
        }
        open::next_open(windows, &self.zone(zone)?, at)
    }

    /// Refuses a schedule that could never work as it is written. To be asked before a schedule
    /// is saved and after it is read; `now` is where the search for a first time begins. Takes up
    /// to a quarter of a second for a date that does not exist.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self, schedule: &Schedule, now: Timestamp) -> Result<(), Unworkable> {
        validate::validate(self, schedule, now)
    }

    /// Refuses schedules that cannot stand beside each other: two of one name, and syncs that
    /// would start each other for ever. Each of them is [`Calendar::validate`]d on its own.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate_together(&self, schedules: &[Schedule]) -> Result<(), Unworkable> {
        together::validate(schedules)
    }

    /// Returns what a cron line says, in words; none when it cannot be read.
    #[must_use]
    pub fn cron_in_words(&self, line: &str) -> Option<String> {
        Some(line.parse::<croner::Cron>().ok()?.describe())
    }

    /// Returns the zone; none when no zone has this name.
    pub(crate) fn zone(&self, zone: &Zone) -> Option<TimeZone> {
        match (zone, &self.system) {
            (Zone::System, Some(system)) => Some(system.clone()),
            (Zone::System, None) => Some(TimeZone::system()),
            (Zone::Named(name), _) => TimeZone::get(name).ok(),
        }
    }
}

impl agenda::Calendar for Calendar {
    fn next(
        &self,
        trigger: &Trigger,
        zone: &Zone,
        after: Timestamp,
        anchor: Timestamp,
    ) -> Option<Timestamp> {
        Self::next(self, trigger, zone, after, anchor)
    }

    fn next_open(&self, windows: &[Window], zone: &Zone, at: Timestamp) -> Option<Timestamp> {
        Self::next_open(self, windows, zone, at)
    }
}
