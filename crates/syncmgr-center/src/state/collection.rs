//! Handlers that come and go: registered one by one, or together in a collection; and who waits
//! for them to be read.

use std::collections::{BTreeMap, BTreeSet};

use syncmgr_model::capability::ControlFlags;
use syncmgr_model::event::{EventLevel, Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{HandlerId, ItemKey};
use syncmgr_model::trouble::{Code, Trouble};

use super::registry::{HandlerEntry, HandlerMemory};
use super::{State, Turn};
use crate::command::{Answer, Effect, Refusal, Save, Ticket, Update};

/// The collections, and everybody who waits for something to be read.
#[derive(Debug, Default)]
pub(super) struct Collections {
    /// Collections that were read, with their handlers.
    known: BTreeMap<String, BTreeSet<HandlerId>>,
    /// Who asked for a collection to be read, and whether its handlers are waited for too.
    asking: BTreeMap<String, Vec<(Ticket, bool)>>,
    /// Who waits for handlers.
    waits: Vec<Wait>,
    /// Items that are being read, in the order of the requests.
    items: BTreeMap<ItemKey, Vec<Option<Ticket>>>,
    /// Handlers that were listed a second time, each with who listed it: said once.
    doubles: BTreeSet<(String, HandlerId)>,
}

/// Somebody waits until handlers have been read.
#[derive(Debug)]
struct Wait {
    ticket: Ticket,
    /// The handlers, each with the number of the reading that counts: an earlier one began before
    /// the request.
    left: BTreeMap<HandlerId, u64>,
    /// Why one of them could not be read.
    refusal: Option<Refusal>,
}

impl State {
    /// Takes over the handlers that are there when the center starts, and those that are
    /// remembered: what is known of them holds until they answer (spec 3, 10).
    pub(super) fn install_all(&mut self, installed: Vec<HandlerId>, turn: &mut Turn) {
        let mut seen = BTreeSet::new();
        for id in installed {
            if !seen.insert(id.clone()) {
                self.report_double("the program", id, "the program", turn);
                continue;
            }
            // A person took it out, and it stays out.
            let is_out = self.handlers.get(&id).is_some_and(|entry| {
                !entry.memory.is_registered && entry.memory.collection.is_none()
            });
            if !is_out {
                self.install(&id, turn);
            }
        }
        let remembered: Vec<_> = self
            .handlers
            .iter()
            .filter(|(_, entry)| entry.memory.is_registered && !entry.is_installed)
            .map(|(id, _)| id.clone())
            .collect();
        for id in remembered {
            self.install(&id, turn);
        }
    }

    fn install(&mut self, id: &HandlerId, turn: &mut Turn) {
        let entry = self
            .handlers
            .entry(id.clone())
            .or_insert_with(|| HandlerEntry::new(HandlerMemory::new(id.clone())));
        entry.is_installed = true;
        entry.memory.is_registered = true;
        self.load(id, turn);
    }

    /// Has a handler read; returns the number of the reading.
    pub(super) fn load(&mut self, id: &HandlerId, turn: &mut Turn) -> u64 {
        let saved = self.saved_items(id);
        let Some(entry) = self.handlers.get_mut(id) else {
            return 0;
        };
        entry.n_asked += 1;
        turn.push(Effect::Load(id.clone(), saved));
        entry.n_asked
    }

    /// Has an item read; `ticket` is answered when that is done.
    pub(super) fn load_item(&mut self, key: ItemKey, ticket: Option<Ticket>, turn: &mut Turn) {
        let asking = self.collections.items.entry(key.clone()).or_default();
        asking.push(ticket);
        turn.push(Effect::LoadItem(key));
    }

    /// Returns who asked for the reading of an item that was just answered.
    pub(super) fn item_was_read(&mut self, key: &ItemKey) -> Option<Ticket> {
        let asking = self.collections.items.get_mut(key)?;
        let first = (!asking.is_empty()).then(|| asking.remove(0));
        if asking.is_empty() {
            self.collections.items.remove(key);
        }
        first.flatten()
    }

    /// Notes that a reading of a handler was answered, and answers who waited for it.
    pub(super) fn was_read(&mut self, id: &HandlerId, failed: Option<Hresult>, turn: &mut Turn) {
        let refusal = failed.map(|code| Self::refusal(code, self.unread(id)));
        let Some(entry) = self.handlers.get_mut(id) else {
            return;
        };
        entry.n_read += 1;
        let n_read = entry.n_read;
        for wait in &mut self.collections.waits {
            if wait.left.get(id).is_some_and(|number| *number <= n_read) {
                wait.left.remove(id);
                wait.refusal = wait.refusal.take().or_else(|| refusal.clone());
            }
        }
        self.answer_waits(turn);
    }

    fn wait(&mut self, ticket: Ticket, left: BTreeMap<HandlerId, u64>, turn: &mut Turn) {
        let refusal = None;
        self.collections.waits.push(Wait {
            ticket,
            left,
            refusal,
        });
        self.answer_waits(turn);
    }

    fn answer_waits(&mut self, turn: &mut Turn) {
        self.collections.waits.retain_mut(|wait| {
            if wait.left.is_empty() {
                let refusal = wait.refusal.take();
                turn.answer(wait.ticket, refusal.map_or(Answer::Done, Answer::Refused));
            }
            !wait.left.is_empty()
        });
    }

    /// Says that a handler is not installed, or cannot be read.
    pub(super) fn unread(&self, id: &HandlerId) -> Trouble {
        let is_installed = self.handlers.get(id).is_some_and(|it| it.is_installed);
        if !is_installed {
            return Trouble::new(Code::HandlerUnknown).with("handler", id);
        }
        Trouble::new(Code::HandlerSilent)
            .with("handler", self.handler_name(id))
            .with("detail", "it could not be read")
    }

    pub(super) fn update_handler(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        match self.check_update(handler, None, flags) {
            Ok(()) => self.read_for(ticket, handler, flags, turn),
            Err(refusal) => turn.answer(ticket, Answer::Refused(refusal)),
        }
    }

    fn read_for(
        &mut self,
        ticket: Ticket,
        handler: &HandlerId,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        let number = self.load(handler, turn);
        if flags.contains(ControlFlags::WAIT) {
            self.wait(ticket, BTreeMap::from([(handler.clone(), number)]), turn);
        } else {
            turn.answer(ticket, Answer::Done);
        }
    }

    /// Rereads one item, and nothing else (spec 164).
    pub(super) fn update_item(
        &mut self,
        ticket: Ticket,
        item: ItemKey,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = self.check_update(&item.handler, Some(&item.item), flags) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        if flags.contains(ControlFlags::WAIT) {
            self.load_item(item, Some(ticket), turn);
        } else {
            self.load_item(item, None, turn);
            turn.answer(ticket, Answer::Done);
        }
    }

    /// Registers a handler for good. One that nobody can read is forgotten again; who waits is told
    /// so.
    pub(super) fn register(
        &mut self,
        ticket: Ticket,
        id: HandlerId,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = Self::check_flags(flags) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        let is_new = !self.handlers.contains_key(&id);
        let entry = self
            .handlers
            .entry(id.clone())
            .or_insert_with(|| HandlerEntry::new(HandlerMemory::new(id.clone())));
        entry.is_on_trial = is_new;
        if !entry.is_installed {
            entry.is_installed = true;
            entry.memory.is_registered = true;
            entry.memory.collection = None;
            turn.save(Save::Handler(entry.memory.clone()));
        }
        self.read_for(ticket, &id, flags, turn);
    }

    pub(super) fn unregister(&mut self, id: &HandlerId, turn: &mut Turn) -> Result<(), Refusal> {
        self.known_handler(id)?;
        let collection = self
            .handlers
            .get(id)
            .and_then(|h| h.memory.collection.clone());
        if let Some(collection) = collection {
            let detail = format!("it comes and goes with the collection {collection}");
            return Err(Self::refusal(
                Hresult::AccessDenied,
                Trouble::new(Code::NotPossible).with("detail", detail),
            ));
        }
        let sessions: Vec<_> = self
            .runs
            .values()
            .filter(|run| run.handler == *id)
            .map(|run| run.id.clone())
            .collect();
        for session in sessions {
            self.stop_run(&session, turn);
        }
        self.uninstall(id, turn);
        Ok(())
    }

    /// A handler is not there any more. What is kept of it stays, so that it is as it was, hidden
    /// or turned off, when it comes back.
    fn uninstall(&mut self, id: &HandlerId, turn: &mut Turn) {
        if let Some(entry) = self.handlers.get_mut(id) {
            entry.is_installed = false;
            entry.memory.is_registered = false;
            turn.save(Save::Handler(entry.memory.clone()));
        }
        turn.notify(Update::Handler(id.clone()));
        self.touch_items(id, turn);
        self.look_at_all(turn);
        self.rewatch(turn);
    }

    /// Forgets a handler that turned out not to exist.
    pub(super) fn forget_handler(&mut self, id: &HandlerId, turn: &mut Turn) {
        self.handlers.remove(id);
        turn.save(Save::HandlerGone(id.clone()));
        turn.notify(Update::Handler(id.clone()));
    }

    pub(super) fn update_collection(
        &mut self,
        ticket: Ticket,
        id: String,
        flags: ControlFlags,
        turn: &mut Turn,
    ) {
        if let Err(refusal) = Self::check_flags(flags) {
            return turn.answer(ticket, Answer::Refused(refusal));
        }
        turn.push(Effect::LoadCollection(id.clone()));
        let waits = flags.contains(ControlFlags::WAIT);
        // Whether one exists that was never read, only the host can say.
        if waits || !self.collections.known.contains_key(&id) {
            let asking = self.collections.asking.entry(id).or_default();
            asking.push((ticket, waits));
        } else {
            turn.answer(ticket, Answer::Done);
        }
    }

    pub(super) fn collection_loaded(
        &mut self,
        id: &str,
        handlers: Result<Vec<HandlerId>, Hresult>,
        turn: &mut Turn,
    ) {
        let asking = self.collections.asking.remove(id).unwrap_or_default();
        let handlers = match handlers {
            Ok(handlers) => self.own(id, handlers, turn),
            // Those known stay as they were: not to know is not to be gone.
            Err(code) => {
                let trouble = Trouble::new(Code::NotFound)
                    .with("what", "collection of handlers")
                    .with("name", id);
                for (ticket, _) in asking {
                    let refusal = Self::refusal(code, trouble.clone());
                    turn.answer(ticket, Answer::Refused(refusal));
                }
                return;
            }
        };
        self.vanish(id, &handlers, turn);
        let mut left = BTreeMap::new();
        for handler in &handlers {
            self.install(handler, turn);
            let number = self.handlers.get(handler).map_or(0, |entry| entry.n_asked);
            left.insert(handler.clone(), number);
        }
        self.collections.known.insert(id.to_owned(), handlers);
        for (ticket, waits) in asking {
            if waits {
                self.wait(ticket, left.clone(), turn);
            } else {
                turn.answer(ticket, Answer::Done);
            }
        }
    }

    /// Returns the handlers that belong to a collection: those nobody else has. The first one who
    /// lists a handler keeps it, also over a restart; a second one is reported (spec 6).
    fn own(&mut self, id: &str, handlers: Vec<HandlerId>, turn: &mut Turn) -> BTreeSet<HandlerId> {
        let mut own = BTreeSet::new();
        for handler in handlers {
            let owner = self
                .handlers
                .get(&handler)
                .filter(|entry| entry.is_installed);
            let owner = owner.map(|entry| entry.memory.collection.clone());
            match owner {
                Some(owner) if owner.as_deref() != Some(id) => {
                    let owner = owner.unwrap_or_else(|| "the program".to_owned());
                    self.report_double(id, handler, &owner, turn);
                }
                Some(_) | None if own.contains(&handler) => {
                    self.report_double(id, handler, id, turn);
                }
                Some(_) | None => {
                    let entry = self
                        .handlers
                        .entry(handler.clone())
                        .or_insert_with(|| HandlerEntry::new(HandlerMemory::new(handler.clone())));
                    entry.memory.collection = Some(id.to_owned());
                    own.insert(handler);
                }
            }
        }
        own
    }

    fn vanish(&mut self, id: &str, there: &BTreeSet<HandlerId>, turn: &mut Turn) {
        let gone: Vec<_> = self
            .handlers
            .iter()
            .filter(|(_, entry)| entry.is_installed)
            .filter(|(_, entry)| entry.memory.collection.as_deref() == Some(id))
            .filter(|(handler, _)| !there.contains(*handler))
            .map(|(handler, _)| handler.clone())
            .collect();
        for handler in gone {
            self.uninstall(&handler, turn);
        }
    }

    fn report_double(&mut self, by: &str, handler: HandlerId, owner: &str, turn: &mut Turn) {
        if !self
            .collections
            .doubles
            .insert((by.to_owned(), handler.clone()))
        {
            return;
        }
        let detail =
            format!("{by} lists it, but it belongs to {owner}, which was first and keeps it");
        let trouble = Trouble::new(Code::ProtocolFault)
            .with("handler", &handler)
            .with("detail", detail)
            .at_level(EventLevel::Warning);
        let new = NewEvent {
            item: None,
            trouble,
            link: Link::default(),
            context: None,
        };
        self.add_event(&handler, new, turn);
    }
}
