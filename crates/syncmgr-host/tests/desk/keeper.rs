//! A handler with stores of its own that tests look into and change.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncmgr_model::capability::{HandlerCapabilities, ItemCapabilities};
use syncmgr_model::conflict::{
    ConflictId, Content, ContentKind, KEY_DESCRIPTION, KEY_NAME, Property,
};
use syncmgr_model::event::{Event, EventLevel, Link, NewEvent};
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::progress::ProgressStatus;
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Choice, Work};
use syncmgr_model::resolution::{
    Abilities, Decision, Feedback, KeptItem, PresenterChoice, ResolveInfo, Substitute,
};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_sdk::{
    ConflictFilter, ConflictPresenter, ConflictStore, ConflictView, EventStore, Handler,
    HandlerFactory, HandlerInfo, ItemEnumerator, ResolutionHandler, SessionCreator, SyncItem,
    SyncRequest,
};

/// A conflict as the store keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) item: Option<&'static str>,
    pub(crate) id: &'static str,
    pub(crate) kind: &'static str,
}

/// What outlives the instances of the handler.
#[derive(Debug, Default)]
pub(crate) struct Things {
    pub(crate) events: Vec<Event>,
    pub(crate) conflicts: Vec<Held>,
    /// What a session reports: an item or none, and a level.
    pub(crate) reports: Vec<(Option<&'static str>, EventLevel)>,
    /// The conflicts a session says it left; `None`: it says nothing.
    pub(crate) says_conflicts: Option<u64>,
    /// How a session ends.
    pub(crate) ends: Option<ProgressStatus>,
    pub(crate) refuses_removal: bool,
    /// Decisions are work of sessions.
    pub(crate) works_in_sessions: bool,
    pub(crate) has_presenter: bool,
    pub(crate) resolves_itself: bool,
    pub(crate) abilities: Abilities,
    pub(crate) feedback: Vec<Result<Feedback, Trouble>>,
    /// All that it was asked to do.
    pub(crate) log: Vec<String>,
    /// How often its conflicts were listed.
    pub(crate) n_listed: usize,
}

/// How the handler is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The handler has the store of events, of conflicts.
    pub(crate) of_handler: (bool, bool),
    /// Each item has one.
    pub(crate) of_items: (bool, bool),
}

pub(crate) const ITEMS: [&str; 2] = ["one", "two"];

pub(crate) struct Keeper {
    id: HandlerId,
    shape: Shape,
    things: Arc<Mutex<Things>>,
}

impl Keeper {
    pub(crate) fn new(id: &str, shape: Shape) -> Arc<Self> {
        let things = Things {
            abilities: Abilities::all(),
            ..Things::default()
        };
        Arc::new(Self {
            id: HandlerId::new(id).unwrap(),
            shape,
            things: Arc::new(Mutex::new(things)),
        })
    }

    pub(crate) fn things(&self) -> MutexGuard<'_, Things> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.things().log)
    }

    /// Puts an event into the store.
    pub(crate) fn keep_event(&self, id: u64, item: Option<&str>, level: EventLevel) {
        let event = Event {
            id: EventId(id),
            handler: self.id.clone(),
            item: item.map(|item| ItemId::new(item).unwrap()),
            session: None,
            at: Timestamp(1_000_000 + i64::try_from(id).unwrap()),
            trouble: Trouble::new(Code::HandlerSays)
                .with("name", "kept")
                .with("description", "by the handler")
                .at_level(level),
            link: Link::default(),
            context: Some("mine".to_owned()),
        };
        self.things().events.push(event);
    }
}

impl HandlerFactory for Keeper {
    fn id(&self) -> &HandlerId {
        &self.id
    }

    fn create(&self, _saved: &[Item]) -> Result<Box<dyn Handler>, Hresult> {
        let part = |item: Option<&'static str>| Part {
            handler: self.id.clone(),
            item,
            shape: self.shape,
            things: Arc::clone(&self.things),
        };
        let items = ITEMS.map(|item| Arc::new(part(Some(item))));
        Ok(Box::new(Instance {
            whole: part(None),
            items: items.to_vec(),
        }))
    }
}

/// The handler, or one item of it: both have stores of the same kind.
struct Part {
    handler: HandlerId,
    item: Option<&'static str>,
    shape: Shape,
    things: Arc<Mutex<Things>>,
}

impl Part {
    fn things(&self) -> MutexGuard<'_, Things> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_its(&self, item: Option<&str>) -> bool {
        self.item.is_none() || self.item == item
    }
}

struct Instance {
    whole: Part,
    items: Vec<Arc<Part>>,
}

impl HandlerInfo for Instance {
    fn is_active(&self) -> Result<bool, Hresult> {
        Ok(true)
    }
}

impl Handler for Instance {
    fn name(&self) -> Result<String, Hresult> {
        Ok("Keeper".to_owned())
    }

    fn handler_info(&self) -> Result<&dyn HandlerInfo, Hresult> {
        Ok(self)
    }

    fn capabilities(&self) -> Result<HandlerCapabilities, Hresult> {
        let (events, conflicts) = self.whole.shape.of_handler;
        let mut all = HandlerCapabilities::empty();
        all.set(HandlerCapabilities::EVENT_STORE, events);
        all.set(HandlerCapabilities::CONFLICT_STORE, conflicts);
        Ok(all)
    }

    fn items(&self) -> Result<ItemEnumerator, Hresult> {
        let items = self
            .items
            .iter()
            .map(|item| Arc::clone(item) as Arc<dyn SyncItem>);
        Ok(ItemEnumerator::new(items.collect()))
    }

    fn item(&self, id: &ItemId) -> Result<Arc<dyn SyncItem>, Hresult> {
        let item = self
            .items
            .iter()
            .find(|part| part.item == Some(id.as_str()));
        item.map(|item| Arc::clone(item) as Arc<dyn SyncItem>)
            .ok_or(Hresult::InvalidArgument)
    }

    fn event_store(&self) -> Option<&dyn EventStore> {
        self.whole
            .shape
            .of_handler
            .0
            .then_some(&self.whole as &dyn EventStore)
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        self.whole
            .shape
            .of_handler
            .1
            .then_some(&self.whole as &dyn ConflictStore)
    }

    fn presenter(&self) -> Option<Box<dyn ConflictPresenter>> {
        self.whole
            .things()
            .has_presenter
            .then(|| Box::new(Own(Arc::clone(&self.whole.things))) as Box<dyn ConflictPresenter>)
    }

    fn synchronize(
        &self,
        request: &SyncRequest,
        creator: &dyn SessionCreator,
    ) -> Result<(), Trouble> {
        let ids: Vec<_> = request.items.iter().map(|item| item.id.clone()).collect();
        let callback = creator.create_session(&self.whole.handler, &ids).unwrap();
        let mut things = self.whole.things();
        if let Work::Resolve(choices) = &request.work {
            for it in choices {
                let (id, choice) = (&it.conflict, &it.choice);
                things.log.push(format!("session: {id} {choice:?}"));
            }
        }
        let (reports, ends) = (things.reports.clone(), things.ends);
        let said = things.says_conflicts;
        drop(things);
        for (item, level) in reports {
            let item = item.map(|item| ItemId::new(item).unwrap());
            let new = NewEvent::said(item, (level.number(), 0), "name", "description");
            callback.report_event(new.unwrap()).unwrap();
        }
        for id in ids {
            if let Some(n_conflicts) = said {
                let summary = Summary {
                    n_conflicts,
                    ..Summary::default()
                };
                callback.report_summary(&id, &summary).unwrap();
            }
            let status = ends.unwrap_or(ProgressStatus::Succeeded);
            callback.report_status(&id, status).unwrap();
        }
        Ok(())
    }
}

impl SyncItem for Part {
    fn id(&self) -> Result<String, Hresult> {
        Ok(self.item.unwrap_or_default().to_owned())
    }

    fn name(&self) -> Result<String, Hresult> {
        self.id()
    }

    fn capabilities(&self) -> Result<ItemCapabilities, Hresult> {
        let (events, conflicts) = self.shape.of_items;
        let mut all = ItemCapabilities::empty();
        all.set(ItemCapabilities::EVENT_STORE, events);
        all.set(ItemCapabilities::CONFLICT_STORE, conflicts);
        Ok(all)
    }

    fn event_store(&self) -> Option<&dyn EventStore> {
        self.shape.of_items.0.then_some(self as &dyn EventStore)
    }

    fn conflicts(&self) -> Option<&dyn ConflictStore> {
        self.shape.of_items.1.then_some(self as &dyn ConflictStore)
    }
}

impl EventStore for Part {
    fn events(&self) -> Result<Vec<Event>, Hresult> {
        let things = self.things();
        let its = things
            .events
            .iter()
            .filter(|event| self.is_its(event.item.as_ref().map(ItemId::as_str)));
        Ok(its.cloned().collect())
    }

    fn event(&self, id: EventId) -> Result<Event, Hresult> {
        let found = self.events()?.into_iter().find(|event| event.id == id);
        found.ok_or(Hresult::InvalidArgument)
    }

    fn remove(&self, ids: &[EventId]) -> Result<(), Hresult> {
        let mut things = self.things();
        let numbers: Vec<_> = ids.iter().map(|id| id.0).collect();
        things.log.push(format!("remove events {numbers:?}"));
        if things.refuses_removal {
            return Err(Hresult::AccessDenied);
        }
        things.events.retain(|event| !ids.contains(&event.id));
        Ok(())
    }
}

impl ConflictStore for Part {
    fn enumerate(&self, filter: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let held = {
            let mut things = self.things();
            things.n_listed += 1;
            things.conflicts.clone()
        };
        let fits = |held: &Held| {
            let item = held.item.map(|item| ItemId::new(item).unwrap());
            self.is_its(held.item) && filter.fits(&self.handler, item.as_ref())
        };
        let view = |held| {
            let things = Arc::clone(&self.things);
            Arc::new(View { held, things }) as Arc<dyn ConflictView>
        };
        Ok(held.into_iter().filter(fits).map(view).collect())
    }

    fn can_remove(&self) -> bool {
        true
    }

    fn remove(&self, ids: &[ConflictId]) -> Result<(), Trouble> {
        let mut things = self.things();
        let texts: Vec<_> = ids
            .iter()
            .map(|id| String::from_utf8_lossy(&id.id))
            .collect();
        let entry = format!("remove conflicts {texts:?}");
        things.log.push(entry);
        if things.refuses_removal {
            return Err(no("it is needed"));
        }
        things
            .conflicts
            .retain(|held| !ids.contains(&ConflictId::new(held.id)));
        Ok(())
    }
}

/// Builds a failure.
pub(crate) fn no(detail: &str) -> Trouble {
    Trouble::new(Code::NotPossible).with("detail", detail)
}

struct View {
    held: Held,
    things: Arc<Mutex<Things>>,
}

impl View {
    fn things(&self) -> MutexGuard<'_, Things> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, what: &str) -> Result<Feedback, Trouble> {
        let mut things = self.things();
        things.log.push(format!("{} {what}", self.held.id));
        if things.feedback.is_empty() {
            return Ok(Feedback::Continue);
        }
        things.feedback.remove(0)
    }
}

impl ConflictView for View {
    fn id(&self) -> ConflictId {
        ConflictId {
            id: self.held.id.as_bytes().to_vec(),
            extra: Some(b"extra".to_vec()),
        }
    }

    fn item(&self) -> Option<ItemId> {
        self.held.item.map(|item| ItemId::new(item).unwrap())
    }

    fn kind(&self) -> String {
        self.held.kind.to_owned()
    }

    fn property(&self, key: &str) -> Property {
        match key {
            KEY_NAME => Property::Text(self.held.id.to_owned()),
            KEY_DESCRIPTION => Property::Text(self.held.kind.to_owned()),
            _ => Property::Empty,
        }
    }

    fn contents(&self) -> Result<Vec<Content>, Trouble> {
        let content = |place: &str, alternate: Option<&str>| Content {
            display_name: self.held.id.to_owned(),
            original_name: None,
            alternate_name: alternate.map(str::to_owned),
            short_location: place.to_owned(),
            full_location: format!("{place}:{}", self.held.id),
            kind: ContentKind::Updated,
            size: None,
            modified: None,
            path: None,
        };
        Ok(vec![
            content("here", None),
            content("there", Some("copy from there")),
        ])
    }

    fn resolve(&self, info: &mut ResolveInfo) -> Result<(), Hresult> {
        if !self.things().resolves_itself {
            return Err(Hresult::NotImplemented);
        }
        self.note("resolves itself").ok();
        info.set_choice(PresenterChoice::KeepOne, false);
        info.set_item_choices(&[0]);
        info.set_carried_out(Feedback::Continue);
        Ok(())
    }

    fn resolution(&self) -> &dyn ResolutionHandler {
        self
    }
}

impl ResolutionHandler for View {
    fn abilities(&self) -> Result<Abilities, Trouble> {
        Ok(self.things().abilities)
    }

    fn as_work(&self, decision: &Decision) -> Result<Option<Choice>, Trouble> {
        if !self.things().works_in_sessions {
            return Ok(None);
        }
        match decision {
            Decision::KeepRecent => Ok(Some(Choice::KeepNewest)),
            _ => Err(no("only the most recent")),
        }
    }

    fn keep_items(&self, items: &[KeptItem]) -> Result<Feedback, Trouble> {
        let named = |item: &KeptItem| match &item.name {
            Some(name) => format!("{} as {name}", item.index),
            None => item.index.to_string(),
        };
        let all: Vec<_> = items.iter().map(named).collect();
        self.note(&format!("keep {}", all.join(", ")))
    }

    fn keep_recent(&self) -> Result<Feedback, Trouble> {
        self.note("keep recent")
    }

    fn keep_other(&self, other: &Substitute) -> Result<Feedback, Trouble> {
        self.note(&format!("keep {other:?}"))
    }

    fn remove_from_sync_set(&self) -> Result<Feedback, Trouble> {
        self.note("remove from sync set")
    }
}

/// The presenter the handler brings: it keeps the content that is there, and says so.
struct Own(Arc<Mutex<Things>>);

impl ConflictPresenter for Own {
    fn present(
        &mut self,
        conflict: &dyn ConflictView,
        info: &mut ResolveInfo,
    ) -> Result<(), Trouble> {
        let name = conflict.property(KEY_NAME);
        let mut things = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = format!("own presenter: {}", name.text().unwrap_or_default());
        things.log.push(entry);
        info.set_choice(PresenterChoice::KeepOne, false);
        info.set_item_choices(&[1]);
        Ok(())
    }
}
