//! The contract of a handler.

use syncmgr_model::id::HandlerId;
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::trouble::Trouble;

use crate::{ConflictStore, Explain, Journal, SessionCreator, VersionStore};

/// What a handler says about itself.
#[derive(Debug, Clone)]
pub struct HandlerInfo {
    /// Its id.
    pub id: HandlerId,
    /// What it is called.
    pub name: &'static str,
    /// The settings of its items: checks, help and forms are made from it.
    pub settings: &'static [SettingSpec],
}

/// Something that can sync items of one kind.
///
/// **Threads.** One value serves the whole process. Every method may be called from any thread;
/// [`Self::synchronize`] runs on a thread of its own, and several may run at once for different
/// items. What belongs to one session lives on that thread and ends with it.
///
/// **State.** A handler may be dropped or killed at any moment. What it keeps must need no repair
/// at the next start, and no file of a person may be half written.
pub trait Handler: Send + Sync {
    /// Returns what the handler is. Called often; does no work.
    fn info(&self) -> &HandlerInfo;

    /// Checks the settings of an item, without looking at its data.
    ///
    /// # Errors
    /// A [`Trouble`] that names the setting and what is wrong with it.
    fn check(&self, item: &Item) -> Result<(), Trouble>;

    /// Works on an item in the foreground: returns when all is done.
    ///
    /// Call order: `creator.create_session` once, before the first change to anything; then any
    /// number of reports; then exactly one final status for the item. With [`Intent::Preview`]
    /// nothing is written to the data of any side, and the preview is reported before the status.
    ///
    /// **Cancellation.** When a callback answers that the session is cancelled, or a function given
    /// to [`crate::SyncCallback::on_cancel`] is called, the handler finishes or undoes the step at
    /// hand, reports `Canceled` and returns, within two seconds.
    ///
    /// # Errors
    /// A [`Trouble`] when the work could not be done. The center then records it and takes the item
    /// for failed; the handler need not report either. After an error the item may be used again.
    fn synchronize(
        &self,
        item: &Item,
        work: &Work,
        intent: Intent,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble>;

    /// Returns the conflicts, if the handler keeps any.
    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        None
    }

    /// Returns the kept versions, if the handler keeps any.
    fn versions(&self) -> Option<&dyn VersionStore> {
        None
    }

    /// Returns the record of steps, if the handler keeps one.
    fn journal(&self) -> Option<&dyn Journal> {
        None
    }

    /// Returns what explains single paths, if the handler can.
    fn explain(&self) -> Option<&dyn Explain> {
        None
    }
}
