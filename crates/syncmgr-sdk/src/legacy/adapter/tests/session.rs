//! A session that remembers what it is told and keeps the rules of one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use syncmgr_model::event::NewEvent;
use syncmgr_model::hresult::Hresult;
use syncmgr_model::id::{EventId, HandlerId, ItemId};
use syncmgr_model::item::Item;
use syncmgr_model::preview::Preview;
use syncmgr_model::progress::{CancelRequest, ProgressStatus};
use syncmgr_model::record::Summary;
use syncmgr_model::request::{Additional, Token};

use super::mail::CLASS;
use crate::legacy::Guid;
use crate::{ItemProgress, SessionCreator, SyncCallback, SyncItem};

/// Status, steps done, steps in all, text.
pub(super) type Shown = (ProgressStatus, u64, Option<u64>, String);
type Stop = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub(super) struct Session {
    inside: Mutex<Inside>,
    /// Cancelling an item is told to who asks, and nobody else.
    pub(super) is_quiet: AtomicBool,
    stops: Mutex<Vec<Arc<Stop>>>,
}

#[derive(Default)]
struct Inside {
    items: BTreeMap<ItemId, Vec<Shown>>,
    events: Vec<NewEvent>,
    is_cancelled: bool,
    cancelled: BTreeSet<ItemId>,
}

impl Session {
    /// Cancels an item, or everything.
    pub(super) fn cancel(&self, id: Option<Guid>) {
        let mut inside = self.inside.lock().unwrap();
        match id {
            Some(id) => drop(inside.cancelled.insert(id.item_id())),
            None => inside.is_cancelled = true,
        }
        drop(inside);
        if self.is_quiet.load(Ordering::SeqCst) {
            return;
        }
        let stops = self.stops.lock().unwrap().clone();
        stops.iter().for_each(|stop| stop());
    }

    pub(super) fn shown(&self, id: Guid) -> Vec<Shown> {
        self.inside.lock().unwrap().items[&id.item_id()].clone()
    }

    pub(super) fn events(&self) -> Vec<NewEvent> {
        self.inside.lock().unwrap().events.clone()
    }
}

impl SyncCallback for Session {
    fn run_id(&self) -> &str {
        "run"
    }

    fn report_progress(
        &self,
        item: &ItemId,
        status: ProgressStatus,
        progress: &ItemProgress<'_>,
    ) -> Result<CancelRequest, Hresult> {
        let mut inside = self.inside.lock().unwrap();
        let reports = inside.items.get_mut(item).ok_or(Hresult::InvalidArgument)?;
        let is_over = reports.last().is_some_and(|(last, ..)| last.is_terminal());
        assert!(
            !is_over || status == ProgressStatus::Failed,
            "{status:?} after the end"
        );
        let text = String::from_utf8_lossy(progress.current.unwrap_or_default()).into_owned();
        reports.push((status, progress.n_done, progress.n_total, text));
        Ok(if inside.is_cancelled {
            CancelRequest::All
        } else if inside.cancelled.contains(item) {
            CancelRequest::Item
        } else {
            CancelRequest::None
        })
    }

    fn report_summary(&self, _item: &ItemId, _summary: &Summary) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    fn report_preview(&self, _item: &ItemId, _preview: Preview) -> Result<(), Hresult> {
        Err(Hresult::NotImplemented)
    }

    fn set_handler_progress_text(&self, _text: &str) -> CancelRequest {
        CancelRequest::None
    }

    fn report_event(&self, event: NewEvent) -> Result<EventId, Hresult> {
        let mut inside = self.inside.lock().unwrap();
        inside.events.push(event);
        Ok(EventId(inside.events.len() as u64))
    }

    fn can_continue(&self, item: Option<&ItemId>) -> Result<bool, Hresult> {
        let inside = self.inside.lock().unwrap();
        Ok(match item {
            None => !inside.is_cancelled,
            Some(item) if !inside.items.contains_key(item) => return Err(Hresult::InvalidArgument),
            Some(item) => !inside.is_cancelled && !inside.cancelled.contains(item),
        })
    }

    fn query_for_additional_items(&self) -> Result<Option<Additional>, Hresult> {
        Ok(None)
    }

    fn add_item_to_session(&self, _item: &ItemId) -> Result<Item, Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn add_token_to_session(&self, _token: &Token) -> Result<(), Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn propose_item(&self, _item: Arc<dyn SyncItem>) -> Result<(), Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn commit_item(&self, _item: &ItemId) -> Result<(), Hresult> {
        Err(Hresult::InvalidArgument)
    }

    fn report_manual_sync(&self) -> Result<(), Hresult> {
        Ok(())
    }

    fn on_cancel(&self, stop: Stop) {
        let inside = self.inside.lock().unwrap();
        let is_cancelled = inside.is_cancelled || !inside.cancelled.is_empty();
        drop(inside);
        if is_cancelled {
            stop();
        }
        self.stops.lock().unwrap().push(Arc::new(stop));
    }
}

/// Opens the one session of a test.
#[derive(Default)]
pub(super) struct Creator {
    pub(super) session: Arc<Session>,
}

impl Creator {
    /// How each item ended.
    pub(super) fn ends(&self) -> Vec<(String, ProgressStatus)> {
        let inside = self.session.inside.lock().unwrap();
        let ends = inside.items.iter().map(|(id, reports)| {
            let (status, ..) = reports.last().expect("every item has a report");
            (id.to_string(), *status)
        });
        ends.collect()
    }
}

impl SessionCreator for Creator {
    fn create_session(
        &self,
        handler: &HandlerId,
        items: &[ItemId],
    ) -> Result<Arc<dyn SyncCallback>, Hresult> {
        assert_eq!(*handler, CLASS.handler_id());
        let mut inside = self.session.inside.lock().unwrap();
        inside.items = items.iter().map(|id| (id.clone(), Vec::new())).collect();
        Ok(Arc::clone(&self.session) as _)
    }
}
