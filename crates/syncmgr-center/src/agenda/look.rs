//! The answer of a look: what is due, what it waits for, and when to look again.

use syncmgr_model::schedule::{Schedule, SystemEvent, Trigger};
use syncmgr_model::time::Timestamp;

use super::gate::{Waiting, gate, look_again};
use super::memory::{AgendaMemory, Cause, Changed, Owed};
use super::times::{coming, idle_of};
use super::{Missed, OVERDUE_MS, Rules, Situation, ms};

/// What an agenda says at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The run that should start; when several are due the first that can.
    pub due: Option<Due>,
    /// What it waits for; empty when nothing is due, too.
    pub waiting_for: Vec<Waiting>,
    /// The next time at which something will be due: a schedule, a retry, or changes that settle.
    pub next_due: Option<Timestamp>,
    /// Since when something could have started and did not, or was missed without a run since.
    pub overdue_since: Option<Timestamp>,
    /// Since when the last success is older than allowed.
    pub too_old_since: Option<Timestamp>,
    /// When to look again at the latest; none means when something happens.
    pub next_wake: Option<Timestamp>,
    /// When the machine may be woken from sleep for a run.
    pub wake_machine_at: Option<Timestamp>,
    /// What was missed, each said once: to be recorded.
    pub missed: Vec<Missed>,
}

impl Look {
    /// Says whether the run in [`Look::due`] may start now.
    #[must_use]
    pub fn can_start(&self) -> bool {
        self.due.is_some() && self.waiting_for.is_empty()
    }
}

/// A run that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Why.
    pub reason: Reason,
    /// The schedule whose windows, conditions and [`StopWhen`] hold for it, to be given to
    /// [`Agenda::started`].
    ///
    /// [`StopWhen`]: syncmgr_model::schedule::StopWhen
    /// [`Agenda::started`]: super::Agenda::started
    pub schedule: String,
    /// Since when.
    pub since: Timestamp,
    /// How many occurrences it covers.
    pub n: u32,
    /// It covers more, which were not counted.
    pub is_at_least: bool,
    /// A person has to be asked first; after a no, call [`Agenda::dismissed`].
    ///
    /// [`Agenda::dismissed`]: super::Agenda::dismissed
    pub asks_first: bool,
}

/// Why a run is due, the most telling first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A time of its schedule came.
    Schedule,
    /// Times of its schedule were missed.
    CatchUp,
    /// Something happened on the machine.
    Event(SystemEvent),
    /// This item succeeded.
    After(String),
    /// Files changed.
    Change,
    /// The last run failed or was cut short.
    Retry,
}

/// A run that is due, or will be at a time that is known.
struct Candidate<'a> {
    reason: Reason,
    schedule: &'a Schedule,
    since: Timestamp,
    n: u32,
    is_at_least: bool,
    ready: Timestamp,
}

/// One that is due, and what keeps its schedule from starting it.
type Gated<'a> = (Candidate<'a>, Vec<Waiting>);

/// Answers a look. The memory has been moved on to `now`.
pub(super) fn answer(
    memory: &AgendaMemory,
    now: Timestamp,
    rules: Rules<'_>,
    machine: &Situation,
    missed: Vec<Missed>,
) -> Look {
    let (ready, later): (Vec<_>, Vec<_>) = candidates(memory, rules)
        .into_iter()
        .partition(|it| it.ready <= now);
    let ready = gated(ready, now, rules, machine);
    let times = coming_times(memory, rules);
    let later: Vec<_> = later
        .iter()
        .filter_map(|it| opening(it.schedule, it.ready, rules))
        .chain(times.iter().map(|(_, at)| *at))
        .filter(|at| *at > now)
        .collect();
    let overdue = overdue(memory, &ready, now, rules, machine);
    let too_old = too_old(memory, rules);
    let alarms = [overdue.map(becomes_overdue), too_old];
    let starts = starts(&ready, &later, now, rules, machine);
    let wakes = starts.into_iter().chain(alarms.into_iter().flatten());
    let to_wake = times.iter().filter(|(it, _)| it.conditions.may_wake);
    Look {
        waiting_for: waiting_for(memory, &ready, machine),
        next_due: later.iter().copied().min(),
        overdue_since: overdue
            .filter(|at| becomes_overdue(*at) <= now)
            .into_iter()
            .chain(memory.missed_since)
            .min(),
        too_old_since: too_old.filter(|at| *at <= now),
        next_wake: wakes.filter(|at| *at > now).min(),
        wake_machine_at: to_wake.map(|(_, at)| *at).filter(|at| *at > now).min(),
        due: ready.into_iter().next().map(|(it, _)| due(it)),
        missed,
    }
}

/// Asks at each gate; what can start comes first, and the order is kept otherwise.
fn gated<'a>(
    ready: Vec<Candidate<'a>>,
    now: Timestamp,
    rules: Rules<'_>,
    machine: &Situation,
) -> Vec<Gated<'a>> {
    let gated = ready.into_iter().map(|it| {
        let waiting = gate(it.schedule, now, rules, machine);
        (it, waiting)
    });
    let mut gated: Vec<_> = gated.collect();
    gated.sort_by_key(|(_, waiting)| !waiting.is_empty());
    gated
}

/// Returns what the first run that is due waits for.
fn waiting_for(memory: &AgendaMemory, ready: &[Gated<'_>], machine: &Situation) -> Vec<Waiting> {
    let Some((_, gate)) = ready.first() else {
        return Vec::new();
    };
    let running = memory.running.is_some().then_some(Waiting::Running);
    let paused = machine.is_paused.then_some(Waiting::Paused);
    let item = running.into_iter().chain(paused);
    item.chain(gate.iter().cloned()).collect()
}

/// Returns when something may be able to start. During a pause nothing does, and what comes due
/// is counted when it ends.
fn starts(
    ready: &[Gated<'_>],
    later: &[Timestamp],
    now: Timestamp,
    rules: Rules<'_>,
    machine: &Situation,
) -> Vec<Timestamp> {
    if machine.is_paused {
        return Vec::new();
    }
    let waiting = ready.iter().flat_map(|(_, waiting)| waiting);
    let again = waiting.filter_map(|it| look_again(it, now));
    let idle = idle_wakes(now, rules, machine);
    later.iter().copied().chain(again).chain(idle).collect()
}

fn due(it: Candidate<'_>) -> Due {
    Due {
        reason: it.reason,
        schedule: it.schedule.name.clone(),
        since: it.since,
        n: it.n,
        is_at_least: it.is_at_least,
        asks_first: it.schedule.asks_first,
    }
}

/// Returns all that is due or waits for a time, the most telling reason first.
fn candidates<'a>(memory: &AgendaMemory, rules: Rules<'a>) -> Vec<Candidate<'a>> {
    let mut all: Vec<_> = rules.active().flat_map(|it| owed(memory, it)).collect();
    all.sort_by_key(|it| rank(&it.reason));
    all.extend(changes(memory, rules));
    all.extend(retries(memory, rules));
    all
}

fn rank(reason: &Reason) -> u8 {
    match reason {
        Reason::Schedule => 0,
        Reason::CatchUp => 1,
        Reason::Event(_) => 2,
        Reason::After(_) => 3,
        Reason::Change => 4,
        Reason::Retry => 5,
    }
}

fn owed<'a>(memory: &AgendaMemory, schedule: &'a Schedule) -> Vec<Candidate<'a>> {
    let owed = memory
        .schedule(&schedule.name)
        .map_or(&[][..], |it| &it.owed);
    // A failure would use up all runs that catch up in no time.
    let retry = memory.failing.as_ref().and_then(|it| it.next_retry);
    let candidate = |it: &Owed| Candidate {
        reason: match &it.cause {
            Cause::Time => Reason::Schedule,
            Cause::CatchUp { .. } => Reason::CatchUp,
            Cause::Event(event) => Reason::Event(event.clone()),
            Cause::After(item) => Reason::After(item.clone()),
        },
        schedule,
        since: it.first,
        n: it.n,
        is_at_least: it.is_at_least,
        ready: match (&it.cause, retry) {
            (Cause::CatchUp { .. }, Some(at)) => at.max(it.first),
            (Cause::CatchUp { .. }, None) => it.first,
            (Cause::Time | Cause::Event(_) | Cause::After(_), _) => it.first,
        },
    };
    owed.iter().map(candidate).collect()
}

fn changes<'a>(memory: &AgendaMemory, rules: Rules<'a>) -> Vec<Candidate<'a>> {
    let Some(change) = memory.change else {
        return Vec::new();
    };
    let ready = settled(memory, change, rules);
    let wanted = rules
        .active()
        .filter(|it| it.triggers.contains(&Trigger::OnChange));
    let candidate = |schedule| Candidate {
        reason: Reason::Change,
        schedule,
        since: change.first,
        n: 1,
        is_at_least: false,
        ready,
    };
    wanted.map(candidate).collect()
}

/// Returns when changes have settled: it was quiet for a while, or they went on for long enough;
/// and there is some time between runs, more of it while runs fail.
fn settled(memory: &AgendaMemory, change: Changed, rules: Rules<'_>) -> Timestamp {
    let rule = rules.policy.change;
    let plus = |at: Timestamp, n: u64| Timestamp(at.0.saturating_add(ms(n)));
    let quiet = plus(change.last, rule.quiet_ms).min(plus(change.first, rule.most_wait_ms));
    let gap_ms = match &memory.failing {
        Some(_) => rule.gap_ms.max(rules.policy.retry.first_ms),
        None => rule.gap_ms,
    };
    let ended = memory.last_end.map(|at| plus(at, gap_ms));
    ended.map_or(quiet, |at| at.max(quiet))
}

/// A failed run is tried again under the rules of the schedule that began it; one that a person
/// began under those of any. An item without schedules runs by hand only, and so does its retry.
fn retries<'a>(memory: &AgendaMemory, rules: Rules<'a>) -> Vec<Candidate<'a>> {
    let Some(failing) = &memory.failing else {
        return Vec::new();
    };
    let Some(ready) = failing.next_retry else {
        return Vec::new();
    };
    let by = failing.by.as_deref();
    let is_known = rules.active().any(|it| Some(it.name.as_str()) == by);
    let candidate = |schedule| Candidate {
        reason: Reason::Retry,
        schedule,
        since: failing.since,
        n: 1,
        is_at_least: false,
        ready,
    };
    rules
        .active()
        .filter(|it| !is_known || Some(it.name.as_str()) == by)
        .map(candidate)
        .collect()
}

fn coming_times<'a>(memory: &AgendaMemory, rules: Rules<'a>) -> Vec<(&'a Schedule, Timestamp)> {
    let time = |schedule: &'a Schedule| {
        let coming = coming(rules, schedule, memory.schedule(&schedule.name)?)?;
        Some((schedule, coming.due))
    };
    rules.active().filter_map(time).collect()
}

fn opening(schedule: &Schedule, at: Timestamp, rules: Rules<'_>) -> Option<Timestamp> {
    rules
        .calendar
        .next_open(&schedule.windows, &schedule.zone, at)
}

/// Returns since when something could have started. The time outside of windows does not count.
fn overdue(
    memory: &AgendaMemory,
    ready: &[Gated<'_>],
    now: Timestamp,
    rules: Rules<'_>,
    machine: &Situation,
) -> Option<Timestamp> {
    if memory.running.is_some() || machine.is_paused {
        return None;
    }
    let due = ready.iter().map(|(it, _)| it);
    // Failures have a status of their own.
    let due = due.filter(|it| it.reason != Reason::Retry);
    due.filter_map(|it| opening(it.schedule, it.since, rules))
        .filter(|at| *at <= now)
        .min()
}

fn becomes_overdue(since: Timestamp) -> Timestamp {
    Timestamp(since.0.saturating_add(OVERDUE_MS))
}

fn too_old(memory: &AgendaMemory, rules: Rules<'_>) -> Option<Timestamp> {
    let last = memory.last_success.unwrap_or(memory.born);
    let max_age_ms = rules.policy.max_age_ms?;
    Some(Timestamp(last.0.saturating_add(max_age_ms)))
}

/// Returns when the machine will have been idle for long enough, should nobody come.
fn idle_wakes(now: Timestamp, rules: Rules<'_>, machine: &Situation) -> Vec<Timestamp> {
    let Some(idle_ms) = machine.idle_ms else {
        return Vec::new();
    };
    let triggers = rules.active().flat_map(|it| &it.triggers);
    let left = triggers.filter_map(idle_of).filter_map(|(after, repeat)| {
        if idle_ms < after {
            return Some(after - idle_ms);
        }
        let repeat = repeat?.max(1);
        Some(repeat - (idle_ms - after) % repeat)
    });
    left.map(|n| Timestamp(now.0.saturating_add(ms(n))))
        .collect()
}
