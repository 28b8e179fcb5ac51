//! The items of a handler.

use std::path::PathBuf;
use std::sync::Arc;

use syncmgr_model::capability::{ItemCapabilities, ItemPolicies};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::item::Item;
use syncmgr_model::time::Timestamp;

use crate::{ConflictStore, EventStore, Operation, UiOperation};

/// The properties of an item (`ISyncMgrSyncItemInfo`); errors mean the same as with a handler.
pub trait ItemInfo {
    /// Returns the kind of item; an error means none.
    ///
    /// # Errors
    /// When it cannot be told.
    fn type_label(&self) -> Result<String, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns a summary shown while it does not run; an error means none.
    ///
    /// # Errors
    /// When it cannot be told.
    fn comment(&self) -> Result<String, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns the end of its last sync; an error leaves what was known.
    ///
    /// # Errors
    /// When it cannot be told.
    fn last_sync_time(&self) -> Result<Timestamp, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Says whether it is turned on. [`Hresult::NotImplemented`] leaves that to the center; any
    /// other error leaves what was known.
    ///
    /// # Errors
    /// As said.
    fn is_enabled(&self) -> Result<bool, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Says whether it can be reached; an error counts as yes.
    ///
    /// # Errors
    /// When it cannot be told.
    fn is_connected(&self) -> Result<bool, Hresult> {
        Err(Hresult::NotImplemented)
    }
}

/// An item (`ISyncMgrSyncItem`).
pub trait SyncItem: Send + Sync {
    /// Returns its id: unique within the handler, never changes, 1 to 63 characters. With an error
    /// the item is not shown and never synced (spec 30).
    ///
    /// # Errors
    /// When it has none.
    fn id(&self) -> Result<String, Hresult>;

    /// Returns what it is called, at most 127 characters; longer names are cut. With an error the
    /// item is not shown and never synced (spec 31).
    ///
    /// # Errors
    /// When it has none.
    fn name(&self) -> Result<String, Hresult>;

    /// Returns its properties; an error leaves all of them at their defaults (spec 32).
    ///
    /// # Errors
    /// As said.
    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns what it can do.
    ///
    /// # Errors
    /// Counts as nothing.
    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        Ok(ItemCapabilities::empty())
    }

    /// Returns what it forbids.
    ///
    /// # Errors
    /// Counts as nothing.
    fn policies(&self) -> Result<ItemPolicies, Hresult> {
        Ok(ItemPolicies::empty())
    }

    /// Returns the folders it works on, absolute. Items with overlapping folders never run at once.
    fn paths(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Returns the saved item it is, for a handler whose items people make.
    fn saved(&self) -> Option<&Item> {
        None
    }

    /// Is told that a person turned it on or off. [`Hresult::NotImplemented`] counts as done.
    ///
    /// # Errors
    /// When it refuses; the state then stays.
    fn enable(&self, _is_enabled: bool) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Takes the item out of what is synced; never touches its data. Asked only with
    /// [`ItemCapabilities::CAN_DELETE`]. [`Hresult::NotImplemented`] counts as done.
    ///
    /// # Errors
    /// When it refuses; the item then stays.
    fn delete(&self) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns the events it keeps itself; asked only with [`ItemCapabilities::EVENT_STORE`].
    fn event_store(&self) -> Option<&dyn EventStore> {
        None
    }

    /// Returns its conflicts and no others (spec 135); asked only with
    /// [`ItemCapabilities::CONFLICT_STORE`].
    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        None
    }

    /// Returns an icon, as an SVG or PNG image; asked only with
    /// [`ItemCapabilities::PROVIDES_ICON`].
    ///
    /// # Errors
    /// When it has none.
    fn icon(&self) -> Result<Vec<u8>, Hresult> {
        Err(Hresult::NotImplemented)
    }

    /// Returns something that is shown to a person; asked only with the capability of that
    /// operation.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when it does not offer it; [`Hresult::NotImplemented`] is
    /// understood alike (spec 38).
    fn operation(&self, _operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        Err(Hresult::InvalidArgument)
    }
}

/// Hands out items one at a time (`IEnumSyncMgrSyncItems`). A clone stands at the same place.
#[derive(Clone, Default)]
pub struct ItemEnumerator {
    items: Vec<Arc<dyn SyncItem>>,
    at: usize,
}

impl std::fmt::Debug for ItemEnumerator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemEnumerator")
            .field("n", &self.items.len())
            .field("at", &self.at)
            .finish()
    }
}

impl ItemEnumerator {
    /// Enumerates these items.
    #[must_use]
    pub fn new(items: Vec<Arc<dyn SyncItem>>) -> Self {
        Self { items, at: 0 }
    }

    /// Returns the next item, or `None` at the end.
    ///
    /// # Errors
    /// [`Hresult::InvalidArgument`] when more or fewer than one is asked for (spec 28).
    pub fn next(&mut self, n: u32) -> Result<Option<Arc<dyn SyncItem>>, Hresult> {
        if n != 1 {
            return Err(Hresult::InvalidArgument);
        }
        let item = self.items.get(self.at).cloned();
        self.at = (self.at + 1).min(self.items.len());
        Ok(item)
    }

    /// Skips items; returns whether there were that many.
    pub fn skip(&mut self, n: u32) -> bool {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let is_there = n <= self.items.len() - self.at;
        self.at = self.at.saturating_add(n).min(self.items.len());
        is_there
    }

    /// Begins again.
    pub fn reset(&mut self) {
        self.at = 0;
    }

    /// Returns how many items there are, wherever it stands (`GetSyncItemCount`).
    #[must_use]
    pub fn count(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Named(&'static str);

    impl SyncItem for Named {
        fn id(&self) -> Result<String, Hresult> {
            Ok(self.0.to_owned())
        }

        fn name(&self) -> Result<String, Hresult> {
            Ok(self.0.to_owned())
        }
    }

    fn next(items: &mut ItemEnumerator) -> Option<String> {
        let item = items.next(1).expect("one is asked for")?;
        item.id().ok()
    }

    /// spec 28: one at a time; skipping, beginning again and copying keep their place; the count is
    /// that of all, wherever it stands.
    #[test]
    fn enumerating() {
        let items = ["a", "b", "c"].map(|id| Arc::new(Named(id)) as Arc<dyn SyncItem>);
        let mut items = ItemEnumerator::new(items.to_vec());
        for n in [0, 2] {
            assert_eq!(items.next(n).err(), Some(Hresult::InvalidArgument));
        }
        assert_eq!(next(&mut items).as_deref(), Some("a"));
        let mut copy = items.clone();
        assert!(items.skip(1));
        assert_eq!(next(&mut items).as_deref(), Some("c"));
        assert_eq!(next(&mut copy).as_deref(), Some("b"));
        assert_eq!(next(&mut items), None);
        assert_eq!(next(&mut items), None);
        assert_eq!(items.count(), 3);
        assert!(!items.skip(1));
        items.reset();
        assert!(!items.skip(4));
        items.reset();
        assert_eq!(next(&mut items).as_deref(), Some("a"));
    }
}
