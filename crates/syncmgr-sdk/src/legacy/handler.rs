//! The contract of a handler of the older family.

use std::fmt;
use std::sync::Arc;

use syncmgr_model::trouble::Trouble;

use super::{Guid, LegacyCallback, LegacyHandlerInfo, LegacyItems, Occasion, Status};

/// Why a call of the older family did not do what it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code of the original, as 0x80004005.
    pub code: u32,
    /// What happened, for people; may be empty.
    pub text: String,
    /// What people are told instead of the text, when it is not the handler that failed but what is
    /// between it and its manager.
    pub trouble: Option<Box<Trouble>>,
}

impl Failure {
    /// `S_FALSE` as the end of a long call: it was not done, and nothing is broken.
    pub const DECLINED: u32 = 1;
    /// `E_NOTIMPL`: there is no such thing here.
    pub const NOT_IMPLEMENTED: u32 = 0x8000_4001;
    /// `E_FAIL`: something went wrong.
    pub const FAILED: u32 = 0x8000_4005;
    /// `E_UNEXPECTED`: not now.
    pub const UNEXPECTED: u32 = 0x8000_FFFF;
    /// `E_OUTOFMEMORY`.
    pub const OUT_OF_MEMORY: u32 = 0x8007_000E;
    /// `E_INVALIDARG`: an argument means nothing here.
    pub const INVALID: u32 = 0x8007_0057;

    /// Makes a failure.
    #[must_use]
    pub fn new(code: u32, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            trouble: None,
        }
    }

    /// Makes the failure of a handler that cannot be asked any more, with what people are told.
    #[must_use]
    pub fn gone(trouble: Trouble) -> Self {
        Self {
            code: Self::FAILED,
            text: trouble.to_string(),
            trouble: Some(Box::new(trouble)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.text.is_empty() {
            write!(f, "code 0x{:08x}", self.code)
        } else {
            write!(f, "{} (code 0x{:08x})", self.text, self.code)
        }
    }
}

impl std::error::Error for Failure {}

/// What a handler says to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It takes part.
    Ok,
    /// It does nothing at this event (`S_FALSE`); its instance is let go.
    NotThisEvent,
}

/// What a handler says when it is to prepare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// It is preparing, and the completion follows or has come already.
    Started,
    /// It would have to ask a person and may not (`S_FALSE`). No completion follows.
    NeedsDialog,
}

/// Something that syncs items, made for the older manager.
///
/// One value is one instance: it lives through one event and is let go. [`super::Machine`] has the
/// order of calls as a value; in short:
///
/// 1. [`Self::initialize`], once.
/// 2. [`Self::handler_info`] and [`Self::items`], any time from here.
/// 3. [`Self::set_progress_callback`] with a callback.
/// 4. [`Self::prepare_for_sync`], then [`LegacyCallback::prepare_for_sync_completed`].
/// 5. [`Self::synchronize`], then [`LegacyCallback::synchronize_completed`].
/// 6. [`Self::show_error`] for entries that people follow, and perhaps from 4 again.
/// 7. [`Self::set_progress_callback`] with `None`; then the instance is let go.
///
/// With no item chosen, 4 to 6 are left out.
///
/// **Threads.** Methods may be called from any thread. [`Self::set_item_status`] may be called while
/// another thread of the handler is at work. The callback may be used from any thread, also from
/// within a method, before it returns.
///
/// **Time.** The two long calls and the two dialogs should return at once, go on elsewhere, and be
/// completed through the callback. A handler that works within the call and completes before it
/// returns is within its rights.
///
/// **After a failure** of any call but the dialogs, the instance is let go; a next event has another
/// one.
///
/// `GetItemObject` of the original has no counterpart: it was kept for a future that did not come,
/// and every handler answers it with "not implemented".
pub trait LegacyHandler: Send + Sync {
    /// Learns the event, once, before any other call. `cookie` is what a program gave along with
    /// [`super::Event::Invoke`], and `None` at all other events. Shows nothing, except at its very
    /// first run.
    ///
    /// # Errors
    /// A [`Failure`] when the handler cannot work at all.
    fn initialize(&self, occasion: Occasion, cookie: Option<&[u8]>) -> Result<Answer, Failure>;

    /// Says what the handler is.
    ///
    /// # Errors
    /// A [`Failure`] when it cannot say; the handler is then not used.
    fn handler_info(&self) -> Result<LegacyHandlerInfo, Failure>;

    /// Lists the items, and says whether these are all.
    ///
    /// # Errors
    /// A [`Failure`] when they cannot be listed. Nothing is known then, and nothing forgotten.
    fn items(&self) -> Result<LegacyItems, Failure>;

    /// Shows the properties of an item that has them, or of the handler (`None`).
    /// [`LegacyCallback::show_properties_completed`] follows if this succeeds.
    ///
    /// # Errors
    /// [`Failure::NOT_IMPLEMENTED`] when there are none, or another failure; no completion follows.
    fn show_properties(&self, item: Option<Guid>) -> Result<(), Failure>;

    /// Takes the callback for everything that follows and lets go of the one before. With `None`,
    /// at the end of its life, the handler keeps none.
    fn set_progress_callback(&self, callback: Option<Arc<dyn LegacyCallback>>);

    /// Gets ready to sync these items, of which there is at least one.
    /// [`LegacyCallback::prepare_for_sync_completed`] follows if this answers
    /// [`Preparation::Started`].
    ///
    /// # Errors
    /// A [`Failure`] when it cannot; no completion may follow.
    fn prepare_for_sync(&self, ids: &[Guid]) -> Result<Preparation, Failure>;

    /// Syncs the items that were prepared. [`LegacyCallback::synchronize_completed`] follows if this
    /// succeeds.
    ///
    /// # Errors
    /// A [`Failure`] when it cannot begin; no completion may follow.
    fn synchronize(&self) -> Result<(), Failure>;

    /// Learns that a person does not want an item: the only status ever given is
    /// [`Status::Skipped`]. Called only while the handler prepares or syncs, after the call that
    /// began it has returned and before its completion.
    ///
    /// # Errors
    /// [`Failure::INVALID`] for an unknown item, or another failure; the item goes on then.
    fn set_item_status(&self, id: Guid, status: Status) -> Result<(), Failure>;

    /// Shows what is behind a log entry that a person followed.
    /// [`LegacyCallback::show_error_completed`] follows if this succeeds. Dialogs are allowed here
    /// at every event, each after [`LegacyCallback::enable_modeless`].
    ///
    /// # Errors
    /// A [`Failure`] when there is nothing to show; no completion follows.
    fn show_error(&self, error: Guid) -> Result<(), Failure>;
}
