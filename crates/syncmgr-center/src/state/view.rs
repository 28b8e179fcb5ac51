//! What others may see of the state: copies, made on request.

use syncmgr_model::capability::{HandlerCapabilities, ItemCapabilities};
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::menu::{Entry, OfHandler, OfItem, Task};
use syncmgr_model::progress::{CancelRequest, Phase, Progress, ProgressStatus};
use syncmgr_model::property::{Standing, Subject, SyncState, Value};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Intent, Origin, WorkKind};
use syncmgr_model::status::{self, Facts, Status};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};

use super::registry::HandlerEntry;
use super::run::Run;
use super::{HandlerMemory, ItemMemory, State};
use crate::agenda::{Look, Waiting};

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
    /// Its handler lists it.
    pub is_listed: bool,
    /// The folders it works on, absolute, bytes.
    pub paths: Vec<Vec<u8>>,
    /// What it works on while it runs; its comment otherwise (spec 33).
    pub text: String,
    /// The state in the numbers of the original (spec 190).
    pub state: SyncState,
    /// What can be done with it.
    pub tasks: Vec<(Task, Entry)>,
    /// The status in words.
    pub words: String,
    /// Why it is not fine.
    pub reason: Option<Trouble>,
    /// Sessions it is in.
    pub running: Vec<SessionId>,
    /// Requests it waits in.
    pub queued: Vec<SessionId>,
    /// When it runs next by itself, as far as that is a time.
    pub next_due: Option<Timestamp>,
}

impl ItemView {
    /// Says whether it is its handler that takes it out of what is synced.
    #[must_use]
    pub fn can_delete(&self) -> bool {
        // One that people made, saved or not, has settings.
        let is_its_own = self.is_listed && !self.is_saved && self.item.settings.0.is_empty();
        is_its_own
            && self
                .memory
                .capabilities
                .contains(ItemCapabilities::CAN_DELETE)
    }
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
    /// The state in the numbers of the original (spec 190), over its items.
    pub state: SyncState,
    /// Error results of its items that nobody has seen yet; warnings do not count (spec 193).
    pub n_errors: u64,
    /// What can be done with it.
    pub tasks: Vec<(Task, Entry)>,
    /// Sessions of it that run.
    pub running: Vec<SessionId>,
    /// Where all items of its sessions stand together (spec 105); `None`: none runs.
    pub progress: Option<Progress>,
}

/// Which handlers are listed together (spec 17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Those that are set up.
    Main,
    /// Those that can be set up.
    Setup,
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

/// Says what a run that is due waits for, besides the item itself.
fn waits_for(look: &Look) -> Option<Trouble> {
    let words: Vec<_> = look
        .waiting_for
        .iter()
        .filter(|waiting| !matches!(waiting, Waiting::Running | Waiting::Paused))
        .map(ToString::to_string)
        .collect();
    let is_due = look.due.is_some() && !words.is_empty();
    is_due.then(|| Trouble::new(Code::WaitsForCondition).with("detail", words.join(", ")))
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
            reason: self.reason(key, status, now),
            is_listed: entry.is_listed,
            paths: entry.paths.clone(),
            text: facts
                .running
                .as_ref()
                .and_then(|progress| progress.current.clone())
                .unwrap_or_else(|| entry.memory.comment.clone()),
            state: SyncState::of(self.standing(key)),
            tasks: self.menu_of_item(key).map(item_tasks).unwrap_or_default(),
            facts,
            running: entry.running.iter().cloned().collect(),
            queued: entry.queued.iter().cloned().collect(),
            next_due: entry
                .agenda
                .as_ref()
                .and_then(|agenda| agenda.look.as_ref())
                .and_then(|look| look.next_due),
        })
    }

    /// Returns the status of an item alone: far cheaper than [`Self::item`] where very many are
    /// looked through.
    #[must_use]
    pub fn status(&self, key: &ItemKey, now: Timestamp) -> Option<Status> {
        self.facts(key, now).map(|facts| status::of(&facts))
    }

    /// Returns the number of error results of an item that nobody has seen yet; 0 for one that is
    /// not known.
    #[must_use]
    pub fn n_unseen(&self, key: &ItemKey) -> u64 {
        self.items.get(key).map_or(0, |entry| entry.memory.n_errors)
    }

    /// Returns the keys of the items that are shown, hidden ones too, in their order: those that a
    /// person saved, and those of handlers that are there.
    pub fn item_keys(&self) -> impl Iterator<Item = &ItemKey> {
        let is_there = |key: &ItemKey| {
            let handler = self.handlers.get(&key.handler);
            handler.is_some_and(HandlerEntry::is_listed)
        };
        self.items
            .iter()
            .filter(move |(key, entry)| entry.is_saved || (entry.is_listed && is_there(key)))
            .map(|(key, _)| key)
    }

    /// Returns the keys of the items that a person wants to see: with `with_hidden` all, otherwise
    /// those that are not hidden and whose handler is not (spec 43). Being hidden is a matter of
    /// display alone: hidden handlers and items sync like all others (spec 44, decision).
    pub fn shown_items(&self, with_hidden: bool) -> impl Iterator<Item = &ItemKey> {
        self.item_keys().filter(move |key| {
            let is_hidden = self.items.get(*key).is_some_and(|e| e.memory.is_hidden)
                || self
                    .handlers
                    .get(&key.handler)
                    .is_some_and(|e| e.memory.is_hidden);
            with_hidden || !is_hidden
        })
    }

    /// Returns the handlers of a list, as [`Self::shown_items`].
    pub fn shown_handlers(
        &self,
        list: List,
        with_hidden: bool,
    ) -> impl Iterator<Item = &HandlerId> {
        self.handlers
            .iter()
            .filter(|(_, entry)| entry.is_listed())
            .filter(move |(_, entry)| entry.memory.is_active == (list == List::Main))
            .filter(move |(_, entry)| with_hidden || !entry.memory.is_hidden)
            .map(|(id, _)| id)
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
        let look = entry
            .agenda
            .as_ref()
            .and_then(|agenda| agenda.look.as_ref());
        Some(Facts {
            is_off: !memory.is_enabled
                || handler.is_some_and(|h| !h.memory.is_enabled || !h.memory.is_active),
            paused_until: memory.paused_until.filter(|until| *until > now),
            is_handler_silent: handler.is_none_or(|h| h.is_silent || !h.is_listed()),
            running: self.running_progress(key),
            last: self.last_result(key),
            is_disconnected: !memory.is_connected
                || handler.is_some_and(|h| !h.memory.is_connected),
            overdue_since: look.and_then(|look| {
                look.overdue_since
                    .into_iter()
                    .chain(look.too_old_since)
                    .min()
            }),
            waiting_for: match entry.queued.first() {
                Some(id) => self.why_waiting(id),
                None => look.and_then(waits_for),
            },
        })
    }

    /// Returns how the last session ended, with the conflicts that there are now (spec 137).
    fn last_result(&self, key: &ItemKey) -> Option<(ProgressStatus, Summary)> {
        let (status, mut summary) = self.items.get(key)?.memory.result?;
        if let Some(n) = self.counted(&key.handler, Some(&key.item)) {
            summary.n_conflicts = n;
        }
        Some((status, summary))
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
    fn reason(&self, key: &ItemKey, status: Status, now: Timestamp) -> Option<Trouble> {
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
            Status::Unknown => Some(self.unread(&key.handler)),
            Status::Held | Status::Failed => memory.reason.clone(),
            Status::Offline => Some(
                memory
                    .reason
                    .clone()
                    .unwrap_or_else(|| Trouble::new(Code::Disconnected).with("name", name)),
            ),
            Status::Waiting => {
                let entry = self.items.get(key)?;
                match entry.queued.first() {
                    Some(id) => self.why_waiting(id),
                    None => waits_for(entry.agenda.as_ref()?.look.as_ref()?),
                }
            }
            Status::Overdue => {
                let look = self.items.get(key)?.agenda.as_ref()?.look.as_ref()?;
                Some(match (look.overdue_since, look.too_old_since) {
                    (Some(since), _) => Trouble::new(Code::MissedRun).with("at", since.rfc3339()),
                    (None, _) => Trouble::new(Code::TooOld).with(
                        "age_ms",
                        memory.last_sync.map_or(0, |last| now.ms_since(last)),
                    ),
                })
            }
            Status::Syncing
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
            state: SyncState::of(self.standing_of(id, entry)),
            n_errors: self.n_errors(id, None),
            tasks: self
                .menu_of_handler(id)
                .map(handler_tasks)
                .unwrap_or_default(),
            running: entry.running.iter().cloned().collect(),
            progress: self.progress_of(entry.running.iter()),
        })
    }

    /// Returns what the tasks of a handler depend on.
    pub(super) fn menu_of_handler(&self, id: &HandlerId) -> Option<OfHandler> {
        let entry = self.handlers.get(id)?;
        let memory = &entry.memory;
        Some(OfHandler {
            capabilities: memory.capabilities,
            policies: memory.policies,
            is_active: memory.is_active,
            is_unsure: entry.is_unsure,
            is_enabled: memory.is_enabled,
            is_connected: memory.is_connected,
            is_syncing: !entry.running.is_empty(),
        })
    }

    /// Returns what the tasks of an item depend on.
    pub(super) fn menu_of_item(&self, key: &ItemKey) -> Option<OfItem> {
        let entry = self.items.get(key)?;
        let memory = &entry.memory;
        Some(OfItem {
            handler: self.menu_of_handler(&key.handler)?,
            capabilities: memory.capabilities,
            policies: memory.policies,
            is_enabled: memory.is_enabled,
            is_connected: memory.is_connected,
            is_syncing: !entry.running.is_empty(),
        })
    }

    fn standing(&self, key: &ItemKey) -> Standing {
        let Some(entry) = self.items.get(key) else {
            return Standing::default();
        };
        let memory = &entry.memory;
        let ended = memory.result.map(|(status, _)| status);
        Standing {
            is_active: self
                .handlers
                .get(&key.handler)
                .is_some_and(|h| h.memory.is_active),
            was_run: memory.result.is_some() || memory.last_sync.is_some(),
            has_errors: self.n_errors(&key.handler, Some(&key.item)) > 0
                || ended == Some(ProgressStatus::Failed),
            is_queued: !entry.queued.is_empty(),
            is_running: !entry.running.is_empty(),
        }
    }

    /// Sums up the items of a handler: one that runs, waits or has errors stands for all.
    fn standing_of(&self, id: &HandlerId, entry: &HandlerEntry) -> Standing {
        let first = Standing {
            is_active: entry.memory.is_active,
            was_run: entry.memory.last_sync.is_some(),
            ..Standing::default()
        };
        self.items_of(id).fold(first, |all, (key, _)| {
            let one = self.standing(key);
            Standing {
                is_active: all.is_active,
                was_run: all.was_run || one.was_run,
                has_errors: all.has_errors || one.has_errors,
                is_queued: all.is_queued || one.is_queued,
                is_running: all.is_running || one.is_running,
            }
        })
    }

    /// Reads a property of a handler or item by the name of its key (spec 200); `None` when it is
    /// not known.
    #[must_use]
    pub fn property(
        &self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        name: &str,
        now: Timestamp,
    ) -> Option<Value> {
        Some(self.subject(handler, item, now)?.read(name))
    }

    fn subject(
        &self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        now: Timestamp,
    ) -> Option<Subject> {
        let view = self.handler(handler)?;
        let memory = view.memory;
        let of_handler = Subject {
            collection: memory.collection,
            handler: handler.clone(),
            handler_name: memory.name,
            handler_type: memory.kind.number(),
            handler_type_label: memory.type_label,
            item: None,
            item_type_label: String::new(),
            status: view.text,
            comment: memory.comment,
            percent: None,
            state: view.state,
            is_hidden: memory.is_hidden,
            is_enabled: memory.is_enabled,
            is_connected: memory.is_connected,
            last_sync: memory.last_sync,
        };
        let Some(item) = item else {
            return Some(of_handler);
        };
        let view = self.item(&super::key(handler, item), now)?;
        Some(Subject {
            item: Some((item.clone(), view.memory.name)),
            item_type_label: view.memory.type_label,
            status: view.words,
            comment: view.memory.comment,
            percent: view.facts.running.as_ref().and_then(Progress::percent),
            state: view.state,
            is_hidden: view.memory.is_hidden,
            is_enabled: view.memory.is_enabled,
            is_connected: view.memory.is_connected,
            last_sync: view.memory.last_sync,
            ..of_handler
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

fn handler_tasks(menu: OfHandler) -> Vec<(Task, Entry)> {
    Task::ALL.map(|task| (task, menu.entry(task))).to_vec()
}

fn item_tasks(menu: OfItem) -> Vec<(Task, Entry)> {
    Task::ALL.map(|task| (task, menu.entry(task))).to_vec()
}
