//! What others may see of the state: copies, made on request.

use syncmgr_model::capability::HandlerCapabilities;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::{CancelRequest, Phase, Progress, ProgressStatus};
use syncmgr_model::request::{Intent, Origin, WorkKind};
use syncmgr_model::status::{self, Facts, Status};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::run::Run;
use super::{HandlerMemory, ItemMemory, State};

/// What is shown of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemView {
    /// What its handler is given.
    pub item: Item,
    /// What is kept of it.
    pub memory: ItemMemory,
    /// A person saved it.
    pub is_saved: bool,
    /// Its one status.
    pub status: Status,
    /// What the status was made from.
    pub facts: Facts,
    /// The status in words.
    pub words: String,
    /// Why it is not fine.
    pub reason: Option<Trouble>,
    /// Sessions it is in.
    pub running: Vec<SessionId>,
    /// Requests it waits in.
    pub queued: Vec<SessionId>,
}

/// What is shown of a handler.
#[derive(Debug, Clone, PartialEq)]
pub struct HandlerView {
    /// What is kept of it.
    pub memory: HandlerMemory,
    /// It is listed.
    pub is_listed: bool,
    /// It does not answer.
    pub is_silent: bool,
    /// What it says while it syncs; its comment otherwise (spec 15).
    pub text: String,
    /// Sessions of it that run.
    pub running: Vec<SessionId>,
    /// Where all items of its sessions stand together (spec 105); `None`: none runs.
    pub progress: Option<Progress>,
}

/// What is shown of a request or session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Whose work it is.
    pub handler: HandlerId,
    /// What for.
    pub kind: WorkKind,
    /// Do, or only say.
    pub intent: Intent,
    /// Why it began.
    pub origin: Origin,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// When it began; `None`: it waits.
    pub started: Option<Timestamp>,
    /// Its items with their status and progress; the ones that wait have none.
    pub items: Vec<(ItemId, Option<ProgressStatus>, Progress)>,
    /// It was asked to stop.
    pub is_stopping: bool,
    /// A program outside works.
    pub is_external: bool,
    /// What it waits for.
    pub waits_for: Option<Trouble>,
}

impl State {
    /// Returns what is shown of an item.
    #[must_use]
    pub fn item(&self, key: &ItemKey, now: Timestamp) -> Option<ItemView> {
        let entry = self.items.get(key)?;
        let facts = self.facts(key, now)?;
        let status = status::of(&facts);
        Some(ItemView {
            item: entry.item.clone(),
            memory: entry.memory.clone(),
            is_saved: entry.is_saved,
            status,
            words: status.words(&facts),
            reason: self.reason(key, status),
            facts,
            running: entry.running.iter().cloned().collect(),
            queued: entry.queued.iter().cloned().collect(),
        })
    }

    /// Returns the keys of the items that are shown, in their order.
    pub fn item_keys(&self) -> impl Iterator<Item = &ItemKey> {
        self.items
            .iter()
            .filter(|(_, entry)| entry.is_listed || entry.is_saved)
            .map(|(key, _)| key)
    }

    /// Returns the status of every listed item of handlers that are set up, for the headline.
    #[must_use]
    pub fn statuses(&self, now: Timestamp) -> Vec<Status> {
        self.item_keys()
            .filter_map(|key| self.facts(key, now))
            .map(|facts| status::of(&facts))
            .collect()
    }

    /// Gathers what the status of an item is made from.
    fn facts(&self, key: &ItemKey, now: Timestamp) -> Option<Facts> {
        let entry = self.items.get(key)?;
        let handler = self.handlers.get(&key.handler);
        let memory = &entry.memory;
        Some(Facts {
            is_off: !memory.is_enabled
                || handler.is_some_and(|h| !h.memory.is_enabled || !h.memory.is_active),
            paused_until: memory.paused_until.filter(|until| *until > now),
            is_handler_silent: handler.is_none_or(|h| h.is_silent || !h.is_installed),
            running: self.running_progress(key),
            last: memory.result,
            is_disconnected: !memory.is_connected
                || handler.is_some_and(|h| !h.memory.is_connected),
            overdue_since: None,
            waiting_for: entry.queued.first().and_then(|id| self.why_waiting(id)),
        })
    }

    /// Returns the progress of an item that runs; without an end when it is in several sessions
    /// (spec 93).
    fn running_progress(&self, key: &ItemKey) -> Option<Progress> {
        let entry = self.items.get(key)?;
        let id = entry.running.first()?;
        let run = self.runs.get(id)?;
        let mut progress = run
            .parts
            .get(&key.item)
            .map(|part| part.progress.clone())
            .unwrap_or_default();
        // In a session it is syncing, though its handler has not said anything yet (spec 90).
        progress.phase = progress.phase.max(Phase::Checking);
        if entry.running.len() > 1 {
            progress.n_total = None;
            progress.bytes_total = None;
        }
        Some(progress)
    }

    /// Says why an item is not fine.
    fn reason(&self, key: &ItemKey, status: Status) -> Option<Trouble> {
        let memory = &self.items.get(key)?.memory;
        let name = super::name_of(self, key);
        match status {
            Status::Off => Some(
                self.unsyncable(key, WorkKind::Sync)
                    .unwrap_or_else(|| Trouble::new(Code::TurnedOff).with("name", name)),
            ),
            Status::Paused => Some(
                Trouble::new(Code::Paused).with(
                    "until",
                    memory
                        .paused_until
                        .filter(|t| t.0 < i64::MAX)
                        .map_or_else(|| "you resume it".to_owned(), |until| until.rfc3339()),
                ),
            ),
            Status::Unknown => Some(
                Trouble::new(Code::HandlerSilent)
                    .with("handler", self.handler_name(&key.handler))
                    .with("detail", "it could not be read"),
            ),
            Status::Held | Status::Failed => memory.reason.clone(),
            Status::Offline => Some(
                memory
                    .reason
                    .clone()
                    .unwrap_or_else(|| Trouble::new(Code::Disconnected).with("name", name)),
            ),
            Status::Waiting => {
                let id = self.items.get(key)?.queued.first()?;
                self.why_waiting(id)
            }
            Status::Overdue
            | Status::Syncing
            | Status::Checking
            | Status::Conflicts
            | Status::Never
            | Status::Warnings
            | Status::Ok => None,
        }
    }

    /// Returns what is shown of a handler.
    #[must_use]
    pub fn handler(&self, id: &HandlerId) -> Option<HandlerView> {
        let entry = self.handlers.get(id)?;
        Some(HandlerView {
            memory: entry.memory.clone(),
            is_listed: entry.is_listed(),
            is_silent: entry.is_silent,
            text: entry
                .text
                .clone()
                .unwrap_or_else(|| entry.memory.comment.clone()),
            running: entry.running.iter().cloned().collect(),
            progress: self.progress_of(entry.running.iter()),
        })
    }

    /// Adds up the progress of sessions: the least phase, and an end only where every part has one.
    fn progress_of<'a>(&self, ids: impl Iterator<Item = &'a SessionId>) -> Option<Progress> {
        let runs = ids.filter_map(|id| self.runs.get(id));
        let parts = runs.flat_map(|run| run.parts.values());
        let add = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        parts
            .map(|part| part.progress.clone())
            .reduce(|all, one| Progress {
                phase: all.phase.min(one.phase),
                n_seen_left: all.n_seen_left.saturating_add(one.n_seen_left),
                n_seen_right: all.n_seen_right.saturating_add(one.n_seen_right),
                n_done: all.n_done.saturating_add(one.n_done),
                n_total: add(all.n_total, one.n_total),
                bytes_done: all.bytes_done.saturating_add(one.bytes_done),
                bytes_total: add(all.bytes_total, one.bytes_total),
                current: one.current.or(all.current),
            })
    }

    /// Returns the ids of all handlers.
    pub fn handler_ids(&self) -> impl Iterator<Item = &HandlerId> {
        self.handlers.keys()
    }

    /// Says whether a handler keeps conflicts of its own.
    #[must_use]
    pub fn keeps_conflicts(&self, id: &HandlerId) -> bool {
        self.handlers.get(id).is_some_and(|entry| {
            entry
                .memory
                .capabilities
                .contains(HandlerCapabilities::CONFLICT_STORE)
        })
    }

    /// Returns what is shown of a request or session that has not ended.
    #[must_use]
    pub fn session(&self, id: &SessionId) -> Option<SessionView> {
        let run = self.runs.get(id)?;
        Some(self.session_view(run))
    }

    /// Iterates over the requests and sessions that have not ended, oldest first.
    pub fn sessions(&self) -> impl Iterator<Item = SessionView> {
        self.runs.values().map(|run| self.session_view(run))
    }

    fn session_view(&self, run: &Run) -> SessionView {
        SessionView {
            id: run.id.clone(),
            handler: run.handler.clone(),
            kind: run.work.kind(),
            intent: run.intent,
            origin: run.origin.clone(),
            asked_at: run.asked_at,
            started: run.is_running().then_some(run.started),
            items: run
                .all_items()
                .map(|item| match run.parts.get(item) {
                    Some(part) => (item.clone(), part.status, part.progress.clone()),
                    None => (item.clone(), None, Progress::default()),
                })
                .collect(),
            is_stopping: run.cancel != CancelRequest::None,
            is_external: run.is_external,
            waits_for: if run.is_running() {
                None
            } else {
                self.why_waiting(&run.id)
            },
        }
    }
}
