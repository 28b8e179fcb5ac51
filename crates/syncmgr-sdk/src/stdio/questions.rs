//! Questions about properties: one thread with one instance, one after another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_protocol::message::read;
use syncmgr_protocol::words::Feedback;
use syncmgr_protocol::{RpcError, conflict, error, event, item, life};

use super::sessions::{find, nothing, read_decision};
use super::shown::{self, About};
use super::{caught, lock, quiet};
use crate::{ConflictFilter, EventStore, Handler, HandlerFactory};

/// The questions, by their methods.
pub(super) const METHODS: &[&str] = &[
    "handler/info",
    "handler/activate",
    "handler/enable",
    "items/list",
    "items/get",
    "items/discover",
    "items/validate",
    "items/enable",
    "items/delete",
    "conflicts/list",
    "conflicts/resolve",
    "conflicts/remove",
    "events/list",
    "events/remove",
];

/// What people saved, as far as the host told it.
pub(super) type Saved = Arc<Mutex<BTreeMap<ItemId, Item>>>;

/// What answers questions.
pub(super) struct Desk {
    factory: Arc<dyn HandlerFactory>,
    about: About,
    saved: Saved,
    instance: Option<Box<dyn Handler>>,
}

type Answer = Result<Value, RpcError>;

fn value(answer: &impl Serialize) -> Answer {
    serde_json::to_value(answer).map_err(|error| RpcError::new(error::INTERNAL, error.to_string()))
}

/// *Not implemented* counts as done.
fn done(result: Result<(), Hresult>) -> Answer {
    match result {
        Ok(()) | Err(Hresult::NotImplemented) => Ok(nothing()),
        Err(error) => Err(error.into()),
    }
}

fn id(text: &str) -> Result<ItemId, RpcError> {
    ItemId::new(text).map_err(|bad| RpcError::new(error::INVALID_ARGUMENT, bad.to_string()))
}

impl Desk {
    pub(super) fn new(factory: Arc<dyn HandlerFactory>, about: About, saved: Saved) -> Self {
        Self {
            factory,
            about,
            saved,
            instance: None,
        }
    }

    /// Answers; a panic is an error, and the next question gets another instance.
    pub(super) fn answer(&mut self, method: &str, params: Option<&RawValue>) -> Answer {
        let (answer, is_broken) = caught(|| self.look(method, params));
        if is_broken {
            self.instance = None;
        }
        answer
    }

    /// The answer to `initialize`.
    pub(super) fn initialize(&mut self) -> Answer {
        let (answer, _) = caught(|| {
            self.instance()?;
            let instance = self.instance.as_deref().ok_or(Hresult::Failed)?;
            value(&shown::initialized(&*self.factory, instance, &self.about)?)
        });
        answer
    }

    fn instance(&mut self) -> Result<&dyn Handler, RpcError> {
        let instance = match self.instance.take() {
            Some(instance) => instance,
            None => {
                let saved: Vec<Item> = lock(&self.saved).values().cloned().collect();
                self.factory.create(&saved)?
            }
        };
        Ok(&**self.instance.insert(instance))
    }

    /// Takes over what people saved; another instance is made when that changed.
    fn know(&mut self, saved: BTreeMap<ItemId, Item>) {
        let mut known = lock(&self.saved);
        if *known != saved {
            *known = saved;
            self.instance = None;
        }
    }

    fn read_item(&self, item: &item::Item, field: &str) -> Result<Item, RpcError> {
        let item = item.to_model(self.factory.id(), self.factory.settings());
        Ok(item.map_err(|wrong| wrong.within(field))?)
    }

    fn look(&mut self, method: &str, params: Option<&RawValue>) -> Answer {
        match method {
            "handler/info" => {
                let about = self.about.clone();
                value(&shown::info(self.instance()?, &about)?)
            }
            "handler/activate" => {
                let asked: life::Activate = read(params)?;
                done(self.instance()?.activate(asked.is_active))
            }
            "handler/enable" => {
                let asked: life::Enable = read(params)?;
                done(self.instance()?.enable(asked.is_enabled))
            }
            "items/list" => self.list(&read(params)?),
            "items/get" => self.get(&read(params)?),
            "items/discover" => self.discover(),
            "items/validate" => {
                let asked: item::Validate = read(params)?;
                let item = self.read_item(&asked.item, "item")?;
                let checked = self.instance()?.check(&item);
                checked.map_err(|trouble| RpcError::from(&trouble))?;
                Ok(nothing())
            }
            "items/enable" => {
                let asked: item::EnableItem = read(params)?;
                let item = self.instance()?.item(&id(&asked.id)?)?;
                done(item.enable(asked.is_enabled))
            }
            "items/delete" => {
                let asked: item::ItemRef = read(params)?;
                let item = self.instance()?.item(&id(&asked.id)?)?;
                done(item.delete())
            }
            "conflicts/list" => self.conflicts(&read(params)?),
            "conflicts/resolve" => self.resolve(&read(params)?),
            "conflicts/remove" => self.remove_conflicts(&read(params)?),
            "events/list" => self.events(&read(params)?),
            "events/remove" => self.remove_events(&read(params)?),
            _ => Err(RpcError::unknown_method(method)),
        }
    }

    fn list(&mut self, asked: &item::Saved) -> Answer {
        let mut saved = BTreeMap::new();
        for (at, item) in asked.saved.iter().enumerate() {
            let item = self.read_item(item, &format!("saved[{at}]"))?;
            saved.insert(item.id.clone(), item);
        }
        self.know(saved);
        let all = shown::items(self.instance()?)?;
        let items = all.iter().filter_map(|item| shown::item(&**item).ok());
        value(&item::Items {
            items: items.collect(),
        })
    }

    fn get(&mut self, asked: &item::GetItem) -> Answer {
        if let Some(item) = &asked.saved {
            let item = self.read_item(item, "saved")?;
            let mut saved = lock(&self.saved).clone();
            saved.insert(item.id.clone(), item);
            self.know(saved);
        }
        let item = self.instance()?.item(&id(&asked.id)?)?;
        value(&shown::item(&*item)?)
    }

    fn discover(&mut self) -> Answer {
        let found = self.instance()?.discover();
        let found = found.map_err(|trouble| RpcError::from(&trouble))?;
        let specs = self.factory.settings();
        value(&item::Discovered {
            found: found
                .iter()
                .map(|one| item::Found::of(one, specs))
                .collect(),
        })
    }
}

impl Desk {
    fn conflicts(&mut self, asked: &event::ListOf) -> Answer {
        let wanted = asked.item.as_deref().map(id).transpose()?;
        let factory = Arc::clone(&self.factory);
        let handler = self.instance()?;
        let filter = ConflictFilter {
            handler: None,
            item: wanted.clone(),
        };
        let mut views = Vec::new();
        if let Some(store) = handler.conflicts() {
            views = store
                .enumerate(&filter)
                .map_err(|trouble| RpcError::from(&trouble))?;
        } else {
            for item in shown::items(handler)? {
                let is_wanted = wanted
                    .as_ref()
                    .is_none_or(|wanted| item.id().is_ok_and(|id| id == wanted.as_str()));
                if let Some(store) = item.conflicts().filter(|_| is_wanted) {
                    let more = store.enumerate(&filter);
                    views.extend(more.map_err(|trouble| RpcError::from(&trouble))?);
                }
            }
        }
        let shown = views.iter().map(|view| shown::conflict(&**view, &*factory));
        value(&conflict::Conflicts {
            conflicts: shown.collect::<Result<_, _>>()?,
        })
    }

    fn resolve(&mut self, asked: &conflict::Resolve) -> Answer {
        let decision = read_decision(&asked.decision)?;
        let failed = |trouble| RpcError::from(&trouble);
        let saved = lock(&self.saved).clone();
        let handler = self.instance()?;
        let view = find(handler, &asked.id)?;
        let resolution = view.resolution();
        let feedback = match resolution.as_work(&decision).map_err(failed)? {
            None => resolution.carry_out(&decision).map_err(failed)?.into(),
            Some(choice) => {
                let item = view.item().ok_or(Hresult::InvalidArgument)?;
                let own = handler.item(&item)?;
                let item = own.saved().or_else(|| saved.get(&item));
                let item = item.ok_or(Hresult::InvalidArgument)?.clone();
                quiet::resolve(handler, item, (asked.id.clone(), choice)).map_err(failed)?;
                Feedback::Continue
            }
        };
        value(&conflict::Resolved { feedback })
    }

    fn remove_conflicts(&mut self, asked: &conflict::RemoveConflicts) -> Answer {
        let read = |id: &String| {
            let bytes = syncmgr_protocol::PathText(id.clone()).bytes();
            syncmgr_model::conflict::ConflictId::new(bytes)
        };
        let ids: Vec<_> = asked.ids.iter().map(read).collect();
        let store = self.instance()?.conflicts();
        let removed = store.ok_or(Hresult::NotImplemented)?.remove(&ids);
        removed.map_err(|trouble| RpcError::from(&trouble))?;
        Ok(nothing())
    }

    fn events(&mut self, asked: &event::ListOf) -> Answer {
        let wanted = asked.item.as_deref().map(id).transpose()?;
        let handler = self.instance()?;
        let all = match &wanted {
            Some(id) => {
                let item = handler.item(id)?;
                item.event_store().map(EventStore::events)
            }
            None => handler.event_store().map(EventStore::events),
        };
        let all = all.ok_or(Hresult::NotImplemented)??;
        value(&event::Events {
            events: all.iter().map(event::StoredEvent::of).collect(),
        })
    }

    fn remove_events(&mut self, asked: &event::RemoveEvents) -> Answer {
        let ids: Vec<_> = asked.ids.iter().copied().map(EventId).collect();
        let store = self.instance()?.event_store();
        store.ok_or(Hresult::NotImplemented)?.remove(&ids)?;
        Ok(nothing())
    }
}
