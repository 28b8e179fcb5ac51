//! What the center is told and what it wants done.

use syncmgr_model::event::Event;
use syncmgr_model::id::SessionId;
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Progress, ProgressStatus};
use syncmgr_model::record::{SessionRecord, Summary};
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::session::Session;
use syncmgr_model::trouble::Trouble;

/// Names a request, so that its one result finds the one who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A request for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Who waits for the result.
    pub ticket: Ticket,
    /// The id the session gets.
    pub session: SessionId,
    /// What to work on.
    pub item: Item,
    /// What to do.
    pub work: Work,
    /// Do, or only say.
    pub intent: Intent,
}

/// What a handler reports about its session.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// Where the work stands.
    Progress(Progress),
    /// How the item ended.
    Status(ProgressStatus),
    /// What was done and left.
    Summary(Summary),
    /// What would be done.
    Preview(Box<Preview>),
    /// A result.
    Event(Trouble),
    /// A text about the handler.
    Text(String),
    /// The handler returned; nothing comes after this.
    Ended(Result<(), Trouble>),
}

/// What the center is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The center starts; these sessions were open when their owner vanished.
    Open(Vec<SessionRecord>),
    /// Somebody wants a session.
    Start(Box<Start>),
    /// A handler reports.
    Report(SessionId, Report),
    /// A person wants everything to stop.
    StopAll,
    /// Time passed.
    Tick,
}

/// The one result of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The session.
    pub record: SessionRecord,
    /// Its results, in order.
    pub events: Vec<Event>,
    /// What would be done, when that was asked.
    pub preview: Option<Preview>,
}

/// What those who watch are told.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// A session begins.
    Began(Box<Session>),
    /// A session moved on.
    Moved(SessionId, Progress),
    /// A handler says something.
    Text(SessionId, String),
    /// A session was asked to stop.
    Stopping(SessionId),
    /// A session ended.
    Ended(SessionId),
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
    /// A session was refused before it did anything; it leaves no trace, nor does its item when
    /// nothing else is known of it.
    Withdrawn(SessionRecord),
}

/// What the center wants done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write these down, all or none.
    Save(Vec<Save>),
    /// Let the handler work.
    Run(Box<Start>),
    /// Ask a handler to stop.
    Cancel(SessionId, CancelRequest),
    /// Tell those who watch.
    Notify(Update),
    /// Give the one result of a request.
    Answer(Ticket, Box<Outcome>),
}
