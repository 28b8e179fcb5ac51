//! The rules for what handlers and items say about themselves.

use std::collections::BTreeSet;

use syncmgr_model::capability::{
    HandlerCapabilities, HandlerPolicies, HandlerType, ItemCapabilities, ItemPolicies,
};
use syncmgr_model::facts::{Answer, HandlerFacts, HandlerInfoFacts, ItemFacts, ItemInfoFacts};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemId, ItemKey};
use syncmgr_model::item::NAME_LEN_MAX;

use super::registry::{HandlerEntry, ItemEntry, ItemMemory, bare_item};
use super::{State, Turn};
use crate::command::{self, Save, Update};

impl State {
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
        let is_on_trial = std::mem::take(&mut entry.is_on_trial);
        let failed = facts.as_ref().err().copied();
        match facts {
            // It was taken out while it was read.
            _ if !entry.is_installed => {}
            Ok(facts) => {
                entry.is_silent = false;
                settle_handler(entry, &facts);
                turn.save(Save::Handler(entry.memory.clone()));
                if let Ok(items) = facts.items {
                    self.settle_items(id, items, turn);
                }
            }
            Err(_) => entry.is_silent = true,
        }
        turn.notify(Update::Handler(id.clone()));
        // Names and folders may be others now.
        self.look_at_all(turn);
        self.rewatch(turn);
        self.reload_events(id, None, None, turn);
        self.was_read(id, failed, turn);
        if is_on_trial && failed.is_some() {
            self.forget_handler(id, turn);
        }
    }

    /// Takes over what one item said about itself.
    pub(super) fn item_loaded(
        &mut self,
        key: &ItemKey,
        facts: Result<ItemFacts, Hresult>,
        turn: &mut Turn,
    ) {
        let ticket = self.item_was_read(key);
        let answer = match facts {
            Ok(facts) => {
                if self.settle_item(&key.handler, facts, turn).as_ref() != Some(key) {
                    self.item_gone(key, turn);
                }
                command::Answer::Done
            }
            Err(code) => {
                // Its handler does not know it (spec 29); of any other error nothing follows.
                if code == Hresult::InvalidArgument {
                    self.item_gone(key, turn);
                }
                command::Answer::Refused(Self::refusal(code, self.unread(&key.handler)))
            }
        };
        self.look_at(key, turn);
        self.rewatch(turn);
        if let Some(ticket) = ticket {
            turn.answer(ticket, answer);
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
            .filter(|(key, entry)| entry.is_listed && !entry.is_adopted && !listed.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.item_gone(&key, turn);
        }
    }

    /// An item is not there any more, or may not be shown. One that a person saved is still shown:
    /// the person believes in it.
    fn item_gone(&mut self, key: &ItemKey, turn: &mut Turn) {
        if let Some(entry) = self.items.get_mut(key) {
            entry.is_listed = false;
            if !entry.is_saved {
                entry.memory.is_gone = true;
                turn.save(Save::Memory(Box::new(entry.memory.clone())));
            }
            turn.touch(key);
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
        memory.is_gone = false;
        settle_item_info(memory, facts.info);
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
}

/// Applies the rules for what a handler says about itself (spec 11–26).
fn settle_handler(entry: &mut HandlerEntry, facts: &HandlerFacts) {
    entry.is_apart = facts.is_apart;
    let memory = &mut entry.memory;
    memory.name = facts.name.as_deref().map(cut).unwrap_or_default();
    memory.capabilities =
        HandlerCapabilities::from_bits_truncate(*facts.capabilities.as_ref().unwrap_or(&0));
    memory.policies = HandlerPolicies::from_bits_truncate(*facts.policies.as_ref().unwrap_or(&0));
    if !memory.was_loaded && memory.policies.contains(HandlerPolicies::HIDDEN_BY_DEFAULT) {
        memory.is_hidden = true;
    }
    memory.was_loaded = true;
    let info = facts.info.clone().unwrap_or(NO_INFO);
    settle_info(entry, &info);
}

/// A handler or item without an info object has the defaults, and its state is kept by the center
/// (spec 13, 32).
const NO_INFO: HandlerInfoFacts = HandlerInfoFacts {
    kind: Err(Hresult::NotImplemented),
    type_label: Err(Hresult::NotImplemented),
    comment: Err(Hresult::NotImplemented),
    last_sync: Err(Hresult::NotImplemented),
    is_active: Err(Hresult::NotImplemented),
    is_enabled: Err(Hresult::NotImplemented),
    is_connected: Err(Hresult::NotImplemented),
};

fn settle_info(entry: &mut HandlerEntry, info: &HandlerInfoFacts) {
    let memory = &mut entry.memory;
    memory.kind = info.kind.map(HandlerType::from_number).unwrap_or_default();
    memory.type_label = info.type_label.clone().unwrap_or_default();
    memory.comment = info.comment.as_deref().map(cut).unwrap_or_default();
    memory.last_sync = info.last_sync.ok().or(memory.last_sync);
    let owns_active = memory.capabilities.intersects(
        HandlerCapabilities::QUERY_BEFORE_ACTIVATE | HandlerCapabilities::QUERY_BEFORE_DEACTIVATE,
    );
    (memory.is_active, entry.is_unsure) = three_way(info.is_active, memory.is_active, owns_active);
    // An error leaves what is known, whoever keeps it.
    memory.is_enabled = info.is_enabled.unwrap_or(memory.is_enabled);
    memory.is_connected = info.is_connected.unwrap_or(true);
}

fn settle_item_info(memory: &mut ItemMemory, info: Answer<ItemInfoFacts>) {
    let Ok(info) = info else {
        memory.type_label.clear();
        memory.comment.clear();
        memory.is_connected = true;
        return;
    };
    memory.type_label = info.type_label.unwrap_or_default();
    memory.comment = cut(&info.comment.unwrap_or_default());
    memory.last_sync = info.last_sync.ok().or(memory.last_sync);
    memory.is_enabled = info.is_enabled.unwrap_or(memory.is_enabled);
    memory.is_connected = info.is_connected.unwrap_or(true);
}

/// Returns a state and whether it is not sure. Yes and no are taken; `NotImplemented` leaves the
/// state to the center, which knows it for sure; any other error leaves what is known, and it may
/// be otherwise by now. A handler that asks before a change has to own the state, so from it
/// `NotImplemented` is an error too (spec 17–21).
fn three_way(answer: Answer<bool>, known: bool, owns: bool) -> (bool, bool) {
    match answer {
        Ok(state) => (state, false),
        Err(Hresult::NotImplemented) => (known, owns),
        Err(_) => (known, true),
    }
}

/// Cuts a name or comment to the length syncmgr.h allows, which counts units of UTF-16; a character
/// is never cut in two.
fn cut(text: &str) -> String {
    let mut n = 0;
    text.chars()
        .take_while(|c| {
            n += c.len_utf16();
            n <= NAME_LEN_MAX
        })
        .collect()
}
