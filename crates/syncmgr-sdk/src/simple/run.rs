//! One run over one item, as the function of the author sees it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use syncmgr_model::escape::unescape;
use syncmgr_model::event::EventLevel;
use syncmgr_model::item;
use syncmgr_model::preview::{Action, PlannedChange, Preview};
use syncmgr_model::progress::{CancelRequest, Phase, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::side::Side;
use syncmgr_model::trouble::{Code, Trouble};

use crate::{ItemProgress, SyncCallback};

/// Why a run did not reach its end.
#[derive(Debug)]
pub enum Stop {
    /// A person stopped it.
    Canceled,
    /// The other side cannot be reached.
    Disconnected,
    /// Something went wrong.
    Failed(Trouble),
}

impl Stop {
    /// Says what went wrong, and what it means or what to do.
    #[must_use]
    pub fn failed(name: &str, description: &str) -> Self {
        Self::Failed(says(EventLevel::Error, name, description))
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::failed(&error.to_string(), "")
    }
}

impl From<String> for Stop {
    fn from(name: String) -> Self {
        Self::failed(&name, "")
    }
}

impl From<&str> for Stop {
    fn from(name: &str) -> Self {
        Self::failed(name, "")
    }
}

fn says(level: EventLevel, name: &str, description: &str) -> Trouble {
    Trouble::new(Code::HandlerSays)
        .with("name", name)
        .with("description", description)
        .at_level(level)
}

/// An item and its settings.
#[derive(Debug, Clone)]
pub struct Item(pub(super) item::Item);

impl Item {
    /// Returns its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id.as_str()
    }

    /// Returns what it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.label()
    }

    /// Returns a folder; an empty path when it is not set.
    #[must_use]
    pub fn folder(&self, key: &str) -> PathBuf {
        let bytes = unescape(self.text(key));
        syncmgr_protocol::PathText::of(&bytes).path()
    }

    /// Returns a text; an empty one when it is not set.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.0.settings.text(key).unwrap_or_default()
    }

    /// Returns a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        self.0.settings.number(key)
    }

    /// Returns several texts; none when it is not set.
    #[must_use]
    pub fn list(&self, key: &str) -> &[String] {
        self.0.settings.list(key)
    }
}

/// One run over one item. Every method may be called as often as wanted: most progress is not
/// passed on.
pub struct Run<'a> {
    item: Item,
    callback: &'a dyn SyncCallback,
    is_preview: bool,
    is_full: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    summary: Summary,
    changes: Vec<PlannedChange>,
    n_total: Option<u64>,
    n_done: u64,
}

/// Most changes of a preview; more than anybody reads.
const CHANGES_MAX: usize = 100_000;

impl std::fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("item", &self.item)
            .finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        item: Item,
        callback: &'a dyn SyncCallback,
        (is_preview, is_full): (bool, bool),
    ) -> Self {
        Self {
            item,
            callback,
            is_preview,
            is_full,
            state: Mutex::default(),
        }
    }

    /// Returns the item.
    #[must_use]
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// Says whether nothing may be changed, because a person only wants to know what would be.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        self.is_preview
    }

    /// Says whether a person wants every content compared.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Says whether a person stopped it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let item = Some(&self.item.0.id);
        !self.callback.can_continue(item).unwrap_or(false)
    }

    /// Says how many steps there are, once that is known.
    pub fn expect_steps(&self, n_total: usize) {
        self.state().n_total = u64::try_from(n_total).ok();
    }

    /// Reports that a step is done, and what it was about.
    ///
    /// # Errors
    /// [`Stop::Canceled`] when a person stopped it; `?` ends the run then.
    pub fn step(&self, current: impl AsRef<OsStr>) -> Result<(), Stop> {
        let progress = {
            let mut state = self.state();
            state.n_done += 1;
            (state.n_done, state.n_total)
        };
        self.report(progress, current.as_ref())
    }

    /// Reports how far it is: steps done, of how many, and what it is about.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn progress(
        &self,
        n_done: u64,
        n_total: Option<u64>,
        current: impl AsRef<OsStr>,
    ) -> Result<(), Stop> {
        {
            let mut state = self.state();
            (state.n_done, state.n_total) = (n_done, n_total);
        }
        self.report((n_done, n_total), current.as_ref())
    }

    fn report(&self, (n_done, n_total): (u64, Option<u64>), current: &OsStr) -> Result<(), Stop> {
        let status = match n_total {
            Some(_) => ProgressStatus::Updating,
            None => ProgressStatus::UpdatingIndeterminate,
        };
        let progress = ItemProgress {
            phase: Phase::Copying,
            n_done,
            n_total,
            current: Some(current.as_encoded_bytes()),
            ..ItemProgress::default()
        };
        let answer = self
            .callback
            .report_progress(&self.item.0.id, status, &progress);
        match answer {
            Ok(CancelRequest::None) => Ok(()),
            Ok(CancelRequest::Item | CancelRequest::All) | Err(_) => Err(Stop::Canceled),
        }
    }

    /// Makes a change and counts it; in a preview only tells it. `make` returns the bytes that were
    /// written.
    ///
    /// # Errors
    /// What `make` says, with the path; [`Stop::Canceled`] when a person stopped it.
    pub fn change(
        &self,
        side: Side,
        action: Action,
        path: impl AsRef<Path>,
        make: impl FnOnce() -> io::Result<u64>,
    ) -> Result<(), Stop> {
        let path = path.as_ref();
        let bytes = if self.is_preview {
            0
        } else {
            make().map_err(|error| {
                let shown = path.display();
                Stop::failed(&format!("{shown}: {error}"), "It stays as it is.")
            })?
        };
        self.count(side, action, bytes);
        if self.is_preview {
            self.plan(side, action, path);
        }
        self.step(path)
    }

    /// Copies a file to a place where nothing is yet, as [`Self::change`] with [`super::copy_new`].
    ///
    /// # Errors
    /// As these.
    pub fn copy(
        &self,
        side: Side,
        path: impl AsRef<Path>,
        from: &Path,
        to: &Path,
    ) -> Result<(), Stop> {
        self.change(side, Action::Copy, path, || super::copy_new(from, to))
    }

    fn plan(&self, side: Side, action: Action, path: &Path) {
        let mut state = self.state();
        if state.changes.len() < CHANGES_MAX {
            state.changes.push(PlannedChange {
                path: path.as_os_str().as_encoded_bytes().to_vec(),
                side,
                action,
                from: None,
                bytes: 0,
                reason: "".into(),
                is_held: false,
            });
        }
    }

    fn count(&self, side: Side, action: Action, bytes: u64) {
        let mut state = self.state();
        let tally = &mut state.summary.done[side];
        tally.bytes += bytes;
        *match action {
            Action::Copy => &mut tally.n_copied,
            Action::Update => &mut tally.n_updated,
            Action::Delete => &mut tally.n_deleted,
            Action::MakeFolder => &mut tally.n_folders_made,
            Action::RemoveFolder => &mut tally.n_folders_removed,
            Action::Rename => &mut tally.n_renamed,
            Action::SetAttributes => &mut tally.n_attributes,
        } += 1;
    }

    /// Notes something for the record.
    pub fn note(&self, name: &str, description: &str) {
        self.say(EventLevel::Information, name, description);
    }

    /// Warns of something that was left out while the rest is fine.
    pub fn warn(&self, name: &str, description: &str) {
        self.state().summary.n_warnings += 1;
        self.say(EventLevel::Warning, name, description);
    }

    /// Says that one thing failed; the run goes on, and ends as failed.
    pub fn fail(&self, name: &str, description: &str) {
        self.state().summary.n_failures += 1;
        self.say(EventLevel::Error, name, description);
    }

    fn say(&self, level: EventLevel, name: &str, description: &str) {
        // A result that nobody takes is lost with the session, which the host notices by itself.
        let trouble = says(level, name, description);
        let _ = self.callback.report_trouble(&self.item.0.id, trouble);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        let state = self.state.lock();
        state.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Reports how it ended.
    pub(super) fn end(self, result: Result<(), Stop>, n_conflicts: u64) {
        let id = &self.item.0.id;
        let mut state = std::mem::take(&mut *self.state());
        state.summary.n_conflicts = n_conflicts;
        let status = match result {
            Ok(()) if state.summary.n_failures > 0 => ProgressStatus::Failed,
            Ok(()) => ProgressStatus::Succeeded,
            Err(Stop::Canceled) => ProgressStatus::Canceled,
            Err(Stop::Disconnected) => ProgressStatus::Disconnected,
            Err(Stop::Failed(trouble)) => {
                state.summary.n_failures = state.summary.n_failures.max(1);
                let _ = self.callback.report_trouble(id, trouble);
                ProgressStatus::Failed
            }
        };
        if self.is_preview {
            let preview = Preview {
                id: plan_id(&state.changes),
                changes: state.changes,
                ..Preview::default()
            };
            let _ = self.callback.report_preview(id, preview);
        } else {
            let _ = self.callback.report_summary(id, &state.summary);
        }
        let progress = ItemProgress {
            phase: Phase::Finishing,
            n_done: state.n_done,
            n_total: state.n_total,
            ..ItemProgress::default()
        };
        let _ = self.callback.report_progress(id, status, &progress);
    }
}

/// Names a plan by its content (FNV-1a: nobody is to be kept from making another one with this id).
fn plan_id(changes: &[PlannedChange]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for change in changes {
        let parts = [
            change.path.as_slice(),
            change.side.as_str().as_bytes(),
            change.action.as_str().as_bytes(),
        ];
        for byte in parts.iter().flat_map(|part| part.iter().chain(b"\0")) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{hash:016x}")
}
