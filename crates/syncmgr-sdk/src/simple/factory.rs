//! The contract, fulfilled by the functions of the author.

use std::path::PathBuf;
use std::sync::Arc;

use syncmgr_model::capability::{HandlerCapabilities, ItemCapabilities};
use syncmgr_model::conflict::{
    ConflictId, Content, KEY_DESCRIPTION, KEY_HANDLER, KEY_ITEM, KEY_NAME, Property,
};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::{self, SettingKind, SettingSpec, Settings};
use syncmgr_model::request::{Intent, Work};
use syncmgr_model::resolution::{Abilities, Decision, Feedback, KeptItem, Substitute};
use syncmgr_model::trouble::{Code, Trouble};

use super::conflict::Conflict;
use super::run::{Item, Run, Stop};
use super::{Check, Discover, List, Resolve, Sync};
use crate::{
    ConflictFilter, ConflictStore, ConflictView, Handler, HandlerFactory, ItemEnumerator,
    ResolutionHandler, SessionCreator, SyncItem, SyncRequest,
};

/// What an author said.
pub(super) struct Parts {
    pub(super) id: HandlerId,
    pub(super) name: String,
    pub(super) fixed: Vec<Fixed>,
    pub(super) list: Option<Box<List>>,
    pub(super) resolve: Option<Box<Resolve>>,
    pub(super) abilities: Abilities,
    pub(super) check: Option<Box<Check>>,
    pub(super) discover: Option<Box<Discover>>,
    pub(super) is_concurrent: bool,
}

/// An item that nobody made.
#[derive(Debug, Clone)]
pub(super) struct Fixed {
    id: ItemId,
    name: String,
    folders: Vec<PathBuf>,
}

impl Fixed {
    pub(super) fn new(id: &str, name: &str, folders: Vec<PathBuf>) -> Self {
        Self {
            id: ItemId::new(id).expect("the id of an item is a constant that is one"),
            name: name.to_owned(),
            folders,
        }
    }
}

/// Makes instances.
pub(super) struct Factory(Arc<Shared>);

struct Shared {
    parts: Parts,
    specs: &'static [SettingSpec],
    sync: Box<Sync>,
}

impl Factory {
    pub(super) fn new(parts: Parts, specs: &'static [SettingSpec], sync: Box<Sync>) -> Self {
        Self(Arc::new(Shared { parts, specs, sync }))
    }
}

impl HandlerFactory for Factory {
    fn id(&self) -> &HandlerId {
        &self.0.parts.id
    }

    fn settings(&self) -> &'static [SettingSpec] {
        self.0.specs
    }

    fn create(&self, saved: &[item::Item]) -> Result<Box<dyn Handler>, Hresult> {
        let parts = &self.0.parts;
        let made = |fixed: &Fixed| Entry {
            item: Item(item::Item {
                id: fixed.id.clone(),
                handler: parts.id.clone(),
                name: Some(fixed.name.clone()),
                settings: Settings::default(),
                is_enabled: true,
            }),
            folders: fixed.folders.clone(),
            is_saved: false,
            shared: Arc::clone(&self.0),
        };
        let fixed = parts.fixed.iter().map(made);
        let kept = |item: &item::Item| {
            let item = Item(item.clone());
            let folders = self
                .0
                .specs
                .iter()
                .filter(|spec| spec.kind == SettingKind::Folder);
            Entry {
                folders: folders
                    .map(|spec| item.folder(spec.key))
                    .filter(|folder| !folder.as_os_str().is_empty())
                    .collect(),
                is_saved: true,
                shared: Arc::clone(&self.0),
                item,
            }
        };
        // An item that is there by itself is not made again by being saved.
        let saved = saved
            .iter()
            .filter(|item| parts.fixed.iter().all(|own| own.id != item.id));
        let entries = fixed.chain(saved.map(kept)).map(Arc::new).collect();
        Ok(Box::new(Instance {
            shared: Arc::clone(&self.0),
            entries,
        }))
    }
}

struct Instance {
    shared: Arc<Shared>,
    entries: Vec<Arc<Entry>>,
}

/// An item; also the store of its conflicts.
struct Entry {
    item: Item,
    folders: Vec<PathBuf>,
    is_saved: bool,
    shared: Arc<Shared>,
}

impl Instance {
    fn entry(&self, id: &ItemId) -> Option<&Arc<Entry>> {
        self.entries.iter().find(|entry| entry.item.0.id == *id)
    }
}

impl Handler for Instance {
    fn name(&self) -> Result<String, Hresult> {
        Ok(self.shared.parts.name.clone())
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        let parts = &self.shared.parts;
        let mut flags = HandlerCapabilities::empty();
        flags.set(HandlerCapabilities::CONFLICT_STORE, parts.list.is_some());
        flags.set(
            HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS,
            parts.is_concurrent,
        );
        Ok(flags)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let all = self.entries.iter().map(|entry| Arc::clone(entry) as _);
        Ok(ItemEnumerator::new(all.collect()))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let entry = self.entry(id).ok_or(Hresult::InvalidArgument)?;
        Ok(Arc::clone(entry) as _)
    }

    fn discover(&self) -> Result<Vec<item::Found>, Trouble> {
        let discover = self.shared.parts.discover.as_ref();
        discover.map_or_else(|| Ok(Vec::new()), |discover| discover())
    }

    fn check(&self, item: &item::Item) -> Result<(), Trouble> {
        let Some(check) = &self.shared.parts.check else {
            return Ok(());
        };
        check(&Item(item.clone()))
            .map_err(|detail| Trouble::new(Code::NotPossible).with("detail", detail))
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        let Work::Sync { is_full, .. } = request.work else {
            return Err(Trouble::new(Code::NotPossible).with("detail", "it only syncs"));
        };
        let how = (request.intent == Intent::Preview, is_full);
        let ids: Vec<ItemId> = request.items.iter().map(|item| item.id.clone()).collect();
        let callback = creator
            .create_session(&self.shared.parts.id, &ids)
            .map_err(|error| Trouble::new(Code::NotPossible).with("detail", error))?;
        for item in &request.items {
            let own = self.entry(&item.id).filter(|entry| !entry.is_saved);
            let item = own.map_or_else(|| Item(item.clone()), |entry| entry.item.clone());
            let run = Run::new(item.clone(), &*callback, how);
            let result = if run.is_cancelled() {
                Err(Stop::Canceled)
            } else {
                (self.shared.sync)(&run)
            };
            let n_conflicts = self.n_conflicts(&item);
            run.end(result, n_conflicts);
        }
        Ok(())
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        self.shared.parts.list.as_ref().map(|_| self as _)
    }
}

impl Instance {
    fn n_conflicts(&self, item: &Item) -> u64 {
        let list = self.shared.parts.list.as_ref();
        list.and_then(|list| list(item).ok())
            .map_or(0, |all| all.len() as u64)
    }
}

impl ConflictStore for Instance {
    fn enumerate(&self, filter: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let mut all = Vec::new();
        for entry in &self.entries {
            all.extend(entry.enumerate(filter)?);
        }
        Ok(all)
    }
}

impl ConflictStore for Entry {
    fn enumerate(&self, filter: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let Some(list) = &self.shared.parts.list else {
            return Ok(Vec::new());
        };
        if !filter.fits(&self.shared.parts.id, Some(&self.item.0.id)) {
            return Ok(Vec::new());
        }
        let listed = list(&self.item).map_err(trouble)?;
        let view = |conflict| {
            Arc::new(View {
                item: self.item.clone(),
                conflict,
                shared: Arc::clone(&self.shared),
            }) as _
        };
        Ok(listed.into_iter().map(view).collect())
    }
}

fn trouble(stop: Stop) -> Trouble {
    match stop {
        Stop::Canceled => Trouble::new(Code::Stopped),
        Stop::Disconnected => Trouble::new(Code::Disconnected),
        Stop::Failed(trouble) => trouble,
    }
}

impl SyncItem for Entry {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.id().to_owned())
    }

    fn name(&self) -> Result<String, Hresult> {
        Ok(self.item.name().to_owned())
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        let mut flags = ItemCapabilities::empty();
        let has_conflicts = self.shared.parts.list.is_some();
        flags.set(ItemCapabilities::CONFLICT_STORE, has_conflicts);
        flags.set(ItemCapabilities::CAN_DELETE, self.is_saved);
        Ok(flags)
    }

    fn paths(&self) -> Vec<PathBuf> {
        self.folders.clone()
    }

    fn saved(&self) -> Option<&item::Item> {
        self.is_saved.then_some(&self.item.0)
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        self.shared.parts.list.as_ref().map(|_| self as _)
    }
}

/// A conflict; also what carries decisions on it out.
struct View {
    item: Item,
    conflict: Conflict,
    shared: Arc<Shared>,
}

impl ConflictView for View {
    fn id(&self) -> ConflictId {
        // Two items may have a conflict of the same name.
        ConflictId::new(format!("{}/{}", self.item.id(), self.conflict.id))
    }

    fn item(&self) -> Option<ItemId> {
        Some(self.item.0.id.clone())
    }

    fn kind(&self) -> String {
        self.conflict.kind.clone()
    }

    fn property(&self, key: &str) -> Property {
        match key {
            KEY_NAME => Property::Text(self.conflict.name.clone()),
            KEY_DESCRIPTION => Property::Text(self.conflict.description.clone()),
            KEY_HANDLER => Property::Text(self.shared.parts.id.to_string()),
            KEY_ITEM => Property::Text(self.item.id().to_owned()),
            _ => Property::Empty,
        }
    }

    fn contents(&self) -> Result<Vec<Content>, Trouble> {
        Ok(self.conflict.contents.clone())
    }

    fn resolution(&self) -> &dyn ResolutionHandler {
        self
    }
}

impl View {
    fn decide(&self, decision: &Decision) -> Result<Feedback, Trouble> {
        let Some(resolve) = &self.shared.parts.resolve else {
            return Ok(Feedback::Continue);
        };
        resolve(&self.item, &self.conflict, decision).map_err(trouble)?;
        Ok(Feedback::Continue)
    }
}

impl ResolutionHandler for View {
    fn abilities(&self) -> Result<Abilities, Trouble> {
        Ok(self.shared.parts.abilities | Abilities::KEEP_SINGLE)
    }

    fn keep_items(&self, items: &[KeptItem]) -> Result<Feedback, Trouble> {
        let n = self.conflict.contents.len();
        if items.is_empty() || items.iter().any(|item| item.index >= n) {
            let detail = "the chosen contents are none of this conflict";
            return Err(Trouble::new(Code::NotPossible).with("detail", detail));
        }
        self.decide(&Decision::KeepItems(items.to_vec()))
    }

    fn keep_recent(&self) -> Result<Feedback, Trouble> {
        // The last modified of those that are there, unless the author wants to know better.
        if self.shared.parts.abilities.contains(Abilities::KEEP_RECENT) {
            return self.decide(&Decision::KeepRecent);
        }
        Err(Trouble::new(Code::NotPossible).with("detail", "it cannot keep the most recent"))
    }

    fn keep_other(&self, other: &Substitute) -> Result<Feedback, Trouble> {
        self.decide(&Decision::KeepOther(other.clone()))
    }

    fn remove_from_sync_set(&self) -> Result<Feedback, Trouble> {
        self.decide(&Decision::RemoveFromSyncSet)
    }
}
