//! Runs a handler of the older family as a handler of today.
//!
//! ```text
//!  center ──► Adapter (a HandlerFactory) ──► Adapted (a Handler) ──► Run ──► LegacyHandler
//!    ▲                                                                │          │
//!    └── SyncCallback ◄──────────────── Board (the LegacyCallback) ◄──┘◄─────────┘
//! ```
//!
//! Each sync makes one instance of the older handler and takes it through its whole order of calls
//! within one call of `synchronize`, which waits for the completions. An instance whose log has
//! entries that people can follow lives on until the handler syncs again.
//!
//! What is translated: GUIDs become ids in lower case; the check mark is the enabled state, which
//! the handler's side keeps; log entries become events; a stop becomes the answers to progress and,
//! in the two windows for it, the status *skipped*; a start's opaque argument becomes event and
//! cookie ([`crate::legacy::Errand`]).
//!
//! What has no counterpart: previews, and the icon of single items.

mod board;
mod choices;
mod connections;
mod dialogs;
mod handler;
mod item;
mod operation;
mod run;
mod shown;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::request::Token;
use syncmgr_model::trouble::Trouble;

pub use choices::{ChoiceStore, Choices};
pub use connections::{AlwaysOn, Connections, Dialer};
pub use dialogs::Dialogs;

use self::handler::Adapted;
use self::run::Run;
use super::{Failure, Guid, LegacyHandler};
use crate::{Handler, HandlerFactory};

/// Makes instances of one handler of the older family.
pub trait LegacyFactory: Send + Sync {
    /// Returns the class of the handler. Never changes.
    fn class(&self) -> Guid;

    /// Makes an instance, which nobody has initialised.
    ///
    /// # Errors
    /// A [`Failure`] when it cannot be made.
    fn create(&self) -> Result<Box<dyn LegacyHandler>, Failure>;

    /// Returns what people are told with the run that begins now, beside what the handler says: how
    /// it is run, say. Asked once for each run.
    fn notice(&self) -> Option<Trouble> {
        None
    }
}

/// What the adapter asks of the center outside of any session. Every call is queued and returns at
/// once; none may wait for the center, which may be waiting for the adapter.
pub trait Control: Send + Sync {
    /// Starts a sync of items, with a token that comes back in its request.
    fn start_items(&self, handler: &HandlerId, items: &[ItemId], token: Token);

    /// Removes events of a handler.
    fn remove_events(&self, handler: &HandlerId, events: &[EventId]);

    /// Reads a handler and its items again.
    fn update_handler(&self, handler: &HandlerId);
}

/// What all handlers of the older family in one process share.
#[derive(Clone)]
pub struct Surroundings {
    /// Whose turn it is to show a dialog.
    pub dialogs: Arc<Dialogs>,
    /// The connections that are open.
    pub connections: Arc<Connections>,
    /// The way to the center.
    pub control: Arc<dyn Control>,
    /// Where check marks are kept.
    pub choices: Arc<dyn ChoiceStore>,
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings")
            .field("dialogs", &self.dialogs)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// A handler of the older family, as the center sees it.
#[derive(Debug)]
pub struct Adapter(Arc<Shared>);

impl Adapter {
    /// Adapts a handler.
    #[must_use]
    pub fn new(maker: Box<dyn LegacyFactory>, around: Surroundings) -> Self {
        let class = maker.class();
        Self(Arc::new(Shared {
            class,
            id: class.handler_id(),
            maker,
            around,
            choices: Mutex::default(),
            kept: Mutex::default(),
            n_runs: AtomicU64::new(0),
        }))
    }
}

impl HandlerFactory for Adapter {
    fn id(&self) -> &HandlerId {
        &self.0.id
    }

    fn create(&self, _saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        Ok(Box::new(Adapted::new(Arc::clone(&self.0))))
    }
}

/// What all instances of one handler share.
struct Shared {
    class: Guid,
    id: HandlerId,
    maker: Box<dyn LegacyFactory>,
    around: Surroundings,
    /// `None` until it could be read.
    choices: Mutex<Option<Choices>>,
    /// Instances whose log people may follow.
    kept: Mutex<Vec<Arc<Run>>>,
    n_runs: AtomicU64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("id", &self.id)
            .field("around", &self.around)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// A number for a run, which nobody else of this handler has.
    fn number(&self) -> u64 {
        self.n_runs.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Looks at the choices, reading them first if that has not worked yet.
    ///
    /// # Errors
    /// They cannot be read.
    fn with_choices<T>(&self, look: impl FnOnce(&mut Choices) -> T) -> Result<T, Failure> {
        let mut choices = lock(&self.choices);
        if choices.is_none() {
            *choices = Some(self.around.choices.load(self.class)?);
        }
        Ok(look(choices.get_or_insert_default()))
    }

    /// Changes the choices and keeps them; what cannot be kept is not changed.
    ///
    /// # Errors
    /// They cannot be read or kept.
    fn change_choices(&self, change: impl FnOnce(&mut Choices) -> bool) -> Result<(), Failure> {
        let changed = self.with_choices(|choices| {
            let mut after = choices.clone();
            change(&mut after).then_some(after)
        })?;
        let Some(after) = changed else {
            return Ok(());
        };
        self.around.choices.save(self.class, &after)?;
        self.with_choices(|choices| *choices = after)
    }

    fn keep(&self, run: Arc<Run>) {
        lock(&self.kept).push(run);
    }

    /// Lets all kept instances go, except one that is asked for by its number and returned: a sync
    /// begins, with which the entries of the last one go.
    fn release_kept(&self, wanted: Option<u64>) -> Option<Arc<Run>> {
        // Their callbacks are taken away when the last user lets go, and not with the lock.
        let kept = std::mem::take(&mut *lock(&self.kept));
        kept.into_iter().find(|run| Some(run.number()) == wanted)
    }

    fn kept(&self, number: u64) -> Option<Arc<Run>> {
        lock(&self.kept)
            .iter()
            .find(|run| run.number() == number)
            .cloned()
    }
}

/// Locks; what a thread that panicked left behind is whole, because every change here is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
