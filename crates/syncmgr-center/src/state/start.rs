//! Starts: which items can be synced, and what becomes of a request of which nothing is left.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::capability::SyncControlFlags;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::menu::Task;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::request::{Intent, WorkKind};
use syncmgr_model::trouble::{Code, Trouble};

use super::run::{Run, Stage, outcome};
use super::{State, Turn, key};
use crate::command::{Accepted, Answer, Effect, Refusal, Scope, StartOptions, Taken, Ticket};

/// A start that passed all checks.
struct Wanted {
    handler: HandlerId,
    items: Vec<ItemId>,
    /// Settings that hold for this run alone.
    with: Option<Item>,
    options: StartOptions,
}

impl State {
    pub(super) fn start(
        &mut self,
        ticket: Ticket,
        scope: &Scope,
        options: StartOptions,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = self.check_start(&options) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        let wanted = match scope {
            Scope::All => return self.start_all(ticket, &options, turn),
            Scope::Handler(handler) => self
                .known_handler(handler)
                .map(|()| (handler, self.syncable(handler))),
            Scope::Items(handler, items) => self
                .known_handler(handler)
                .and_then(|()| {
                    let mut items = items.iter();
                    items.try_for_each(|item| self.known_item(&key(handler, item)).map(drop))
                })
                .map(|()| (handler, items.clone())),
        };
        match wanted {
            Ok((handler, items)) => {
                let handler = handler.clone();
                let with = None;
                let wanted = Wanted {
                    handler,
                    items,
                    with,
                    options,
                };
                self.start_items(ticket, wanted, turn);
            }
            Err(refusal) => turn.answer(ticket, Answer::Refused(refusal)),
        }
    }

    /// Refuses flags nobody has defined (spec 62), and everything once the center ends.
    fn check_start(&self, options: &StartOptions) -> Result<(), Refusal> {
        if self.is_closing {
            let detail = "syncmgr is shutting down; nothing new begins";
            let trouble = Trouble::new(Code::NotPossible).with("detail", detail);
            return Err(Self::refusal(Hresult::Failed, trouble));
        }
        if SyncControlFlags::all().contains(options.flags) {
            return Ok(());
        }
        let detail = format!(
            "the sync control flags {:#x} are not defined",
            options.flags.bits()
        );
        Err(Self::refusal(
            Hresult::InvalidArgument,
            Trouble::new(Code::NotPossible).with("detail", detail),
        ))
    }

    /// Returns the listed items of a handler that can be synced now (spec 68).
    fn syncable(&self, handler: &HandlerId) -> Vec<ItemId> {
        self.items_of(handler)
            .filter(|(key, entry)| {
                entry.is_listed && self.unsyncable(key, WorkKind::Sync).is_none()
            })
            .map(|(key, _)| key.item.clone())
            .collect()
    }

    /// Starts one request per handler (spec 69); it has no result, what comes of it is in history.
    fn start_all(&mut self, ticket: Ticket, options: &StartOptions, turn: &mut Turn) {
        let handlers: Vec<_> = self
            .handlers
            .iter()
            .filter(|(_, entry)| entry.is_listed())
            .map(|(id, entry)| (id.clone(), entry.is_concurrent()))
            .collect();
        for (handler, is_concurrent) in handlers {
            let mut items = self.syncable(&handler);
            items.retain(|item| !self.is_ignored(&key(&handler, item), options));
            // Items of a handler that may run side by side do not wait for each other.
            let size = if is_concurrent { 1 } else { items.len().max(1) };
            for items in items.chunks(size) {
                self.request(&handler, items.to_vec(), options.clone(), None, turn);
            }
        }
        turn.answer(ticket, Answer::Done);
    }

    /// Says whether an item is left out because it is being synced (spec 80).
    fn is_ignored(&self, key: &ItemKey, options: &StartOptions) -> bool {
        options
            .flags
            .contains(SyncControlFlags::IGNORE_IF_ALREADY_SYNCING)
            && self.items.get(key).is_some_and(|e| !e.running.is_empty())
    }

    pub(super) fn start_with(
        &mut self,
        ticket: Ticket,
        item: Item,
        options: StartOptions,
        turn: &mut Turn,
    ) {
        let known = self
            .check_start(&options)
            .and_then(|()| self.known_handler(&item.handler));
        if let Err(refusal) = known {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        let key = self.adopt(&item, turn);
        let wanted = Wanted {
            handler: key.handler,
            items: vec![key.item],
            with: Some(item),
            options,
        };
        self.start_items(ticket, wanted, turn);
    }

    /// Takes a request for items that are known; what cannot be synced is left out (spec 70).
    fn start_items(&mut self, ticket: Ticket, mut wanted: Wanted, turn: &mut Turn) {
        let dropped = self.drop_some(&mut wanted);
        if wanted.items.is_empty() {
            return self.nothing_to_do(ticket, wanted, dropped, turn);
        }
        if let Some(id) = self.same_queued(&wanted) {
            if let Some(run) = self.runs.get_mut(&id) {
                run.tickets.push(ticket);
            }
            let accepted = Accepted {
                session: id,
                taken: Taken::Joined,
                dropped,
            };
            return turn.answer(ticket, Answer::Accepted(accepted));
        }
        let Wanted {
            handler,
            items,
            with,
            options,
        } = wanted;
        let id = self.request(&handler, items, options, Some(ticket), turn);
        if let Some(run) = self.runs.get_mut(&id) {
            run.with = with;
        }
        // Whether it runs at once is known only after the line has moved.
        let mark = turn.effects.len();
        self.dispatch(turn);
        let stage = self.runs.get(&id).map(|run| run.stage);
        let accepted = Accepted {
            session: id,
            taken: match stage {
                Some(Stage::Queued) => Taken::Queued,
                Some(_) | None => Taken::Started,
            },
            dropped,
        };
        let answer = Effect::Answer(ticket, Answer::Accepted(accepted));
        turn.effects.insert(mark, answer);
    }

    /// Takes out what is named twice and what cannot be synced; returns the latter with reasons.
    fn drop_some(&self, wanted: &mut Wanted) -> Vec<(ItemId, Trouble)> {
        let mut seen = BTreeSet::new();
        let mut dropped = Vec::new();
        let options = &wanted.options;
        wanted.items.retain(|item| {
            if !seen.insert(item.clone()) {
                return false;
            }
            let key = key(&wanted.handler, item);
            let reason = if options.intent == Intent::Preview {
                None
            } else {
                self.unsyncable(&key, options.work.kind())
            };
            let reason = reason.or_else(|| {
                let trouble =
                    || Trouble::new(Code::WaitsForItself).with("name", super::name_of(self, &key));
                self.is_ignored(&key, options).then(trouble)
            });
            let is_kept = reason.is_none();
            dropped.extend(reason.map(|trouble| (item.clone(), trouble)));
            is_kept
        });
        dropped
    }

    /// Answers a request of which nothing is left: with success when all of it is being synced
    /// already (spec 81), otherwise with a failure that names the reasons. It enters no history.
    fn nothing_to_do(
        &mut self,
        ticket: Ticket,
        wanted: Wanted,
        dropped: Vec<(ItemId, Trouble)>,
        turn: &mut Turn,
    ) {
        let id = self.new_session_id(turn.now);
        let items = Vec::new();
        let run = Run::new(id.clone(), wanted.handler, items, wanted.options, turn.now);
        self.runs.insert(id.clone(), run);
        for (item, trouble) in &dropped {
            let status = status_without_work(trouble.code);
            if status != ProgressStatus::Succeeded {
                self.note(&id, Some(item.clone()), trouble.clone(), turn);
            }
            if let Some(run) = self.runs.get_mut(&id) {
                run.pending.push(item.clone());
                run.give_up(|_| Some(status));
            }
        }
        let accepted = Accepted {
            session: id.clone(),
            taken: Taken::Nothing,
            dropped,
        };
        turn.answer(ticket, Answer::Accepted(accepted));
        if let Some(run) = self.runs.remove(&id) {
            let outcome = outcome(&run, turn.now);
            turn.answer(ticket, Answer::Outcome(Box::new(outcome)));
        }
    }

    /// Looks at a request once more when its turn has come: what cannot be synced any more is left
    /// out with its reason (spec 70). Returns whether anything is left.
    pub(super) fn leave_out_unsyncable(&mut self, id: &SessionId, turn: &mut Turn) -> bool {
        let Some(run) = self.runs.get(id).filter(|run| run.intent == Intent::Apply) else {
            return true;
        };
        let (handler, kind) = (run.handler.clone(), run.work.kind());
        let left_out: Vec<_> = run
            .pending
            .iter()
            .filter_map(|item| {
                let trouble = self.unsyncable(&key(&handler, item), kind)?;
                Some((item.clone(), trouble))
            })
            .collect();
        if left_out.is_empty() {
            return true;
        }
        let mut why = BTreeMap::new();
        for (item, trouble) in left_out {
            why.insert(item.clone(), status_without_work(trouble.code));
            self.note(id, Some(item), trouble, turn);
        }
        if let Some(run) = self.runs.get_mut(id) {
            run.give_up(|item| why.get(item).copied());
        }
        self.settle_request(id, turn);
        self.runs.get(id).is_some_and(|run| !run.pending.is_empty())
    }

    /// Returns the request that a start may join: the same, and nothing of it has begun.
    fn same_queued(&self, wanted: &Wanted) -> Option<SessionId> {
        let options = &wanted.options;
        let first = wanted.items.first().filter(|_| options.joins)?;
        let queued = &self.items.get(&key(&wanted.handler, first))?.queued;
        let is_same = |run: &&Run| {
            run.stage == Stage::Queued
                && run.pending == wanted.items
                && run.taken_by.is_empty()
                && run.taken.is_empty()
                && run.work == options.work
                && run.intent == options.intent
                && run.token == options.token
                && run.with == wanted.with
        };
        let mut runs = queued.iter().filter_map(|id| self.runs.get(id));
        runs.find(is_same).map(|run| run.id.clone())
    }

    /// Says why an item cannot be synced, if something is in the way (spec 22–24, 34–35, 48–50).
    pub(super) fn unsyncable(&self, key: &ItemKey, work: WorkKind) -> Option<Trouble> {
        let listed = self.handlers.get(&key.handler).filter(|it| it.is_listed());
        let Some(entry) = listed else {
            return Some(self.unread(&key.handler));
        };
        let handler = &entry.memory;
        let item = &self.items.get(key)?.memory;
        let name = super::name_of(self, key);
        if !handler.is_active {
            return Some(
                Trouble::new(Code::NotSetUp).with("handler", self.handler_name(&key.handler)),
            );
        }
        if !handler.is_enabled {
            let name = self.handler_name(&key.handler);
            let trouble = Trouble::new(Code::TurnedOff).with("name", name);
            return Some(trouble.with("handler", &key.handler));
        }
        if !item.is_enabled && work == WorkKind::Sync {
            return Some(Trouble::new(Code::TurnedOff).with("name", name));
        }
        if !handler.is_connected || !item.is_connected {
            return Some(Trouble::new(Code::Disconnected).with("name", name));
        }
        if self.menu_of_item(key)?.forbids(Task::Start).is_some() {
            return Some(
                self.prevented("start", &key.handler, Some(&key.item))
                    .trouble,
            );
        }
        None
    }
}

/// Says what becomes of an item that is not synced for this reason.
fn status_without_work(code: Code) -> ProgressStatus {
    if code == Code::WaitsForItself {
        ProgressStatus::Succeeded
    } else if code == Code::Disconnected {
        ProgressStatus::Disconnected
    } else {
        ProgressStatus::Failed
    }
}
