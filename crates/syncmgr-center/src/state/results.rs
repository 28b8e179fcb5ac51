//! Results: which of them count, and those that handlers keep themselves.
//!
//! The rules for the results that sessions report:
//!
//! - Errors count on their item, on its handler and on the whole; warnings do not (spec 125). One
//!   without an item counts on the handler alone (spec 123).
//! - When an item was synced again, the results of earlier syncs stop counting and are shown as past,
//!   and with any sync of the handler those about the handler itself (spec 126). A sync that a person
//!   stopped, or a decision on conflicts, has not looked at everything, so it ends nothing.
//! - They go on to be in history for as long as the store keeps them, 90 days, also after a restart
//!   (spec 127: an extension; the original forgets them). After a restart the errors of items still
//!   count; what belongs to the last session of an item is what is shown as of now.
//!
//! Results of a store of the handler's own are shown among them (spec 128). They count like the
//! others. When their item is synced again, the handler is asked to remove them (spec 129); what it
//! then still lists still counts.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::capability::{ControlFlags, HandlerCapabilities, ItemCapabilities};
use syncmgr_model::event::{Event, EventLevel};
use syncmgr_model::id::{EventId, HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::SessionRecord;
use syncmgr_model::request::{Intent, WorkKind};

use super::reload::{Reloads, Scope};
use super::run::Run;
use super::{State, Turn, key};
use crate::command::{self, Answer, Effect, ReadEvents, Refusal, Save, Ticket, Update};
use crate::port::EventQuery;

/// Most results taken from one store of a handler: one that lists more is flooding.
pub const STORE_EVENTS_MAX: usize = 1000;

/// What each store of a handler listed; under `None` that of the handler itself.
type Listed = BTreeMap<Option<ItemId>, Vec<Event>>;

/// What the center knows about results without asking its memory.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// Errors that count, by handler, with their item; those since the center started.
    errors: BTreeMap<HandlerId, BTreeMap<EventId, Option<ItemId>>>,
    /// The sync from which on results are of now; under `None` for those about the handler.
    since: BTreeMap<(HandlerId, Option<ItemId>), SessionId>,
    /// Results that handlers keep themselves.
    listed: BTreeMap<HandlerId, Listed>,
    /// Of those, what a person has seen.
    seen: BTreeSet<(HandlerId, EventId)>,
    reloads: Reloads,
}

/// A result as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultView {
    /// The result.
    pub event: Event,
    /// It is of now: nothing was synced since that would tell otherwise.
    pub is_current: bool,
    /// Its handler keeps it.
    pub is_own: bool,
}

impl State {
    /// Takes over the results of a session that ended: they count now, and what they replace does
    /// not.
    pub(super) fn settle_events(&mut self, run: &Run, record: &SessionRecord, turn: &mut Turn) {
        let is_sync = record.kind == WorkKind::Sync;
        let mut is_whole = is_sync;
        // What other sessions took over is said by them.
        let own = record
            .items
            .iter()
            .filter(|result| run.parts.contains_key(&result.item));
        for result in own {
            let is_over = is_sync && result.status.is_some_and(|s| s != ProgressStatus::Canceled);
            is_whole &= is_over;
            if is_over {
                self.make_past(run, Some(&result.item));
            }
        }
        if is_whole {
            self.make_past(run, None);
        }
        for event in &run.events {
            self.count_error(event, turn);
        }
        for result in &record.items {
            turn.touch(&key(&run.handler, &result.item));
        }
    }

    /// Ends what was said before about an item, or about the handler.
    fn make_past(&mut self, run: &Run, item: Option<&ItemId>) {
        if let Some(errors) = self.results.errors.get_mut(&run.handler) {
            errors.retain(|_, about| about.as_ref() != item);
        }
        let whose = (run.handler.clone(), item.cloned());
        self.results.since.insert(whose, run.id.clone());
        let entry = item.and_then(|item| self.items.get_mut(&key(&run.handler, item)));
        if let Some(entry) = entry {
            entry.memory.n_errors = 0;
        }
    }

    /// Counts a result, if it is an error (spec 125).
    pub(super) fn count_error(&mut self, event: &Event, turn: &mut Turn) {
        if event.trouble.level != EventLevel::Error {
            return;
        }
        let errors = self
            .results
            .errors
            .entry(event.handler.clone())
            .or_default();
        if errors.insert(event.id, event.item.clone()).is_some() {
            return;
        }
        let Some(item) = &event.item else {
            return;
        };
        let key = key(&event.handler, item);
        if let Some(entry) = self.items.get_mut(&key) {
            entry.memory.n_errors = entry.memory.n_errors.saturating_add(1);
            turn.save(Save::Memory(Box::new(entry.memory.clone())));
            turn.touch(&key);
        }
    }

    /// A sync begins: its handler is asked to remove what it keeps about the items and about itself
    /// (spec 129), before it works, so that what it adds while it works stays.
    pub(super) fn ask_to_remove_events(&mut self, id: &SessionId, turn: &mut Turn) {
        let Some(run) = self.runs.get(id) else {
            return;
        };
        if run.intent != Intent::Apply || run.work.kind() != WorkKind::Sync {
            return;
        }
        let handler = run.handler.clone();
        let old: Vec<_> = self
            .listed_events(&handler)
            .filter(|event| {
                event
                    .item
                    .as_ref()
                    .is_none_or(|item| run.order.contains(item))
            })
            .map(|event| event.id)
            .collect();
        if !old.is_empty() {
            self.remove_listed(&handler, old, turn);
        }
    }

    fn remove_listed(&mut self, handler: &HandlerId, ids: Vec<EventId>, turn: &mut Turn) {
        turn.push(Effect::RemoveEvents(handler.clone(), ids));
        // What it does not remove stays.
        self.reload_events(handler, None, None, turn);
    }

    /// Removes results (spec 131): those of the center for good; for those of a store of its own the
    /// handler is asked.
    pub(super) fn remove_events(
        &mut self,
        handler: &HandlerId,
        ids: Vec<EventId>,
        turn: &mut Turn,
    ) -> Result<(), Refusal> {
        self.known_handler(handler)?;
        let (own, kept): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| id.in_store().is_some());
        if !kept.is_empty() {
            for id in &kept {
                self.uncount(handler, *id, turn);
            }
            // Those of a session that goes on are not told at its end either.
            for run in self.runs.values_mut() {
                run.events.retain(|event| !kept.contains(&event.id));
            }
            turn.save(Save::EventsGone(kept));
        }
        if !own.is_empty() {
            self.remove_listed(handler, own, turn);
        }
        turn.notify(Update::Events(handler.clone()));
        Ok(())
    }

    fn uncount(&mut self, handler: &HandlerId, id: EventId, turn: &mut Turn) {
        let errors = self.results.errors.get_mut(handler);
        let Some(Some(item)) = errors.and_then(|errors| errors.remove(&id)) else {
            return;
        };
        let key = key(handler, &item);
        if let Some(entry) = self.items.get_mut(&key) {
            entry.memory.n_errors = entry.memory.n_errors.saturating_sub(1);
            turn.save(Save::Memory(Box::new(entry.memory.clone())));
            turn.touch(&key);
        }
    }

    /// A person saw the results of these items, and with them those about their handlers.
    pub(super) fn see_events(&mut self, items: &[ItemKey]) {
        for key in items {
            if let Some(errors) = self.results.errors.get_mut(&key.handler) {
                errors.retain(|_, item| item.as_ref().is_some_and(|item| *item != key.item));
            }
            let seen: Vec<_> = self
                .listed_events(&key.handler)
                .filter(|event| event.item.as_ref().is_none_or(|item| *item == key.item))
                .map(|event| (key.handler.clone(), event.id))
                .collect();
            self.results.seen.extend(seen);
        }
    }

    /// Takes `UpdateEvents` (spec 130): what the handler, or one item of it, keeps is read anew.
    pub(super) fn update_events(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        item: Option<&ItemId>,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        let waits = flags.contains(ControlFlags::WAIT);
        let waiting = waits.then_some(ticket);
        let is_read = self.reload_events(handler, item, waiting, turn);
        if !is_read {
            turn.notify(Update::Events(handler.clone()));
        }
        if !waits || !is_read {
            turn.answer(ticket, Answer::Done);
        }
    }

    /// Has the stores of a handler read; returns whether there are any to read.
    pub(super) fn reload_events(
        &mut self,
        handler: &HandlerId,
        item: Option<&ItemId>,
        ticket: Option<Ticket>,
        turn: &mut Turn,
    ) -> bool {
        let scope = self.event_stores(handler, item);
        if scope.is_empty() {
            return false;
        }
        if let Some(scope) = self.results.reloads.ask(handler, scope, ticket) {
            turn.push(Effect::LoadEvents(
                handler.clone(),
                scope.into_iter().collect(),
            ));
        }
        true
    }

    /// Returns the stores that hold the results of a handler or item: an item without one of its own
    /// has its results in that of the handler.
    fn event_stores(&self, handler: &HandlerId, item: Option<&ItemId>) -> Scope {
        let has_one = self.handlers.get(handler).is_some_and(|entry| {
            let capabilities = entry.memory.capabilities;
            capabilities.contains(HandlerCapabilities::EVENT_STORE)
        });
        let mut scope: Scope = self
            .items_of(handler)
            .filter(|(key, _)| item.is_none_or(|item| *item == key.item))
            .filter(|(_, entry)| {
                let capabilities = entry.memory.capabilities;
                capabilities.contains(ItemCapabilities::EVENT_STORE)
            })
            .map(|(key, _)| Some(key.item.clone()))
            .collect();
        if has_one && (item.is_none() || scope.is_empty()) {
            scope.insert(None);
        }
        scope
    }

    /// The stores of a handler were read. What could not be read stays as it was.
    pub(super) fn events_loaded(&mut self, handler: &HandlerId, read: ReadEvents, turn: &mut Turn) {
        let listed = self.results.listed.entry(handler.clone()).or_default();
        for (store, events) in read {
            if let Ok(mut events) = events {
                events.retain(|event| {
                    let is_its = store.is_none() || event.item == store;
                    is_its && event.handler == *handler && event.id.in_store().is_some()
                });
                events.truncate(STORE_EVENTS_MAX);
                listed.insert(store, events);
            }
        }
        let there: BTreeSet<_> = self.listed_events(handler).map(|event| event.id).collect();
        let is_there = |id: &EventId| there.contains(id);
        self.results
            .seen
            .retain(|(whose, id)| whose != handler || is_there(id));
        let (tickets, next) = self.results.reloads.done(handler);
        if let Some(scope) = next {
            turn.push(Effect::LoadEvents(
                handler.clone(),
                scope.into_iter().collect(),
            ));
        }
        turn.notify(Update::Events(handler.clone()));
        let keys: Vec<_> = self.items_of(handler).map(|(key, _)| key.clone()).collect();
        for key in keys {
            turn.touch(&key);
        }
        for ticket in tickets {
            turn.answer(ticket, command::Answer::Done);
        }
    }

    /// Iterates over the results that a handler and its items keep themselves, each once: the same
    /// one may be in the store of the handler and in that of its item.
    pub fn listed_events<'a>(&'a self, handler: &HandlerId) -> impl Iterator<Item = &'a Event> {
        let listed = self.results.listed.get(handler);
        let mut known = BTreeSet::new();
        listed
            .into_iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .filter(move |event| known.insert(event.id))
    }

    /// Returns one result that a handler keeps itself, under the id the center gives it.
    #[must_use]
    pub fn listed_event(&self, handler: &HandlerId, id: EventId) -> Option<&Event> {
        self.listed_events(handler).find(|event| event.id == id)
    }

    /// Returns how many errors count on an item, or with `None` on the handler with all its items
    /// (spec 125).
    #[must_use]
    pub fn n_errors(&self, handler: &HandlerId, item: Option<&ItemId>) -> u64 {
        let is_about = |about: Option<&ItemId>| item.is_none() || about == item;
        // One item is looked up and not looked for: this is asked for every item of a list.
        let of_items = match item {
            Some(item) => self.n_unseen(&ItemKey {
                handler: handler.clone(),
                item: item.clone(),
            }),
            None => self.items_of(handler).fold(0u64, |sum, (_, entry)| {
                sum.saturating_add(entry.memory.n_errors)
            }),
        };
        let of_handler = match item {
            Some(_) => 0,
            None => {
                let errors = self.results.errors.get(handler);
                let about_it = errors.into_iter().flat_map(BTreeMap::values);
                about_it.filter(|item| item.is_none()).count() as u64
            }
        };
        let listed = self.listed_events(handler).filter(|event| {
            event.trouble.level == EventLevel::Error
                && is_about(event.item.as_ref())
                && !self.results.seen.contains(&(handler.clone(), event.id))
        });
        of_items
            .saturating_add(of_handler)
            .saturating_add(listed.count() as u64)
    }

    /// Returns how many errors count on the whole, as the icon of the desktop shows (spec 125).
    #[must_use]
    pub fn n_errors_everywhere(&self) -> u64 {
        let of_handlers = self.handlers.keys().map(|id| self.n_errors(id, None));
        of_handlers.fold(0, u64::saturating_add)
    }

    /// Says whether a result is of now: no later sync of what it is about has ended (spec 126).
    #[must_use]
    pub fn is_current(&self, event: &Event) -> bool {
        if event.id.in_store().is_some() {
            return true;
        }
        let whose = (event.handler.clone(), event.item.clone());
        let since = match self.results.since.get(&whose) {
            Some(since) => Some(since.clone()),
            None => self.last_session_of(&event.handler, event.item.as_ref()),
        };
        let at = match &event.session {
            Some(session) => session.clone(),
            None => SessionId::at(event.at, 0),
        };
        since.is_none_or(|since| at >= since)
    }

    fn last_session_of(&self, handler: &HandlerId, item: Option<&ItemId>) -> Option<SessionId> {
        self.items_of(handler)
            .filter(|(key, _)| item.is_none_or(|item| *item == key.item))
            .filter_map(|(_, entry)| entry.memory.last_session.as_ref())
            .max()
            .cloned()
    }

    /// Merges what handlers keep themselves into a page of the memory, newest first (spec 128, 189).
    /// They come with the first page, however many they are; the limit is for the memory.
    #[must_use]
    pub fn results(&self, query: &EventQuery, page: Vec<Event>) -> Vec<ResultView> {
        let listed = self
            .results
            .listed
            .keys()
            .filter(|handler| {
                query.before.is_none() && query.session.is_none() && fits(&query.handler, handler)
            })
            .flat_map(|handler| self.listed_events(handler))
            .filter(|event| query.fits(event))
            .cloned();
        let mut views: Vec<_> = page
            .into_iter()
            .chain(listed)
            .map(|event| ResultView {
                is_current: self.is_current(&event),
                is_own: event.id.in_store().is_some(),
                event,
            })
            .collect();
        views.sort_by_key(|view| std::cmp::Reverse((view.event.at, view.event.id)));
        views
    }
}

fn fits(wanted: &Option<HandlerId>, handler: &HandlerId) -> bool {
    wanted.as_ref().is_none_or(|wanted| wanted == handler)
}
