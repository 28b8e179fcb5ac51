//! Handlers and items: what is kept of them, and where they come from.

use std::collections::BTreeSet;

use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::{Item, Settings};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::{State, Turn};
use crate::command::Refusal;

/// What is kept of a handler from one start to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlerMemory {
    /// Its id.
    pub id: HandlerId,
    /// What it is called; empty: it was never read, or may not be listed.
    pub name: String,
    /// Its type.
    pub kind: HandlerType,
    /// Its type in words.
    pub type_label: String,
    /// Its summary.
    pub comment: String,
    /// When it was last synced.
    pub last_sync: Option<Timestamp>,
    /// What it can do.
    pub capabilities: HandlerCapabilities,
    /// What it forbids.
    pub policies: HandlerPolicies,
    /// It is set up.
    pub is_active: bool,
    /// It is turned on.
    pub is_enabled: bool,
    /// It can be reached.
    pub is_connected: bool,
    /// It is hidden.
    pub is_hidden: bool,
    /// It was read at least once, so the policy that hides it counts no more (spec 41).
    pub was_loaded: bool,
    /// The collection that listed it; `None`: it was registered by itself.
    pub collection: Option<String>,
    /// It is to be there: it was installed or registered, and neither was it taken out by a person
    /// nor has it left its collection. Such a one is kept only for what was set about it.
    pub is_registered: bool,
}

impl HandlerMemory {
    /// Returns a handler nobody has read yet: not set up, turned on, connected, visible.
    #[must_use]
    pub fn new(id: HandlerId) -> Self {
        Self {
            id,
            name: String::new(),
            kind: HandlerType::default(),
            type_label: String::new(),
            comment: String::new(),
            last_sync: None,
            capabilities: HandlerCapabilities::empty(),
            policies: HandlerPolicies::empty(),
            is_active: false,
            is_enabled: true,
            is_connected: true,
            is_hidden: false,
            was_loaded: false,
            collection: None,
            is_registered: true,
        }
    }
}

/// What is kept of an item from one start to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemMemory {
    /// Its id.
    pub key: ItemKey,
    /// What it is called.
    pub name: String,
    /// Its type in words.
    pub type_label: String,
    /// Its summary.
    pub comment: String,
    /// What it can do.
    pub capabilities: ItemCapabilities,
    /// What it forbids.
    pub policies: ItemPolicies,
    /// It is turned on.
    pub is_enabled: bool,
    /// It can be reached.
    pub is_connected: bool,
    /// It is hidden.
    pub is_hidden: bool,
    /// When it was last synced with success.
    pub last_sync: Option<Timestamp>,
    /// The last session that says something about its state.
    pub last_session: Option<SessionId>,
    /// How that ended and what is left to do since.
    pub result: Option<(ProgressStatus, Summary)>,
    /// Why it is not fine, when a session said so.
    pub reason: Option<Trouble>,
    /// No scheduled run until then; [`Timestamp`] of `i64::MAX`: until it is resumed.
    pub paused_until: Option<Timestamp>,
    /// Error results that nobody has seen yet.
    pub n_errors: u64,
    /// Its handler listed its items without it. It is not shown; it is as it was when it comes
    /// back.
    pub is_gone: bool,
}

impl ItemMemory {
    /// Returns an item nobody has read yet.
    #[must_use]
    pub fn new(key: ItemKey) -> Self {
        Self {
            name: String::new(),
            type_label: String::new(),
            comment: String::new(),
            capabilities: ItemCapabilities::empty(),
            policies: ItemPolicies::empty(),
            is_enabled: true,
            is_connected: true,
            is_hidden: false,
            last_sync: None,
            last_session: None,
            result: None,
            reason: None,
            paused_until: None,
            n_errors: 0,
            is_gone: false,
            key,
        }
    }
}

/// A handler.
#[derive(Debug)]
pub(super) struct HandlerEntry {
    pub(super) memory: HandlerMemory,
    /// It was installed when the center started, or a collection listed it.
    pub(super) is_installed: bool,
    /// The last try to read it failed.
    pub(super) is_silent: bool,
    /// It has a process of its own, which is ended when a session is given up.
    pub(super) is_apart: bool,
    /// Whether it is set up could not be told at the last try (spec 19).
    pub(super) is_unsure: bool,
    /// It was registered by an id nobody knew before, and has not been read yet.
    pub(super) is_on_trial: bool,
    /// How often it was to be read, and how often that was answered.
    pub(super) n_asked: u64,
    /// See `n_asked`.
    pub(super) n_read: u64,
    /// A text it shows while it syncs.
    pub(super) text: Option<String>,
    /// Sessions of it that run.
    pub(super) running: BTreeSet<SessionId>,
}

impl HandlerEntry {
    pub(super) fn new(memory: HandlerMemory) -> Self {
        Self {
            memory,
            is_installed: false,
            is_silent: false,
            is_apart: false,
            is_unsure: false,
            is_on_trial: false,
            n_asked: 0,
            n_read: 0,
            text: None,
            running: BTreeSet::new(),
        }
    }

    /// Says whether it is shown and may be used at all (spec 12).
    pub(super) fn is_listed(&self) -> bool {
        self.is_installed && !self.memory.name.is_empty()
    }

    pub(super) fn is_loading(&self) -> bool {
        self.n_read < self.n_asked
    }

    pub(super) fn is_concurrent(&self) -> bool {
        self.memory
            .capabilities
            .contains(HandlerCapabilities::SUPPORTS_CONCURRENT_SESSIONS)
    }
}

/// An item.
#[derive(Debug)]
pub(super) struct ItemEntry {
    pub(super) memory: ItemMemory,
    /// What its handler is given; of an item a handler found itself, without settings.
    pub(super) item: Item,
    /// A person saved it.
    pub(super) is_saved: bool,
    /// Its handler listed it, or it became known by a run.
    pub(super) is_listed: bool,
    /// A person named it for a run without saving it; its handler does not list it.
    pub(super) is_adopted: bool,
    /// The folders it works on, absolute, bytes.
    pub(super) paths: Vec<Vec<u8>>,
    /// Sessions it is in.
    pub(super) running: BTreeSet<SessionId>,
    /// Requests it waits in.
    pub(super) queued: BTreeSet<SessionId>,
    /// When it runs by itself; `None`: no schedule ever covered it.
    pub(super) agenda: Option<super::timetable::Entry>,
    /// What is known of changes in its folders; `None`: they are not watched.
    pub(super) watched: Option<super::watched::Watched>,
}

impl ItemEntry {
    pub(super) fn new(memory: ItemMemory, item: Item) -> Self {
        Self {
            memory,
            item,
            is_saved: false,
            is_listed: false,
            is_adopted: false,
            paths: Vec::new(),
            running: BTreeSet::new(),
            queued: BTreeSet::new(),
            agenda: None,
            watched: None,
        }
    }
}

impl State {
    pub(super) fn remember(&mut self, handlers: Vec<HandlerMemory>, items: Vec<ItemMemory>) {
        for memory in handlers {
            self.handlers
                .insert(memory.id.clone(), HandlerEntry::new(memory));
        }
        for memory in items {
            let item = bare_item(&memory.key);
            let mut entry = ItemEntry::new(memory, item);
            // One without a name was never read: it became known by a run.
            entry.is_listed = !entry.memory.is_gone && !entry.memory.name.is_empty();
            self.items.insert(entry.memory.key.clone(), entry);
        }
    }

    pub(super) fn saved_items(&self, id: &HandlerId) -> Vec<Item> {
        self.items_of(id)
            .filter(|(_, entry)| entry.is_saved)
            .map(|(_, entry)| entry.item.clone())
            .collect()
    }

    /// Marks all items of a handler as changed in what is shown of them.
    pub(super) fn touch_items(&self, id: &HandlerId, turn: &mut Turn) {
        for (key, _) in self.items_of(id) {
            turn.touch(key);
        }
    }

    /// Says whether a handler may be used: what is not listed is never asked for anything but its
    /// name (spec 12).
    pub(super) fn listed_handler(&self, id: &HandlerId) -> Result<(), Refusal> {
        self.known_handler(id)?;
        if self.handlers.get(id).is_some_and(HandlerEntry::is_listed) {
            return Ok(());
        }
        Err(Self::refusal(Hresult::InvalidArgument, self.unread(id)))
    }

    /// Iterates over the items of a handler.
    pub(super) fn items_of<'a>(
        &'a self,
        id: &'a HandlerId,
    ) -> impl Iterator<Item = (&'a ItemKey, &'a ItemEntry)> {
        // No id is before `0`: they begin with a letter or digit.
        let first = ItemId::new("0").map(|item| super::key(id, &item));
        first
            .into_iter()
            .flat_map(|first| self.items.range(first..))
            .take_while(move |(key, _)| key.handler == *id)
    }

    /// Takes over the saved items, in the order of their file.
    pub(super) fn configure(&mut self, saved: Vec<Item>, turn: &mut Turn) {
        let mut handlers = BTreeSet::new();
        let keys: BTreeSet<_> = saved
            .iter()
            .map(|item| super::key(&item.handler, &item.id))
            .collect();
        let gone: Vec<_> = self
            .items
            .iter()
            .filter(|(key, entry)| entry.is_saved && !keys.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            if let Some(entry) = self.items.get_mut(&key) {
                entry.is_saved = false;
                entry.item.name = None;
                turn.touch(&key);
                handlers.insert(key.handler);
            }
        }
        for item in saved {
            let key = super::key(&item.handler, &item.id);
            handlers.insert(item.handler.clone());
            let entry = self
                .items
                .entry(key.clone())
                .or_insert_with(|| ItemEntry::new(ItemMemory::new(key.clone()), item.clone()));
            entry.is_saved = true;
            entry.memory.is_gone = false;
            entry.memory.is_enabled = item.is_enabled;
            if let Some(name) = &item.name {
                entry.memory.name.clone_from(name);
            }
            entry.item = item;
            turn.touch(&key);
        }
        for id in handlers {
            if self
                .handlers
                .get(&id)
                .is_some_and(|entry| entry.is_installed)
            {
                self.load(&id, turn);
            }
        }
    }

    /// Makes an item known that a person named without saving it.
    pub(super) fn adopt(&mut self, item: &Item, turn: &mut Turn) -> ItemKey {
        let key = super::key(&item.handler, &item.id);
        let entry = self
            .items
            .entry(key.clone())
            .or_insert_with(|| ItemEntry::new(ItemMemory::new(key.clone()), item.clone()));
        // What its handler lists by itself goes away with that list.
        entry.is_adopted |= entry.is_saved || !entry.is_listed;
        entry.is_listed = true;
        entry.memory.is_gone = false;
        if !entry.is_saved {
            entry.item = item.clone();
        }
        turn.touch(&key);
        key
    }
}

/// Returns an item of which nothing but its key is known.
pub(super) fn bare_item(key: &ItemKey) -> Item {
    Item {
        id: key.item.clone(),
        handler: key.handler.clone(),
        name: None,
        settings: Settings::default(),
        is_enabled: true,
    }
}
