//! The conflicts and results that a handler in a process of its own keeps.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use syncmgr_model::conflict::{
    ConflictId, Content, KEY_DESCRIPTION, KEY_FOUND, KEY_HANDLER, KEY_ITEM, KEY_NAME, Property,
};
use syncmgr_model::event::Event;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, ItemId};
use syncmgr_model::resolution::{Abilities, Decision, Feedback, KeptItem, Substitute};
use syncmgr_model::time::Timestamp;
use syncmgr_model::trouble::{Code, Trouble};
use syncmgr_protocol::text::{SHOWN_MAX, harmless};
use syncmgr_protocol::{PathText, conflict};
use syncmgr_sdk::{ConflictFilter, ConflictStore, ConflictView, EventStore, ResolutionHandler};

use super::program::Program;
use super::reach;
use super::wire::{self, InConflict};

/// The stores of a handler, or of one item of it.
pub(super) struct Store {
    program: Arc<Program>,
    item: Option<ItemId>,
}

impl Store {
    pub(super) fn new(program: Arc<Program>, item: Option<ItemId>) -> Self {
        Self { program, item }
    }

    fn list(&self, item: Option<&ItemId>) -> Result<Vec<InConflict>, Trouble> {
        let params = json!({"item": item.map(ItemId::as_str)});
        let answer = self.program.ask("conflicts/list", params);
        let answer = answer.map_err(|error| error.trouble(self.program.id()))?;
        let all = wire::conflicts(answer);
        self.program.understood("conflicts/list", all)
    }
}

impl ConflictStore for Store {
    fn enumerate(&self, filter: &ConflictFilter) -> Result<Vec<Arc<dyn ConflictView>>, Trouble> {
        let item = self.item.as_ref().or(filter.item.as_ref());
        let all = self.list(item)?.into_iter();
        let fit = all.filter(|it| {
            // The store of an item has its conflicts and no others, whatever the handler says.
            let is_here = self.item.is_none() || it.item == self.item;
            is_here && filter.fits(self.program.id(), it.item.as_ref())
        });
        let view = |conflict| {
            let program = Arc::clone(&self.program);
            Arc::new(View { program, conflict }) as Arc<dyn ConflictView>
        };
        Ok(fit.map(view).collect())
    }

    fn remove(&self, ids: &[ConflictId]) -> Result<(), Trouble> {
        let offered = self.program.running(&[])?.hello.offers.conflicts;
        if !offered.is_some_and(|offered| offered.remove) {
            let detail = "its conflicts go away when they are decided";
            return Err(Trouble::new(Code::NotPossible).with("detail", detail));
        }
        let ids: Vec<_> = ids
            .iter()
            .map(|id| String::from_utf8_lossy(&id.id).into_owned())
            .collect();
        let answer = self.program.ask("conflicts/remove", json!({"ids": ids}));
        answer
            .map(drop)
            .map_err(|error| error.trouble(self.program.id()))
    }
}

/// A conflict, as it was listed.
struct View {
    program: Arc<Program>,
    conflict: InConflict,
}

impl ConflictView for View {
    fn id(&self) -> ConflictId {
        ConflictId::new(self.conflict.said.id.as_bytes())
    }

    fn item(&self) -> Option<ItemId> {
        self.conflict.item.clone()
    }

    fn kind(&self) -> String {
        harmless(&self.conflict.said.kind, SHOWN_MAX)
    }

    fn property(&self, key: &str) -> Property {
        let text = |text: &str| match text {
            "" => Property::Empty,
            text => Property::Text(text.to_owned()),
        };
        match key {
            KEY_NAME => text(&self.conflict.said.shown_name()),
            KEY_DESCRIPTION => text(&self.conflict.said.shown_description()),
            KEY_HANDLER => text(self.program.id().as_str()),
            KEY_ITEM => text(self.conflict.item.as_ref().map_or("", ItemId::as_str)),
            KEY_FOUND => {
                let found_at = self.conflict.said.found_at.map(Timestamp);
                found_at.map_or(Property::Empty, Property::Time)
            }
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
    fn resolve(&self, decision: &Decision) -> Result<Feedback, Trouble> {
        let mut other = None;
        let decision = conflict::Decision::of(decision, |bytes| {
            let path = self.put_down(bytes)?;
            let text = PathText::of_path(&path);
            other = Some(path);
            Ok::<_, Trouble>(text)
        })?;
        let params = conflict::Resolve {
            id: self.conflict.said.id.clone(),
            item: self.conflict.said.item.clone(),
            decision,
        };
        let answer = self.program.ask("conflicts/resolve", wire::write(&params));
        if let Some(other) = other {
            // The handler has taken it over, or will not any more.
            drop(std::fs::remove_file(other));
        }
        let answer = answer.map_err(|error| error.trouble(self.program.id()))?;
        let feedback = wire::feedback(answer);
        self.program.understood("conflicts/resolve", feedback)
    }

    /// Writes bytes where the handler can read them.
    fn put_down(&self, bytes: &[u8]) -> Result<PathBuf, Trouble> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = reach::temporary(&self.program.around.data_dir(self.program.id()));
        let path = folder.join(format!("merged-{}-{number}", std::process::id()));
        let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, bytes));
        written.map(|()| path).map_err(|error| {
            Trouble::new(Code::NotPossible).with("detail", format!("cannot hand it over: {error}"))
        })
    }
}

impl ResolutionHandler for View {
    fn abilities(&self) -> Result<Abilities, Trouble> {
        let offered = self.program.running(&[])?.hello.offers.conflicts;
        Ok(self.conflict.said.abilities(offered.unwrap_or_default()))
    }

    fn keep_items(&self, items: &[KeptItem]) -> Result<Feedback, Trouble> {
        self.resolve(&Decision::KeepItems(items.to_vec()))
    }

    fn keep_recent(&self) -> Result<Feedback, Trouble> {
        self.resolve(&Decision::KeepRecent)
    }

    fn keep_other(&self, other: &Substitute) -> Result<Feedback, Trouble> {
        self.resolve(&Decision::KeepOther(other.clone()))
    }

    fn remove_from_sync_set(&self) -> Result<Feedback, Trouble> {
        self.resolve(&Decision::RemoveFromSyncSet)
    }
}

impl EventStore for Store {
    fn events(&self) -> Result<Vec<Event>, Hresult> {
        let params = json!({"item": self.item.as_ref().map(ItemId::as_str)});
        let answer = self.program.ask("events/list", params);
        let answer = answer.map_err(|error| error.hresult())?;
        let events = wire::events(self.program.id(), answer);
        let events = self.program.understood("events/list", events);
        let mut events = events.map_err(|_| Hresult::Failed)?;
        events.retain(|event| self.item.is_none() || event.item == self.item);
        Ok(events)
    }

    fn event(&self, id: EventId) -> Result<Event, Hresult> {
        let mut events = self.events()?.into_iter();
        events
            .find(|event| event.id == id)
            .ok_or(Hresult::InvalidArgument)
    }

    fn remove(&self, ids: &[EventId]) -> Result<(), Hresult> {
        let ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        let answer = self.program.ask("events/remove", json!({"ids": ids}));
        answer.map(drop).map_err(|error| error.hresult())
    }
}
