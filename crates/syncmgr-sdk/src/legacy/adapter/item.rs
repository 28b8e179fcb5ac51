//! An item of the older family, as an item of today.

use std::sync::Arc;

use syncmgr_model::capability::ItemCapabilities;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::time::Timestamp;

use super::Shared;
use super::board::harmless;
use super::handler::hresult;
use super::operation::Properties;
use crate::legacy::LegacyItem;
use crate::{ItemInfo, Operation, SyncItem, UiOperation};

/// One item as it was listed. Whether it is enabled is its check mark, which this side keeps: the
/// center would not know what the handler proposes, and would forget it with items that an
/// incomplete list leaves out.
pub(super) struct AdaptedItem {
    shared: Arc<Shared>,
    item: LegacyItem,
}

impl AdaptedItem {
    pub(super) fn new(shared: Arc<Shared>, item: LegacyItem) -> Self {
        Self { shared, item }
    }
}

impl ItemInfo for AdaptedItem {
    fn last_sync_time(&self) -> Result<Timestamp, Hresult> {
        let known = self
            .item
            .last_update
            .filter(|_| self.item.flags.has_update_time);
        known.ok_or(Hresult::NotImplemented)
    }

    fn is_enabled(&self) -> Result<bool, Hresult> {
        self.shared
            .with_choices(|choices| choices.is_checked(&self.item))
            .map_err(|failure| hresult(&failure))
    }
}

impl SyncItem for AdaptedItem {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(harmless(&self.item.name))
    }

    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        let mut capabilities = ItemCapabilities::empty();
        let has_properties = self.item.flags.has_properties;
        capabilities.set(ItemCapabilities::CAN_BROWSE_CONTENT, has_properties);
        Ok(capabilities)
    }

    fn enable(&self, is_enabled: bool) -> Result<(), Hresult> {
        self.shared
            .change_choices(|choices| {
                choices.choose(self.item.id, is_enabled);
                true
            })
            .map_err(|_| Hresult::Failed)
    }

    fn operation(&self, operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        if *operation != Operation::Browse || !self.item.flags.has_properties {
            return Err(Hresult::InvalidArgument);
        }
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(Properties::new(shared, Some(self.item.id))))
    }
}
