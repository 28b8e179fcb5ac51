//! How a session talks to the center.

use std::sync::Arc;

use syncmgr_model::event::{Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Additional, Token};
use syncmgr_model::trouble::Trouble;

use crate::SyncItem;

/// Where the work stands; borrowed, because it is reported far more often than it is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct ItemProgress<'a> {
    /// The part of the run.
    pub phase: Phase,
    /// Files and folders looked at on the left.
    pub n_seen_left: u64,
    /// Files and folders looked at on the right.
    pub n_seen_right: u64,
    /// Steps done (`uCurStep`).
    pub n_done: u64,
    /// Steps planned, when known (`uMaxStep`).
    pub n_total: Option<u64>,
    /// Bytes copied.
    pub bytes_done: u64,
    /// Bytes planned, when known.
    pub bytes_total: Option<u64>,
    /// What is being worked on, raw bytes of a path or text; at most 259 characters are shown.
    pub current: Option<&'a [u8]>,
}

/// Creates sessions (`ISyncMgrSessionCreator`). One is made for each call of `synchronize` and is
/// of no use after it (spec 9).
pub trait SessionCreator {
    /// Returns the id that the first session will have, when that is known beforehand.
    fn session_id(&self) -> Option<&SessionId> {
        None
    }

    /// Says that the work on these items begins and returns the way to report on it.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when the handler or an item is unknown, or no item is given;
    /// [`Hresult::AccessDenied`] for a second session of a handler without
    /// `SUPPORTS_CONCURRENT_SESSIONS`.
    fn create_session(
        &self,
        handler: &HandlerId,
        items: &[ItemId],
    ) -> Result<Arc<dyn SyncCallback>, Hresult>;
}

/// A session, as its handler sees it (`ISyncMgrSyncCallback`).
///
/// **Threads.** Every method may be called from several threads at once (spec 108). None waits for
/// a disk or a person. **Order.** Reports of one thread arrive in their order. **After a final
/// status** of an item only `Failed` is taken; anything else makes the item failed (spec 97, 98).
pub trait SyncCallback: Send + Sync {
    /// Returns the id of the session: lower-case letters, digits and `-`.
    fn run_id(&self) -> &str;

    /// Reports where the work on an item stands, or how it ended (`ReportProgress`). Reports while
    /// it goes on are cheap enough for every file; most are not passed on.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an item that is not in the session;
    /// [`Hresult::AccessDenied`] for anything but `Failed` after a final status.
    fn report_progress(
        &self,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult>;

    /// Reports how an item ended.
    ///
    /// # Errors
    /// As [`Self::report_progress`].
    fn report_status(
        &self,
        item: &ItemId,
        status: ProgressStatus,
    ) -> Result<CancelRequest, Hresult> {
        self.report_progress(item, status, &ItemProgress::default())
    }

    /// Reports what was done and left; before the final status.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an item that is not in the session.
    fn report_summary(&self, item: &ItemId, summary: &Summary) -> Result<(), Hresult>;

    /// Reports what would be done, in a session with [`syncmgr_model::request::Intent::Preview`].
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an item that is not in the session.
    fn report_preview(&self, item: &ItemId, preview: Preview) -> Result<(), Hresult>;

    /// Says something about the handler as a whole; at most 259 characters are shown (spec 101).
    fn set_handler_progress_text(&self, text: &str) -> CancelRequest;

    /// Adds a result, which is kept in history; without an item it is the handler's (spec 123).
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an item of another handler.
    fn report_event(&self, event: NewEvent) -> Result<EventId, Hresult>;

    /// Adds a result about an item that has words in the catalogue.
    ///
    /// # Errors
    /// As [`Self::report_event`].
    fn report_trouble(&self, item: &ItemId, trouble: Trouble) -> Result<EventId, Hresult> {
        self.report_event(NewEvent {
            item: Some(item.clone()),
            trouble,
            link: Link::default(),
            context: None,
        })
    }

    /// Says whether to go on with an item, or with `None` the handler, without reporting anything.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] for an item the center does not know or of another handler.
    fn can_continue(&self, item: Option<&ItemId>) -> Result<bool, Hresult>;

    /// Lists what waits to be synced by this handler; takes nothing over. `None`: nothing waits.
    ///
    /// # Errors
    /// [`Hresult::Failed`] when the center is gone.
    fn query_for_additional_items(&self) -> Result<Option<Additional>, Hresult>;

    /// Takes an item into this session; it will not run later (spec 85). Returns the item.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when it is in the session already (spec 86) or unknown.
    fn add_item_to_session(&self, item: &ItemId) -> Result<Item, Hresult>;

    /// Takes a waiting token into this session (`AddIUnknownToSession`).
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when it does not wait.
    fn add_token_to_session(&self, token: &Token) -> Result<(), Hresult>;

    /// Brings up an item the center does not know; it stays invisible until it is committed.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when an item with this id exists (spec 119).
    fn propose_item(&self, item: Arc<dyn SyncItem>) -> Result<(), Hresult>;

    /// Makes a proposed item one of the handler's items.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when it was not proposed, or is in the session (spec 120).
    fn commit_item(&self, item: &ItemId) -> Result<(), Hresult>;

    /// Says that a person asked for this session outside of syncmgr (spec 106).
    ///
    /// # Errors
    /// [`Hresult::Failed`] when the center is gone.
    fn report_manual_sync(&self) -> Result<(), Hresult>;

    /// Registers a function that is called when the session, or an item of it, is cancelled; at
    /// once, if it is already. It is called from any thread, maybe more than once, and may only
    /// set a flag.
    fn on_cancel(&self, stop: Box<dyn Fn() + Send + Sync>);
}
