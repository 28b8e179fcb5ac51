//! The agenda of one item: when it should run, why, and what it waits for.
//!
//! Pure: the time, the rules and the state of the machine are arguments; nothing here reads a
//! clock. Times of schedules come through the port [`Calendar`].
//!
//! ```text
//!  what happens ──► changed · happened · succeeded · gone ─┐
//!  the clock, the machine ──► look ──► Look { due, waiting_for, missed, next_wake … }
//!  a run of the item, whoever began it ──► started … ended ─┘
//! ```
//!
//! Order of calls: [`Agenda::load`] once; then [`Agenda::look`] whenever something happened and
//! at [`Look::next_wake`] at the latest, also while the item runs, and when the machine wakes up or
//! its clock was set, since timers do not know of either. When [`Look::can_start`],
//! begin a session and call [`Agenda::started`]; call [`Agenda::ended`] once when it is over.
//! Runs that a person began are told in the same way. After each call, save [`Agenda::memory`]
//! when it [differs](AgendaMemory::differs_from) from what was saved last, in one transaction with the [`Missed`] of the look: so a missed run is
//! announced exactly once, whenever the program is killed.
//!
//! How times are counted: every occurrence of a schedule is dealt with once and in order. It is
//! *on time* when a look comes within [`GRACE_MS`] after it was due, and then it is owed until a
//! run starts, however long conditions or a window make it wait. Otherwise nobody was there (the
//! machine slept, the program was off, the clock leapt), and it is *missed*: reported, and caught
//! up as the schedule says.
//!
//! Must not: decide which item goes first; ask a person.

mod gate;
mod jitter;
mod look;
mod memory;
mod times;

pub use gate::Waiting;
pub use jitter::seed_of;
pub use look::{Due, Look, Reason};
pub use memory::{AgendaMemory, Cause, Changed, Failing, Owed, Running, ScheduleMemory};

use syncmgr_model::catalogue::Retry;
use syncmgr_model::schedule::{RunPolicy, Schedule, SystemEvent, Trigger, Window, Zone};
use syncmgr_model::time::Timestamp;

/// How late a look may be for an occurrence to count as on time: a busy center is not a sleeping
/// machine.
pub const GRACE_MS: i64 = 60_000;
/// Most runs that catch up with missed ones, with [`CatchUp::All`]: a month of sleep must not
/// become a day of runs.
///
/// [`CatchUp::All`]: syncmgr_model::schedule::CatchUp::All
pub const CATCH_UP_MAX: u32 = 10;
/// Most occurrences that one look counts; beyond that a report says "at least". A schedule of
/// every second has 86,400 in a day, and nobody reads the difference.
pub const COUNT_MAX: u32 = 1_000;
/// After so long of being able to start and not starting, an item is overdue. Shorter waits for
/// an idle machine or for power are what was asked for.
pub const OVERDUE_MS: i64 = 3_600_000;
/// The clock may be set back by so much without anything being done again: a wrong time zone, a
/// wrong day. Set back further, it was wrong before, and what it said then no longer counts.
pub const BACK_MAX_MS: i64 = 25 * 3_600_000;
/// What happens just before logging off or losing the network is not worth a run later.
pub const LAST_MOMENT_MS: i64 = 600_000;
/// The wait before the first retry of a failure that says "at once", and after a cause went away:
/// enough for a network to settle, and no tight loop.
pub const AT_ONCE_MS: i64 = 1_000;

/// Knows when the times of a schedule fall. Implementations read no clock and give the same
/// answer to the same question; they may be asked from any thread and must not block.
pub trait Calendar {
    /// Returns the first time of the trigger that is later than `after`; none when there is no
    /// more, or it is not a timed one. `anchor` is where a period without a start begins.
    fn next(
        &self,
        trigger: &Trigger,
        zone: &Zone,
        after: Timestamp,
        anchor: Timestamp,
    ) -> Option<Timestamp>;

    /// Returns `at` itself when a window is open then or there are none, otherwise when the next
    /// one opens; none when none ever does.
    fn next_open(&self, windows: &[Window], zone: &Zone, at: Timestamp) -> Option<Timestamp>;
}

/// Knows no times: for a center without schedules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timeless;

impl Calendar for Timeless {
    fn next(&self, _: &Trigger, _: &Zone, _: Timestamp, _: Timestamp) -> Option<Timestamp> {
        None
    }

    fn next_open(&self, _: &[Window], _: &Zone, at: Timestamp) -> Option<Timestamp> {
        Some(at)
    }
}

/// What was set up for one item.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The schedules that cover it; those that are off are passed over.
    pub schedules: &'a [Schedule],
    /// What holds for all of its runs.
    pub policy: &'a RunPolicy,
    /// When the times fall.
    pub calendar: &'a dyn Calendar,
    /// The same for the item every time, different between items: see [`seed_of`].
    pub seed: u64,
}

impl std::fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules")
            .field("schedules", &self.schedules)
            .field("policy", &self.policy)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

impl<'a> Rules<'a> {
    /// Returns the schedules that are on.
    pub(crate) fn active(&self) -> impl Iterator<Item = &'a Schedule> + use<'a> {
        self.schedules.iter().filter(|it| it.is_enabled)
    }
}

/// The machine and the item at the moment of a look. What is not known does not count as
/// fulfilled: a run that needs it waits and says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Situation {
    /// The item is paused: what becomes due is kept for afterwards.
    pub is_paused: bool,
    /// Milliseconds since anybody used the machine.
    pub idle_ms: Option<u64>,
    /// The machine does not run on its battery; true where there is none.
    pub is_on_power: Option<bool>,
    /// The network costs nothing by the byte.
    pub is_unmetered: Option<bool>,
    /// Some network is there.
    pub is_online: bool,
    /// The names of the networks that are connected.
    pub connections: Vec<String>,
}

/// Timed runs that could not start when they were due, because nobody was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Of which schedule.
    pub schedule: String,
    /// When the first should have run.
    pub first: Timestamp,
    /// When the last should have run.
    pub last: Timestamp,
    /// How many.
    pub n: u32,
    /// There were more, which were not counted.
    pub is_at_least: bool,
    /// How many runs catch up with them; 0 when the schedule passes over missed runs.
    pub n_runs: u32,
}

/// How a run of the item ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It did its work.
    Success,
    /// It failed, and this is when trying again makes sense.
    Failed(Retry),
    /// A person stopped it: nothing is tried again before it is due again.
    Stopped,
    /// It was stopped because its conditions ended; it goes on when they hold again.
    CutShort,
}

/// Something that may have been the cause of failures and is no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// The network is back. A look notices this by itself.
    Network,
    /// A folder or a disk is back.
    Folder,
    /// A file changed. [`Agenda::changed`] says this by itself.
    File,
    /// A person changed a setting or gave an answer.
    Person,
}

/// The due times of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agenda {
    memory: AgendaMemory,
}

impl Agenda {
    /// Builds the agenda of an item that has none yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            memory: AgendaMemory::new(now),
        }
    }

    /// Takes up what was saved. A run that was going on when it was saved died with the program:
    /// it counts as a failure and is tried again, later each time, in case it is what kills the
    /// program. [`Agenda::ended`] is not called for it.
    #[must_use]
    pub fn load(mut memory: AgendaMemory, policy: &RunPolicy) -> Self {
        if let Some(run) = memory.running.take() {
            let failing = memory.failing.take();
            let failing = failing.unwrap_or_else(|| Failing::none(run.since));
            memory.failing = Some(failing.again(run.since, Retry::Now, run.by, policy));
        }
        Self { memory }
    }

    /// Returns what has to be saved.
    #[must_use]
    pub fn memory(&self) -> &AgendaMemory {
        &self.memory
    }

    /// Answers what is due, and moves on to `now`: what is in [`Look::missed`] is not said again.
    pub fn look(&mut self, now: Timestamp, rules: Rules<'_>, machine: &Situation) -> Look {
        times::rewind(&mut self.memory, now, rules.policy);
        times::follow(&mut self.memory, now, rules);
        if machine.is_online && !self.memory.was_online {
            self.gone(Gone::Network, now, rules.policy);
        }
        let missed = times::advance(&mut self.memory, now, rules);
        times::idle(&mut self.memory, now, rules, machine.idle_ms);
        times::expire(&mut self.memory, now);
        self.memory.was_paused = machine.is_paused;
        self.memory.was_online = machine.is_online;
        self.memory.last_look = now;
        look::answer(&self.memory, now, rules, machine, missed)
    }

    /// Something changed in a watched folder. To be called too when changes may have gone
    /// unnoticed: at the start of the program, and after an overflow of the watch.
    pub fn changed(&mut self, now: Timestamp, policy: &RunPolicy) {
        let first = self.memory.change.map_or(now, |it| it.first);
        self.memory.change = Some(Changed { first, last: now });
        self.gone(Gone::File, now, policy);
    }

    /// Something happened on the machine. That it is idle is seen by [`Agenda::look`] and ignored
    /// here.
    pub fn happened(&mut self, event: &SystemEvent, now: Timestamp, rules: Rules<'_>) {
        times::follow(&mut self.memory, now, rules);
        let is_wanted = |it: &Trigger| times::is_event(it, event);
        for schedule in rules.active() {
            if schedule.triggers.iter().any(is_wanted) {
                self.memory
                    .owe(&schedule.name, Cause::Event(event.clone()), now, 1);
            }
        }
    }

    /// The item with this name ran and succeeded.
    pub fn succeeded(&mut self, item: &str, now: Timestamp, rules: Rules<'_>) {
        times::follow(&mut self.memory, now, rules);
        let is_wanted = |it: &Trigger| matches!(it, Trigger::After(name) if name == item);
        for schedule in rules.active() {
            if schedule.triggers.iter().any(is_wanted) {
                self.memory
                    .owe(&schedule.name, Cause::After(item.to_owned()), now, 1);
            }
        }
    }

    /// A possible cause of failures went away: what waits for a retry need not wait any longer.
    pub fn gone(&mut self, what: Gone, now: Timestamp, policy: &RunPolicy) {
        let ended = self.memory.last_end.unwrap_or(now);
        let Some(failing) = &mut self.memory.failing else {
            return;
        };
        let pause_ms = match what {
            Gone::Network | Gone::Folder if failing.retry == Retry::Never => return,
            Gone::Network | Gone::Folder | Gone::Person => AT_ONCE_MS,
            // Not sooner than a first retry, or a log that is written all the time would have a
            // full disk tried every few seconds.
            Gone::File => ms(policy.retry.first_ms),
        };
        failing.n_waits = 0;
        let at = Timestamp(ended.0.saturating_add(pause_ms)).max(now);
        let is_sooner = failing.next_retry.is_none_or(|old| at < old);
        if is_sooner && self.memory.running.is_none() {
            failing.next_retry = Some(at);
        }
    }

    /// A run of the item began, `by` this schedule or none when a person began it. It covers all
    /// that was due until now, whatever it was due for. [`Agenda::look`] comes before it, with the
    /// same time.
    pub fn started(&mut self, now: Timestamp, by: Option<&str>) {
        self.dismissed();
        let by = by.map(str::to_owned);
        if let Some(failing) = &mut self.memory.failing {
            failing.next_retry = None;
        }
        self.memory.running = Some(Running { since: now, by });
    }

    /// What is due now will not run: a person said no when asked.
    pub fn dismissed(&mut self) {
        for schedule in &mut self.memory.schedules {
            schedule.settle();
        }
        self.memory.change = None;
        self.memory.missed_since = None;
    }

    /// The run ended.
    pub fn ended(&mut self, now: Timestamp, end: End, policy: &RunPolicy) {
        let by = self.memory.running.take().and_then(|it| it.by);
        self.memory.last_end = Some(now);
        match end {
            End::Success => {
                self.memory.last_success = Some(now);
                self.memory.failing = None;
            }
            End::Failed(retry) => {
                let failing = self.memory.failing.take();
                let failing = failing.unwrap_or_else(|| Failing::none(now));
                self.memory.failing = Some(failing.again(now, retry, by, policy));
            }
            End::Stopped => {}
            End::CutShort => {
                self.memory.failing = Some(Failing {
                    next_retry: Some(now),
                    by,
                    ..self
                        .memory
                        .failing
                        .take()
                        .unwrap_or_else(|| Failing::none(now))
                });
            }
        }
    }
}

impl Agenda {
    /// A run that is over was told late. What it says of the present counts only when no later run
    /// ended; that it succeeded then counts anyway.
    pub fn ended_before(&mut self, at: Timestamp, end: End, policy: &RunPolicy) {
        if self.memory.last_end.is_none_or(|last| last <= at) {
            let running = self.memory.running.take();
            self.ended(at, end, policy);
            self.memory.running = running;
        } else if end == End::Success {
            self.memory.last_success = self.memory.last_success.max(Some(at));
        }
    }
}

/// Makes a length of time that can be added to a time.
pub(crate) fn ms(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
