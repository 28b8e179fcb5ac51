//! What an agenda has to remember when the program ends: plain values for the store.

use syncmgr_model::catalogue::Retry;
use syncmgr_model::schedule::{RunPolicy, SystemEvent};
use syncmgr_model::time::Timestamp;

use super::{AT_ONCE_MS, CATCH_UP_MAX, ms};

/// Most causes that one schedule owes runs for. Each kind of event is one; a name of a network or
/// of an item comes from outside, so there has to be an end.
const OWED_MAX: usize = 16;

/// All that an agenda remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgendaMemory {
    /// Since when there is an agenda; the age of an item that never succeeded counts from here.
    pub born: Timestamp,
    /// The last look; nobody was there between it and the next one.
    pub last_look: Timestamp,
    /// The item was paused at the last look.
    pub was_paused: bool,
    /// There was a network at the last look.
    pub was_online: bool,
    /// Per schedule that is on.
    pub schedules: Vec<ScheduleMemory>,
    /// Changes that no run covers yet.
    pub change: Option<Changed>,
    /// The run that is going on.
    pub running: Option<Running>,
    /// When the last run ended.
    pub last_end: Option<Timestamp>,
    /// When the last run that succeeded ended.
    pub last_success: Option<Timestamp>,
    /// The last run failed.
    pub failing: Option<Failing>,
    /// Runs were missed and passed over since then, and none ran since.
    pub missed_since: Option<Timestamp>,
}

/// What is remembered of one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleMemory {
    /// Its name.
    pub name: String,
    /// Tells whether its triggers or its zone were edited.
    pub fingerprint: u64,
    /// Since when it is as it is: where periods without a start begin.
    pub since: Timestamp,
    /// Every occurrence up to here is dealt with.
    pub handled: Timestamp,
    /// How many runs the present stretch of idleness already made due.
    pub n_idle: u32,
    /// Runs that are due, one entry for each kind of cause.
    pub owed: Vec<Owed>,
}

/// Runs that are due and have not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Why.
    pub cause: Cause,
    /// Since when.
    pub first: Timestamp,
    /// How many occurrences one run covers.
    pub n: u32,
    /// It covers more, which were not counted.
    pub is_at_least: bool,
}

/// Why a schedule owes a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// A time of the schedule came.
    Time,
    /// Times were missed.
    CatchUp {
        /// How many runs make up for them.
        n_runs: u32,
    },
    /// Something happened on the machine.
    Event(SystemEvent),
    /// Another item succeeded.
    After(String),
}

/// Changes of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// The first that no run covers.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
}

/// A run that is going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Since when.
    pub since: Timestamp,
    /// The schedule that began it; none for a person.
    pub by: Option<String>,
}

/// Failures in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The first of them.
    pub since: Timestamp,
    /// How many; 0 for a run that was cut short.
    pub n_failures: u32,
    /// How many since a cause last went away: the wait grows with it.
    pub n_waits: u32,
    /// When trying again makes sense.
    pub retry: Retry,
    /// When it is tried again; none when only a person, or the next time of a schedule, helps.
    pub next_retry: Option<Timestamp>,
    /// The schedule whose run failed: its windows and conditions hold for the retry too.
    pub by: Option<String>,
}

impl AgendaMemory {
    /// Builds the memory of an item that is new.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            born: now,
            last_look: now,
            was_paused: false,
            was_online: false,
            schedules: Vec::new(),
            change: None,
            running: None,
            last_end: None,
            last_success: None,
            failing: None,
            missed_since: None,
        }
    }

    /// Says whether it has to be saved again, when `saved` is what was saved last. That time went
    /// by is not worth a write to the disk.
    #[must_use]
    pub fn differs_from(&self, saved: &Self) -> bool {
        let last_look = self.last_look;
        *self
            != Self {
                last_look,
                ..saved.clone()
            }
    }

    /// Returns what is remembered of the schedule with this name.
    #[must_use]
    pub fn schedule(&self, name: &str) -> Option<&ScheduleMemory> {
        self.schedules.iter().find(|it| it.name == name)
    }

    /// Notes that a schedule owes a run.
    pub(super) fn owe(&mut self, schedule: &str, cause: Cause, at: Timestamp, n: u32) {
        let found = self.schedules.iter_mut().find(|it| it.name == schedule);
        if let Some(memory) = found {
            memory.owe(cause, at, n);
        }
    }
}

impl ScheduleMemory {
    /// Adds to what is owed for the same kind of cause, or begins anew.
    pub(super) fn owe(&mut self, cause: Cause, at: Timestamp, n: u32) {
        let same = self.owed.iter_mut().find(|it| it.cause.is_like(&cause));
        if let Some(owed) = same {
            owed.n = owed.n.saturating_add(n);
            owed.cause = owed.cause.clone().and(cause);
        } else if self.owed.len() < OWED_MAX {
            self.owed.push(Owed {
                cause,
                first: at,
                n,
                is_at_least: false,
            });
        }
    }

    /// A run covers all that is owed, except that several runs catch up where this was asked for.
    pub(super) fn settle(&mut self) {
        self.owed.retain_mut(|it| match &mut it.cause {
            Cause::Time | Cause::Event(_) | Cause::After(_) => false,
            Cause::CatchUp { n_runs } => {
                *n_runs = n_runs.saturating_sub(1);
                *n_runs > 0
            }
        });
    }
}

impl Cause {
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Time, Self::Time) | (Self::CatchUp { .. }, Self::CatchUp { .. }) => true,
            (Self::Event(a), Self::Event(b)) => a == b,
            (Self::After(a), Self::After(b)) => a == b,
            (Self::Time | Self::CatchUp { .. } | Self::Event(_) | Self::After(_), _) => false,
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::CatchUp { n_runs: a }, Self::CatchUp { n_runs: b }) => Self::CatchUp {
                n_runs: a.saturating_add(b).min(CATCH_UP_MAX),
            },
            (it, _) => it,
        }
    }
}

impl Failing {
    pub(super) fn none(now: Timestamp) -> Self {
        Self {
            since: now,
            n_failures: 0,
            n_waits: 0,
            retry: Retry::Now,
            next_retry: None,
            by: None,
        }
    }

    /// Counts one more failure.
    pub(super) fn again(
        self,
        now: Timestamp,
        retry: Retry,
        by: Option<String>,
        policy: &RunPolicy,
    ) -> Self {
        let n_waits = self.n_waits.saturating_add(1);
        let wait_ms = match retry {
            Retry::Now if n_waits == 1 => Some(AT_ONCE_MS),
            Retry::Now => policy.retry.wait_ms(n_waits - 1).map(ms),
            Retry::Later => policy.retry.wait_ms(n_waits).map(ms),
            Retry::Never => None,
        };
        Self {
            since: if self.n_failures == 0 {
                now
            } else {
                self.since
            },
            n_failures: self.n_failures.saturating_add(1),
            n_waits,
            retry,
            next_retry: wait_ms.map(|ms| Timestamp(now.0.saturating_add(ms))),
            by,
        }
    }
}
