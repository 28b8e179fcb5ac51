//! Handlers that do what a test says, made with the same contract as all others.
//!
//! A [`Scripted`] is the factory; a clone is the same one. What its instances answer is in its
//! [`Script`], which a test may change at any time. What they were asked is in its log, with the
//! instance and the thread, because these are part of the contract.

mod collection;
mod held;

pub use collection::ScriptedCollection;
pub use held::Held;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::facts::{HandlerFacts, HandlerInfoFacts, ItemFacts, ItemInfoFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    Handler, HandlerFactory, HandlerInfo, ItemEnumerator, ItemInfo, Operation, SessionCreator,
    SyncItem, SyncRequest, UiOperation,
};

/// What is done in `synchronize`.
pub type Work = dyn Fn(&SyncRequest, &dyn SessionCreator) -> Result<(), Trouble> + Send + Sync;

/// What is shown: by the handler, or by the item that is given.
pub type Shows =
    dyn Fn(Option<&str>, &Operation) -> Result<Box<dyn UiOperation>, Hresult> + Send + Sync;

/// What a handler answers.
#[derive(Clone)]
pub struct Script {
    /// What it and its items say about themselves.
    pub facts: HandlerFacts,
    /// The icon it is registered with.
    pub icon: Option<&'static [u8]>,
    /// What `GetObject(Icon)` gives, of the handler and of every item.
    pub own_icon: Result<Vec<u8>, Hresult>,
    /// Whether an instance can be made.
    pub create: Result<(), Hresult>,
    /// The answer to every change.
    pub told: Result<(), Hresult>,
    /// What is shown.
    pub shows: Arc<Shows>,
    /// What is done.
    pub work: Arc<Work>,
    /// A question that breaks the handler down.
    pub breaks_at: Option<&'static str>,
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

/// One question to an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The number of the instance, from 1; 0: the factory.
    pub instance: u64,
    /// The thread.
    pub thread: ThreadId,
    /// What was asked: `create`, `name`, `items`, `activate`, `enable`, `delete`, `show`, `run`,
    /// `synchronize`.
    pub what: &'static str,
}

#[derive(Debug)]
struct Shared {
    id: HandlerId,
    script: Mutex<Script>,
    log: Mutex<Vec<Asked>>,
    n_instances: AtomicU64,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Scripted(Arc<Shared>);

impl Scripted {
    /// Makes a handler that is set up, has these items, and syncs them with success.
    ///
    /// # Panics
    /// When an id is none.
    #[must_use]
    pub fn new(id: &str, items: &[&str]) -> Self {
        let id = HandlerId::new(id).expect("a handler id");
        let script = Script {
            facts: HandlerFacts {
                is_apart: false,
                id: id.clone(),
                name: Ok(format!("The {id}")),
                info: Ok(HandlerInfoFacts {
                    kind: Ok(0),
                    type_label: Ok("Things".to_owned()),
                    comment: Ok("all is well".to_owned()),
                    last_sync: Err(Hresult::NotImplemented),
                    is_active: Ok(true),
                    is_enabled: Err(Hresult::NotImplemented),
                    is_connected: Ok(true),
                }),
                capabilities: Ok(0),
                policies: Ok(0),
                items: Ok(items.iter().map(|id| item(id)).collect()),
            },
            icon: None,
            own_icon: Err(Hresult::NotImplemented),
            create: Ok(()),
            told: Ok(()),
            shows: Arc::new(|item, _| {
                Err(match item {
                    Some(_) => Hresult::InvalidArgument,
                    None => Hresult::NotImplemented,
                })
            }),
            work: Arc::new(succeed),
            breaks_at: None,
        };
        Self(Arc::new(Shared {
            id,
            script: Mutex::new(script),
            log: Mutex::default(),
            n_instances: AtomicU64::new(0),
        }))
    }

    /// Changes what it answers from now on.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut lock(&self.0.script));
    }

    /// Returns what was asked until now.
    #[must_use]
    pub fn log(&self) -> Vec<Asked> {
        lock(&self.0.log).clone()
    }

    /// Returns the questions of one kind.
    #[must_use]
    pub fn asked(&self, what: &str) -> Vec<Asked> {
        self.log()
            .into_iter()
            .filter(|asked| asked.what == what)
            .collect()
    }

    fn script(&self) -> Script {
        lock(&self.0.script).clone()
    }

    fn note(&self, instance: u64, what: &'static str) {
        let thread = std::thread::current().id();
        lock(&self.0.log).push(Asked {
            instance,
            thread,
            what,
        });
        let breaks_at = lock(&self.0.script).breaks_at;
        assert!(breaks_at != Some(what), "it broke down as it was told");
    }
}

/// Returns an item with nothing special about it.
#[must_use]
pub fn item(id: &str) -> ItemFacts {
    ItemFacts {
        id: Ok(id.to_owned()),
        name: Ok(format!("Item {id}")),
        info: Ok(ItemInfoFacts {
            type_label: Ok("Thing".to_owned()),
            comment: Ok("12 things".to_owned()),
            last_sync: Err(Hresult::NotImplemented),
            is_enabled: Err(Hresult::NotImplemented),
            is_connected: Ok(true),
        }),
        capabilities: Ok(0),
        policies: Ok(0),
        paths: Vec::new(),
        saved: None,
    }
}

/// Syncs every item with success.
///
/// # Errors
/// When the center does not take the session or a report.
pub fn succeed(request: &SyncRequest, creator: &dyn SessionCreator) -> Result<(), Trouble> {
    let refused = |code: Hresult| Trouble::new(Code::ProtocolFault).with("detail", code);
    let Some(first) = request.items.first() else {
        return Ok(());
    };
    let ids: Vec<_> = request.items.iter().map(|item| item.id.clone()).collect();
    let session = creator
        .create_session(&first.handler, &ids)
        .map_err(refused)?;
    for id in &ids {
        session
            .report_status(id, ProgressStatus::Succeeded)
            .map_err(refused)?;
    }
    Ok(())
}

impl HandlerFactory for Scripted {
    fn id(&self) -> &HandlerId {
        &self.0.id
    }

    fn icon(&self) -> Option<&[u8]> {
        lock(&self.0.script).icon
    }

    fn create(&self, _saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        self.note(0, "create");
        self.script().create?;
        let number = self.0.n_instances.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Box::new(Instance {
            of: self.clone(),
            number,
        }))
    }
}

struct Instance {
    of: Scripted,
    number: u64,
}

impl Instance {
    fn note(&self, what: &'static str) {
        self.of.note(self.number, what);
    }

    fn one(&self, facts: ItemFacts) -> Arc<dyn SyncItem> {
        Arc::new(OneItem {
            of: self.of.clone(),
            instance: self.number,
            facts,
        })
    }
}

/// It answers what the script says now.
impl HandlerInfo for Instance {
    fn kind(&self) -> Result<HandlerType, Hresult> {
        self.of
            .script()
            .facts
            .info?
            .kind
            .map(HandlerType::from_number)
    }

    fn type_label(&self) -> Result<String, Hresult> {
        self.of.script().facts.info?.type_label
    }

    fn comment(&self) -> Result<String, Hresult> {
        self.of.script().facts.info?.comment
    }

    fn last_sync_time(&self) -> Result<Timestamp, Hresult> {
        self.of.script().facts.info?.last_sync
    }

    fn is_active(&self) -> Result<bool, Hresult> {
        self.of.script().facts.info?.is_active
    }

    fn is_enabled(&self) -> Result<bool, Hresult> {
        self.of.script().facts.info?.is_enabled
    }

    fn is_connected(&self) -> Result<bool, Hresult> {
        self.of.script().facts.info?.is_connected
    }
}

impl ItemInfo for OneItem {
    fn type_label(&self) -> Result<String, Hresult> {
        self.facts.info.clone()?.type_label
    }

    fn comment(&self) -> Result<String, Hresult> {
        self.facts.info.clone()?.comment
    }

    fn last_sync_time(&self) -> Result<Timestamp, Hresult> {
        self.facts.info.clone()?.last_sync
    }

    fn is_enabled(&self) -> Result<bool, Hresult> {
        self.facts.info.clone()?.is_enabled
    }

    fn is_connected(&self) -> Result<bool, Hresult> {
        self.facts.info.clone()?.is_connected
    }
}

impl Handler for Instance {
    fn name(&self) -> Result<String, Hresult> {
        self.note("name");
        self.of.script().facts.name
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        match self.of.script().facts.info {
            Ok(_) => Ok(self),
            Err(code) => Err(code),
        }
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        let bits = self.of.script().facts.capabilities;
        bits.map(HandlerCapabilities::from_bits_retain)
    }

    fn policies(&self) -> Result<HandlerPolicies, Hresult> {
        let bits = self.of.script().facts.policies;
        bits.map(HandlerPolicies::from_bits_retain)
    }

    fn activate(&self, _is_active: bool) -> Result<(), Hresult> {
        self.note("activate");
        self.of.script().told
    }

    fn enable(&self, _is_enabled: bool) -> Result<(), Hresult> {
        self.note("enable");
        self.of.script().told
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        self.note("items");
        let items = self.of.script().facts.items?;
        Ok(ItemEnumerator::new(
            items.into_iter().map(|facts| self.one(facts)).collect(),
        ))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        self.note("item");
        let items = self.of.script().facts.items?;
        let facts = items
            .into_iter()
            .find(|facts| facts.id.as_deref() == Ok(id.as_str()));
        facts
            .map(|facts| self.one(facts))
            .ok_or(Hresult::InvalidArgument)
    }

    fn icon(&self) -> Result<Vec<u8>, Hresult> {
        self.of.script().own_icon
    }

    fn operation(&self, operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        self.note("show");
        (self.of.script().shows)(None, operation)
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        self.note("synchronize");
        (self.of.script().work)(request, creator)
    }
}

struct OneItem {
    of: Scripted,
    instance: u64,
    facts: ItemFacts,
}

impl SyncItem for OneItem {
    fn id(&self) -> Result<String, Hresult> {
        self.facts.id.clone()
    }

    fn name(&self) -> Result<String, Hresult> {
        self.facts.name.clone()
    }

    fn item_info(&self) -> Result<&dyn ItemInfo, Hresult> {
        match &self.facts.info {
            Ok(_) => Ok(self),
            Err(code) => Err(*code),
        }
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        self.facts
            .capabilities
            .map(ItemCapabilities::from_bits_retain)
    }

    fn policies(&self) -> Result<ItemPolicies, Hresult> {
        self.facts.policies.map(ItemPolicies::from_bits_retain)
    }

    fn enable(&self, _is_enabled: bool) -> Result<(), Hresult> {
        self.of.note(self.instance, "enable");
        self.of.script().told
    }

    fn delete(&self) -> Result<(), Hresult> {
        self.of.note(self.instance, "delete");
        self.of.script().told
    }

    fn icon(&self) -> Result<Vec<u8>, Hresult> {
        self.of.script().own_icon
    }

    fn operation(&self, operation: &Operation) -> Result<Box<dyn UiOperation>, Hresult> {
        self.of.note(self.instance, "show");
        (self.of.script().shows)(self.facts.id.as_deref().ok(), operation)
    }
}

/// Takes a lock; a handler that was told to break down holds none.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
