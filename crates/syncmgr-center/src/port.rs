//! The ports: what the center needs from outside. Others implement them.

use std::sync::mpsc::Sender;

use syncmgr_model::conflict::ConflictId;
use syncmgr_model::event::Event;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::outcome::{Activity, Outcome, Past};
use syncmgr_model::record::SessionRecord;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Code;

use crate::command::{
    CallId, CallReply, Change, Command, Dispatch, Operation, OperationId, Remembered, Save, Update,
};
use crate::state::State;

/// The memory of the center cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {step} the history in `{place}`: {detail}")]
pub struct StoreError {
    /// What was tried, a verb.
    pub step: &'static str,
    /// Where, as harmless text.
    pub place: String,
    /// The cause.
    pub detail: String,
}

/// Which sessions are wanted.
#[derive(Debug, Clone, Default)]
pub struct SessionQuery {
    /// Only with this item.
    pub item: Option<ItemKey>,
    /// Only before this one.
    pub before: Option<SessionId>,
    /// Only those that came out in one of these ways; empty is all. With [`Self::item`] it is what
    /// became of that item.
    pub outcomes: Vec<Outcome>,
    /// Only those that began at or after this time.
    pub since: Option<Timestamp>,
    /// Only those that began at or before this time.
    pub until: Option<Timestamp>,
    /// At most so many, newest first; 0 is all.
    pub limit: u32,
}

impl SessionQuery {
    /// Says whether a session is wanted; the limit is left to the caller.
    #[must_use]
    pub fn fits(&self, record: &SessionRecord) -> bool {
        let outcome = || match &self.item {
            None => Outcome::of(record.status, &record.summary),
            Some(key) => record.outcome_of(&key.item),
        };
        self.before
            .as_ref()
            .is_none_or(|before| record.id < *before)
            && self.item.as_ref().is_none_or(|key| {
                let mut items = record.items.iter();
                record.handler == key.handler && items.any(|result| result.item == key.item)
            })
            && self.since.is_none_or(|since| record.started >= since)
            && self.until.is_none_or(|until| record.started <= until)
            && (self.outcomes.is_empty()
                || outcome().is_some_and(|outcome| self.outcomes.contains(&outcome)))
    }
}

/// A text that an event has to contain, in any case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saying {
    /// The text; it is looked for in the facts and the paths of an event.
    pub text: String,
    /// Messages that contain it whatever their facts are.
    pub codes: Vec<Code>,
    /// Items whose title contains it.
    pub items: Vec<ItemKey>,
}

impl Saying {
    /// Says whether an event contains it.
    #[must_use]
    pub fn fits(&self, event: &Event) -> bool {
        let wanted = self.text.to_lowercase();
        let has = |text: &String| text.to_lowercase().contains(&wanted);
        let is_of =
            |key: &ItemKey| key.handler == event.handler && event.item.as_ref() == Some(&key.item);
        self.codes.contains(&event.trouble.code)
            || event.trouble.params.values().any(has)
            || event.trouble.paths.iter().any(has)
            || self.items.iter().any(is_of)
    }
}

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only of this handler.
    pub handler: Option<HandlerId>,
    /// Only about this item.
    pub item: Option<ItemId>,
    /// Only of this session.
    pub session: Option<SessionId>,
    /// Only at least so loud: the number of an event level; 0 is all.
    pub level: u32,
    /// Only at or after this time.
    pub since: Option<Timestamp>,
    /// Only at or before this time.
    pub until: Option<Timestamp>,
    /// Only those that contain a text.
    pub saying: Option<Saying>,
    /// Only before this one.
    pub before: Option<EventId>,
    /// At most so many, newest first; 0 is all.
    pub limit: u32,
}

impl EventQuery {
    /// Says whether an event is wanted; the limit is left to the caller.
    #[must_use]
    pub fn fits(&self, event: &Event) -> bool {
        let fits = |wanted: &Option<HandlerId>| {
            wanted
                .as_ref()
                .is_none_or(|handler| event.handler == *handler)
        };
        fits(&self.handler)
            && (self.item.is_none() || event.item == self.item)
            && (self.session.is_none() || event.session == self.session)
            && event.trouble.level.number() >= self.level
            && self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at <= until)
            && self.before.is_none_or(|before| event.id < before)
            && self.saying.as_ref().is_none_or(|saying| saying.fits(event))
    }
}

/// The memory of the center. Every method is one short transaction.
pub trait Store: Send {
    /// Returns what the last center knew. Open sessions of a living process are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remembered(&mut self) -> Result<Remembered, StoreError>;

    /// Writes all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written.
    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError>;

    /// Returns every item ever run.
    ///
    /// # Errors
    /// [`StoreError`].
    fn items(&mut self) -> Result<Vec<Item>, StoreError>;

    /// Returns sessions, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sessions(&mut self, query: &SessionQuery) -> Result<Vec<SessionRecord>, StoreError>;

    /// Returns one session.
    ///
    /// # Errors
    /// [`StoreError`].
    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError>;

    /// Returns events, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError>;

    /// Returns the last `n` runs of each of these items, in their order, each oldest first: those
    /// that ended, and those that were missed.
    ///
    /// # Errors
    /// [`StoreError`].
    fn past(&mut self, items: &[ItemKey], n: u32) -> Result<Vec<Vec<Past>>, StoreError> {
        items
            .iter()
            .map(|key| {
                let runs = self.sessions(&SessionQuery {
                    item: Some(key.clone()),
                    outcomes: Outcome::ALL.to_vec(),
                    limit: n,
                    ..SessionQuery::default()
                })?;
                let past = |record: &SessionRecord| {
                    Some(Past {
                        outcome: record.outcome_of(&key.item)?,
                        at: record.started,
                        session: Some(record.id.clone()),
                    })
                };
                let events = self.events(&EventQuery {
                    handler: Some(key.handler.clone()),
                    item: Some(key.item.clone()),
                    ..EventQuery::default()
                })?;
                let missed = events
                    .iter()
                    .filter(|it| it.trouble.code == Code::MissedRun);
                let missed = missed.map(|event| Past {
                    outcome: Outcome::Missed,
                    at: event.at,
                    session: None,
                });
                let n = usize::try_from(n).unwrap_or(usize::MAX);
                let runs = runs.iter().filter_map(past).collect();
                Ok(Past::latest(runs, missed.collect(), n))
            })
            .collect()
    }

    /// Returns what happened since a time.
    ///
    /// # Errors
    /// [`StoreError`].
    fn activity(&mut self, since: Timestamp) -> Result<Activity, StoreError> {
        let mut activity = Activity::default();
        let runs = self.sessions(&SessionQuery {
            since: Some(since),
            ..SessionQuery::default()
        })?;
        for record in &runs {
            activity.add(&record.summary);
            if let Some(outcome) = Outcome::of(record.status, &record.summary) {
                activity.count(outcome, 1);
            }
        }
        let events = self.events(&EventQuery {
            since: Some(since),
            ..EventQuery::default()
        })?;
        for event in &events {
            if event.trouble.code == Code::MissedRun {
                let n = event.trouble.param("n").parse().unwrap_or(1);
                activity.count(Outcome::Missed, n);
            }
        }
        Ok(activity)
    }

    /// Returns a second way to read, for long questions beside the center's thread.
    ///
    /// # Errors
    /// [`StoreError`].
    fn reader(&self) -> Result<Box<dyn Store>, StoreError>;
}

/// Which conflicts are removed.
#[derive(Debug, Clone)]
pub struct Removed {
    /// Whose they are.
    pub handler: HandlerId,
    /// All items of that handler.
    pub items: Vec<Item>,
    /// Of which item; `None`: any.
    pub item: Option<ItemId>,
    /// Which ones.
    pub ids: Vec<ConflictId>,
}

/// The handlers, wherever they live. Every method returns at once; answers come through `to`.
pub trait Handlers: Send {
    /// Returns the handlers that are installed; one that was given twice is in it twice.
    fn installed(&self) -> Vec<HandlerId>;

    /// Returns the collections that are installed, in the order in which they are asked.
    fn collections(&self) -> Vec<String>;

    /// Reads a handler and its items; answered by [`Command::Loaded`], whatever the handler does.
    fn load(&self, id: &HandlerId, saved: &[Item], to: &Sender<Command>);

    /// Reads one item of a handler; answered by [`Command::ItemLoaded`], after the answers to what
    /// was asked of this handler before.
    fn load_item(&self, key: &ItemKey, to: &Sender<Command>);

    /// Reads a collection; answered by [`Command::CollectionLoaded`].
    fn load_collection(&self, id: &str, to: &Sender<Command>);

    /// Lets a handler work, on a thread of its own with an instance of its own. The last thing it
    /// says is always [`Command::Returned`], whatever the handler does (also when it breaks down).
    fn run(&self, dispatch: Dispatch, to: &Sender<Command>);

    /// Asks a session, or one item of it, to stop. Unknown sessions are ignored: they may just have
    /// ended.
    fn cancel(&self, session: &SessionId, item: Option<&ItemId>);

    /// Gives a session up: its calls are refused from now on, and a handler in a process of its own
    /// is killed.
    fn abandon(&self, session: &SessionId);

    /// Tells a handler or item of a change; answered by [`Command::Told`].
    fn tell(
        &self,
        id: OperationId,
        handler: &HandlerId,
        item: Option<&ItemId>,
        change: Change,
        to: &Sender<Command>,
    );

    /// Shows something to a person, on a thread of its own with an instance of its own (spec 8);
    /// answered by [`Command::Showing`] when it begins, and by [`Command::Shown`].
    fn show(
        &self,
        id: OperationId,
        handler: &HandlerId,
        item: Option<&ItemId>,
        operation: Operation,
        to: &Sender<Command>,
    );

    /// Brings what is shown to the front.
    fn raise(&self, id: OperationId);

    /// Reads stores of events, that of the handler (`None`) and those of items; answered by
    /// [`Command::EventsLoaded`] with every store that was asked for.
    fn load_events(&self, handler: &HandlerId, stores: &[Option<ItemId>], to: &Sender<Command>);

    /// Counts the conflicts of items, and with `None` those of the handler that belong to no item;
    /// `items` are all items of the handler. Answered by [`Command::ConflictsCounted`].
    fn count_conflicts(
        &self,
        handler: &HandlerId,
        items: Vec<Item>,
        scope: Vec<Option<ItemId>>,
        to: &Sender<Command>,
    );

    /// Asks a store to remove conflicts; answered by [`Command::ConflictsRemoved`].
    fn remove_conflicts(&self, id: OperationId, which: Removed, to: &Sender<Command>);

    /// Asks a handler to remove events it keeps itself.
    fn remove_events(&self, handler: &HandlerId, events: &[EventId]);

    /// Answers a call of a session.
    fn reply(&self, call: CallId, answer: Result<CallReply, Hresult>);
}

/// Watches folders.
pub trait Watches: Send {
    /// Watches exactly the folders of these items from now on; what is watched already goes on.
    /// Reports come through `to` as [`Command::Seen`].
    fn watch(&mut self, items: &[(ItemKey, Vec<Vec<u8>>)], to: &Sender<Command>);
}

/// Watches nothing: every run looks at everything.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watches for Unwatched {
    fn watch(&mut self, _items: &[(ItemKey, Vec<Vec<u8>>)], _to: &Sender<Command>) {}
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the time of day, UTC. It may jump.
    fn now(&self) -> Timestamp;

    /// Returns milliseconds since some fixed moment; never goes back.
    fn elapsed_ms(&self) -> u64;
}

/// Those who watch: a terminal, a page, a desktop.
pub trait Notifier: Send {
    /// Takes an update, with a look at the state it left; returns at once.
    fn notify(&mut self, update: &Update, state: &State, now: Timestamp);

    /// Says whether [`Update::Tick`] is wanted four times a second while sessions run.
    fn wants_ticks(&self) -> bool {
        false
    }
}
