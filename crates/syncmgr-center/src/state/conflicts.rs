//! How many conflicts wait, and what is asked of the stores that hold them.
//!
//! A store owns its conflicts; the center knows how many there are. It learns it
//!
//! - by `UpdateConflicts` and `UpdateConflict`, after which the store is counted anew (spec 156, 157);
//! - at the end of a session that reported its counts, which is its handler's own announcement, and
//!   by counting the store when that is not what was known.
//!
//! Nothing else makes a conflict go away: not that a decision on it was carried out (spec 155). What
//! could not be counted stays as it was.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::capability::{ControlFlags, ItemCapabilities};
use syncmgr_model::conflict::{Address, ConflictId};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::{Intent, WorkKind};
use syncmgr_model::trouble::{Code, Trouble};

use super::reload::{Reloads, Scope};
use super::run::Run;
use super::{State, Turn, key};
use crate::command::{Answer, Effect, OperationId, Refusal, Ticket, Update};

/// What the center knows about conflicts.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    /// How many there are, as stores counted them; under `None` those of the handler itself.
    counts: BTreeMap<HandlerId, BTreeMap<Option<ItemId>, u64>>,
    reloads: Reloads,
    removals: BTreeMap<OperationId, Removal>,
}

/// Conflicts that a store was asked to remove.
#[derive(Debug)]
struct Removal {
    ticket: Ticket,
    handler: HandlerId,
    item: Option<ItemId>,
}

impl State {
    /// Returns how many conflicts an item has, or with `None` the handler with all its items
    /// (spec 137).
    #[must_use]
    pub fn n_conflicts(&self, handler: &HandlerId, item: Option<&ItemId>) -> u64 {
        match item {
            Some(item) => self.conflicts_of(&key(handler, item)),
            None => {
                let own = self.counted(handler, None).unwrap_or(0);
                let items = self.items_of(handler);
                items
                    .map(|(key, _)| self.conflicts_of(key))
                    .fold(own, u64::saturating_add)
            }
        }
    }

    /// Returns how many conflicts an item has: as its store counted them, or else as its last
    /// session said.
    fn conflicts_of(&self, key: &ItemKey) -> u64 {
        let said = || {
            let result = self.items.get(key)?.memory.result.as_ref();
            result.map(|(_, summary)| summary.n_conflicts)
        };
        self.counted(&key.handler, Some(&key.item))
            .or_else(said)
            .unwrap_or(0)
    }

    /// Returns how many a store counted, if it was ever asked.
    pub(super) fn counted(&self, handler: &HandlerId, item: Option<&ItemId>) -> Option<u64> {
        let counts = self.conflicts.counts.get(handler)?;
        counts.get(&item.cloned()).copied()
    }

    /// Takes `UpdateConflicts` (spec 156): the stores are counted anew.
    pub(super) fn update_conflicts(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        item: Option<&ItemId>,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        let waits = flags.contains(ControlFlags::WAIT);
        let is_read = self.recount(handler, item, waits.then_some(ticket), turn);
        if !is_read {
            turn.notify(Update::Conflicts(handler.clone(), item.cloned()));
        }
        if !waits || !is_read {
            turn.answer(ticket, Answer::Done);
        }
    }

    /// Takes `UpdateConflict` (spec 157): whatever became of the one conflict, its store knows.
    pub(super) fn update_conflict(
        &mut self,
        address: &Address,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_handler(&address.handler)?;
        if let Some(item) = &address.item {
            self.known_item(&key(&address.handler, item)).map(drop)?;
        }
        self.recount(&address.handler, address.item.as_ref(), None, turn);
        turn.notify(Update::Conflicts(
            address.handler.clone(),
            address.item.clone(),
        ));
        Ok(())
    }

    /// Has the stores of a handler counted; returns whether there are any.
    fn recount(
        &mut self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        ticket: Option<Ticket>,
        turn: &mut Turn,
    ) -> bool {
        let scope = self.conflict_stores(handler, item);
        if scope.is_empty() {
            return false;
        }
        if let Some(scope) = self.conflicts.reloads.ask(handler, scope, ticket) {
            self.push_count(handler, scope, turn);
        }
        true
    }

    fn push_count(&self, handler: &HandlerId, scope: Scope, turn: &mut Turn) {
        // An instance that is asked about single items has to know those; all of them are needed only
        // where a store counts on the whole.
        let items = if scope.contains(&None) {
            self.all_items(handler)
        } else {
            let asked = scope.iter().flatten();
            asked
                .filter_map(|item| self.items.get(&key(handler, item)))
                .map(|entry| entry.item.clone())
                .collect()
        };
        turn.push(Effect::CountConflicts(
            handler.clone(),
            items,
            scope.into_iter().collect(),
        ));
    }

    /// Returns every item of a handler, so that an instance of it can be made that knows also those
    /// nobody saved.
    #[must_use]
    pub fn all_items(&self, handler: &HandlerId) -> Vec<Item> {
        self.items_of(handler)
            .map(|(_, entry)| entry.item.clone())
            .collect()
    }

    /// Returns the items of a handler that are there: all but those its handler stopped listing.
    #[must_use]
    pub fn present_items(&self, handler: &HandlerId) -> Vec<Item> {
        self.items_of(handler)
            .filter(|(_, entry)| !entry.memory.is_gone)
            .map(|(_, entry)| entry.item.clone())
            .collect()
    }

    /// Says whether the handler of an item listed its items without it.
    #[must_use]
    pub fn is_gone(&self, key: &ItemKey) -> bool {
        self.items
            .get(key)
            .is_some_and(|entry| entry.memory.is_gone)
    }

    /// Returns what is to be counted: an item, or the handler with all its items.
    fn conflict_stores(&self, handler: &HandlerId, item: Option<&ItemId>) -> Scope {
        let has_one = self.keeps_conflicts(handler);
        let mut scope: Scope = self
            .items_of(handler)
            .filter(|(key, _)| item.is_none_or(|item| *item == key.item))
            .filter(|(_, entry)| {
                let capabilities = entry.memory.capabilities;
                has_one || capabilities.contains(ItemCapabilities::CONFLICT_STORE)
            })
            .map(|(key, _)| Some(key.item.clone()))
            .collect();
        if has_one && item.is_none() {
            scope.insert(None);
        }
        scope
    }

    /// The stores of a handler were counted. What could not be counted stays as it was.
    pub(super) fn conflicts_counted(
        &mut self,
        handler: &HandlerId,
        counts: Vec<(Option<ItemId>, Result<u64, Trouble>)>,
        turn: &mut Turn,
    ) {
        let known = self.conflicts.counts.entry(handler.clone()).or_default();
        let mut changed = BTreeSet::new();
        for (item, count) in counts {
            if let Ok(count) = count
                && known.insert(item.clone(), count) != Some(count)
            {
                changed.insert(item);
            }
        }
        let (tickets, next) = self.conflicts.reloads.done(handler);
        if let Some(scope) = next {
            self.push_count(handler, scope, turn);
        }
        for item in changed {
            if let Some(item) = &item {
                turn.touch(&key(handler, item));
            }
            turn.notify(Update::Conflicts(handler.clone(), item));
        }
        for ticket in tickets {
            turn.answer(ticket, Answer::Done);
        }
    }

    /// A session ended: what its handler reported of an item counts, and where that is not what was
    /// known, the store is counted. A session that did not say anything changes nothing (spec 155),
    /// but one that decided conflicts: some may be settled, and only the store knows.
    pub(super) fn settle_conflicts(&mut self, run: &Run, record: &SessionRecord, turn: &mut Turn) {
        if run.intent != Intent::Apply {
            return;
        }
        for result in &record.items {
            let is_said = run
                .parts
                .get(&result.item)
                .is_some_and(|part| part.is_summed);
            let key = key(&run.handler, &result.item);
            let decides = record.kind == WorkKind::Resolve;
            if !is_said {
                if decides {
                    self.recount(&run.handler, Some(&result.item), None, turn);
                }
                continue;
            }
            if !decides && result.status == Some(ProgressStatus::Canceled) {
                continue;
            }
            let n = result.summary.n_conflicts;
            if self.conflicts_of(&key) == n {
                continue;
            }
            if let Some(counts) = self.conflicts.counts.get_mut(&run.handler)
                && let Some(known) = counts.get_mut(&Some(result.item.clone()))
            {
                *known = n;
            }
            self.recount(&run.handler, Some(&result.item), None, turn);
            turn.notify(Update::Conflicts(
                run.handler.clone(),
                Some(result.item.clone()),
            ));
        }
    }

    /// Asks stores to remove conflicts (spec 158); all of one handler and item.
    pub(super) fn remove_conflicts(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        item: Option<&ItemId>,
        ids: Vec<ConflictId>,
        turn: &mut Turn,
    ) {
        let known = self.known_handler(handler).and_then(|()| match item {
            Some(item) => self.known_item(&key(handler, item)).map(drop),
            None => Ok(()),
        });
        if let Err(refusal) = known {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        self.next_operation += 1;
        let id = OperationId(self.next_operation);
        let removal = Removal {
            ticket,
            handler: handler.clone(),
            item: item.cloned(),
        };
        self.conflicts.removals.insert(id, removal);
        let items = self.all_items(handler);
        turn.push(Effect::RemoveConflicts(
            id,
            handler.clone(),
            items,
            item.cloned(),
            ids,
        ));
    }

    /// A store answered; what is left is counted, whatever it said.
    pub(super) fn conflicts_removed(
        &mut self,
        id: OperationId,
        result: Result<(), Trouble>,
        turn: &mut Turn,
    ) {
        let Some(removal) = self.conflicts.removals.remove(&id) else {
            return;
        };
        self.recount(&removal.handler, removal.item.as_ref(), None, turn);
        let answer = match result {
            Ok(()) => Answer::Done,
            Err(trouble) => Answer::Refused(Refusal {
                code: if trouble.code == Code::NotFound {
                    Hresult::InvalidArgument
                } else {
                    Hresult::Failed
                },
                trouble,
            }),
        };
        turn.answer(removal.ticket, answer);
    }
}
