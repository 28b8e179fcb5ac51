//! What a line knows of its items without asking the center.
//!
//! The items a session begins with never change, so they are found without a lock; only those that
//! are added later lie behind one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use syncmgr_model::id::ItemId;
use syncmgr_model::progress::Progress;

/// One item.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) cancel: AtomicU8,
    /// It has a final status, so the next report is not progress.
    pub(crate) is_final: AtomicBool,
    pub(crate) phase: AtomicU8,
    /// When the next progress report may pass.
    pub(crate) next_ms: AtomicU64,
    /// The last report that did not pass: the final counts of a phase must not get lost.
    pub(crate) held_back: Mutex<Option<Progress>>,
}

impl Part {
    fn new() -> Self {
        Self {
            cancel: AtomicU8::new(0),
            is_final: AtomicBool::new(false),
            phase: AtomicU8::new(u8::MAX),
            next_ms: AtomicU64::new(0),
            held_back: Mutex::default(),
        }
    }
}

/// The items of a line.
#[derive(Debug)]
pub(crate) struct Parts {
    /// Sorted.
    first: Box<[(ItemId, Part)]>,
    late: RwLock<HashMap<ItemId, Arc<Part>>>,
}

impl Parts {
    pub(crate) fn new(mut items: Vec<ItemId>) -> Self {
        items.sort_unstable();
        items.dedup();
        Self {
            first: items.into_iter().map(|item| (item, Part::new())).collect(),
            late: RwLock::default(),
        }
    }

    fn find(&self, item: &ItemId) -> Option<&Part> {
        let at = self.first.binary_search_by(|(other, _)| other.cmp(item));
        at.ok()
            .and_then(|at| self.first.get(at))
            .map(|(_, part)| part)
    }

    /// Looks at an item; `None` when it is not there.
    pub(crate) fn with<T>(&self, item: &ItemId, look: impl FnOnce(&Part) -> T) -> Option<T> {
        if let Some(part) = self.find(item) {
            return Some(look(part));
        }
        self.late(item).map(|part| look(&part))
    }

    /// Returns a copy of the way to a late item, so that no lock is held while anybody looks at it:
    /// whoever looks may wait for the center, and the center adds items.
    fn late(&self, item: &ItemId) -> Option<Arc<Part>> {
        let late = self.late.read().unwrap_or_else(PoisonError::into_inner);
        late.get(item).cloned()
    }

    /// Looks at an item, which is added when it is not there.
    pub(crate) fn with_any<T>(&self, item: &ItemId, look: impl FnOnce(&Part) -> T) -> T {
        if let Some(part) = self.find(item) {
            return look(part);
        }
        let mut late = self.late.write().unwrap_or_else(PoisonError::into_inner);
        let part = late
            .entry(item.clone())
            .or_insert_with(|| Arc::new(Part::new()));
        let part = Arc::clone(part);
        drop(late);
        look(&part)
    }

    /// Adds an item, unless it is there.
    pub(crate) fn add(&self, item: &ItemId) {
        self.with_any(item, |_| ());
    }

    /// Looks at the only item; `None` when there are several.
    pub(crate) fn only<T>(&self, look: impl FnOnce(&Part) -> T) -> Option<T> {
        let late = self.late.read().unwrap_or_else(PoisonError::into_inner);
        let is_alone = late.is_empty();
        drop(late);
        match &*self.first {
            [(_, part)] if is_alone => Some(look(part)),
            _ => None,
        }
    }
}
