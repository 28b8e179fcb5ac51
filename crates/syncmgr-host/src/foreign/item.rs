//! An item of a handler in a process of its own.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use syncmgr_model::capability::{ItemCapabilities, ItemPolicies};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::item::Item;
use syncmgr_model::time::Timestamp;
use syncmgr_protocol::life::Capabilities;
use syncmgr_sdk::{ConflictStore, EventStore, ItemInfo, Operation, SyncItem, UiOperation};

use super::operation::Shown;
use super::program::Program;
use super::store::Store;
use super::wire::Described;

/// See the module.
pub(super) struct ProxyItem {
    program: Arc<Program>,
    item: Described,
    saved: Option<Item>,
    store: Store,
}

impl ProxyItem {
    pub(super) fn new(program: Arc<Program>, item: Described, saved: Option<Item>) -> Self {
        Self {
            store: Store::new(Arc::clone(&program), Some(item.id.clone())),
            program,
            item,
            saved,
        }
    }

    fn tell(
        &self,
        is_offered: impl FnOnce(&Capabilities) -> bool,
        method: &str,
        params: Value,
    ) -> Result<(), Hresult> {
        let running = self.program.running(&[]).map_err(|_| Hresult::Failed)?;
        if !is_offered(&running.hello.offers) {
            return Err(Hresult::NotImplemented);
        }
        let answer = self.program.ask(method, params);
        answer.map(drop).map_err(|error| error.hresult())
    }
}

impl SyncItem for ProxyItem {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(self.item.name.clone())
    }

    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        Ok(self.item.capabilities)
    }

    fn policies(&self) -> Result<ItemPolicies, Hresult> {
        Ok(self.item.policies)
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.item.paths.clone()
    }

    fn saved(&self) -> Option<&Item> {
        self.saved.as_ref()
    }

    fn enable(&self, is_enabled: bool) -> Result<(), Hresult> {
        let params = json!({"id": self.item.id.as_str(), "is_enabled": is_enabled});
        self.tell(|offers| offers.enable, "items/enable", params)
    }

    fn delete(&self) -> Result<(), Hresult> {
        let params = json!({"id": self.item.id.as_str()});
        self.tell(|offers| offers.delete, "items/delete", params)
    }

    fn event_store(&self) -> Option<&dyn EventStore> {
        let has = self
            .item
            .capabilities
            .contains(ItemCapabilities::EVENT_STORE);
        has.then_some(&self.store as _)
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        let has = self
            .item
            .capabilities
            .contains(ItemCapabilities::CONFLICT_STORE);
        has.then_some(&self.store as _)
    }

    fn operation(&self, operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        let shown = Shown::begin(&self.program, Some(&self.item.id), operation)?;
        Ok(Box::new(shown))
    }
}

impl ItemInfo for ProxyItem {
    fn type_label(&self) -> Result<String, Hresult> {
        self.item.type_label.clone().ok_or(Hresult::NotImplemented)
    }

    fn comment(&self) -> Result<String, Hresult> {
        self.item.comment.clone().ok_or(Hresult::NotImplemented)
    }

    fn last_sync_time(&self) -> Result<Timestamp, Hresult> {
        self.item.last_sync.ok_or(Hresult::NotImplemented)
    }

    fn is_enabled(&self) -> Result<bool, Hresult> {
        self.item.is_enabled.ok_or(Hresult::NotImplemented)
    }

    fn is_connected(&self) -> Result<bool, Hresult> {
        self.item.is_connected.ok_or(Hresult::NotImplemented)
    }
}
