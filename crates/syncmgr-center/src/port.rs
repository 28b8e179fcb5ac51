//! The ports: what the center needs from outside. Others implement them.

use std::sync::mpsc::Sender;

use syncmgr_model::event::Event;
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::CancelRequest;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::time::Timestamp;

use crate::command::{Command, Save, Start, Update};

/// The memory of the center cannot be used.
#[derive(Debug, thiserror::Error)]
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
    /// Only of this item.
    pub item: Option<ItemId>,
    /// At most so many, newest first; 0 is all.
    pub limit: u32,
}

/// The memory of the center. Every method is one short transaction.
pub trait Store {
    /// Writes all or nothing.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written.
    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError>;

    /// Returns the open sessions whose owner is gone. Those of a living process are left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    fn abandoned(&mut self) -> Result<Vec<SessionRecord>, StoreError>;

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

    /// Returns the results of a session in order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn events(&mut self, session: &SessionId) -> Result<Vec<Event>, StoreError>;

    /// Forgets an item; its sessions stay in history, and no file of a person is touched.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was forgotten.
    fn forget(&mut self, item: &ItemId) -> Result<(), StoreError>;
}

/// The handlers, wherever they live.
pub trait Handlers {
    /// Lets a handler work, on a thread of its own. Its reports come through `to` as
    /// [`Command::Report`], and the last one is always [`crate::command::Report::Ended`], whatever
    /// the handler does (also when it breaks down).
    fn run(&self, start: Start, to: Sender<Command>);

    /// Asks a session to stop. Unknown sessions are ignored: they may just have ended.
    fn cancel(&self, session: &SessionId, scope: CancelRequest);
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the time of day, UTC. It may jump.
    fn now(&self) -> Timestamp;

    /// Returns milliseconds since some fixed moment; never goes back.
    fn elapsed_ms(&self) -> u64;
}

/// Those who watch: a terminal, later a page and a desktop.
pub trait Notifier {
    /// Takes an update; returns at once.
    fn notify(&mut self, update: &Update);
}
