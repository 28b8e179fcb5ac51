//! The optional objects of a handler. Every method looks at the data anew; none changes it.
//! Resolving, restoring and undoing are work of a session, so that they show progress, can be
//! previewed and cancelled, and enter history.

use syncmgr_model::conflict::Conflict;
use syncmgr_model::event::Event;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::record::{Contents, Explanation, Step, Version};
use syncmgr_model::trouble::Trouble;

/// The conflicts of items. A conflict exists until it is not listed any more: nobody may conclude
/// that it is gone because a resolution succeeded.
pub trait ConflictStore {
    /// Returns the conflicts of an item, sorted by path.
    ///
    /// # Errors
    /// A [`Trouble`] when they cannot be listed.
    fn list(&self, item: &Item) -> Result<Vec<Conflict>, Trouble>;

    /// Returns the contents in conflict, each of at most `limit` bytes.
    ///
    /// # Errors
    /// `not-found`, or a [`Trouble`] when a content that is there cannot be read.
    fn contents(&self, item: &Item, id: &str, limit: usize) -> Result<Contents, Trouble>;
}

/// The kept versions of items.
pub trait VersionStore {
    /// Returns the versions of a path or of everything beneath it, newest first.
    ///
    /// # Errors
    /// A [`Trouble`] when they cannot be listed.
    fn list(&self, item: &Item, path: &[u8]) -> Result<Vec<Version>, Trouble>;

    /// Returns the kept content and the one of now on the same side, each of at most `limit`
    /// bytes: as `base` and as `left` or `right`.
    ///
    /// # Errors
    /// `not-found`, or a [`Trouble`] when a content cannot be read.
    fn contents(&self, item: &Item, version: &Version, limit: usize) -> Result<Contents, Trouble>;
}

/// The steps of runs.
pub trait Journal {
    /// Returns the steps of a run in order.
    ///
    /// # Errors
    /// `not-found`, or a [`Trouble`] when they cannot be read.
    fn steps(&self, item: &Item, run: &SessionId) -> Result<Vec<Step>, Trouble>;
}

/// Answers why a path is, or is not, in sync.
pub trait Explain {
    /// Explains one path, bytes below the roots, by looking at it now.
    ///
    /// # Errors
    /// A [`Trouble`] when it cannot be looked at.
    fn why(&self, item: &Item, path: &[u8]) -> Result<Explanation, Trouble>;
}

/// The events a handler keeps itself (`ISyncMgrEventStore`). Whoever changes its contents tells the
/// center by `UpdateEvents`.
pub trait EventStore {
    /// Returns all events of the handler and its items.
    ///
    /// # Errors
    /// When they cannot be listed; those known stay as they were.
    fn events(&self) -> Result<Vec<Event>, Hresult>;

    /// Returns one event.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an id it does not know.
    fn event(&self, id: EventId) -> Result<Event, Hresult>;

    /// Removes events: a person did not want them any more, or the handler is synced again.
    ///
    /// # Errors
    /// When it refuses; those still listed stay.
    fn remove(&self, ids: &[EventId]) -> Result<(), Hresult>;
}
