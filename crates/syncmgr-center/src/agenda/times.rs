//! Moves the memory of an agenda along with the clock: what became due, and what was missed.

use syncmgr_model::schedule::{CatchUp, RunPolicy, Schedule, SystemEvent, Trigger};
use syncmgr_model::time::Timestamp;

use super::jitter::{fingerprint, shift_ms};
use super::memory::{AgendaMemory, Cause, ScheduleMemory};
use super::{BACK_MAX_MS, CATCH_UP_MAX, COUNT_MAX, GRACE_MS, LAST_MOMENT_MS, Missed, Rules, ms};

/// An occurrence that has not been dealt with yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coming {
    /// The time of the schedule.
    pub(super) at: Timestamp,
    /// When it may start: after the jitter, and when a window is open.
    pub(super) due: Timestamp,
}

/// Takes back what lies in a future that the clock no longer has. What was dealt with stays so,
/// unless the clock had been wrong by more than a day.
pub(super) fn rewind(memory: &mut AgendaMemory, now: Timestamp, policy: &RunPolicy) {
    if now >= memory.last_look {
        return;
    }
    if memory.last_look.0.saturating_sub(now.0) > BACK_MAX_MS {
        for schedule in &mut memory.schedules {
            schedule.handled = schedule.handled.min(now);
            schedule.since = schedule.since.min(now);
        }
    }
    let owed = memory.schedules.iter_mut().flat_map(|it| &mut it.owed);
    for owed in owed {
        owed.first = owed.first.min(now);
    }
    let changes = memory.change.iter_mut();
    let changes = changes.flat_map(|it| [&mut it.first, &mut it.last]);
    let latest = Timestamp(now.0.saturating_add(ms(policy.retry.most_ms)));
    if let Some(failing) = &mut memory.failing {
        failing.since = failing.since.min(now);
        failing.next_retry = failing.next_retry.map(|at| at.min(latest));
    }
    let others = [
        &mut memory.last_end,
        &mut memory.last_success,
        &mut memory.missed_since,
    ];
    let others = others.into_iter().flatten();
    for time in others.chain(changes).chain([&mut memory.born]) {
        *time = (*time).min(now);
    }
}

/// Begins to follow schedules that are new or edited, and forgets those that are off or gone.
/// Nothing of before can be missed in a new one.
pub(super) fn follow(memory: &mut AgendaMemory, now: Timestamp, rules: Rules<'_>) {
    let is_there = |it: &ScheduleMemory| rules.active().any(|other| other.name == it.name);
    memory.schedules.retain(is_there);
    for schedule in rules.active() {
        let fingerprint = fingerprint(schedule);
        let known = memory.schedules.iter_mut();
        match known.into_iter().find(|it| it.name == schedule.name) {
            Some(it) if it.fingerprint == fingerprint => {}
            // What it owes stays owed: one run too many does no harm.
            Some(it) => {
                (it.fingerprint, it.since, it.handled) = (fingerprint, now, now);
            }
            None => memory.schedules.push(ScheduleMemory {
                name: schedule.name.clone(),
                fingerprint,
                since: now,
                handled: now,
                n_idle: 0,
                owed: Vec::new(),
            }),
        }
    }
}

/// Returns the first occurrence that is not dealt with.
pub(super) fn coming(
    rules: Rules<'_>,
    schedule: &Schedule,
    memory: &ScheduleMemory,
) -> Option<Coming> {
    let at = next(rules, schedule, memory.handled, memory.since)?;
    let mut shifted = at;
    if schedule.jitter_ms > 0 {
        // Never as far as the next occurrence, so that they stay in order.
        let following = next(rules, schedule, at, memory.since);
        let room_ms = following.map_or(u64::MAX, |it| it.ms_since(at));
        let shift = shift_ms(
            rules.seed,
            &schedule.name,
            at,
            schedule.jitter_ms.min(room_ms),
        );
        shifted = Timestamp(at.0.saturating_add(ms(shift)));
    }
    let calendar = rules.calendar;
    let due = calendar.next_open(&schedule.windows, &schedule.zone, shifted)?;
    Some(Coming { at, due })
}

fn next(
    rules: Rules<'_>,
    schedule: &Schedule,
    after: Timestamp,
    since: Timestamp,
) -> Option<Timestamp> {
    let triggers = schedule.triggers.iter();
    let times = triggers.filter_map(|it| rules.calendar.next(it, &schedule.zone, after, since));
    times.min()
}

/// Deals with all occurrences until now: those on time are owed, the others were missed.
pub(super) fn advance(memory: &mut AgendaMemory, now: Timestamp, rules: Rules<'_>) -> Vec<Missed> {
    let mut all = Vec::new();
    // Whoever pauses an item wants what comes due meanwhile afterwards, and nothing is missed.
    let was_paused = memory.was_paused;
    for schedule in rules.active() {
        let it = memory
            .schedules
            .iter_mut()
            .find(|it| it.name == schedule.name);
        let Some(it) = it else { continue };
        let Some(mut missed) = count(it, schedule, now, rules, was_paused) else {
            continue;
        };
        missed.n_runs = match schedule.catch_up {
            CatchUp::Once => 1,
            CatchUp::All => missed.n.min(CATCH_UP_MAX),
            CatchUp::Skip => 0,
        };
        catch_up(it, schedule, &missed);
        if missed.n_runs == 0 {
            memory.missed_since.get_or_insert(missed.first);
        }
        all.push(missed);
    }
    all
}

fn count(
    memory: &mut ScheduleMemory,
    schedule: &Schedule,
    now: Timestamp,
    rules: Rules<'_>,
    was_paused: bool,
) -> Option<Missed> {
    let mut missed: Option<Missed> = None;
    let is_due = |it: &Coming| it.due <= now;
    for _ in 0..COUNT_MAX {
        let Some(Coming { at, due }) = coming(rules, schedule, memory).filter(is_due) else {
            return missed;
        };
        memory.handled = at;
        if was_paused || now.0.saturating_sub(due.0) <= GRACE_MS {
            memory.owe(Cause::Time, due, 1);
        } else {
            add(&mut missed, &schedule.name, at);
        }
    }
    if coming(rules, schedule, memory).is_some_and(|it| is_due(&it)) {
        memory.handled = memory.handled.max(now);
        cut(memory, missed.as_mut());
    }
    missed
}

/// Says that there were more than were counted, where the count is.
fn cut(memory: &mut ScheduleMemory, missed: Option<&mut Missed>) {
    if let Some(missed) = missed {
        missed.is_at_least = true;
        return;
    }
    let times = memory.owed.iter_mut().filter(|it| it.cause == Cause::Time);
    times.for_each(|it| it.is_at_least = true);
}

fn add(missed: &mut Option<Missed>, schedule: &str, at: Timestamp) {
    let it = missed.get_or_insert_with(|| Missed {
        schedule: schedule.to_owned(),
        first: at,
        last: at,
        n: 0,
        is_at_least: false,
        n_runs: 0,
    });
    it.n += 1;
    it.last = at;
}

fn catch_up(memory: &mut ScheduleMemory, schedule: &Schedule, missed: &Missed) {
    if missed.n_runs == 0 {
        return;
    }
    let owes_already = |it: &super::Owed| matches!(it.cause, Cause::CatchUp { .. });
    let n_runs = match schedule.catch_up {
        // One run makes up for all of them, however often some were missed.
        CatchUp::Once if memory.owed.iter().any(owes_already) => 0,
        CatchUp::Once | CatchUp::All | CatchUp::Skip => missed.n_runs,
    };
    memory.owe(Cause::CatchUp { n_runs }, missed.first, missed.n);
}

/// Notes the runs that an idle machine makes due: one when it was idle for long enough, and one
/// more each time the repeat is over. A person who comes back begins a new count.
pub(super) fn idle(
    memory: &mut AgendaMemory,
    now: Timestamp,
    rules: Rules<'_>,
    idle_ms: Option<u64>,
) {
    // Idle for less long than since the last look: somebody was there in between.
    let since_look_ms = now.ms_since(memory.last_look);
    let was_used = idle_ms.is_none_or(|it| it < since_look_ms);
    for schedule in rules.active() {
        let it = memory
            .schedules
            .iter_mut()
            .find(|it| it.name == schedule.name);
        let Some(it) = it else { continue };
        let events = schedule.triggers.iter().filter_map(idle_of);
        if was_used {
            it.n_idle = 0;
        }
        let n: u32 = events.clone().map(|event| n_idle(event, idle_ms)).sum();
        if n > it.n_idle {
            for (after_ms, repeat_ms) in events.take(1) {
                let event = SystemEvent::Idle {
                    after_ms,
                    repeat_ms,
                };
                it.owe(Cause::Event(event), now, n - it.n_idle);
            }
        }
        it.n_idle = n;
    }
}

/// Returns after how long an idle trigger fires, and how often again.
pub(super) fn idle_of(trigger: &Trigger) -> Option<(u64, Option<u64>)> {
    match trigger {
        Trigger::OnEvent(SystemEvent::Idle {
            after_ms,
            repeat_ms,
        }) => Some((*after_ms, *repeat_ms)),
        Trigger::Every { .. }
        | Trigger::Once(_)
        | Trigger::Cron(_)
        | Trigger::At { .. }
        | Trigger::OnChange
        | Trigger::OnEvent(_)
        | Trigger::After(_) => None,
    }
}

/// Returns how many runs a stretch of idleness has made due so far.
fn n_idle((after_ms, repeat_ms): (u64, Option<u64>), idle_ms: Option<u64>) -> u32 {
    let Some(over_ms) = idle_ms.and_then(|it| it.checked_sub(after_ms)) else {
        return 0;
    };
    let n_more = repeat_ms.map_or(0, |each| over_ms / each.max(1));
    // Bounded far below what a sum of a hundred triggers could overflow.
    u32::try_from(n_more).unwrap_or(u32::MAX).min(1_000_000) + 1
}

/// Drops what was only worth a run at the last moment.
pub(super) fn expire(memory: &mut AgendaMemory, now: Timestamp) {
    for schedule in &mut memory.schedules {
        schedule.owed.retain(|it| match &it.cause {
            Cause::Event(SystemEvent::LogOff | SystemEvent::PendingDisconnect) => {
                now.0.saturating_sub(it.first.0) <= LAST_MOMENT_MS
            }
            Cause::Time | Cause::CatchUp { .. } | Cause::Event(_) | Cause::After(_) => true,
        });
    }
}

/// Says whether a trigger waits for what happened.
pub(super) fn is_event(trigger: &Trigger, event: &SystemEvent) -> bool {
    let Trigger::OnEvent(wanted) = trigger else {
        return false;
    };
    match (wanted, event) {
        (SystemEvent::Idle { .. }, _) => false,
        (SystemEvent::Connect(None), SystemEvent::Connect(_)) => true,
        (
            SystemEvent::Connect(_)
            | SystemEvent::LogOn
            | SystemEvent::LogOff
            | SystemEvent::Lock
            | SystemEvent::Unlock
            | SystemEvent::PendingDisconnect,
            _,
        ) => wanted == event,
    }
}
