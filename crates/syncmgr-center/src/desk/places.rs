//! Who is asked for conflicts, with all that is needed to ask.

use std::collections::BTreeMap;

use syncmgr_model::id::{HandlerId, ItemKey};
use syncmgr_model::item::Item;

use crate::port::{Store, StoreError};
use crate::state::State;

/// The handlers that are asked for conflicts, each with all its items, also those nobody saved.
pub type Places = BTreeMap<HandlerId, Vec<Item>>;

/// Returns who is asked: the handlers that are set up. Of an item that was synced without being
/// saved the center may know no more than its id; history has its settings.
///
/// # Errors
/// When history cannot be read.
pub fn places(state: &State, store: &mut dyn Store) -> Result<Places, StoreError> {
    let is_there = |id: &&HandlerId| {
        let view = state.handler(id);
        view.is_some_and(|view| view.is_listed && view.memory.is_active)
    };
    let ids = state.handler_ids().filter(is_there);
    let mut places: Places = ids
        .map(|id| (id.clone(), state.present_items(id)))
        .collect();
    // Of ten thousand, each is looked up and not looked for.
    let mut at: BTreeMap<ItemKey, usize> = BTreeMap::new();
    for (handler, items) in &places {
        for (index, item) in items.iter().enumerate() {
            let key = ItemKey {
                handler: handler.clone(),
                item: item.id.clone(),
            };
            at.insert(key, index);
        }
    }
    for known in store.items()? {
        let key = ItemKey {
            handler: known.handler.clone(),
            item: known.id.clone(),
        };
        let Some(items) = places.get_mut(&key.handler) else {
            continue;
        };
        match at.get(&key).and_then(|&index| items.get_mut(index)) {
            Some(item) if item.settings.0.is_empty() => item.settings = known.settings,
            Some(_) => {}
            // What its handler stopped listing has no conflicts that anybody could decide.
            None if state.is_gone(&key) => {}
            None => items.push(Item {
                name: None,
                ..known
            }),
        }
    }
    Ok(places)
}
