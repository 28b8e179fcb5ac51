//! When items run by themselves: the agenda of each item, fed with what happens, and asked when
//! something is due.
//!
//! Only a center that stays (the daemon) starts runs; one inside a command keeps the memory of the
//! agendas right, so that the daemon knows what was run by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use syncmgr_model::catalogue;
use syncmgr_model::event::{EventLevel, Link, NewEvent};
use syncmgr_model::id::ItemKey;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::{Intent, Origin, WorkKind};
use syncmgr_model::schedule::{RunPolicy, Schedule, SystemEvent, Trigger};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::run::Run;
use super::{State, Turn};
use crate::agenda::{
    Agenda, AgendaMemory, Calendar, Due, End, Gone, Look, Missed, Reason, Rules, Situation, seed_of,
};
use crate::command::{Save, StartOptions};

/// What is set up about times, for all items.
pub(super) struct Timetable {
    calendar: Arc<dyn Calendar + Send + Sync>,
    schedules: Vec<Schedule>,
    /// By name of the item; one without is at its defaults.
    policies: BTreeMap<String, RunPolicy>,
    /// What is known of the machine; `is_paused` belongs to items and is not used here.
    machine: Situation,
    /// Since when nobody uses the machine; none while somebody does, or when it cannot tell.
    idle_since: Option<Timestamp>,
    /// When each item wants to be looked at.
    wakes: BTreeSet<(Timestamp, ItemKey)>,
    /// Runs are started when they are due.
    is_on: bool,
}

impl std::fmt::Debug for Timetable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timetable")
            .field("schedules", &self.schedules)
            .finish_non_exhaustive()
    }
}

impl Timetable {
    pub(super) fn new(calendar: Arc<dyn Calendar + Send + Sync>) -> Self {
        Self {
            calendar,
            schedules: Vec::new(),
            policies: BTreeMap::new(),
            machine: Situation {
                is_online: true,
                ..Situation::default()
            },
            idle_since: None,
            wakes: BTreeSet::new(),
            is_on: false,
        }
    }

    fn policy(&self, name: &str) -> RunPolicy {
        self.policies.get(name).cloned().unwrap_or_default()
    }

    /// Returns the schedules that cover an item.
    fn covering(&self, name: &str) -> Vec<Schedule> {
        let covering = self.schedules.iter().filter(|it| it.covers(name));
        covering.cloned().collect()
    }
}

/// The agenda of an item, with what was last written down and said of it.
#[derive(Debug)]
pub(super) struct Entry {
    agenda: Agenda,
    saved: Option<AgendaMemory>,
    /// The answer of the last look.
    pub(super) look: Option<Look>,
    wake: Option<Timestamp>,
}

impl Entry {
    /// Returns what the agenda remembers.
    pub(super) fn memory(&self) -> &AgendaMemory {
        self.agenda.memory()
    }
}

impl State {
    /// Takes up what the agendas remembered.
    pub(super) fn remember_agendas(&mut self, agendas: Vec<(ItemKey, AgendaMemory)>) {
        for (key, memory) in agendas {
            let Some(entry) = self.items.get_mut(&key) else {
                continue;
            };
            let policy = self.timetable.policy(&entry.memory.name);
            entry.agenda = Some(Entry {
                agenda: Agenda::load(memory.clone(), &policy),
                saved: Some(memory),
                look: None,
                wake: None,
            });
        }
    }

    /// Takes over the schedules and what holds for the runs of each item.
    pub(super) fn set_schedules(
        &mut self,
        schedules: Vec<Schedule>,
        policies: BTreeMap<String, RunPolicy>,
        turn: &mut Turn,
    ) {
        self.timetable.schedules = schedules;
        self.timetable.policies = policies;
        self.look_at_all(turn);
        self.rewatch(turn);
    }

    /// Says whether runs are started when they are due.
    pub(super) fn keep_time(&mut self, is_on: bool) {
        self.timetable.is_on = is_on;
    }

    /// The machine is in another state: on its battery, idle, without a network. Being idle goes on
    /// from what is told, and being in use (0) lasts until something else is told.
    pub(super) fn set_machine(&mut self, machine: Situation, turn: &mut Turn) {
        let idle_ms = machine.idle_ms.filter(|it| *it > 0);
        let since = |it| {
            Timestamp(
                turn.now
                    .0
                    .saturating_sub(i64::try_from(it).unwrap_or(i64::MAX)),
            )
        };
        self.timetable.idle_since = idle_ms.map(since);
        if self.timetable.machine != machine {
            self.timetable.machine = machine;
            self.look_at_all(turn);
        }
    }

    /// The clock moved by so many milliseconds: nobody was idle for longer, and a machine that slept
    /// was woken up by somebody.
    pub(super) fn shift_idle(&mut self, ms: i64) {
        let since = &mut self.timetable.idle_since;
        *since = since.map(|it| Timestamp(it.0.saturating_add(ms)));
    }

    /// Something happened on the machine.
    pub(super) fn happened(&mut self, event: &SystemEvent, turn: &mut Turn) {
        self.tell_agendas(turn, |agenda, now, rules| {
            agenda.happened(event, now, rules);
        });
    }

    /// Looks at every item: schedules or the machine changed, or time leapt.
    pub(super) fn look_at_all(&mut self, turn: &mut Turn) {
        let keys: Vec<_> = self.items.keys().cloned().collect();
        for key in keys {
            self.look_at(&key, turn);
        }
    }

    /// Looks at the items whose time has come.
    pub(super) fn look_at_due(&mut self, turn: &mut Turn) {
        while let Some((at, key)) = self.timetable.wakes.first().cloned() {
            if at > turn.now {
                return;
            }
            self.timetable.wakes.pop_first();
            if let Some(Some(entry)) = self.items.get_mut(&key).map(|it| it.agenda.as_mut()) {
                entry.wake = None;
            }
            self.look_at(&key, turn);
        }
    }

    /// Returns when the next item wants to be looked at.
    pub(super) fn next_look(&self) -> Option<Timestamp> {
        let first = self.timetable.wakes.first().map(|(at, _)| *at);
        first.filter(|_| self.timetable.is_on)
    }

    fn tell_agendas(&mut self, turn: &mut Turn, tell: impl Fn(&mut Agenda, Timestamp, Rules<'_>)) {
        let keys: Vec<_> = self.items.keys().cloned().collect();
        for key in keys {
            self.with_agenda(&key, turn.now, &tell);
            self.look_at(&key, turn);
        }
    }

    /// Lets an item's agenda be told something; an item that neither has schedules nor an age that is
    /// too old has none to tell.
    pub(super) fn with_agenda(
        &mut self,
        key: &ItemKey,
        now: Timestamp,
        tell: impl FnOnce(&mut Agenda, Timestamp, Rules<'_>),
    ) {
        let Some(entry) = self.items.get_mut(key) else {
            return;
        };
        let schedules = self.timetable.covering(&entry.memory.name);
        let policy = self.timetable.policy(&entry.memory.name);
        if schedules.is_empty() && policy.max_age_ms.is_none() && entry.agenda.is_none() {
            return;
        }
        let agenda = entry.agenda.get_or_insert_with(|| Entry {
            agenda: Agenda::new(now),
            saved: None,
            look: None,
            wake: None,
        });
        let rules = Rules {
            schedules: &schedules,
            policy: &policy,
            calendar: &*self.timetable.calendar,
            seed: seed_of(&key.item),
        };
        tell(&mut agenda.agenda, now, rules);
    }

    /// Asks an item's agenda what is due, starts it, and notes when to ask again.
    pub(super) fn look_at(&mut self, key: &ItemKey, turn: &mut Turn) {
        let Some(entry) = self.items.get(key) else {
            return;
        };
        let is_paused = entry
            .memory
            .paused_until
            .is_some_and(|until| until > turn.now)
            || self.unsyncable(key, WorkKind::Sync).is_some();
        let idle_since = self.timetable.idle_since;
        let idle_ms = idle_since.map(|since| turn.now.ms_since(since));
        let situation = Situation {
            is_paused,
            idle_ms: idle_ms.or(self.timetable.machine.idle_ms),
            ..self.timetable.machine.clone()
        };
        let pause_ends = entry.memory.paused_until.filter(|until| until.0 < i64::MAX);
        let mut seen = None;
        self.with_agenda(key, turn.now, |agenda, now, rules| {
            seen = Some(agenda.look(now, rules, &situation));
        });
        let Some(mut look) = seen else {
            return;
        };
        let missed = std::mem::take(&mut look.missed);
        for missed in missed {
            self.say_missed(key, &missed, turn);
        }
        let wake = look.next_wake.into_iter().chain(pause_ends).min();
        let due = look.due.clone().filter(|_| look.can_start());
        self.note_look(key, look, wake, turn);
        self.save_agenda(key, turn);
        if let Some(due) = due {
            self.start_due(key, due, turn);
        }
    }

    fn note_look(&mut self, key: &ItemKey, look: Look, wake: Option<Timestamp>, turn: &mut Turn) {
        let Some(Some(entry)) = self.items.get_mut(key).map(|it| it.agenda.as_mut()) else {
            return;
        };
        if let Some(old) = entry.wake.take() {
            self.timetable.wakes.remove(&(old, key.clone()));
        }
        if let Some(at) = wake.filter(|at| *at > turn.now) {
            entry.wake = Some(at);
            self.timetable.wakes.insert((at, key.clone()));
        }
        if entry.look.as_ref() != Some(&look) {
            entry.look = Some(look);
            turn.touch(key);
        }
    }

    pub(super) fn save_agenda(&mut self, key: &ItemKey, turn: &mut Turn) {
        let Some(Some(entry)) = self.items.get_mut(key).map(|it| it.agenda.as_mut()) else {
            return;
        };
        let memory = entry.agenda.memory();
        let is_new = entry
            .saved
            .as_ref()
            .is_none_or(|saved| memory.differs_from(saved));
        if is_new {
            entry.saved = Some(memory.clone());
            turn.save(Save::Agenda(key.clone(), Box::new(memory.clone())));
        }
    }

    /// Writes down, once, that runs did not take place.
    fn say_missed(&mut self, key: &ItemKey, missed: &Missed, turn: &mut Turn) {
        let level = if missed.n_runs > 0 {
            EventLevel::Information
        } else {
            EventLevel::Warning
        };
        let trouble = Trouble::new(Code::MissedRun)
            .with("at", missed.first.rfc3339())
            .with("n", missed.n)
            .with("schedule", &missed.schedule)
            .at_level(level);
        let new = NewEvent {
            item: Some(key.item.clone()),
            trouble,
            link: Link::default(),
            context: None,
        };
        self.add_event(&key.handler, new, turn);
    }

    fn start_due(&mut self, key: &ItemKey, due: Due, turn: &mut Turn) {
        let is_free = self
            .items
            .get(key)
            .is_some_and(|entry| entry.queued.is_empty() && entry.running.is_empty());
        if !(self.timetable.is_on && is_free && !self.is_closing) {
            return;
        }
        let origin = match due.reason {
            Reason::Schedule | Reason::Event(_) => Origin::Schedule(due.schedule),
            Reason::CatchUp => Origin::CatchUp,
            Reason::After(name) => Origin::After(name),
            Reason::Change => Origin::Change,
            Reason::Retry => Origin::Retry,
        };
        let options = StartOptions {
            origin,
            ..StartOptions::default()
        };
        self.request(&key.handler, vec![key.item.clone()], options, None, turn);
    }

    /// A run of items began: it covers all that was due until now.
    pub(super) fn note_started(&mut self, run: &super::SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get(run) else {
            return;
        };
        if run.intent == Intent::Preview || run.work.kind() != WorkKind::Sync {
            return;
        }
        let by = match &run.origin {
            Origin::Schedule(name) => Some(name.clone()),
            Origin::Manual
            | Origin::Change
            | Origin::Retry
            | Origin::CatchUp
            | Origin::After(_)
            | Origin::External => None,
        };
        let keys: Vec<_> = run
            .order
            .iter()
            .map(|item| super::key(&run.handler, item))
            .collect();
        for key in keys {
            let situation = self.timetable.machine.clone();
            // What is due by now is what the run covers.
            let mut missed = Vec::new();
            self.with_agenda(&key, turn.now, |agenda, now, rules| {
                missed = agenda.look(now, rules, &situation).missed;
                agenda.started(now, by.as_deref());
            });
            for missed in missed {
                self.say_missed(&key, &missed, turn);
            }
            self.save_agenda(&key, turn);
        }
    }

    /// A run of items ended.
    pub(super) fn note_ended(&mut self, run: &Run, record: &SessionRecord, turn: &mut Turn) {
        if run.intent == Intent::Preview || run.work.kind() != WorkKind::Sync {
            return;
        }
        for result in &record.items {
            let key = super::key(&run.handler, &result.item);
            let end = self.end_of(run, &key, result.status);
            self.with_agenda(&key, turn.now, |agenda, now, rules| {
                agenda.ended(now, end, rules.policy);
            });
            self.look_at(&key, turn);
            if end == End::Success {
                self.tell_after(&key, turn);
            }
        }
    }

    /// Says what the end of a session is to the agenda of an item.
    pub(super) fn end_of(&self, run: &Run, key: &ItemKey, status: Option<ProgressStatus>) -> End {
        match status {
            Some(ProgressStatus::Succeeded) => End::Success,
            Some(ProgressStatus::Canceled) => End::Stopped,
            Some(ProgressStatus::Disconnected) => End::Failed(catalogue::Retry::Later),
            Some(
                ProgressStatus::Failed
                | ProgressStatus::Updating
                | ProgressStatus::UpdatingIndeterminate,
            )
            | None => End::Failed(self.retry_of(run, key)),
        }
    }

    /// Says when trying again makes sense, after what a session said about an item.
    fn retry_of(&self, run: &Run, key: &ItemKey) -> catalogue::Retry {
        let said = run.events.iter().find(|event| {
            event.trouble.level == EventLevel::Error
                && event.item.as_ref().is_none_or(|item| *item == key.item)
        });
        said.map_or(catalogue::Retry::Later, |event| {
            catalogue::retry(event.trouble.code)
        })
    }

    /// Tells the agendas that wait for the success of an item.
    pub(super) fn tell_after(&mut self, key: &ItemKey, turn: &mut Turn) {
        let Some(name) = self.items.get(key).map(|it| it.memory.name.clone()) else {
            return;
        };
        let waits = self.timetable.schedules.iter().any(|schedule| {
            let mut triggers = schedule.triggers.iter();
            triggers.any(|it| matches!(it, Trigger::After(other) if *other == name))
        });
        if waits {
            self.tell_agendas(turn, |agenda, now, rules| {
                agenda.succeeded(&name, now, rules);
            });
        }
    }

    /// A folder of an item may be there again.
    pub(super) fn folder_returned(&mut self, key: &ItemKey, turn: &mut Turn) {
        self.with_agenda(key, turn.now, |agenda, now, rules| {
            agenda.gone(Gone::Folder, now, rules.policy);
        });
    }

    /// Files of an item changed.
    pub(super) fn files_changed(&mut self, key: &ItemKey, turn: &mut Turn) {
        self.with_agenda(key, turn.now, |agenda, now, rules| {
            agenda.changed(now, rules.policy);
        });
        self.look_at(key, turn);
    }

    /// Says whether an item runs when its files change.
    pub(super) fn runs_on_change(&self, key: &ItemKey) -> bool {
        let Some(entry) = self.items.get(key) else {
            return false;
        };
        let name = &entry.memory.name;
        self.timetable.schedules.iter().any(|schedule| {
            schedule.is_enabled
                && schedule.covers(name)
                && schedule.triggers.contains(&Trigger::OnChange)
        })
    }
}
