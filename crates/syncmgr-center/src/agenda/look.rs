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
    ready: Timestamp,
}

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
    let mut blocked: Vec<_> = ready
        .iter()
        .map(|it| (it, gate(it.schedule, now, rules, machine)))
        .collect();
    // The sort is stable: among those that can start the most telling reason stays first.
    blocked.sort_by_key(|(_, waiting)| !waiting.is_empty());
    let again: Vec<_> = blocked
        .iter()
        .flat_map(|(_, waiting)| waiting.iter().filter_map(|it| look_again(it, now)))
        .collect();
    let (due, mut waiting_for) = match blocked.into_iter().next() {
        Some((it, waiting)) => (Some(due(it)), waiting),
        None => (None, Vec::new()),
    };
    if due.is_some() && machine.is_paused {
        waiting_for.insert(0, Waiting::Paused);
    }
    if due.is_some() && memory.running.is_some() {
        waiting_for.insert(0, Waiting::Running);
    }
    let times = coming_times(memory, rules);
    let later = later
        .iter()
        .filter_map(|it| opening(it.schedule, it.ready, rules));
    let later: Vec<_> = later.chain(times.iter().map(|(_, at)| *at)).collect();
    let overdue = overdue(memory, &ready, now, rules, machine);
    let too_old = too_old(memory, rules);
    let mut wakes: Vec<_> = later.iter().copied().chain(again).collect();
    wakes.extend(idle_wakes(now, rules, machine));
    if machine.is_paused {
        // Nothing starts; what comes due is counted afterwards.
        wakes.clear();
    }
    wakes.extend([overdue, too_old].into_iter().flatten());
    let to_wake = times.iter().filter(|(it, _)| it.conditions.may_wake);
    Look {
        due,
        waiting_for,
        next_due: later.iter().copied().filter(|at| *at > now).min(),
        overdue_since: overdue
            .filter(|at| *at <= now)
            .map(|at| Timestamp(at.0.saturating_sub(OVERDUE_MS)))
            .into_iter()
            .chain(memory.missed_since)
            .min(),
        too_old_since: too_old.filter(|at| *at <= now),
        next_wake: wakes.into_iter().filter(|at| *at > now).min(),
        wake_machine_at: to_wake.map(|(_, at)| *at).filter(|at| *at > now).min(),
        missed,
    }
}

fn due(it: &Candidate<'_>) -> Due {
    Due {
        reason: it.reason.clone(),
        schedule: it.schedule.name.clone(),
        since: it.since,
        n: it.n,
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
        ready: it.first,
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

/// Returns when what is due becomes overdue, or did. The time outside of windows does not count.
fn overdue(
    memory: &AgendaMemory,
    ready: &[Candidate<'_>],
    now: Timestamp,
    rules: Rules<'_>,
    machine: &Situation,
) -> Option<Timestamp> {
    if memory.running.is_some() || machine.is_paused {
        return None;
    }
    // Failures have a status of their own.
    let due = ready.iter().filter(|it| it.reason != Reason::Retry);
    due.filter_map(|it| opening(it.schedule, it.since, rules))
        .filter(|at| *at <= now)
        .map(|at| Timestamp(at.0.saturating_add(OVERDUE_MS)))
        .min()
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
