//! Handlers and items: what they said they are, and what the center keeps for them.

use std::collections::BTreeSet;

use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::facts::{Answer, HandlerFacts, HandlerInfoFacts, ItemFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey, SessionId};
use syncmgr_model::item::{Item, NAME_LEN_MAX, Settings};
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::Trouble;

use super::{State, Turn};
use crate::command::{self, Effect, Save, Ticket, Update};

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
    /// Who waits for it to be read.
    pub(super) waiting: Vec<Ticket>,
    /// A text it shows while it syncs.
    pub(super) text: Option<String>,
    /// Sessions of it that run.
    pub(super) running: BTreeSet<SessionId>,
}

impl HandlerEntry {
    fn new(memory: HandlerMemory) -> Self {
        Self {
            memory,
            is_installed: false,
            is_silent: false,
            waiting: Vec::new(),
            text: None,
            running: BTreeSet::new(),
        }
    }

    /// Says whether it is shown and may be used at all (spec 12).
    pub(super) fn is_listed(&self) -> bool {
        self.is_installed && !self.memory.name.is_empty()
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
    /// The folders it works on, absolute, bytes.
    pub(super) paths: Vec<Vec<u8>>,
    /// Sessions it is in.
    pub(super) running: BTreeSet<SessionId>,
    /// Requests it waits in.
    pub(super) queued: BTreeSet<SessionId>,
}

impl ItemEntry {
    pub(super) fn new(memory: ItemMemory, item: Item) -> Self {
        Self {
            memory,
            item,
            is_saved: false,
            is_listed: false,
            paths: Vec::new(),
            running: BTreeSet::new(),
            queued: BTreeSet::new(),
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
            self.items
                .insert(memory.key.clone(), ItemEntry::new(memory, item));
        }
    }

    /// Takes note of a handler that is there and has it read.
    pub(super) fn install(&mut self, id: HandlerId, turn: &mut Turn) {
        let entry = self
            .handlers
            .entry(id.clone())
            .or_insert_with(|| HandlerEntry::new(HandlerMemory::new(id.clone())));
        entry.is_installed = true;
        self.load(&id, None, turn);
    }

    /// Has a handler read; `ticket` is answered when that is done.
    pub(super) fn load(&mut self, id: &HandlerId, ticket: Option<Ticket>, turn: &mut Turn) {
        let Some(entry) = self.handlers.get_mut(id) else {
            return;
        };
        entry.waiting.extend(ticket);
        let saved = self.saved_items(id);
        turn.push(Effect::Load(id.clone(), saved));
    }

    fn saved_items(&self, id: &HandlerId) -> Vec<Item> {
        self.items_of(id)
            .filter(|(_, entry)| entry.is_saved)
            .map(|(_, entry)| entry.item.clone())
            .collect()
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

    /// Takes over what a handler said about itself.
    pub(super) fn loaded(
        &mut self,
        id: &HandlerId,
        facts: Result<HandlerFacts, Hresult>,
        turn: &mut Turn,
    ) {
        let Some(entry) = self.handlers.get_mut(id) else {
            return;
        };
        let waiting = std::mem::take(&mut entry.waiting);
        match facts {
            Ok(facts) => {
                entry.is_silent = false;
                settle_handler(&mut entry.memory, &facts);
                turn.save(Save::Handler(entry.memory.clone()));
                if let Ok(items) = facts.items {
                    self.settle_items(id, items, turn);
                }
            }
            Err(_) => entry.is_silent = true,
        }
        turn.notify(Update::Handler(id.clone()));
        for ticket in waiting {
            turn.answer(ticket, command::Answer::Done);
        }
    }

    fn settle_items(&mut self, id: &HandlerId, facts: Vec<ItemFacts>, turn: &mut Turn) {
        let mut listed = BTreeSet::new();
        for facts in facts {
            if let Some(key) = self.settle_item(id, facts, turn) {
                listed.insert(key);
            }
        }
        let gone: Vec<_> = self
            .items_of(id)
            .filter(|(key, entry)| entry.is_listed && entry.is_saved && !listed.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            if let Some(entry) = self.items.get_mut(&key) {
                entry.is_listed = false;
                turn.touch(&key);
            }
        }
    }

    /// Takes over what an item said about itself; returns its key when it may be shown.
    pub(super) fn settle_item(
        &mut self,
        handler: &HandlerId,
        facts: ItemFacts,
        turn: &mut Turn,
    ) -> Option<ItemKey> {
        // Without an id or a name it is not shown and never synced (spec 30, 31).
        let id = ItemId::new(facts.id.ok()?).ok()?;
        let name = facts.name.ok().filter(|name| !name.is_empty())?;
        let key = super::key(handler, &id);
        let entry = self
            .items
            .entry(key.clone())
            .or_insert_with(|| ItemEntry::new(ItemMemory::new(key.clone()), bare_item(&key)));
        let memory = &mut entry.memory;
        let is_first = memory.name.is_empty();
        memory.name = cut(&name);
        memory.capabilities =
            ItemCapabilities::from_bits_truncate(facts.capabilities.unwrap_or_default());
        memory.policies = ItemPolicies::from_bits_truncate(facts.policies.unwrap_or_default());
        if is_first && memory.policies.contains(ItemPolicies::HIDDEN_BY_DEFAULT) {
            memory.is_hidden = true;
        }
        if let Ok(info) = facts.info {
            memory.type_label = info.type_label.unwrap_or_default();
            memory.comment = cut(&info.comment.unwrap_or_default());
            memory.last_sync = info.last_sync.ok().or(memory.last_sync);
            let owns =
                ItemCapabilities::QUERY_BEFORE_ENABLE | ItemCapabilities::QUERY_BEFORE_DISABLE;
            memory.is_enabled = three_way(
                info.is_enabled,
                memory.is_enabled,
                memory.capabilities.intersects(owns),
            );
            memory.is_connected = info.is_connected.unwrap_or(true);
        }
        entry.paths = facts.paths;
        entry.is_listed = true;
        if let Some(saved) = facts.saved {
            entry.is_saved = saved.name.is_some();
            entry.item = saved;
        }
        turn.save(Save::Memory(Box::new(entry.memory.clone())));
        turn.touch(&key);
        Some(key)
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
                self.load(&id, None, turn);
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
        entry.is_listed = true;
        if !entry.is_saved {
            entry.item = item.clone();
        }
        turn.touch(&key);
        key
    }

    pub(super) fn collection_loaded(
        &mut self,
        id: &str,
        handlers: Result<Vec<HandlerId>, Hresult>,
        turn: &mut Turn,
    ) {
        let Ok(handlers) = handlers else {
            return;
        };
        let new: BTreeSet<_> = handlers.into_iter().collect();
        let old = self
            .collections
            .insert(id.to_owned(), new.clone())
            .unwrap_or_default();
        for gone in old.difference(&new) {
            if let Some(entry) = self.handlers.get_mut(gone) {
                entry.is_installed = false;
                turn.notify(Update::Handler(gone.clone()));
            }
        }
        for handler in new {
            self.install(handler, turn);
        }
    }
}

/// Applies the rules for what a handler says about itself (spec 11–26).
fn settle_handler(memory: &mut HandlerMemory, facts: &HandlerFacts) {
    memory.name = facts.name.as_deref().map(cut).unwrap_or_default();
    memory.capabilities =
        HandlerCapabilities::from_bits_truncate(*facts.capabilities.as_ref().unwrap_or(&0));
    memory.policies = HandlerPolicies::from_bits_truncate(*facts.policies.as_ref().unwrap_or(&0));
    if !memory.was_loaded && memory.policies.contains(HandlerPolicies::HIDDEN_BY_DEFAULT) {
        memory.is_hidden = true;
    }
    memory.was_loaded = true;
    if let Ok(info) = &facts.info {
        settle_info(memory, info);
    }
}

fn settle_info(memory: &mut HandlerMemory, info: &HandlerInfoFacts) {
    memory.kind = info.kind.map(HandlerType::from_number).unwrap_or_default();
    memory.type_label = info.type_label.clone().unwrap_or_default();
    memory.comment = info.comment.as_deref().map(cut).unwrap_or_default();
    memory.last_sync = info.last_sync.ok().or(memory.last_sync);
    let owns_active = memory.capabilities.intersects(
        HandlerCapabilities::QUERY_BEFORE_ACTIVATE | HandlerCapabilities::QUERY_BEFORE_DEACTIVATE,
    );
    memory.is_active = three_way(info.is_active, memory.is_active, owns_active);
    let owns_enabled = memory.capabilities.intersects(
        HandlerCapabilities::QUERY_BEFORE_ENABLE | HandlerCapabilities::QUERY_BEFORE_DISABLE,
    );
    memory.is_enabled = three_way(info.is_enabled, memory.is_enabled, owns_enabled);
    memory.is_connected = info.is_connected.unwrap_or(true);
}

/// Yes and no are taken; any error leaves what is known, whether the center keeps the state itself
/// (`NotImplemented`) or the handler could not say (spec 17–21).
fn three_way(answer: Answer<bool>, known: bool, _owns: bool) -> bool {
    answer.unwrap_or(known)
}

/// Cuts a name or comment to the length syncmgr.h allows.
fn cut(text: &str) -> String {
    text.chars().take(NAME_LEN_MAX).collect()
}

fn bare_item(key: &ItemKey) -> Item {
    Item {
        id: key.item.clone(),
        handler: key.handler.clone(),
        name: None,
        settings: Settings::default(),
        is_enabled: true,
    }
}
