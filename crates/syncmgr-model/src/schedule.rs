//! When an item should run: the words of a schedule, its triggers, windows and conditions.
//!
//! Reading order: this file, [`week`] for days and windows, [`policy`] for what holds per item,
//! [`text`] for the forms that people type, [`sentence`] for what a schedule says in plain words.
//!
//! Must not: know a time zone's rules or what a cron line means; that is for who implements the
//! calendar. Times of day are minutes since midnight on the wall clock of the schedule's zone.

mod german;
pub mod policy;
pub mod sentence;
pub mod text;
pub mod week;

pub use policy::{Backoff, ChangeRule, RunPolicy};
pub use week::{Weekday, Weekdays, Window};

use crate::time::Civil;

/// One named set of rules that says when items run. A sync may have several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// What a person calls it; unique in the configuration.
    pub name: String,
    /// Which items it runs.
    pub items: ScheduleItems,
    /// A person turned it on (the default).
    pub is_enabled: bool,
    /// What makes it due; any one of them is enough.
    pub triggers: Vec<Trigger>,
    /// Whose wall clock the times mean.
    pub zone: Zone,
    /// When runs may start; empty means always. What is due outside waits until one opens.
    pub windows: Vec<Window>,
    /// Most milliseconds by which a timed run is moved later, so that many do not start at once.
    pub jitter_ms: u64,
    /// What happens to timed runs that could not start, because the machine slept for example.
    pub catch_up: CatchUp,
    /// What must hold before a run starts.
    pub conditions: Conditions,
    /// What ends a run of this schedule early.
    pub stop_when: StopWhen,
    /// A person is asked before each run (spec 198).
    pub asks_first: bool,
}

impl Schedule {
    /// Builds a schedule for all items that is on, follows the system's clock, and has no trigger
    /// yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            items: ScheduleItems::All,
            is_enabled: true,
            triggers: Vec::new(),
            zone: Zone::System,
            windows: Vec::new(),
            jitter_ms: 0,
            catch_up: CatchUp::Once,
            conditions: Conditions::default(),
            stop_when: StopWhen::default(),
            asks_first: false,
        }
    }

    /// Says whether it runs the item with this name or id.
    #[must_use]
    pub fn covers(&self, item: &str) -> bool {
        match &self.items {
            ScheduleItems::All => true,
            ScheduleItems::Named(names) => names.iter().any(|name| name == item),
        }
    }
}

/// Which items a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleItems {
    /// Every item, those of later too.
    All,
    /// These, by name.
    Named(Vec<String>),
}

/// What makes a run due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Again and again (spec 195).
    Every {
        /// How long from one to the next.
        every: Period,
        /// The first one, on the wall clock of the zone; none means since the schedule was made.
        start: Option<Civil>,
    },
    /// One time, on the wall clock of the zone (spec 195: repeating is off).
    Once(Civil),
    /// The times of a cron line: five fields, or six with seconds in front.
    Cron(String),
    /// At these minutes of these days.
    At {
        /// The days.
        days: Weekdays,
        /// Minutes since midnight, `0..=1439`.
        minutes_of_day: Vec<u16>,
    },
    /// A file changed on a side that is watched.
    OnChange,
    /// Something happened on the machine (spec 196, 198).
    OnEvent(SystemEvent),
    /// The item with this name ran and succeeded.
    After(String),
}

impl Trigger {
    /// Says whether the clock alone makes it due, so that it has a next time.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        match self {
            Self::Every { .. } | Self::Once(_) | Self::Cron(_) | Self::At { .. } => true,
            Self::OnChange | Self::OnEvent(_) | Self::After(_) => false,
        }
    }
}

/// A number of units of the calendar or the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// How many, at least 1.
    pub n: u32,
    /// Of what.
    pub unit: PeriodUnit,
}

/// What a [`Period`] counts. Seconds, minutes and hours are time that passes; days, weeks and
/// months keep the time of day on the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodUnit {
    /// Seconds that pass.
    Seconds,
    /// Minutes that pass.
    Minutes,
    /// Hours that pass.
    Hours,
    /// Days of the calendar.
    Days,
    /// Weeks of the calendar.
    Weeks,
    /// Months of the calendar; a day that a month lacks becomes its last one.
    Months,
}

/// Something that happens on the machine and can start runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SystemEvent {
    /// The person logged on.
    LogOn,
    /// The person is about to log off.
    LogOff,
    /// The screen was locked.
    Lock,
    /// The screen was unlocked.
    Unlock,
    /// Nobody used the machine for a while.
    Idle {
        /// How long, milliseconds.
        after_ms: u64,
        /// Again after so many milliseconds of still being idle; none means once.
        repeat_ms: Option<u64>,
    },
    /// A network came, or the one with this name.
    Connect(Option<String>),
    /// A network is about to go.
    PendingDisconnect,
}

/// Whose wall clock the times of a schedule mean.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Zone {
    /// The machine's, wherever it is carried.
    #[default]
    System,
    /// A place of the tz database, as `Europe/Prague`.
    Named(String),
}

/// What happens to timed runs that could not start when they were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CatchUp {
    /// One run for all of them, as soon as possible.
    #[default]
    Once,
    /// One run for each of them, up to a limit.
    All,
    /// No run; it is recorded that they were missed.
    Skip,
}

impl CatchUp {
    const ALL: [Self; 3] = [Self::Once, Self::All, Self::Skip];

    /// Returns the stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::All => "all",
            Self::Skip => "skip",
        }
    }

    /// Reads the stable word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// What must hold before a run of a schedule starts (spec 197).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Conditions {
    /// Nobody used the machine for so many milliseconds.
    pub idle_at_least_ms: Option<u64>,
    /// The machine does not run on its battery.
    pub on_external_power: bool,
    /// The network costs nothing by the byte.
    pub on_unmetered_network: bool,
    /// The network with this name is connected (spec 198).
    pub on_connection: Option<String>,
    /// The machine may be woken from sleep for a timed run.
    pub may_wake: bool,
}

/// What ends a run of a schedule before it is done (spec 197).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StopWhen {
    /// Somebody uses the machine again.
    pub idle_ends: bool,
    /// The machine runs on its battery.
    pub power_lost: bool,
}
