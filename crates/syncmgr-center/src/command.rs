//! What the center is told and what it wants done.

use std::collections::BTreeMap;

use syncmgr_model::capability::{ControlFlags, SyncControlFlags};
use syncmgr_model::conflict::{Address, ConflictId, UpdateReason};
use syncmgr_model::event::{Event, NewEvent};
use syncmgr_model::facts::{HandlerFacts, ItemFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::record::{SessionRecord, Summary};
use syncmgr_model::request::{Additional, Dirty, Intent, Origin, Token, Work};
use syncmgr_model::schedule::{RunPolicy, Schedule, SystemEvent};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use crate::agenda::{AgendaMemory, Situation};
use crate::alarm::Condition;
use crate::state::{HandlerMemory, ItemMemory, Seen};

/// Names a request, so that its answers find the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// Names a call of a session, so that its answer finds the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// What goes with a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartOptions {
    /// What to do.
    pub work: Work,
    /// Do, or only say.
    pub intent: Intent,
    /// Passed to the handler as it is.
    pub token: Option<Token>,
    /// The sync control flags.
    pub flags: SyncControlFlags,
    /// Why.
    pub origin: Origin,
    /// A person sits at the screen and may be asked something.
    pub may_ask: bool,
    /// When the same is queued already, wait for that one instead of queueing it twice.
    pub joins: bool,
}

impl Default for StartOptions {
    fn default() -> Self {
        Self {
            work: Work::Sync {
                is_full: false,
                release: None,
            },
            intent: Intent::Apply,
            token: None,
            flags: SyncControlFlags::empty(),
            origin: Origin::Manual,
            may_ask: false,
            joins: false,
        }
    }
}

/// Whom a control call is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// These items of a handler.
    Items(HandlerId, Vec<ItemId>),
    /// A handler with all its items.
    Handler(HandlerId),
    /// Everything.
    All,
}

/// What can be asked of the center (`ISyncMgrControl`, and what goes beyond it). All of it is
/// queued and answered promptly (spec 72).
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// `StartItemSync`, `StartHandlerSync`, `StartSyncAll`. Answered by [`Answer::Accepted`] at once
    /// and by [`Answer::Outcome`] at the end; or by [`Answer::Refused`] alone.
    Start(Scope, Box<StartOptions>),
    /// Works on an item whose settings hold for this run alone; a new item becomes known by it.
    StartWith(Box<Item>, Box<StartOptions>),
    /// `StopItemSync`, `StopHandlerSync`, `StopSyncAll`: a request, nothing is killed (spec 116).
    Stop(Scope),
    /// Stops one session.
    StopSession(SessionId),
    /// Makes a handler of the host known for good (spec 1). One that was registered is read anew.
    Register(HandlerId, ControlFlags),
    /// Makes a handler unknown for good, until it is registered again: its sessions are asked to
    /// stop, what waits is withdrawn. A handler of a collection comes and goes with that.
    Unregister(HandlerId),
    /// `UpdateHandlerCollection`.
    UpdateCollection(String, ControlFlags),
    /// `UpdateHandler`.
    UpdateHandler(HandlerId, ControlFlags),
    /// `UpdateItem`.
    UpdateItem(ItemKey, ControlFlags),
    /// `UpdateEvents`: the events a handler keeps itself changed.
    UpdateEvents(HandlerId, Option<ItemId>, ControlFlags),
    /// `UpdateConflicts`: the conflicts a handler keeps changed.
    UpdateConflicts(HandlerId, Option<ItemId>, ControlFlags),
    /// `UpdateConflict`: one conflict is new, changed or gone (spec 157).
    UpdateConflict(Address, UpdateReason),
    /// Conflicts of a handler, or one item of it, are deleted (`RemoveConflicts`, spec 158).
    RemoveConflicts(HandlerId, Option<ItemId>, Vec<ConflictId>),
    /// `ActivateHandler`.
    Activate(bool, HandlerId, ControlFlags),
    /// `EnableHandler`.
    EnableHandler(bool, HandlerId, ControlFlags),
    /// `EnableItem`.
    EnableItem(bool, ItemKey, ControlFlags),
    /// Removes an item (`ISyncMgrSyncItem::Delete`); never its data.
    Delete(ItemKey, ControlFlags),
    /// Hides or shows a handler, or one item of it.
    Hide(bool, HandlerId, Option<ItemId>),
    /// Browses, shows the schedule, or follows the link of an event.
    Show(HandlerId, Option<ItemId>, Shown),
    /// No scheduled run until then; `None`: until it is resumed.
    Pause(Scope, Option<Timestamp>),
    /// Scheduled runs go on.
    Resume(Scope),
    /// A program outside of syncmgr begins a session (`SyncMgrClient`, spec 107).
    CreateSession(HandlerId, Vec<ItemId>),
    /// The same over an item that need not be known before, under an id that the program may have
    /// chosen itself: asked a second time with that id, the first session is answered.
    BeginOutside(Box<Outside>),
    /// A program outside reports a run that is over, and that was not listened to, or not to its
    /// end. Answered when it is written down; the same again changes nothing that people see.
    TakeIn(Box<Past>),
    /// A call of a session outside of syncmgr.
    Call(SessionId, Box<Call>),
    /// The program outside is done with its session.
    CloseSession(SessionId),
    /// The saved items are these now, in the order of their file.
    Configure(Vec<Item>),
    /// The schedules are these now, and this holds for the runs of items, by their names.
    SetSchedules(Vec<Schedule>, BTreeMap<String, RunPolicy>),
    /// An unsaved item is forgotten.
    Forget(ItemKey),
    /// Results were seen; they do not count any more.
    Seen(Scope),
    /// Events are removed (spec 131).
    RemoveEvents(HandlerId, Vec<EventId>),
}

/// A session that a program outside begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// The id it chose; `None`: the center makes one.
    pub session: Option<SessionId>,
    /// What it works on. One that is not known becomes known by it, as with
    /// [`Control::StartWith`].
    pub item: Item,
}

/// A run of a program outside, told after its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// Its id, made when it began.
    pub session: SessionId,
    /// What it worked on; as with [`Outside`].
    pub item: Item,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended, a final status; others count as failed.
    pub status: ProgressStatus,
    /// What it did and left.
    pub summary: Summary,
    /// What it had to say, in order, at most [`crate::state::EVENTS_MAX`]; the rest is dropped.
    pub events: Vec<(Timestamp, Trouble)>,
    /// Results that history has of it and that this is the truth about, as that it was interrupted.
    pub replaces: Vec<EventId>,
}

/// What is shown to a person on request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The content.
    Content,
    /// The schedule.
    Schedule,
    /// What the link of this event leads to; a copy of the event.
    Link(Box<Event>),
}

/// A question to a person before a change, or something shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Show the content.
    Browse,
    /// Show the schedule.
    ShowSchedule,
    /// Before it is set up.
    QueryBeforeActivate,
    /// Before it is taken down.
    QueryBeforeDeactivate,
    /// Before it is turned on.
    QueryBeforeEnable,
    /// Before it is turned off.
    QueryBeforeDisable,
    /// Before it is removed.
    QueryBeforeDelete,
    /// Follow the link of an event; the event is a copy.
    EventLink(Box<Event>),
}

/// What a handler, or an item of it, is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// `Activate`.
    Activate(bool),
    /// `Enable`.
    Enable(bool),
    /// `Delete`.
    Delete,
}

/// A call of a session that has an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// `CreateSession`, by the handler that was told to synchronize.
    Create(HandlerId, Vec<ItemId>),
    /// `ReportProgress` of an item.
    Progress(ItemId, ProgressStatus, Progress),
    /// What was done and left.
    Summary(ItemId, Summary),
    /// What would be done.
    Preview(ItemId, Box<Preview>),
    /// `SetHandlerProgressText`.
    Text(String),
    /// `ReportEvent`.
    Event(Box<NewEvent>),
    /// `CanContinue`.
    CanContinue(Option<ItemId>),
    /// `QueryForAdditionalItems`.
    QueryAdditional,
    /// `AddItemToSession`.
    AddItem(ItemId),
    /// `AddIUnknownToSession`.
    AddToken(Token),
    /// `ProposeItem`.
    Propose(Box<ItemFacts>),
    /// `CommitItem`.
    Commit(ItemId),
    /// `ReportManualSync`.
    Manual,
}

/// The answer to a call, when it is not refused.
#[derive(Debug, Clone, PartialEq)]
pub enum CallReply {
    /// Done.
    Done,
    /// Done, and whether to stop.
    Cancel(CancelRequest),
    /// The id of the event.
    Event(EventId),
    /// Whether to go on.
    Continue(bool),
    /// What waits.
    Additional(Option<Additional>),
    /// The item that was taken over.
    Item(Box<Item>),
    /// The session that was created.
    Session(SessionId),
}

/// What the store remembers when the center starts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remembered {
    /// Handlers, as they were last seen (spec 10).
    pub handlers: Vec<HandlerMemory>,
    /// Items, as they were last seen.
    pub items: Vec<ItemMemory>,
    /// What the agendas of items remember.
    pub agendas: Vec<(ItemKey, AgendaMemory)>,
    /// What alarms remember.
    pub alarms: Vec<Condition>,
    /// Sessions that were open when their process vanished.
    pub abandoned: Vec<SessionRecord>,
    /// The largest event id used.
    pub last_event: u64,
}

/// What stores of events said, each with its item; `None`: the store of the handler.
pub type ReadEvents = Vec<(Option<ItemId>, Result<Vec<Event>, Hresult>)>;

/// What the center is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The center starts.
    Open(Box<Opening>),
    /// Somebody asks for something.
    Control(Ticket, Control),
    /// A handler was read.
    Loaded(HandlerId, Result<Box<HandlerFacts>, Hresult>),
    /// A single item was read.
    ItemLoaded(ItemKey, Result<Box<ItemFacts>, Hresult>),
    /// A collection was read: its handlers.
    CollectionLoaded(String, Result<Vec<HandlerId>, Hresult>),
    /// A session reports progress; nothing is answered, because the host knows the answer.
    Progress(SessionId, ItemId, ProgressStatus, Box<Progress>),
    /// A session calls.
    Call(CallId, SessionId, Call),
    /// `Synchronize` returned; nothing counts after this.
    Returned(SessionId, Result<(), Trouble>),
    /// Stores of events that a handler keeps were read: that of the handler (`None`) and of items,
    /// with the ids that [`EventId::of_store`] makes.
    EventsLoaded(HandlerId, ReadEvents),
    /// The conflicts of a handler were counted: those of the handler itself (`None`) and of items.
    ConflictsCounted(HandlerId, Vec<(Option<ItemId>, Result<u64, Trouble>)>),
    /// A store was asked to remove conflicts and answered.
    ConflictsRemoved(OperationId, Result<(), Trouble>),
    /// A handler or item was told of a change and answered.
    Told(OperationId, Result<(), Hresult>),
    /// Something is about to be shown. With a handler: that is left to the built-in editor of
    /// schedules, for that handler.
    Showing(OperationId, Option<HandlerId>),
    /// Something shown to a person is done; as a question: the answer.
    Shown(OperationId, Result<bool, Hresult>),
    /// Something happened on the machine.
    Happened(SystemEvent),
    /// The machine is in another state.
    Machine(Box<Situation>),
    /// The watch saw something in one folder of an item.
    Seen(ItemKey, usize, Seen),
    /// The machine woke up, or its clock was set.
    TimeLeapt,
    /// Something outside of every session has to be recorded, as a result of this handler.
    Note(HandlerId, Box<NewEvent>),
    /// The center ends: running sessions are asked to stop.
    Close,
    /// The clock was set, or the machine slept: what it shows moved by so many milliseconds more than
    /// time passed for running programs. Comes before the first command after it.
    ClockJumped(i64),
    /// Time passed.
    Tick,
}

/// What the center starts with.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// What the store remembers.
    pub remembered: Remembered,
    /// The handlers that are installed.
    pub installed: Vec<HandlerId>,
    /// The saved items.
    pub saved: Vec<Item>,
    /// The schedules.
    pub schedules: Vec<Schedule>,
    /// What holds for the runs of items, by their names.
    pub policies: BTreeMap<String, RunPolicy>,
    /// Runs are started when they are due: the center stays.
    pub keeps_time: bool,
    /// Tells apart the ids that two processes make in one millisecond.
    pub random: u16,
    /// Limits; see there.
    pub limits: Limits,
}

/// Limits of the center.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most sessions started by the center that run at once; at least 1.
    pub max_running: usize,
    /// Milliseconds a handler has between a request to stop and being given up.
    pub grace_ms: i64,
    /// Milliseconds after which a scheduled request goes before newer manual ones.
    pub patience_ms: i64,
    /// Milliseconds a session from outside may say nothing before it counts as broken off.
    pub silence_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_running: 4,
            grace_ms: 10_000,
            patience_ms: 10 * 60_000,
            silence_ms: 10 * 60_000,
        }
    }
}

/// Names something shown to a person, or told to a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub u64);

/// How a start was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It runs.
    Started,
    /// It waits; `why` of the item says for what.
    Queued,
    /// The same was queued already; that one is waited for.
    Joined,
    /// Nothing is left to do (spec 81), or nothing can be synced.
    Nothing,
}

/// The immediate answer to a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The session it will be, or is.
    pub session: SessionId,
    /// How it was taken.
    pub taken: Taken,
    /// Items that are not synced, each with the reason.
    pub dropped: Vec<(ItemId, Trouble)>,
}

/// The one result of a start (`ISyncMgrSyncResult::Result`), with what goes beyond it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The session; of a request that never ran, one without effects.
    pub record: SessionRecord,
    /// The aggregate status: failed, else disconnected, else canceled, else succeeded.
    pub status: ProgressStatus,
    /// Error events of the session.
    pub n_errors: u64,
    /// Conflicts that its items have.
    pub n_conflicts: u64,
    /// Its results, in order.
    pub events: Vec<Event>,
    /// What would be done, when that was asked.
    pub previews: Vec<(ItemId, Preview)>,
}

impl Outcome {
    /// Returns the preview of a session on one item.
    #[must_use]
    pub fn preview(&self) -> Option<&Preview> {
        self.previews.first().map(|(_, preview)| preview)
    }
}

/// Why a control call was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The code callers of syncmgr.h know.
    pub code: Hresult,
    /// The same for people.
    pub trouble: Trouble,
}

/// An answer to a control call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A start was taken; an outcome follows.
    Accepted(Accepted),
    /// A start has ended.
    Outcome(Box<Outcome>),
    /// Done; without `WAIT`: begun.
    Done,
    /// A person was asked and said no (`S_FALSE`).
    Declined,
    /// The same is shown already and came to the front (spec 63).
    Raised,
    /// Nobody shows it; this is where the link leads (spec 133). Always `http` or `https`.
    Follow(String),
    /// The built-in editor of schedules is to be shown, for this handler or item (spec 66).
    Schedule(HandlerId, Option<ItemId>),
    /// A call of a session from outside.
    Call(CallReply),
    /// Refused.
    Refused(Refusal),
}

/// What those who watch are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// These items changed in what is shown of them; gone ones too.
    Items(Vec<ItemKey>),
    /// This handler changed.
    Handler(HandlerId),
    /// A session was accepted and waits.
    Queued(SessionId),
    /// A session begins.
    Began(SessionId),
    /// An item of a session moved on.
    Moved(SessionId, ItemId, Box<Progress>),
    /// A handler says something.
    Text(SessionId, String),
    /// A session was asked to stop.
    Stopping(SessionId),
    /// A session ended.
    Ended(SessionId),
    /// A result was added.
    Event(Box<Event>),
    /// Results were removed, or a handler's own changed.
    Events(HandlerId),
    /// Conflicts of a handler, or one item, changed.
    Conflicts(HandlerId, Option<ItemId>),
    /// Time passed; a display may refresh its figures.
    Tick,
}

/// Something to write down.
#[derive(Debug, Clone, PartialEq)]
pub enum Save {
    /// An item that was run; replaces what was known of it.
    Item(Item),
    /// A session that began.
    Began(SessionRecord),
    /// A session that ended.
    Ended(SessionRecord),
    /// A result.
    Event(Event),
    /// Results that are gone.
    EventsGone(Vec<EventId>),
    /// A session was refused before it did anything; it leaves no trace, nor does its item when
    /// nothing else is known of it.
    Withdrawn(SessionRecord),
    /// What is kept of a handler.
    Handler(HandlerMemory),
    /// A handler that is gone for good.
    HandlerGone(HandlerId),
    /// What is kept of an item.
    Memory(Box<ItemMemory>),
    /// All that alarms remember.
    Alarms(Vec<Condition>),
    /// What the agenda of an item remembers.
    Agenda(ItemKey, Box<AgendaMemory>),
    /// An item that is gone for good.
    ItemGone(ItemKey),
}

/// What a handler is let do.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// The session.
    pub session: SessionId,
    /// Whose work it is.
    pub handler: HandlerId,
    /// The items.
    pub items: Vec<Item>,
    /// What to do.
    pub work: Work,
    /// Do, or only say.
    pub intent: Intent,
    /// Passed along.
    pub token: Option<Token>,
    /// A person may be asked something.
    pub may_ask: bool,
    /// A person asks for this run, and it does not come by itself.
    pub is_manual: bool,
    /// Where something changed, when that is known for certain.
    pub dirty: Option<Dirty>,
}

/// What the center wants done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write these down, all or none, before what follows.
    Save(Vec<Save>),
    /// Read a handler; answered by [`Command::Loaded`]. With these saved items.
    Load(HandlerId, Vec<Item>),
    /// Read one item; answered by [`Command::ItemLoaded`].
    LoadItem(ItemKey),
    /// Read a collection; answered by [`Command::CollectionLoaded`].
    LoadCollection(String),
    /// Let the handler work; ended by [`Command::Returned`].
    Run(Box<Dispatch>),
    /// Ask a session, or one item of it, to stop.
    Cancel(SessionId, Option<ItemId>),
    /// Give a session up: nothing it does counts any more.
    Abandon(SessionId),
    /// Tell a handler or item of a change; answered by [`Command::Told`].
    Tell(OperationId, HandlerId, Option<ItemId>, Change),
    /// Show something; answered by [`Command::Shown`].
    Show(OperationId, HandlerId, Option<ItemId>, Operation),
    /// Bring what is shown to the front.
    Raise(OperationId),
    /// Read stores of events; answered by [`Command::EventsLoaded`].
    LoadEvents(HandlerId, Vec<Option<ItemId>>),
    /// Count conflicts of items and with `None` of the handler itself, with all its items known;
    /// answered by [`Command::ConflictsCounted`].
    CountConflicts(HandlerId, Vec<Item>, Vec<Option<ItemId>>),
    /// Ask the store of a handler, or of an item, to remove conflicts; answered by
    /// [`Command::ConflictsRemoved`].
    RemoveConflicts(
        OperationId,
        HandlerId,
        Vec<Item>,
        Option<ItemId>,
        Vec<ConflictId>,
    ),
    /// Ask a handler to remove events it keeps itself.
    RemoveEvents(HandlerId, Vec<EventId>),
    /// Watch exactly the folders of these items; reports come as [`Command::Seen`].
    Watch(Vec<(ItemKey, Vec<Vec<u8>>)>),
    /// Tell those who watch.
    Notify(Update),
    /// Answer a call of a session.
    Reply(CallId, Result<CallReply, Hresult>),
    /// Answer a control call.
    Answer(Ticket, Answer),
}
