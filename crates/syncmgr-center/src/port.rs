//! The ports: what the center needs from outside. Others implement them.

use std::sync::mpsc::Sender;

use syncmgr_model::conflict::ConflictId;
use syncmgr_model::event::Event;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::time::Timestamp;

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
    /// At most so many, newest first; 0 is all.
    pub limit: u32,
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
    /// Only before this one.
    pub before: Option<EventId>,
    /// At most so many, newest first; 0 is all.
    pub limit: u32,
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
