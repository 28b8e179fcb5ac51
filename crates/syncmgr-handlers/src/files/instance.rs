//! The handler as the contract knows it: what makes instances, an instance, and its items.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use syncmgr_model::capability::{HandlerCapabilities, HandlerType, ItemCapabilities};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{Item, SettingSpec};
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::{
    ConflictStore, Explain, Handler, HandlerFactory, HandlerInfo, ItemEnumerator, ItemInfo,
    Journal, SessionCreator, SyncItem, SyncRequest, VersionStore,
};

use super::conflict::PairConflicts;
use super::{FilesHandler, SPECS, session};

/// What the handler is called.
const NAME: &str = "Two folders";

/// Fewest items that are worth sharing: single ones are asked about in between, and must not take
/// the place of all.
const SHARED_MIN: usize = 16;

/// Makes instances of the handler `files`.
#[derive(Debug)]
pub struct FilesFactory {
    files: Arc<FilesHandler>,
    /// What the last instance was made with: every run makes one, nearly always with the same, and
    /// a copy of all syncs for each costs more than a run that finds nothing to do.
    saved: Mutex<Arc<[Item]>>,
}

impl FilesFactory {
    /// Makes instances that share this one.
    #[must_use]
    pub fn new(files: Arc<FilesHandler>) -> Self {
        let saved = Mutex::new(Arc::from(Vec::new()));
        Self { files, saved }
    }
}

impl FilesFactory {
    /// Returns these items, shared with the instances that were made with the same.
    fn share(&self, saved: &[Item]) -> Arc<[Item]> {
        if saved.len() < SHARED_MIN {
            return Arc::from(saved);
        }
        let mut last = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        if **last != *saved {
            *last = Arc::from(saved);
        }
        Arc::clone(&last)
    }
}

impl HandlerFactory for FilesFactory {
    fn id(&self) -> &HandlerId {
        &self.files.id
    }

    fn can_undo(&self) -> bool {
        true
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SPECS
    }

    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        let saved = self.share(saved);
        Ok(Box::new(Instance {
            files: Arc::clone(&self.files),
            conflicts: PairConflicts::new(Arc::clone(&self.files), Arc::clone(&saved)),
            saved,
        }))
    }
}

/// An instance: for one sync, or for questions.
struct Instance {
    files: Arc<FilesHandler>,
    saved: Arc<[Item]>,
    conflicts: PairConflicts,
}

impl Instance {
    fn pair(&self, item: &Item) -> Arc<dyn SyncItem> {
        let folders = self
            .files
            .chosen(item)
            .map(|chosen| vec![chosen.left, chosen.right]);
        Arc::new(PairItem {
            item: item.clone(),
            conflicts: PairConflicts::new(Arc::clone(&self.files), Arc::from([item.clone()])),
            folders: folders.unwrap_or_default(),
        })
    }
}

impl HandlerInfo for Instance {
    fn kind(&self) -> Result<HandlerType, Hresult> {
        Ok(HandlerType::Folder)
    }

    /// It is part of the program, so there is nothing to set up.
    fn is_active(&self) -> Result<bool, Hresult> {
        Ok(true)
    }
}

impl Handler for Instance {
    fn name(&self) -> Result<String, Hresult> {
        Ok(NAME.to_owned())
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        Ok(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS | HandlerCapabilities::CONFLICT_STORE)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let items = self.saved.iter().map(|item| self.pair(item)).collect();
        Ok(ItemEnumerator::new(items))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let item = self.saved.iter().find(|item| item.id == *id);
        item.map(|item| self.pair(item))
            .ok_or(Hresult::InvalidArgument)
    }

    fn check(&self, item: &Item) -> Result<(), Trouble> {
        self.files.chosen(item).map(drop)
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        session::run(&self.files, request, creator)
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        Some(&self.conflicts)
    }

    fn versions(&self) -> Option<&dyn VersionStore> {
        Some(&*self.files)
    }

    fn journal(&self) -> Option<&dyn Journal> {
        Some(&*self.files)
    }

    fn explain(&self) -> Option<&dyn Explain> {
        Some(&*self.files)
    }
}

/// A saved pair of folders.
struct PairItem {
    item: Item,
    conflicts: PairConflicts,
    folders: Vec<PathBuf>,
}

/// Whether it is turned on stands in the settings, which the center knows itself.
impl ItemInfo for PairItem {}

impl SyncItem for PairItem {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.id.to_string())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(self.item.label().to_owned())
    }

    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        Ok(ItemCapabilities::CONFLICT_STORE | ItemCapabilities::CAN_DELETE)
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.folders.clone()
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        Some(&self.conflicts)
    }

    fn saved(&self) -> Option<&Item> {
        Some(&self.item)
    }
}
