//! The rules of the center, without a clock, a disk or a thread.
//!
//! [`handle`] is the one door: a command and the time go in, effects come out. What the center
//! knows about the present is in [`State`]:
//!
//! - `registry`: handlers and items, and what is kept of them;
//! - `settle`: the rules for what they say about themselves;
//! - `collection`: handlers that come and go together; who waits for something to be read;
//! - `run`: a request that waits, or the session it became;
//! - `queue` (with `line`, `claims`): requests that wait, and what they wait for;
//! - `begin`, `session`, `absorb`, `end`: the life of a session;
//! - `outside`: sessions of other programs, also those told after their end;
//! - `stop` (with `timers`): requests to stop, and what happens when nobody listens;
//! - `timetable`: what runs by itself, and when;
//! - `watched`: which directories of which items changed;
//! - `results`: which results count, and those that handlers keep themselves;
//! - `conflicts`: how many conflicts wait;
//! - `control`, `start`: what people and programs ask for;
//! - `change`: setting up, turning on and off, removing;
//! - `operation`: what is shown to a person;
//! - `view`, `glance`: what others may see of all this.

mod absorb;
mod begin;
mod change;
mod claims;
mod collection;
mod conflicts;
mod control;
mod end;
mod glance;
mod line;
mod operation;
mod outside;
mod queue;
mod registry;
mod reload;
mod results;
mod run;
mod session;
mod settle;
mod sight;
mod start;
mod stop;
mod timers;
mod timetable;
mod view;
mod watched;

pub use glance::Glance;
pub use registry::{HandlerMemory, ItemMemory};
pub use results::{ResultView, STORE_EVENTS_MAX};
pub use view::{HandlerView, ItemView, List, SessionView};
pub use watched::Seen;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use syncmgr_model::event::{Event, NewEvent};
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use crate::agenda::{Calendar, Timeless};
use crate::command::{
    Answer, Call, CallReply, Command, Effect, Limits, Opening, OperationId, Save, Ticket, Update,
};
use queue::Queue;
use registry::{HandlerEntry, ItemEntry};
use run::{Run, Stage};
use timers::Timers;
use timetable::Timetable;

/// Most results kept of one session. A handler that reports more is flooding; the rest is dropped,
/// the counts in the summary stay right.
pub const EVENTS_MAX: usize = 1000;

/// All that the center knows about the present.
#[derive(Debug)]
pub struct State {
    handlers: BTreeMap<HandlerId, HandlerEntry>,
    items: BTreeMap<ItemKey, ItemEntry>,
    /// Requests that wait and sessions that run, by the id of the session.
    runs: BTreeMap<SessionId, Run>,
    queue: Queue,
    /// When something is given up.
    timers: Timers,
    /// Requests that were handed to programs outside and wait for their sessions (spec 75).
    handed_over: BTreeMap<HandlerId, BTreeSet<SessionId>>,
    /// What is shown to people, or told to handlers, right now.
    operations: BTreeMap<OperationId, operation::Open>,
    results: results::Results,
    conflicts: conflicts::Conflicts,
    collections: collection::Collections,
    timetable: Timetable,
    /// The items whose folders are watched, with those folders.
    watched: Vec<(ItemKey, Vec<Vec<u8>>)>,
    limits: Limits,
    next_random: u16,
    /// The time in the last id that was made: ids never go back, even when the clock does.
    id_time: Timestamp,
    next_event: u64,
    next_operation: u64,
    is_closing: bool,
}

impl Default for State {
    /// Builds the state of a center without times.
    fn default() -> Self {
        Self::new(Arc::new(Timeless))
    }
}

/// What the handling of one command gathers.
#[derive(Debug)]
pub(crate) struct Turn {
    now: Timestamp,
    saves: Vec<Save>,
    effects: Vec<Effect>,
    touched: BTreeSet<ItemKey>,
}

impl Turn {
    fn new(now: Timestamp) -> Self {
        Self {
            now,
            saves: Vec::new(),
            effects: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    fn save(&mut self, save: Save) {
        self.saves.push(save);
    }

    fn push(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn notify(&mut self, update: Update) {
        self.effects.push(Effect::Notify(update));
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.effects.push(Effect::Answer(ticket, answer));
    }

    /// Marks an item as changed in what is shown of it.
    fn touch(&mut self, key: &ItemKey) {
        self.touched.insert(key.clone());
    }

    /// Puts what is to be written down before everything else.
    fn finish(mut self) -> Vec<Effect> {
        let mut all = Vec::with_capacity(self.effects.len() + 2);
        if !self.saves.is_empty() {
            all.push(Effect::Save(self.saves));
        }
        all.append(&mut self.effects);
        if !self.touched.is_empty() {
            let keys = self.touched.into_iter().collect();
            all.push(Effect::Notify(Update::Items(keys)));
        }
        all
    }
}

/// Decides what a command means.
#[must_use]
pub fn handle(state: &mut State, command: Command, now: Timestamp) -> Vec<Effect> {
    let mut turn = Turn::new(now);
    match command {
        Command::Open(opening) => state.open(*opening, &mut turn),
        Command::Control(ticket, control) => state.control(ticket, control, &mut turn),
        Command::Loaded(handler, facts) => state.loaded(&handler, facts.map(|f| *f), &mut turn),
        Command::ItemLoaded(key, facts) => state.item_loaded(&key, facts.map(|f| *f), &mut turn),
        Command::CollectionLoaded(id, handlers) => {
            state.collection_loaded(&id, handlers, &mut turn);
        }
        Command::Progress(session, item, status, progress) => {
            // Nobody waits for the answer; the host refuses what is not allowed by itself.
            drop(state.called(&session, Call::Progress(item, status, *progress), &mut turn));
        }
        Command::Call(id, session, call) => {
            let answer = state.called(&session, call, &mut turn);
            turn.push(Effect::Reply(id, answer));
        }
        Command::Returned(session, result) => state.returned(&session, result, &mut turn),
        Command::EventsLoaded(handler, read) => state.events_loaded(&handler, read, &mut turn),
        Command::ConflictsCounted(handler, counts) => {
            state.conflicts_counted(&handler, counts, &mut turn);
        }
        Command::ConflictsRemoved(id, result) => state.conflicts_removed(id, result, &mut turn),
        Command::Told(id, result) => state.told(id, result, &mut turn),
        Command::Showing(id, wizard) => state.showing(id, wizard, &mut turn),
        Command::Shown(id, result) => state.shown(id, result, &mut turn),
        Command::Happened(event) => state.happened(&event, &mut turn),
        Command::Machine(machine) => state.set_machine(*machine, &mut turn),
        Command::Seen(item, folder, seen) => {
            state.seen_changes(&item, folder, seen, &mut turn);
        }
        Command::Note(handler, new) => state.add_event(&handler, *new, &mut turn),
        Command::TimeLeapt => state.look_at_all(&mut turn),
        Command::Close => state.close(&mut turn),
        Command::ClockJumped(ms) => state.clock_jumped(ms),
        Command::Tick => state.tick(&mut turn),
    }
    state.dispatch(&mut turn);
    turn.finish()
}

impl State {
    /// Builds the state of a center that has not begun; times of schedules are asked of `calendar`.
    #[must_use]
    pub fn new(calendar: Arc<dyn Calendar + Send + Sync>) -> Self {
        Self {
            handlers: BTreeMap::new(),
            items: BTreeMap::new(),
            runs: BTreeMap::new(),
            queue: Queue::default(),
            timers: Timers::default(),
            handed_over: BTreeMap::new(),
            operations: BTreeMap::new(),
            results: results::Results::default(),
            conflicts: conflicts::Conflicts::default(),
            collections: collection::Collections::default(),
            timetable: Timetable::new(calendar),
            watched: Vec::new(),
            limits: Limits::default(),
            next_random: 0,
            id_time: Timestamp(0),
            next_event: 0,
            next_operation: 0,
            is_closing: false,
        }
    }

    fn open(&mut self, opening: Opening, turn: &mut Turn) {
        self.limits = opening.limits;
        self.next_random = opening.random;
        self.next_event = opening.remembered.last_event;
        self.remember(opening.remembered.handlers, opening.remembered.items);
        for record in opening.remembered.abandoned {
            self.interrupt(record, turn);
        }
        self.configure(opening.saved, turn);
        self.remember_agendas(opening.remembered.agendas);
        self.keep_time(opening.keeps_time);
        self.install_all(opening.installed, turn);
        self.set_schedules(opening.schedules, opening.policies, turn);
    }

    fn close(&mut self, turn: &mut Turn) {
        self.is_closing = true;
        self.stop_all(turn);
        // Nobody can report on a session of another program any more.
        let outside: Vec<_> = self
            .runs
            .values()
            .filter(|run| run.is_external)
            .map(|run| run.id.clone())
            .collect();
        for id in outside {
            self.end(&id, Err(Trouble::new(Code::Interrupted)), turn);
        }
    }

    /// Says whether the center was asked to end and nothing runs any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let is_over = |run: &Run| run.stage == Stage::Abandoned;
        self.is_closing && self.runs.values().all(is_over)
    }

    fn tick(&mut self, turn: &mut Turn) {
        self.give_up_late(turn);
        self.look_at_due(turn);
        turn.notify(Update::Tick);
    }

    /// Keeps the time that handlers have left, whatever the clock says.
    fn clock_jumped(&mut self, ms: i64) {
        self.timers.shift(ms);
        self.shift_idle(ms);
        for run in self.runs.values_mut() {
            run.heard = Timestamp(run.heard.0.saturating_add(ms));
            run.deadline = run.deadline.map(|at| Timestamp(at.0.saturating_add(ms)));
        }
    }

    /// Returns when [`Command::Tick`] is wanted at the latest; `None`: nothing waits for time.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.timers.next().into_iter().chain(self.next_look()).min()
    }

    /// Says whether a handler was asked what it is and has not answered yet.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.handlers.values().any(HandlerEntry::is_loading)
    }

    /// Returns the limits that hold.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Returns how many sessions run.
    #[must_use]
    pub fn n_running(&self) -> usize {
        self.queue.n_running()
    }

    /// Makes an id that is later than all before.
    fn new_session_id(&mut self, now: Timestamp) -> SessionId {
        self.id_time = self.id_time.max(now);
        let id = SessionId::at(self.id_time, self.next_random);
        self.next_random = self.next_random.wrapping_add(1);
        if self.next_random == 0 {
            self.id_time.0 += 1;
        }
        id
    }

    /// Adds an event outside of any session: written down and told at once.
    fn add_event(&mut self, handler: &HandlerId, new: NewEvent, turn: &mut Turn) {
        let event = self.make_event(handler, None, new, turn.now);
        turn.save(Save::Event(event.clone()));
        self.count_error(&event, turn);
        turn.notify(Update::Event(Box::new(event)));
    }

    /// Makes an event, of a session or outside of any.
    fn make_event(
        &mut self,
        handler: &HandlerId,
        session: Option<&SessionId>,
        new: NewEvent,
        now: Timestamp,
    ) -> Event {
        self.next_event += 1;
        Event {
            id: EventId(self.next_event),
            handler: handler.clone(),
            item: new.item,
            session: session.cloned(),
            at: now,
            trouble: new.trouble,
            link: new.link,
            context: new.context,
        }
    }
}

/// Builds the key of an item.
fn key(handler: &HandlerId, item: &ItemId) -> ItemKey {
    ItemKey {
        handler: handler.clone(),
        item: item.clone(),
    }
}

/// Names an item for a message.
fn name_of(state: &State, key: &ItemKey) -> String {
    match state.items.get(key) {
        Some(entry) if !entry.memory.name.is_empty() => entry.memory.name.clone(),
        Some(_) | None => key.item.to_string(),
    }
}

/// The answer when a call has nothing to say.
const DONE: CallReply = CallReply::Done;

#[cfg(test)]
mod tests;
