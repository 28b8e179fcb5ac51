//! How sessions end: what their items did not say is said for them, history is written, and whoever
//! waits gets the one result.

use std::collections::BTreeMap;

use syncmgr_model::event::{EventLevel, Link, NewEvent};
use syncmgr_model::id::{ItemId, SessionId};
use syncmgr_model::progress::{CancelRequest, ProgressStatus};
use syncmgr_model::record::{ItemResult, SessionRecord};
use syncmgr_model::request::{Intent, WorkKind};
use syncmgr_model::trouble::{Code, Trouble};

use super::registry::ItemMemory;
use super::run::{Run, Stage, outcome};
use super::{State, Turn, key};
use crate::command::{Answer, Save, Update};

impl State {
    /// Takes the return of `Synchronize`, or the end of a further session.
    pub(super) fn returned(
        &mut self,
        id: &SessionId,
        result: Result<(), Trouble>,
        turn: &mut Turn,
    ) {
        let Some(run) = self.runs.get(id) else {
            return;
        };
        match run.stage {
            Stage::Abandoned => self.let_go(id, turn),
            // Asked to stop before it did anything, it had nothing to tell another program.
            Stage::Told if result.is_ok() && run.cancel == CancelRequest::None => {
                self.signalled(id, turn);
            }
            Stage::Told | Stage::Open => self.end(id, result, turn),
            Stage::Queued | Stage::Absorbed | Stage::Signalled => {}
        }
    }

    /// Ends a session: whatever its items did not say is said for them (spec 76, 103). Items that
    /// it proposed and did not commit go with it (spec 121).
    pub(super) fn end(&mut self, id: &SessionId, result: Result<(), Trouble>, turn: &mut Turn) {
        let mut is_refused = false;
        let has_waited = self.runs.get(id).is_some_and(|run| run.has_waited);
        if let Err(trouble) = result {
            is_refused = self.is_refusal(id, trouble.code);
            self.close_parts(id, status_of(trouble.code));
            let item = self.only_item(id);
            if is_refused && !has_waited {
                self.note(id, item, trouble, turn);
            } else {
                self.remember_trouble(id, item, trouble, turn);
            }
        } else {
            self.close_silent_parts(id, turn);
        }
        self.say_stopped(id, turn);
        self.free(id, turn);
        let Some(run) = self.runs.remove(id) else {
            return;
        };
        let record = run.record(Some(turn.now));
        if run.intent == Intent::Apply {
            if is_refused && !has_waited {
                turn.save(Save::Withdrawn(record.clone()));
            } else {
                turn.save(Save::Ended(record.clone()));
                self.settle_events(&run, &record, turn);
                self.settle_conflicts(&run, &record, turn);
            }
            if !is_refused {
                self.take_results(&run, &record, turn);
            }
            self.settle_dirty(&run, &record);
            self.note_ended(&run, &record, turn);
        }
        turn.notify(Update::Ended(id.clone()));
        let outcome = outcome(&run, turn.now);
        for ticket in run.tickets {
            turn.answer(ticket, Answer::Outcome(Box::new(outcome.clone())));
        }
        self.pass_on(run.served, &record, turn);
    }

    /// Returns the item of a session that has just one: then what goes wrong is about it.
    fn only_item(&self, id: &SessionId) -> Option<ItemId> {
        let run = self.runs.get(id)?;
        match run.order.as_slice() {
            [item] => Some(item.clone()),
            _ => None,
        }
    }

    /// Says how far items came that were stopped, where their handler did not.
    fn say_stopped(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get(id) else {
            return;
        };
        let is_said = |item: &ItemId| {
            run.events.iter().any(|event| {
                let is_about = event.item.as_ref().is_none_or(|it| it == item);
                is_about && event.trouble.code == Code::Stopped
            })
        };
        let stopped = run.parts.iter().filter(|(item, part)| {
            let has_counts = part.progress.n_total.is_some_and(|n| n > 0);
            part.status == Some(ProgressStatus::Canceled) && has_counts && !is_said(item)
        });
        let stopped: Vec<_> = stopped.map(|(item, _)| item.clone()).collect();
        for item in stopped {
            let trouble = Trouble::new(Code::Stopped).at_level(EventLevel::Information);
            self.remember_trouble(id, Some(item), trouble, turn);
        }
    }

    fn close_parts(&mut self, id: &SessionId, status: ProgressStatus) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        for part in run.parts.values_mut() {
            if part.is_open() {
                part.status = Some(status);
            }
        }
    }

    /// Closes items whose handler returned without a final status: stopped ones as canceled, the
    /// others as failed, which is a fault of the handler (spec 103).
    fn close_silent_parts(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get_mut(id) else {
            return;
        };
        let mut silent = Vec::new();
        for (item, part) in &mut run.parts {
            if !part.is_open() {
                continue;
            }
            if run.cancel.max(part.cancel) == CancelRequest::None {
                part.status = Some(ProgressStatus::Failed);
                silent.push(item.clone());
            } else {
                part.status = Some(ProgressStatus::Canceled);
            }
        }
        let handler = run.handler.clone();
        for item in silent {
            let trouble = Trouble::new(Code::ProtocolFault)
                .with("handler", &handler)
                .with("detail", "it returned without a final status");
            self.remember_trouble(id, Some(item), trouble, turn);
        }
    }

    /// Gives back the items and the place of a session.
    pub(super) fn free(&mut self, id: &SessionId, turn: &mut Turn) {
        self.timers.unset(id);
        let Some(run) = self.runs.get(id) else {
            return;
        };
        let handler = run.handler.clone();
        for item in run.all_items() {
            let key = key(&handler, item);
            if let Some(entry) = self.items.get_mut(&key) {
                entry.running.remove(id);
                entry.queued.remove(id);
            }
            turn.touch(&key);
        }
        if let Some(entry) = self.handlers.get_mut(&handler) {
            entry.running.remove(id);
            if entry.running.is_empty() {
                entry.text = None;
            }
        }
        self.vacate(id, &handler, turn);
    }

    /// Takes over what a session says about the state of its items. One that a person stopped says
    /// nothing, and what other sessions took over is said by them.
    pub(super) fn take_results(&mut self, run: &Run, record: &SessionRecord, turn: &mut Turn) {
        let errors = Errors::of(run);
        let own = record
            .items
            .iter()
            .filter(|result| run.parts.contains_key(&result.item));
        for result in own {
            let key = key(&run.handler, &result.item);
            let is_summed = run.parts.get(&result.item).is_some_and(|it| it.is_summed);
            if let Some(entry) = self.items.get_mut(&key) {
                if is_summed {
                    take_conflicts(&mut entry.memory, result, record.kind);
                }
                take_result(&mut entry.memory, result, record, &errors, is_summed);
                turn.save(Save::Memory(Box::new(entry.memory.clone())));
                turn.touch(&key);
            }
        }
    }

    /// Ends a session that was open when its process vanished: it failed, and says why.
    pub(super) fn interrupt(&mut self, mut record: SessionRecord, turn: &mut Turn) {
        let item = match record.items.as_slice() {
            [only] => Some(only.item.clone()),
            _ => None,
        };
        let new = NewEvent {
            item,
            trouble: Trouble::new(Code::Interrupted),
            link: Link::default(),
            context: None,
        };
        let event = self.make_event(&record.handler, Some(&record.id), new, turn.now);
        turn.save(Save::Event(event.clone()));
        turn.notify(Update::Event(Box::new(event.clone())));
        self.count_error(&event, turn);
        for result in &mut record.items {
            result.status = Some(ProgressStatus::Failed);
            if let Some(entry) = self.items.get_mut(&key(&record.handler, &result.item)) {
                entry.memory.result = Some((ProgressStatus::Failed, result.summary));
                entry.memory.reason = Some(event.trouble.clone());
                entry.memory.last_session = Some(record.id.clone());
                turn.save(Save::Memory(Box::new(entry.memory.clone())));
            }
        }
        record.ended = Some(turn.now);
        record.status = Some(ProgressStatus::Failed);
        turn.save(Save::Ended(record));
    }

    /// Says whether a session was turned down before it did anything. That says nothing about the
    /// state of its item: a sync that waits for an OK still does after a mistyped plan, and a pair
    /// of folders that cannot be one is no sync. Of a saved sync, it is its state. History has it
    /// only if it waited, because then nobody may be there any more to be told.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other code says something about the item"
    )]
    fn is_refusal(&self, id: &SessionId, code: Code) -> bool {
        let Some(run) = self.runs.get(id) else {
            return false;
        };
        let is_saved = run.order.iter().any(|item| {
            self.items
                .get(&key(&run.handler, item))
                .is_some_and(|entry| entry.is_saved)
        });
        match code {
            Code::Busy | Code::PlanChanged | Code::StateChanged | Code::NotFound => true,
            Code::NotPossible | Code::SameFolder | Code::NestedFolders | Code::SettingUnusable => {
                !(is_saved && run.work.kind() == WorkKind::Sync)
            }
            _ => false,
        }
    }
}

/// Says what an error of a handler makes of its items.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every code but these means that the work was not done"
)]
fn status_of(code: Code) -> ProgressStatus {
    match code {
        Code::Stopped => ProgressStatus::Canceled,
        Code::FolderMissing | Code::Disconnected | Code::ToolMissing => {
            ProgressStatus::Disconnected
        }
        _ => ProgressStatus::Failed,
    }
}

/// The first error of a session about each item.
struct Errors<'a> {
    by_item: BTreeMap<&'a ItemId, &'a Trouble>,
    /// One of the handler as a whole is why any of its items is not fine.
    of_handler: Option<&'a Trouble>,
}

impl<'a> Errors<'a> {
    fn of(run: &'a Run) -> Self {
        let mut errors = Self {
            by_item: BTreeMap::new(),
            of_handler: None,
        };
        for event in &run.events {
            if event.trouble.level != EventLevel::Error {
                continue;
            }
            match &event.item {
                Some(item) => errors.by_item.entry(item).or_insert(&event.trouble),
                None => errors.of_handler.get_or_insert(&event.trouble),
            };
        }
        errors
    }

    /// Returns the first one about an item.
    fn about(&self, item: &ItemId) -> Option<&'a Trouble> {
        self.by_item.get(item).copied().or(self.of_handler)
    }
}

/// Takes over the conflicts that are left after a session that looked at a few paths: what it
/// settled stays settled, however it ended.
fn take_conflicts(memory: &mut ItemMemory, result: &ItemResult, kind: WorkKind) {
    if kind != WorkKind::Sync
        && let Some((_, known)) = &mut memory.result
    {
        known.n_conflicts = result.summary.n_conflicts;
    }
}

fn take_result(
    memory: &mut ItemMemory,
    result: &ItemResult,
    record: &SessionRecord,
    errors: &Errors<'_>,
    is_summed: bool,
) {
    let is_partial = record.kind != WorkKind::Sync;
    let first = errors.about(&result.item);
    let Some(status) = result.status.filter(|s| *s != ProgressStatus::Canceled) else {
        return;
    };
    memory.last_session = Some(record.id.clone());
    match (&mut memory.result, record.kind, status) {
        // A decision, an undo or a restoration looks at a few paths: what the last whole run could
        // not do or holds back is as it was, and only the conflicts are counted anew.
        (
            Some((_, known)),
            WorkKind::Resolve | WorkKind::Undo | WorkKind::Restore,
            ProgressStatus::Succeeded,
        ) => known.n_conflicts = result.summary.n_conflicts,
        (known, _, _) => {
            let left = match known {
                Some((_, left)) if is_partial && !is_summed => *left,
                Some(_) | None => result.summary,
            };
            *known = Some((status, left));
            memory.reason = first.cloned();
        }
    }
    if status == ProgressStatus::Succeeded {
        memory.is_connected = true;
        // A handler that does not say when it last synced leaves that to the center (spec 104).
        if record.kind == WorkKind::Sync {
            memory.last_sync = record.ended;
        }
    }
}
