//! What a running instance talks to: where its machine is, what was shown of its items, and the way
//! on to the session of today.
//!
//! The lock is never held while anybody else is called.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use syncmgr_model::event::{EventLevel, Link, NewEvent};
use syncmgr_model::id::{EventId, HandlerId};
use syncmgr_model::progress::{CancelRequest, Phase, ProgressStatus};
use syncmgr_model::trouble::{Code, Trouble};

use super::connections::Seat;
use super::shown::Shown;
use super::{Surroundings, lock};
use crate::legacy::{
    AfterError, AfterProperties, Breach, Call, Failure, Guid, Input, LegacyAnswer, LegacyCallback,
    LegacyProgress, LogInfo, LogLevel, Machine, Stage, State, Went,
};
use crate::{ItemProgress, SyncCallback};

/// What people read on a link into the handler.
const LINK_TEXT: &str = "Show details";
/// Characters of a name; one less than `MAX_SYNCMGR_NAME`.
const NAME_LEN_MAX: usize = 127;

/// Characters of a log entry that are kept: a page of text, and no file.
const TEXT_LEN_MAX: usize = 4_000;
/// Entries of a run that can be taken back one by one. Who writes more than anybody reads cannot take
/// back the rest.
const ENTRIES_MAX: usize = 10_000;

/// How often the runner asks whether all items are still wanted: a session of several items tells
/// only who asks that one of them is cancelled.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How a long call ended, beyond well or badly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing else.
    Done,
    /// These items once more.
    Retry(Vec<Guid>),
    /// The items are to be listed again.
    ListAgain,
}

/// What an instance and its runner share.
pub(super) struct Board {
    handler: HandlerId,
    /// Tells runs of one handler apart.
    number: u64,
    around: Surroundings,
    /// With what it asks for the turn to show a dialog.
    asker: u64,
    may_bother_user: bool,
    state: Mutex<Now>,
    changed: Condvar,
}

#[derive(Default)]
struct Now {
    machine: Machine,
    session: Option<Arc<dyn SyncCallback>>,
    items: BTreeMap<Guid, Shown>,
    /// How the call that was completed last ended.
    ending: Option<Result<After, Failure>>,
    entries: Vec<Entry>,
    seat: Option<Arc<Seat>>,
    /// Grows with everything that the runner should look at.
    n_changes: u64,
}

/// A log entry that is an event by now.
struct Entry {
    error: Option<Guid>,
    event: EventId,
    is_link: bool,
}

impl Board {
    pub(super) fn new(
        handler: HandlerId,
        number: u64,
        around: Surroundings,
        may_bother_user: bool,
    ) -> Self {
        Self {
            handler,
            number,
            asker: around.dialogs.asker(),
            around,
            may_bother_user,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Tells the machine.
    ///
    /// # Errors
    /// It is not legal now.
    pub(super) fn apply(&self, input: Input) -> Result<(), Breach> {
        lock(&self.state).machine.apply(input).map(|_| ())
    }

    pub(super) fn allows(&self, input: Input) -> bool {
        lock(&self.state).machine.allows(input)
    }

    /// Says that a session of today begins, with these items, and connections may be asked for.
    pub(super) fn begin(&self, session: Arc<dyn SyncCallback>, ids: &[Guid]) {
        let seat = Arc::new(self.around.connections.seat());
        let mut now = lock(&self.state);
        now.session = Some(session);
        now.items = ids.iter().map(|id| (*id, Shown::default())).collect();
        now.seat = Some(seat);
    }

    /// Says that the session is over: the handler is through with its connections and dialogs.
    pub(super) fn end(&self) {
        let seat = lock(&self.state).seat.take();
        drop(seat);
        self.around.dialogs.give_back(self.asker);
    }

    /// Says whether entries lead back into the handler, and it can be asked about them.
    pub(super) fn has_links(&self) -> bool {
        let now = lock(&self.state);
        now.machine.allows(Input::Called(Call::ShowError))
            && now.entries.iter().any(|entry| entry.is_link)
    }

    /// Makes the runner, and whoever waits for a dialog, look again.
    pub(super) fn wake(&self) {
        lock(&self.state).n_changes += 1;
        self.changed.notify_all();
        self.around.dialogs.wake();
    }

    /// Makes a long call and waits for its end; `look` is called whenever something may have
    /// changed meanwhile, without the lock.
    ///
    /// # Errors
    /// It failed, or it is not legal now.
    pub(super) fn call(
        &self,
        call: Call,
        make: impl FnOnce() -> Result<(), Failure>,
        mut look: impl FnMut(),
    ) -> Result<After, Failure> {
        self.apply(Input::Called(call)).map_err(out_of_order)?;
        let returned = make();
        let went = if returned.is_ok() {
            Went::Well
        } else {
            Went::Badly
        };
        self.apply(Input::Returned(call, went))
            .map_err(out_of_order)?;
        returned?;
        loop {
            let n_changes = match self.ended(call) {
                Ok(ending) => return ending,
                Err(n_changes) => n_changes,
            };
            look();
            self.wait(n_changes);
        }
    }

    /// How a call ended; while it has not, the number of changes so far.
    fn ended(&self, call: Call) -> Result<Result<After, Failure>, u64> {
        let mut now = lock(&self.state);
        let is_open = match call {
            Call::ShowProperties => now.machine.has_properties_open(),
            Call::Prepare | Call::Synchronize | Call::ShowError => {
                matches!(now.machine.state(), State::Busy(..))
            }
        };
        if is_open {
            return Err(now.n_changes);
        }
        Ok(now.ending.take().unwrap_or(Ok(After::Done)))
    }

    /// Waits for a change, but not for long.
    fn wait(&self, n_changes: u64) {
        let now = lock(&self.state);
        if now.n_changes == n_changes {
            let waited = self.changed.wait_timeout(now, LOOK_EVERY);
            // Early or late, the caller looks at everything anew.
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Takes note of a completion; one that is out of order is passed over.
    fn complete(&self, call: Call, ending: Result<After, Failure>) {
        let went = match &ending {
            Ok(After::Retry(_)) => Went::Again,
            Ok(After::Done | After::ListAgain) => Went::Well,
            Err(_) => Went::Badly,
        };
        let mut now = lock(&self.state);
        if now.machine.apply(Input::Completed(call, went)).is_ok() {
            now.ending = Some(ending);
        }
        drop(now);
        self.wake();
    }

    /// Reports how an item ended, if nobody has.
    pub(super) fn end_item(&self, id: Guid, status: ProgressStatus) {
        let mut now = lock(&self.state);
        let session = now.session.clone();
        let is_open = now.items.get(&id).is_some_and(|shown| !shown.is_told());
        let status = match now.items.get_mut(&id) {
            Some(shown) if is_open => shown.end(status),
            Some(_) | None => None,
        };
        drop(now);
        if let (Some(session), Some(status)) = (session, status) {
            // The item is in the session and has no final status, so there is nothing to refuse.
            let _refused = session.report_status(&id.item_id(), status);
        }
    }

    /// Says whether the session goes on with an item, or as a whole.
    fn goes_on(&self, id: Option<Guid>) -> bool {
        let session = lock(&self.state).session.clone();
        let id = id.map(Guid::item_id);
        session.is_none_or(|session| session.can_continue(id.as_ref()) != Ok(false))
    }

    /// Says whether anybody still wants an item.
    pub(super) fn is_wanted(&self, id: Guid) -> bool {
        self.goes_on(None) && self.goes_on(Some(id))
    }

    fn answer(&self, id: Guid) -> LegacyAnswer {
        if !self.goes_on(None) {
            LegacyAnswer::CancelAll
        } else if self.goes_on(Some(id)) {
            LegacyAnswer::Ok
        } else {
            LegacyAnswer::CancelItem
        }
    }

    /// Where dialogs are allowed, and as long as they are.
    fn may_show(&self) -> bool {
        let now = lock(&self.state);
        let is_asked_for = matches!(now.machine.state(), State::Busy(Call::ShowError, _))
            || now.machine.has_properties_open();
        now.machine.allows(Input::Told) && (self.may_bother_user || is_asked_for)
    }

    /// Passes a report on; `None` when there is nothing to pass on.
    fn report(&self, item: Guid, progress: &LegacyProgress) -> Option<CancelRequest> {
        let mut now = lock(&self.state);
        now.machine.apply(Input::Progressed).ok()?;
        let session = now.session.clone()?;
        let shown = now.items.get_mut(&item)?;
        shown.merge(progress);
        let status = shown.tell()?;
        let shown = shown.clone();
        drop(now);
        let progress = ItemProgress {
            phase: Phase::Copying,
            n_done: shown.n_done(),
            n_total: shown.n_total(),
            // Steps are all there is; without a number of bytes there would be no percentage.
            bytes_total: shown.n_total().map(|_| 0),
            current: (!shown.text.is_empty()).then_some(shown.text.as_bytes()),
            ..ItemProgress::default()
        };
        session
            .report_progress(&item.item_id(), status, &progress)
            .ok()
    }

    /// The event that a log entry becomes.
    fn event(&self, level: LogLevel, text: &str, info: LogInfo) -> NewEvent {
        let text: String = harmless(text).chars().take(TEXT_LEN_MAX).collect();
        let name = text.chars().take(NAME_LEN_MAX).collect::<String>();
        let trouble = Trouble::new(Code::HandlerSays)
            .at_level(match level {
                LogLevel::Information => EventLevel::Information,
                LogLevel::Warning => EventLevel::Warning,
                LogLevel::Error => EventLevel::Error,
            })
            .with("name", name)
            .with("description", text);
        // About an item of the session, otherwise about the handler.
        let is_known = |id: &Guid| lock(&self.state).items.contains_key(id);
        NewEvent {
            item: info.item.filter(is_known).map(Guid::item_id),
            trouble,
            link: Link {
                text: info.is_link.then(|| LINK_TEXT.to_owned()),
                reference: None,
            },
            context: info.error.map(|error| context(self.number, error)),
        }
    }
}

impl LegacyCallback for Board {
    fn show_properties_completed(&self, how: Result<AfterProperties, Failure>) {
        let after = how.map(|after| match after {
            AfterProperties::Done => After::Done,
            AfterProperties::ItemDeleted | AfterProperties::ListAgain => After::ListAgain,
        });
        self.complete(Call::ShowProperties, after);
    }

    fn prepare_for_sync_completed(&self, how: Result<(), Failure>) {
        self.complete(Call::Prepare, how.map(|()| After::Done));
    }

    fn synchronize_completed(&self, how: Result<(), Failure>) {
        self.complete(Call::Synchronize, how.map(|()| After::Done));
    }

    fn show_error_completed(&self, how: Result<AfterError, Failure>) {
        let after = how.map(|after| match after {
            AfterError::Retry(ids) if !ids.is_empty() => After::Retry(ids),
            AfterError::Retry(_) | AfterError::Done => After::Done,
        });
        self.complete(Call::ShowError, after);
    }

    fn enable_modeless(&self, is_wanted: bool) -> bool {
        if !is_wanted {
            self.around.dialogs.give_back(self.asker);
            return true;
        }
        let goes_on = || self.may_show() && self.goes_on_showing();
        goes_on() && self.around.dialogs.take(self.asker, &goes_on)
    }

    fn progress(&self, item: Guid, progress: &LegacyProgress) -> LegacyAnswer {
        let is_known = {
            let now = lock(&self.state);
            if now.machine.state() == State::Released {
                return LegacyAnswer::CancelAll;
            }
            now.items.contains_key(&item)
        };
        if !is_known {
            return LegacyAnswer::CancelItem;
        }
        match self.report(item, progress) {
            Some(CancelRequest::All) => LegacyAnswer::CancelAll,
            Some(CancelRequest::Item) => LegacyAnswer::CancelItem,
            Some(CancelRequest::None) => LegacyAnswer::Ok,
            None => self.answer(item),
        }
    }

    fn log_error(&self, level: LogLevel, text: &str, info: LogInfo) {
        if !self.allows(Input::Told) {
            return;
        }
        let event = self.event(level, text, info);
        let Some(session) = lock(&self.state).session.clone() else {
            return;
        };
        // A session that has ended takes nothing more, and there is nobody else to tell.
        let Ok(event) = session.report_event(event) else {
            return;
        };
        let mut now = lock(&self.state);
        if now.entries.len() < ENTRIES_MAX {
            now.entries.push(Entry {
                error: info.error,
                event,
                is_link: info.is_link && info.error.is_some(),
            });
        }
    }

    fn delete_log_error(&self, error: Option<Guid>) {
        let mut now = lock(&self.state);
        let is_meant =
            |entry: &Entry| error.is_none_or(|id| id.is_null() || entry.error == Some(id));
        let (gone, kept) = std::mem::take(&mut now.entries)
            .into_iter()
            .partition::<Vec<_>, _>(is_meant);
        now.entries = kept;
        drop(now);
        let events: Vec<_> = gone.into_iter().map(|entry| entry.event).collect();
        if !events.is_empty() {
            self.around.control.remove_events(&self.handler, &events);
        }
    }

    fn establish_connection(&self, name: Option<&str>) -> Result<(), Failure> {
        let seat = lock(&self.state).seat.clone();
        let seat = seat.ok_or_else(|| Failure::new(Failure::UNEXPECTED, "nothing is running"))?;
        seat.establish(name)
    }
}

impl Board {
    /// A dialog that belongs to a sync is wanted as long as the sync is; one that a person asked for
    /// has no sync to end with.
    fn goes_on_showing(&self) -> bool {
        let is_syncing = matches!(
            lock(&self.state).machine.state(),
            State::Busy(
                Call::Prepare | Call::Synchronize,
                Stage::Running | Stage::Answered(_) | Stage::Waiting
            )
        );
        !is_syncing || self.goes_on(None)
    }
}

impl std::fmt::Debug for Board {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let now: MutexGuard<'_, Now> = lock(&self.state);
        f.debug_struct("Board")
            .field("number", &self.number)
            .field("machine", &now.machine)
            .finish_non_exhaustive()
    }
}

fn out_of_order(breach: Breach) -> Failure {
    Failure::new(Failure::UNEXPECTED, breach.to_string())
}

/// What an event remembers of the entry it was.
fn context(number: u64, error: Guid) -> String {
    format!("{number} {error}")
}

/// Reads what [`context`] wrote.
pub(super) fn read_context(text: &str) -> Option<(u64, Guid)> {
    let (number, error) = text.split_once(' ')?;
    Some((number.parse().ok()?, error.parse().ok()?))
}

/// Text of a handler on one line, without anything that a terminal would obey.
pub(super) fn harmless(text: &str) -> String {
    let plain = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    text.trim().chars().map(plain).collect()
}
