//! A handler in a process of its own, as an instance of the contract. All instances talk to the one
//! process.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use syncmgr_model::capability::{HandlerCapabilities, HandlerPolicies, HandlerType};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, SessionId};
use syncmgr_model::item::{Found, Item, SettingSpec};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;
use syncmgr_sdk::{
    ConflictStore, EventStore, Handler, HandlerFactory, HandlerInfo, ItemEnumerator, Operation,
    SessionCreator, SyncItem, SyncRequest, UiOperation,
};

use super::item::ProxyItem;
use super::operation::Shown;
use super::program::{Program, Unanswered};
use super::session;
use super::store::Store;
use super::why::Why;
use super::wire::{self, Hello, Now};
use crate::in_process::lock;

/// Makes instances of one handler.
pub(super) struct Factory(pub(super) Arc<Program>);

impl HandlerFactory for Factory {
    fn id(&self) -> &HandlerId {
        self.0.id()
    }

    fn settings(&self) -> &'static [SettingSpec] {
        self.0.specs
    }

    fn create(&self, saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        self.0.set_saved(saved);
        Ok(Box::new(Proxy {
            store: Store::new(Arc::clone(&self.0), None),
            program: Arc::clone(&self.0),
            saved: saved.to_vec(),
            now: Mutex::default(),
        }))
    }

    fn abandon(&self, _session: &SessionId) {
        self.0.end(Why::GivenUp);
    }

    fn is_apart(&self) -> bool {
        true
    }

    fn wanted_now(&self) {
        self.0.wanted_now();
    }
}

/// See the module.
struct Proxy {
    program: Arc<Program>,
    saved: Vec<Item>,
    store: Store,
    /// What it said of itself when it was asked last.
    now: Mutex<Now>,
}

impl Proxy {
    fn hello(&self) -> Result<Arc<Hello>, Hresult> {
        let running = self.program.running(&[]);
        running.map(|it| it.hello).map_err(|_| Hresult::Failed)
    }

    fn ask(&self, method: &str, params: Value) -> Result<Value, Hresult> {
        self.program
            .ask(method, params)
            .map_err(|error| error.hresult())
    }

    /// Tells of a change, when the handler keeps that state itself.
    fn tell(
        &self,
        is_offered: impl FnOnce(&Hello) -> bool,
        method: &str,
        params: Value,
    ) -> Result<(), Hresult> {
        if !is_offered(&*self.hello()?) {
            return Err(Hresult::NotImplemented);
        }
        self.ask(method, params).map(drop)
    }

    fn proxy(&self, item: wire::Described) -> Arc<dyn SyncItem> {
        self.program.note_listed(&item);
        let saved = self.saved.iter().find(|saved| saved.id == item.id);
        Arc::new(ProxyItem::new(
            Arc::clone(&self.program),
            item,
            saved.cloned(),
        ))
    }
}

impl Handler for Proxy {
    fn name(&self) -> Result<String, Hresult> {
        let hello = self.hello()?;
        let now = match self.program.ask("handler/info", json!({})) {
            Ok(answer) => {
                let now = self.program.understood("handler/info", wire::now(answer));
                now.map_err(|_| Hresult::Failed)?
            }
            // It has nothing to say that it did not say at its start.
            Err(Unanswered::Refused(_)) => Now::default(),
            Err(Unanswered::Gone(_)) => return Err(Hresult::Failed),
        };
        let name = now.name.clone();
        *lock(&self.now) = now;
        Ok(name.unwrap_or_else(|| hello.name.clone()))
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        let hello = self.hello()?;
        let now = lock(&self.now).capabilities;
        // What it says now may take away, and what belongs to the process stays.
        let lasting = HandlerCapabilities::PROVIDES_ICON;
        Ok(now.map_or(hello.capabilities, |bits| {
            bits | (hello.capabilities & lasting)
        }))
    }

    fn policies(&self) -> Result<HandlerPolicies, Hresult> {
        let now = lock(&self.now).policies;
        Ok(now.unwrap_or(self.hello()?.policies))
    }

    fn activate(&self, is_active: bool) -> Result<(), Hresult> {
        let params = json!({"is_active": is_active});
        self.tell(|it| it.offers.activate, "handler/activate", params)
    }

    fn enable(&self, is_enabled: bool) -> Result<(), Hresult> {
        let params = json!({"is_enabled": is_enabled});
        self.tell(|it| it.offers.enable, "handler/enable", params)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let saved: Vec<_> = self
            .saved
            .iter()
            .map(|item| self.program.item(item))
            .collect();
        let answer = self.ask("items/list", json!({"saved": saved}))?;
        let items = self.program.understood("items/list", wire::items(answer));
        let items = items.map_err(|_| Hresult::Failed)?;
        let items = items.into_iter().map(|item| self.proxy(item));
        Ok(ItemEnumerator::new(items.collect()))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let saved = self.saved.iter().find(|saved| saved.id == *id);
        let mut params = json!({"id": id.as_str()});
        if let Some(saved) = saved {
            params["saved"] = self.program.item(saved);
        }
        let answer = self.ask("items/get", params)?;
        let item = self
            .program
            .understood("items/get", wire::described(answer));
        let item = item.map_err(|_| Hresult::Failed)?;
        if item.id != *id {
            return Err(Hresult::InvalidArgument);
        }
        Ok(self.proxy(item))
    }

    fn icon(&self) -> Result<Vec<u8>, Hresult> {
        self.hello()?.icon.clone().ok_or(Hresult::NotImplemented)
    }

    fn operation(&self, operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        let shown = Shown::begin(&self.program, None, operation)?;
        Ok(Box::new(shown))
    }

    fn event_store(&self) -> Option<&dyn EventStore> {
        let has = self.hello().is_ok_and(|hello| hello.offers.events);
        has.then_some(&self.store as _)
    }

    fn discover(&self) -> Result<Vec<Found>, Trouble> {
        let hello = self.program.running(&[])?.hello;
        if !hello.offers.discover {
            return Ok(Vec::new());
        }
        let answer = self.program.ask("items/discover", json!({}));
        let answer = answer.map_err(|error| error.trouble(self.program.id()))?;
        let found = wire::found(self.program.id(), self.program.specs, answer);
        self.program.understood("items/discover", found)
    }

    fn check(&self, item: &Item) -> Result<(), Trouble> {
        let hello = self.program.running(&[])?.hello;
        if !hello.offers.validate {
            return Ok(());
        }
        let params = json!({"item": self.program.item(item)});
        let answer = self.program.ask("items/validate", params);
        answer
            .map(drop)
            .map_err(|error| error.trouble(self.program.id()))
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        session::synchronize(&self.program, request, creator)
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        let has = self
            .hello()
            .is_ok_and(|hello| hello.offers.conflicts.is_some());
        has.then_some(&self.store as _)
    }
}

impl HandlerInfo for Proxy {
    fn kind(&self) -> Result<HandlerType, Hresult> {
        Ok(self.hello()?.kind)
    }

    fn type_label(&self) -> Result<String, Hresult> {
        let label = self.hello()?.type_label.clone();
        label.ok_or(Hresult::NotImplemented)
    }

    fn comment(&self) -> Result<String, Hresult> {
        let now = lock(&self.now).comment.clone();
        let comment = now.or_else(|| self.hello().ok()?.comment.clone());
        comment.ok_or(Hresult::NotImplemented)
    }

    fn last_sync_time(&self) -> Result<Timestamp, Hresult> {
        lock(&self.now).last_sync.ok_or(Hresult::NotImplemented)
    }

    fn is_active(&self) -> Result<bool, Hresult> {
        let said = lock(&self.now).is_active;
        match said {
            Some(is_active) => Ok(is_active),
            // It cannot be set up or taken down: whoever installed it has set it up.
            None if !self.hello()?.offers.activate => Ok(true),
            None => Err(Hresult::NotImplemented),
        }
    }

    fn is_enabled(&self) -> Result<bool, Hresult> {
        lock(&self.now).is_enabled.ok_or(Hresult::NotImplemented)
    }

    fn is_connected(&self) -> Result<bool, Hresult> {
        lock(&self.now).is_connected.ok_or(Hresult::NotImplemented)
    }
}
