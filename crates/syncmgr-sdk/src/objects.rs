//! The optional objects of a handler. Every method looks at the data anew; none changes it.
//! Resolving, restoring and undoing are work of a session, so that they show progress, can be
//! previewed and cancelled, and enter history.

use syncmgr_model::event::Event;
use syncmgr_model::folder::{Child, Covered};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::record::{Contents, Explanation, Step, Version};
use syncmgr_model::trouble::{Code, Trouble};

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

    /// Looks into one folder, bytes below the roots, as it is now. Costs as much as that folder.
    ///
    /// # Errors
    /// `not-found`, or a [`Trouble`] when it cannot be looked at.
    fn folder(&self, _item: &Item, _path: &[u8]) -> Result<Vec<Child>, Trouble> {
        Err(not_offered())
    }

    /// Says what these exclusions would cover beside the ones of the item.
    ///
    /// # Errors
    /// `setting-unusable` for a pattern that is none, or a [`Trouble`] when it cannot be said.
    fn covered(&self, _item: &Item, _patterns: &[String]) -> Result<Covered, Trouble> {
        Err(not_offered())
    }
}

fn not_offered() -> Trouble {
    let detail = "the handler of this sync does not offer it";
    Trouble::new(Code::NotPossible).with("detail", detail)
}

/// The events a handler, or one item, keeps itself (`ISyncMgrEventStore`, spec 128, 131). The ids
/// are its own and below 2^52; the center shows them under other ones, so that they never meet
/// those of its own events. Whoever changes its contents tells the
/// center by `UpdateEvents`.
pub trait EventStore {
    /// Returns all events of the handler and its items; the store of an item returns that item's
    /// only.
    ///
    /// # Errors
    /// When they cannot be listed; those known stay as they were.
    fn events(&self) -> Result<Vec<Event>, Hresult>;

    /// Counts all events of the handler and its items.
    ///
    /// # Errors
    /// As [`Self::events`].
    fn count(&self) -> Result<u64, Hresult> {
        self.events().map(|all| all.len() as u64)
    }

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
