//! One instance of a handler of the older family, taken through its order of calls.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};

use syncmgr_model::progress::ProgressStatus;

use super::Shared;
use super::board::{After, Board};
use crate::SyncCallback;
use crate::legacy::{
    Answer, Breach, Call, Failure, Guid, Input, LegacyCallback, LegacyHandler, Occasion,
    Preparation, Status, Went,
};

/// An instance and its board. When it is dropped, the callback is taken away and the instance let
/// go.
pub(super) struct Run {
    handler: Box<dyn LegacyHandler>,
    board: Arc<Board>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("board", &self.board)
            .finish_non_exhaustive()
    }
}

impl Run {
    /// Makes and initialises an instance; `None` when it does nothing at this event.
    ///
    /// # Errors
    /// It cannot be made, or cannot work.
    pub(super) fn begin(
        shared: &Shared,
        occasion: Occasion,
        cookie: Option<&[u8]>,
    ) -> Result<Option<Self>, Failure> {
        let handler = shared.maker.create()?;
        let board = Board::new(
            shared.id.clone(),
            shared.number(),
            shared.around.clone(),
            occasion.may_bother_user,
        );
        let run = Self {
            handler,
            board: Arc::new(board),
        };
        let answer = run.handler.initialize(occasion, cookie);
        let went = match answer {
            Ok(Answer::Ok) => Went::Well,
            Ok(Answer::NotThisEvent) | Err(_) => Went::Badly,
        };
        run.tell(Input::Initialized(went))?;
        Ok(match answer? {
            Answer::Ok => Some(run),
            Answer::NotThisEvent => None,
        })
    }

    pub(super) fn number(&self) -> u64 {
        self.board.number()
    }

    /// The instance, for questions that are legal at any time.
    pub(super) fn handler(&self) -> &dyn LegacyHandler {
        &*self.handler
    }

    /// Says whether people can follow an entry of the log into the instance.
    pub(super) fn has_links(&self) -> bool {
        self.board.has_links()
    }

    /// Gives the callback, once.
    ///
    /// # Errors
    /// It has one.
    pub(super) fn give_callback(&self) -> Result<(), Failure> {
        self.tell(Input::CallbackGiven)?;
        let callback: Arc<dyn LegacyCallback> = Arc::clone(&self.board) as _;
        self.handler.set_progress_callback(Some(callback));
        Ok(())
    }

    /// Prepares and syncs items, and reports how each of them ended.
    ///
    /// # Errors
    /// The handler could not do it; items without a final status have failed.
    pub(super) fn sync(&self, ids: &[Guid], session: Arc<dyn SyncCallback>) -> Result<(), Failure> {
        self.board.begin(Arc::clone(&session), ids);
        let board: Weak<Board> = Arc::downgrade(&self.board);
        session.on_cancel(Box::new(move || {
            if let Some(board) = board.upgrade() {
                board.wake();
            }
        }));
        let mut skipped = BTreeSet::new();
        let result = self.prepare_and_synchronize(ids, &mut skipped);
        for id in ids {
            let is_wanted = !skipped.contains(id) && self.board.is_wanted(*id);
            self.board.end_item(*id, ending(is_wanted, result.is_ok()));
        }
        self.board.end();
        result
    }

    fn prepare_and_synchronize(
        &self,
        ids: &[Guid],
        skipped: &mut BTreeSet<Guid>,
    ) -> Result<(), Failure> {
        let prepare = || match self.handler.prepare_for_sync(ids)? {
            Preparation::Started => Ok(()),
            Preparation::NeedsDialog => Err(needs_dialog()),
        };
        self.board
            .call(Call::Prepare, prepare, || self.skip(ids, skipped))?;
        if skipped.len() == ids.len() {
            // As if nothing had been chosen: there is nothing left to sync.
            return Ok(());
        }
        let synchronize = || self.handler.synchronize();
        self.board
            .call(Call::Synchronize, synchronize, || self.skip(ids, skipped))?;
        Ok(())
    }

    /// Tells the handler of items that nobody wants any more, each once. It is called between the
    /// return of a long call and its completion; a handler that completes it at this very moment
    /// hears of it nevertheless, as it could in the original.
    fn skip(&self, ids: &[Guid], skipped: &mut BTreeSet<Guid>) {
        for id in ids {
            let is_wanted = skipped.contains(id) || self.board.is_wanted(*id);
            if is_wanted || !self.board.allows(Input::ItemSkipped) {
                continue;
            }
            if self.handler.set_item_status(*id, Status::Skipped).is_ok() {
                skipped.insert(*id);
            }
        }
    }

    /// Shows what is behind an entry and waits until the person is done.
    ///
    /// # Errors
    /// It cannot be shown.
    pub(super) fn show_error(&self, error: Guid) -> Result<After, Failure> {
        let show = || self.handler.show_error(error);
        let after = self.board.call(Call::ShowError, show, || {});
        self.board.end();
        after
    }

    /// Shows properties and waits until the person is done.
    ///
    /// # Errors
    /// There are none, or they cannot be shown.
    pub(super) fn show_properties(&self, item: Option<Guid>) -> Result<After, Failure> {
        let show = || self.handler.show_properties(item);
        let after = self.board.call(Call::ShowProperties, show, || {});
        self.board.end();
        after
    }

    fn tell(&self, input: Input) -> Result<(), Failure> {
        let failed = |breach: Breach| Failure::new(Failure::UNEXPECTED, breach.to_string());
        self.board.apply(input).map_err(failed)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.board.end();
        // Not legal in the middle of a call that panicked, nor without a callback.
        if self.board.apply(Input::CallbackTaken).is_ok() {
            self.handler.set_progress_callback(None);
        }
    }
}

/// How an item ended that its handler did not report the end of.
fn ending(is_wanted: bool, went_well: bool) -> ProgressStatus {
    match (is_wanted, went_well) {
        (false, _) => ProgressStatus::Canceled,
        (true, true) => ProgressStatus::Succeeded,
        (true, false) => ProgressStatus::Failed,
    }
}

fn needs_dialog() -> Failure {
    Failure::new(
        Failure::DECLINED,
        "it has to ask a person first, and nobody may be asked now",
    )
}
