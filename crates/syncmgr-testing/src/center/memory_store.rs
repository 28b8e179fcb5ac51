//! A memory of the center in memory: it survives the center, and fails when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncmgr_center::agenda::AgendaMemory;
use syncmgr_center::alarm::Condition;
use syncmgr_center::command::{Remembered, Save};
use syncmgr_center::port::{EventQuery, SessionQuery, Store, StoreError};
use syncmgr_center::state::{HandlerMemory, ItemMemory};
use syncmgr_model::event::Event;
use syncmgr_model::id::{EventId, HandlerId, ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::record::SessionRecord;

/// What was written down.
#[derive(Debug, Default)]
pub struct Written {
    /// Handlers.
    pub handlers: BTreeMap<HandlerId, HandlerMemory>,
    /// What is kept of items.
    pub memories: BTreeMap<ItemKey, ItemMemory>,
    /// Items as they ran.
    pub items: BTreeMap<ItemKey, Item>,
    /// Sessions.
    pub sessions: BTreeMap<SessionId, SessionRecord>,
    /// Results.
    pub events: BTreeMap<EventId, Event>,
    /// What agendas remember.
    pub agendas: BTreeMap<ItemKey, AgendaMemory>,
    /// What alarms remember.
    pub alarms: Vec<Condition>,
    /// Saves that succeed before all others fail; `None`: all do.
    pub saves_left: Option<u64>,
    /// What no memory should be told: an end without a begin, and the like.
    pub faults: Vec<String>,
    last_event: u64,
}

impl Written {
    /// Writes one thing.
    pub fn take(&mut self, save: &Save) {
        match save {
            Save::Item(item) => {
                let key = ItemKey {
                    handler: item.handler.clone(),
                    item: item.id.clone(),
                };
                self.items.insert(key, item.clone());
            }
            Save::Began(record) => {
                if self
                    .sessions
                    .insert(record.id.clone(), record.clone())
                    .is_some()
                {
                    self.faults.push(format!("{} began twice", record.id));
                }
            }
            Save::Ended(record) => {
                let open = self.sessions.insert(record.id.clone(), record.clone());
                if open.is_none_or(|open| open.ended.is_some()) {
                    self.faults
                        .push(format!("{} ended without being open", record.id));
                }
            }
            Save::Withdrawn(record) => {
                let open = self.sessions.remove(&record.id);
                if open.is_none_or(|open| open.ended.is_some()) {
                    self.faults
                        .push(format!("{} withdrawn without being open", record.id));
                }
                self.events
                    .retain(|_, event| event.session.as_ref() != Some(&record.id));
            }
            Save::Event(event) => {
                self.last_event = self.last_event.max(event.id.0);
                if self.events.insert(event.id, event.clone()).is_some() {
                    self.faults.push(format!("{:?} written twice", event.id));
                }
            }
            Save::EventsGone(ids) => self.events.retain(|id, _| !ids.contains(id)),
            Save::Handler(memory) => {
                self.handlers.insert(memory.id.clone(), memory.clone());
            }
            Save::HandlerGone(id) => {
                self.handlers.remove(id);
            }
            Save::Memory(memory) => {
                self.memories.insert(memory.key.clone(), (**memory).clone());
            }
            Save::ItemGone(key) => {
                self.memories.remove(key);
                self.items.remove(key);
                self.agendas.remove(key);
            }
            Save::Agenda(key, memory) => {
                self.agendas.insert(key.clone(), (**memory).clone());
            }
            Save::Alarms(rows) => self.alarms.clone_from(rows),
        }
    }

    /// Returns what the next center is told.
    #[must_use]
    pub fn remembered(&self) -> Remembered {
        let open = self
            .sessions
            .values()
            .filter(|record| record.ended.is_none());
        Remembered {
            handlers: self.handlers.values().cloned().collect(),
            items: self.memories.values().cloned().collect(),
            abandoned: open.cloned().collect(),
            last_event: self.last_event,
            agendas: self.agendas.clone().into_iter().collect(),
            alarms: self.alarms.clone(),
        }
    }
}

/// The store. A clone is the same memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Written>>);

impl MemoryStore {
    /// Returns what was written, for a look or to make it fail.
    pub fn written(&self) -> MutexGuard<'_, Written> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn remembered(&mut self) -> Result<Remembered, StoreError> {
        Ok(self.written().remembered())
    }

    fn save(&mut self, changes: &[Save]) -> Result<(), StoreError> {
        let mut written = self.written();
        match &mut written.saves_left {
            Some(0) => {
                return Err(StoreError {
                    step: "write",
                    place: "memory".to_owned(),
                    detail: "no space left".to_owned(),
                });
            }
            Some(n) => *n -= 1,
            None => {}
        }
        changes.iter().for_each(|save| written.take(save));
        Ok(())
    }

    fn items(&mut self) -> Result<Vec<Item>, StoreError> {
        Ok(self.written().items.values().cloned().collect())
    }

    fn sessions(&mut self, query: &SessionQuery) -> Result<Vec<SessionRecord>, StoreError> {
        let written = self.written();
        let found = written.sessions.values().rev();
        let found = found.filter(|record| query.fits(record));
        Ok(found.take(limit(query.limit)).cloned().collect())
    }

    fn session(&mut self, id: &SessionId) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.written().sessions.get(id).cloned())
    }

    fn events(&mut self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let written = self.written();
        let found = written.events.values().rev();
        let found = found.filter(|event| query.fits(event));
        Ok(found.take(limit(query.limit)).cloned().collect())
    }

    fn reader(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(Box::new(self.clone()))
    }
}

fn limit(n: u32) -> usize {
    match n {
        0 => usize::MAX,
        n => usize::try_from(n).unwrap_or(usize::MAX),
    }
}
