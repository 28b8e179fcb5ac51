//! A look at very many items: what a list is filtered and ordered by, borrowed and cheap.

use syncmgr_model::id::{ItemKey, SessionId};
use syncmgr_model::item::Item;
use syncmgr_model::schedule::Schedule;
use syncmgr_model::status::Status;
use syncmgr_model::time::Timestamp;

use super::State;

/// What a list is filtered and ordered by.
#[derive(Debug, Clone, Copy)]
pub struct Glance<'a> {
    /// Its key.
    pub key: &'a ItemKey,
    /// What its handler is given.
    pub item: &'a Item,
    /// What it is called: its name, or what its handler calls it; empty: neither is known.
    pub title: &'a str,
    /// Its one status.
    pub status: Status,
    /// The folders it works on, absolute, bytes.
    pub paths: &'a [Vec<u8>],
    /// The last session that says something of it.
    pub last: Option<&'a SessionId>,
    /// When it runs next by itself, as far as that is a time.
    pub next: Option<Timestamp>,
    /// A person does not want to see it in lists.
    pub is_hidden: bool,
}

impl State {
    /// Looks at an item.
    #[must_use]
    pub fn glance(&self, key: &ItemKey, now: Timestamp) -> Option<Glance<'_>> {
        let (key, entry) = self.items.get_key_value(key)?;
        let agenda = entry.agenda.as_ref();
        Some(Glance {
            key,
            item: &entry.item,
            title: self.title(key).unwrap_or_default(),
            status: self.status(key, now)?,
            paths: &entry.paths,
            last: entry.memory.last_session.as_ref(),
            is_hidden: entry.memory.is_hidden,
            next: agenda.and_then(|it| it.look.as_ref()?.next_due),
        })
    }

    /// Returns what an item is called: its name, or what its handler calls it; `None` for one that
    /// is not known.
    #[must_use]
    pub fn title(&self, key: &ItemKey) -> Option<&str> {
        let entry = self.items.get(key)?;
        Some(entry.item.name.as_deref().unwrap_or(&entry.memory.name))
    }

    /// Returns the items that a schedule runs.
    pub fn covered<'a>(&'a self, schedule: &'a Schedule) -> impl Iterator<Item = &'a ItemKey> {
        self.item_keys().filter(|key| {
            let entry = self.items.get(*key);
            entry.is_some_and(|entry| schedule.covers(&entry.memory.name))
        })
    }
}
