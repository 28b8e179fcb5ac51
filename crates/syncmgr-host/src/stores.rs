//! Reads the stores that handlers keep themselves: results and conflicts.
//!
//! Handlers name their results by ids of their own; the center gets them under other ones
//! ([`EventId::of_store`]), so that they never meet those of its own results.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use syncmgr_center::port::Removed;
use syncmgr_model::conflict::{Address, Card, ConflictId};
use syncmgr_model::event::Event;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::request::Work;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{ConflictFilter, ConflictStore, ConflictView, EventStore, Handler};

use crate::in_process::{InProcess, Inner, silent};
use crate::seen::state_of;

/// What each store that was read has to say.
pub(crate) type Read<T, E> = Vec<(Option<ItemId>, Result<T, E>)>;

/// Reads stores of events; one that cannot be read, or breaks down, does not hide the others.
pub(crate) fn events(
    id: &HandlerId,
    handler: &dyn Handler,
    stores: &[Option<ItemId>],
) -> Read<Vec<Event>, Hresult> {
    let read = |store: &Option<ItemId>| {
        let events = guarded(|| {
            let events = with_events(handler, store.as_ref(), |store| store.events())?;
            Ok(events
                .into_iter()
                .filter_map(|event| named(id, event))
                .collect())
        });
        (store.clone(), events)
    };
    stores.iter().map(read).collect()
}

/// Asks the stores of a handler to remove events; each event goes to the store that knows it.
///
/// # Errors
/// When a store refuses.
pub(crate) fn remove_events(handler: &dyn Handler, ids: &[EventId]) -> Result<(), Hresult> {
    let ids: Vec<_> = ids.iter().filter_map(|id| id.in_store()).collect();
    if let Some(store) = handler.event_store() {
        return store.remove(&ids);
    }
    let mut items = handler.items()?;
    while let Some(item) = items.next(1)? {
        let Some(store) = item.event_store() else {
            continue;
        };
        let its: Vec<_> = ids
            .iter()
            .copied()
            .filter(|id| store.event(*id).is_ok())
            .collect();
        if !its.is_empty() {
            store.remove(&its)?;
        }
    }
    Ok(())
}

impl Inner {
    /// Counts conflicts; those of the handler itself are what no item has.
    pub(crate) fn counts(
        &self,
        handler: &HandlerId,
        items: &[Item],
        scope: &[Option<ItemId>],
    ) -> Read<u64, Trouble> {
        let count = |item: Option<&ItemId>| {
            guarded_trouble(handler, || {
                let instance = self.create_with(handler, items)?;
                with_conflicts(handler, &*instance, item, |store| {
                    store.count(&filter(handler, item))
                })
            })
        };
        let own = || {
            let all = count(None)?;
            let mut of_items = 0_u64;
            for item in items {
                of_items = of_items.saturating_add(count(Some(&item.id))?);
            }
            Ok(all.saturating_sub(of_items))
        };
        scope
            .iter()
            .map(|item| match item {
                Some(id) => (item.clone(), count(Some(id))),
                None => (None, own()),
            })
            .collect()
    }

    /// Checks that conflicts are what they were when they were decided on. A run may have waited for
    /// others, and one of these may have found something else in the meantime, which the handler
    /// then takes for what was decided on.
    ///
    /// # Errors
    /// `state-changed` with the first one that is not, or why they cannot be listed.
    pub(crate) fn are_as_seen(
        &self,
        handler: &HandlerId,
        items: &[Item],
        work: &Work,
    ) -> Result<(), Trouble> {
        let Work::Resolve(choices) = work else {
            return Ok(());
        };
        let seen: BTreeMap<&[u8], &str> = choices
            .iter()
            .filter_map(|it| Some((it.conflict.as_bytes(), it.seen.as_deref()?)))
            .collect();
        if seen.is_empty() {
            return Ok(());
        }
        for item in items {
            let folders = self.look(item).paths;
            guarded_trouble(handler, || {
                let instance = self.create_with(handler, items)?;
                let its = Some(&item.id);
                let views = with_conflicts(handler, &*instance, its, |store| {
                    store.enumerate(&filter(handler, its))
                })?;
                views.iter().try_for_each(|view| {
                    match seen.get(view.id().id.as_slice()) {
                        Some(seen) if *seen != state_of(&view.contents()?, &folders) => {
                            let name = view.card(handler).name;
                            Err(Trouble::new(Code::StateChanged).with("path", name))
                        }
                        // One that is gone is for the handler to say.
                        Some(_) | None => Ok(()),
                    }
                })
            })?;
        }
        Ok(())
    }

    /// Asks a store to remove conflicts.
    pub(crate) fn remove_conflicts(&self, which: &Removed) -> Result<(), Trouble> {
        let Removed {
            handler,
            items,
            item,
            ids,
        } = which;
        guarded_trouble(handler, || {
            let instance = self.create_with(handler, items)?;
            with_conflicts(handler, &*instance, item.as_ref(), |store| {
                store.remove(ids)
            })
        })
    }

    fn create_with(
        &self,
        handler: &HandlerId,
        items: &[Item],
    ) -> Result<Box<dyn Handler>, Trouble> {
        self.find(handler)
            .ok_or_else(|| Trouble::new(Code::HandlerUnknown).with("handler", handler))?
            .create(items)
            .map_err(|error| silent(handler, &error.to_string()))
    }
}

/// The conflicts of several handlers in one list, and who could not be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// What is in conflict, by address.
    pub cards: Vec<Card>,
    /// Whose conflicts are not known, and why.
    pub silent: Vec<Silent>,
}

/// Whose conflicts are not known, and why.
pub type Silent = (HandlerId, Option<ItemId>, Trouble);

impl InProcess {
    /// Lists the conflicts of these handlers, each with all its items, as one list (spec 135, 161).
    /// A place that cannot be asked is named, and hides nobody else's conflicts.
    #[must_use]
    pub fn list_conflicts(&self, handlers: &[(HandlerId, Vec<Item>)]) -> Listing {
        let mut listing = Listing::default();
        for (handler, items) in handlers {
            let (views, silent) = self.conflicts_or_silent(handler, items);
            let cards = views.iter().map(|view| view.card(handler));
            listing.cards.extend(cards);
            listing.silent.extend(silent);
        }
        listing.cards.sort_by(|a, b| a.address.cmp(&b.address));
        listing
    }

    /// Returns the conflicts of a handler with all its items, and which of these could not be asked.
    #[must_use]
    pub fn conflicts_or_silent(
        &self,
        handler: &HandlerId,
        items: &[Item],
    ) -> (Vec<Arc<dyn ConflictView>>, Vec<Silent>) {
        match self.conflicts(handler, items, None) {
            Ok(views) => (views, Vec::new()),
            Err(trouble) if items.is_empty() => {
                (Vec::new(), vec![(handler.clone(), None, trouble)])
            }
            Err(_) => self.ask_each(handler, items),
        }
    }

    /// Asks item by item, because the whole could not be listed.
    fn ask_each(
        &self,
        handler: &HandlerId,
        items: &[Item],
    ) -> (Vec<Arc<dyn ConflictView>>, Vec<Silent>) {
        let (mut found, mut silent) = (Vec::new(), Vec::new());
        let instance = guarded_trouble(handler, || self.inner().create_with(handler, items));
        let instance = match instance {
            Ok(instance) => instance,
            Err(trouble) => return (found, vec![(handler.clone(), None, trouble)]),
        };
        for item in items {
            let id = Some(&item.id);
            let asked = guarded_trouble(handler, || {
                with_conflicts(handler, &*instance, id, |store| {
                    store.enumerate(&filter(handler, id))
                })
            });
            match asked {
                Ok(views) => found.extend(views),
                Err(trouble) => silent.push((handler.clone(), Some(item.id.clone()), trouble)),
            }
        }
        (found, silent)
    }

    /// Returns the conflicts of an item, or with `None` of the handler and all its items (spec 135).
    ///
    /// # Errors
    /// `handler-unknown`, `handler-silent`, `not-possible` when it keeps none, or why they cannot be
    /// listed.
    pub fn conflicts(
        &self,
        handler: &HandlerId,
        items: &[Item],
        item: Option<&ItemId>,
    ) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        guarded_trouble(handler, || {
            let instance = self.inner().create_with(handler, items)?;
            with_conflicts(handler, &*instance, item, |store| {
                store.enumerate(&filter(handler, item))
            })
        })
    }

    /// Finds a conflict again by its address (spec 138, 161). `items` are all items of its handler;
    /// `extra` is what its card said, if that is at hand.
    ///
    /// # Errors
    /// `not-found`, or as [`Self::conflicts`].
    pub fn bind_conflict(
        &self,
        address: &Address,
        extra: Option<Vec<u8>>,
        items: &[Item],
    ) -> Result<Arc<dyn ConflictView>, Trouble> {
        let id = ConflictId {
            id: address.id.clone(),
            extra,
        };
        guarded_trouble(&address.handler, || {
            let instance = self.inner().create_with(&address.handler, items)?;
            let item = address.item.as_ref();
            with_conflicts(&address.handler, &*instance, item, |store| store.bind(&id))
        })
    }
}

fn filter(handler: &HandlerId, item: Option<&ItemId>) -> ConflictFilter {
    ConflictFilter {
        handler: Some(handler.clone()),
        item: item.cloned(),
    }
}

/// Gives an event the id the center knows it by; `None` for one that is not this handler's.
fn named(handler: &HandlerId, mut event: Event) -> Option<Event> {
    event.id = event.id.of_store()?;
    event.session = None;
    (event.handler == *handler).then_some(event)
}

/// Uses the store of an item, or of the handler.
fn with_events<T>(
    handler: &dyn Handler,
    item: Option<&ItemId>,
    ask: impl FnOnce(&dyn EventStore) -> Result<T, Hresult>,
) -> Result<T, Hresult> {
    let Some(item) = item else {
        return ask(handler.event_store().ok_or(Hresult::NotImplemented)?);
    };
    let item = handler.item(item)?;
    ask(item.event_store().ok_or(Hresult::NotImplemented)?)
}

/// Uses the store that holds the conflicts of an item: its own, or else that of the handler.
fn with_conflicts<T>(
    id: &HandlerId,
    handler: &dyn Handler,
    item: Option<&ItemId>,
    ask: impl FnOnce(&dyn ConflictStore) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let of_item = item.and_then(|item| handler.item(item).ok());
    if let Some(store) = of_item.as_ref().and_then(|item| item.conflicts()) {
        return ask(store);
    }
    match handler.conflicts() {
        Some(store) => ask(store),
        None => Err(Trouble::new(Code::NotPossible)
            .with("detail", format!("the handler {id} keeps no conflicts"))),
    }
}

/// Turns a panic of a handler into its failure: nothing of it is used afterwards.
fn guarded<T>(ask: impl FnOnce() -> Result<T, Hresult>) -> Result<T, Hresult> {
    catch_unwind(AssertUnwindSafe(ask)).unwrap_or(Err(Hresult::Failed))
}

/// The same, with a message.
pub(crate) fn guarded_trouble<T>(
    handler: &HandlerId,
    ask: impl FnOnce() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(ask))
        .unwrap_or_else(|_| Err(silent(handler, "it broke down while it was asked")))
}
