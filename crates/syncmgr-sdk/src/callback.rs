//! How a session talks to the center.

use std::sync::Arc;

use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::trouble::Trouble;

/// Where the work stands; borrowed, because it is reported far more often than it is shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct ItemProgress<'a> {
    /// The part of the run.
    pub phase: Phase,
    /// Files and folders looked at on the left.
    pub n_seen_left: u64,
    /// Files and folders looked at on the right.
    pub n_seen_right: u64,
    /// Steps done.
    pub n_done: u64,
    /// Steps planned, when known.
    pub n_total: Option<u64>,
    /// Bytes copied.
    pub bytes_done: u64,
    /// Bytes planned, when known.
    pub bytes_total: Option<u64>,
    /// What is being worked on, raw bytes of a path.
    pub current: Option<&'a [u8]>,
}

/// Creates the one session of a call of `synchronize`.
pub trait SessionCreator {
    /// Says that the work begins and returns the way to report on it. The run id under which
    /// versions are kept is [`SyncCallback::run_id`].
    ///
    /// # Errors
    /// `protocol-fault` when it was called before.
    fn create_session(&self) -> Result<Arc<dyn SyncCallback>, Trouble>;
}

/// A session, as its handler sees it.
///
/// **Threads.** Every method may be called from several threads at once and returns at once; none
/// waits for a disk or a person. **Order.** Reports of one thread arrive in their order. **After a
/// final status** only `Failed` is taken; anything else is recorded as a fault and ignored. **Errors**
/// there are none: a report that cannot be delivered is dropped, and the next answer asks to stop.
pub trait SyncCallback: Send + Sync {
    /// Returns the id of the session: lower-case letters, digits and `-`.
    fn run_id(&self) -> &str;

    /// Reports where the work stands. Cheap enough for every file; most reports are not passed on.
    fn report_progress(&self, progress: &ItemProgress<'_>) -> CancelRequest;

    /// Reports how the item ended.
    fn report_status(&self, status: ProgressStatus);

    /// Reports what was done and left; before the final status.
    fn report_summary(&self, summary: &Summary);

    /// Reports what would be done, in a session with [`syncmgr_model::request::Intent::Preview`].
    fn report_preview(&self, preview: Preview);

    /// Says something about the handler as a whole; at most 260 characters are shown.
    fn set_handler_progress_text(&self, text: &str) -> CancelRequest;

    /// Adds a result, which is kept in history.
    fn report_event(&self, trouble: Trouble);

    /// Says whether to go on, without reporting anything.
    fn can_continue(&self) -> bool;

    /// Registers a function that is called when the session is cancelled; at once, if it is
    /// already. It is called from any thread, maybe more than once, and may only set a flag.
    fn on_cancel(&self, stop: Box<dyn Fn() + Send + Sync>);
}
