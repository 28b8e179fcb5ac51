//! Which alarms are due: told once, not repeated while they last, gathered in quiet hours.
//!
//! Each item has *conditions* (it fails, it is held, …) that open and end by facts alone. Telling
//! is apart from that: [`Alarms::due`] compares what is so with what was told. Quiet hours need no
//! queue therefore: nothing is told while they last, and what ended meanwhile was never told.
//!
//! ```text
//!            fact begins            due, not quiet
//!  (nothing) ──────────► open ─────────────────────► told ──┐ reminder, if wanted
//!      ▲                  │ fact ends                │  ▲◄───┘
//!      │◄─────────────────┘                fact ends ▼  │ begins again before that was told
//!      └──────────────────────────────────────────── over
//!                  told that it is over
//! ```
//!
//! A run that is on changes no fact, and so begins and ends no condition.
//! Must not: read a clock, or know how anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::alarm::{Alarm, AlarmKind, AlarmSubject};
use syncmgr_model::catalogue::alarm::{plain, recovered};
use syncmgr_model::id::ItemId;
use syncmgr_model::status::Status;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// When something that lasts is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Failed runs in a row until it is told; 1 tells the first.
    pub n_failures_min: u64,
    /// Milliseconds of failing until it is told, however many runs that were.
    pub failing_ms: u64,
    /// Milliseconds of being overdue until it is told.
    pub overdue_ms: u64,
    /// Milliseconds until what still lasts is told again; `None` never does.
    pub repeat_ms: Option<u64>,
}

impl Default for Policy {
    /// Three failures or an hour of them, an hour overdue, no reminders.
    fn default() -> Self {
        Self {
            n_failures_min: 3,
            failing_ms: HOUR_MS,
            overdue_ms: HOUR_MS,
            repeat_ms: None,
        }
    }
}

/// Failed runs in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Streak {
    /// When the first one failed.
    pub since: Timestamp,
    /// How many, at least 1.
    pub n: u64,
}

/// Too long without a good run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// When the allowed age was passed.
    pub since: Timestamp,
    /// The last good run; `None` when there was none yet.
    pub last_good: Option<Timestamp>,
}

/// What is known of an item. All of it are facts that a run in progress does not hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Which.
    pub item: ItemId,
    /// What people call it.
    pub name: String,
    /// Its status: off forgets, paused keeps silent, no answer counts as failing.
    pub status: Status,
    /// Why it is held or fails, for the words.
    pub trouble: Option<Trouble>,
    /// Held changes that wait.
    pub n_held: u64,
    /// Conflicts that wait.
    pub n_conflicts: u64,
    /// Failed runs since the last good one.
    pub failing: Option<Streak>,
    /// Since when a run should have taken place and did not, as the agenda says it.
    pub overdue_since: Option<Timestamp>,
    /// Its last good run is older than is allowed.
    pub stale: Option<Stale>,
}

impl Sight {
    /// Starts with an item about which nothing is the matter.
    #[must_use]
    pub fn of(item: ItemId, name: impl Into<String>, status: Status) -> Self {
        Self {
            item,
            name: name.into(),
            status,
            trouble: None,
            n_held: 0,
            n_conflicts: 0,
            failing: None,
            overdue_since: None,
            stale: None,
        }
    }
}

/// One condition, as it is kept. Whoever stores these rows and gives them back after a restart
/// has nothing repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Of which item.
    pub item: ItemId,
    /// What it is called.
    pub name: String,
    /// What; never a kind that does not last (`Recovered`, `Test`, those of a run).
    pub kind: AlarmKind,
    /// Since when.
    pub since: Timestamp,
    /// Not told before.
    pub due: Timestamp,
    /// When it was told last.
    pub told: Option<Timestamp>,
    /// It ended, and that has still to be told. Only what was told can be over.
    pub is_over: bool,
    /// For the words.
    pub trouble: Trouble,
}

/// What is the matter with whom, and what was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alarms {
    conditions: BTreeMap<(ItemId, AlarmKind), Condition>,
    /// Items that a person paused; facts that come back with the next sight, so they are not kept.
    silent: BTreeSet<ItemId>,
}

impl Alarms {
    /// Takes up what was kept.
    #[must_use]
    pub fn restore(rows: Vec<Condition>) -> Self {
        let conditions = rows
            .into_iter()
            .map(|row| ((row.item.clone(), row.kind), row))
            .collect();
        Self {
            conditions,
            silent: BTreeSet::new(),
        }
    }

    /// Returns what has to be kept, in a stable order.
    pub fn rows(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.values()
    }

    /// Takes in what is known of an item: after each run, and whenever one of its facts changed.
    /// Ask [`Self::due`] afterwards.
    pub fn observe(&mut self, sight: &Sight, policy: &Policy, now: Timestamp) {
        if sight.status == Status::Off {
            self.forget(&sight.item);
            return;
        }
        if sight.status == Status::Paused {
            self.silent.insert(sight.item.clone());
        } else {
            self.silent.remove(&sight.item);
        }
        for kind in LASTING {
            match finding(sight, kind, policy, now) {
                Finding::So(fact) => self.begin(sight, kind, fact),
                Finding::NotSo => self.end(sight, kind),
                Finding::Hidden => self.hide(sight, kind),
            }
        }
    }

    /// Drops what is known of an item that was removed or turned off; nothing is told of it.
    pub fn forget(&mut self, item: &ItemId) {
        self.conditions.retain(|(of, _), _| of != item);
        self.silent.remove(item);
    }

    /// Returns what is to be told now, most urgent first, as **one** message; mostly nothing.
    /// `quiet_until` is the end of the quiet hours if `now` is within some.
    ///
    /// Keep [`Self::rows`] before sending: a crash in between loses one message, and repeats none.
    pub fn due(
        &mut self,
        policy: &Policy,
        now: Timestamp,
        quiet_until: Option<Timestamp>,
    ) -> Vec<Alarm> {
        if quiet_until.is_some() {
            return Vec::new();
        }
        let mut alarms = self.endings(now);
        for condition in self.conditions.values_mut() {
            // A clock that was set back must not silence the next reminder.
            condition.told = condition.told.map(|told| told.min(now));
            let is_due = tell_at(condition, policy).is_some_and(|at| at <= now);
            if is_due && !self.silent.contains(&condition.item) {
                alarms.push(tell(condition, now));
            }
        }
        alarms.sort_by_key(|alarm| alarm.kind);
        alarms
    }

    /// Returns when to ask [`Self::due`] again if nothing happens before; `None`: no need to.
    #[must_use]
    pub fn next(&self, policy: &Policy, quiet_until: Option<Timestamp>) -> Option<Timestamp> {
        let next = self
            .conditions
            .values()
            .filter(|condition| !self.silent.contains(&condition.item))
            .filter_map(|condition| tell_at(condition, policy))
            .min()?;
        Some(quiet_until.map_or(next, |end| end.max(next)))
    }

    fn begin(&mut self, sight: &Sight, kind: AlarmKind, fact: Fact) {
        let key = (sight.item.clone(), kind);
        let condition = self.conditions.entry(key).or_insert_with(|| Condition {
            item: sight.item.clone(),
            name: sight.name.clone(),
            kind,
            since: fact.since,
            due: fact.due,
            told: None,
            is_over: false,
            trouble: fact.trouble.clone(),
        });
        condition.is_over = false;
        condition.name.clone_from(&sight.name);
        condition.due = condition.due.min(fact.due);
        condition.since = condition.since.min(fact.since);
        condition.trouble = fact.trouble;
    }

    fn end(&mut self, sight: &Sight, kind: AlarmKind) {
        let key = (sight.item.clone(), kind);
        match self.conditions.get_mut(&key) {
            Some(condition) if condition.told.is_some() => condition.is_over = true,
            Some(_) => drop(self.conditions.remove(&key)),
            None => (),
        }
    }

    /// Drops what was not told yet: something more urgent stands for it.
    fn hide(&mut self, sight: &Sight, kind: AlarmKind) {
        let key = (sight.item.clone(), kind);
        if self
            .conditions
            .get(&key)
            .is_some_and(|it| it.told.is_none())
        {
            self.conditions.remove(&key);
        }
    }

    /// Takes out what is over, one alarm for each item.
    fn endings(&mut self, now: Timestamp) -> Vec<Alarm> {
        let mut over: BTreeMap<ItemId, Vec<Condition>> = BTreeMap::new();
        let silent = &self.silent;
        self.conditions.retain(|(item, _), condition| {
            let goes = condition.is_over && !silent.contains(item);
            if goes {
                over.entry(item.clone())
                    .or_default()
                    .push(condition.clone());
            }
            !goes
        });
        over.into_values()
            .filter_map(|conditions| ending(&conditions, now))
            .collect()
    }
}

/// The kinds that begin and end.
const LASTING: [AlarmKind; 6] = [
    AlarmKind::Held,
    AlarmKind::SignIn,
    AlarmKind::Failed,
    AlarmKind::TooOld,
    AlarmKind::Overdue,
    AlarmKind::Conflicts,
];

struct Fact {
    since: Timestamp,
    due: Timestamp,
    trouble: Trouble,
}

/// What the facts say about one kind.
enum Finding {
    /// It is so.
    So(Fact),
    /// It is not so.
    NotSo,
    /// Something else hides it: what was told is neither told again nor over.
    Hidden,
}

/// Reads off the facts whether a kind of condition holds.
fn finding(sight: &Sight, kind: AlarmKind, policy: &Policy, now: Timestamp) -> Finding {
    let so = |since, trouble| {
        Finding::So(Fact {
            since,
            due: now,
            trouble,
        })
    };
    match kind {
        AlarmKind::Held if is_held(sight) => so(now, held_why(sight)),
        AlarmKind::SignIn | AlarmKind::Failed => failing(sight, kind, policy, now),
        AlarmKind::TooOld => sight.stale.as_ref().map_or(Finding::NotSo, |stale| {
            let age_ms = stale.last_good.map_or(0, |good| now.ms_since(good));
            so(stale.since, plain(kind).with("age_ms", age_ms))
        }),
        AlarmKind::Overdue => sight.overdue_since.map_or(Finding::NotSo, |since| {
            // A clock that was set back must not put it off for longer than the policy says.
            let since = since.min(now);
            Finding::So(Fact {
                since,
                due: after(since, policy.overdue_ms),
                trouble: plain(kind),
            })
        }),
        AlarmKind::Conflicts if sight.n_conflicts > 0 => {
            so(now, plain(kind).with("n", sight.n_conflicts))
        }
        AlarmKind::Held
        | AlarmKind::Conflicts
        | AlarmKind::Recovered
        | AlarmKind::Test
        | AlarmKind::RunStarted
        | AlarmKind::RunSucceeded
        | AlarmKind::RunFailed => Finding::NotSo,
    }
}

fn is_held(sight: &Sight) -> bool {
    sight.status == Status::Held || sight.n_held > 0
}

fn why(sight: &Sight, kind: AlarmKind) -> Trouble {
    sight.trouble.clone().unwrap_or_else(|| plain(kind))
}

/// The handler's own words for the held changes say how many and where.
fn held_why(sight: &Sight) -> Trouble {
    match &sight.trouble {
        Some(trouble) => trouble.clone(),
        None => plain(AlarmKind::Held).with("n", sight.n_held),
    }
}

/// Failing has one alarm: a sign-in that is needed is told at once, held changes stand for it,
/// anything else waits until it has lasted. None of them is over before a run succeeds.
fn failing(sight: &Sight, kind: AlarmKind, policy: &Policy, now: Timestamp) -> Finding {
    let silent_handler = Streak { since: now, n: 1 };
    let streak = match &sight.failing {
        Some(streak) => streak,
        None if sight.status == Status::Unknown => &silent_handler,
        None => return Finding::NotSo,
    };
    let needs_sign_in = sight.trouble.as_ref().map(|it| it.code) == Some(Code::SignInNeeded);
    let is_mine = if kind == AlarmKind::SignIn {
        needs_sign_in
    } else {
        !needs_sign_in && !is_held(sight)
    };
    if !is_mine {
        return Finding::Hidden;
    }
    // A clock that was set back must not put it off for longer than the policy says.
    let since = streak.since.min(now);
    let is_at_once = needs_sign_in || streak.n >= policy.n_failures_min;
    Finding::So(Fact {
        since,
        due: if is_at_once {
            now
        } else {
            after(since, policy.failing_ms)
        },
        trouble: why(sight, kind),
    })
}

fn after(start: Timestamp, ms: u64) -> Timestamp {
    Timestamp(start.0.saturating_add_unsigned(ms))
}

/// Says when there is something to tell of a condition; `None`: not before it changes.
fn tell_at(condition: &Condition, policy: &Policy) -> Option<Timestamp> {
    match condition.told {
        None => Some(condition.due),
        Some(_) if condition.is_over => Some(condition.due),
        Some(told) => policy.repeat_ms.map(|ms| after(told, ms)),
    }
}

/// Marks a condition as told.
fn tell(condition: &mut Condition, now: Timestamp) -> Alarm {
    let is_reminder = condition.told.is_some();
    condition.told = Some(now);
    Alarm {
        kind: condition.kind,
        subject: Some(subject(condition)),
        at: now,
        since: condition.since,
        trouble: condition.trouble.clone(),
        ended: Vec::new(),
        is_reminder,
    }
}

/// Makes the alarm of what is over for one item.
fn ending(conditions: &[Condition], now: Timestamp) -> Option<Alarm> {
    let last = conditions.last()?;
    let ended: Vec<_> = conditions.iter().map(|it| it.kind).collect();
    let since = conditions.iter().map(|it| it.since).min().unwrap_or(now);
    Some(Alarm {
        kind: AlarmKind::Recovered,
        subject: Some(subject(last)),
        at: now,
        since,
        trouble: recovered(&ended),
        ended,
        is_reminder: false,
    })
}

fn subject(condition: &Condition) -> AlarmSubject {
    AlarmSubject {
        item: condition.item.clone(),
        name: condition.name.clone(),
        run: None,
    }
}

#[cfg(test)]
mod tests;
